"""What one reading says of both sides of a change: where each difference is from, and what is rolled out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from driftcheck.compare import compare, differences
from driftcheck.kinds import TAGS
from driftcheck.leaf import ELEMENT, Leaf, are_near, leaves_of, place_of
from driftcheck.model import Before, Change, Live, Missing, Origin, Status
from driftcheck.revision import Declaration, DeclaredChange, Former, Presence, Revised, Rollout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date

    from driftcheck.changes import Edit, Subject
    from driftcheck.model import Desired, Finding, Path, PropertyDifference, Reading

_DECLARED = {Change.REMOVED: Change.ADDED, Change.ADDED: Change.REMOVED, Change.CHANGED: Change.CHANGED}
"""How a declaration was changed, by what tells its head from its base as if that were live."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a reading says of one address: by head, by the base, and of what became of the declaration."""

    head: Finding | None
    base: Finding | None
    declaration: Declaration | None


def judge(subject: Subject, reading: Reading, today: date) -> Judged:
    """Hold a reading against what both sides declare at an address.

    The finding of head has an origin in each difference, and what the base makes of the same reading.
    """
    head = _finding(subject, subject.head, reading, today)
    if subject.base and subject.head and _say_the_same(subject.base, subject.head):
        base = head
    else:
        base = _finding(subject, subject.base, reading, today)
    traced = _traced(subject, head, base, reading) if head else None
    return Judged(traced, base, _declaration(subject, reading))


def _finding(subject: Subject, side: Desired | None, reading: Reading, today: date) -> Finding | None:
    return compare(side, _seen_by(side, reading), today, subject.secrets) if side else None


def _seen_by(side: Desired, reading: Reading) -> Reading:
    """The reading without tags that only the other side declares."""
    if not isinstance(reading, Live) or TAGS in side.properties or TAGS not in reading.properties:
        return reading
    return replace(reading, properties={k: v for k, v in reading.properties.items() if k != TAGS})


def _say_the_same(base: Desired, head: Desired) -> bool:
    rules = [[(rule.pattern, rule.until) for rule in side.ignore] for side in (base, head)]
    return rules[0] == rules[1] and base.properties == head.properties


def _traced(subject: Subject, head: Finding, base: Finding | None, reading: Reading) -> Finding:
    """The finding of head with what the base makes of its status and differences."""
    status = base.status if base else None
    if head.status is Status.MISSING:
        origin = Origin.EXISTING if base else Origin.INTRODUCED
        return replace(head, before=Before(status, origin, intended=base is None))
    if not isinstance(reading, Live) or subject.head is None:
        return replace(head, before=Before(status))
    if base is None or subject.base is None:
        # AWS has one of this name already: that it differs is nothing that rolling out is meant to end
        found = tuple(replace(each, origin=Origin.INTRODUCED) for each in head.differences)
        return replace(head, differences=found, before=Before(Status.UNMANAGED))
    differing = _shown(subject.head, head, reading)
    differed = _shown(subject.base, base, reading)
    edited = [leaf for edit in _edits(subject) for leaf in leaves_of(edit.raw, subject.head)]
    blocks = [place_of(edit.raw, subject.head) for edit in _edits(subject)]
    known = Counter(leaf.identity for some in differed for leaf in some)
    known.update(lacking for some in differed for leaf in some if (lacking := leaf.lacking))
    still = {leaf.identity for some in differing for leaf in some}
    # of a block that AWS lacks still, other leaves may be declared now
    still |= {(each.path,) for each in head.differences if not any(isinstance(s, int) for s in each.path)}
    return replace(
        head,
        differences=tuple(
            _with_origin(difference, some, known, partial(_is_declared, edited, blocks))
            for difference, some in zip(head.differences, differing, strict=True)
        ),
        before=Before(
            base.status,
            resolved=tuple(
                replace(difference, origin=Origin.RESOLVED)
                for difference, some in zip(base.differences, differed, strict=True)
                if (difference.path,) not in still and not any(leaf.identity in still for leaf in some)
            ),
        ),
    )


def _with_origin(
    difference: PropertyDifference,
    its_leaves: Iterable[Leaf],
    known: Counter[tuple[object, ...]],
    is_declared: Callable[[Leaf], bool],
) -> PropertyDifference:
    """A difference was there if all of it was; what is new in it is intended if all that is declared."""
    news = []
    for leaf in its_leaves:
        if known[leaf.identity]:
            known[leaf.identity] -= 1
            if (lacking := leaf.lacking) and known[lacking]:
                known[lacking] -= 1
        else:
            news.append(leaf)
    if not news:
        return replace(difference, origin=Origin.EXISTING)
    return replace(difference, origin=Origin.INTRODUCED, intended=all(map(is_declared, news)))


def _is_declared(edited: Sequence[Leaf], blocks: Sequence[Path], leaf: Leaf) -> bool:
    """Tell whether the change has live differ at a leaf: by an edit of it, or of a block that it is in.

    In a block that is no longer declared stands also what the service has filled in, which no edit names.
    """
    return any(_is_in(block, leaf.place) for block in blocks) or any(_is_of(edit, leaf) for edit in edited)


def _is_in(block: Path, place: Path) -> bool:
    """Tell whether a place is one in a block, or what is left of one that held it: an empty one."""
    if ELEMENT not in block:
        return are_near(block, place)
    return len(place) > len(block) and place[: len(block)] == block


def _is_of(edit: Leaf, leaf: Leaf) -> bool:
    """Tell whether live differs because of an edit: one to what desired has, or from what live has."""
    if ELEMENT not in edit.place:
        return edit.is_near(leaf)
    return edit.place == leaf.place and (
        (edit.desired is not None and edit.desired == leaf.desired)
        or (edit.live is not None and edit.live == leaf.live)
    )


def _declaration(subject: Subject, reading: Reading) -> Declaration | None:
    revision = subject.revision
    side = subject.head or subject.base
    if revision is None or side is None:
        return None
    former = None
    if revision.former and revision.revised is not Revised.CHANGED:
        former = Former(revision.former.address, revision.former.location)
    return Declaration(
        revision.revised,
        side.address,
        subject.head.location if subject.head else None,
        former,
        _presence(reading),
        tuple(_rolled_out(subject, reading)),
    )


def _presence(reading: Reading) -> Presence:
    match reading:
        case Live():
            return Presence.PRESENT
        case Missing():
            return Presence.ABSENT
    return Presence.UNKNOWN


def _rolled_out(subject: Subject, reading: Reading) -> Iterator[DeclaredChange]:
    edits, head = _edits(subject), subject.head
    former = subject.revision.former if subject.revision else None
    if not edits or head is None or former is None:
        return
    of_head = _raw_leaves(head, reading)
    of_base = _raw_leaves(former, reading)
    for edit in edits:
        match reading:
            case Live():
                rollout = _rollout(edit.raw, head, of_head, of_base)
            case Missing():
                # where the base declares it too, AWS has not even that
                rollout = Rollout.DIVERGED if subject.base else Rollout.PENDING
            case _:
                rollout = Rollout.UNKNOWN
        now = edit.clean
        change = _DECLARED[now.change]
        yield DeclaredChange(now.path, change, now.live, now.desired, now.sensitive, now.source, rollout)


def _rollout(
    edit: PropertyDifference, head: Desired, of_head: Sequence[Leaf], of_base: Sequence[Leaf]
) -> Rollout:
    edited, place = list(leaves_of(edit, head)), place_of(edit, head)
    differs = any(_meets(leaf, leaf.desired, leaf.live, other) for leaf in edited for other in of_head)
    # an empty block at the place or above it has no leaf of the edit in it
    if not differs and not any(place[: len(other.place)] == other.place for other in of_head):
        return Rollout.DONE
    if not any(_meets(leaf, leaf.live, leaf.desired, other) for leaf in edited for other in of_base):
        return Rollout.PENDING
    return Rollout.DIVERGED


def _meets(leaf: Leaf, declared: str | None, other_side: str | None, differing: Leaf) -> bool:
    """Tell whether live is another there than one side of an edit, ``declared``, has it."""
    if ELEMENT not in leaf.place:
        return leaf.is_near(differing)
    if leaf.place != differing.place:
        return False
    return differing.desired == declared if declared is not None else differing.live == other_side


def _edits(subject: Subject) -> tuple[Edit, ...]:
    return subject.revision.edits if subject.revision else ()


def _raw_leaves(side: Desired, reading: Reading) -> list[Leaf]:
    """Every leaf by which live differs from one side, those that rules hide too."""
    return [leaf for raw in _raw(side, reading).values() for leaf in leaves_of(raw, side)]


def _raw(side: Desired, reading: Reading) -> dict[tuple[Path, Change], PropertyDifference]:
    seen = _seen_by(side, reading)
    if not isinstance(seen, Live):
        return {}
    found = differences(side.address.kind, dict(side.properties), dict(seen.properties))
    return {(each.path, each.change): each for each in found}


def _shown(side: Desired, finding: Finding, reading: Reading) -> list[list[Leaf]]:
    """The leaves of each difference of a finding, as they are: of two that look alike, one may be new."""
    if not finding.differences:
        return []
    raw = _raw(side, reading)
    return [list(leaves_of(raw[each.path, each.change], side)) for each in finding.differences]
