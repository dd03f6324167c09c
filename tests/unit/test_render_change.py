"""Every format on a result with a base, and on one of which the desired state is invalid."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import given
from jsonschema_rs import Draft4Validator

from driftcheck.document import loads
from driftcheck.render import FORMATS, render
from tests.documents import GOLDEN, changed, document, drifted, hostile_reviews, in_sync

if TYPE_CHECKING:
    from driftcheck.document.entries import (
        BaseEntry,
        DifferenceEntry,
        Document,
        InvalidEntry,
        Origin,
        ResourceEntry,
        SourceEntry,
    )

_SCHEMAS = Path(__file__).parents[1] / "schemas"
_SARIF = Draft4Validator(
    json.loads((_SCHEMAS / "sarif-schema-2.1.0.json").read_text("utf-8")), validate_formats=True
)
_JUNIT = xmlschema.XMLSchema(_SCHEMAS / "junit-10.xsd")
BASE: BaseEntry = {"ref": "main", "commit": "0" * 40, "error": None, "declarations": []}
LEAF = changed(["RoleArn"], "a", "b")


def golden_change() -> Document:
    return loads((GOLDEN / "change.json").read_bytes(), "change.json")


def reviewed(*resources: ResourceEntry) -> Document:
    return {**document(*resources), "base": BASE}


def of(origin: Origin, intended: bool | None = None) -> ResourceEntry:
    """A drifted definition whose one difference has this origin."""
    difference: DifferenceEntry = {**LEAF, "origin": origin}
    if intended is not None:
        difference["intended"] = intended
    return {**drifted(difference), "base_status": "in_sync", "origin": None, "resolved": []}


def invalid(*messages: str) -> Document:
    place: SourceEntry = {"file": "a.yaml", "line": 3, "column": 5}
    wrong: list[InvalidEntry] = [{"message": each, "source": place} for each in messages]
    return {
        **document(complete=False),
        "invalid": [*wrong, {"message": "desired: cannot be read", "source": None}],
    }


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "json"])
def test_the_golden_change_renders_to_the_golden_reports(name: str) -> None:
    assert render(golden_change(), name) == (GOLDEN / f"change{FORMATS[name].suffix}").read_text("utf-8")


@pytest.mark.parametrize(
    ("resources", "says"),
    [
        ([in_sync()], "No drift. AWS matches everything that is declared.\n"),
        ([of("introduced", True)], "No drift: all that differs in AWS is what this change declares.\n"),
        ([of("existing")], "Drift: AWS differed from what is declared before this change.\n"),
        (
            [of("introduced", False)],
            "New drift: this change introduces differences that it does not intend.\n",
        ),
    ],
)
def test_what_waits_for_a_rollout_is_not_called_drift(resources: list[ResourceEntry], says: str) -> None:
    text = render(reviewed(*resources), "text")

    assert says in text
    assert ("has drifted" in text) is (says.startswith(("Drift", "New")))
    assert ("will be replaced on rollout" in text) is ("this change declares" in says)


def test_a_change_that_waits_does_not_hide_what_could_not_be_read() -> None:
    made = reviewed(of("introduced", True))
    made["summary"]["error"] = 1
    assert "\nNot everything could be compared.\n" in render(made, "text")


def test_a_base_that_could_not_be_used_is_told_and_drift_is_drift() -> None:
    made = document(drifted(LEAF))
    made["base"] = {**BASE, "error": {"code": "InvalidBase", "message": "a.yaml:1:1: error: no"}}

    text = render(made, "text")

    assert (
        "! Not compared with main (merge base 000000000000)\n  | InvalidBase: a.yaml:1:1: error: no\n" in text
    )
    assert "Drift: AWS differs from what is declared.\n" in text
    assert "This change" not in text
    for name in FORMATS:
        assert name == "sarif" or "InvalidBase" in render(made, name)


def test_sarif_tells_what_is_new_by_the_standards_own_word() -> None:
    run = json.loads(render(golden_change(), "sarif"))["runs"][0]
    states = {
        (each["ruleId"], each["level"], each.get("baselineState")): each["message"]["text"]
        for each in run["results"]
    }
    assert set(states) == {
        ("drifted", "error", "new"),
        ("drifted", "error", "unchanged"),
        ("rollout", "note", "new"),
        ("missing", "error", "unchanged"),
        ("error", "error", None),
    }
    # code scanning would show what is absent as an alert: it is a notification
    notes = [each["message"]["text"] for each in run["invocations"][0]["toolExecutionNotifications"]]
    assert "ModelQualityJobDefinition settled (prod-eu): StoppingCondition differs no more." in notes


def test_junit_fails_nothing_that_waits_for_a_rollout() -> None:
    root = ET.fromstring(render(golden_change(), "junit"))
    assert {case.get("name") for case in root.iter("testcase") if case.find("failure") is not None} == {
        "churn",
        "lost",
    }
    skipped = [case for case in root.iter("testcase") if case.find("skipped") is not None]
    assert {case.get("name") for case in skipped} == {"fraud", "fresh", "old-name", "stray"}


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_invalid_is_in_every_format(name: str) -> None:
    text = render(invalid("unknown member `RoleArm`", "`RoleArn` is required"), name)

    for says in ("unknown member `RoleArm`", "`RoleArn` is required", "desired: cannot be read"):
        assert says in text
    assert "No drift" not in text
    assert "run was stopped" not in text


def test_what_is_invalid_as_text() -> None:
    assert render(invalid("no"), "text") == (
        "! The desired state is invalid: 2 errors\n"
        "  | a.yaml:3:5: no\n"
        "  | desired: cannot be read\n"
        "\n"
        "Target prod: account 123456789012, region eu-west-1\n"
        "\n"
        "Invalid: the desired state has 2 errors, and nothing was compared.\n"
    )


def test_what_is_invalid_stands_at_its_line_in_sarif() -> None:
    run = json.loads(render(invalid("no"), "sarif"))["runs"][0]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("invalid", "error")
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 3, "startColumn": 5}
    assert run["invocations"][0]["executionSuccessful"] is False


@given(hostile_reviews())
def test_no_hostile_text_of_a_change_acts_anywhere(hostile: Document) -> None:
    text = render(hostile, "text")
    assert {unicodedata.category(char) for char in text if char not in "\n "}.isdisjoint(
        {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
    )
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]
    _JUNIT.validate(render(hostile, "junit"))
    sarif = json.loads(render(hostile, "sarif"))
    _SARIF.validate(sarif)
    html = render(hostile, "html")
    assert "<script>" not in html.partition("<main>")[2].rpartition("</main>")[0]
    assert loads(json.dumps(hostile), "r.json") == hostile
