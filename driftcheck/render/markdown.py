"""The report as Markdown, for the comment on a pull request.

A text from outside stands only where it is inert: in ``code``, in a ``fence``, or in ``html_code``. None of
these makes a mention, a reference, a link, an image or HTML; a table, whose cells would need a further
escape, has none of it.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from driftcheck.causes import causes_of
from driftcheck.document.origins import group
from driftcheck.render.common import (
    absence_pieces,
    block_lines,
    error_text,
    heading,
    invalid_text,
    name_text,
    of_status,
    path_text,
    percent,
    place_text,
    plural,
    scope_pieces,
    source_text,
    time_text,
    unmanaged_text,
    visible,
)
from driftcheck.render.origins import (
    ROLLOUTS,
    adopted,
    as_difference,
    base_text,
    change_counts,
    declaration_text,
    declarations,
    live_text,
    origin_text,
    resolved,
    rollout_text,
)
from driftcheck.render.templates_ import render_template
from driftcheck.render.unread import by_key, cause_text, first_names, predicate, subject_pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftcheck.causes import Cause
    from driftcheck.document.entries import (
        DeclarationEntry,
        DifferenceEntry,
        Document,
        IgnoredEntry,
        ResourceEntry,
        TargetEntry,
    )
    from driftcheck.remedies import Remedy
    from driftcheck.render import Style
    from driftcheck.render.common import Pieces

_MAX_RUN = 79
"""Backticks. One more delimit them, and cmark-gfm and comrak know no code span of more than 80
(MAXBACKTICKS of cmark-gfm's inlines.c and comrak's parser)."""
_LONG_RUN = re.compile(f"`{{{_MAX_RUN + 1}}}")


def render(document: Document, style: Style) -> str:
    """The report through the template ``report.md.j2``, whose every variable is ready to be printed."""
    text = render_template("report.md.j2", style, **_context(document))
    return text.rstrip("\n") + "\n"


def code(text: str) -> str:
    """Code span of a text without line feeds."""
    text = _short_runs(text)
    ticks = "`" * (_longest_run(text) + 1)
    edges = text.startswith(("`", " ")) or text.endswith(("`", " ")) or not text
    return f"{ticks} {text} {ticks}" if edges else f"{ticks}{text}{ticks}"


def fence(lines: Sequence[str], language: str) -> str:
    """Fenced block of lines."""
    content = _short_runs("\n".join(lines))
    ticks = "`" * max(3, _longest_run(content) + 1)
    return f"{ticks}{language}\n{content}\n{ticks}"


def html_code(text: str) -> str:
    """``<code>`` element, for a place that Markdown does not reach, such as ``<summary>``."""
    return f"<code>{html.escape(_short_runs(text))}</code>"


def inline(pieces: Pieces) -> str:
    """Text in which what is from outside stands in code spans."""
    return "".join(code(text) if is_code else text for text, is_code in pieces)


def _context(document: Document) -> dict[str, Any]:
    summary = document["summary"]
    waiting = [each for each in document["resources"] if group(each) == "rollout"]

    def of(status: str) -> list[ResourceEntry]:
        return [each for each in of_status(document, status) if group(each) != "rollout"]

    return {
        "invalid": [code(invalid_text(each)) for each in document.get("invalid", ())],
        "change": change_counts(document),
        "base": _base(document),
        "declarations": [_declaration(each) for each in declarations(document)],
        "rollout": [_waiting(each) for each in waiting],
        "resolved": [
            *(f"{code(name_text(each))} is unmanaged no more" for each in adopted(document)),
            *(
                f"{code(name_text(each))}: {code(path_text(difference['path']))} differs no more"
                for each, difference in resolved(document)
            ),
        ],
        "verdict": f"{heading(document)}{inline(scope_pieces(document))}.",
        "absent": [inline(pieces) for pieces in absence_pieces(document)],
        "declared": summary["declared"],
        "in_sync": summary["in_sync"],
        "attention": [
            *(_bold(summary[key]) for key in ("drifted", "missing", "error")),
            _bold(summary["unmanaged"], unmanaged_text(document)),
        ],
        "coverage": percent(summary["coverage"]),
        "drifted": [_drifted(resource) for resource in of("drifted")],
        "missing": [_item(resource) for resource in of("missing")],
        "unmanaged": [_item(resource) for resource in of("unmanaged")],
        "errors": _unread(document),
        "ignored": [
            _ignored(resource, entry) for resource in document["resources"] for entry in resource["ignored"]
        ],
        "warnings": [
            f"{code(source_text(warning['source']))}: " * bool(warning["source"])
            + f"{code(visible(warning['message']))} ({code(visible(warning['code']))})"
            for warning in document["warnings"]
        ],
        "targets": [target_item(target) for target in document["targets"]],
        "version": code(visible(document["driftcheck_version"])),
        "started": time_text(document["started_at"]),
        "finished": time_text(document["finished_at"]),
    }


def target_item(target: TargetEntry) -> str:
    """A target and where it is, as an item of a list."""
    place = place_text(target["account"], target["region"])
    return f"target {code(visible(target['name']))}: {code(place)}"


def _bold(count: int, text: str = "") -> str:
    text = text or str(count)
    return f"**{text}**" if count else text


def _item(resource: ResourceEntry) -> str:
    error = f": {code(error_text(resource['error']))}" if resource["error"] else ""
    return f"{code(name_text(resource))}{_facts(resource)}{error}"


def _unread(document: Document) -> list[str]:
    resources = by_key(document)
    return [
        f"{_item(resources[each.keys[0]]) if len(each.keys) == 1 else _cause(each)}{remedy_code(each.remedy)}"
        for each in causes_of(document)
    ]


def _cause(cause: Cause) -> str:
    text, name = subject_pieces(cause)
    shown, more = first_names(cause)
    listed = ", ".join(map(code, shown)) + (f" and {more:,} more" if more else "")
    return f"{text}{code(name)} {predicate(cause)}{listed and f' ({listed})'}: {code(cause_text(cause))}"


def remedy_code(remedy: Remedy) -> str:
    """A remedy as a sentence after another one; empty without one."""
    text = "".join(code(visible(piece)) if is_code else piece for piece, is_code in remedy)
    return text and f". What to do: {text}"


def _facts(resource: ResourceEntry) -> str:
    text = ""
    if resource["source"]:
        text += f", declared in {code(source_text(resource['source']))}"
    if resource["created_at"]:
        text += f", live since {time_text(resource['created_at'])}"
    if origin := origin_text(resource):
        text += f", {origin}"
    return text


def _drifted(resource: ResourceEntry) -> dict[str, Any]:
    lines = [line for difference in resource["differences"] for line in _diff(difference)]
    return {
        "name": html_code(name_text(resource)),
        "count": plural(len(resource["differences"]), "difference"),
        "facts": _sentence(_facts(resource).removeprefix(", ")),
        "fence": fence(lines, "diff"),
    }


def _base(document: Document) -> dict[str, str] | None:
    if (base := document.get("base")) is None:
        return None
    return {"name": code(base_text(base)), "error": code(error_text(base["error"])) if base["error"] else ""}


def _declaration(declaration: DeclarationEntry) -> dict[str, Any]:
    """A declaration as the text of a ``summary`` and the lines of a fence, which may be none."""
    lines: list[str] = []
    for change in declaration["changes"]:
        head, *rest = _diff(as_difference(change))
        lines += [f"{head} {rollout_text(change)}", *rest]
    facts = [source_text(declaration["source"]), live_text(declaration)]
    return {
        "name": html_code(declaration_text(declaration)),
        "item": code(declaration_text(declaration)),
        "count": plural(len(declaration["changes"]), "change"),
        "facts": ", ".join(code(fact) for fact in facts if fact),
        "fence": fence(lines, "diff") if lines else "",
    }


def _waiting(resource: ResourceEntry) -> str:
    source = f", declared in {code(source_text(resource['source']))}" if resource["source"] else ""
    paths = ", ".join(code(path_text(each["path"])) for each in resource["differences"])
    return f"{code(name_text(resource))} {ROLLOUTS[resource['status']]}{source}{paths and f': {paths}'}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _diff(difference: DifferenceEntry) -> list[str]:
    origin = origin_text(difference)
    lines = [f"@@ {path_text(difference['path'])} @@{origin and f' {origin}'}"]
    sensitive = difference["sensitive"]
    if difference["change"] != "added":
        lines += [f"- {line}" for line in block_lines(difference["desired"], sensitive=sensitive)]
    if difference["change"] != "removed":
        lines += [f"+ {line}" for line in block_lines(difference["live"], sensitive=sensitive)]
    return lines


def _ignored(resource: ResourceEntry, entry: IgnoredEntry) -> str:
    text = f"{code(name_text(resource))}: {code(path_text(entry['path']))} is {entry['change']}"
    text += f", ignored by {code(visible(entry['rule']))}"
    if entry["until"]:
        text += f" until {code(visible(entry['until']))}"
    if entry["reason"]:
        text += f": {code(visible(entry['reason']))}"
    return text


def _short_runs(text: str) -> str:
    """Escape, as in JSON, each backtick that follows ``_MAX_RUN`` others: no value turns into another."""
    return _LONG_RUN.sub(lambda run: f"{run[0][:-1]}\\u0060", text)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
