"""The laws of comparing, for every place of every kind: one change in live is one difference, right there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from driftcheck.compare import differences
from driftcheck.kinds import ABSENT_MEANS, IDENTIFIER, KINDS, SETS, ListShape, MapShape, StructureShape
from driftcheck.model import Change, PropertyDifference, Status
from tests.property.shapes import (
    ABSENT,
    KIND_NAMES,
    Place,
    bare,
    blocks,
    changed,
    filled,
    found,
    leaves,
    other,
    request,
    turned,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftcheck.kinds import Shape

every_kind = pytest.mark.parametrize("kind", KIND_NAMES)
LEAVES = [(kind, place) for kind in KIND_NAMES for place in leaves(kind, whole(kind))]
BLOCKS = [(kind, place) for kind in KIND_NAMES for place in blocks(kind, whole(kind))]
PLACES = [*LEAVES, *BLOCKS]


def each(places: list[tuple[str, Place]]) -> pytest.MarkDecorator:
    """A test for each of these places."""
    return pytest.mark.parametrize(
        ("kind", "place"), places, ids=[f"{kind}-{place}" for kind, place in places]
    )


every_leaf = each(LEAVES)
every_scalar = each([row for row in LEAVES if not row[1].is_block])
every_block = each(BLOCKS)
every_place = each(PLACES)
every_order = each([row for row in BLOCKS if isinstance(row[1].shape, ListShape) and len(row[1].value) > 1])
every_default = each([row for row in PLACES if row[1].path[-1] in ABSENT_MEANS])


def shape_paths(shape: Shape, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The leaves of a shape, as paths in which ``[]`` and ``{}`` stand for any index and key."""
    match shape:
        case StructureShape() if shape.members:
            for name, member in shape.members.items():
                yield from shape_paths(member, (*path, name))
        case ListShape():
            yield from shape_paths(shape.member, (*path, "[]"))
        case MapShape():
            yield from shape_paths(shape.value, (*path, "{}"))
        case _:
            yield path


@every_kind
def test_every_leaf_of_the_model_is_under_test(kind: str) -> None:
    keys = {"LOG", "_under", "BUILD_ID"}
    under_test = {
        tuple("[]" if isinstance(step, int) else "{}" if step in keys else step for step in place.path)
        for of_kind, place in LEAVES
        if of_kind == kind
    }
    assert under_test == set(shape_paths(request(kind))) - {(IDENTIFIER,)}
    assert len(under_test) > 40


@every_kind
def test_a_definition_does_not_differ_from_itself(kind: str) -> None:
    finding = found(kind, whole(kind), whole(kind))
    assert (finding.status, finding.differences, finding.ignored) == (Status.IN_SYNC, (), ())


@every_kind
def test_what_the_service_fills_in_and_how_it_orders_sets_is_no_drift(kind: str) -> None:
    desired = bare(kind, whole(kind))
    live = turned(kind, filled(kind, desired))
    assert live != desired
    assert found(kind, desired, live).status is Status.IN_SYNC
    assert differences(kind, desired, live) == []


@every_scalar
def test_one_changed_leaf_is_one_difference(kind: str, place: Place) -> None:
    desired = whole(kind)
    live = changed(desired, place.path, other(place))
    expected = [PropertyDifference(place.path, Change.CHANGED, place.value, other(place))]
    assert differences(kind, desired, live) == expected
    assert differences(kind, desired, turned(kind, live)) == expected
    assert found(kind, desired, live).status is Status.DRIFTED


@every_place
def test_one_place_that_live_lacks_is_one_difference(kind: str, place: Place) -> None:
    desired = whole(kind)
    live = changed(desired, place.path, ABSENT)
    expected = [PropertyDifference(place.path, Change.REMOVED, place.value, None)]
    assert differences(kind, desired, live) == expected
    assert differences(kind, desired, turned(kind, live)) == expected
    assert found(kind, desired, live).status is Status.DRIFTED


@every_place
def test_one_place_that_desired_lacks_is_one_difference(kind: str, place: Place) -> None:
    live = whole(kind)
    desired = changed(live, place.path, ABSENT)
    assert ABSENT_MEANS.get(str(place.path[-1])) != place.value
    path = place.path
    if place.in_set:
        # what only live has in a set comes after what desired has
        path = (*path[:-1], 2)
    expected = [PropertyDifference(path, Change.ADDED, None, place.value)]
    assert differences(kind, desired, live) == expected
    assert found(kind, desired, live).status is Status.DRIFTED


@every_default
def test_a_documented_default_may_be_left_out_where_the_member_stands(kind: str, place: Place) -> None:
    default = ABSENT_MEANS[str(place.path[-1])]
    live = changed(whole(kind), place.path, default)
    desired = changed(live, place.path, ABSENT)
    assert differences(kind, desired, live) == []
    # and the other way round nothing is settled: live has no such member
    assert differences(kind, live, desired) == [PropertyDifference(place.path, Change.REMOVED, default, None)]


@every_kind
def test_a_map_key_with_the_name_of_a_default_is_compared(kind: str) -> None:
    for environment in (place for place in blocks(kind, whole(kind)) if place.path[-1] == "Environment"):
        for name, default in (("S3InputMode", "File"), ("S3UploadMode", "EndOfJob")):
            path = (*environment.path, name)
            live = changed(whole(kind), path, default)
            assert differences(kind, whole(kind), live) == [
                PropertyDifference(path, Change.ADDED, None, default)
            ]


@every_order
def test_the_order_of_sets_means_nothing_and_that_of_lists_does(kind: str, place: Place) -> None:
    desired = whole(kind)
    for order in ([1, 0, 2], [2, 1, 0], [1, 2, 0]):
        live = changed(desired, place.path, [place.value[index] for index in order])
        drift = differences(kind, desired, live)
        if place.path[-1] in SETS:
            assert drift == []
        else:
            assert 2 <= len(drift) <= 3
            assert {difference.path[:-1] for difference in drift} == {place.path}


@every_kind
def test_every_leaf_changed_at_once_is_a_difference_each(kind: str) -> None:
    desired = live = whole(kind)
    expected = {}
    for place in leaves(kind, desired):
        # a tag of which key and value differ is another tag
        if place.is_block or (place.path[0] == "Tags" and place.path[-1] == "Key"):
            continue
        live = changed(live, place.path, other(place))
        expected[place.path] = (Change.CHANGED, place.value, other(place))
    drift = differences(kind, desired, live)
    assert {d.path: (d.change, d.desired, d.live) for d in drift} == expected
    assert len(drift) == len(expected)


@every_scalar
def test_a_rule_hides_the_difference_at_its_path_and_no_other(kind: str, place: Place) -> None:
    desired = whole(kind)
    live = changed(desired, place.path, other(place))
    elsewhere = ("RoleArn",) if place.path != ("RoleArn",) else ("JobResources",)
    both = changed(live, ("RoleArn",), "arn:other") if elsewhere == ("RoleArn",) else live
    ruled = found(kind, desired, both, ignore=(place.path,))
    assert [hidden.difference.path for hidden in ruled.ignored] == [place.path]
    assert [d.path for d in ruled.differences] == ([("RoleArn",)] if both is not live else [])
    idle = found(kind, desired, live, ignore=(elsewhere,))
    assert (idle.status, [d.path for d in idle.differences]) == (Status.DRIFTED, [place.path])
    assert idle.ignored == ()


@every_leaf
def test_a_rule_for_every_other_leaf_hides_nothing(kind: str, place: Place) -> None:
    rules = tuple(leaf.path for of, leaf in LEAVES if of == kind and leaf.path != place.path)
    desired = whole(kind)
    for live in (changed(desired, place.path, ABSENT), desired):
        plain = found(kind, desired, live)
        ruled = found(kind, desired, live, ignore=rules)
        assert (ruled.status, ruled.differences, ruled.ignored) == (plain.status, plain.differences, ())


@every_block
def test_a_rule_for_a_block_hides_all_that_is_in_it(kind: str, place: Place) -> None:
    desired = whole(kind)
    for live in (
        changed(desired, place.path, ABSENT),
        *(
            changed(desired, leaf.path, other(leaf))
            for leaf in leaves(kind, desired)
            if leaf.path[: len(place.path)] == place.path and not leaf.is_block
        ),
    ):
        finding = found(kind, desired, live, ignore=(place.path,))
        assert (finding.status, finding.differences, len(finding.ignored)) == (Status.IN_SYNC, (), 1)


def test_every_kind_is_under_test() -> None:
    assert set(KIND_NAMES) == set(KINDS)
    assert len(KINDS) == 4
