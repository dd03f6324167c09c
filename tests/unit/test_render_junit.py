from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import given

from driftcheck.causes import causes_of
from driftcheck.render import render
from tests.documents import (
    GOLDEN,
    PROD,
    changed,
    document,
    drifted,
    golden_document,
    hostile_documents,
    in_sync,
    unread,
)

if TYPE_CHECKING:
    from driftcheck.document.entries import Document, ResourceEntry, TargetEntry, WarningEntry

_SCHEMA = xmlschema.XMLSchema(Path(__file__).parents[1] / "schemas" / "junit-10.xsd")


def _suites(made: Document) -> list[ET.Element]:
    text = render(made, "junit")
    _SCHEMA.validate(text)
    return list(ET.fromstring(text.encode()))


def _counts(suite: ET.Element) -> dict[str, str | None]:
    return {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}


def test_the_golden_result_renders_to_the_golden_junit() -> None:
    text = render(golden_document(), "junit")
    _SCHEMA.validate(text)
    assert text == (GOLDEN / "report.xml").read_text("utf-8")


def test_the_schema_refuses_what_is_not_junit() -> None:
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        _SCHEMA.validate('<testsuites><testcase name="a"/></testsuites>')


def test_each_status_has_its_own_outcome() -> None:
    missing: ResourceEntry = {**in_sync("m"), "status": "missing"}
    unmanaged: ResourceEntry = {**in_sync("u"), "status": "unmanaged", "source": None}
    error = unread("Throttled", "slow")
    suite, run = _suites(document(in_sync(), drifted(changed(["A"], 1, 2)), missing, unmanaged, error))
    assert [[child.tag for child in case] for case in suite.iter("testcase")] == [
        [],
        ["failure"],
        ["failure"],
        ["skipped"],
        ["error"],
    ]
    assert _counts(suite) == {"tests": "5", "failures": "2", "errors": "1", "skipped": "1"}
    assert suite[5][0].attrib == {"type": "error", "message": "Throttled: slow"}
    assert run[0][0].attrib == {"type": "incomplete", "message": "incomplete: 3 of 4 read"}


def test_a_failure_tells_the_place_and_the_difference() -> None:
    (suite,) = _suites(document(drifted(changed(["JobResources", "Count"], 1, 2), name="churn")))
    assert suite[1].attrib == {"name": "churn", "classname": "ModelQualityJobDefinition.prod"}
    assert suite[1][0].attrib == {"type": "drifted", "message": "drifted: 1 difference; must be replaced"}
    assert (suite[1][0].text or "").splitlines() == [
        "# ModelQualityJobDefinition churn (prod) has drifted",
        "  declared in desired/a.yaml:3",
        "  live since 2026-11-20 08:00:00 UTC",
        "  -/+ must be replaced: SageMaker cannot update a definition",
        "  ~ JobResources.Count = 1 -> 2",
    ]


def test_a_target_that_could_not_be_read_is_an_error_of_its_suite() -> None:
    target: TargetEntry = {**PROD, "error": {"code": "AccessDenied", "message": "no"}}
    suite, run = _suites(document(targets=[target]))
    assert run[0][0].get("message") == "incomplete: Not everything could be compared."
    assert suite.get("name") == "prod"
    assert suite[1].get("name") == "target prod: AccessDenied"
    assert suite[1][0].attrib == {
        "type": "AccessDenied",
        "message": "Target prod could not be read whole: AccessDenied: no",
    }


def test_a_suite_says_where_its_target_is() -> None:
    target: TargetEntry = {**PROD, "account": None}
    (suite,) = _suites(document(in_sync(), targets=[target]))
    assert [each.attrib for each in suite[0]] == [
        {"name": "account", "value": "not known"},
        {"name": "region", "value": "eu-west-1"},
    ]


def test_a_definition_of_a_target_that_is_not_listed_is_not_lost() -> None:
    (suite,) = _suites(document(in_sync(), targets=[]))
    assert (suite.get("name"), suite.get("tests")) == ("prod", "1")


def test_a_result_without_definitions_has_an_empty_suite_per_target() -> None:
    (suite,) = _suites(document())
    assert _counts(suite) == {"tests": "0", "failures": "0", "errors": "0", "skipped": "0"}


def test_an_unfinished_run_is_an_error_and_warnings_are_kept() -> None:
    warning: WarningEntry = {"code": "w", "message": "look", "source": {"file": "a.yaml", "line": 2}}
    _, suite = _suites(document(in_sync(), interrupted=True, warnings=[warning]))
    assert _counts(suite) == {"tests": "1", "failures": "0", "errors": "1", "skipped": "0"}
    assert suite.findtext("system-err") == "warning w: a.yaml:2: look"


@given(hostile_documents())
def test_hostile_texts_stay_within_valid_junit(hostile: Document) -> None:
    suites = _suites(hostile)
    summary = hostile["summary"]
    failures = sum(int(suite.get("failures", "")) for suite in suites)
    assert failures == summary["drifted"] + summary["missing"]
    assert len([case for suite in suites for case in suite.iter("testcase")]) == (
        len(hostile["resources"])
        + sum(len(cause.keys) != 1 for cause in causes_of(hostile))
        + (not hostile["complete"])
    )
