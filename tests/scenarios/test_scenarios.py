"""Every scenario of this folder: a desired file and a Describe answer, and the finding, written by hand.

A scenario has ``about``; ``desired``, the text of a desired file with one definition; ``live``, the body of
the answer; ``tags``, what ListTags gives, where a file declares some; ``today``, where a rule has a last day;
and the ``finding``: its status, its differences, those that rules hide, and the paths that are not known.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from driftcheck.compare import compare
from driftcheck.desired import load
from driftcheck.kinds import KINDS, TAGS
from driftcheck.live import read

if TYPE_CHECKING:
    from driftcheck.model import Desired, Finding, Live, PropertyDifference

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
EARLY_ENOUGH = "2026-11-24"


def scenario(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    return loaded


def declared(given: dict[str, Any], folder: Path) -> Desired:
    file = folder / "desired.yaml"
    file.write_text(given["desired"], encoding="utf-8")
    (desired,) = load([file], {}).definitions
    return desired


def answered(given: dict[str, Any], desired: Desired) -> Live:
    live = read(KINDS[desired.address.kind], desired.address.name, given["live"].encode())
    # tags come from a call of their own, which is made where a definition declares some
    if TAGS in desired.properties:
        return replace(live, properties={**live.properties, TAGS: given["tags"]})
    return live


def found(difference: PropertyDifference) -> dict[str, Any]:
    return {
        "path": list(difference.path),
        "change": difference.change.value,
        "desired": difference.desired,
        "live": difference.live,
        "sensitive": difference.sensitive,
    }


def expected(row: dict[str, Any]) -> dict[str, Any]:
    return {"desired": None, "live": None, "sensitive": False, **row}


def exactly(value: Any) -> str:
    """A value as JSON, in which 1, 1.0 and true differ: ``==`` does not tell them apart."""
    return json.dumps(value, sort_keys=True, indent=1)


def finding_of(name: str, folder: Path) -> tuple[dict[str, Any], Finding, Live]:
    given = scenario(name)
    desired = declared(given, folder)
    live = answered(given, desired)
    today = date.fromisoformat(given.get("today", EARLY_ENOUGH))
    return given["finding"], compare(desired, live, today), live


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_has_its_finding(name: str, tmp_path: Path) -> None:
    wanted, finding, live = finding_of(name, tmp_path)
    assert finding.status == wanted["status"]
    assert exactly([found(each) for each in finding.differences]) == exactly(
        [expected(row) for row in wanted["differences"]]
    )
    assert exactly(
        [{**found(each.difference), "rule": each.rule.pattern.text} for each in finding.ignored]
    ) == exactly([expected(row) for row in wanted.get("ignored", [])])
    assert [list(path) for path in live.unknown] == wanted.get("unknown", [])


@pytest.mark.parametrize("name", NAMES)
def test_a_finding_carries_what_the_answer_says_of_the_definition(name: str, tmp_path: Path) -> None:
    _, finding, live = finding_of(name, tmp_path)
    assert (finding.arn, finding.created_at) == (live.arn, live.created_at)
    assert finding.created_at is not None
    assert finding.source is not None
    assert (Path(finding.source.file).name, finding.source.line) == ("desired.yaml", 3)


def test_there_are_scenarios() -> None:
    assert len(NAMES) > 100
