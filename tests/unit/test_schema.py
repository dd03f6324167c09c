"""The JSON Schema of the desired file: what it takes, what it refuses, and that nothing is missing in it."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from driftcheck.kinds import KINDS
from driftcheck.schema import file_schema
from tests.functional.definitions import KINDS as NAMES
from tests.functional.definitions import SOURCES, Source, full, section

EXAMPLES = sorted((Path(__file__).parents[2] / "desired").glob("*.yaml"))

# As AWS's reference of DescribeModelQualityJobDefinition has them; a star is any environment variable.
MEMBERS = [
    "JobDefinitionArn",
    "JobDefinitionName",
    "CreationTime",
    "RoleArn",
    "ModelQualityBaselineConfig.BaseliningJobName",
    "ModelQualityBaselineConfig.ConstraintsResource.S3Uri",
    "ModelQualityAppSpecification.ImageUri",
    "ModelQualityAppSpecification.ContainerEntrypoint[]",
    "ModelQualityAppSpecification.ContainerArguments[]",
    "ModelQualityAppSpecification.RecordPreprocessorSourceUri",
    "ModelQualityAppSpecification.PostAnalyticsProcessorSourceUri",
    "ModelQualityAppSpecification.ProblemType",
    "ModelQualityAppSpecification.Environment.*",
    "ModelQualityJobInput.EndpointInput.EndpointName",
    "ModelQualityJobInput.EndpointInput.LocalPath",
    "ModelQualityJobInput.EndpointInput.S3InputMode",
    "ModelQualityJobInput.EndpointInput.S3DataDistributionType",
    "ModelQualityJobInput.EndpointInput.FeaturesAttribute",
    "ModelQualityJobInput.EndpointInput.InferenceAttribute",
    "ModelQualityJobInput.EndpointInput.ProbabilityAttribute",
    "ModelQualityJobInput.EndpointInput.ProbabilityThresholdAttribute",
    "ModelQualityJobInput.EndpointInput.StartTimeOffset",
    "ModelQualityJobInput.EndpointInput.EndTimeOffset",
    "ModelQualityJobInput.EndpointInput.ExcludeFeaturesAttribute",
    "ModelQualityJobInput.BatchTransformInput.DataCapturedDestinationS3Uri",
    "ModelQualityJobInput.BatchTransformInput.DatasetFormat.Csv.Header",
    "ModelQualityJobInput.BatchTransformInput.DatasetFormat.Json.Line",
    "ModelQualityJobInput.BatchTransformInput.DatasetFormat.Parquet",
    "ModelQualityJobInput.BatchTransformInput.LocalPath",
    "ModelQualityJobInput.BatchTransformInput.S3InputMode",
    "ModelQualityJobInput.BatchTransformInput.S3DataDistributionType",
    "ModelQualityJobInput.BatchTransformInput.FeaturesAttribute",
    "ModelQualityJobInput.BatchTransformInput.InferenceAttribute",
    "ModelQualityJobInput.BatchTransformInput.ProbabilityAttribute",
    "ModelQualityJobInput.BatchTransformInput.ProbabilityThresholdAttribute",
    "ModelQualityJobInput.BatchTransformInput.StartTimeOffset",
    "ModelQualityJobInput.BatchTransformInput.EndTimeOffset",
    "ModelQualityJobInput.BatchTransformInput.ExcludeFeaturesAttribute",
    "ModelQualityJobInput.GroundTruthS3Input.S3Uri",
    "ModelQualityJobOutputConfig.MonitoringOutputs[].S3Output.S3Uri",
    "ModelQualityJobOutputConfig.MonitoringOutputs[].S3Output.LocalPath",
    "ModelQualityJobOutputConfig.MonitoringOutputs[].S3Output.S3UploadMode",
    "ModelQualityJobOutputConfig.KmsKeyId",
    "JobResources.ClusterConfig.InstanceCount",
    "JobResources.ClusterConfig.InstanceType",
    "JobResources.ClusterConfig.VolumeSizeInGB",
    "JobResources.ClusterConfig.VolumeKmsKeyId",
    "NetworkConfig.EnableInterContainerTrafficEncryption",
    "NetworkConfig.EnableNetworkIsolation",
    "NetworkConfig.VpcConfig.SecurityGroupIds[]",
    "NetworkConfig.VpcConfig.Subnets[]",
    "StoppingCondition.MaxRuntimeInSeconds",
]
OF_CREATE = ["Tags[].Key", "Tags[].Value"]
OF_DRIFTCHECK = ["lifecycle"]


def leaves(schema: dict[str, Any], definitions: dict[str, Any], path: str = "") -> list[str]:
    """The paths of all that a schema describes, down to scalars, empty blocks and driftcheck's own member."""
    while "$ref" in schema and path != "lifecycle":
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if schema.get("type") == "array":
        return leaves(schema["items"], definitions, f"{path}[]")
    inner = dict(schema.get("properties", {}))
    if schema.get("additionalProperties"):
        inner["*"] = schema["additionalProperties"]
    if not inner:
        return [path]
    dot = "." if path else ""
    return [
        leaf for name, under in inner.items() for leaf in leaves(under, definitions, f"{path}{dot}{name}")
    ]


def accepted(content: Any) -> bool:
    return jsonschema_rs.Draft202012Validator(file_schema(references=True)).is_valid(content)


def a_file(kind: str, definition: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, section(kind): [definition]}


def test_it_is_a_json_schema() -> None:
    for references in (False, True):
        jsonschema_rs.meta.validate(file_schema(references=references))


def test_it_has_every_member_of_the_reference_and_no_other() -> None:
    definitions = file_schema()["$defs"]
    (name,) = (kind.name for kind in KINDS.values() if kind.name == "ModelQualityJobDefinition")

    assert sorted(leaves(definitions[name], definitions)) == sorted([*MEMBERS, *OF_CREATE, *OF_DRIFTCHECK])


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", NAMES)
def test_it_takes_every_member_of_every_kind_listed_or_bare(kind: str, source: Source) -> None:
    definition = full(kind, source=source)

    assert accepted(a_file(kind, definition))
    assert accepted(definition | {"JobDefinitionArn": "arn:x", "CreationTime": "2026-11-20T08:00:00Z"})


def test_the_examples_are_there_to_be_checked() -> None:
    if not EXAMPLES:
        pytest.skip("a distribution without its examples")
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_it_takes_every_example(example: Path) -> None:
    # by a reader that is not the project's own; a plain date would become one there
    content = yaml.load(example.read_text("utf-8"), Loader=yaml.BaseLoader)

    found = list(
        jsonschema_rs.Draft202012Validator(file_schema(references=True)).iter_errors(_typed(content))
    )

    assert found == []


def _typed(value: Any, name: str = "") -> Any:
    """Texts as the numbers and booleans that members of these names have."""
    if isinstance(value, dict):
        return {key: _typed(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [_typed(element) for element in value]
    if name.startswith("Enable") or name in {"Header", "Line"}:
        return {"true": True, "false": False}[value]
    if name in {"version", "InstanceCount", "VolumeSizeInGB", "MaxRuntimeInSeconds"}:
        return int(value)
    return float(value) if name == "ProbabilityThresholdAttribute" else value


@pytest.mark.parametrize("kind", NAMES)
def test_it_takes_an_empty_block_only_where_that_equals_an_absent_one(kind: str) -> None:
    definition = full(kind)
    definition["StoppingCondition"] = {}
    definition["NetworkConfig"]["VpcConfig"] = {}

    assert accepted(a_file(kind, definition))
    for member in ("JobResources", f"{kind.removesuffix('JobDefinition')}AppSpecification"):
        assert not accepted(a_file(kind, definition | {member: {}}))
    assert not accepted(a_file(kind, definition | {"StoppingCondition": []}))
    assert not accepted(a_file(kind, definition | {"StoppingCondition": {"Max": 1}}))


@pytest.mark.parametrize("kind", NAMES)
def test_it_refuses_what_validate_refuses(kind: str) -> None:
    whole = a_file(kind, full(kind))
    typo, wrong, lacking = deepcopy(whole), deepcopy(whole), deepcopy(whole)
    typo[section(kind)][0]["RoleArm"] = "x"
    wrong[section(kind)][0]["JobResources"]["ClusterConfig"]["InstanceCount"] = "2"
    del lacking[section(kind)][0]["RoleArn"]

    for content in (
        typo,
        wrong,
        lacking,
        whole | {"targts": ["a"]},
        whole | {"target": "a", "targets": ["b"]},
    ):
        assert not accepted(content)
    others: list[Any] = [[], None, "text", {}, {"version": 2}]
    for content in others:
        assert not accepted(content)


def test_it_lets_references_stand_anywhere_and_nothing_else_past_the_rules() -> None:
    kind = NAMES[0]
    definition = full(kind)
    definition["RoleArn"] = definition["JobDefinitionName"] = "${var.x}"
    definition["JobResources"]["ClusterConfig"]["InstanceType"] = "ml.${var.size}"

    assert accepted(a_file(kind, definition))
    for text in ("role/x", "$var.x", "{var.x}"):
        assert not accepted(a_file(kind, definition | {"RoleArn": text}))


@pytest.mark.parametrize(
    ("lifecycle", "taken"),
    [
        ({}, True),
        ({"ignore_changes": ["RoleArn", {"path": "Tags", "reason": "x", "until": "2027-01-31"}]}, True),
        ({"sensitive": ["RoleArn"]}, True),
        ({"ignore_changes": [{"reason": "x"}]}, False),
        ({"ignore_changes": [{"path": "Tags", "until": "soon"}]}, False),
        ({"ignore_changes": "RoleArn"}, False),
        ({"ignore_changes": [""]}, False),
        ({"prevent_destroy": True}, False),
    ],
)
def test_it_knows_the_lifecycle(lifecycle: dict[str, Any], taken: bool) -> None:
    kind = NAMES[0]

    assert accepted(a_file(kind, full(kind) | {"lifecycle": lifecycle})) is taken
