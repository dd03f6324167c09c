"""A result document read back: what it is held to, and what is told of anything else."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from hypothesis import given

from driftcheck.document import document as document_of
from driftcheck.document import loads, result_schema
from driftcheck.errors import DriftcheckError
from driftcheck.model import Address, Finding, Location, Report, Status, Warn
from tests.documents import GOLDEN, golden_document, hostile_documents
from tests.documents import changed as changed_leaf

if TYPE_CHECKING:
    from driftcheck.document.entries import Document


def refused(text: str | bytes) -> str:
    with pytest.raises(DriftcheckError) as caught:
        loads(text, "r.json")
    (line,) = caught.value.lines
    assert line.startswith("r.json: error: ")
    assert len(line) < 500
    return line


def changed(path: tuple[Any, ...], value: Any) -> str:
    document: Any = deepcopy(golden_document())
    at = document
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return json.dumps(document)


def test_the_published_schema_is_one_and_takes_the_golden_result() -> None:
    jsonschema_rs.meta.validate(result_schema())
    jsonschema_rs.Draft202012Validator(result_schema()).validate(
        json.loads((GOLDEN / "result.json").read_text())
    )


def test_warnings_stand_in_one_order_whatever_they_came_in() -> None:
    moment = datetime(2026, 11, 24, 2, 17, tzinfo=UTC)
    said = [
        Warn("unknown-member", "b", Location("b.yaml", 10, 1)),
        Warn("unknown-member", "a", Location("b.yaml", 9, 1)),
        Warn("unknown-member", "a", Location("b.yaml", 9, 1)),
        Warn("ignore-rule-unused", "c", Location("b.yaml", 9, 1)),
        Warn("unmanaged-not-looked-for", "z"),
        Warn("ignore-rule-unused", "d", Location("a.yaml", 20, 7)),
    ]
    for order in (said, said[::-1]):
        written = document_of(Report(moment, moment, True, (), (), tuple(order)))

        assert [(each["message"], each["source"]) for each in written["warnings"]] == [
            ("z", None),
            ("d", {"file": "a.yaml", "line": 20, "column": 7}),
            ("c", {"file": "b.yaml", "line": 9, "column": 1}),
            ("a", {"file": "b.yaml", "line": 9, "column": 1}),
            ("b", {"file": "b.yaml", "line": 10, "column": 1}),
        ]


@given(hostile_documents())
def test_what_was_written_is_read_back(document: Document) -> None:
    assert loads(json.dumps(document), "r.json") == document


def test_coverage_is_the_share_itself() -> None:
    found = [Status.IN_SYNC, Status.MISSING, Status.UNMANAGED]
    findings = (Finding(Address("ModelQualityJobDefinition", "prod", each), each) for each in found)
    now = datetime(2026, 11, 24, tzinfo=UTC)

    assert document_of(Report(now, now, True, (), tuple(findings)))["summary"]["coverage"] == 2 / 3


def test_members_that_a_later_minor_version_adds_are_taken() -> None:
    document: Any = {**golden_document(), "format_version": "1.7", "new": {"a": 1}}
    document["summary"] = document["summary"] | {"new": 1}

    assert loads(json.dumps(document), "r.json") == document


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "\0", "{", "nonsense", "{} {}", "[" * 100_000, '{"a": NaN}', '{"a": Infinity}'),
        *(
            "1" * 5_000,
            '{"a": 1e999}',
            b"\xff",
            b"\xff\xfe\0",
            b"caf\xe9",
            "<html></html>",
            "--- \nversion: 1\n",
        ),
    ],
)
def test_what_is_no_json_is_told(text: str | bytes) -> None:
    assert "not a JSON document" in refused(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "null",
            "[]",
            "3",
            '"x"',
            "{}",
            '{"version": 1}',
            '{"format_version": 1}',
            '{"format_version": null}',
        ),
        '{"format_version": "1.0"}',
        '{"format_version": "1.0", "a": ' + "[" * 500 + "]" * 500 + "}",
        changed(("format_version",), "1"),
        changed(("summary",), None),
        changed(("summary", "declared"), -1),
        changed(("summary", "coverage"), 1.5),
        changed(("started_at",), "yesterday"),
        changed(("complete",), "yes"),
        changed(("shard",), None),
        changed(("shard",), {"index": 1, "count": 2}),
        *(
            changed(("shard",), {"index": index, "count": count, "whole": "0" * 16})
            for index, count in ((0, 1), (1, 10**9), (1.5, 2), ("1", 2), (-1, 2))
        ),
        changed(("shard",), {"index": 1, "count": 2, "whole": "::error::x"}),
        changed(("targets",), {}),
        changed(("resources", 0, "status"), "fine"),
        changed(("resources", 0, "name"), None),
        changed(("resources", 0, "differences"), [{}]),
        changed(("resources", 0, "error"), "x"),
        changed(("warnings",), [{"message": "x"}]),
    ],
)
def test_json_that_is_no_result_is_told(text: str) -> None:
    assert "not a driftcheck result" in refused(text)


def test_a_result_with_a_value_deeper_than_renderers_go_is_refused() -> None:
    deep = json.loads("[" * 300 + "]" * 300)
    difference = {**changed_leaf(("Tags",), desired="x", live="y"), "live": deep}

    found = refused(changed(("resources", 0, "differences"), [difference]))

    assert "nested deeper than 100 levels" in found


@pytest.mark.parametrize("version", ["0.9", "2.0", "10.0", "x", "2.0\n::error::x", "9" * 10_000])
def test_a_result_of_another_major_version_is_refused(version: str) -> None:
    assert "is not one that driftcheck" in refused(changed(("format_version",), version))
