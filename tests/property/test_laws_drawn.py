"""The laws of comparing, for any two definitions: what is reported makes one of the other, and is no more."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from hypothesis import assume, given
from hypothesis import strategies as st

from driftcheck.compare import differences
from driftcheck.kinds import SETS, ListShape, MapShape, StructureShape
from driftcheck.model import Change, PropertyDifference, Status
from tests.property.shapes import (
    ABSENT,
    bare,
    blocks,
    changed,
    definitions,
    filled,
    found,
    leaves,
    places,
    request,
    turned,
    values,
)

if TYPE_CHECKING:
    from driftcheck.kinds import Shape
    from driftcheck.model import Path


def same(kind: str, one: Any, two: Any) -> bool:
    """Tell whether two definitions mean the same to the service, decided in another way than the product."""
    means = [repr(canonical(request(kind), filled(kind, value), "")) for value in (one, two)]
    return means[0] == means[1]


def canonical(shape: Shape, value: Any, name: str) -> Any:
    """A value with its types: mappings in the order of their keys, sets without order and number."""
    match shape:
        case StructureShape():
            return [(key, canonical(shape.members[key], value[key], key)) for key in sorted(value)]
        case MapShape():
            return [(key, canonical(shape.value, value[key], "")) for key in sorted(value)]
        case ListShape():
            elements = [canonical(shape.member, element, "") for element in value]
            return sorted({repr(each) for each in elements}) if name in SETS else elements
    return type(value).__name__, value


def patched(desired: Any, drift: list[PropertyDifference]) -> Any:
    """A definition with every difference applied to it: what live must then mean."""
    made = copy.deepcopy(desired)
    for each in drift:
        if each.change is Change.CHANGED:
            made = changed(made, each.path, each.live)
    # what is gone has desired's index, what is new has live's: take away from the end, put in from the front
    for each in reversed(drift):
        if each.change is Change.REMOVED:
            made = changed(made, each.path, ABSENT)
    for each in drift:
        if each.change is Change.ADDED:
            *above, last = each.path
            inside = made
            for step in above:
                inside = inside[step]
            if isinstance(last, int):
                inside.insert(last, each.live)
            else:
                inside[last] = each.live
    return made


@given(definitions(2))
def test_what_is_reported_makes_live_of_desired(drawn: tuple[str, Any, Any]) -> None:
    kind, desired, live = drawn
    drift = differences(kind, desired, live)
    assert same(kind, patched(desired, drift), live)
    # and live differs just where it does not mean the same, but for a default that desired alone spells out
    if not drift:
        assert same(kind, desired, live)
    if drift and same(kind, desired, live):
        assert {each.change for each in drift} == {Change.REMOVED}


@given(definitions(2))
def test_each_difference_is_true(drawn: tuple[str, Any, Any]) -> None:
    kind, desired, live = drawn
    for each in differences(kind, desired, live):
        if each.change is not Change.ADDED:
            assert lookup(desired, each.path) == each.desired
        if each.change is Change.CHANGED:
            assert each.desired != each.live
            assert not isinstance(each.desired, dict | list)
            assert not isinstance(each.live, dict | list)
        if each.change is Change.ADDED and not any(isinstance(step, int) for step in each.path):
            assert lookup(live, each.path) == each.live
            assert lookup(desired, each.path) is ABSENT
        if each.change is Change.REMOVED and not any(isinstance(step, int) for step in each.path):
            assert lookup(live, each.path) is ABSENT


def lookup(value: Any, path: Path) -> Any:
    for step in path:
        if isinstance(value, dict) and step not in value:
            return ABSENT
        value = value[step]
    return value


@given(definitions())
def test_any_definition_is_in_sync_with_itself(drawn: tuple[str, Any]) -> None:
    kind, desired = drawn
    assert found(kind, desired, copy.deepcopy(desired)).status is Status.IN_SYNC


@given(definitions())
def test_any_definition_is_in_sync_with_what_the_service_makes_of_it(drawn: tuple[str, Any]) -> None:
    kind, desired = drawn
    for sent in (desired, bare(kind, desired)):
        live = turned(kind, filled(kind, sent))
        assert differences(kind, sent, live) == []


@given(definitions(), st.data())
def test_any_value_of_any_leaf_is_one_difference(drawn: tuple[str, Any], data: st.DataObject) -> None:
    kind, desired = drawn
    place = data.draw(st.sampled_from([leaf for leaf in leaves(kind, desired) if not leaf.is_block]))
    value = data.draw(values(place.shape))
    assume(value != place.value)
    if place.in_set or "Tags" in place.path:
        # an element that the set has already is no other element
        above = lookup(desired, place.path[:-1] if place.in_set else place.path[:1])
        assume(all(value not in (each, *(each.values() if isinstance(each, dict) else ())) for each in above))
    live = changed(desired, place.path, value)
    expected = [PropertyDifference(place.path, Change.CHANGED, place.value, value)]
    assert differences(kind, desired, live) == expected
    assert differences(kind, desired, turned(kind, live)) == expected


@given(definitions(), st.data())
def test_any_place_that_one_side_lacks_is_one_difference(drawn: tuple[str, Any], data: st.DataObject) -> None:
    kind, whole = drawn
    place = data.draw(st.sampled_from(list(places(request(kind), whole))))
    less = changed(whole, place.path, ABSENT)
    (removed,) = differences(kind, whole, less)
    assert (removed.change, removed.desired) == (Change.REMOVED, place.value)
    # of equal neighbours in a list it is as true that another one is gone
    assert canonical(request(kind), changed(whole, removed.path, ABSENT), "") == canonical(
        request(kind), less, ""
    )
    added = differences(kind, less, whole)
    if same(kind, less, whole):
        assert added == []
    else:
        assert [(each.change, each.live) for each in added] == [(Change.ADDED, place.value)]
        assert added[0].path[:-1] == place.path[:-1]


@given(definitions(2), st.data())
def test_rules_hide_what_they_cover_and_change_nothing_else(
    drawn: tuple[str, Any, Any], data: st.DataObject
) -> None:
    kind, desired, live = drawn
    plain = found(kind, desired, live)
    places_of_both = [
        place.path for side in (desired, live) for place in (*leaves(kind, side), *blocks(kind, side))
    ]
    rules = tuple(data.draw(st.lists(st.sampled_from(places_of_both), max_size=4)))
    ruled = found(kind, desired, live, ignore=rules)
    hidden = {(*hidden.difference.path, hidden.difference.change) for hidden in ruled.ignored}
    shown = {(*each.path, each.change) for each in ruled.differences}
    assert hidden | shown == {(*each.path, each.change) for each in plain.differences}
    assert not hidden & shown
    assert ruled.status is (Status.DRIFTED if shown else Status.IN_SYNC)
    for each in plain.differences:
        if any(each.path[: len(rule)] == rule for rule in rules):
            assert (*each.path, each.change) in hidden
        elif not any(rule[: len(each.path)] == each.path for rule in rules):
            assert (*each.path, each.change) in shown


ARGUMENTS = st.lists(st.sampled_from(("-v", "x", "--fail-on", "0.8")), min_size=1, max_size=8)


def with_arguments(arguments: list[str]) -> dict[str, Any]:
    return {"ModelQualityAppSpecification": {"ContainerArguments": arguments}}


def fewest_changes(one: list[str], two: list[str]) -> int:
    """The Levenshtein distance: elements to change, take away or add."""
    row = list(range(len(two) + 1))
    for index, element in enumerate(one):
        above = row
        row = [index + 1]
        for at, found_there in enumerate(two):
            row.append(min(above[at + 1] + 1, row[at] + 1, above[at] + (element != found_there)))
    return row[-1]


@given(ARGUMENTS, ARGUMENTS)
def test_lists_of_few_words_differ_in_as_few_places_as_can_be(one: list[str], two: list[str]) -> None:
    """Arguments repeat words; one that is taken out from among its likes is one difference all the same."""
    desired, live = with_arguments(one), with_arguments(two)
    drift = differences("ModelQualityJobDefinition", desired, live)
    assert patched(desired, drift) == live
    assert len(drift) == fewest_changes(one, two)


def test_a_list_longer_than_any_of_the_service_is_compared_by_position() -> None:
    one = [str(index) for index in range(600)]
    desired, live = with_arguments(one), with_arguments(["x", *one[1:], "y"])
    at = ("ModelQualityAppSpecification", "ContainerArguments")
    assert differences("ModelQualityJobDefinition", desired, live) == [
        PropertyDifference((*at, 0), Change.CHANGED, "0", "x"),
        PropertyDifference((*at, 600), Change.ADDED, None, "y"),
    ]
