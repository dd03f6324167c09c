"""The report as SARIF 2.1.0, for code scanning: one result per difference, at the desired file's line.

Code scanning refuses a whole file for one result that has no place in a file. So what has none, as a
definition that no file declares or a target that could not be read, is a notification of the invocation.
What kept several definitions from being read is one result, at the first of them, which names all of them.
"""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from driftcheck.causes import causes_of
from driftcheck.remedies import remedy_text
from driftcheck.render.common import (
    absence_texts,
    name_text,
    path_text,
    read_text,
    scope_text,
    target_text,
    value_text,
    visible,
)
from driftcheck.render.origins import ROLLOUTS, origin_text, resolved
from driftcheck.render.unread import by_key, cause_text, title_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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

_CHANGE_RULES = {
    "rollout": ("note", "What a change declares is not in AWS before it is rolled out."),
    "resolved": ("note", "A difference that a change has resolved."),
    "invalid": ("error", "The desired state is invalid."),
}

_MANY = 2
"""From so many definitions on, an error is told by its cause, whichever definitions have it."""
_OUTCOMES = {
    "drifted": "has drifted",
    "missing": "is declared, and AWS has no such definition",
    "unmanaged": "is in AWS, and no file declares it",
}


@dataclass(frozen=True, slots=True)
class _Remark:
    """What becomes a result, or without a source a notification; ``identity`` tells it from all others."""

    rule: str
    text: str
    source: SourceEntry | None
    identity: tuple[Json, ...]
    resources: Sequence[ResourceEntry] = ()
    state: str | None = None

    @property
    def level(self) -> str:
        return {**_RULES, **_CHANGE_RULES}.get(self.rule, ("warning",))[0]


def render(document: Document, _style: Style) -> str:
    """The report as one SARIF run, in ASCII."""
    remarks = list(_remarks(document))
    known = {**_RULES, **(_CHANGE_RULES if "base" in document or "invalid" in document else {})}
    codes = dict.fromkeys(visible(warning["code"]) for warning in document["warnings"])
    rules = {**known, **{code: ("warning", f"Warning {code}.") for code in codes if code not in known}}
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
                    *(_notification(remark, indices[remark.rule]) for remark in remarks if not remark.source),
                    *_places(document),
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
    yield from _unread(document)
    for entry in document.get("invalid", ()):
        text = visible(entry["message"])
        yield _Remark("invalid", text, entry["source"], (entry["message"],))
    # code scanning takes every result for one that is there: what is gone is no result
    for resource, difference in resolved(document):
        text = f"{name_text(resource)}: {path_text(difference['path'])} differs no more."
        yield _Remark("resolved", text, None, (), [resource])
    if not document["complete"]:
        read = read_text(document)
        yield _Remark("error", f"The run is not complete{read and ': '}{read}.", None, ("run",))
    for warning in document["warnings"]:
        identity: tuple[Json, ...] = (warning["code"], warning["message"])
        yield _Remark(visible(warning["code"]), visible(warning["message"]), warning["source"], identity)


def _about(resource: ResourceEntry) -> Iterator[_Remark]:
    status = resource["status"]
    if status in {"in_sync", "error"}:
        return
    identity: tuple[Json, ...] = (resource["kind"], resource["target"], resource["name"])
    for difference in resource["differences"]:
        waits = difference.get("intended", False) and status in ROLLOUTS
        said = ROLLOUTS[status] if waits else "has drifted"
        text = f"{name_text(resource)} {said}: {_sentence(difference)}{_origin(difference)}"
        source = difference["source"] or resource["source"]
        path: Json = list(difference["path"])
        rule = "rollout" if waits else status
        yield _Remark(rule, text, source, (*identity, path), [resource], _state(difference))
    if not resource["differences"]:
        waits = resource.get("intended", False) and status in ROLLOUTS
        said = ROLLOUTS[status] if waits else _OUTCOMES[status]
        text = f"{name_text(resource)} {said}.{_origin(resource)}"
        rule = "rollout" if waits else status
        yield _Remark(rule, text, resource["source"], identity, [resource], _state(resource))


def _unread(document: Document) -> Iterator[_Remark]:
    resources = by_key(document)
    for cause in causes_of(document):
        found = [resources[key] for key in cause.keys]
        text = f"{title_text(cause)}: {cause_text(cause)}"
        if cause.remedy:
            text += f". What to do: {visible(remedy_text(cause.remedy))}"
        identity: tuple[Json, ...] = (cause.target, cause.code, remedy_text(cause.remedy))
        if len(found) < _MANY:
            identity = cause.keys[0] if found else (cause.target,)
        source = next((each["source"] for each in found if each["source"]), None)
        yield _Remark("error", text, source, identity, found)


def _origin(entry: DifferenceEntry | ResourceEntry) -> str:
    origin = origin_text(entry)
    return f" {origin[:1].upper()}{origin[1:]}." if origin else ""


def _state(entry: DifferenceEntry | ResourceEntry) -> str | None:
    """What SARIF calls an origin."""
    origin = entry.get("origin")
    return None if origin is None else {"introduced": "new", "existing": "unchanged"}.get(origin)


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
    if remark.resources:
        location["logicalLocations"] = _logical(remark.resources)
    result: dict[str, Any] = {
        "ruleId": remark.rule,
        "ruleIndex": index,
        "level": remark.level,
        "message": _message(remark.text),
        "locations": [location],
        "partialFingerprints": {"driftcheck/v1": _fingerprint(remark)},
    }
    if remark.state is not None:
        result["baselineState"] = remark.state
    return result


def _notification(remark: _Remark, index: int) -> dict[str, Any]:
    notification: dict[str, Any] = {
        "associatedRule": {"id": remark.rule, "index": index},
        "level": remark.level,
        "message": _message(remark.text),
    }
    if remark.resources:
        notification["locations"] = [{"logicalLocations": _logical(remark.resources)}]
    return notification


def _places(document: Document) -> Iterator[dict[str, Any]]:
    """Where it was looked, a note for each target, and at which part of what is declared."""
    if scope := scope_text(document):
        yield {"level": "note", "message": _message(f"This is about a part of what is declared{scope}.")}
    for text in absence_texts(document):
        yield {"level": "warning", "message": _message(text)}
    for target in document["targets"]:
        yield {"level": "note", "message": _message(f"Target {target_text(target)}.")}


def _logical(resources: Sequence[ResourceEntry]) -> list[dict[str, str]]:
    names = ("/".join(visible(each[part]) for part in ("target", "kind", "name")) for each in resources)
    # the schema takes each once; two names may be visible as one
    return [{"fullyQualifiedName": name, "kind": "resource"} for name in dict.fromkeys(names)]


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
