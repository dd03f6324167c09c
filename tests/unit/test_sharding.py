"""Which part of a run is for which shard: all of it for one of them, and none of it for two."""

from __future__ import annotations

import pytest

from driftcheck.desired import DesiredState
from driftcheck.kinds import KINDS
from driftcheck.model import Address, Desired, Location, Shard, Target
from driftcheck.sharding import part

KIND = "ModelQualityJobDefinition"
ALL_KINDS = tuple(KINDS)


def desired(name: str, target: str, kind: str = KIND, file: str | None = None) -> Desired:
    location = Location(file or f"{kind}/{name}.yaml", 1, 1)
    return Desired(Address(kind, target, name), {}, location, lambda _: location)


def fleet() -> DesiredState:
    definitions = tuple(
        desired(f"d{number}", target, ALL_KINDS[number % 4])
        for number in range(50)
        for target in ("eu", "us", "ap")
    )
    return DesiredState(
        definitions,
        tuple(map(Target, ("eu", "us", "ap", "empty"))),
        addresses=frozenset(each.address for each in definitions),
    )


def test_a_hand_checked_example() -> None:
    # printf 'ModelQualityJobDefinition\\0churn' | sha256sum begins with 07c0f89eedd529dd
    assert Shard(2, 2, "").holds(KIND, "churn")
    assert Shard(6, 8, "").holds(KIND, "churn")
    assert Shard(14, 16, "").holds(KIND, "churn")
    assert [index for index in range(1, 9) if Shard(index, 8, "").holds(KIND, "churn")] == [6]


@pytest.mark.parametrize("unmanaged", [True, False])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 1000])
def test_everything_is_in_exactly_one_shard(count: int, unmanaged: bool) -> None:
    whole = fleet()
    shards = [part(whole, index, count, unmanaged=unmanaged) for index in range(1, count + 1)]

    addresses = [each.address for shard in shards for each in shard.definitions]
    assert sorted(addresses) == sorted(each.address for each in whole.definitions)
    lists = [
        (target.name, kind.name)
        for shard in shards
        for target in shard.targets
        for kind in shard.listed(target.name)
    ]
    if unmanaged:
        assert sorted(lists) == sorted((target.name, kind) for target in whole.targets for kind in KINDS)
    assert {target.name for shard in shards for target in shard.targets} == {"eu", "us", "ap", "empty"}
    for shard in shards:
        names = {target.name for target in shard.targets}
        assert {each.address.target for each in shard.definitions} <= names
        assert [target for target in whole.targets if target.name in names] == list(shard.targets)
        # what another shard declares is not unmanaged in this one
        assert shard.addresses == whole.addresses


def test_a_target_that_has_nothing_for_a_shard_is_not_in_it() -> None:
    whole = fleet()

    shards = [part(whole, index, 3, unmanaged=False) for index in (1, 2, 3)]

    assert sum(any(target.name == "empty" for target in shard.targets) for shard in shards) == 1
    many = [part(whole, index, 1000, unmanaged=True) for index in range(1, 1001)]
    assert sum(not shard.targets for shard in many) > 900


def test_parts_do_not_depend_on_the_order_of_files() -> None:
    whole = fleet()
    turned = DesiredState(whole.definitions[::-1], whole.targets[::-1], addresses=whole.addresses)

    for index in (1, 2, 3):
        one, other = (part(state, index, 3, unmanaged=True) for state in (whole, turned))
        assert one.definitions == other.definitions[::-1]
        assert one.targets == other.targets[::-1]
        assert one.shard == other.shard


def test_copies_of_a_declaration_stay_together_whatever_their_names() -> None:
    copies = tuple(desired(f"{target}-churn", target, file="a.yaml") for target in map(str, range(20)))
    state = DesiredState(copies, tuple(Target(str(number)) for number in range(20)))

    shards = [part(state, index, 8, unmanaged=False) for index in range(1, 9)]

    assert sorted(len(shard.definitions) for shard in shards) == [0] * 7 + [20]


@pytest.mark.parametrize("other", ["definition", "target", "select", "unmanaged"])
def test_shards_of_different_runs_are_told_apart(other: str) -> None:
    one = fleet()
    another = DesiredState(
        one.definitions[: -1 if other == "definition" else None],
        one.targets[: -1 if other == "target" else None],
        addresses=one.addresses,
        select=("d*",) if other == "select" else (),
    )

    first = part(one, 1, 2, unmanaged=True).shard
    second = part(another, 1, 2, unmanaged=other != "unmanaged").shard

    assert first
    assert second
    assert first.whole != second.whole
