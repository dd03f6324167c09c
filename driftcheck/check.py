"""The pipeline: desired state to readings to findings to a report."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from driftcheck import pool
from driftcheck.compare import compare
from driftcheck.fetch import fetch
from driftcheck.model import Live, Report, Warn
from driftcheck.paths import show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from driftcheck.desired import DesiredState
    from driftcheck.fetch import Cloud, Limits
    from driftcheck.model import Address, Finding, Reading


def check(
    state: DesiredState,
    cloud: Cloud,
    limits: Limits,
    *,
    unmanaged: bool = True,
    stop: pool.Stop | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Report:
    """Read everything that is declared, and what else exists when ``unmanaged`` is asked for, and compare."""
    stop = stop or pool.Stop()
    started_at = datetime.now(UTC)
    fetched = fetch(state, cloud, limits, unmanaged=unmanaged, stop=stop, progress=progress)
    today = started_at.date()
    findings = [compare(desired, fetched.readings[desired.address], today) for desired in state.definitions]
    return Report(
        started_at=started_at,
        finished_at=datetime.now(UTC),
        complete=not stop.requested,
        targets=tuple(fetched.targets),
        findings=(*findings, *fetched.unmanaged.values()),
        warnings=(
            *fetched.warnings,
            *_unknown_members(state, fetched.readings),
            *_idle_rules(state, findings, fetched.readings, today),
        ),
    )


def _unknown_members(state: DesiredState, readings: Mapping[Address, Reading]) -> Iterator[Warn]:
    for desired in state.definitions:
        reading = readings[desired.address]
        if isinstance(reading, Live):
            for path in reading.unknown:
                yield Warn(
                    "unknown-member",
                    f"{desired.address.name}: AWS returned {show(path)}, which the installed botocore "
                    "does not know: upgrade boto3 to declare it",
                    desired.location,
                )


def _idle_rules(
    state: DesiredState, findings: Sequence[Finding], readings: Mapping[Address, Reading], today: date
) -> Iterator[Warn]:
    """Rules of ``ignore_changes`` that have expired, or that hid nothing wherever live could be read."""
    used = {hidden.rule for finding in findings for hidden in finding.ignored}
    said = set()
    for desired in state.definitions:
        for rule in desired.ignore:
            if rule in used or rule in said:
                continue
            text = f"{desired.address.name}: the rule {rule.pattern.text} of ignore_changes"
            if rule.until is not None and rule.until < today:
                said.add(rule)
                yield Warn("ignore-rule-expired", f"{text} expired after {rule.until}", rule.location)
            elif isinstance(readings[desired.address], Live):
                said.add(rule)
                yield Warn("ignore-rule-unused", f"{text} hid nothing in this run", rule.location)
