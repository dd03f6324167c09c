"""A notice as people read it: one line that says how much of what, and a text that always fits.

Names, paths and messages are hostile here too, and more so: a chat obeys mentions, links and markup.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby, islice
from typing import TYPE_CHECKING

from driftcheck.notices import ORDER
from driftcheck.render.common import error_text, path_text, time_text, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from driftcheck.notices.entries import Event, EventKind, Notice, StandingEntry

_SAID: dict[EventKind, str] = {
    "missing": "missing",
    "drifted": "drifted",
    "changed": "drifted otherwise than before",
    "unreadable": "cannot be read",
    "unmanaged": "unmanaged",
    "reminder": "still not in sync",
    "removed": "no longer declared",
    "readable": "can be read again",
    "repaired": "repaired",
}
_SHORT: dict[EventKind, str] = {
    "changed": "drifted further",
    "unreadable": "unreadable",
    "readable": "readable",
}

_MAX_SUBJECT = 99
"""Characters: SNS wants fewer than 100, in ASCII, on one line."""
_MOST_PATHS = 3
_MAX_LINE = 400
_MOST_LINES: tuple[int | None, ...] = (None, 1000, 300, 100, 30, 10, 3, 1, 0)
"""How many definitions each group names: the most that fits."""
_ELLIPSIS = "..."

_MINUTE, _HOUR, _DAY = 60, 3600, 86400

# what begins a mention, a link, a tag or code in one chat or another
_MARKUP = re.compile(r"[@<`]|\](?=\()")

REPEATED = "This notice may have been sent before: the run that sent it was cut short, or got no answer."


def subject(notice: Notice) -> str:
    """How much of what, as one line of ASCII that is short enough for the subject of a mail."""
    counts = Counter(event["event"] for event in notice["events"])
    said = ", ".join(f"{counts[kind]} {_SHORT.get(kind, _SAID[kind])}" for kind in ORDER if counts[kind])
    text = f"driftcheck: {said}"
    return text if len(text) <= _MAX_SUBJECT else f"{text[: _MAX_SUBJECT - len(_ELLIPSIS)]}{_ELLIPSIS}"


def body(notice: Notice, limit: int, size: Callable[[str], int] = len, *, repeated: bool = False) -> str:
    """The whole text, naming as many definitions as there is room for; the counts are always there.

    Args:
        notice: what is told.
        limit: the largest ``size`` of a text that fits.
        size: how a text is measured, in characters where nothing is said.
        repeated: say that it may have been sent before.
    """
    text = ""
    for most in _MOST_LINES:
        text = "\n".join(_lines(notice, most, repeated=repeated)) + "\n"
        if size(text) <= limit:
            return text
    while size(text) > limit:
        text = text[: len(text) - max((size(text) - limit) // 4, 1)]
    return text


def in_utf8(text: str) -> int:
    """The size of a text in bytes."""
    return len(text.encode("utf-8", "backslashreplace"))


def age_text(seconds: int) -> str:
    """How long something has lasted, in one unit: ``40 min``, ``9 h``, ``12 d``."""
    if seconds < 2 * _HOUR:
        return f"{seconds // _MINUTE} min"
    return f"{seconds // _HOUR} h" if seconds < 2 * _DAY else f"{seconds // _DAY} d"


def _lines(notice: Notice, most: int | None, *, repeated: bool) -> Iterator[str]:
    yield f"driftcheck, run of {time_text(notice['run']['started_at'])}"
    if repeated:
        yield REPEATED
    for kind, group in groupby(notice["events"], key=lambda event: event["event"]):
        events = [*group]
        yield ""
        yield f"{len(events):,} {_SAID[kind]}"
        yield from _named(map(_event_line, events), most)
        yield from _more(len(events), most)
    if standing := notice["standing"]:
        count = notice["standing_count"]
        yield ""
        yield f"{count:,} more not in sync, as before; the longest first"
        yield from _named(map(_standing_line, standing), most)
        yield from _more(count, min(len(standing), len(standing) if most is None else most))
    yield ""
    counts = notice["counts"]
    yield (
        f"Now: {counts['in_sync']:,} in sync, {counts['drifted']:,} drifted, {counts['missing']:,} missing, "
        f"{counts['unmanaged']:,} unmanaged, {counts['error']:,} not readable."
    )
    if counts["error"]:
        read = counts["in_sync"] + counts["drifted"] + counts["missing"]
        yield f"{read:,} of {read + counts['error']:,} read: the run is not complete."


def _named(lines: Iterable[str], most: int | None) -> Iterator[str]:
    for line in islice(lines, most):
        text = "- " + _calm(line)
        yield text if len(text) <= _MAX_LINE else f"{text[: _MAX_LINE - len(_ELLIPSIS)]}{_ELLIPSIS}"


def _more(count: int, most: int | None) -> Iterator[str]:
    if most is not None and count > most:
        yield f"- and {count - most:,} {'more' if most else 'in all'}"


def _event_line(event: Event) -> str:
    definition = event["definition"]
    name = visible(f"{definition['kind']} {definition['name']} ({definition['target']})")
    return f"{name}: {'; '.join(_said_of(event))}"


def _said_of(event: Event) -> Iterator[str]:
    lasted = age_text(event["seconds"])
    if event["event"] == "readable":
        yield f"could not be read for {lasted}, is {event['status']}"
    elif event["before"]:
        yield f"was {event['before']} for {lasted}"
    else:
        yield from _since_when(event, lasted)
        yield from _what_differs(event)


def _since_when(event: Event, lasted: str) -> Iterator[str]:
    match event["event"]:
        case "reminder":
            yield f"{event['status']} for {lasted}, since {time_text(event['since'])}"
        case "changed":
            yield f"drifted for {lasted}, since {time_text(event['since'])}"
        case "drifted" if event["created_at"]:
            # a definition cannot be updated: it was made so then
            yield f"created {time_text(event['created_at'])}"
        case _ if event["seconds"]:
            yield f"not in sync for {lasted}"


def _what_differs(event: Event) -> Iterator[str]:
    if event["error"]:
        yield error_text(event["error"])
    count = len(event["differences"]) + event["differences_left_out"]
    if count:
        paths = [path_text(each["path"]) for each in event["differences"][:_MOST_PATHS]]
        more = f" and {count - len(paths)} more" if count > len(paths) else ""
        yield f"{count} {'difference' if count == 1 else 'differences'}: {', '.join(paths)}{more}"
    if source := event["definition"]["source"]:
        yield visible(f"{source['file']}:{source['line']}")


def _standing_line(entry: StandingEntry) -> str:
    name = visible(f"{entry['kind']} {entry['name']} ({entry['target']})")
    return f"{name}: {entry['status']} for {age_text(entry['seconds'])}, since {time_text(entry['since'])}"


def _calm(text: str) -> str:
    return _MARKUP.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
