"""Definitions against their shape: one thing wrong, one line that names it, for all members of all kinds."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from driftcheck.desired import load
from driftcheck.errors import DriftcheckError
from driftcheck.paths import show
from tests.functional.definitions import KINDS, SOURCES, Definition, full, section, write_desired

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Steps = tuple[str | int, ...]

CASES = [(kind, source) for kind in KINDS for source in SOURCES]


def errors_of(folder: Path, kind: str, definition: Definition, suffix: str = "json") -> list[str]:
    file = write_desired(folder, {kind: [definition]}, f"x.{suffix}")
    try:
        load([file], {})
    except DriftcheckError as error:
        return [line.split(": error: ", 1)[1] for line in error.lines if ": error: " in line]
    return []


def walk(value: Any, path: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Every member, key and element, with the path to it."""
    inner: Any = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    for step, under in inner:
        yield (*path, step), under
        yield from walk(under, (*path, step))


def parent(definition: Definition, path: Steps) -> Any:
    at: Any = definition
    for step in path[:-1]:
        at = at[step]
    return at


def is_member(path: Steps) -> bool:
    """Whether a path ends in a name of AWS's, and not in a list's index or an environment variable."""
    return isinstance(path[-1], str) and "Environment" not in path[:-1]


def typos(name: str) -> list[str]:
    """The name with its last letter left out, its second one replaced, and its first one in lower case."""
    return [name[:-1], f"{name[0]}Q{name[2:]}", name[0].lower() + name[1:]]


@pytest.mark.parametrize(("kind", "source"), CASES)
@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_every_member_of_every_kind_is_taken(tmp_path: Path, kind: str, source: Any, suffix: str) -> None:
    assert errors_of(tmp_path, kind, full(kind, source=source), suffix) == []


@pytest.mark.parametrize(("kind", "source"), CASES)
def test_a_typo_in_any_member_is_one_error_with_the_right_name(
    tmp_path: Path, kind: str, source: Any
) -> None:
    definition = full(kind, source=source)
    paths = [path for path, _ in walk(definition) if is_member(path)]
    assert len(paths) > 30

    for path in paths:
        name = str(path[-1])
        for wrong in typos(name):
            changed = deepcopy(definition)
            at = parent(changed, path)
            at[wrong] = at.pop(name)

            found = errors_of(tmp_path, kind, changed)

            place = f" (in {show(path[:-1])})" if path[:-1] else ""
            exclusive = [line for line in found if "exactly one of" in line]
            assert [line for line in found if line not in exclusive] == [
                f"unknown member `{wrong}`: did you mean `{name}`?{place}"
            ], path
            assert not exclusive


@pytest.mark.law
@pytest.mark.parametrize(("kind", "source"), CASES)
def test_a_wrong_type_anywhere_is_an_error_at_that_path(tmp_path: Path, kind: str, source: Any) -> None:
    definition = full(kind, source=source)
    for path, value in walk(definition):
        for wrong in ({"x": 1}, ["x"], "x" if not isinstance(value, str) else 1.5, None, True, 7.25):
            if type(wrong) is type(value):
                continue
            if isinstance(value, dict) and isinstance(wrong, dict):
                continue
            changed = deepcopy(definition)
            parent(changed, path)[path[-1]] = wrong

            found = errors_of(tmp_path, kind, changed)

            assert found[0].startswith(f"{show(path)}: must be "), (path, wrong, found)
            assert len(found) == 1, (path, wrong, found)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("JobResources", "ClusterConfig", "InstanceCount"), 0, "must be at least 1"),
        (("JobResources", "ClusterConfig", "VolumeSizeInGB"), 0, "must be at least 1"),
        (("StoppingCondition", "MaxRuntimeInSeconds"), 90_000, "must be at most 86400"),
        (("StoppingCondition", "MaxRuntimeInSeconds"), 1.5, "must be an integer, is a number"),
        (("JobDefinitionName",), "a_b", "does not match the pattern"),
        (("JobDefinitionName",), "a" * 64, "must have at most 63 characters"),
        (("RoleArn",), "role/x", "does not match the pattern"),
        (("RoleArn",), "arn:aws:iam::123456789012:role/x\n", "does not match the pattern"),
        (
            ("ModelQualityAppSpecification", "ProblemType"),
            "BinaryClassificatio",
            "did you mean `BinaryClassification`?",
        ),
        (("JobResources", "ClusterConfig", "InstanceType"), "ml.m5.xlarg", "did you mean `ml.m5.xlarge`?"),
        (("ModelQualityAppSpecification", "ContainerArguments"), [], "must have at least 1 elements"),
        (("ModelQualityAppSpecification", "ContainerArguments"), ["x"] * 51, "must have at most 50 elements"),
        (("NetworkConfig", "VpcConfig", "Subnets"), [], "must have at least 1 elements"),
        (("ModelQualityJobOutputConfig", "MonitoringOutputs"), [], "must have at least 1 elements"),
        (("Tags", 0, "Key"), "a\x07", "does not match the pattern"),
        (("Tags", 0, "Value"), "v" * 257, "must have at most 256 characters"),
    ],
)
def test_limits_of_the_service_are_held(tmp_path: Path, path: Steps, value: Any, says: str) -> None:
    definition = full(KINDS[0])
    parent(definition, path)[path[-1]] = value

    found = errors_of(tmp_path, KINDS[0], definition)

    # a text may break its pattern and its length at once
    assert all(line.startswith(f"{show(path)}: ") and len(line) < 300 for line in found)
    assert any(says in line for line in found)


def test_letters_of_any_script_are_fine_in_a_tag(tmp_path: Path) -> None:
    definition = full(KINDS[0]) | {"Tags": [{"Key": "équipe-チーム", "Value": "ризик 4"}]}

    assert errors_of(tmp_path, KINDS[0], definition) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_required_member_that_is_left_out_is_named(tmp_path: Path, kind: str) -> None:
    for name in ("JobDefinitionName", "RoleArn", "JobResources"):
        definition = full(kind)
        del definition[name]

        # without its name it is no answer of Describe either
        assert errors_of(tmp_path, kind, definition) == [f"`{name}` is required"]


@pytest.mark.parametrize("written", ["Role Arn", "RoleArn\u200b", "R\u043eleArn", "Role/Arn"])
def test_a_key_that_is_not_shown_has_its_nearest_name_all_the_same(tmp_path: Path, written: str) -> None:
    definition = full(KINDS[0])
    definition[written] = definition.pop("RoleArn")

    assert errors_of(tmp_path, KINDS[0], definition) == ["unknown member: did you mean `RoleArn`?"]


def test_everything_wrong_is_told_in_one_run_in_order_and_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(
        """\
version: 2
targets: []
model_quality_job_definition: []
data_quality_job_definitions:
  - JobDefinitionName: twice
    DataQualityAppSpecification: {ImageUri: x, Environment: {A: ~}}
    DataQualityJobInput:
      EndpointInput: {EndpointName: e, LocalPath: /in}
      BatchTransformInput:
        {DataCapturedDestinationS3Uri: "s3://b/c", LocalPath: /in, DatasetFormat: {Parquet: {}}}
    DataQualityJobOutputConfig: {MonitoringOutputs: [{S3Output: {S3Uri: "s3://b/o", LocalPath: /out}}]}
    JobResources: {ClusterConfig: {InstanceCount: one, InstanceTyp: ml.m5.large, VolumeSizeInGB: 20}}
    RoleArn: ${var.role}
    lifecycle:
      ignore_changes: [JobResource, {path: Tags, until: 2026-02-30}]
      sensitiv: []
""",
        encoding="utf-8",
    )

    with pytest.raises(DriftcheckError) as caught:
        load([file], {})

    assert list(caught.value.lines) == [
        f"{file}:1:1: error: version: must be 1",
        f"{file}:2:1: error: targets: must have at least 1 elements",
        (
            f"{file}:3:1: error: unknown member `model_quality_job_definition`: "
            "did you mean `model_quality_job_definitions`?"
        ),
        f"{file}:6:62: error: DataQualityAppSpecification.Environment.A: must be a string, is null",
        (
            f"{file}:7:5: error: DataQualityJobInput: exactly one of EndpointInput and BatchTransformInput "
            "must be given; both are"
        ),
        f"{file}:12:36: error: JobResources.ClusterConfig.InstanceCount: must be an integer, is a string",
        (
            f"{file}:12:56: error: unknown member `InstanceTyp`: did you mean `InstanceType`? "
            "(in JobResources.ClusterConfig)"
        ),
        (
            f"{file}:15:24: error: lifecycle.ignore_changes[0]: `JobResource`: no member `JobResource`: "
            "did you mean `JobResources`?"
        ),
        f"{file}:15:50: error: lifecycle.ignore_changes[1].until: 2026-02-30 is not a day of the calendar",
        f"{file}:16:7: error: unknown member `sensitiv`: did you mean `sensitive`? (in lifecycle)",
    ]


def test_what_is_wrong_with_hundreds_of_thousands_of_things_is_told_of_the_first_thousand(
    tmp_path: Path,
) -> None:
    file = tmp_path / "many.json"
    file.write_text(json.dumps({"version": 1, section(KINDS[0]): [{}] * 100_000}))

    with pytest.raises(DriftcheckError) as caught:
        load([file], {})

    assert len(caught.value.lines) <= 1_001
    assert caught.value.lines[-1] == f"{file}: error: more than 1,000 errors; the others are left out"


def test_one_definition_of_more_values_than_any_has_is_refused(tmp_path: Path) -> None:
    definition = full(KINDS[0])
    definition["ModelQualityAppSpecification"]["Environment"] = {f"k {n}": "" for n in range(10_000)}

    assert errors_of(tmp_path, KINDS[0], definition) == ["a definition of more than 10,000 values"]
