"""The report for a terminal, in Terraform's manner, at 80 columns.

No line begins with a text from outside: a mark, a quote or a word of the report's own stands before it, so
that ``::error`` in a value is no command to the log of a build. Only a path or a value that is longer than
a line goes past the 80th column: it stays in one piece, to be found and copied.
"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from driftcheck.causes import causes_of
from driftcheck.document.origins import group
from driftcheck.remedies import find_remedy
from driftcheck.render.common import (
    absence_texts,
    block_lines,
    counts_text,
    error_text,
    invalid_text,
    name_text,
    of_status,
    path_text,
    plural,
    read_text,
    source_text,
    target_text,
    time_text,
    value_text,
    verdict,
    visible,
)
from driftcheck.render.origins import (
    REMARKS,
    ROLLOUTS,
    adopted,
    as_difference,
    base_text,
    change_counts,
    declaration_text,
    live_text,
    origin_text,
    resolved,
    rollout_text,
)
from driftcheck.render.unread import by_key, cause_text, names_text, title_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftcheck.causes import Cause
    from driftcheck.document.entries import (
        DeclarationEntry,
        DifferenceEntry,
        Document,
        IgnoredEntry,
        ResourceEntry,
    )
    from driftcheck.remedies import Remedy
    from driftcheck.render import Style

_WIDTH = 80
_MARKS = {"changed": "~", "added": "+", "removed": "-"}
# ANSI SGR parameters: 1 bold, 31 red, 32 green, 33 yellow.
_MARK_STYLES = {"~": "33", "+": "32", "-": "31", "-/+": "31"}
_LINE_STYLES = {"#": "1", "!": "1;31"}
_HEADINGS = {
    "drifted": ("#", "has drifted"),
    "missing": ("#", "is missing"),
    "unmanaged": ("#", "is unmanaged"),
    "error": ("!", "could not be compared"),
}
_REMARKS = {
    "drifted": "  -/+ must be replaced: SageMaker cannot update a definition",
    "missing": "  - only in the files: AWS has no such definition",
    "unmanaged": "  + only in AWS: no file declares it",
}
_SHOWN = ("drifted", "missing", "unmanaged")
_NO_BREAK = "\xa0"
_DECLARED = {"added": "+", "removed": "-"}
_CHANGE_LEGEND = "  ~ changed: before -> now   + now declared   - no longer declared"
_LEGEND = "~ changed: declared -> live   + only in AWS   - only in the files"


def render(document: Document, style: Style) -> str:
    """The report as text: what needs attention first, the counts in the last line."""
    sections = [
        *([[_LEGEND]] if any(resource["differences"] for resource in document["resources"]) else []),
        *_invalid(document),
        *_not_in_sync(document),
        *_unread(document),
        *change_sections(document),
        *_about_the_run(document),
        *_targets(document),
        [
            *_wrapped(verdict(document), ""),
            *(line for text in absence_texts(document) for line in _wrapped(text, "  ")),
            *_counts(document),
        ],
    ]
    paint = _painted if style.color else str
    return "\n\n".join("\n".join(map(paint, lines)) for lines in sections) + "\n"


def resource_lines(resource: ResourceEntry) -> list[str]:
    """One definition that is not in sync: what and where it is, and how it differs or why nobody knows."""
    mark, heading = _HEADINGS[resource["status"]]
    waits = group(resource) == "rollout"
    if waits:
        heading = ROLLOUTS[resource["status"]]
    lines = _wrapped(f"{mark} {name_text(resource)} {heading}", f"{mark}   ")
    if resource["source"]:
        lines.append(f"  declared in {source_text(resource['source'])}")
    if resource["created_at"]:
        lines.append(f"  live since {time_text(resource['created_at'])}")
    if waits:
        lines.extend(_wrapped(f"  | {REMARKS[resource['status']]}", "  | "))
    elif resource["status"] in _REMARKS:
        lines.append(_REMARKS[resource["status"]])
    if not waits and (origin := origin_text(resource)):
        lines.append(f"    | {origin}")
    for difference in resource["differences"]:
        lines.extend(difference_lines(difference))
        if not waits and (origin := origin_text(difference)):
            lines.append(f"    | {origin}")
    if error := resource["error"]:
        lines.extend(_wrapped(f"  | {error_text(error)}", "  | "))
        lines.extend(_remedy(find_remedy(error["code"], error["message"], error.get("profile"))))
    return lines


def cause_lines(cause: Cause) -> list[str]:
    """What kept several definitions, or a target, from being read."""
    return [
        *_wrapped(f"! {title_text(cause)}", "!   "),
        *(_wrapped(f"  | {names}", "  | ") if (names := names_text(cause)) else ()),
        *_wrapped(f"  | {cause_text(cause)}", "  | "),
        *_remedy(cause.remedy),
    ]


def difference_lines(difference: DifferenceEntry) -> Iterator[str]:
    """One difference, with a mark on each of its lines: ``~ path = declared -> live``."""
    path, sensitive = path_text(difference["path"]), difference["sensitive"]
    mark = _MARKS[difference["change"]]
    if difference["change"] == "changed":
        desired = value_text(difference["desired"], sensitive=sensitive)
        live = value_text(difference["live"], sensitive=sensitive)
        line = f"  ~ {path} = {desired} -> {live}"
        if sensitive and desired == live:
            line = f"  ~ {path} = {live}"
        yield from [line] if len(line) <= _WIDTH else [f"  ~ {path}", f"       {desired}", f"    -> {live}"]
        return
    value = difference["live"] if difference["change"] == "added" else difference["desired"]
    lines = block_lines(value, label=path, sensitive=sensitive)
    if len(lines) == 1 and len(lines[0]) > _WIDTH - 4:
        lines = [f"{path} =", *(f"  {line}" for line in block_lines(value, sensitive=sensitive))]
    yield from (f"  {mark} {line}" for line in lines)


def _invalid(document: Document) -> Iterator[list[str]]:
    if wrong := document.get("invalid"):
        yield [
            f"! The desired state is invalid: {plural(len(wrong), 'error')}",
            *(line for each in wrong for line in _wrapped(f"  | {invalid_text(each)}", "  |   ")),
        ]


def _not_in_sync(document: Document) -> Iterator[list[str]]:
    """What needs attention by its status, and after all of that what waits for a rollout."""
    some = [resource for status in _SHOWN for resource in of_status(document, status)]
    for waits in (False, True):
        yield from (resource_lines(each) for each in some if (group(each) == "rollout") is waits)


def _unread(document: Document) -> Iterator[list[str]]:
    resources = by_key(document)
    for cause in causes_of(document):
        if len(cause.keys) == 1:
            yield resource_lines(resources[cause.keys[0]])
        else:
            yield cause_lines(cause)


def _remedy(remedy: Remedy) -> list[str]:
    """A remedy, in which code stays on one line."""
    text = "".join(
        f"`{visible(piece)}`".replace(" ", _NO_BREAK) if is_code else piece for piece, is_code in remedy
    )
    lines = _wrapped(f"  | What to do: {text}", "  | ") if text else []
    return [line.replace(_NO_BREAK, " ") for line in lines]


def change_sections(document: Document) -> Iterator[list[str]]:
    """What is declared otherwise than in the base, and what the change resolves; a section is some lines."""
    if (base := document.get("base")) is None:
        return
    name = base_text(base)
    if base["error"]:
        yield [
            *_wrapped(f"! Not compared with {name}", "!   "),
            *_wrapped(f"  | {error_text(base['error'])}", "  | "),
        ]
    elif base["declarations"]:
        count = plural(len(base["declarations"]), "definition")
        yield [
            *_wrapped(f"# Declared otherwise than in {name}: {count}", "#   "),
            _CHANGE_LEGEND,
            *(line for each in base["declarations"] for line in _declaration(each)),
        ]
    gone, taken = resolved(document), adopted(document)
    if gone or taken:
        yield [
            "# Resolved by this change",
            *(
                line
                for each in taken
                for line in _wrapped(f"  + {name_text(each)} is unmanaged no more", "  |   ")
            ),
            *(line for resource, each in gone for line in _in(resource, each)),
        ]


def _declaration(declaration: DeclarationEntry) -> Iterator[str]:
    mark = _DECLARED.get(declaration["change"], "~")
    yield from _wrapped(f"  {mark} {declaration_text(declaration)}", f"  {mark}   ")
    if declaration["source"]:
        yield f"    | {source_text(declaration['source'])}"
    if live := live_text(declaration):
        yield f"    | {live}"
    for change in declaration["changes"]:
        yield from (f"  {line}" for line in difference_lines(as_difference(change)))
        yield f"      | {rollout_text(change)}"


def _in(resource: ResourceEntry, difference: DifferenceEntry) -> Iterator[str]:
    yield from _wrapped(f"  in {name_text(resource)}", "  |   ")
    yield from difference_lines(difference)


def _counts(document: Document) -> list[str]:
    if document.get("invalid"):
        return []
    change = change_counts(document)
    return [
        *([f"{wanting}."] if (wanting := read_text(document)) else []),
        *(_wrapped(change, "") if change else []),
        counts_text(document),
    ]


def _targets(document: Document) -> Iterator[list[str]]:
    """Where it was looked, a line for each target."""
    if document["targets"]:
        yield [
            line
            for target in document["targets"]
            for line in _wrapped(f"Target {target_text(target)}", "  | ")
        ]


def _about_the_run(document: Document) -> Iterator[list[str]]:
    hidden = [(resource, entry) for resource in document["resources"] for entry in resource["ignored"]]
    if hidden:
        yield [
            f"# Ignored by lifecycle.ignore_changes: {plural(len(hidden), 'difference')}",
            *(line for resource, entry in hidden for line in _ignored(resource, entry)),
        ]
    for warning in document["warnings"]:
        where = f", {source_text(warning['source'])}" if warning["source"] else ""
        yield [
            *_wrapped(f"# Warning: {visible(warning['code'])}{where}", "#   "),
            *_wrapped(f"  | {visible(warning['message'])}", "  | "),
        ]


def _ignored(resource: ResourceEntry, entry: IgnoredEntry) -> Iterator[str]:
    yield from _in(resource, entry)
    until = f", until {visible(entry['until'])}" if entry["until"] else ""
    reason = f": {visible(entry['reason'])}" if entry["reason"] else ""
    yield from _wrapped(f"    | ignored by {visible(entry['rule'])}{until}{reason}", "    | ")


def _wrapped(text: str, indent: str) -> list[str]:
    return wrap(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _painted(line: str) -> str:
    indent = line[: len(line) - len(line.lstrip(" "))]
    mark, _, rest = line.removeprefix(indent).partition(" ")
    if mark in _LINE_STYLES:
        return f"\x1b[{_LINE_STYLES[mark]}m{line}\x1b[0m"
    if mark in _MARK_STYLES:
        return f"{indent}\x1b[{_MARK_STYLES[mark]}m{mark}\x1b[0m {rest}"
    return line
