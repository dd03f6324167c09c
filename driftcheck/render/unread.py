"""Causes of errors in the words that formats share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftcheck.render.common import error_text, visible

if TYPE_CHECKING:
    from driftcheck.causes import Cause, Key
    from driftcheck.document.entries import Document, ResourceEntry

_MOST_NAMES = 3


def by_key(document: Document) -> dict[Key, ResourceEntry]:
    """The definitions that could not be compared, by kind, target and name."""
    return {
        (each["kind"], each["target"], each["name"]): each
        for each in document["resources"]
        if each["status"] == "error"
    }


def subject_pieces(cause: Cause) -> tuple[str, str]:
    """The subject of a sentence, to begin it with: plain text, and text from outside."""
    if not cause.keys:
        return "Target ", visible(cause.target)
    if len(cause.keys) == 1:
        kind, target, name = cause.keys[0]
        return "", visible(f"{kind} {name} ({target})")
    return f"{'All ' * cause.is_whole}{len(cause.keys):,} definitions in ", visible(cause.target)


def predicate(cause: Cause) -> str:
    """The rest of the sentence."""
    return "could not be compared" if cause.keys else "could not be read whole"


def title_text(cause: Cause) -> str:
    """A sentence on what could not be compared: ``All 1,000 definitions in prod could not be compared``."""
    return f"{''.join(subject_pieces(cause))} {predicate(cause)}"


def first_names(cause: Cause) -> tuple[list[str], int]:
    """The first names of several definitions, and how many more there are; none where it is all of them."""
    if cause.is_whole or len(cause.keys) == 1:
        return [], 0
    shown = [visible(name) for _, _, name in cause.keys[:_MOST_NAMES]]
    return shown, len(cause.keys) - len(shown)


def names_text(cause: Cause) -> str:
    """The first names, as plain text: ``a, b, c and 997 more``."""
    shown, more = first_names(cause)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def cause_text(cause: Cause) -> str:
    """``code: message`` on one line."""
    return error_text({"code": cause.code, "message": cause.message})
