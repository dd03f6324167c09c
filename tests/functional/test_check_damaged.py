"""Answers that cannot be trusted are errors of the definition that they are about, and never drift."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.definitions import ACCOUNT, DATA_QUALITY, MODEL_QUALITY, REGION, minimal, write_desired
from tests.functional.faults import Answer, Redirect
from tests.functional.results import check

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

APP = "ModelQualityAppSpecification"
INPUT = "ModelQualityJobInput"


def true_answer(name: str) -> dict[str, Any]:
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-quality-job-definition/{name}"
    return {**minimal(MODEL_QUALITY, name), "JobDefinitionArn": arn, "CreationTime": 1763625600.5}


def with_value(name: str, path: tuple[str, ...], text: str) -> str:
    """The true answer with a text, that need not be JSON, in place of a value."""
    answer = true_answer(name)
    at = answer
    for step in path[:-1]:
        at = at.setdefault(step, {})
    at[path[-1]] = "@@"
    return json.dumps(answer).replace('"@@"', text)


def without(name: str, member: str) -> str:
    answer = true_answer(name)
    del answer[member]
    return json.dumps(answer)


THRESHOLD = (INPUT, "EndpointInput", "ProbabilityThresholdAttribute")
COUNT = ("JobResources", "ClusterConfig", "InstanceCount")

DAMAGED: dict[str, Any] = {
    "empty": b"",
    "no-json": b"<html>sign in</html>",
    "no-utf-8": with_value("no-utf-8", ("RoleArn",), '"\\u00ff"').encode().replace(b"\\u00ff", b"\xff"),
    "raw-surrogate": with_value("raw-surrogate", ("RoleArn",), '"@"').encode().replace(b"@", b"\xed\xa0\x80"),
    "list": [true_answer("list")],
    "text": '"text"',
    "null": "null",
    "empty-object": "{}",
    "name-alone": {"JobDefinitionName": "name-alone"},
    "another-name": true_answer("churn"),
    "no-name": without("no-name", "JobDefinitionName"),
    "other-case": true_answer("Other-Case"),
    "nan": with_value("nan", THRESHOLD, "NaN"),
    "infinity": with_value("infinity", THRESHOLD, "-Infinity"),
    "huge-double": with_value("huge-double", THRESHOLD, "1e999"),
    "huge-integer": with_value("huge-integer", COUNT, "9" * 400),
    "huge-whole-double": with_value("huge-whole-double", COUNT, "1e300"),
    "integer-for-double": with_value("integer-for-double", THRESHOLD, "1" + "0" * 400),
    "fraction": with_value("fraction", COUNT, "1.5"),
    "text-for-integer": with_value("text-for-integer", COUNT, '"1"'),
    "boolean-for-integer": with_value("boolean-for-integer", COUNT, "true"),
    "number-for-boolean": with_value("number-for-boolean", ("NetworkConfig", "EnableNetworkIsolation"), "0"),
    "number-for-text": with_value("number-for-text", ("RoleArn",), "7"),
    "list-for-block": with_value("list-for-block", ("NetworkConfig",), "[]"),
    "block-for-list": with_value("block-for-list", (APP, "ContainerArguments"), "{}"),
    "null-in-list": with_value("null-in-list", (APP, "ContainerArguments"), '["a", null]'),
    "null-in-map": with_value("null-in-map", (APP, "Environment"), '{"A": null}'),
    "null-required": with_value("null-required", ("RoleArn",), "null"),
    "null-required-nested": with_value("null-required-nested", (APP, "ImageUri"), "null"),
    "twice": with_value("twice", ("RoleArn",), '"arn:a", "RoleArn": "arn:b"'),
    "twice-nested": with_value("twice-nested", (APP, "Environment"), '{"A": "1", "A": "2"}'),
    "surrogate": with_value("surrogate", (APP, "Environment"), '{"A": "\\ud800"}'),
    "surrogate-key": with_value("surrogate-key", (APP, "Environment"), '{"\\udfff": "A"}'),
    "surrogate-unknown": with_value("surrogate-unknown", ("NewMember",), '["\\ud800"]'),
    "deep": with_value("deep", ("NewMember",), "[" * 100_000 + "]" * 100_000),
    "fairly-deep": with_value("fairly-deep", ("NewMember",), '{"a":' * 400 + "1" + "}" * 400),
    "long": with_value("long", ("NewMember",), '"' + "x" * 5_000_000 + '"'),
    "no-time": with_value("no-time", ("CreationTime",), '"yesterday"'),
    "time-before-time": with_value("time-before-time", ("CreationTime",), '"0001-01-01T00:00:00+14:00"'),
    "time-after-time": with_value("time-after-time", ("CreationTime",), "1e18"),
    "lacks-role": without("lacks-role", "RoleArn"),
    "lacks-arn": without("lacks-arn", "JobDefinitionArn"),
    "lacks-time": without("lacks-time", "CreationTime"),
    "lacks-count": with_value("lacks-count", COUNT[:-1], '{"InstanceType": "ml.m5.large"}'),
    "lacks-cluster": with_value("lacks-cluster", COUNT[:-2], "{}"),
    "lacks-path": with_value("lacks-path", (INPUT, "EndpointInput"), '{"EndpointName": "churn"}'),
    "lacks-subnets": with_value("lacks-subnets", ("NetworkConfig",), '{"VpcConfig": {"Subnets": ["a"]}}'),
    "lacks-limit": with_value("lacks-limit", ("StoppingCondition",), '{"New": 1}'),
    "trailing": json.dumps(true_answer("trailing")) + "{}",
}


def test_damaged_answers_are_errors_and_all_else_is_right(service: Service, run: Run, tmp_path: Path) -> None:
    names = ["steady", "moved", "gone", *DAMAGED]
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in names]})
    for name in names:
        if name != "gone":
            service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))
    service.mutate(MODEL_QUALITY, "moved", ("RoleArn",), f"arn:aws:iam::{ACCOUNT}:role/other")
    for name, body in DAMAGED.items():
        service.fail(Answer(body), name=name)

    result = check(run, service)

    assert result.exit_code == 1
    assert result.statuses == {"steady": "in_sync", "moved": "drifted", "gone": "missing"} | dict.fromkeys(
        DAMAGED, "error"
    )
    assert result.errors == dict.fromkeys(DAMAGED, "DamagedAnswer")
    assert result.target_error is None
    for name in DAMAGED:
        message = result.named(name)["error"]["message"]
        assert message.startswith("DescribeModelQualityJobDefinition: ")
        assert len(message) < 300


def test_the_true_answers_that_these_are_made_of_are_read(service: Service, run: Run, tmp_path: Path) -> None:
    names = ["plain", "whole-double", "whole-integer", "unknown", "nested"]
    declared = [minimal(MODEL_QUALITY, name) for name in names]
    declared[2][INPUT]["EndpointInput"]["ProbabilityThresholdAttribute"] = 1
    write_desired(tmp_path, {MODEL_QUALITY: declared})
    service.fail(Answer(with_value("plain", ("StoppingCondition",), "null")), name="plain")
    service.fail(Answer(with_value("whole-double", COUNT, "1.0")), name="whole-double")
    service.fail(Answer(with_value("whole-integer", THRESHOLD, "1")), name="whole-integer")
    service.fail(Answer(with_value("unknown", ("NewMember",), "null")), name="unknown")
    deep = '{"a":' * 40 + "1" + "}" * 40
    service.fail(Answer(with_value("nested", ("NewMember",), deep)), name="nested")

    result = check(run, service, "-o", "r.txt", "-o", "r.md", "-o", "r.html", "-o", "r.xml", "-o", "r.sarif")

    assert result.statuses == dict.fromkeys(names, "in_sync") | {"nested": "drifted"}


def test_an_answer_to_success_that_is_none(service: Service, run: Run, tmp_path: Path) -> None:
    answers: dict[str, Answer | Redirect] = {
        "created": Answer(true_answer("created"), status=201),
        "no-content": Answer(b"", status=204),
        "not-modified": Redirect(304),
        "error-list": Answer([1, 2], status=400),
        "error-html": Answer(b"<html>", status=400),
        "error-text": Answer('"text"', status=400),
        "error-odd": Answer({"__type": ["x"], "message": {"a": 1}}, status=400),
    }
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in answers]})
    for name, answer in answers.items():
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))
        service.fail(answer, name=name)

    result = check(run, service, "--timeout", "5")

    assert result.exit_code == 1
    assert result.statuses == dict.fromkeys(answers, "error")
    assert {result.errors[name] for name in ("created", "no-content")} == {"DamagedAnswer"}


def test_damaged_tags_are_an_error_of_their_definition(service: Service, run: Run, tmp_path: Path) -> None:
    bodies: dict[str, Any] = {
        "no-json": b"<html>",
        "null-tag": {"Tags": [None]},
        "wrong-type": {"Tags": [{"Key": 1, "Value": "x"}]},
        "no-value": {"Tags": [{"Key": "team"}]},
        "repeats": {"Tags": [], "NextToken": "again"},
    }
    names = ["steady", *bodies]
    tags = [{"Key": "team", "Value": "risk"}]
    definitions = [{**minimal(DATA_QUALITY, name), "Tags": tags} for name in names]
    write_desired(tmp_path, {DATA_QUALITY: definitions})
    for definition in definitions:
        service.create(DATA_QUALITY, definition)
    for name, body in bodies.items():
        service.fail(Answer(body), action="ListTags", name=f"*/{name}")

    result = check(run, service)

    assert result.errors == dict.fromkeys(bodies, "DamagedAnswer")
    assert result.statuses["steady"] == "in_sync"
    assert len(service.called("ListTags")) <= 60


@pytest.mark.parametrize(
    "member", ["MonitoringJobDefinitionName", "MonitoringJobDefinitionArn", "CreationTime"]
)
def test_a_list_that_lacks_what_it_must_have_is_an_error_of_its_target(
    service: Service, run: Run, tmp_path: Path, member: str
) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY)]})
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY))
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-quality-job-definition/stray"
    summary = {
        "MonitoringJobDefinitionName": "stray",
        "MonitoringJobDefinitionArn": arn,
        "CreationTime": 1763625600.5,
        "EndpointName": "churn",
    }
    del summary[member]
    service.fail(Answer({"JobDefinitionSummaries": [summary]}), action="ListModelQuality*")

    result = check(run, service)

    assert (result.exit_code, result.statuses) == (1, {"churn": "in_sync"})
    assert result.target_error == {
        "code": "DamagedAnswer",
        "message": f"ListModelQualityJobDefinitions: the answer has no JobDefinitionSummaries.0.{member}",
    }


def test_an_empty_block_in_an_answer_is_an_absent_one(service: Service, run: Run, tmp_path: Path) -> None:
    names = ["nothing", "empty", "declared"]
    declared = [minimal(MODEL_QUALITY, name) for name in names]
    declared[1]["StoppingCondition"] = {}
    declared[1]["NetworkConfig"] = {"EnableNetworkIsolation": False, "VpcConfig": {}}
    declared[2]["StoppingCondition"] = {"MaxRuntimeInSeconds": 3600}
    write_desired(tmp_path, {MODEL_QUALITY: declared})
    network = '{"EnableNetworkIsolation": false}'
    for name in names:
        text = with_value(name, ("StoppingCondition",), "{}")
        if name == "empty":
            text = text[:-1] + f', "NetworkConfig": {network}' + "}"
        service.fail(Answer(text), name=name)

    result = check(run, service, "--no-unmanaged")

    assert result.statuses == {"nothing": "in_sync", "empty": "in_sync", "declared": "drifted"}
    assert result.changes("declared") == [
        (("StoppingCondition",), "removed", {"MaxRuntimeInSeconds": 3600}, None)
    ]
    assert run("validate", "-q").exit_code == 0
