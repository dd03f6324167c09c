"""Answers read from their bytes: modelled types, what is unknown kept, and what is damaged refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.kinds import KINDS, Kind, _model
from driftcheck.live import DamagedAnswerError, read, read_answer
from tests.functional.definitions import MODEL_QUALITY, full, minimal

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-quality-job-definition/churn"
KIND = KINDS[MODEL_QUALITY]


def answer(kind: str = MODEL_QUALITY, **members: Any) -> dict[str, Any]:
    described = full(kind)
    del described["Tags"]
    return {**described, "JobDefinitionArn": ARN, "CreationTime": 1763625600.25, **members}


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_whole_answer(kind: Kind) -> None:
    live = read(kind, "churn", encoded(answer(kind.name)))

    expected = full(kind.name)
    del expected["Tags"], expected["JobDefinitionName"]
    assert live.properties == expected
    assert live.arn == ARN
    assert live.created_at == datetime(2025, 11, 20, 8, 0, 0, 250_000, UTC)
    assert live.unknown == ()


@pytest.mark.parametrize("text", ["2025-11-20T08:00:00Z", "2025-11-20T09:00:00+01:00", "2025-11-20T08:00:00"])
def test_times_may_be_text_and_are_in_utc(text: str) -> None:
    live = read(KIND, "churn", encoded(answer(CreationTime=text)))
    assert live.created_at == datetime(2025, 11, 20, 8, 0, 0, tzinfo=UTC)
    assert live.created_at.utcoffset() == UTC.utcoffset(None)


def test_numbers_have_the_type_of_their_member() -> None:
    body = answer()
    body["ModelQualityJobInput"]["EndpointInput"]["ProbabilityThresholdAttribute"] = 1
    body["JobResources"]["ClusterConfig"]["InstanceCount"] = 2.0

    live: Any = read(KIND, "churn", encoded(body)).properties

    threshold = live["ModelQualityJobInput"]["EndpointInput"]["ProbabilityThresholdAttribute"]
    count = live["JobResources"]["ClusterConfig"]["InstanceCount"]
    assert (threshold, type(threshold)) == (1.0, float)
    assert (count, type(count)) == (2, int)


def test_what_is_unknown_is_kept_as_it_came_with_its_path() -> None:
    body = answer(NewBlock={"A": [1, None, {"B": "c"}]})
    body["ModelQualityJobOutputConfig"]["MonitoringOutputs"][0]["S3Output"]["New"] = False

    live: Any = read(KIND, "churn", encoded(body))

    assert live.properties["NewBlock"] == {"A": [1, None, {"B": "c"}]}
    outputs = live.properties["ModelQualityJobOutputConfig"]["MonitoringOutputs"]
    assert outputs[0]["S3Output"]["New"] is False
    assert set(live.unknown) == {
        ("NewBlock",),
        ("ModelQualityJobOutputConfig", "MonitoringOutputs", 0, "S3Output", "New"),
    }


def test_tags_are_not_read_from_it() -> None:
    live = read(KIND, "churn", encoded(answer(Tags=[{"Key": "team", "Value": "growth"}])))

    assert "Tags" not in live.properties
    assert live.unknown == ()


def test_members_that_are_null_are_absent_where_they_may_be() -> None:
    live = read(KIND, "churn", encoded(answer(NetworkConfig=None, NewBlock=None)))
    assert "NetworkConfig" not in live.properties
    assert "NewBlock" not in live.properties
    assert live.unknown == ()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("NetworkConfig",), []),
        (("NetworkConfig", "EnableNetworkIsolation"), 1),
        (("NetworkConfig", "VpcConfig", "Subnets"), {}),
        (("JobResources", "ClusterConfig", "InstanceCount"), True),
        (("JobResources", "ClusterConfig", "InstanceCount"), 1.5),
        (("JobResources", "ClusterConfig", "InstanceCount"), "1"),
        (("JobResources", "ClusterConfig", "InstanceCount"), 10**30),
        (("JobResources", "ClusterConfig", "InstanceType"), 5),
        (("JobResources", "ClusterConfig", "InstanceType"), "\udc80"),
        (("JobResources", "ClusterConfig", "InstanceType"), None),
        (("ModelQualityJobInput", "EndpointInput", "ProbabilityThresholdAttribute"), True),
        (("ModelQualityJobInput", "EndpointInput", "ProbabilityThresholdAttribute"), "0.5"),
        (("ModelQualityAppSpecification", "Environment", "A"), None),
        (("JobDefinitionName",), "Churn"),
        (("JobDefinitionName",), None),
        (("RoleArn",), None),
        (("CreationTime",), None),
        (("CreationTime",), "never"),
        (("CreationTime",), -1),
        (("CreationTime",), True),
    ],
)
def test_damage_is_refused(path: tuple[str, ...], value: Any) -> None:
    body = answer()
    at = body
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value

    with pytest.raises(DamagedAnswerError):
        read(KIND, "churn", encoded(body))


def test_a_required_member_may_not_be_null_at_any_depth() -> None:
    body = answer()
    body["ModelQualityJobOutputConfig"]["MonitoringOutputs"][0]["S3Output"]["LocalPath"] = None
    with pytest.raises(DamagedAnswerError, match=r"MonitoringOutputs\.0\.S3Output\.LocalPath"):
        read(KIND, "churn", encoded(body))


@pytest.mark.parametrize(
    "path",
    [
        ("RoleArn",),
        ("JobDefinitionArn",),
        ("CreationTime",),
        ("JobResources",),
        ("JobResources", "ClusterConfig"),
        ("JobResources", "ClusterConfig", "VolumeSizeInGB"),
        ("ModelQualityAppSpecification", "ImageUri"),
        ("ModelQualityJobInput", "EndpointInput", "LocalPath"),
        ("ModelQualityJobInput", "GroundTruthS3Input"),
        ("ModelQualityJobOutputConfig", "MonitoringOutputs", 0, "S3Output"),
        ("NetworkConfig", "VpcConfig", "Subnets"),
    ],
)
def test_an_answer_without_a_member_that_it_must_have_is_damaged(path: tuple[Any, ...]) -> None:
    body: Any = answer()
    at = body
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]

    with pytest.raises(DamagedAnswerError, match=rf"the answer has no {'.'.join(map(str, path))}$"):
        read(KIND, "churn", encoded(body))


def test_a_required_block_that_is_empty_is_no_absent_one() -> None:
    with pytest.raises(DamagedAnswerError, match=r"the answer has no JobResources\.ClusterConfig"):
        read(KIND, "churn", encoded(answer(JobResources={})))
    body = answer()
    body["ModelQualityJobOutputConfig"]["MonitoringOutputs"].append({})
    with pytest.raises(DamagedAnswerError, match=r"MonitoringOutputs\.1\.S3Output"):
        read(KIND, "churn", encoded(body))


def test_an_empty_block_is_absent_if_it_would_require_something() -> None:
    body = answer(StoppingCondition={}, NetworkConfig={"EnableNetworkIsolation": True, "VpcConfig": {}})
    body["ModelQualityJobInput"]["BatchTransformInput"] = {}
    body["ModelQualityBaselineConfig"] = {"ConstraintsResource": {}}

    live: Any = read(KIND, "churn", encoded(body)).properties

    assert "StoppingCondition" not in live
    assert live["NetworkConfig"] == {"EnableNetworkIsolation": True}
    assert "BatchTransformInput" not in live["ModelQualityJobInput"]
    # nothing is required of this one
    assert live["ModelQualityBaselineConfig"] == {"ConstraintsResource": {}}


def test_csv_without_members_stays() -> None:
    body = answer()
    source = {
        "DataCapturedDestinationS3Uri": "s3://a/b",
        "DatasetFormat": {"Csv": {}},
        "LocalPath": "/opt/ml/processing/input",
    }
    body["ModelQualityJobInput"] = {"BatchTransformInput": source, "GroundTruthS3Input": {}}
    live: Any = read(KIND, "churn", encoded(body)).properties
    assert live["ModelQualityJobInput"]["BatchTransformInput"]["DatasetFormat"] == {"Csv": {}}


def test_a_definition_without_an_endpoint_is_listed_without_its_name() -> None:
    shape = _model().operation_model(KIND.list).output_shape
    summary = {"MonitoringJobDefinitionName": "churn", "MonitoringJobDefinitionArn": ARN, "CreationTime": 1}

    for listed in (summary, {**summary, "EndpointName": None}):
        (found,) = read_answer(shape, encoded({"JobDefinitionSummaries": [listed]}))["JobDefinitionSummaries"]
        assert found["MonitoringJobDefinitionArn"] == ARN
    for member in summary:
        rest = {key: value for key, value in summary.items() if key != member}
        with pytest.raises(DamagedAnswerError, match=rf"no JobDefinitionSummaries\.1\.{member}"):
            read_answer(shape, encoded({"JobDefinitionSummaries": [summary, rest]}))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_an_answer_or_damaged(body: bytes) -> None:
    with pytest.raises(DamagedAnswerError):
        read(KIND, "churn", body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(sorted(answer())), JSON)
def test_any_value_in_a_members_place_is_read_or_refused(member: str, value: Any) -> None:
    body = encoded(answer() | {member: value})
    try:
        live = read(KIND, "churn", body)
    except DamagedAnswerError:
        return
    json.dumps(dict(live.properties), allow_nan=False).encode()
    assert member == "CreationTime" or live.created_at is not None


def test_other_answers_have_the_members_that_they_must() -> None:
    shape = KIND.answer.members["JobResources"]
    good = {"ClusterConfig": minimal(MODEL_QUALITY)["JobResources"]["ClusterConfig"]}
    assert read_answer(shape, encoded(good)) == good
    with pytest.raises(DamagedAnswerError, match="no ClusterConfig"):
        read_answer(shape, b"{}")
