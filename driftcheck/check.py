"""The pipeline: desired state to readings to findings to a report."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from driftcheck import pool
from driftcheck.compare import compare
from driftcheck.fetch import fetch
from driftcheck.kinds import AWS_TAGS
from driftcheck.model import Inputs, Report, Status, Undecided, Warn, is_same
from driftcheck.paths import show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

    from driftcheck.desired import DesiredState
    from driftcheck.fetch import Cloud, Fetched, Limits
    from driftcheck.memory import Memory
    from driftcheck.model import Address, Desired, Finding, IgnoreRule, Place, Reading

_ARN_COLONS = 5

_READ = frozenset({Status.IN_SYNC, Status.DRIFTED})
"""What only a definition that AWS described can be."""


def check(  # noqa: PLR0913 - what a run may be told
    state: DesiredState,
    cloud: Cloud,
    limits: Limits,
    *,
    unmanaged: bool = True,
    stop: pool.Stop | None = None,
    progress: Callable[[Finding], None] = lambda _: None,
    memories: Mapping[str, Memory] | None = None,
    warnings: Iterable[Warn] = (),
    judge: Callable[[Desired, Reading, date], Finding | None] = compare,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Report:
    """Read everything that is declared, and what else exists when ``unmanaged`` is asked for, and compare.

    ``progress`` is given each finding as soon as there is one. ``memories`` are of the targets, and learn,
    where what was described in earlier runs need not be described again; ``warnings`` are about them.
    ``judge`` gives the finding of a reading, or None where it is read for another reason.
    ``now`` is the clock of the report, and of what expires.
    """
    stop = stop or pool.Stop()
    started_at = now()
    today = started_at.date()
    findings: dict[Address, Finding | None] = {}

    def keep(desired: Desired, reading: Reading) -> None:
        # compared at once: what was read of 100,000 definitions would take more memory than all the rest
        findings[desired.address] = finding = judge(desired, reading, today)
        if finding is not None:
            progress(finding)

    fetched = fetch(state, cloud, limits, unmanaged=unmanaged, stop=stop, keep=keep, memories=memories)
    # what was read for another reason is no part of the report
    found = {address: finding for address, finding in findings.items() if finding is not None}
    if len(found) < len(findings):
        state = replace(state, definitions=tuple(d for d in state.definitions if d.address in found))
    return report(
        state,
        found,
        fetched,
        started_at,
        interrupted=stop.requested,
        unmanaged=unmanaged,
        warnings=warnings,
        now=now,
    )


def report(
    state: DesiredState,
    findings: Mapping[Address, Finding],
    fetched: Fetched,
    started_at: datetime,
    *,
    interrupted: bool,
    unmanaged: bool,
    warnings: Iterable[Warn] = (),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Report:
    """What all findings together say; there is one for each declared definition."""
    unmanaged_ones, undecided = _unmanaged(state, fetched)
    return Report(
        started_at=started_at,
        finished_at=now(),
        interrupted=interrupted or fetched.is_cut_short,
        targets=tuple(fetched.targets),
        findings=(*findings.values(), *unmanaged_ones),
        warnings=(
            *warnings,
            *fetched.warnings,
            *(warning for warning in state.warnings if warning.code == AWS_TAGS),
            *_unknown_members(state, findings),
            *_idle_rules(state, findings, started_at.date()),
        ),
        shard=state.shard,
        calls=fetched.calls,
        inputs=Inputs(state.select, unmanaged, state.digests, state.only),
        undecided=tuple(undecided),
    )


def _unmanaged(state: DesiredState, fetched: Fetched) -> tuple[list[Finding], list[Undecided]]:
    """What no file declares, not even for another target of the same account and region.

    Where the account of the other target, or its region, is not known, it is undecided.
    """
    places = _places(state, fetched)
    found = {(address.kind, address.name) for address in fetched.unmanaged}
    declared_for: dict[tuple[str, str], list[str]] = {}
    for address in state.addresses:
        if (address.kind, address.name) in found:
            declared_for.setdefault((address.kind, address.name), []).append(address.target)
    unmanaged: list[Finding] = []
    undecided: list[Undecided] = []
    for address, finding in fetched.unmanaged.items():
        others = {
            target: is_same(places[address.target], places[target])
            for target in declared_for.get((address.kind, address.name), ())
        }
        if True in others.values():
            continue
        if unknown := tuple(sorted(target for target, is_one in others.items() if is_one is None)):
            undecided.append(Undecided(finding, unknown))
        else:
            unmanaged.append(finding)
    return unmanaged, undecided


def _places(state: DesiredState, fetched: Fetched) -> dict[str, Place]:
    """The account and region, as far as they are known, of each target of the files, reached or not."""
    accounts = {
        address.target: finding.arn.split(":")[4]
        for address, finding in fetched.unmanaged.items()
        if finding.arn and finding.arn.count(":") >= _ARN_COLONS
    }
    # where the credentials are of another account than the operator says, the target is not in theirs
    said = {target.name: target.account for target in state.targets}
    accounts |= {
        each.name: each.account
        for each in fetched.targets
        if each.account and not (each.error and said.get(each.name))
    }
    regions = {each.name: each.region for each in fetched.targets if each.region}
    # the same credentials are those of the same account, and the same settings name the same region
    by_credentials = {(t.profile, t.role_arn): accounts[t.name] for t in state.targets if t.name in accounts}
    by_settings = {t.profile: regions[t.name] for t in state.targets if not t.region and t.name in regions}
    places: dict[str, Place] = {}
    for target in (*state.targets, *state.elsewhere):
        account = accounts.get(target.name) or target.known_account
        account = account or by_credentials.get((target.profile, target.role_arn))
        region = regions.get(target.name) or target.region or by_settings.get(target.profile)
        places[target.name] = account, region
    return places


def _unknown_members(state: DesiredState, findings: Mapping[Address, Finding]) -> Iterator[Warn]:
    for desired in state.definitions:
        for path in findings[desired.address].unknown:
            yield Warn(
                "unknown-member",
                f"{desired.address.name}: AWS returned {show(path)}, which the installed botocore "
                "does not know: upgrade boto3 to declare it",
                desired.location,
            )


def _idle_rules(state: DesiredState, findings: Mapping[Address, Finding], today: date) -> Iterable[Warn]:
    """Rules of ``ignore_changes`` that have expired, or that hid nothing wherever live could be read."""
    used = {hidden.rule for finding in findings.values() for hidden in finding.ignored}
    idle: dict[IgnoreRule, Warn] = {}
    for desired in state.definitions:
        for rule in desired.ignore:
            if rule in used:
                continue
            text = f"{desired.address.name}: the rule {rule.pattern.text} of ignore_changes"
            if rule.until is not None and rule.until < today:
                warn = Warn("ignore-rule-expired", f"{text} expired after {rule.until}", rule.location)
            elif findings[desired.address].status in _READ:
                warn = Warn("ignore-rule-unused", f"{text} hid nothing in this run", rule.location)
            else:
                continue
            # where `${...}` gives a declaration a name in each target, the one said depends on no order
            idle[rule] = min(idle.get(rule, warn), warn, key=lambda each: each.message)
    return idle.values()
