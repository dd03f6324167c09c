"""A result as GitHub's workflow commands: lines of a job's log that show beside the lines of a file.

As a comment, they are where the public may look: of an error they have the code and what to do, and not the
text of AWS, which names roles and sessions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftcheck.causes import causes_of
from driftcheck.remedies import remedy_text
from driftcheck.render.common import (
    absence_texts,
    name_text,
    path_text,
    public_text,
    read_text,
    scope_text,
    target_text,
    value_text,
    visible,
)
from driftcheck.render.unread import by_key, title_text

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
    told = [found for _, found in ranked]
    # what is told of AWS says where that is
    places = [*_places(document)] if told else []
    return "".join(f"{_command(*found)}\n" for found in (*told[: LIMIT - len(places)], *places))


def _places(document: Document) -> Iterator[tuple[str, SourceEntry | None, str, str]]:
    if targets := document["targets"]:
        text = "; ".join(map(target_text, targets)) + scope_text(document)
        yield "notice", None, "targets", public_text(text)


def _found(document: Document) -> Iterator[tuple[str, SourceEntry | None, str, str]]:
    """Everything worth one: level, place, title and text; of those of a level, the most severe first."""
    for error in document.get("invalid") or []:
        yield "error", error["source"], "invalid", public_text(error["message"])
    if wanting := read_text(document):
        yield "error", None, "not complete", wanting
    for text in absence_texts(document):
        yield "error", None, "all missing", public_text(text)
    base = document.get("base")
    with_base = base is not None and base["error"] is None
    later: list[tuple[str, SourceEntry | None, str, str]] = []
    for resource in document["resources"]:
        name = name_text(resource)
        if resource["status"] == "missing":
            level, title = _level(resource, with_base, "missing")
            later.append((level, resource["source"], title, f"{name} is declared, and not in AWS"))
        for difference in resource["differences"]:
            level, title = _level(difference, with_base, "drift")
            says = f"{name}: {_difference(difference)}"
            later.append((level, difference["source"] or resource["source"], title, says))
    yield from _unread(document)
    yield from later
    for warning in document["warnings"]:
        yield "warning", warning["source"], warning["code"], public_text(warning["message"])


def _unread(document: Document) -> Iterator[tuple[str, SourceEntry | None, str, str]]:
    """One for each cause, at a file's line where it is of one definition."""
    resources = by_key(document)
    for cause in causes_of(document):
        source = resources[cause.keys[0]]["source"] if len(cause.keys) == 1 else None
        text = f"{title_text(cause)}: {cause.code}"
        if cause.remedy:
            text += f"; what to do: {remedy_text(cause.remedy)}"
        yield "error", source, "not compared", text


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
