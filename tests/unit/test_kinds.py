"""Each kind's row against botocore's service model."""

from __future__ import annotations

import pytest

from driftcheck.kinds import (
    ABSENT_MEANS,
    KINDS,
    SETS,
    Kind,
    ListShape,
    Shape,
    StructureShape,
    loader,
    partition,
)

NAMES = [
    ("ModelQualityJobDefinition", "model_quality_job_definitions", "model-quality-job-definition"),
    ("DataQualityJobDefinition", "data_quality_job_definitions", "data-quality-job-definition"),
    ("ModelBiasJobDefinition", "model_bias_job_definitions", "model-bias-job-definition"),
    (
        "ModelExplainabilityJobDefinition",
        "model_explainability_job_definitions",
        "model-explainability-job-definition",
    ),
]


def members(shape: Shape) -> dict[str, Shape]:
    """Every member under a shape, by name."""
    if isinstance(shape, ListShape):
        return members(shape.member)
    if not isinstance(shape, StructureShape):
        return {}
    found = dict(shape.members)
    for member in shape.members.values():
        found |= members(member)
    return found


def test_there_are_four_kinds() -> None:
    assert list(KINDS) == [name for name, _, _ in NAMES]


@pytest.mark.parametrize(("name", "collection", "resource_type"), NAMES)
def test_a_kind_is_named_as_the_operations_are(name: str, collection: str, resource_type: str) -> None:
    kind = KINDS[name]
    operations = loader().load_service_model("sagemaker", "service-2")["operations"]

    assert (kind.collection, kind.resource_type) == (collection, resource_type)
    assert (kind.describe, kind.list) == (f"Describe{name}", f"List{name}s")
    assert {kind.describe, kind.list, f"Create{name}"} <= set(operations)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_the_server_assigns_the_arn_and_the_time_alone(kind: Kind) -> None:
    assert kind.server_assigned == {"JobDefinitionArn", "CreationTime"}
    assert frozenset(kind.request.members) - frozenset(kind.answer.members) == {"Tags"}


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_the_rows_by_member_name_name_members_of_the_right_shape(kind: Kind) -> None:
    found = members(kind.request)

    assert ABSENT_MEANS.keys() | SETS.keys() <= found.keys()
    assert all(isinstance(found[name], ListShape) for name in SETS)
    assert {name for name in ABSENT_MEANS if isinstance(found[name], StructureShape)} == {"StoppingCondition"}


@pytest.mark.parametrize(
    ("region", "name"),
    [
        ("eu-west-1", "aws"),
        ("us-gov-west-1", "aws-us-gov"),
        ("cn-north-1", "aws-cn"),
        ("nowhere", "aws"),
        (None, "aws"),
    ],
)
def test_a_region_lies_in_its_partition(region: str | None, name: str) -> None:
    assert partition(region) == name
