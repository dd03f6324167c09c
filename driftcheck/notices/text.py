"""A notice as people read it: one line that says how much of what, and a text that always fits.

Names, paths and messages are hostile here too, and more so: a chat obeys mentions, links and markup.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby, islice
from typing import TYPE_CHECKING

from driftcheck.causes import group_errors
from driftcheck.notices import ORDER
from driftcheck.render.common import path_text, place_text, time_text, visible
from driftcheck.render.unread import cause_text, names_text, subject_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from driftcheck.causes import Cause
    from driftcheck.notices.entries import (
        Event,
        EventKind,
        MoveEntry,
        Notice,
        PlaceEntry,
        StandingEntry,
        TargetEvent,
        TargetEventKind,
    )

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

_OF_TARGETS: dict[TargetEventKind, tuple[str, str]] = {
    "unreadable": ("unreadable", "cannot be read whole"),
    "reminder": ("still unreadable", "still cannot be read whole"),
    "readable": ("readable", "can be read whole again"),
}
"""What becomes of targets: in the subject, and in the text."""

_MAX_SUBJECT = 99
"""Characters: SNS wants fewer than 100, in ASCII, on one line."""
_MOST_PATHS = 3
_MAX_LINE = 400
_MAX_MESSAGE = 200
"""Characters of an error, after which there is room for what to do."""
_MOST_LINES: tuple[int | None, ...] = (None, 1000, 300, 100, 30, 10, 3, 1, 0)
"""How many definitions each group names: the most that fits."""
_ELLIPSIS = "..."

_MINUTE, _HOUR, _DAY = 60, 3600, 86400

# what begins a mention, a link, a tag or code in one chat or another
_MARKUP = re.compile(r"[@<`]|\](?=\()")

REPEATED = (
    "This notice may have been sent before: "
    "a run that sent it was cut short, got no clear answer, or could not record it."
)


def subject(notice: Notice) -> str:
    """How much of what, as one line of ASCII that is short enough for the subject of a mail."""
    counts = Counter(event["event"] for event in notice["events"])
    parts = [f"{counts[kind]} {_SHORT.get(kind, _SAID[kind])}" for kind in ORDER if counts[kind]]
    if moved := notice.get("moved"):
        parts.insert(0, f"{len(moved)} {'target' if len(moved) == 1 else 'targets'} moved")
    for event, count in _count_target_events(notice):
        parts.append(f"{count} {'target' if count == 1 else 'targets'} {_OF_TARGETS[event][0]}")
    said = ", ".join(parts)
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
    yield from _moves(notice.get("moved", []), most)
    for kind, group in groupby(notice["events"], key=lambda event: event["event"]):
        events = [*group]
        yield ""
        yield f"{len(events):,} {_SAID[kind]}"
        lines = _event_lines(events)
        yield from _named((line for line, _ in lines), most)
        yield from _more(sum(count for _, count in lines[most:]) if most is not None else 0, most)
    yield from _target_lines(notice, most)
    if standing := notice["standing"]:
        count = notice["standing_count"]
        yield ""
        yield f"{count:,} more not in sync, as before; the longest first"
        yield from _named(map(_standing_line, standing), most)
        yield from _more(count - sum(each.get("count", 1) for each in standing[:most]), most)
    yield ""
    counts = notice["counts"]
    known = counts["in_sync"] + counts["drifted"] + counts["missing"]
    read, declared = notice.get("read", (known, known + counts["error"]))
    yield (
        f"{'Now' if read == known else 'As last read'}: "
        f"{counts['in_sync']:,} in sync, {counts['drifted']:,} drifted, {counts['missing']:,} missing, "
        f"{counts['unmanaged']:,} unmanaged, {counts['error']:,} not readable."
    )
    if unread := notice.get("unread"):
        yield f"Of those not in sync, {unread:,} cannot be read now."
    if read != declared:
        yield f"{read:,} of {declared:,} read: the run is not complete."
    yield from _targets(notice.get("targets", []), most)


def _count_target_events(notice: Notice) -> Iterator[tuple[TargetEventKind, int]]:
    counts = Counter(each["event"] for each in notice.get("target_events", []))
    return ((event, counts[event]) for event in _OF_TARGETS if counts[event])


def _target_lines(notice: Notice, most: int | None) -> Iterator[str]:
    """What keeps targets from being read whole, and what no longer does."""
    for event, count in _count_target_events(notice):
        events = [each for each in notice["target_events"] if each["event"] == event]
        yield ""
        yield f"{count:,} {'target' if count == 1 else 'targets'} {_OF_TARGETS[event][1]}"
        yield from _named(map(_target_line, events), most)
        yield from _more(len(events[most:]) if most is not None else 0, most)


def _target_line(event: TargetEvent) -> str:
    lasted = age_text(event["seconds"])
    (cause,) = group_errors([(event["target"], None, event["error"])])
    if event["event"] == "readable":
        return f"{''.join(subject_pieces(cause))}: could not be read whole for {lasted}"
    parts = [
        f"not read whole for {lasted}, since {time_text(event['since'])}" if event["seconds"] else "",
        *_why(cause),
    ]
    return f"{''.join(subject_pieces(cause))}: {'; '.join(filter(None, parts))}"


def _why(cause: Cause) -> Iterator[str]:
    yield _shortened(cause_text(cause), _MAX_MESSAGE)
    if cause.remedy:
        # without backticks, which a chat would obey
        yield f"what to do: {visible(''.join(text for text, _ in cause.remedy))}"


def _moves(moved: Sequence[MoveEntry], most: int | None) -> Iterator[str]:
    """Targets that are elsewhere now: what is missing there is no news of what was here."""
    if moved:
        yield ""
        targets = "target" if len(moved) == 1 else "targets"
        yield f"{len(moved):,} {targets} moved; each place has a history of its own"
        yield from _named((_move_line(each) for each in moved), most)
        yield from _more(len(moved[most:]) if most is not None else 0, most)


def _move_line(move: MoveEntry) -> str:
    before, now = move["before"], move["now"]
    return (
        f"{visible(now['name'])}: was {place_text(before['account'], before['region'])}, "
        f"is {place_text(now['account'], now['region'])}"
    )


def _targets(targets: Sequence[PlaceEntry], most: int | None) -> Iterator[str]:
    """Where it was looked."""
    for target in targets[:most]:
        name = visible(target["name"])
        text = f"Target {name}: {place_text(target['account'], target['region'])}"
        if failure := target.get("failure"):
            since, code = time_text(failure["since"]), visible(failure["error"]["code"])
            text += f"; not read whole since {since}: {code}"
        text = _calm(text)
        yield _shortened(text, _MAX_LINE)
    if most is not None and len(targets) > most:
        yield f"{len(targets) - most:,} {'more targets' if most else 'targets in all'}"


def _named(lines: Iterable[str], most: int | None) -> Iterator[str]:
    for line in islice(lines, most):
        yield _shortened(f"- {_calm(line)}", _MAX_LINE)


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - len(_ELLIPSIS)]}{_ELLIPSIS}"


def _more(count: int, most: int | None) -> Iterator[str]:
    if count > 0:
        yield f"- and {count:,} {'in all' if most == 0 else 'more'}"


def _event_lines(events: Iterable[Event]) -> list[tuple[str, int]]:
    """Lines, each with its number of events: one, or all that have not been readable by one cause."""
    lines: list[tuple[str, int]] = []
    errors: dict[tuple[str, int], list[Event]] = {}
    for event in events:
        if event["status"] == "error" and not event["before"]:
            errors.setdefault((event["since"], event["seconds"]), []).append(event)
        else:
            lines.append((_event_line(event), 1))
    return [line for some in errors.values() for line in _cause_lines(some)] + lines


def _cause_lines(events: Iterable[Event]) -> Iterator[tuple[str, int]]:
    found = {}
    for event in events:
        definition = event["definition"]
        found[definition["kind"], definition["target"], definition["name"]] = event
    errors = [(key[1], key, event["error"]) for key, event in found.items() if event["error"]]
    for cause in group_errors(errors):
        event = found[cause.keys[0]]
        source = event["definition"]["source"] if len(cause.keys) == 1 else None
        parts = [
            *_since_when(event, age_text(event["seconds"])),
            *_why(cause),
            names_text(cause),
            visible(f"{source['file']}:{source['line']}") if source else "",
        ]
        yield f"{''.join(subject_pieces(cause))}: {'; '.join(filter(None, parts))}", len(cause.keys)


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
        case "unreadable" if event["seconds"]:
            yield f"not readable for {lasted}, now by another cause"
        case _ if event["seconds"]:
            yield f"not in sync for {lasted}"


def _what_differs(event: Event) -> Iterator[str]:
    if error := event["error"]:
        yield f"not readable now ({visible(error['code'])}), as last read"
    count = len(event["differences"]) + event["differences_left_out"]
    if count:
        paths = [path_text(each["path"]) for each in event["differences"][:_MOST_PATHS]]
        more = f" and {count - len(paths)} more" if count > len(paths) else ""
        yield f"{count} {'difference' if count == 1 else 'differences'}: {', '.join(paths)}{more}"
    if source := event["definition"]["source"]:
        yield visible(f"{source['file']}:{source['line']}")


def _standing_line(entry: StandingEntry) -> str:
    name = visible(f"{entry['kind']} {entry['name']} ({entry['target']})")
    if (count := entry.get("count", 1)) > 1:
        name = visible(f"{count:,} definitions in {entry['target']}")
    text = f"{name}: {entry['status']} for {age_text(entry['seconds'])}, since {time_text(entry['since'])}"
    if unread := entry.get("unreadable_since"):
        text += f"; as last read, not readable since {time_text(unread)}"
    return text


def _calm(text: str) -> str:
    return _MARKUP.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
