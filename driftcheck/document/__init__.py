"""The result document: a report as JSON, and back again from a file that may be anything.

``result.schema.json`` beside this module is its published form; ``driftcheck schema --result`` prints it.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from hashlib import sha256
from importlib import resources
from math import isfinite
from typing import TYPE_CHECKING, Any, cast

from driftcheck import __version__
from driftcheck.document.entries import UndecidedEntry, error_entry, source_entry
from driftcheck.document.revised import base_entry
from driftcheck.errors import DriftcheckError
from driftcheck.model import CUT_SHORT, KIND_NAMES, NOT_LOOKED_FOR, Origin, Shard

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from driftcheck.document.entries import (
        DifferenceEntry,
        Document,
        InvalidEntry,
        ResourceEntry,
        SourceEntry,
        StatusName,
        Summary,
        TargetEntry,
        WarningEntry,
    )
    from driftcheck.model import (
        Finding,
        Invalid,
        Json,
        Location,
        PropertyDifference,
        Report,
    )
    from driftcheck.revision import Base

FORMAT_VERSION = "1.1"

_CONTAINERS = (dict, list)

MAX_DEPTH = 100
"""Levels of nesting in a document that is read; one that a run makes has a dozen."""


def document(report: Report, base: Base | None = None, invalid: Iterable[Invalid] = ()) -> Document:
    """The result document of a report: resources sorted by kind, target and name.

    ``base`` is what the report was compared with, ``invalid`` what is wrong with the desired state.
    """
    resources = [_resource(finding) for finding in sorted(report.findings, key=lambda each: each.address)]
    targets: list[TargetEntry] = [
        {
            "name": t.name,
            "account": t.account,
            "region": t.region,
            "error": error_entry(t.error),
            "listed": sorted(t.listed),
        }
        for t in sorted(report.targets, key=lambda t: t.name)
    ]
    wrong = [_invalid(each) for each in invalid]
    is_listed = all(t.listed.issuperset(KIND_NAMES) for t in report.targets)
    counts = summary(resources, is_listed=is_listed and not report.undecided)
    is_whole = not (report.interrupted or wrong or counts["error"])
    made: Document = {
        "format_version": FORMAT_VERSION,
        "driftcheck_version": __version__,
        "started_at": _time(report.started_at),
        "finished_at": _time(report.finished_at),
        "complete": is_whole and all(t.is_reached for t in report.targets),
        "interrupted": report.interrupted,
        "summary": counts,
        "targets": targets,
        "resources": resources,
        "warnings": in_order(
            {
                "code": warning.code,
                "message": warning.message,
                "source": None if warning.source is None else _place_of(warning.source),
            }
            for warning in report.warnings
        ),
    }
    if (shard := report.shard) is not None:
        made["shard"] = {"index": shard.index, "count": shard.count, "whole": shard.whole}
    if (calls := report.calls) is not None:
        made["calls"] = {"made": calls.made, "throttled": calls.throttled}
    if (inputs := report.inputs) is not None:
        made["run"] = {
            "select": sorted(inputs.select),
            "unmanaged": inputs.unmanaged,
            "declared": [
                {"target": target, "digest": digest} for target, digest in sorted(inputs.declared.items())
            ],
            "resources": digest_of(resources, made["targets"]),
            "targets": sorted(inputs.targets),
        }
        if undecided := [
            UndecidedEntry(resource=_resource(each.finding), declared_for=[*each.declared_for])
            for each in sorted(report.undecided, key=lambda each: each.finding.address)
        ]:
            made["run"]["undecided"] = undecided
    if base is not None:
        made["base"] = base_entry(base)
    if wrong:
        made["invalid"] = wrong
    return made


def summary(resources: Iterable[ResourceEntry], *, is_listed: bool) -> Summary:
    """Count all definitions of a document; see ``counted``."""
    return counted((resource["status"] for resource in resources), is_listed=is_listed)


def counted(statuses: Iterable[StatusName], *, is_listed: bool) -> Summary:
    """Count definitions of these statuses; ``is_listed``: everything that exists beside them is known."""
    counts = Counter(statuses)
    declared = counts.total() - counts["unmanaged"]
    read = declared - counts["error"]
    return {
        "declared": declared,
        "read": read,
        "in_sync": counts["in_sync"],
        "drifted": counts["drifted"],
        "missing": counts["missing"],
        "unmanaged": counts["unmanaged"],
        "error": counts["error"],
        "coverage": read / (read + counts["unmanaged"]) if read and is_listed else None,
    }


def decided(document: Document) -> dict[str, frozenset[str]]:
    """Get the kinds of which all that is unmanaged is known, by target."""
    undecided = {
        (each["resource"]["target"], each["resource"]["kind"])
        for each in document.get("run", {}).get("undecided", ())
    }
    return {
        target: frozenset(kind for kind in kinds if (target, kind) not in undecided)
        for target, kinds in listed(document).items()
    }


def listed(document: Document) -> dict[str, frozenset[str]]:
    """Get the kinds of which everything that exists was listed, by target.

    A target that does not name them was listed whole where the document knows its coverage.
    """
    others = KIND_NAMES if document["summary"]["coverage"] is not None else ()
    return {
        target["name"]: frozenset(target.get("listed", () if target["error"] else others))
        for target in document["targets"]
    }


def is_listed(document: Document) -> bool:
    """Tell whether everything that exists was listed; of a shard, what is for it to list."""
    kinds = listed(document)
    return all(found >= kinds_to_list(document, target) for target, found in kinds.items())


def kinds_to_list(document: Document, target: str) -> frozenset[str]:
    """Get the kinds of which a document is to know everything that exists in a target."""
    if (shard := document.get("shard")) is None:
        return frozenset(KIND_NAMES)
    of = Shard(shard["index"], shard["count"], shard["whole"])
    return frozenset(kind for kind in KIND_NAMES if of.holds(target, kind))


def digest_of(resources: Iterable[ResourceEntry], targets: Iterable[TargetEntry]) -> str:
    """A digest of which definitions and targets a document has, whatever it says of them."""
    addresses = sorted((each["kind"], each["target"], each["name"]) for each in resources)
    names = sorted(each["name"] for each in targets)
    return sha256(repr((addresses, names)).encode()).hexdigest()[:16]


def in_order(warnings: Iterable[WarningEntry]) -> list[WarningEntry]:
    """Warnings as a document has them: each once, those without a place first, the others by place."""
    found = {(place(each["source"]), each["code"], each["message"]): each for each in warnings}
    return [found[key] for key in sorted(found)]


def place(source: SourceEntry | None) -> tuple[str, int, int]:
    """A place to sort and compare by: file, line and column, empty and 0 for what is not known."""
    return ("", 0, 0) if source is None else (source["file"], source["line"], source.get("column", 0))


def loads(text: str | bytes, name: str) -> Document:
    """Read a result document back; ``name`` is what messages call it.

    Raises:
        DriftcheckError: it is not JSON, not a result document, or of another major format version.
    """
    try:
        loaded = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise DriftcheckError(f"{name}: error: not a JSON document: {error}") from None
    if _is_deeper(loaded, MAX_DEPTH):
        raise DriftcheckError(
            f"{name}: error: not a driftcheck result: nested deeper than {MAX_DEPTH} levels"
        )
    version = loaded.get("format_version") if isinstance(loaded, dict) else None
    if not isinstance(version, str):
        raise DriftcheckError(f"{name}: error: not a driftcheck result: it has no format_version")
    if version.split(".")[0] != FORMAT_VERSION.split(".", maxsplit=1)[0]:
        raise DriftcheckError(
            f"{name}: error: format version {version[:20]!r} is not one that driftcheck {__version__} reads "
            f"({FORMAT_VERSION.split('.', maxsplit=1)[0]}.x)"
        )
    try:
        fault = next(_validator().iter_errors(loaded), None)
    except ValueError as unreadable:  # a lone surrogate, which no UTF-8 text can hold
        raise DriftcheckError(f"{name}: error: not a driftcheck result: {unreadable}") from None
    if fault is not None:
        where = "/".join(str(step) for step in fault.instance_path)
        raise DriftcheckError(f"{name}: error: not a driftcheck result: at /{where}: {fault.message[:200]}")
    return _upgraded(cast("Document", loaded))


def _upgraded(document: Document) -> Document:
    """Give a document of 1.0 the members of 1.1, and to ``complete`` and ``coverage`` their meaning.

    There, ``complete`` was false only for a signal and an invalid desired state, and ``coverage`` took what
    was not read for covered. With an error of a target, or the warning that some unmanaged ones are not
    looked for, it does not say which kinds were listed.
    """
    if document["format_version"] != "1.0":
        return document
    resources, targets = document["resources"], document["targets"]
    codes = {each["error"]["code"] for each in (*resources, *targets) if each["error"]}
    interrupted = not (document["complete"] or document.get("invalid")) or bool(codes & CUT_SHORT)
    read = {each["target"] for each in resources if each["status"] not in ("error", "unmanaged")}
    is_reached = all(not target["error"] or target["name"] in read for target in targets)
    is_asked = all(each["code"] != NOT_LOOKED_FOR for each in document["warnings"])
    kinds = sorted(KIND_NAMES) if is_asked and "shard" not in document else []
    is_listed = bool(kinds) and not any(target["error"] for target in targets)
    counts = summary(resources, is_listed=is_listed)
    return {
        **document,
        "format_version": "1.1",
        "complete": document["complete"] and not interrupted and not counts["error"] and is_reached,
        "interrupted": interrupted,
        "summary": {**document["summary"], "read": counts["read"], "coverage": counts["coverage"]},
        "targets": [{**target, "listed": [] if target["error"] else kinds} for target in targets],
    }


def result_schema() -> dict[str, Any]:
    """The published JSON Schema of the result document."""
    text = resources.files("driftcheck.document").joinpath("result.schema.json").read_text("utf-8")
    return cast("dict[str, Any]", json.loads(text))


@cache
def _validator() -> Any:
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(result_schema())


def _is_deeper(value: Json, levels: int) -> bool:
    """Tell whether a value nests deeper than so many levels; renderers go down them one call at a time."""
    level = [value]
    for _ in range(levels - 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, _CONTAINERS)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, _CONTAINERS)
        ]
    return any(level)


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError("a number is too large")
    return number


def _resource(finding: Finding) -> ResourceEntry:
    entry: ResourceEntry = {
        "kind": finding.address.kind,
        "name": finding.address.name,
        "target": finding.address.target,
        "status": finding.status.value,
        "arn": finding.arn,
        "created_at": None if finding.created_at is None else _time(finding.created_at),
        "source": source_entry(finding.source),
        "differences": [_difference(d) for d in finding.differences],
        "ignored": [
            {
                **_difference(hidden.difference),
                "rule": hidden.rule.pattern.text,
                "reason": hidden.rule.reason,
                "until": None if hidden.rule.until is None else hidden.rule.until.isoformat(),
                "rule_source": _place_of(hidden.rule.location),
            }
            for hidden in finding.ignored
        ],
        "error": error_entry(finding.error),
    }
    if (before := finding.before) is not None:
        entry["base_status"] = None if before.status is None else before.status.value
        entry["origin"] = None if before.origin is None else before.origin.value
        if before.origin is Origin.INTRODUCED:
            entry["intended"] = before.intended
        entry["resolved"] = [_difference(each) for each in before.resolved]
    return entry


def _difference(difference: PropertyDifference) -> DifferenceEntry:
    entry: DifferenceEntry = {
        "path": list(difference.path),
        "change": difference.change.value,
        "desired": difference.desired,
        "live": difference.live,
        "sensitive": difference.sensitive,
        "source": source_entry(difference.source),
    }
    if difference.origin is not None:
        entry["origin"] = difference.origin.value
    if difference.origin is Origin.INTRODUCED:
        entry["intended"] = difference.intended
    return entry


def _place_of(location: Location) -> SourceEntry:
    return {"file": location.file, "line": location.line, "column": location.column}


def _invalid(each: Invalid) -> InvalidEntry:
    if isinstance(each.where, str):
        return {"message": f"{each.where}: {each.message}", "source": None}
    return {"message": each.message, "source": _place_of(each.where)}


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
