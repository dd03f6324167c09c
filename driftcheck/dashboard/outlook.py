"""What the front page says: how things stand, since when, how it came to that, whether the check lives."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, TypeAlias

from driftcheck.dashboard.times import moment, seconds_between
from driftcheck.history import ChangeKind, learned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from driftcheck.document.entries import ErrorEntry, StatusName
    from driftcheck.history import Course, Episode, History, Key, Place, RunEntry

Span: TypeAlias = "tuple[str, str | None, StatusName]"
"""A time out of sync: since, until (None while it lasts), and the status."""

OUT_OF_SYNC: tuple[StatusName, ...] = ("drifted", "missing", "error", "unmanaged")

_NIGHTLY = timedelta(days=1)
_RECENT_GAPS = 14
_LEAST_SLACK = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Run:
    """A run and the name of its document in the store."""

    name: str
    entry: RunEntry


@dataclass(frozen=True, slots=True)
class Standing:
    """How one definition stands: out of sync as it was last read, ``error`` where it is not known to be so.

    ``since`` is that status's beginning, or for what is out of sync the beginning of that, however it changed
    meanwhile; None for what is in sync. ``unread`` is the time in which it cannot be read, while that lasts.
    """

    key: Key
    status: StatusName
    since: str | None
    episode: Episode | None
    unread: Episode | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """What became of a definition with the run that started at ``at``."""

    at: str
    kind: ChangeKind
    key: Key
    episode: Episode


@dataclass(frozen=True, slots=True)
class Point:
    """The counts by status of all targets as they were known with a run."""

    run: Run
    counts: Mapping[str, int]

    @property
    def out_of_sync(self) -> int:
        """How many definitions were not in sync, or could not be read."""
        return sum(self.counts[status] for status in OUT_OF_SYNC)


@dataclass(frozen=True, slots=True)
class Day:
    """One day (UTC) with its runs and the last one that was not cut short, None where there was none."""

    date: date
    point: Point | None
    runs: Sequence[Run]

    @property
    def run(self) -> Run | None:
        """The run that tells of the day best."""
        return self.point.run if self.point else self.runs[-1] if self.runs else None


@dataclass(frozen=True, slots=True)
class TargetStanding:
    """One target: its counts now, and why the last run over it could not read it whole.

    ``is_listed``: that run knew everything that exists there. ``moved`` is the last run that found it in
    another place than those before, and where it was until then.
    """

    name: str
    counts: Mapping[str, int]
    failure: ErrorEntry | None
    is_listed: bool
    place: Place = (None, None)
    moved: tuple[Run, Place] | None = None


@dataclass(frozen=True, slots=True)
class Recurrence:
    """How often a definition was out of sync, for how many seconds in all until the last run, and when."""

    key: Key
    times: int
    seconds: float
    spans: Sequence[Span]


def runs_of(history: History, names: Sequence[str]) -> list[Run]:
    """The runs with their documents' names, which stand in the same order."""
    return [Run(name, entry) for name, entry in zip(names, history.runs, strict=True)]


def standings(history: History) -> list[Standing]:
    """The definitions that are there: what is out of sync first, the longest at the top, then by name."""
    found = [_standing(key, course) for key, course in history.courses.items() if course.is_there]
    return sorted(found, key=lambda each: (each.since is None, each.since or "", each.key[1:], each.key[0]))


def _standing(key: Key, course: Course) -> Standing:
    unread = course.lasting(unreadable=True)
    if unread is not None and course.standing == unread:
        return Standing(key, "error", unread.since, unread, unread)
    return Standing(key, course.status, course.out_of_sync_since, course.lasting(), unread)


def points(runs: Sequence[Run]) -> list[Point]:
    """The runs that were not cut short; a target that one did not look at has its former counts."""
    known: dict[str, Mapping[str, int]] = {}
    made = []
    for run in runs:
        if not run.entry.interrupted:
            known |= run.entry.targets
            made.append(Point(run, sum(map(Counter, known.values()), Counter[str]())))
    return made


def targets(runs: Sequence[Run], found: Sequence[Standing]) -> list[TargetStanding]:
    """All targets that anything is known of, by name."""
    counts: dict[str, Counter[str]] = {}
    failures: dict[str, ErrorEntry | None] = {}
    listed: dict[str, bool] = {}
    places: dict[str, Place] = {}
    moved: dict[str, tuple[Run, Place]] = {}
    for run in runs:
        listed |= {name: name not in run.entry.unlisted for name in run.entry.targets}
        places = learned(places, run.entry.places)
        moved |= {name: (run, before) for name, before in run.entry.moved.items()}
        if not run.entry.interrupted:
            failures |= {name: run.entry.failures.get(name) for name in run.entry.targets}
    for each in found:
        counts.setdefault(each.key[1], Counter())[each.status] += 1
    return [
        TargetStanding(
            name,
            counts.get(name, Counter()),
            failures.get(name),
            listed.get(name, False),
            places.get(name, (None, None)),
            moved.get(name),
        )
        for name in sorted(counts.keys() | {name for name, failure in failures.items() if failure})
    ]


def days(runs: Sequence[Run], made: Sequence[Point]) -> list[Day]:
    """Every day from that of the first run to that of the last."""
    ran: dict[date, list[Run]] = {}
    for run in runs:
        if (at := moment(run.entry.started_at)) is not None:
            ran.setdefault(at.date(), []).append(run)
    if not ran:
        return []
    last = {at.date(): point for point in made if (at := moment(point.run.entry.started_at)) is not None}
    first = min(ran)
    every = (first + timedelta(days=number) for number in range((max(ran) - first).days + 1))
    return [Day(day, last.get(day), ran.get(day, [])) for day in every]


def due(runs: Sequence[Run], every: timedelta | None = None) -> tuple[timedelta, datetime | None]:
    """How often complete runs are expected, and when the next one is overdue.

    That is ``every`` where the operator says so, else the median of the last gaps between them, else a day;
    a quarter of it, and no less than 15 minutes, may pass before one is overdue.
    """
    complete = (run.entry.started_at for run in runs if run.entry.complete)
    starts = [at for start in complete if (at := moment(start)) is not None]
    gaps = [later - earlier for earlier, later in pairwise(starts) if later > earlier][-_RECENT_GAPS:]
    expected = every or (timedelta(seconds=median(gap.total_seconds() for gap in gaps)) if gaps else _NIGHTLY)
    return expected, starts[-1] + expected + max(expected / 4, _LEAST_SLACK) if starts else None


def events(courses: Mapping[Key, Course]) -> Iterator[Event]:
    """Everything that became of these definitions, in no order between them."""
    for key, course in courses.items():
        yield from _events(key, course)


def _events(key: Key, course: Course) -> Iterator[Event]:
    before: Episode | None = None
    drifts = [episode for episode in course.episodes if episode.status != "error"]
    starts = {episode.since for episode in drifts}
    for episode in drifts:
        follows = before is not None and before.until == episode.since and before.status == episode.status
        yield Event(
            episode.since, ChangeKind.CHANGED if follows else ChangeKind(episode.status), key, episode
        )
        if episode.until is not None and episode.until not in starts:
            removed = episode.is_gone and episode.status != "unmanaged"
            kind = ChangeKind.REMOVED if removed else ChangeKind.REPAIRED
            yield Event(episode.until, kind, key, episode)
        before = episode
    for episode in course.episodes:
        if episode.status == "error":
            for at, code in episode.codes:
                told = replace(episode, error={"code": code, "message": ""})
                yield Event(at, ChangeKind.UNREADABLE, key, told)
            if episode.until is not None and not episode.is_gone:
                yield Event(episode.until, ChangeKind.READABLE, key, episode)


def recurrences(history: History) -> list[Recurrence]:
    """The definitions that were ever out of sync, the most often and then the longest first."""
    found = [
        _recurrence(key, course, history.last)
        for key, course in history.courses.items()
        if any(episode.status != "error" for episode in course.episodes)
    ]
    return sorted(found, key=lambda each: (-each.times, -each.seconds, each.key))


def _recurrence(key: Key, course: Course, last: str) -> Recurrence:
    told = [episode for episode in course.episodes if episode.status != "error"]
    ends = {episode.until for episode in told}
    times = sum(episode.since not in ends for episode in told)
    return Recurrence(
        key,
        times,
        sum(seconds_between(episode.since, episode.until or last) or 0.0 for episode in told),
        [(episode.since, episode.until, episode.status) for episode in course.episodes],
    )
