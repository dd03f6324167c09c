"""The comment on a pull or merge request: what a change does, what it meets in AWS, what had drifted before.

It always fits: where the whole is too long, ever less of it is told, and what is told stays whole. As in the
report in Markdown, a text from outside stands only in code spans, in fences and in ``<code>``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from driftcheck.redact import is_credential
from driftcheck.render import Style
from driftcheck.render.common import time_text, visible
from driftcheck.render.markdown import code, fence, html_code
from driftcheck.render.templates_ import render_template
from driftcheck.render.told import Told, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from driftcheck.document.entries import Document
    from driftcheck.render.sections import Block, Item, Section

_ELLIPSIS = "…"
_MAX_LINK = 2_000
_OPEN = 3
"""So many definitions of a section are shown unfolded."""
_SHORT = 7
"""Digits of a commit that a reader is shown."""


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is told; None is all of it.

    ``entries`` are definitions of a section, ``hunks`` differences of a definition, ``lines`` those of a
    value, ``width`` characters of a name or of a value's line.
    """

    entries: int | None = None
    hunks: int | None = None
    lines: int | None = None
    width: int | None = None
    says: str = ""


DETAILS = (
    Detail(),
    Detail(None, 3, 6, 200, "the first differences of each definition are shown, and long values are cut"),
    Detail(10, 1, 1, 80, "the first definitions of each section are shown"),
    Detail(0, 0, 0, 0, "only the counts are shown"),
)
"""From all there is to counts alone; the last has no text of the document's but a version and commits."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a comment says beside its document.

    ``marker`` is its first line, empty for none; ``link`` leads to the full report; ``commit`` is the head
    that was checked; ``is_foreign`` tells that code of a fork made the document.
    """

    marker: str = ""
    link: str = ""
    commit: str = ""
    is_foreign: bool = False


def link_of(url: str) -> str:
    """A URL as it can stand in a link's parentheses.

    Raises:
        ValueError: it is none of http or https, or holds what not everybody may read.
    """
    parts = urlsplit(url)
    is_text = url.isprintable() and " " not in url and len(url) <= _MAX_LINK
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_text:
        raise ValueError("it is no address that begins with https:// or http://")
    if is_credential(url):
        raise ValueError("it holds a credential, which everybody who reads the comment could use")
    return quote(url, safe="%/:=&?~#+!$,@[]").replace("&", "&amp;")


def fitted(document: Document, frame: Frame, fits: Callable[[str], bool]) -> str | None:
    """The fullest text that fits, or None where not even the counts do."""
    told = tell(document)
    texts = (_text(document, told, frame, detail) for detail in DETAILS)
    return next((text for text in texts if fits(text)), None)


def _text(document: Document, told: Told, frame: Frame, detail: Detail) -> str:
    sections = [] if detail.entries == 0 else [_section(each, detail) for each in told.sections]
    text = render_template(
        "comment.md.j2",
        Style(),
        hidden=[frame.marker, f"<!-- {document['started_at']} -->"] if frame.marker else [],
        headline=told.headline + _line(told.scope, detail),
        sentences=" ".join(told.sentences),
        counts=told.counts,
        sections=sections,
        note=_note(detail, frame),
        footer=_footer(document, frame),
    )
    return text.rstrip("\n") + "\n"


def _note(detail: Detail, frame: Frame) -> str:
    if not detail.says:
        return ""
    rest = (
        f"[the full report]({frame.link})" if frame.link else "the full report is that of `driftcheck check`"
    )
    return f"Too long to show in full: {detail.says}; {rest}."


def _footer(document: Document, frame: Frame) -> str:
    base = document.get("base")
    parts = [
        f"driftcheck {code(_cut(visible(document['driftcheck_version']), 40))}",
        f"checked {time_text(document['finished_at'])}",
    ]
    if frame.commit:
        parts.append(f"commit {code(visible(frame.commit[:_SHORT]))}")
    if base is not None:
        parts.append(f"against {code(_cut(visible(base['ref']), 80))} at {code(base['commit'][:_SHORT])}")
    if frame.link:
        parts.append(f"[full report]({frame.link})")
    if frame.is_foreign:
        parts.append("**made by the code of a fork, which can make it say anything**")
    return ", ".join(parts)


def _section(section: Section, detail: Detail) -> dict[str, Any]:
    shown = len(section.blocks) if detail.entries is None else detail.entries
    listed = len(section.items) if detail.entries is None else detail.entries
    more = max(len(section.blocks) - shown, 0) + max(len(section.items) - listed, 0)
    return {
        "title": section.title,
        "is_folded": section.is_folded,
        "intro": section.intro,
        "items": [_line(item, detail) for item in section.items[:listed]],
        "blocks": [_block(block, detail) for block in section.blocks[:shown]],
        "is_open": len(section.blocks) <= _OPEN,
        "more": f"{more:,} more" if more else "",
    }


def _block(block: Block, detail: Detail) -> dict[str, str]:
    shown = block.hunks if detail.hunks is None else block.hunks[: detail.hunks]
    lines: list[str] = []
    for hunk in shown:
        lines.append(f"@@ {_cut(hunk.path, detail.width)} @@ {hunk.says}".rstrip())
        for sign, value in hunk.values:
            lines += [f"{sign} {line}" for line in _shortened(value, detail)]
    name = _cut(block.name, detail.width)
    left = len(block.hunks) - len(shown)
    return {
        "html": f"{block.label and f'<b>{block.label}</b> '}{html_code(name)}{block.says}",
        "text": f"{code(name)}{block.says}",
        "facts": _sentence(_line(block.facts, detail)),
        "fence": fence(lines, "diff") if lines else "",
        "more": f"{left:,} more difference{'' if left == 1 else 's'}" if left else "",
    }


def _line(item: Item, detail: Detail) -> str:
    return "".join(code(_cut(text, detail.width)) if is_code else text for text, is_code in item)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _shortened(lines: Sequence[str], detail: Detail) -> list[str]:
    shown = [_cut(line, detail.width) for line in lines[: detail.lines]]
    if len(shown) < len(lines):
        shown.append(f"{_ELLIPSIS} {len(lines) - len(shown):,} more lines")
    return shown


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) <= width else text[:width] + _ELLIPSIS
