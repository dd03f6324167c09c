"""A change under review: what is to be read for both of its sides, and what each reading says of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from driftcheck.changes import subjects
from driftcheck.kinds import TAGS
from driftcheck.model import Before, Origin, Status, Unreadable, Warn
from driftcheck.origins import judge
from driftcheck.remedies import find_remedy, remedy_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from driftcheck.changes import Subject
    from driftcheck.desired import DesiredState
    from driftcheck.model import Address, Desired, Finding, Reading, Report, TargetReading
    from driftcheck.revision import Declaration


class Review:
    """Two desired states, of which each definition is read once.

    ``state`` is what is to be read: what either side declares, and all else as ``head`` has it; a target that
    only the base has is reached for its definitions alone, unless head has no target. ``judge`` takes each
    reading; ``report`` then puts together what they say.
    """

    def __init__(self, head: DesiredState, base: DesiredState) -> None:
        self._subjects = subjects(base.definitions, head.definitions)
        self._of_base: dict[Address, Finding] = {}
        self._declarations: list[Declaration] = []
        self._declaring = {address.target for address, each in self._subjects.items() if each.head}
        self._unread: dict[str, Unreadable] = {}
        known = {target.name for target in head.targets or base.targets}
        aside = [target for target in base.targets if target.name not in known]
        self.state = replace(
            head,
            definitions=tuple(read for each in self._subjects.values() if (read := _to_read(each))),
            targets=(*(head.targets or base.targets), *aside),
            aside=frozenset(target.name for target in aside),
        )

    def judge(self, desired: Desired, reading: Reading, today: date) -> Finding | None:
        """The finding on what head declares at an address, with origins; None where it declares nothing."""
        found = judge(self._subjects[desired.address], reading, today)
        if found.base:
            self._of_base[desired.address] = found.base
        if found.declaration:
            self._declarations.append(found.declaration)
        if isinstance(reading, Unreadable) and desired.address.target not in self._declaring:
            self._unread.setdefault(desired.address.target, reading)
        return found.head

    def report(self, report: Report) -> Report:
        """The report on head alone, of one that was made of ``state``, with origins for what is unmanaged."""
        aside = [target for target in report.targets if target.name in self.state.aside]
        unread = (
            Warn("base-target-not-read", _unread(each.name, each.error)) for each in aside if each.error
        )
        return replace(
            report,
            # where head declares nothing, what is removed is all that a target could fail by
            targets=tuple(
                replace(target, error=target.error or self._unread.get(target.name))
                for target in report.targets
                if target not in aside
            ),
            findings=tuple(self._with_origins(report.findings, report.targets)),
            warnings=(*report.warnings, *unread),
            undecided=tuple(
                replace(each, finding=finding)
                for each in report.undecided
                for finding in self._with_origins((each.finding,), report.targets)
            ),
        )

    def declarations(self) -> tuple[Declaration, ...]:
        """What became of the declarations, in order, once everything is read."""
        return tuple(sorted(self._declarations, key=lambda each: each.address))

    def _with_origins(
        self, findings: Iterable[Finding], targets: Iterable[TargetReading]
    ) -> Iterable[Finding]:
        """What is unmanaged is so by the change if the base declares it, under any name of its target."""
        places = {each.name: (each.account, each.region) if each.account else each.name for each in targets}
        declared = {(address.kind, places[address.target], address.name) for address in self._of_base}
        for finding in findings:
            address = finding.address
            if finding.status is not Status.UNMANAGED:
                yield finding
            elif (address.kind, places[address.target], address.name) in declared:
                was = self._of_base.get(address)
                before = Before(was.status if was else None, Origin.INTRODUCED, intended=True)
                yield replace(finding, before=before)
            else:
                yield replace(finding, before=Before(Status.UNMANAGED, Origin.EXISTING))


def _unread(target: str, error: Unreadable) -> str:
    """A warning without the error's message: it is shown in public too, and that names roles and sessions."""
    remedy = remedy_text(find_remedy(error.code, error.message, error.profile))
    return f"{target}, which only the base names: {error.code}{remedy and f'; {remedy}'}"


def _to_read(subject: Subject) -> Desired | None:
    """What is asked for at an address: its tags too, if either side declares some."""
    head, base = subject.head, subject.base
    if head and base and TAGS in base.properties and TAGS not in head.properties:
        return replace(head, properties={**head.properties, TAGS: base.properties[TAGS]})
    return head or base
