"""Targets: what ``${...}`` becomes in each, what is declared twice for one, what is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from driftcheck.desired import load
from driftcheck.errors import DriftcheckError
from tests.functional.definitions import KINDS, minimal, write_desired
from tests.unit.declared import MODEL_QUALITY, TARGETS, errors, names, with_environment, with_members, written

if TYPE_CHECKING:
    from pathlib import Path


def test_one_file_can_be_for_several_targets(tmp_path: Path) -> None:
    definition = with_members(RoleArn="arn:aws:iam::123456789012:role/${target.region}")
    definition["ModelQualityJobInput"]["GroundTruthS3Input"]["S3Uri"] = "s3://${var.bucket}/${ var.bucket }"

    state = load([written(tmp_path, definition, targets=["prod-eu", "prod-us"])], TARGETS)

    assert [
        (
            desired.address.target,
            desired.properties["RoleArn"],
            desired.properties["ModelQualityJobInput"]["GroundTruthS3Input"]["S3Uri"],  # type: ignore[call-overload,index]
        )
        for desired in state.definitions
    ] == [
        ("prod-eu", "arn:aws:iam::123456789012:role/eu-west-1", "s3://ml-eu/ml-eu"),
        ("prod-us", "arn:aws:iam::123456789012:role/us-east-1", "s3://ml-us/ml-us"),
    ]
    assert [target.name for target in state.targets] == ["prod-eu", "prod-us"]


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("${FOO}", "${FOO}"),
        ("$FOO ${FOO:-x} $$ ${} ${", "$FOO ${FOO:-x} $$ ${} ${"),
        ("$${var.bucket}", "${var.bucket}"),
        ("$${FOO}", "${FOO}"),
        ("a${var.bucket}b${var.bucket}", "aml-eubml-eu"),
        ("${target.account}/${target.region}", "123456789012/eu-west-1"),
        ("$${${var.bucket}}", "${ml-eu}"),
    ],
)
def test_references_are_replaced_and_all_else_stays(tmp_path: Path, text: str, becomes: str) -> None:
    file = written(tmp_path, with_environment(A=text), target="prod-eu")

    (desired,) = load([file], TARGETS).definitions

    assert desired.properties["ModelQualityAppSpecification"]["Environment"] == {"A": becomes}  # type: ignore[call-overload,index]


@pytest.mark.parametrize(
    ("text", "target", "says"),
    [
        ("${var.buckt}", "prod-eu", "`${var.buckt}` stands for nothing in driftcheck.toml: did you mean "),
        ("${var.qqq}", "prod-eu", "stands for nothing"),
        ("${target.name}", "prod-eu", "stands for nothing"),
        ("${target.account}", "prod-us", "driftcheck.toml does not say this target's account"),
        ("${var.bucket}", None, "needs a target of driftcheck.toml, and this file is for none"),
    ],
)
def test_a_reference_that_stands_for_nothing_is_an_error(
    tmp_path: Path, text: str, target: str | None, says: str
) -> None:
    extra = {} if target is None else {"target": target}

    (line,) = errors(written(tmp_path, with_environment(A=text), **extra))

    assert f":{7 if target is None else 8}:7: error: " in line
    assert says in line


def test_a_value_is_held_to_its_pattern_once_the_variables_are_in_it(tmp_path: Path) -> None:
    file = written(tmp_path, with_members(JobDefinitionName="${var.bad}"), target="prod-us")

    (line,) = errors(file)
    assert line.startswith(f"{file}:4:3: error: JobDefinitionName: does not match the pattern ")
    assert line.endswith(" (in target `prod-us`)")


def test_what_is_wrong_after_replacing_is_told_beside_what_was_wrong_before(tmp_path: Path) -> None:
    definition = with_members(
        JobDefinitionName="${var.bad}", RoleArm="x", Tags=[{"Key": "a", "Value": "${var.c}"}]
    )

    said = errors(written(tmp_path, definition, target="prod-us"))

    assert [line.partition(": error: ")[2][:25] for line in said] == [
        "unknown member `RoleArm`:",
        "`${var.c}` stands for not",
    ]


def test_a_definition_declared_twice_for_one_target_is_an_error_across_files(tmp_path: Path) -> None:
    first = written(tmp_path, minimal(MODEL_QUALITY), name="a.yaml", targets=["prod-eu", "prod-us"])
    second = written(tmp_path, minimal(MODEL_QUALITY, "${var.NAME}"), name="b.json", target="prod-eu")
    third = written(tmp_path, minimal(MODEL_QUALITY), minimal(MODEL_QUALITY), name="c.yaml")

    said = errors(tmp_path / "desired")

    assert said == [
        f"{second}:6:7: error: `churn` is declared twice for target `prod-eu`, first at {first}:6:3",
        f"{third}:23:3: error: `churn` is declared twice for target `default`, first at {third}:3:3",
    ]


def test_one_name_in_two_kinds_or_two_targets_is_two_definitions(tmp_path: Path) -> None:
    write_desired(tmp_path, {kind: [minimal(kind)] for kind in KINDS}, "a.yaml", targets=list(TARGETS))

    assert len(load([tmp_path / "desired"], TARGETS).definitions) == 8


def test_what_is_asked_for_is_narrowed_by_target_and_by_name(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        *(minimal(MODEL_QUALITY, name) for name in ("churn-a", "churn-b", "Churn-c", "fraud")),
        targets=list(TARGETS),
    )

    state = load([file], TARGETS, only=["prod-us"], select=["churn-*", "fra?d"])

    assert [target.name for target in state.targets] == ["prod-us"]
    assert names(state) == ["churn-a", "churn-b", "fraud"]
    assert len(state.addresses) == 8
    for only, select in ((["default"], []), ([], ["nothing"])):
        with pytest.raises(DriftcheckError):
            load([file], TARGETS, only=only, select=select)
