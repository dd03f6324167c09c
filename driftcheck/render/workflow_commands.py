"""A result as GitHub's workflow commands: lines of a job's log that show beside the lines of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftcheck.render.common import error_text, name_text, path_text, read_text, value_text, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftcheck.document.entries import DifferenceEntry, Document, ResourceEntry, SourceEntry

LIMIT = 10
"""As many as GitHub shows of one step, of each level."""
_WIDTH = 200
_LEVELS = ("error", "warning", "notice")


def annotations_of(document: Document) -> str:
    """At most ten commands, one a line, the most severe first and otherwise in the document's order."""
    ranked = sorted(enumerate(_found(document)), key=lambda each: (_LEVELS.index(each[1][0]), each[0]))
    return "".join(f"{_command(*found)}\n" for _, found in ranked[:LIMIT])


def _found(document: Document) -> Iterator[tuple[str, SourceEntry | None, str, str]]:
    """Everything worth one: level, place, title and text; of those of a level, the most severe first."""
    for error in document.get("invalid") or []:
        yield "error", error["source"], "invalid", error["message"]
    if wanting := read_text(document):
        yield "error", None, "not complete", wanting
    base = document.get("base")
    with_base = base is not None and base["error"] is None
    later: list[tuple[str, SourceEntry | None, str, str]] = []
    for resource in document["resources"]:
        name = name_text(resource)
        if resource["error"]:
            yield "error", resource["source"], "not compared", f"{name}: {error_text(resource['error'])}"
        if resource["status"] == "missing":
            level, title = _level(resource, with_base, "missing")
            later.append((level, resource["source"], title, f"{name} is declared, and not in AWS"))
        for difference in resource["differences"]:
            level, title = _level(difference, with_base, "drift")
            says = f"{name}: {_difference(difference)}"
            later.append((level, difference["source"] or resource["source"], title, says))
    for target in document["targets"]:
        if target["error"]:
            yield "error", None, "not compared", f"target {target['name']}: {error_text(target['error'])}"
    yield from later
    for warning in document["warnings"]:
        yield "warning", warning["source"], warning["code"], warning["message"]


def _level(entry: DifferenceEntry | ResourceEntry, with_base: bool, what: str) -> tuple[str, str]:
    if not with_base:
        return "error", what
    if entry.get("origin") != "introduced":
        return "warning", f"{what} before this change"
    if entry.get("intended"):
        return "notice", "to be rolled out"
    return "error", f"{what} by this change, not intended"


def _difference(difference: DifferenceEntry) -> str:
    sensitive = difference["sensitive"]
    declared, live = (_cut(value_text(difference[side], sensitive=sensitive)) for side in ("desired", "live"))
    path = path_text(difference["path"])
    match difference["change"]:
        case "added":
            return f"{path} is {live} in AWS, and not declared"
        case "removed":
            return f"{path} is declared as {declared}, and not in AWS"
        case _:
            return f"{path} is declared as {declared}, and {live} in AWS"


def _command(level: str, source: SourceEntry | None, title: str, message: str) -> str:
    properties = []
    if source is not None:
        properties = [f"file={_property(source['file'])}", f"line={source['line']}"]
        if "column" in source:
            properties.append(f"col={source['column']}")
    properties.append(f"title={_property(f'driftcheck: {title}')}")
    return f"::{level} {','.join(properties)}::{_data(message)}"


def _data(text: str) -> str:
    return _cut(visible(text), 4 * _WIDTH).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _cut(text: str, width: int = _WIDTH) -> str:
    return text if len(text) <= width else f"{text[:width]}…"
