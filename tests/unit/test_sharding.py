"""Which part of a run is for which shard: all of it for one of them, and none of it for two."""

from __future__ import annotations

from dataclasses import replace

import pytest

from driftcheck import sharding
from driftcheck.desired import DesiredState
from driftcheck.desired.digests import of_targets
from driftcheck.kinds import KINDS
from driftcheck.model import Address, Desired, Location, Shard, Target
from driftcheck.sharding import part, tasks

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


@pytest.mark.parametrize(
    "other",
    [
        Target("eu", role_arn="arn:aws:iam::123456789012:role/x", external_id="b"),
        Target("eu", role_arn="arn:aws:iam::123456789012:role/x"),
    ],
    ids=["another external ID", "none"],
)
def test_how_a_target_is_reached_is_in_its_digest(other: Target) -> None:
    one = Target("eu", role_arn="arn:aws:iam::123456789012:role/x", external_id="a")

    assert of_targets([one], ()) != of_targets([other], ())
    assert of_targets([one], ()) == of_targets([replace(one)], ())


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


@pytest.mark.parametrize("unmanaged", [True, False])
@pytest.mark.parametrize("most", [1, 7, 50, 1000])
def test_everything_is_in_exactly_one_task(
    monkeypatch: pytest.MonkeyPatch, most: int, unmanaged: bool
) -> None:
    monkeypatch.setattr(sharding, "MOST", most)
    whole = fleet()
    whole = replace(whole, declared=frozenset((target, KIND) for target in ("eu", "empty")))

    rows = tasks(whole, unmanaged=unmanaged)

    every = [task for row in rows for task in row]
    assert [each for task in every for each in task.state.definitions] == sorted(
        whole.definitions, key=lambda each: ("eu", "us", "ap").index(each.address.target)
    )
    assert max(len(task.state.definitions) for task in every) == min(most, 50)
    assert [task.state.targets[0].name for task in every if task.lists] == (
        ["eu", "us", "ap", "empty"] if unmanaged else []
    )
    for task in every:
        (target,) = task.state.targets
        assert {each.address.target for each in task.state.definitions} <= {target.name}
        assert task.state.declared == ({(target.name, KIND)} if target.name in ("eu", "empty") else set())
        # what is declared is asked for where it is listed what exists
        declared = {each for each in whole.addresses if each.target == target.name}
        assert task.state.addresses == (declared if task.lists else set())


def test_the_tasks_of_an_account_and_region_are_a_row() -> None:
    role = "arn:aws:iam::210987654321:role/x"
    targets = (
        Target("a", "eu-west-1", "123456789012", variables={"password": "hunter2"}),
        Target("b", "us-east-1", "123456789012"),
        Target("c", "eu-west-1", "123456789012"),
        Target("d", "eu-west-1", role_arn=role, external_id="x"),
        Target("e", "eu-west-1", "210987654321"),
        Target("f", "eu-west-1"),
        Target("g", "eu-west-1", profile="x"),
    )

    rows = tasks(DesiredState((), targets), unmanaged=True)

    assert [[task.state.targets[0].name for task in row] for row in rows] == [
        ["a", "c"],
        ["b"],
        ["d", "e"],
        ["f"],
        ["g"],
    ]
    (first, _), *_, (fourth, _), _, _ = rows
    assert first.state.targets == (Target("a", "eu-west-1", "123456789012"),)
    assert fourth.state.targets == (targets[3],)
