"""What one reading says of both sides of a change: where each difference comes from, and what is rolled out.

The leaves of a definition are told apart by their places. The index of an element is no place: what stands
before it may have been added or removed. An element is known by its key, as a tag is, or else by its value.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from driftcheck.compare import compare, differences
from driftcheck.kinds import SETS, TAGS
from driftcheck.model import Before, Change, Live, Missing, Origin, Status
from driftcheck.paths import leaves
from driftcheck.revision import Declaration, DeclaredChange, Former, Presence, Revised, Rollout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date

    from driftcheck.changes import Edit, Subject
    from driftcheck.model import Desired, Finding, Json, Path, PropertyDifference, Reading

_ELEMENT = 0
_KEYS = frozenset(key for key in SETS.values() if key is not None)
_DECLARED = {Change.REMOVED: Change.ADDED, Change.ADDED: Change.REMOVED, Change.CHANGED: Change.CHANGED}
"""How a declaration was changed, by what tells its head from its base as if that were live."""


@dataclass(frozen=True, slots=True)
class _Leaf:
    """One leaf that differs: its place, and what either side has there, as JSON, or None for nothing.

    ``place`` is its path, in which an element of a list is its key, or ``_ELEMENT`` where it has none.
    """

    place: Path
    desired: str | None
    live: str | None

    @property
    def identity(self) -> tuple[object, ...]:
        """What it has in common with a leaf by which another declaration differs from the same live."""
        if _ELEMENT not in self.place:
            return (self.place,)
        return (self.place, None, self.live) if self.live is not None else (self.place, self.desired)

    def is_near(self, other: _Leaf) -> bool:
        """Tell whether one of two places is the other, or lies under it."""
        return all(a == b for a, b in zip(self.place, other.place, strict=False))


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
    edited = [leaf for edit in _edits(subject) for leaf in _leaves_of(edit.raw, subject.head)]
    blocks = [_place(edit.raw, subject.head) for edit in _edits(subject)]
    known = Counter(leaf.identity for some in differed for leaf in some)
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
    its_leaves: Iterable[_Leaf],
    known: Counter[tuple[object, ...]],
    is_declared: Callable[[_Leaf], bool],
) -> PropertyDifference:
    """A difference was there if all of it was; what is new in it is intended if all that is declared."""
    news = []
    for leaf in its_leaves:
        if known[leaf.identity]:
            known[leaf.identity] -= 1
        else:
            news.append(leaf)
    if not news:
        return replace(difference, origin=Origin.EXISTING)
    return replace(difference, origin=Origin.INTRODUCED, intended=all(map(is_declared, news)))


def _is_declared(edited: Sequence[_Leaf], blocks: Sequence[Path], leaf: _Leaf) -> bool:
    """Tell whether the change has live differ at a leaf: by an edit of it, or of a block that it is in.

    In a block that is no longer declared stands also what the service has filled in, which no edit names.
    """
    inside = any(len(leaf.place) > len(block) and leaf.place[: len(block)] == block for block in blocks)
    return inside or any(_is_of(edit, leaf) for edit in edited)


def _is_of(edit: _Leaf, leaf: _Leaf) -> bool:
    """Tell whether live differs because of an edit: one to what desired has, or from what live has."""
    if _ELEMENT not in edit.place:
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
                rollout = _rollout(list(_leaves_of(edit.raw, head)), of_head, of_base)
            case Missing():
                # where the base declares it too, AWS has not even that
                rollout = Rollout.DIVERGED if subject.base else Rollout.PENDING
            case _:
                rollout = Rollout.UNKNOWN
        now = edit.clean
        change = _DECLARED[now.change]
        yield DeclaredChange(now.path, change, now.live, now.desired, now.sensitive, now.source, rollout)


def _rollout(edited: Sequence[_Leaf], of_head: Sequence[_Leaf], of_base: Sequence[_Leaf]) -> Rollout:
    if not any(_meets(leaf, leaf.desired, leaf.live, other) for leaf in edited for other in of_head):
        return Rollout.DONE
    if not any(_meets(leaf, leaf.live, leaf.desired, other) for leaf in edited for other in of_base):
        return Rollout.PENDING
    return Rollout.DIVERGED


def _meets(leaf: _Leaf, declared: str | None, other_side: str | None, differing: _Leaf) -> bool:
    """Tell whether live is another there than one side of an edit, ``declared``, has it."""
    if _ELEMENT not in leaf.place:
        return leaf.is_near(differing)
    if leaf.place != differing.place:
        return False
    return differing.desired == declared if declared is not None else differing.live == other_side


def _edits(subject: Subject) -> tuple[Edit, ...]:
    return subject.revision.edits if subject.revision else ()


def _raw_leaves(side: Desired, reading: Reading) -> list[_Leaf]:
    """Every leaf by which live differs from one side, those that rules hide too."""
    return [leaf for raw in _raw(side, reading).values() for leaf in _leaves_of(raw, side)]


def _raw(side: Desired, reading: Reading) -> dict[tuple[Path, Change], PropertyDifference]:
    seen = _seen_by(side, reading)
    if not isinstance(seen, Live):
        return {}
    found = differences(side.address.kind, dict(side.properties), dict(seen.properties))
    return {(each.path, each.change): each for each in found}


def _shown(side: Desired, finding: Finding, reading: Reading) -> list[list[_Leaf]]:
    """The leaves of each difference of a finding, as they are: of two that look alike, one may be new."""
    if not finding.differences:
        return []
    raw = _raw(side, reading)
    return [list(_leaves_of(raw[each.path, each.change], side)) for each in finding.differences]


def _leaves_of(raw: PropertyDifference, side: Desired) -> Iterator[_Leaf]:
    place = _place(raw, side)
    if raw.change is Change.CHANGED:
        yield _Leaf(place, _text(raw.desired), _text(raw.live))
        return
    added = raw.change is Change.ADDED
    value: Any = raw.live if added else raw.desired
    for path in leaves((), value):
        node, inner = value, []
        for step in path:
            node = node[step]
            inner.append(_step(step, node))
        text = _text(node)
        yield _Leaf((*place, *inner), None if added else text, text if added else None)


def _place(raw: PropertyDifference, side: Desired) -> Path:
    place = []
    node: Any = dict(side.properties)
    for step in raw.path[:-1]:
        node = node[step]
        place.append(_step(step, node))
    return (*place, _step(raw.path[-1], raw.live if raw.change is Change.ADDED else raw.desired))


def _step(step: str | int, node: Json) -> str | int:
    if isinstance(step, str):
        return step
    keys = (node[key] for key in _KEYS if isinstance(node, dict) and key in node)
    return next((key for key in keys if isinstance(key, str)), _ELEMENT)


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True)
