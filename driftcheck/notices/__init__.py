"""What a run has to tell: what changed since those before it, and what lasts and is told again.

All of it follows from the history, so that the same run always gives the same notice. Nothing here does I/O
or reads a clock: how long something has lasted is said as of the run's start.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from importlib import resources
from typing import TYPE_CHECKING, Any, cast, get_args

from driftcheck.history import place_of
from driftcheck.notices.entries import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from driftcheck.document.entries import DifferenceEntry, Document, StatusName, TargetEntry
    from driftcheck.history import Change, Course, Episode, Failure, History, Key, Place
    from driftcheck.notices.entries import (
        Event,
        EventDifferenceEntry,
        MoveEntry,
        Notice,
        PlaceEntry,
        RunEntry,
        StandingEntry,
        TargetEvent,
        TargetEventKind,
    )

FORMAT = 1
SCHEMA_VERSION = "1.0"
ORDER: tuple[EventKind, ...] = get_args(EventKind)

_MOST_STANDING = 100
"""As many are named; more would be read by nobody."""
_MAX_DIFFERENCES = 200 * 1024
"""Bytes of JSON that differences take in an event: EventBridge takes 256 KiB in all."""

_ENDS = frozenset({"repaired", "removed", "readable"})


def notice(
    document: Document, history: History, changes: Iterable[Change], remind: timedelta, *, first: bool = False
) -> Notice | None:
    """What is to be told of a run, None where that is nothing.

    Args:
        document: the run's, which ``history`` has just taken over.
        history: all runs up to this one.
        changes: what it found otherwise than those before it.
        remind: how long something lasts before it is told again, and again after that; zero for never.
        first: nothing was ever told before, so that all that lasts is told.
    """
    run: RunEntry = {
        "started_at": document["started_at"],
        "driftcheck_version": document["driftcheck_version"],
    }
    places = {target["name"]: target for target in document["targets"]}
    moved = _moved(document, history)
    told = set()
    events = []
    for change in changes:
        told.add(change.key)
        course = history.courses[change.key]
        events.append(_event(run, places, change.kind.value, change.key, course, change.episode))
    standing: list[StandingEntry] = []
    for key, course in history.courses.items():
        episode = course.standing
        if episode is None or key in told or key[1] not in places or key[1] in moved:
            continue
        if first or _is_due(episode.since, course, run["started_at"], remind):
            events.append(_event(run, places, "reminder", key, course, episode))
        else:
            standing.append(_standing(key, course, episode, run["started_at"]))
    target_events = [*_target_events(document, history, events, remind, first=first)]
    if not events and not moved and not target_events:
        return None
    entry = history.runs[-1]
    counts: dict[str, int] = {
        name: sum(each.get(name, 0) for each in entry.targets.values()) for name in _COUNTED
    }
    standing_count = len(standing)
    standing = _unreadable_together(standing)
    standing.sort(key=lambda each: (each["since"], each["target"], each["kind"], each["name"]))
    return {
        "format": FORMAT,
        "run": run,
        "counts": counts,
        "events": sorted(events, key=_rank),
        "standing": standing[:_MOST_STANDING],
        "standing_count": standing_count,
        "targets": [_place_now(target, history) for target in document["targets"]],
        "moved": [*moved.values()],
        "target_events": target_events,
        "unread": sum(entry.unreadable.values()) - counts["error"],
        "read": (entry.read, entry.declared),
    }


def _target_events(
    document: Document, history: History, events: Iterable[Event], remind: timedelta, *, first: bool
) -> Iterator[TargetEvent]:
    """Give what changed of targets that cannot be read whole, where no event has the same cause."""
    at = document["started_at"]
    told = {
        (event["event"], event["definition"]["target"], event["error"]["code"])
        for event in events
        if event["error"]
    }
    for target in sorted(target["name"] for target in document["targets"]):
        failure = history.failures.get(target)
        kind: TargetEventKind
        if failure is None:
            continue
        if failure.until is not None:
            if failure.until != at:
                continue
            kind = "readable"
        elif failure.changed == at:
            kind = "unreadable"
        elif failure.asked == at and (first or _is_due(failure.since, failure, at, remind)):
            kind = "reminder"
        else:
            continue
        if (kind, target, failure.error["code"]) not in told:
            yield {
                "event": kind,
                "target": target,
                "since": failure.since,
                "seconds": _seconds(failure.since, at),
                "error": failure.error,
            }


def _place_now(target: TargetEntry, history: History) -> PlaceEntry:
    place, failure = _place(target["name"], place_of(target)), history.failures.get(target["name"])
    if failure is not None and failure.until is None:
        place["failure"] = {"since": failure.since, "error": failure.error}
    return place


def _moved(document: Document, history: History) -> dict[str, MoveEntry]:
    now = {target["name"]: place_of(target) for target in document["targets"]}
    return {
        name: {"before": _place(name, before), "now": _place(name, now[name])}
        for name, before in history.runs[-1].moved.items()
    }


def _place(name: str, place: Place) -> PlaceEntry:
    return {"name": name, "account": place[0], "region": place[1]}


_COUNTED: tuple[StatusName, ...] = ("in_sync", "drifted", "missing", "unmanaged", "error")


def event_schema() -> dict[str, Any]:
    """The published JSON Schema of an event."""
    text = resources.files("driftcheck.notices").joinpath("event.schema.json").read_text("utf-8")
    return cast("dict[str, Any]", json.loads(text))


def _rank(event: Event) -> tuple[int, str, str, str, str]:
    """The worst first; of one sort, what has lasted longest."""
    definition = event["definition"]
    return (
        ORDER.index(event["event"]),
        event["since"],
        definition["target"],
        definition["kind"],
        definition["name"],
    )


def _is_due(since: str, known: Course | Failure, now: str, remind: timedelta) -> bool:
    """Tell whether a multiple of ``remind`` was reached since the run before: no mark is kept, or lost.

    Only a run that asked for it tells that it still is so.
    """
    if not remind or known.asked != now or not known.asked_before:
        return False
    earlier = _moment(known.asked_before)
    return (_moment(now) - _moment(since)) // remind > max((earlier - _moment(since)) // remind, 0)


def _event(
    run: RunEntry,
    places: dict[str, TargetEntry],
    kind: EventKind,
    key: Key,
    course: Course,
    episode: Episode,
) -> Event:
    at = run["started_at"]
    place = places[key[1]]
    ended = kind in _ENDS
    until = episode.until if ended else None
    differences, left_out = _fitting(episode.differences)
    since, error = episode.since, episode.error
    if episode.status != "error":
        since = course.out_of_sync_before(until) or since
        if until is None and (unreadable := course.lasting(unreadable=True)) is not None:
            error = unreadable.error
    return {
        "schema_version": SCHEMA_VERSION,
        "id": "/".join((at, *key, kind)),
        "event": kind,
        "run": run,
        "definition": {
            "kind": key[0],
            "target": key[1],
            "name": key[2],
            "arn": course.arn,
            "account": place["account"],
            "region": place["region"],
            "source": course.source,
        },
        "status": _status(course, episode, ended=ended),
        "before": episode.status if ended else None,
        "since": since,
        "until": until,
        "seconds": _seconds(since, until or at),
        "created_at": course.created_at,
        "differences": differences,
        "differences_left_out": left_out,
        "error": error,
    }


def _status(course: Course, episode: Episode, *, ended: bool) -> StatusName | None:
    if not course.is_there:
        return None
    return course.status if ended else episode.status


def _standing(key: Key, course: Course, episode: Episode, at: str) -> StandingEntry:
    since = episode.since
    if episode.status != "error":
        since = course.out_of_sync_since or since
    entry: StandingEntry = {
        "kind": key[0],
        "target": key[1],
        "name": key[2],
        "status": episode.status,
        "since": since,
        "seconds": _seconds(since, at),
    }
    unreadable = course.lasting(unreadable=True)
    if episode.status != "error" and unreadable is not None:
        entry["unreadable_since"] = unreadable.since
    return entry


def _unreadable_together(standing: Iterable[StandingEntry]) -> list[StandingEntry]:
    """What has not been readable since the same run, as one entry for each target."""
    entries: dict[object, StandingEntry] = {}
    for each in standing:
        key = (each["target"], each["since"]) if each["status"] == "error" else tuple(each.values())
        if (known := entries.get(key)) is None:
            entries[key] = each
        else:
            known["count"] = known.get("count", 1) + 1
    return list(entries.values())


def _fitting(differences: Sequence[DifferenceEntry]) -> tuple[list[EventDifferenceEntry], int]:
    """As many differences as there is room for, and how many are left out."""
    kept: list[EventDifferenceEntry] = []
    room = _MAX_DIFFERENCES
    for difference in differences:
        entry: EventDifferenceEntry = {
            "path": difference["path"],
            "change": difference["change"],
            "desired": difference["desired"],
            "live": difference["live"],
            "sensitive": difference["sensitive"],
        }
        room -= len(json.dumps(entry))
        if room < 0:
            break
        kept.append(entry)
    return kept, len(differences) - len(kept)


def _moment(time: str) -> datetime:
    return datetime.fromisoformat(time)


def _seconds(since: str, until: str) -> int:
    """Whole seconds, none where a clock was put back meanwhile."""
    return max(int((_moment(until) - _moment(since)).total_seconds()), 0)
