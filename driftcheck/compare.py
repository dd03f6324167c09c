"""Desired and a reading of live to a finding: the smallest true statements about how they differ."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, assert_never

from driftcheck.kinds import ABSENT_MEANS, KINDS, SETS, ListShape, MapShape, StructureShape
from driftcheck.model import (
    Change,
    Finding,
    IgnoredDifference,
    Live,
    Missing,
    PropertyDifference,
    Status,
    Unreadable,
)
from driftcheck.redact import MASK, masked, masked_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from driftcheck.kinds import Shape
    from driftcheck.model import Desired, IgnoreRule, Json, Path, Reading

_ABSENT: Any = object()

_CHANGES = {
    "dictionary_item_added": Change.ADDED,
    "iterable_item_added": Change.ADDED,
    "dictionary_item_removed": Change.REMOVED,
    "iterable_item_removed": Change.REMOVED,
    "values_changed": Change.CHANGED,
    "type_changes": Change.CHANGED,
}


def compare(desired: Desired, reading: Reading, today: date) -> Finding:
    """What a reading says of a declared definition.

    ``today`` decides which rules of ``ignore_changes`` have expired. It holds no sensitive value.
    """
    match reading:
        case Live():
            return _compare_live(desired, reading, today)
        case Missing():
            return Finding(desired.address, Status.MISSING, source=desired.location)
        case Unreadable():
            error = replace(reading, message=masked_text(reading.message))
            return Finding(desired.address, Status.ERROR, source=desired.location, error=error)
    assert_never(reading)


def differences(kind: str, desired: Json, live: Json) -> list[PropertyDifference]:
    """How two definitions of a kind differ, leaf by leaf; a block that one side lacks is one difference.

    Both sides hold modelled types. What the service fills in for members that desired leaves out is no
    difference. Paths index a set as desired does; what only live has in it comes after.
    """
    if desired == live:
        return []
    found = _settled(KINDS[kind].request, desired, live)
    if found[0] == found[1]:
        return []
    return sorted(_deep(*found), key=lambda difference: [(isinstance(s, str), s) for s in difference.path])


def _compare_live(desired: Desired, live: Live, today: date) -> Finding:
    shown: list[PropertyDifference] = []
    ignored: list[IgnoredDifference] = []
    for difference in differences(desired.address.kind, dict(desired.properties), dict(live.properties)):
        clean = _shown(desired, difference)
        rule = _hiding(desired.ignore, difference, today)
        if rule is None:
            shown.append(clean)
        else:
            ignored.append(IgnoredDifference(clean, rule))
    return Finding(
        desired.address,
        Status.DRIFTED if shown else Status.IN_SYNC,
        arn=live.arn,
        created_at=live.created_at,
        source=desired.location,
        differences=tuple(shown),
        ignored=tuple(ignored),
    )


def _shown(desired: Desired, difference: PropertyDifference) -> PropertyDifference:
    """A difference with its place in the file, and without what may not be shown of either side."""
    path, change = difference.path, difference.change
    wanted, hides_desired = masked(path, difference.desired, desired.sensitive)
    found, hides_live = masked(path, difference.live, desired.sensitive)
    if change is Change.CHANGED and hides_desired != hides_live:
        # a credential stood here, or stands here now: what the other side holds would tell of it
        wanted = found = MASK
    return PropertyDifference(
        path,
        change,
        None if change is Change.ADDED else wanted,
        None if change is Change.REMOVED else found,
        hides_desired or hides_live,
        desired.locate(path),
    )


def _hiding(rules: tuple[IgnoreRule, ...], difference: PropertyDifference, today: date) -> IgnoreRule | None:
    """The rule that hides a difference: one that names it, something above it, or all that is in it."""
    active = [rule for rule in rules if rule.until is None or today <= rule.until]
    for rule in active:
        if rule.pattern.covers(difference.path):
            return rule
    value = difference.live if difference.change is Change.ADDED else difference.desired
    if difference.change is Change.CHANGED or not isinstance(value, dict | list) or not value:
        return None
    hiding = None
    for leaf in _leaves(difference.path, value):
        hiding = next((rule for rule in active if rule.pattern.covers(leaf)), None)
        if hiding is None:
            return None
    return hiding


def _leaves(path: Path, value: Json) -> Iterator[Path]:
    match value:
        case dict() if value:
            for key, member in value.items():
                yield from _leaves((*path, key), member)
        case list() if value:
            for index, member in enumerate(value):
                yield from _leaves((*path, index), member)
        case _:
            yield path


def _settled(shape: Shape | None, desired: Any, live: Any, name: str = "") -> tuple[Any, Any]:
    """Both sides without the differences that mean nothing: defaults filled in, and the order of sets."""
    if isinstance(desired, dict) and isinstance(live, dict):
        if isinstance(shape, StructureShape):
            live = {
                key: value
                for key, value in live.items()
                if key in desired or value != ABSENT_MEANS.get(key, _ABSENT)
            }
        both = {
            key: _settled(_member(shape, key), desired[key], live[key], key)
            for key in desired.keys() & live.keys()
        }
        return (
            {key: both[key][0] if key in both else value for key, value in desired.items()},
            {key: both[key][1] if key in both else value for key, value in live.items()},
        )
    if isinstance(desired, list) and isinstance(live, list):
        element = shape.member if isinstance(shape, ListShape) else None
        if name in SETS:
            return _paired(desired, live, SETS[name])
        pairs = [_settled(element, *pair) for pair in zip(desired, live, strict=False)]
        return (
            [pair[0] for pair in pairs] + desired[len(pairs) :],
            [pair[1] for pair in pairs] + live[len(pairs) :],
        )
    return desired, live


def _member(shape: Shape | None, key: str) -> Shape | None:
    match shape:
        case StructureShape():
            return shape.members.get(key)
        case MapShape():
            return shape.value
    return None


def _paired(desired: list[Any], live: list[Any], key: str | None) -> tuple[dict[int, Any], dict[int, Any]]:
    """Two sets as dicts by index, in which equal elements, then those that changed, have the same index.

    An element that changed is one with the same ``key`` member, or the same but for its key; without a key,
    any two that are left over.
    """

    def same_key(a: Any, b: Any) -> bool:
        return key is None or (isinstance(a, dict) and isinstance(b, dict) and a.get(key) == b.get(key))

    def same_rest(a: Any, b: Any) -> bool:
        return isinstance(a, dict) and isinstance(b, dict) and {**a, key: None} == {**b, key: None}

    wanted = dict(enumerate(desired))
    found: dict[int, Any] = {}
    left = list(live)
    for matches in (lambda a, b: a == b, same_key, same_rest):
        for index, element in wanted.items():
            if index in found:
                continue
            at = next((at for at, other in enumerate(left) if matches(element, other)), None)
            if at is not None:
                found[index] = left.pop(at)
    return wanted, found | dict(enumerate(left, start=len(desired)))


def _deep(desired: Any, live: Any) -> Iterator[PropertyDifference]:
    from deepdiff import DeepDiff

    # a key that begins with two underscores is a private variable to DeepDiff, and a block of which most
    # keys differ is one change to it: here both are members like any other
    tree = DeepDiff(
        desired,
        live,
        view="tree",
        ignore_private_variables=False,
        threshold_to_diff_deeper=0,
        verbose_level=2,
    )
    for report, levels in tree.items():
        change = _CHANGES[report]
        for level in levels:
            path = tuple(level.path(use_t2=change is Change.ADDED, output_format="list"))
            yield PropertyDifference(
                path,
                change,
                None if change is Change.ADDED else _plain(level.t1),
                None if change is Change.REMOVED else _plain(level.t2),
            )


def _plain(value: Any) -> Json:
    """A value as JSON; a set that was made a dict by index is a list again."""
    match value:
        case dict() if value and all(isinstance(key, int) for key in value):
            return [_plain(member) for member in value.values()]
        case dict():
            return {key: _plain(member) for key, member in value.items()}
        case list():
            return [_plain(member) for member in value]
    return value  # type: ignore[no-any-return]
