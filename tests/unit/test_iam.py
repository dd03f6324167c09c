"""The least policy for states whose policy was worked out by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from driftcheck.desired import load
from driftcheck.iam import policy
from driftcheck.kinds import loader
from driftcheck.model import Target
from tests.functional.definitions import KINDS, Definition, minimal, write_desired

if TYPE_CHECKING:
    from pathlib import Path

MODEL_QUALITY, DATA_QUALITY, MODEL_BIAS, MODEL_EXPLAINABILITY = KINDS
TAGGED = {"Tags": [{"Key": "team", "Value": "risk"}]}
ROLE = "arn:aws-cn:iam::210987654321:role/driftcheck"
TARGETS = {
    "eu": Target("eu", "eu-west-1", "123456789012"),
    "cn": Target("cn", "cn-north-1", role_arn=ROLE),
}
LISTS = {
    "Sid": "FindUnmanaged",
    "Effect": "Allow",
    "Action": [
        "sagemaker:ListDataQualityJobDefinitions",
        "sagemaker:ListModelBiasJobDefinitions",
        "sagemaker:ListModelExplainabilityJobDefinitions",
        "sagemaker:ListModelQualityJobDefinitions",
    ],
    "Resource": "*",
}


def statements(
    folder: Path, definitions: dict[str, list[Definition]], *, unmanaged: bool = True, **extra: Any
) -> Any:
    made = policy(load([write_desired(folder, definitions, **extra)], TARGETS), unmanaged=unmanaged)
    assert made.pop("Version") == "2012-10-17"
    assert list(made) == ["Statement"]
    return made["Statement"]


def describes(kind: str, resource: object) -> dict[str, object]:
    return {
        "Sid": "DescribeDeclared",
        "Effect": "Allow",
        "Action": [f"sagemaker:Describe{kind}"],
        "Resource": resource,
    }


def test_one_kind_in_one_target(tmp_path: Path) -> None:
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:model-quality-job-definition/*"

    assert statements(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY)]}, target="eu") == [
        describes(MODEL_QUALITY, arn),
        LISTS,
    ]


def test_without_a_look_for_unmanaged_ones_nothing_is_listed(tmp_path: Path) -> None:
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:model-bias-job-definition/*"

    assert statements(tmp_path, {MODEL_BIAS: [minimal(MODEL_BIAS)]}, unmanaged=False, target="eu") == [
        describes(MODEL_BIAS, arn)
    ]


def test_two_targets_one_of_them_through_a_role_in_another_partition(tmp_path: Path) -> None:
    made = statements(tmp_path, {DATA_QUALITY: [minimal(DATA_QUALITY)]}, targets=["eu", "cn"])

    assert made == [
        describes(
            DATA_QUALITY,
            [
                "arn:aws-cn:sagemaker:cn-north-1:210987654321:data-quality-job-definition/*",
                "arn:aws:sagemaker:eu-west-1:123456789012:data-quality-job-definition/*",
            ],
        ),
        LISTS,
        {"Sid": "AssumeTargetRoles", "Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": ROLE},
    ]


def test_tags_are_read_where_a_definition_declares_them(tmp_path: Path) -> None:
    made = statements(
        tmp_path,
        {
            MODEL_QUALITY: [minimal(MODEL_QUALITY)],
            MODEL_EXPLAINABILITY: [minimal(MODEL_EXPLAINABILITY) | TAGGED],
        },
        unmanaged=False,
    )

    assert made == [
        describes(MODEL_EXPLAINABILITY, "arn:aws:sagemaker:*:*:model-explainability-job-definition/*")
        | {"Sid": "DescribeDeclared1"},
        describes(MODEL_QUALITY, "arn:aws:sagemaker:*:*:model-quality-job-definition/*")
        | {"Sid": "DescribeDeclared2"},
        {
            "Sid": "ReadTagsOfDeclared",
            "Effect": "Allow",
            "Action": ["sagemaker:ListTags"],
            "Resource": "arn:aws:sagemaker:*:*:model-explainability-job-definition/*",
        },
    ]


def test_an_empty_list_needs_no_describe(tmp_path: Path) -> None:
    assert statements(tmp_path, {MODEL_QUALITY: []}) == [LISTS]


def test_every_action_reads_and_exists(tmp_path: Path) -> None:
    definitions = {kind: [minimal(kind) | TAGGED] for kind in KINDS}
    made = statements(tmp_path, definitions, targets=["eu", "cn"])

    actions = {action for statement in made for action in statement["Action"]}
    assert len(actions) == 10
    for action in actions:
        service, _, operation = action.partition(":")
        assert operation in loader().load_service_model(service, "service-2")["operations"]
        assert action == "sts:AssumeRole" or operation.startswith(("Describe", "List", "Get"))
    assert {statement["Effect"] for statement in made} == {"Allow"}
    # a managed policy holds 6,144 characters
    assert len(json.dumps(made, separators=(",", ":"))) < 6_000
