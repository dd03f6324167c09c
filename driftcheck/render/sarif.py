"""The report as SARIF 2.1.0, for code scanning: one result per difference, at the desired file's line.

Code scanning refuses a whole file for one result that has no place in a file. So what has none, as a
definition that no file declares or a target that could not be read, is a notification of the invocation.
"""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from driftcheck.render.common import error_text, name_text, path_text, value_text, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftcheck.document.entries import DifferenceEntry, Document, ResourceEntry, SourceEntry
    from driftcheck.model import Json
    from driftcheck.render import Style

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_RULES = {
    "drifted": ("error", "The live definition differs from the declared one."),
    "missing": ("error", "AWS has no definition of the declared name."),
    "unmanaged": ("note", "AWS has a definition that no file declares."),
    "error": ("error", "There was no trustworthy answer from AWS."),
}

_OUTCOMES = {
    "drifted": "has drifted",
    "missing": "is declared, and AWS has no such definition",
    "unmanaged": "is in AWS, and no file declares it",
    "error": "could not be compared",
}


@dataclass(frozen=True, slots=True)
class _Remark:
    """What becomes a result, or without a source a notification; ``identity`` tells it from all others."""

    rule: str
    text: str
    source: SourceEntry | None
    identity: tuple[Json, ...]
    resource: ResourceEntry | None = None

    @property
    def level(self) -> str:
        return _RULES[self.rule][0] if self.rule in _RULES else "warning"


def render(document: Document, _style: Style) -> str:
    """The report as one SARIF run, in ASCII."""
    remarks = list(_remarks(document))
    codes = dict.fromkeys(visible(warning["code"]) for warning in document["warnings"])
    rules = {**_RULES, **{code: ("warning", f"Warning {code}.") for code in codes if code not in _RULES}}
    indices = {rule: index for index, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "driftcheck",
                "version": visible(document["driftcheck_version"]),
                "rules": [_rule(rule, level, text) for rule, (level, text) in rules.items()],
            }
        },
        "invocations": [
            {
                "startTimeUtc": document["started_at"],
                "endTimeUtc": document["finished_at"],
                "executionSuccessful": document["complete"]
                and not any(remark.rule == "error" for remark in remarks),
                "toolExecutionNotifications": [
                    _notification(remark, indices[remark.rule]) for remark in remarks if not remark.source
                ],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(remark, remark.source, indices[remark.rule]) for remark in remarks if remark.source
        ],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _remarks(document: Document) -> Iterator[_Remark]:
    for resource in document["resources"]:
        yield from _about(resource)
    for target in document["targets"]:
        if target["error"]:
            text = f"Target {visible(target['name'])} could not be read whole: {error_text(target['error'])}"
            yield _Remark("error", text, None, (target["name"],))
    for warning in document["warnings"]:
        identity: tuple[Json, ...] = (warning["code"], warning["message"])
        yield _Remark(visible(warning["code"]), visible(warning["message"]), warning["source"], identity)


def _about(resource: ResourceEntry) -> Iterator[_Remark]:
    status = resource["status"]
    if status == "in_sync":
        return
    identity: tuple[Json, ...] = (resource["kind"], resource["target"], resource["name"])
    for difference in resource["differences"]:
        text = f"{name_text(resource)} has drifted: {_sentence(difference)}"
        source = difference["source"] or resource["source"]
        path: Json = list(difference["path"])
        yield _Remark(status, text, source, (*identity, path), resource)
    if not resource["differences"]:
        reason = f": {error_text(resource['error'])}" if resource["error"] else "."
        text = f"{name_text(resource)} {_OUTCOMES[status]}{reason}"
        yield _Remark(status, text, resource["source"], identity, resource)


def _sentence(difference: DifferenceEntry) -> str:
    path, sensitive = path_text(difference["path"]), difference["sensitive"]
    desired = _as(difference["desired"], sensitive)
    live = _as(difference["live"], sensitive)
    if difference["change"] == "changed":
        return f"{path} is declared{desired} and in AWS{live}."
    if difference["change"] == "added":
        return f"{path} is not declared and in AWS{live}."
    return f"{path} is declared{desired} and not in AWS."


def _as(value: Json, sensitive: bool) -> str:
    """The value after " as "; a block is named by its path alone, since a message has one line."""
    return "" if isinstance(value, dict | list) else f" as {value_text(value, sensitive=sensitive)}"


def _rule(rule: str, level: str, text: str) -> dict[str, Any]:
    description = _message(text)
    return {
        "id": rule,
        "shortDescription": description,
        "fullDescription": description,
        "help": description,
        "defaultConfiguration": {"level": level},
    }


def _result(remark: _Remark, source: SourceEntry, index: int) -> dict[str, Any]:
    region = {"startLine": source["line"]}
    if "column" in source:
        region["startColumn"] = source["column"]
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": _artifact(source["file"]), "region": region}
    }
    if remark.resource:
        location["logicalLocations"] = _logical(remark.resource)
    return {
        "ruleId": remark.rule,
        "ruleIndex": index,
        "level": remark.level,
        "message": _message(remark.text),
        "locations": [location],
        "partialFingerprints": {"driftcheck/v1": _fingerprint(remark)},
    }


def _notification(remark: _Remark, index: int) -> dict[str, Any]:
    notification: dict[str, Any] = {
        "associatedRule": {"id": remark.rule, "index": index},
        "level": remark.level,
        "message": _message(remark.text),
    }
    if remark.resource:
        notification["locations"] = [{"logicalLocations": _logical(remark.resource)}]
    return notification


def _logical(resource: ResourceEntry) -> list[dict[str, str]]:
    names = (resource["target"], resource["kind"], resource["name"])
    return [{"fullyQualifiedName": "/".join(visible(name) for name in names), "kind": "resource"}]


def _artifact(file: str) -> dict[str, str]:
    path = quote(posixpath.normpath(file), errors="replace")
    return {"uri": f"file://{path}"} if path.startswith("/") else {"uri": path, "uriBaseId": "%SRCROOT%"}


def _fingerprint(remark: _Remark) -> str:
    return sha256(json.dumps([remark.rule, *remark.identity]).encode()).hexdigest()


def _message(text: str) -> dict[str, str]:
    """The text as a SARIF message, in which braces are placeholders and ``[text](uri)`` is a link."""
    text = text.replace("{", "{{").replace("}", "}}")
    if "](" in text:
        text = text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return {"text": text}
