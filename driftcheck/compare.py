"""Desired and a reading of live to a finding: the smallest true statements about how they differ."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, assert_never

from driftcheck.kinds import ABSENT_MEANS, KINDS, SETS, ListShape, MapShape, StructureShape, is_of_aws
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
from driftcheck.paths import leaves
from driftcheck.redact import MASK, masked, masked_text, secrets_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import date

    from driftcheck.kinds import Shape
    from driftcheck.model import Desired, IgnoreRule, Json, Reading

_ABSENT: Any = object()

_CHANGES = {
    "dictionary_item_added": Change.ADDED,
    "dictionary_item_removed": Change.REMOVED,
    "values_changed": Change.CHANGED,
    "type_changes": Change.CHANGED,
}

_OF_LIVE = 1 << 32
"""Added to the index of a list element that only live has: another element of desired may have the same."""

_MAX_ALIGNED = 250_000
"""Pairs of elements that are looked at to align two lists; AWS takes lists of 100 at most."""


def compare(desired: Desired, reading: Reading, today: date, secrets: Iterable[str] = ()) -> Finding:
    """What a reading says of a declared definition.

    ``today`` decides which rules of ``ignore_changes`` have expired. The finding has no sensitive value, and
    none of the ``secrets`` that are known beside those of both sides.
    """
    match reading:
        case Live():
            return _compare_live(desired, reading, today, secrets)
        case Missing():
            return Finding(desired.address, Status.MISSING, source=desired.location)
        case Unreadable():
            error = replace(reading, message=masked_text(reading.message))
            return Finding(desired.address, Status.ERROR, source=desired.location, error=error)
    assert_never(reading)


def differences(kind: str, desired: Json, live: Json) -> list[PropertyDifference]:
    """How two definitions of a kind differ, leaf by leaf; a block that one side lacks is one difference.

    Both sides hold modelled types. What the service fills in for members that desired leaves out is no
    difference. Paths index a list as desired does, and what only live has in it as live does; in a set that
    comes after all that desired has.
    """
    if desired == live:
        return []
    found = _settled(KINDS[kind].request, desired, live)
    if found[0] == found[1]:
        return []
    return sorted(_deep(*found), key=_order)


def changes(before: Json, after: Json) -> list[PropertyDifference]:
    """How a declaration of a definition was changed, leaf by leaf, as ``differences``.

    ``desired`` is what is declared now and ``live`` what was; nothing is filled in on either side.
    """
    now, then = _settled(None, after, before)
    return [] if now == then else sorted(_deep(now, then), key=_order)


def _order(difference: PropertyDifference) -> tuple[list[tuple[bool, str | int]], bool]:
    """By path; of two elements at one index, what is gone comes before what is new."""
    return [(isinstance(s, str), s) for s in difference.path], difference.change is Change.ADDED


def _compare_live(desired: Desired, live: Live, today: date, secrets: Iterable[str]) -> Finding:
    told: list[PropertyDifference] = []
    ignored: list[IgnoredDifference] = []
    wanted, found = dict(desired.properties), dict(live.properties)
    if differing := differences(desired.address.kind, wanted, found):
        secrets = {
            *secrets,
            *(
                text
                for side in (wanted, found)
                for text in secrets_in(side, desired.sensitive, plain_keys=desired.plain_keys)
            ),
        }
        for difference in differing:
            clean = shown(desired, difference, secrets)
            rules = _hiding(desired.ignore, difference, today)
            ignored += (IgnoredDifference(clean, rule) for rule in rules)
            if not rules:
                told.append(clean)
    return Finding(
        desired.address,
        Status.DRIFTED if told else Status.IN_SYNC,
        arn=live.arn,
        created_at=live.created_at,
        source=desired.location,
        differences=tuple(told),
        ignored=tuple(ignored),
        unknown=live.unknown,
    )


def shown(desired: Desired, difference: PropertyDifference, secrets: Collection[str]) -> PropertyDifference:
    """A difference with its place in the file, and without what may not be shown of either side.

    ``secrets`` are the texts at sensitive paths of both sides.
    """
    path, change = difference.path, difference.change
    rules = desired.sensitive, secrets, desired.plain_keys
    wanted, hides_desired = masked(path, difference.desired, *rules)
    found, hides_live = masked(path, difference.live, *rules)
    if change is Change.CHANGED and hides_desired != hides_live:
        # a credential stood here, or stands here now: what the other side holds would tell of it
        wanted = found = MASK
    return PropertyDifference(
        path,
        change,
        None if change is Change.ADDED else wanted,
        None if change is Change.REMOVED else found,
        difference.sensitive or hides_desired or hides_live,
        desired.locate(path),
    )


def _hiding(rules: tuple[IgnoreRule, ...], difference: PropertyDifference, today: date) -> list[IgnoreRule]:
    """The rules that hide a difference: one that names it or something above it, or those for all in it."""
    active = [rule for rule in rules if rule.until is None or today <= rule.until]
    for rule in active:
        if rule.pattern.covers(difference.path):
            return [rule]
    value = difference.live if difference.change is Change.ADDED else difference.desired
    if difference.change is Change.CHANGED or not isinstance(value, dict | list) or not value:
        return []
    hiding: list[IgnoreRule] = []
    for leaf in leaves(difference.path, value):
        first = next((rule for rule in active if rule.pattern.covers(leaf)), None)
        if first is None:
            return []
        if first not in hiding:
            hiding.append(first)
    return hiding


def _settled(shape: Shape | None, desired: Any, live: Any, name: str = "") -> tuple[Any, Any]:
    """Both sides without what is equal and what means nothing: defaults filled in, and the order of sets.

    Lists that both sides have are dicts by index, in which what corresponds has the same.
    """
    if desired == live:
        return desired, live
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
        return _differing(
            {key: both[key][0] if key in both else value for key, value in desired.items()},
            {key: both[key][1] if key in both else value for key, value in live.items()},
        )
    if isinstance(desired, list) and isinstance(live, list):
        if name in SETS:
            return _paired(desired, live, SETS[name])
        return _aligned(shape.member if isinstance(shape, ListShape) else None, desired, live)
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

    An element that one side names twice is in it once, and a tag of AWS's own not at all. An element that
    changed is one with the same ``key`` member, or the same but for its key; without a key, any two that are
    left over.
    """

    def same_key(a: Any, b: Any) -> bool:
        return key is None or (isinstance(a, dict) and isinstance(b, dict) and a.get(key) == b.get(key))

    def same_rest(a: Any, b: Any) -> bool:
        return isinstance(a, dict) and isinstance(b, dict) and {**a, key: None} == {**b, key: None}

    wanted, others = (
        {
            index: element
            for index, element in enumerate(side)
            if element not in side[:index] and not is_of_aws(element)
        }
        for side in (desired, live)
    )
    found: dict[int, Any] = {}
    left = [*others.values()]
    for matches in (lambda a, b: a == b, same_key, same_rest):
        for index, element in wanted.items():
            if index in found:
                continue
            at = next((at for at, other in enumerate(left) if matches(element, other)), None)
            if at is not None:
                found[index] = left.pop(at)
    return _differing(wanted, found | dict(enumerate(left, start=len(desired))))


def _aligned(
    shape: Shape | None, desired: list[Any], live: list[Any]
) -> tuple[dict[int, Any], dict[int, Any]]:
    """Two ordered lists as dicts by index, in which the fewest elements differ, are gone or are new.

    What live has in the place of an element has that one's index, and what it has beside them its own,
    plus ``_OF_LIVE``.
    """
    rows, columns = len(desired), len(live)
    if rows * columns > _MAX_ALIGNED:
        return _differing(dict(enumerate(desired)), dict(enumerate(live)))

    settled: dict[tuple[int, int], tuple[Any, Any]] = {}
    fewest = [[rows - i + columns - j for j in range(columns + 1)] for i in range(rows + 1)]
    for i in reversed(range(rows)):
        for j in reversed(range(columns)):
            one, two = settled[i, j] = _settled(shape, desired[i], live[j])
            around = fewest[i + 1][j], fewest[i][j + 1], fewest[i + 1][j + 1]
            fewest[i][j] = around[2] if one == two else 1 + min(around)

    wanted: dict[int, Any] = {}
    found: dict[int, Any] = {}
    i = j = 0
    while i < rows or j < columns:
        if (pair := settled.get((i, j))) and fewest[i + 1][j + 1] + (pair[0] != pair[1]) == fewest[i][j]:
            wanted[i], found[i] = pair
            i, j = i + 1, j + 1
        elif j == columns or (i < rows and fewest[i + 1][j] < fewest[i][j]):
            wanted[i] = desired[i]
            i += 1
        else:
            found[_OF_LIVE + j] = live[j]
            j += 1
    return _differing(wanted, found)


def _differing(desired: dict[Any, Any], live: dict[Any, Any]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Two dicts without what is equal in them, which is most of most definitions."""
    return (
        {key: value for key, value in desired.items() if key not in live or live[key] != value},
        {key: value for key, value in live.items() if key not in desired or desired[key] != value},
    )


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
            path = tuple(
                step - _OF_LIVE if isinstance(step, int) and step >= _OF_LIVE else step
                for step in level.path(output_format="list")
            )
            yield PropertyDifference(
                path,
                change,
                None if change is Change.ADDED else level.t1,
                None if change is Change.REMOVED else level.t2,
            )
