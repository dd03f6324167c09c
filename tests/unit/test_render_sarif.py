from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from jsonschema_rs import Draft4Validator

from driftcheck.causes import causes_of
from driftcheck.render import render
from driftcheck.render.common import absence_texts
from tests.documents import (
    GOLDEN,
    PROD,
    changed,
    document,
    drifted,
    golden_document,
    hostile_documents,
    in_sync,
    source,
    unread,
)

if TYPE_CHECKING:
    from driftcheck.document.entries import (
        DifferenceEntry,
        Document,
        ResourceEntry,
        TargetEntry,
        WarningEntry,
    )

_SCHEMA = json.loads((Path(__file__).parents[1] / "schemas" / "sarif-schema-2.1.0.json").read_text("utf-8"))
_VALIDATOR = Draft4Validator(_SCHEMA, validate_formats=True)


def _run(made: Document) -> dict[str, Any]:
    log = json.loads(render(made, "sarif"))
    _VALIDATOR.validate(log)
    (run,) = log["runs"]
    assert isinstance(run, dict)
    return run


def _fingerprints(run: dict[str, Any]) -> list[str]:
    return [result["partialFingerprints"]["driftcheck/v1"] for result in run["results"]]


def test_the_golden_result_renders_to_the_golden_sarif() -> None:
    text = render(golden_document(), "sarif")
    _VALIDATOR.validate(json.loads(text))
    assert text == (GOLDEN / "report.sarif").read_text("utf-8")


def test_the_schema_refuses_what_is_not_sarif() -> None:
    assert not _VALIDATOR.is_valid({"version": "2.1.0", "runs": [{"results": []}]})


def test_a_difference_is_a_result_at_its_own_line() -> None:
    (result,) = _run(document(drifted(changed(["JobResources", "Count"], 1, 2), name="churn")))["results"]
    assert (result["ruleId"], result["level"]) == ("drifted", "error")
    assert result["message"]["text"] == (
        "ModelQualityJobDefinition churn (prod) has drifted: "
        "JobResources.Count is declared as 1 and in AWS as 2."
    )
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "desired/a.yaml", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 7},
            },
            "logicalLocations": [
                {"fullyQualifiedName": "prod/ModelQualityJobDefinition/churn", "kind": "resource"}
            ],
        }
    ]


def test_a_block_that_one_side_lacks_is_named_by_its_path() -> None:
    added: DifferenceEntry = {**changed(["StoppingCondition"], None, {"A": 1}), "change": "added"}
    removed: DifferenceEntry = {**changed(["Environment", "K"], "v", None), "change": "removed"}
    first, second = _run(document(drifted(added, removed)))["results"]
    assert first["message"]["text"].endswith(": StoppingCondition is not declared and in AWS.")
    assert second["message"]["text"].endswith(': Environment.K is declared as "v" and not in AWS.')


def test_every_result_names_a_rule_of_the_driver() -> None:
    run = _run(golden_document())
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules[:4]] == ["drifted", "missing", "unmanaged", "error"]
    assert {rules[result["ruleIndex"]]["id"] for result in run["results"]} == {
        "drifted",
        "missing",
        "error",
        "ignore-rule-unused",
    }
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])


def test_what_has_no_place_in_a_file_is_a_notification() -> None:
    unmanaged: ResourceEntry = {**in_sync("u"), "status": "unmanaged", "source": None}
    target: TargetEntry = {**PROD, "error": {"code": "AccessDenied", "message": "no"}}
    remedy = "allow what is refused: `driftcheck iam-policy` prints the policy"
    run = _run(document(unmanaged, targets=[target]))
    assert run["results"] == []
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert [
        (entry["associatedRule"]["id"], entry["level"], entry["message"]["text"])
        for entry in invocation["toolExecutionNotifications"][:-1]
    ] == [
        ("unmanaged", "note", "ModelQualityJobDefinition u (prod) is in AWS, and no file declares it."),
        (
            "error",
            "error",
            f"Target prod could not be read whole: AccessDenied: no. What to do: {remedy}",
        ),
    ]


@pytest.mark.parametrize(
    ("made", "successful"),
    [
        (document(), True),
        (document(in_sync()), True),
        (document(drifted(changed(["A"], 1, 2))), True),
        (document(in_sync(), interrupted=True), False),
        (document(unread("Throttled", "slow")), False),
    ],
)
def test_a_run_is_successful_when_everything_was_compared(made: Document, successful: bool) -> None:
    assert _run(made)["invocations"][0]["executionSuccessful"] is successful


def test_a_warning_is_a_result_at_its_line_and_column() -> None:
    warning: WarningEntry = {"code": "w", "message": "look", "source": {**source(line=2), "column": 5}}
    (result,) = _run(document(warnings=[warning]))["results"]
    assert (result["ruleId"], result["level"], result["message"]["text"]) == ("w", "warning", "look")
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 2, "startColumn": 5}


def test_a_note_says_where_each_target_is() -> None:
    unknown: TargetEntry = {"name": "default", "account": None, "region": "us-east-1", "error": None}
    (invocation,) = _run(document(targets=[PROD, unknown]))["invocations"]
    assert [
        (each["level"], each["message"]["text"]) for each in invocation["toolExecutionNotifications"]
    ] == [
        ("note", "Target prod: account 123456789012, region eu-west-1."),
        ("note", "Target default: account not known, region us-east-1."),
    ]
    assert invocation["executionSuccessful"] is True


@pytest.mark.parametrize(
    ("file", "artifact"),
    [
        ("./desired/a b.yaml", {"uri": "desired/a%20b.yaml", "uriBaseId": "%SRCROOT%"}),
        ("../é#?.yaml", {"uri": "../%C3%A9%23%3F.yaml", "uriBaseId": "%SRCROOT%"}),
        ("javascript:x", {"uri": "javascript%3Ax", "uriBaseId": "%SRCROOT%"}),
        ("/srv/desired/a.yaml", {"uri": "file:///srv/desired/a.yaml"}),
    ],
)
def test_a_file_is_a_relative_reference_where_it_can_be(file: str, artifact: dict[str, str]) -> None:
    missing: ResourceEntry = {**in_sync(), "status": "missing", "source": source(file)}
    (result,) = _run(document(missing))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == artifact


def test_a_fingerprint_outlives_a_moved_line_and_another_value() -> None:
    before = drifted(changed(["A"], 1, 2), changed(["B"], 1, 2))
    after = drifted({**changed(["A"], 1, 3), "source": source(line=99)}, changed(["B"], 1, 2))
    first, second = _fingerprints(_run(document(before)))
    assert _fingerprints(_run(document(after))) == [first, second]
    assert first != second


def test_braces_and_links_in_a_value_are_no_placeholders_and_no_links() -> None:
    entry = changed(["A"], "{0}", "[x](https://evil.example)")
    (result,) = _run(document(drifted(entry)))["results"]
    assert '"{{0}}" and in AWS as "\\[x\\](https://evil.example)".' in result["message"]["text"]


@given(hostile_documents())
def test_hostile_texts_stay_within_valid_sarif(hostile: Document) -> None:
    run = _run(hostile)
    notifications = run["invocations"][0]["toolExecutionNotifications"]
    assert len(run["results"]) + len(notifications) == (
        sum(
            len(resource["differences"]) or resource["status"] != "in_sync"
            for resource in hostile["resources"]
            if resource["status"] != "error"
        )
        + len(causes_of(hostile))
        + len(hostile["targets"])
        + (not hostile["complete"])
        + len(hostile["warnings"])
        + len(absence_texts(hostile))
    )
    texts = [entry["message"]["text"] for entry in (*run["results"], *notifications)]
    assert all(text.isprintable() for text in texts)
    assert not [text for text in texts if "](" in text.replace("\\](", "")]
