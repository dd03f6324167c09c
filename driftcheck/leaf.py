"""The leaves of a difference, each with its place: what tells them apart where definitions change.

The index of an element is no place: what stands before it may have been added or removed. An element is known
by its key, as a tag is, or else by its value.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from driftcheck.kinds import SETS
from driftcheck.model import Change
from driftcheck.paths import at, leaves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftcheck.model import Desired, Json, Path, PropertyDifference

ELEMENT = 0
"""What stands in a place for an element that has no key."""
_KEYS = frozenset(key for key in SETS.values() if key is not None)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf that differs: its place, and what either side has there, as JSON, or None for nothing.

    ``place`` is its path, in which an element of a list is its key, or ``ELEMENT`` where it has none.
    """

    place: Path
    desired: str | None
    live: str | None

    @property
    def identity(self) -> tuple[object, ...]:
        """What it has in common with a leaf by which another declaration differs from the same live."""
        if ELEMENT not in self.place:
            return (self.place,)
        return (self.place, None, self.live) if self.live is not None else (self.place, self.desired)

    @property
    def lacking(self) -> tuple[object, ...] | None:
        """The identity of what live lacks here, if it has another element in its stead; else None.

        Which one of those that live lacks stands against which that it has follows from what is beside them.
        """
        is_other = ELEMENT in self.place and self.desired is not None and self.live is not None
        return (self.place, self.desired) if is_other else None

    def is_near(self, other: Leaf) -> bool:
        """As ``are_near``, of their places."""
        return are_near(self.place, other.place)


def are_near(one: Path, other: Path) -> bool:
    """Tell whether one of two places is the other, or lies under it."""
    return all(a == b for a, b in zip(one, other, strict=False))


def leaves_of(raw: PropertyDifference, side: Desired) -> Iterator[Leaf]:
    """The leaves of a difference whose ``desired`` is what ``side`` declares, nothing of it masked."""
    of, _, member = (None, None, *raw.path)[-3:]
    if raw.change is Change.CHANGED and isinstance(of, str) and SETS.get(of) == member:
        # an element of another key is another one, although the rest of both is the same
        path = raw.path[:-1]
        element = at(side.properties, path)
        other = {**element, member: raw.live}
        yield from leaves_of(replace(raw, path=path, change=Change.REMOVED, desired=element, live=None), side)
        yield from leaves_of(replace(raw, path=path, change=Change.ADDED, desired=None, live=other), side)
        return
    place = place_of(raw, side)
    if raw.change is Change.CHANGED:
        yield Leaf(place, _text(raw.desired), _text(raw.live))
        return
    added = raw.change is Change.ADDED
    value: Any = raw.live if added else raw.desired
    for path in leaves((), value):
        node, inner = value, []
        for step in path:
            node = node[step]
            inner.append(_step(step, node))
        text = _text(node)
        yield Leaf((*place, *inner), None if added else text, text if added else None)


def place_of(raw: PropertyDifference, side: Desired) -> Path:
    """The place of a difference whose ``desired`` is what ``side`` declares."""
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
    return next((key for key in keys if isinstance(key, str)), ELEMENT)


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True)
