"""Result documents to render: the golden one, small ones, and hostile ones for property tests."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from hypothesis import strategies as st

from driftcheck.document import digest_of, loads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftcheck.document.entries import (
        BaseEntry,
        DeclarationEntry,
        DesiredChangeEntry,
        DifferenceEntry,
        Document,
        ErrorEntry,
        FormerEntry,
        IgnoredEntry,
        InvalidEntry,
        Origin,
        ResourceEntry,
        SourceEntry,
        TargetEntry,
        WarningEntry,
    )
    from driftcheck.model import Json

GOLDEN = Path(__file__).parent / "golden"
KIND = "ModelQualityJobDefinition"
KINDS = [
    "DataQualityJobDefinition",
    "ModelBiasJobDefinition",
    "ModelExplainabilityJobDefinition",
    "ModelQualityJobDefinition",
]
PROD: TargetEntry = {
    "name": "prod",
    "account": "123456789012",
    "region": "eu-west-1",
    "error": None,
    "listed": KINDS,
}


def golden_document() -> Document:
    return loads((GOLDEN / "result.json").read_bytes(), "result.json")


def document(
    *resources: ResourceEntry,
    targets: Sequence[TargetEntry] = (PROD,),
    warnings: Sequence[WarningEntry] = (),
    interrupted: bool = False,
) -> Document:
    """A run's document; a target with an error was not reached unless something of it was read."""
    counts = Counter(str(resource["status"]) for resource in resources)
    declared = len(resources) - counts["unmanaged"]
    read = declared - counts["error"]
    is_listed = all(target["error"] is None for target in targets)
    is_reached = all(
        target["error"] is None or any(each["target"] == target["name"] for each in resources)
        for target in targets
    )
    return {
        "format_version": "1.1",
        "driftcheck_version": "0.1.0",
        "started_at": "2026-11-24T02:17:00Z",
        "finished_at": "2026-11-24T02:17:09Z",
        "complete": is_reached and not (counts["error"] or interrupted),
        "interrupted": interrupted,
        "summary": {
            "declared": declared,
            "read": read,
            "in_sync": counts["in_sync"],
            "drifted": counts["drifted"],
            "missing": counts["missing"],
            "unmanaged": counts["unmanaged"],
            "error": counts["error"],
            "coverage": read / (read + counts["unmanaged"]) if read and is_listed else None,
        },
        "targets": list(targets),
        "resources": list(resources),
        "warnings": list(warnings),
    }


def as_part(whole: Document, *, select: Sequence[str] = (), **declared: str) -> Document:
    """The document with what it was made from: a digest for each target of the files."""
    digests = {target["name"]: "0" * 16 for target in whole["targets"]} | declared
    return {
        **whole,
        "run": {
            "select": list(select),
            "unmanaged": True,
            "declared": [{"target": name, "digest": digest} for name, digest in sorted(digests.items())],
            "resources": digest_of(whole["resources"], whole["targets"]),
            "targets": [],
        },
    }


def as_shard(whole: Document, index: int, count: int, **declared: str) -> Document:
    part = as_part(whole, **declared)
    return {**part, "shard": {"index": index, "count": count, "whole": "0123456789abcdef"}}


def source(file: str = "desired/a.yaml", line: int = 3) -> SourceEntry:
    return {"file": file, "line": line}


def changed(path: Sequence[str | int], desired: Json, live: Json) -> DifferenceEntry:
    return {
        "path": list(path),
        "change": "changed",
        "desired": desired,
        "live": live,
        "sensitive": False,
        "source": source(line=7),
    }


def in_sync(name: str = "a") -> ResourceEntry:
    return {
        "kind": KIND,
        "name": name,
        "target": "prod",
        "status": "in_sync",
        "arn": None,
        "created_at": "2026-11-20T08:00:00Z",
        "source": source(),
        "differences": [],
        "ignored": [],
        "error": None,
    }


def drifted(*differences: DifferenceEntry, name: str = "a") -> ResourceEntry:
    return {**in_sync(name), "status": "drifted", "differences": list(differences)}


def unread(code: str, message: str) -> ResourceEntry:
    error: ErrorEntry = {"code": code, "message": message}
    return {**in_sync(), "status": "error", "created_at": None, "error": error}


_FRAGMENTS = (
    *("::error::pwned", "\n::error::pwned", " ::add-mask::x ", "##[group]", "##vso[task.x]", "${{ x }}"),
    *("\x1b[31m", "\x9b1m", "\x00", "\x7f", "\r\n", "\t", "\u202e", "\u200b", "\u2028", "\ufffe", "\ue000"),
    *("@team", "#123", "https://evil.example", "www.evil.example", "a@evil.example", ":smile:", "*b*", "_i_"),
    *("`", "``", "\n```\n", "~~~", "|", "\\|", "\\", "![x](y)", "[a](b)", "<http://e.example>", "&copy;"),
    *("<script>", "<!--", "-->", "</summary>", "</details>", "</code>", "]]>", "{0}", '"', "'", " ", "é漢"),
)
RUNS = (1, 2, 3, 4, 16, 77, 78, 79, 80, 81, 82, 159, 160, 161, 240, 254, 255, 256, 257, 1000)
"""Lengths of runs of backticks about every limit: cmark-gfm and comrak know no code span of more than 80,
and cmark caps fences at 255."""
_runs = st.sampled_from(RUNS).map("`".__mul__)
hostile_text = st.lists(
    st.sampled_from(_FRAGMENTS) | _runs | st.text(max_size=5), min_size=1, max_size=5
).map("".join)
hostile_values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-2, 2) | hostile_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile_text, inner, max_size=3),
    max_leaves=5,
)
_sources: st.SearchStrategy[SourceEntry | None] = st.none() | st.builds(
    source, hostile_text, st.integers(1, 9)
)


@st.composite
def _differences(draw: st.DrawFn) -> DifferenceEntry:
    return {
        "path": draw(st.lists(hostile_text | st.integers(0, 9), min_size=1, max_size=3)),
        "change": draw(st.sampled_from(("changed", "added", "removed"))),
        "desired": draw(hostile_values),
        "live": draw(hostile_values),
        "sensitive": draw(st.booleans()),
        "source": draw(_sources),
    }


@st.composite
def _ignored(draw: st.DrawFn) -> IgnoredEntry:
    text = st.none() | hostile_text
    return {
        **draw(_differences()),
        "rule": draw(hostile_text),
        "reason": draw(text),
        "until": draw(text),
        "rule_source": draw(_sources),
    }


_errors: st.SearchStrategy[ErrorEntry] = st.fixed_dictionaries(
    {"code": hostile_text, "message": hostile_text}
).map(lambda entry: {"code": entry["code"], "message": entry["message"]})


_Status: TypeAlias = Literal["in_sync", "drifted", "missing", "unmanaged", "error"]
_STATUSES: tuple[_Status, ...] = get_args(_Status)


_origins: st.SearchStrategy[Origin] = st.sampled_from(("introduced", "resolved", "existing"))


@st.composite
def _traced(draw: st.DrawFn) -> DifferenceEntry:
    return {**draw(_differences()), "origin": draw(_origins), "intended": draw(st.booleans())}


@st.composite
def _declarations(draw: st.DrawFn) -> DeclarationEntry:
    changes: list[DesiredChangeEntry] = [
        {
            "path": each["path"],
            "change": each["change"],
            "base": each["desired"],
            "desired": each["live"],
            "sensitive": each["sensitive"],
            "source": each["source"],
            "rollout": draw(st.sampled_from(("pending", "done", "diverged", "unknown"))),
        }
        for each in draw(st.lists(_differences(), max_size=2))
    ]
    was: FormerEntry = {"target": draw(hostile_text), "name": draw(hostile_text), "source": draw(_sources)}
    return {
        "change": draw(st.sampled_from(("added", "removed", "renamed", "moved", "changed"))),
        "kind": KIND,
        "target": draw(hostile_text),
        "name": draw(hostile_text),
        "source": draw(_sources),
        "was": draw(st.sampled_from((None, was))),
        "live": draw(st.sampled_from(("present", "absent", "unknown"))),
        "changes": changes,
    }


@st.composite
def _reviewed(draw: st.DrawFn, resource: ResourceEntry) -> ResourceEntry:
    """A definition with origins, such as no run would give it."""
    return {
        **resource,
        "differences": [
            {**each, "origin": draw(_origins), "intended": draw(st.booleans())}
            for each in resource["differences"]
        ],
        "base_status": draw(st.none() | st.sampled_from(_STATUSES)),
        "origin": draw(st.none() | _origins),
        "intended": draw(st.booleans()),
        "resolved": draw(st.lists(_traced(), max_size=2)),
    }


@st.composite
def _resources(draw: st.DrawFn) -> ResourceEntry:
    status = draw(st.sampled_from(_STATUSES))
    return {
        "kind": KIND,
        "name": draw(hostile_text),
        "target": draw(st.sampled_from(("prod", "elsewhere")) | hostile_text),
        "status": status,
        "arn": draw(st.none() | hostile_text),
        "created_at": draw(st.sampled_from((None, "2026-11-20T08:00:00Z"))),
        "source": draw(_sources),
        "differences": draw(st.lists(_differences(), min_size=1, max_size=3)) if status == "drifted" else [],
        "ignored": draw(st.lists(_ignored(), max_size=1)),
        "error": draw(_errors) if status == "error" else None,
    }


@st.composite
def hostile_documents(draw: st.DrawFn) -> Document:
    """Documents in which every text that is free to be anything is an attack on some reader."""
    targets: list[TargetEntry] = [
        {"name": name, "account": name, "region": name, "error": draw(st.none() | _errors)}
        for name in draw(st.lists(hostile_text, max_size=2))
    ]
    warnings: list[WarningEntry] = [
        {"code": code, "message": draw(hostile_text), "source": draw(_sources)}
        for code in draw(st.lists(hostile_text, max_size=2))
    ]
    resources = draw(st.lists(_resources(), max_size=4))
    made = document(*resources, targets=targets, warnings=warnings, interrupted=draw(st.booleans()))
    return {**made, "driftcheck_version": draw(hostile_text)}


@st.composite
def hostile_reviews(draw: st.DrawFn) -> Document:
    """The same with all that a base adds, and in combinations that no run makes."""
    made = draw(hostile_documents())
    wrong: list[InvalidEntry] = [
        {"message": message, "source": draw(_sources)} for message in draw(st.lists(hostile_text, max_size=2))
    ]
    base: BaseEntry = {
        "ref": draw(hostile_text),
        "commit": "0" * 40,
        "error": draw(st.none() | _errors),
        "declarations": draw(st.lists(_declarations(), max_size=2)),
    }
    made = {**made, "resources": [draw(_reviewed(each)) for each in made["resources"]], "base": base}
    return {**made, "invalid": wrong} if wrong else made
