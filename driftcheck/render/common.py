"""What several formats share: text that cannot act or hide, paths and values as text, the counts.

Names, values and messages come from AWS, from pull requests or from a saved file: every one of them is
hostile until it has passed through ``visible``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeAlias

from driftcheck.document import is_listed
from driftcheck.document.origins import group, groups, has_origins
from driftcheck.paths import BARE_KEY, show
from driftcheck.redact import MASK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from driftcheck.document.entries import (
        Document,
        ErrorEntry,
        InvalidEntry,
        ResourceEntry,
        SourceEntry,
        TargetEntry,
    )
    from driftcheck.model import Json

_ACCOUNT = re.compile(r"(?<![0-9])[0-9]{8}([0-9]{4})(?![0-9])")
_NOT_KNOWN = "not known"
_MOST_SAID, _LONGEST_SAID = 3, 80
"""Names in a heading, and characters of each."""

Pieces: TypeAlias = tuple[tuple[str, bool], ...]
"""A text in pieces: each a text, and whether it is from outside and so has to be made inert."""

# Printable by Unicode's categories, and yet nothing is seen of them.
_BLANK = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# GitHub and Azure obey ##[command] and ##vso[command] anywhere in a line of a log.
_LOG_COMMAND = re.compile(r"##(?=\w*\[)")


def visible(text: str, newline: bool = False) -> str:
    """The text with all that could act on a terminal or in a log, or hide from a reader, escaped.

    Escaped as in a Python literal are: controls, bidi, zero-width, private-use and unassigned characters,
    lone surrogates, every space but the plain one, and the start of a ``##[command]`` that a build's log
    would obey. ``newline`` keeps line feeds. ``::command`` acts only where a line starts: whoever starts a
    line with such a text has to put something before it.
    """
    return _escaped(text, _python_escape, "\n" if newline else "")


def path_text(path: Iterable[str | int]) -> str:
    """A path as one writes it under ``ignore_changes``: ``Tags[0].Value``, ``Environment["a.b"]``."""
    return show(path, _quoted)


def value_text(value: Json, *, sensitive: bool = False) -> str:
    """A value as JSON on one line; what a ``sensitive`` difference conceals is ``(sensitive)``, unquoted."""
    text = _quoted(value)
    return text.replace(f'"{MASK}"', MASK) if sensitive else text


def block_lines(value: Json, *, label: str = "", sensitive: bool = False) -> list[str]:
    """A value as Terraform writes it: a leaf on one line, a block as nested lines, indented by two spaces."""
    return list(_block(value, f"{label} = " if label else "", sensitive))


def name_text(resource: ResourceEntry) -> str:
    """A definition as a reader knows it: ``ModelQualityJobDefinition churn (prod-eu)``."""
    return visible(f"{resource['kind']} {resource['name']} ({resource['target']})")


def target_text(target: TargetEntry) -> str:
    """A target and where it is: ``prod-eu: account 123456789012, region eu-west-1``."""
    return visible(f"{target['name']}: {place_text(target['account'], target['region'])}")


def place_text(account: str | None, region: str | None) -> str:
    """``account 123456789012, region eu-west-1``; each may be not known."""
    return visible(f"account {account or _NOT_KNOWN}, region {region or _NOT_KNOWN}")


def public_text(text: str) -> str:
    """A text with account ids cut to their last four digits: a comment may be public."""
    return _ACCOUNT.sub(r"…\1", text)


def source_text(source: SourceEntry | None) -> str:
    """``file:line``, with the column where it is known; empty without a source."""
    if source is None:
        return ""
    column = f":{source['column']}" if "column" in source else ""
    return visible(f"{source['file']}:{source['line']}{column}")


def error_text(error: ErrorEntry) -> str:
    """``code: message`` on one line."""
    return visible(f"{error['code']}: {error['message']}")


def invalid_text(entry: InvalidEntry) -> str:
    """``file:line:column: message`` on one line, without a place where none is known."""
    place = source_text(entry["source"])
    return f"{place}: {visible(entry['message'])}" if place else visible(entry["message"])


def time_text(time: str) -> str:
    """A time of the document for a reader: ``2026-11-20 08:00:00 UTC``."""
    return visible(time.removesuffix("Z").replace("T", " ") + " UTC")


def of_status(document: Document, status: str) -> list[ResourceEntry]:
    """The definitions of one status, in the document's order."""
    return [resource for resource in document["resources"] if resource["status"] == status]


def verdict(document: Document) -> str:
    """The outcome in one sentence; undeclared definitions do not count, nor does what waits for a rollout."""
    return f"{_outcome(document)}{scope_text(document)}."


def heading(document: Document) -> str:
    """The outcome with how many were read, where that is not all; without the scope and a full stop."""
    wanting = read_text(document)
    return f"{_outcome(document)}{wanting and f': {wanting}'}"


def read_text(document: Document) -> str:
    """Tell how many of the declared definitions were read, as ``144 of 160 read``; empty where all were."""
    summary = document["summary"]
    return f"{summary['read']:,} of {summary['declared']:,} read" if summary["error"] else ""


def scope_text(document: Document) -> str:
    """``scope_pieces`` as plain text: `` (--select m00*; targets: prod-eu)``."""
    return "".join(text for text, _ in scope_pieces(document))


def scope_pieces(document: Document) -> Pieces:
    """The part of what is declared that a document is about, to end a sentence with; empty for all of it."""
    shard, run = document.get("shard"), document.get("run")
    parts: list[Pieces] = []
    if shard:
        parts.append(((f"shard {shard['index']} of {shard['count']}", False),))
    if run and run["select"]:
        parts.append((("--select ", False), *_said(run["select"])))
    if run and run.get("targets"):
        parts.append((("targets: ", False), *_said(run["targets"])))
    pieces = [piece for part in parts for piece in (("; ", False), *part)]
    return ((" (", False), *pieces[1:], (")", False)) if pieces else ()


def _said(names: Sequence[str]) -> Iterator[tuple[str, bool]]:
    for number, name in enumerate(names[:_MOST_SAID]):
        text = visible(name)
        if number:
            yield ", ", False
        yield (text if len(text) <= _LONGEST_SAID else f"{text[:_LONGEST_SAID]}…"), True
    if (more := len(names) - _MOST_SAID) > 0:
        yield f" and {more:,} more", False


def absence_pieces(document: Document) -> list[Pieces]:
    """A question for each target in which nothing exists of all that was read: it may be the wrong place.

    What a change declares and nobody has rolled out yet is expected to be missing.
    """
    read: dict[str, list[ResourceEntry]] = {target["name"]: [] for target in document["targets"]}
    for resource in document["resources"]:
        if resource["status"] not in {"error", "unmanaged"}:
            read.setdefault(resource["target"], []).append(resource)
    found: list[Pieces] = []
    for target in document["targets"]:
        resources = read[target["name"]]
        if any(each["status"] != "missing" for each in resources):
            continue
        if all(group(each) == "rollout" for each in resources):
            continue
        is_one = len(resources) == 1
        subject = "The only definition" if is_one else f"None of the {len(resources):,}"
        of = ((" of target ", False), (visible(target["name"]), True)) if len(read) > 1 else ()
        verb = " does not exist in " if is_one else " exists in "
        place = (place_text(target["account"], target["region"]), True)
        found.append(
            ((subject, False), *of, (verb, False), place, (": are account and region right?", False))
        )
    return found


def absence_texts(document: Document) -> list[str]:
    """``absence_pieces`` as plain text."""
    return ["".join(text for text, _ in pieces) for pieces in absence_pieces(document)]


def unmanaged_text(document: Document) -> str:
    """The number of unmanaged definitions: ``at least 3`` or ``not known`` where not all was listed."""
    count = document["summary"]["unmanaged"]
    if is_listed(document) and not document.get("invalid"):
        return f"{count}"
    return f"at least {count}" if count else _NOT_KNOWN


def _outcome(document: Document) -> str:
    summary, of = document["summary"], groups(document)
    wrong = len(document.get("invalid", ()))
    whole = document["complete"] and not summary["error"]
    lost = not whole or any(target["error"] for target in document["targets"])
    outcomes = (
        (wrong, f"Invalid: the desired state has {plural(wrong, 'error')}, and nothing was compared"),
        (document["interrupted"], "Incomplete: the run was stopped before everything was read"),
        (of["new"], "New drift: this change introduces differences that it does not intend"),
        (of["before"], "Drift: AWS differed from what is declared before this change"),
        (_is_off(document), "Drift: AWS differs from what is declared"),
        (lost, "Not everything could be compared"),
        (not summary["declared"], "Nothing is declared"),
        (of["rollout"], "No drift: all that differs in AWS is what this change declares"),
    )
    said = (text for holds, text in outcomes if holds)
    return next(said, "No drift. AWS matches everything that is declared")


def _is_off(document: Document) -> bool:
    """Tell whether there is drift of which nobody knows where it comes from."""
    summary = document["summary"]
    return bool(summary["drifted"] or summary["missing"]) and not has_origins(document)


def counts_text(document: Document) -> str:
    """The counts as one sentence; those that are zero are left out."""
    summary = document["summary"]
    counts = (
        (summary["in_sync"], "in sync"),
        (summary["drifted"], "drifted"),
        (summary["missing"], "missing"),
        (summary["error"], "error"),
    )
    found = [f"{count} {label}" for count, label in counts if count]
    text = f"{summary['declared']} declared"
    if found:
        text += ": " + ", ".join(found)
    unmanaged = unmanaged_text(document)
    if unmanaged == _NOT_KNOWN:
        text += f"; unmanaged {_NOT_KNOWN}"
    elif summary["unmanaged"]:
        text += f"; {unmanaged} unmanaged"
    return f"{text}. Coverage {percent(summary['coverage'])}."


def plural(count: int, noun: str) -> str:
    """A count with its noun: ``1 error``, ``2 errors``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def percent(coverage: float | None) -> str:
    """A share from 0.0 to 1.0 in per cent; 100% only where nothing is left out."""
    if coverage is None:
        return "not known"
    return f"{min(round(coverage * 100), 99) if coverage < 1 else 100}%"


def _quoted(value: Json) -> str:
    return _escaped(json.dumps(value, ensure_ascii=False), _json_escape)


def _escaped(text: str, escape: Callable[[str], str], keep: str = "") -> str:
    if not text.isprintable() or (not text.isascii() and _BLANK.search(text)):
        text = "".join(
            char if char in keep or (char.isprintable() and not _BLANK.match(char)) else escape(char)
            for char in text
        )
    return _LOG_COMMAND.sub(lambda _: f"#{escape('#')}", text) if "##" in text else text


def _python_escape(char: str) -> str:
    return "\\x23" if char == "#" else char.encode("unicode_escape").decode("ascii")


def _json_escape(char: str) -> str:
    escaped = json.dumps(char)[1:-1]
    return escaped if len(escaped) > 1 else f"\\u{ord(char):04x}"


def _block(value: Json, label: str, sensitive: bool) -> Iterator[str]:
    if isinstance(value, dict) and value:
        yield f"{label}{{"
        for key, inner in value.items():
            bare = key if BARE_KEY.fullmatch(key) else _quoted(key)
            yield from (f"  {line}" for line in _block(inner, f"{bare} = ", sensitive))
        yield "}"
    elif isinstance(value, list) and value:
        yield f"{label}["
        for inner in value:
            yield from (f"  {line}" for line in _block(inner, "", sensitive))
        yield "]"
    else:
        yield f"{label}{value_text(value, sensitive=sensitive)}"
