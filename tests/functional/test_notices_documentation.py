"""docs/notices.md, held to what the program does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema_rs

from driftcheck.config import Nightly, Notify, Publish, nightly
from driftcheck.metrics import MEANINGS
from driftcheck.notices import ORDER

if TYPE_CHECKING:
    import pytest

    from tests.functional.conftest import Run

DOCUMENTATION = Path(__file__).parents[2].joinpath("docs", "notices.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENTATION, re.MULTILINE | re.DOTALL)


def test_the_configuration_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "driftcheck.toml"
    (text,) = blocks("toml")
    file.write_text(text, "utf-8")
    monkeypatch.setenv("PING_KEY", "k")

    assert nightly(file, file) == Nightly(
        "https://hc.example.com/k",
        Notify("arn:aws:sns:eu-west-1:123456789012:drift", "default", ("CHAT_URL",)),
        Publish("driftcheck", "/var/lib/node_exporter/driftcheck.prom"),
    )


def test_every_event_and_every_metric_is_in_it() -> None:
    assert {event for event in ORDER if f"`{event}`" not in DOCUMENTATION} == set()
    assert {metric for metric in MEANINGS if f"| `{metric}` (" not in DOCUMENTATION} == set()


def test_the_pattern_and_the_policy_are_json() -> None:
    pattern, policy = map(json.loads, blocks("json"))

    assert set(pattern["detail"]["event"]) <= set(ORDER)
    assert [each["Action"] for each in policy["Statement"]] == [
        "sns:Publish",
        "events:PutEvents",
        "cloudwatch:PutMetricData",
    ]


def test_the_schema_of_an_event_is_printed(run: Run) -> None:
    printed = run("schema", "--event")

    assert (printed.exit_code, printed.stderr) == (0, "")
    jsonschema_rs.meta.validate(printed.document())
    assert printed.document()["properties"]["event"]["enum"] == [*ORDER]
