"""Answers read from their bytes: modelled types, what is unknown kept, and what is damaged refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.kinds import KINDS, Kind
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


def test_a_required_member_that_is_absent_is_for_the_comparison_to_tell() -> None:
    body = answer()
    del body["RoleArn"]
    assert "RoleArn" not in read(KIND, "churn", encoded(body)).properties


def test_an_answer_with_nothing_that_the_service_assigns_is_damaged() -> None:
    body = answer()
    del body["JobDefinitionArn"], body["CreationTime"]
    with pytest.raises(DamagedAnswerError, match="none of CreationTime, JobDefinitionArn"):
        read(KIND, "churn", encoded(body))


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
