"""What counts as drift, from the bytes of the service's answer to the differences in the document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.cloud import ABSENT, Paging
from tests.functional.definitions import KINDS, MODEL_QUALITY, full, minimal, write_desired
from tests.functional.faults import Answer
from tests.functional.results import check

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.results import Changes
    from tests.functional.service import Service

APP = "ModelQualityAppSpecification"
INPUT = "ModelQualityJobInput"
OUTPUT = "ModelQualityJobOutputConfig"
S3_OUTPUT = (OUTPUT, "MonitoringOutputs", 0, "S3Output")
NETWORK = "NetworkConfig"


def prefix_of(kind: str) -> str:
    return kind.removesuffix("JobDefinition")


def test_what_the_service_fills_in_is_no_drift(service: Service, run: Run, tmp_path: Path) -> None:
    sources = {"by-endpoint": "endpoint", "by-batch": "batch", "by-json": "batch-json"}
    definitions = {
        kind: [minimal(kind, name, source) for name, source in sources.items()]  # type: ignore[arg-type]
        for kind in KINDS
    }
    write_desired(tmp_path, definitions)
    for kind, some in definitions.items():
        for definition in some:
            service.create(kind, definition)

    result = check(run, service)

    assert result.exit_code == 0
    assert [each["status"] for each in result.document["resources"]] == ["in_sync"] * 12


def test_the_defaults_may_be_declared_too(service: Service, run: Run, tmp_path: Path) -> None:
    declared = minimal(MODEL_QUALITY)
    declared[INPUT]["EndpointInput"] |= {"S3InputMode": "File", "S3DataDistributionType": "FullyReplicated"}
    declared[OUTPUT]["MonitoringOutputs"][0]["S3Output"]["S3UploadMode"] = "EndOfJob"
    declared["StoppingCondition"] = {"MaxRuntimeInSeconds": 3600}
    write_desired(tmp_path, {MODEL_QUALITY: [declared]})
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY))

    assert check(run, service).exit_code == 0


@pytest.mark.parametrize("kind", KINDS)
def test_another_value_than_the_default_was_added(
    service: Service, run: Run, tmp_path: Path, kind: str
) -> None:
    prefix = prefix_of(kind)
    endpoint = (f"{prefix}JobInput", "EndpointInput")
    write_desired(tmp_path, {kind: [minimal(kind)]})
    service.create(kind, minimal(kind))
    upload = (f"{prefix}JobOutputConfig", "MonitoringOutputs", 0, "S3Output", "S3UploadMode")
    service.mutate(kind, "churn", (*endpoint, "S3InputMode"), "Pipe")
    service.mutate(kind, "churn", (*endpoint, "S3DataDistributionType"), "ShardedByS3Key")
    service.mutate(kind, "churn", upload, "Continuous")
    service.mutate(kind, "churn", ("StoppingCondition", "MaxRuntimeInSeconds"), 1800)

    result = check(run, service)

    assert result.exit_code == 2
    assert result.changes() == [
        ((*endpoint, "S3DataDistributionType"), "added", None, "ShardedByS3Key"),
        ((*endpoint, "S3InputMode"), "added", None, "Pipe"),
        (upload, "added", None, "Continuous"),
        (("StoppingCondition",), "added", None, {"MaxRuntimeInSeconds": 1800}),
    ]


def test_a_default_that_is_declared_and_differs_or_is_gone(
    service: Service, run: Run, tmp_path: Path
) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [full(MODEL_QUALITY)]})
    service.create(MODEL_QUALITY, full(MODEL_QUALITY))
    service.mutate(MODEL_QUALITY, "churn", (*S3_OUTPUT, "S3UploadMode"), "EndOfJob")
    service.mutate(MODEL_QUALITY, "churn", ("StoppingCondition",), ABSENT)

    assert check(run, service).changes() == [
        ((*S3_OUTPUT, "S3UploadMode"), "changed", "Continuous", "EndOfJob"),
        (("StoppingCondition",), "removed", {"MaxRuntimeInSeconds": 1800}, None),
    ]


def test_the_order_of_a_set_means_nothing(service: Service, run: Run, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [full(MODEL_QUALITY)]})
    live = full(MODEL_QUALITY)
    live[NETWORK]["VpcConfig"]["SecurityGroupIds"].reverse()
    live[NETWORK]["VpcConfig"]["Subnets"].reverse()
    live["Tags"].reverse()
    service.create(MODEL_QUALITY, live)

    assert check(run, service).exit_code == 0


def test_what_a_set_gained_and_lost(service: Service, run: Run, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [full(MODEL_QUALITY)]})
    service.create(MODEL_QUALITY, full(MODEL_QUALITY))
    groups = (NETWORK, "VpcConfig", "SecurityGroupIds")
    service.mutate(
        MODEL_QUALITY, "churn", groups, ["sg-0new", "sg-0f1e2d3c4b5a69788", "sg-0a1b2c3d4e5f60718"]
    )
    subnets = (NETWORK, "VpcConfig", "Subnets")
    service.mutate(MODEL_QUALITY, "churn", subnets, ["subnet-0f1e2d3c4b5a69788"])

    assert check(run, service).changes() == [
        ((*groups, 2), "added", None, "sg-0new"),
        ((*subnets, 0), "removed", "subnet-0a1b2c3d4e5f60718", None),
    ]


def test_the_order_of_every_other_list_matters(service: Service, run: Run, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [full(MODEL_QUALITY)]})
    service.create(MODEL_QUALITY, full(MODEL_QUALITY))
    entrypoint = (APP, "ContainerEntrypoint")
    service.mutate(MODEL_QUALITY, "churn", entrypoint, ["python3", "monitor", "-m"])

    result = check(run, service)

    assert result.statuses == {"churn": "drifted"}
    assert {path[:2] for path, *_ in result.changes()} == {entrypoint}


def test_tags_are_fetched_and_compared_where_they_are_declared(
    service: Service, run: Run, tmp_path: Path
) -> None:
    tagged, untagged = full(MODEL_QUALITY, "tagged"), full(MODEL_QUALITY, "untagged")
    del untagged["Tags"]
    none = {**full(MODEL_QUALITY, "none"), "Tags": []}
    write_desired(tmp_path, {MODEL_QUALITY: [tagged, untagged, none]})
    aws = {"Key": "aws:cloudformation:stack-name", "Value": "monitoring"}
    many = [{"Key": f"k{number}", "Value": "v"} for number in range(5)]
    for definition in (tagged, untagged, none):
        service.create(MODEL_QUALITY, definition)
    service.mutate(
        MODEL_QUALITY,
        "tagged",
        ("Tags",),
        [aws, {"Key": "cost-centre", "Value": "4712"}, *many, {"Key": "team", "Value": "risk"}],
    )
    service.mutate(MODEL_QUALITY, "untagged", ("Tags",), many)
    service.mutate(MODEL_QUALITY, "none", ("Tags",), [aws])
    service.tag_paging = Paging(size=2)

    result = check(run, service)

    assert result.statuses == {"tagged": "drifted", "untagged": "in_sync", "none": "in_sync"}
    assert result.changes("tagged") == [
        (("Tags", 1, "Value"), "changed", "4711", "4712"),
        *((("Tags", 2 + number), "added", None, {"Key": f"k{number}", "Value": "v"}) for number in range(5)),
    ]
    assert {call.name.rpartition("/")[2] for call in service.called("ListTags")} == {"tagged", "none"}
    assert len(service.called("ListTags")) == 4 + 1


def test_declared_tags_of_aws_are_compared_on_neither_side_and_told_once(
    service: Service, run: Run, tmp_path: Path
) -> None:
    own = [{"Key": "team", "Value": "risk"}]
    of_aws = [{"Key": f"aws:cloudformation:{name}", "Value": "x"} for name in ("stack-name", "logical-id")]
    for name in ("gone", "there", "none"):
        service.create(MODEL_QUALITY, {**full(MODEL_QUALITY, name), "Tags": own})
    service.mutate(MODEL_QUALITY, "there", ("Tags",), [{**of_aws[0], "Value": "other"}, *own])
    service.mutate(MODEL_QUALITY, "none", ("Tags",), [])
    copied = [{**full(MODEL_QUALITY, name), "Tags": [*own, *of_aws]} for name in ("gone", "there")]
    of_aws_alone = {**full(MODEL_QUALITY, "none"), "Tags": of_aws}
    write_desired(tmp_path, {MODEL_QUALITY: [*copied, of_aws_alone]})

    result = check(run, service)

    assert (result.exit_code, result.statuses) == (0, dict.fromkeys(("gone", "there", "none"), "in_sync"))
    assert result.warnings == ["aws-tags-not-compared"]
    (said,) = (
        line for line in run("validate").stderr.splitlines() if "keys begin with aws: belong to AWS" in line
    )
    place = result.document["warnings"][0]["source"]
    assert said.startswith(f"{place['file']}:{place['line']}:{place['column']}: warning: tags whose keys")
    # nobody is told of what was not asked for
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, "other")]}, "b.yaml")
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "other"))
    assert check(run, service, "--select", "other").warnings == []


def test_numbers_are_compared_by_the_type_of_their_member(service: Service, run: Run, tmp_path: Path) -> None:
    threshold = (INPUT, "EndpointInput", "ProbabilityThresholdAttribute")
    declared = []
    for name, wanted, live in (
        ("one", 1, 1.0),
        ("one-too", 1.0, 1),
        ("three-quarters", 0.75, 0.75),
        ("other", 1, 1.5),
    ):
        definition = full(MODEL_QUALITY, name)
        definition[INPUT]["EndpointInput"]["ProbabilityThresholdAttribute"] = wanted
        declared.append(definition)
        service.create(MODEL_QUALITY, definition)
        service.mutate(MODEL_QUALITY, name, threshold, live)
    service.mutate(MODEL_QUALITY, "one", ("JobResources", "ClusterConfig", "InstanceCount"), 2.0)
    service.mutate(MODEL_QUALITY, "one-too", (APP, "Environment", "BUILD_ID"), "123")
    write_desired(tmp_path, {MODEL_QUALITY: declared})

    result = check(run, service)

    assert result.statuses == {
        "one": "in_sync",
        "one-too": "drifted",
        "other": "drifted",
        "three-quarters": "in_sync",
    }
    assert result.changes("one-too") == [((APP, "Environment", "BUILD_ID"), "changed", "0123", "123")]
    assert result.changes("other") == [(threshold, "changed", 1, 1.5)]


def test_members_that_botocore_does_not_know_are_reported(service: Service, run: Run, tmp_path: Path) -> None:
    names = ["at-the-top", "nested", "null"]
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in names]})
    for name in names:
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))
    service.mutate(MODEL_QUALITY, "at-the-top", ("QuantumMode",), {"Qubits": [1, None, "two"]})
    service.mutate(MODEL_QUALITY, "nested", (INPUT, "EndpointInput", "Colour"), "blue")
    service.mutate(MODEL_QUALITY, "null", ("QuantumMode",), None)

    result = check(run, service)

    assert result.exit_code == 2
    assert result.changes("at-the-top") == [(("QuantumMode",), "added", None, {"Qubits": [1, None, "two"]})]
    assert result.changes("nested") == [((INPUT, "EndpointInput", "Colour"), "added", None, "blue")]
    assert result.statuses["null"] == "in_sync"
    said = {each["message"].split(":")[0]: each["message"] for each in result.document["warnings"]}
    assert set(result.warnings) == {"unknown-member"}
    assert set(said) == {"at-the-top", "nested"}
    assert "QuantumMode" in said["at-the-top"]
    assert f"{INPUT}.EndpointInput.Colour" in said["nested"]


def test_members_that_are_null_are_absent(service: Service, run: Run, tmp_path: Path) -> None:
    declared = minimal(MODEL_QUALITY)
    write_desired(tmp_path, {MODEL_QUALITY: [declared]})
    service.create(MODEL_QUALITY, declared)
    for path in ((NETWORK,), (APP, "ProblemType"), (INPUT, "EndpointInput", "S3InputMode")):
        service.mutate(MODEL_QUALITY, "churn", path, None)

    assert check(run, service).exit_code == 0


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ((NETWORK,), ABSENT, [((NETWORK,), "removed", full(MODEL_QUALITY)[NETWORK], None)]),
        (
            (NETWORK, "EnableNetworkIsolation"),
            ABSENT,
            [((NETWORK, "EnableNetworkIsolation"), "removed", False, None)],
        ),
        (
            (APP, "Environment", "a.b[0]"),
            "new",
            [((APP, "Environment", "a.b[0]"), "added", None, "new")],
        ),
        ((APP, "Environment", "EMPTY"), ABSENT, [((APP, "Environment", "EMPTY"), "removed", "", None)]),
        (
            (APP, "ContainerArguments", 4),
            "--verbose",
            [((APP, "ContainerArguments", 4), "added", None, "--verbose")],
        ),
    ],
)
def test_the_smallest_true_statement(
    service: Service, run: Run, tmp_path: Path, path: tuple[str | int, ...], value: Any, expected: Changes
) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [full(MODEL_QUALITY)]})
    service.create(MODEL_QUALITY, full(MODEL_QUALITY))
    service.mutate(MODEL_QUALITY, "churn", path, value)

    assert check(run, service, "--no-unmanaged").changes() == expected


def test_strings_stay_what_they_are(service: Service, run: Run, tmp_path: Path) -> None:
    texts = {"A": "  x ", "B": "é", "C": "é", "D": "line\nbreak", "E": "null", "F": "\u202eabc", "G": "😀"}
    declared = full(MODEL_QUALITY)
    declared[APP]["Environment"] = texts
    write_desired(tmp_path, {MODEL_QUALITY: [declared]}, name="desired.json")
    service.create(MODEL_QUALITY, declared)

    assert check(run, service).exit_code == 0


def test_an_answer_in_other_bytes_is_the_same_answer(service: Service, run: Run, tmp_path: Path) -> None:
    declared = minimal(MODEL_QUALITY)
    write_desired(tmp_path, {MODEL_QUALITY: [declared]})
    service.create(MODEL_QUALITY, declared)
    body = {
        **dict(reversed(declared.items())),
        "JobDefinitionArn": "arn:aws:sagemaker:eu-west-1:123456789012:model-quality-job-definition/churn",
        "CreationTime": "2026-11-20T09:00:00+01:00",
    }
    service.fail(Answer(json.dumps(body, indent=8)), action="Describe*")

    result = check(run, service)

    assert result.exit_code == 0
    assert result.named("churn")["created_at"] == "2026-11-20T08:00:00Z"
