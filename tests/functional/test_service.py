"""The fake AWS answers boto3 as the service does, and a process runs against it."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.clients import client, code_of, describe
from tests.functional.cloud import ABSENT, ACCESS_KEY, CREATED_AT, RECREATED_AT, Paging
from tests.functional.definitions import (
    ACCOUNT,
    DATA_QUALITY,
    KINDS,
    MODEL_BIAS,
    MODEL_EXPLAINABILITY,
    MODEL_QUALITY,
    REGION,
    full,
    minimal,
)

if TYPE_CHECKING:
    from tests.functional.conftest import Launch, Run
    from tests.functional.service import Service

pytestmark = pytest.mark.slow

OTHER_ACCOUNT = "999999999999"


@pytest.mark.parametrize(
    ("kind", "operation", "arn"),
    [
        (MODEL_QUALITY, "describe_model_quality_job_definition", "model-quality-job-definition/churn"),
        (DATA_QUALITY, "describe_data_quality_job_definition", "data-quality-job-definition/churn"),
        (MODEL_BIAS, "describe_model_bias_job_definition", "model-bias-job-definition/churn"),
        (
            MODEL_EXPLAINABILITY,
            "describe_model_explainability_job_definition",
            "model-explainability-job-definition/churn",
        ),
    ],
)
def test_describe_echoes_what_create_took_without_tags(
    service: Service, sagemaker: Any, kind: str, operation: str, arn: str
) -> None:
    service.create(kind, full(kind, "Churn", "batch-parquet"))
    answer = getattr(sagemaker, operation)(JobDefinitionName="Churn")
    del answer["ResponseMetadata"]
    expected = full(kind, "Churn", "batch-parquet")
    del expected["Tags"]
    assert answer == {
        **expected,
        "JobDefinitionArn": f"arn:aws:sagemaker:eu-west-1:123456789012:{arn}",
        "CreationTime": CREATED_AT,
    }


def test_describe_fills_in_what_create_left_out_and_nothing_else(service: Service, sagemaker: Any) -> None:
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY))
    answer = describe(sagemaker)
    assert answer["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}
    assert answer["ModelQualityJobInput"]["EndpointInput"] == {
        "EndpointName": "churn-prod",
        "LocalPath": "/opt/ml/processing/input/endpoint",
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
    }
    (output,) = answer["ModelQualityJobOutputConfig"]["MonitoringOutputs"]
    assert output["S3Output"]["S3UploadMode"] == "EndOfJob"
    assert answer.keys() - minimal(MODEL_QUALITY).keys() == {
        "StoppingCondition",
        "JobDefinitionArn",
        "CreationTime",
    }


def test_what_is_not_there_is_not_found(service: Service, sagemaker: Any) -> None:
    service.create(DATA_QUALITY, minimal(DATA_QUALITY))
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY), region="us-east-1")
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY), account=OTHER_ACCOUNT)
    with pytest.raises(sagemaker.exceptions.ResourceNotFound, match="Could not find"):
        describe(sagemaker)
    assert describe(client(service, region="us-east-1"))["JobDefinitionName"] == "churn"


def test_a_deleted_definition_is_not_found(service: Service, sagemaker: Any) -> None:
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY))
    service.delete(MODEL_QUALITY, "churn")
    assert code_of(lambda: describe(sagemaker)) == ("ResourceNotFound", 400)


def test_an_unknown_access_key_is_refused_by_both_services(service: Service) -> None:
    stranger, caller = client(service, key="STRANGER"), client(service, "sts", key="STRANGER")
    assert code_of(lambda: describe(stranger)) == ("UnrecognizedClientException", 400)
    assert code_of(caller.get_caller_identity) == ("InvalidClientTokenId", 403)


def test_a_mutated_definition_was_made_anew(service: Service, sagemaker: Any) -> None:
    service.create(MODEL_QUALITY, full(MODEL_QUALITY))
    before = describe(sagemaker)
    cluster = ("JobResources", "ClusterConfig")
    service.mutate(MODEL_QUALITY, "churn", (*cluster, "InstanceType"), "ml.m5.4xlarge")
    service.mutate(MODEL_QUALITY, "churn", (*cluster, "VolumeKmsKeyId"), ABSENT)
    service.mutate(MODEL_QUALITY, "churn", ("NetworkConfig", "VpcConfig", "Subnets", 2), "subnet-9")
    after = describe(sagemaker)
    assert (before["CreationTime"], after["CreationTime"]) == (CREATED_AT, RECREATED_AT)
    assert after["JobDefinitionArn"] == before["JobDefinitionArn"]
    assert after["JobResources"]["ClusterConfig"] == {
        "InstanceCount": 2,
        "InstanceType": "ml.m5.4xlarge",
        "VolumeSizeInGB": 50,
    }
    assert after["NetworkConfig"]["VpcConfig"]["Subnets"] == [
        "subnet-0a1b2c3d4e5f60718",
        "subnet-0f1e2d3c4b5a69788",
        "subnet-9",
    ]


def test_list_gives_ten_of_its_kind_and_place_newest_first(service: Service, sagemaker: Any) -> None:
    for number in range(12):
        service.create(
            MODEL_QUALITY,
            minimal(MODEL_QUALITY, f"churn-{number:02}"),
            created_at=CREATED_AT.replace(minute=number),
        )
    service.create(MODEL_BIAS, minimal(MODEL_BIAS, "bias"))
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "elsewhere"), region="us-east-1")
    first = sagemaker.list_model_quality_job_definitions()
    second = sagemaker.list_model_quality_job_definitions(NextToken=first["NextToken"])
    pages = [first["JobDefinitionSummaries"], second["JobDefinitionSummaries"]]
    assert [[summary["MonitoringJobDefinitionName"] for summary in page] for page in pages] == [
        [f"churn-{number:02}" for number in range(11, 1, -1)],
        ["churn-01", "churn-00"],
    ]
    assert "NextToken" not in second
    assert first["JobDefinitionSummaries"][0] == {
        "MonitoringJobDefinitionName": "churn-11",
        "MonitoringJobDefinitionArn": (
            "arn:aws:sagemaker:eu-west-1:123456789012:model-quality-job-definition/churn-11"
        ),
        "CreationTime": CREATED_AT.replace(minute=11),
        "EndpointName": "churn-prod",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_list(service: Service, sagemaker: Any, kind: str) -> None:
    service.create(kind, minimal(kind))
    snake = kind.removesuffix("JobDefinition").replace("Model", "model_").replace("Data", "data_").lower()
    listing = getattr(sagemaker, f"list_{snake}_job_definitions")()
    assert [s["MonitoringJobDefinitionName"] for s in listing["JobDefinitionSummaries"]] == ["churn"]


def test_list_narrows_and_sorts(service: Service, sagemaker: Any) -> None:
    for name in ("b-churn", "a-churn", "fraud"):
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "c-churn", "batch"))

    def names(**parameters: Any) -> list[str]:
        page = sagemaker.list_model_quality_job_definitions(**parameters)
        return [summary["MonitoringJobDefinitionName"] for summary in page["JobDefinitionSummaries"]]

    ascending = {"SortBy": "Name", "SortOrder": "Ascending"}
    assert names(NameContains="churn", **ascending) == ["a-churn", "b-churn", "c-churn"]
    assert names(EndpointName="churn-prod", **ascending) == ["a-churn", "b-churn", "fraud"]


@pytest.mark.parametrize(
    "parameters", [{"MaxResults": 101}, {"NextToken": "forged"}, {"CreationTimeAfter": CREATED_AT}]
)
def test_list_refuses_what_it_cannot_do(sagemaker: Any, parameters: dict[str, Any]) -> None:
    assert code_of(lambda: sagemaker.list_model_quality_job_definitions(**parameters)) == (
        "ValidationException",
        400,
    )


def test_pages_can_be_small_and_the_first_one_empty(service: Service, sagemaker: Any) -> None:
    for name in ("a", "b", "c"):
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))
    service.paging = Paging(size=2, empty_first=True)
    pages = sagemaker.get_paginator("list_model_quality_job_definitions").paginate(MaxResults=100)
    assert [len(page["JobDefinitionSummaries"]) for page in pages] == [0, 2, 1]


def test_a_token_can_repeat(service: Service, sagemaker: Any) -> None:
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY))
    service.paging = Paging(repeats=True)
    first = sagemaker.list_model_quality_job_definitions()
    second = sagemaker.list_model_quality_job_definitions(NextToken=first["NextToken"])
    assert second["NextToken"] == first["NextToken"]
    assert second["JobDefinitionSummaries"] == first["JobDefinitionSummaries"]


def test_tags_are_listed_by_arn_in_pages(service: Service, sagemaker: Any) -> None:
    arn = service.create(MODEL_QUALITY, full(MODEL_QUALITY))
    tags = [*full(MODEL_QUALITY)["Tags"], {"Key": "aws:cloudformation:stack-name", "Value": "monitoring"}]
    service.mutate(MODEL_QUALITY, "churn", ("Tags",), tags)
    service.tag_paging = Paging(size=2)
    first = sagemaker.list_tags(ResourceArn=arn)
    second = sagemaker.list_tags(ResourceArn=arn, NextToken=first["NextToken"])
    assert first["Tags"] + second["Tags"] == [
        {"Key": "team", "Value": "risk"},
        {"Key": "cost-centre", "Value": "4711"},
        {"Key": "aws:cloudformation:stack-name", "Value": "monitoring"},
    ]
    assert "NextToken" not in second


def test_a_write_is_refused_and_remembered(service: Service, sagemaker: Any) -> None:
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY))
    describe(sagemaker)
    assert service.writes == []
    for attempt in (
        lambda: sagemaker.delete_model_quality_job_definition(JobDefinitionName="churn"),
        lambda: sagemaker.create_model_quality_job_definition(**minimal(MODEL_QUALITY, "new")),
        lambda: sagemaker.add_tags(ResourceArn="arn:aws:sagemaker:eu-west-1:1:x", Tags=[]),
    ):
        assert code_of(attempt) == ("AccessDeniedException", 400)
    assert [call.action for call in service.writes] == [
        "DeleteModelQualityJobDefinition",
        "CreateModelQualityJobDefinition",
        "AddTags",
    ]
    assert describe(sagemaker)["JobDefinitionName"] == "churn"


def test_every_request_is_remembered(service: Service, sagemaker: Any) -> None:
    before = time.time()
    code_of(lambda: describe(sagemaker))
    (call,) = service.called("DescribeModelQuality*")
    assert (call.action, call.name) == ("DescribeModelQualityJobDefinition", "churn")
    assert (call.region, call.access_key, call.account) == (REGION, ACCESS_KEY, ACCOUNT)
    assert before <= call.at <= time.time()
    assert service.called("List*") == []


def test_sts_knows_the_account_of_a_key(service: Service) -> None:
    service.accounts["OTHERKEY"] = OTHER_ACCOUNT
    assert client(service, "sts").get_caller_identity()["Account"] == ACCOUNT
    other = client(service, "sts", key="OTHERKEY").get_caller_identity()
    assert (other["Account"], other["Arn"]) == (OTHER_ACCOUNT, "arn:aws:iam::999999999999:user/driftcheck")


def test_an_assumed_role_reads_its_own_account(service: Service) -> None:
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/audit/driftcheck"
    service.external_ids[role] = "a&b"
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY), account=OTHER_ACCOUNT)
    sts = client(service, "sts")
    asked: dict[str, str] = {"RoleArn": role, "RoleSessionName": "run"}
    assert code_of(lambda: sts.assume_role(**asked)) == ("AccessDenied", 403)
    assert code_of(lambda: sts.assume_role(**asked, ExternalId="guess")) == ("AccessDenied", 403)
    answer = sts.assume_role(**asked, ExternalId="a&b")
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::999999999999:assumed-role/driftcheck/run"
    key = answer["Credentials"]["AccessKeyId"]
    assert client(service, "sts", key=key).get_caller_identity()["Account"] == OTHER_ACCOUNT
    assert describe(client(service, key=key))["JobDefinitionName"] == "churn"
    assert [call.parameters.get("ExternalId") for call in service.called("AssumeRole")] == [
        None,
        "guess",
        "a&b",
    ]


def test_a_process_ends_as_its_outcome_says(run: Run) -> None:
    outcome = run("no-such-command")
    assert outcome.exit_code == 1
    assert outcome.stdout == ""
    assert outcome.stderr != ""


def test_a_launched_process_takes_signals(launch: Launch) -> None:
    launched = launch("--help")
    launched.signal(signal.SIGKILL)
    assert launched.finish().exit_code == -signal.SIGKILL
