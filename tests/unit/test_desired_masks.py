"""What files call sensitive by kind and name, right or wrong as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from driftcheck.desired import Masks, load, masks_of
from driftcheck.model import Address
from tests.functional.definitions import KINDS, minimal
from tests.unit.declared import MODEL_QUALITY, TARGETS, with_members, written

if TYPE_CHECKING:
    from pathlib import Path

RULES: dict[str, Any] = {"lifecycle": {"sensitive": ["RoleArn"]}}


def hidden(masks: Masks, name: str, target: str = "elsewhere", kind: str = MODEL_QUALITY) -> list[str]:
    return [pattern.text for pattern in masks.over(Address(kind, target, name), ())]


def masks(file: Path) -> Masks:
    return masks_of([(file.name, file.read_bytes())], TARGETS)


def named(name: Any, **members: Any) -> dict[str, Any]:
    return with_members(JobDefinitionName=name, **members)


@pytest.mark.parametrize("target", ["prod-eu", "prod-us", "default", "no-such-target"])
def test_a_rule_of_one_target_holds_in_every_target(tmp_path: Path, target: str) -> None:
    found = masks(written(tmp_path, named("a", **RULES), named("b"), target=target))

    assert hidden(found, "a") == hidden(found, "a", "prod-eu") == ["RoleArn"]
    assert hidden(found, "b") == hidden(found, "ab") == []
    assert hidden(found, "a", kind=KINDS[1]) == []


def test_rules_of_the_same_name_add_up(tmp_path: Path) -> None:
    more = {"lifecycle": {"sensitive": ["StoppingCondition", "RoleArn"]}}

    found = masks(written(tmp_path, named("a", **RULES), named("a", **more)))

    assert hidden(found, "a") == ["RoleArn", "StoppingCondition"]


@pytest.mark.parametrize(
    ("name", "target", "hits", "misses"),
    [
        ("x-${var.bucket}", "prod-eu", "x-ml-eu", "x-ml-us"),
        # nothing is known that it could stand for
        ("x-${var.none}.y", "prod-eu", "x-anything.y", "x-anything-y"),
        ("x-${var.bucket}", "no-such-target", "x-ml-eu", "y-ml-eu"),
        ("$${var.bucket}", "no-such-target", "${var.bucket}", "ml-eu"),
    ],
)
def test_a_name_that_is_left_open_is_whatever_it_may_be(
    tmp_path: Path, name: str, target: str, hits: str, misses: str
) -> None:
    found = masks(written(tmp_path, named(name, **RULES), target=target))

    assert hidden(found, hits) == ["RoleArn"]
    assert hidden(found, misses) == []


def test_a_definition_without_a_name_may_be_any(tmp_path: Path) -> None:
    nameless = named("a", **RULES)
    del nameless["JobDefinitionName"]

    assert hidden(masks(written(tmp_path, nameless)), "whatever") == ["RoleArn"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"RoleArn": 5},
        {"NoSuchMember": 1},
        {"ModelQualityJobInput": {}},
        {"lifecycle": {"sensitive": ["RoleArn", "NoSuchMember"]}},
        {"lifecycle": {"sensitive": ["RoleArn"], "ignore_changes": 5}},
    ],
)
def test_a_rule_counts_whatever_else_is_wrong(tmp_path: Path, wrong: dict[str, Any]) -> None:
    assert hidden(masks(written(tmp_path, named("a", **(RULES | wrong)), named("a"))), "a") == ["RoleArn"]


def test_what_is_not_asked_for_counts(tmp_path: Path) -> None:
    file = written(tmp_path, named("a", **RULES), named("b"), target="prod-eu")
    other = written(tmp_path, minimal(MODEL_QUALITY, "c"), name="c.yaml", target="prod-us")

    state = load([file, other], TARGETS, only=["prod-us"], select=["c"])

    assert hidden(state.masks, "a") == ["RoleArn"]
