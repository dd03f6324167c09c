"""The report as Markdown, for the comment on a pull request.

A text from outside stands only where it is inert: in a code span, in a fence that is longer than any run of
backticks in it, or escaped in ``<code>`` within ``<summary>``. None of these makes a mention, a reference, a
link, an image or HTML; a table, whose cells would need a further escape, has none of it.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from driftcheck.document.origins import group
from driftcheck.render.common import (
    block_lines,
    error_text,
    heading,
    invalid_text,
    name_text,
    of_status,
    path_text,
    percent,
    plural,
    source_text,
    time_text,
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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftcheck.document.entries import (
        DeclarationEntry,
        DifferenceEntry,
        Document,
        IgnoredEntry,
        ResourceEntry,
    )
    from driftcheck.render import Style


def render(document: Document, style: Style) -> str:
    """The report through the template ``report.md.j2``, whose every variable is ready to be printed."""
    text = render_template("report.md.j2", style, **_context(document))
    return text.rstrip("\n") + "\n"


def code(text: str) -> str:
    """A code span that shows exactly ``text``, which has no line feed."""
    ticks = "`" * (_longest_run(text) + 1)
    edges = text.startswith(("`", " ")) or text.endswith(("`", " ")) or not text
    return f"{ticks} {text} {ticks}" if edges else f"{ticks}{text}{ticks}"


def fence(lines: Sequence[str], language: str) -> str:
    """A fenced block that shows exactly ``lines``."""
    ticks = "`" * max(3, _longest_run("\n".join(lines)) + 1)
    return "\n".join((f"{ticks}{language}", *lines, ticks))


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
        "verdict": heading(document),
        "declared": summary["declared"],
        "in_sync": summary["in_sync"],
        "attention": [_bold(summary[key]) for key in ("drifted", "missing", "error", "unmanaged")],
        "coverage": percent(summary["coverage"]),
        "drifted": [_drifted(resource) for resource in of("drifted")],
        "missing": [_item(resource) for resource in of("missing")],
        "unmanaged": [_item(resource) for resource in of("unmanaged")],
        "errors": [
            *(_item(resource) for resource in of_status(document, "error")),
            *(
                f"target {code(visible(target['name']))}: {code(error_text(target['error']))}"
                for target in document["targets"]
                if target["error"]
            ),
        ],
        "ignored": [
            _ignored(resource, entry) for resource in document["resources"] for entry in resource["ignored"]
        ],
        "warnings": [
            f"{code(source_text(warning['source']))}: " * bool(warning["source"])
            + f"{code(visible(warning['message']))} ({code(visible(warning['code']))})"
            for warning in document["warnings"]
        ],
        "version": code(visible(document["driftcheck_version"])),
        "started": time_text(document["started_at"]),
        "finished": time_text(document["finished_at"]),
    }


def _bold(count: int) -> str:
    return f"**{count}**" if count else "0"


def _item(resource: ResourceEntry) -> str:
    error = f": {code(error_text(resource['error']))}" if resource["error"] else ""
    return f"{code(name_text(resource))}{_facts(resource)}{error}"


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
        "name": f"<code>{html.escape(name_text(resource))}</code>",
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
        "name": f"<code>{html.escape(declaration_text(declaration))}</code>",
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


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
