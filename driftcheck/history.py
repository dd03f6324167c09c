"""What runs tell together: since when each definition is as it is, and what changed with each run.

Result documents go in one after the other, in the order of their start times; nothing here does I/O or reads
a clock. All of it can be derived from the documents again.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from driftcheck.document import decided
from driftcheck.model import CUT_SHORT, KIND_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from driftcheck.document.entries import (
        DifferenceEntry,
        Document,
        ErrorEntry,
        ResourceEntry,
        SourceEntry,
        StatusName,
        TargetEntry,
    )

Key: TypeAlias = tuple[str, str, str]
"""Kind, target and name of a definition."""

Place: TypeAlias = "tuple[str | None, str | None]"
"""Account and region of a target; None for what is not known."""

_FORMAT = 2


class ChangeKind(StrEnum):
    """What became of a definition between two runs."""

    DRIFTED = "drifted"
    CHANGED = "changed"
    """It had drifted, and now differs otherwise."""
    MISSING = "missing"
    UNMANAGED = "unmanaged"
    REPAIRED = "repaired"
    """It had drifted, was missing or unmanaged, and is in sync, or what no file declared is gone."""
    REMOVED = "removed"
    """It had drifted, was missing or could not be read, and no file declares it any more."""
    UNREADABLE = "unreadable"
    READABLE = "readable"


@dataclass(frozen=True, slots=True)
class Episode:
    """A time in which a definition was not in sync, or could not be read (``status`` is ``error``).

    Times are those of result documents. ``since`` is the start of the first run that found it so, ``until``
    that of the first that did not, None while it lasts. ``created_at`` is the live ``CreationTime`` that the
    first run saw: of what drifted it is the moment of the change, for a definition cannot be updated.
    ``is_gone`` tells that it ended because a run no longer spoke of the definition.
    """

    status: StatusName
    since: str
    until: str | None = None
    created_at: str | None = None
    differences: tuple[DifferenceEntry, ...] = ()
    error: ErrorEntry | None = None
    is_gone: bool = False


@dataclass(slots=True)
class Course:
    """What became of one definition.

    ``episodes`` are in the order of their beginnings; at most two of them last: one of what it is, and one of
    not being readable, which leaves the other as it was. ``is_there`` is false once a run no longer spoke of
    it; ``seen`` is the run that did so last with a trustworthy answer. ``asked`` is the last run that got any
    answer or error, and ``asked_before`` the one before it; empty where there is none.
    """

    first: str
    seen: str
    asked: str = ""
    asked_before: str = ""
    arn: str | None = None
    created_at: str | None = None
    source: SourceEntry | None = None
    is_there: bool = True
    episodes: list[Episode] = field(default_factory=list)

    def lasting(self, *, unreadable: bool = False) -> Episode | None:
        """The episode that lasts: of what it is, or of not being readable."""
        for episode in reversed(self.episodes):
            if episode.until is None and (episode.status == "error") is unreadable:
                return episode
        return None

    @property
    def out_of_sync_since(self) -> str | None:
        """Since when it has not been in sync, however often it changed meanwhile; None where it is."""
        return self.out_of_sync_before(None)

    def out_of_sync_before(self, until: str | None) -> str | None:
        """Since when it had not been in sync when an episode ended at ``until``; None where none did so."""
        since = until
        for episode in reversed(self.episodes):
            if episode.status != "error" and episode.until == since:
                since = episode.since
        return None if since == until else since

    @property
    def status(self) -> StatusName:
        """What the last trustworthy answer said, ``error`` where there never was one."""
        if (lasting := self.lasting()) is not None:
            return lasting.status
        return "in_sync" if self.seen else "error"


@dataclass(frozen=True, slots=True)
class Change:
    """What a run found otherwise than those before it; ``episode`` is the one that began or ended."""

    kind: ChangeKind
    key: Key
    episode: Episode
    arn: str | None
    source: SourceEntry | None


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One run: its times, its counts by status, and those by target.

    ``failures`` are the targets that could not be read whole, and why. ``unlisted`` are those of which it is
    not known what else exists. ``places`` are where each target was of which anything was read, and ``moved``
    where those were before that no longer are there.
    """

    started_at: str
    finished_at: str
    complete: bool
    interrupted: bool
    counts: dict[str, int]
    targets: dict[str, dict[str, int]]
    failures: dict[str, ErrorEntry] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    moved: dict[str, Place] = field(default_factory=dict)

    @property
    def declared(self) -> int:
        """How many definitions were declared."""
        return sum(self.counts.values()) - self.counts["unmanaged"]

    @property
    def read(self) -> int:
        """How many of these were read: ``missing`` is an answer."""
        return self.declared - self.counts["error"]


@dataclass(slots=True)
class History:
    """All runs, in order, and the course of each definition that any of them spoke of.

    A course belongs to the account and region of its target. ``courses`` are those of where each target is
    now, which ``places`` tells; ``elsewhere`` has those of where it was before.
    """

    runs: list[RunEntry] = field(default_factory=list)
    courses: dict[Key, Course] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    elsewhere: dict[tuple[str, Place], dict[Key, Course]] = field(default_factory=dict)

    def add(self, document: Document) -> list[Change]:
        """Take over a run that started after all the others; the changes are in the order of their keys.

        What was read counts in every run. An error changes nothing about what is known of its definition, and
        neither does what was not read because the run was cut short, which is no error of the definition's.
        Where a target is for the first time, nothing has changed.
        """
        at, lists = document["started_at"], decided(document)
        places = places_read(document)
        moved = moves(self.places, places)
        new = {target for target in moved if not self._move(target, places[target])}
        self.places |= learned(self.places, places)
        changes: list[Change] = []
        spoken_of = set()
        for resource in document["resources"]:
            key = resource["kind"], resource["target"], resource["name"]
            spoken_of.add(key)
            if resource["error"] and resource["error"]["code"] in CUT_SHORT:
                continue
            course = self.courses.get(key)
            if course is None:
                seen = "" if resource["status"] == "error" else at
                course = self.courses[key] = Course(at, seen)
            advanced = [*_advance(key, course, resource, at)]
            changes += advanced if key[1] not in new else ()
        for key, course in self.courses.items():
            kind, target, _ = key
            # a document names all that is declared for its targets, whatever was read of it
            is_known = course.status != "unmanaged" or kind in lists.get(target, ())
            if course.is_there and key not in spoken_of and target in lists and is_known:
                changes += _leave(key, course, at)
        self.runs.append(self._run(document, places, moved))
        return sorted(changes, key=lambda change: (change.key, change.kind))

    def _move(self, target: str, place: Place) -> bool:
        """Put a target's courses aside, and take those of its place up again, if there are any."""
        was = self.courses
        self.courses = {key: course for key, course in was.items() if key[1] != target}
        self.elsewhere[target, self.places[target]] = {
            key: course for key, course in was.items() if key[1] == target
        }
        known = [each for each in self.elsewhere if each[0] == target and not is_move(each[1], place)]
        if known:
            self.courses |= self.elsewhere.pop(known[-1])
        return bool(known)

    @property
    def last(self) -> str:
        """The start of the latest run, empty where there is none."""
        return self.runs[-1].started_at if self.runs else ""

    def _run(self, document: Document, places: dict[str, Place], moved: dict[str, Place]) -> RunEntry:
        """Make the entry of a run that ``courses`` has; what is unmanaged is so until a list lacks it."""
        targets: dict[str, Counter[str]] = {target["name"]: Counter() for target in document["targets"]}
        for resource in document["resources"]:
            targets.setdefault(resource["target"], Counter())[resource["status"]] += 1
        unlisted = sorted(
            name for name, kinds in decided(document).items() if not kinds.issuperset(KIND_NAMES)
        )
        for name in unlisted:
            targets[name].pop("unmanaged", None)
        for (_, target, _), course in self.courses.items():
            if target in unlisted and course.is_there and course.status == "unmanaged":
                targets[target]["unmanaged"] += 1
        return _entry(document, targets, unlisted, places, moved)


def is_move(before: Place, now: Place) -> bool:
    """Tell whether two places differ in what is known of both."""
    return any(a is not None and b is not None and a != b for a, b in zip(before, now, strict=True))


def place_of(target: TargetEntry) -> Place:
    """Give the place of a document's target."""
    return target["account"], target["region"]


def places_read(document: Document) -> dict[str, Place]:
    """Give the places of the targets of which a run read anything."""
    unread = {resource["target"] for resource in document["resources"]}
    unread |= {target["name"] for target in document["targets"] if target["error"] is not None}
    read = {resource["target"] for resource in document["resources"] if resource["status"] != "error"}
    return {
        target["name"]: place_of(target)
        for target in document["targets"]
        if target["name"] in read or target["name"] not in unread
    }


def moves(known: Mapping[str, Place], places: Mapping[str, Place]) -> dict[str, Place]:
    """Give the targets that are no longer where they are known to have been, and where that was."""
    return {
        target: known[target]
        for target, place in places.items()
        if target in known and is_move(known[target], place)
    }


def learned(known: Mapping[str, Place], places: Mapping[str, Place]) -> dict[str, Place]:
    """Add to what is known of places what a run knows; what it does not know stays, but for a move."""
    found = dict(known)
    for target, (account, region) in places.items():
        before = known.get(target, (None, None))
        if is_move(before, (account, region)):
            found[target] = account, region
        else:
            found[target] = account or before[0], region or before[1]
    return found


def _entry(
    document: Document,
    targets: dict[str, Counter[str]],
    unlisted: list[str],
    places: dict[str, Place],
    moved: dict[str, Place],
) -> RunEntry:
    summary = document["summary"]
    return RunEntry(
        document["started_at"],
        document["finished_at"],
        document["complete"],
        document["interrupted"],
        {
            "in_sync": summary["in_sync"],
            "drifted": summary["drifted"],
            "missing": summary["missing"],
            "unmanaged": summary["unmanaged"],
            "error": summary["error"],
        },
        {name: dict(counts) for name, counts in targets.items()},
        {target["name"]: target["error"] for target in document["targets"] if target["error"] is not None},
        unlisted,
        places,
        moved,
    )


def _advance(key: Key, course: Course, resource: ResourceEntry, at: str) -> Iterator[Change]:
    """What one run says of a definition."""
    status = resource["status"]
    course.is_there = True
    course.asked_before, course.asked = course.asked, at
    course.source = resource["source"]
    unreadable = course.lasting(unreadable=True)
    if status == "error":
        if unreadable is None:
            yield _begin(ChangeKind.UNREADABLE, key, course, Episode("error", at, error=resource["error"]))
        return
    course.seen = at
    course.arn, course.created_at = resource["arn"] or course.arn, resource["created_at"]
    if unreadable is not None:
        yield _end(ChangeKind.READABLE, key, course, unreadable, at)
    before = course.lasting()
    if status == "in_sync":
        if before is not None:
            yield _end(ChangeKind.REPAIRED, key, course, before, at)
        return
    now = Episode(status, at, None, resource["created_at"], tuple(resource["differences"]))
    if before is None:
        yield _begin(ChangeKind(status), key, course, now)
    elif before.status != status:
        _end(ChangeKind.REPAIRED, key, course, before, at)
        yield _begin(ChangeKind(status), key, course, now)
    elif _said(before.differences) != _said(now.differences):
        _end(ChangeKind.CHANGED, key, course, before, at)
        yield _begin(ChangeKind.CHANGED, key, course, now)


def _leave(key: Key, course: Course, at: str) -> Iterator[Change]:
    """A definition that a run over its target no longer speaks of."""
    course.is_there = False
    change = None
    for unreadable in (True, False):
        if (episode := course.lasting(unreadable=unreadable)) is not None:
            kind = ChangeKind.REPAIRED if episode.status == "unmanaged" else ChangeKind.REMOVED
            change = _end(kind, key, course, episode, at, is_gone=True)
    if change is not None:
        yield change


def _begin(kind: ChangeKind, key: Key, course: Course, episode: Episode) -> Change:
    course.episodes.append(episode)
    return Change(kind, key, episode, course.arn, course.source)


def _end(
    kind: ChangeKind, key: Key, course: Course, episode: Episode, at: str, *, is_gone: bool = False
) -> Change:
    ended = replace(episode, until=at, is_gone=is_gone)
    course.episodes[course.episodes.index(episode)] = ended
    return Change(kind, key, ended, course.arn, course.source)


def _said(differences: Iterable[DifferenceEntry]) -> list[str]:
    """What differences say, without where it stands in a file: a line that moves changes nothing."""
    return [
        json.dumps([each["path"], each["change"], each["desired"], each["live"], each["sensitive"]])
        for each in differences
    ]


def dumps(history: History) -> str:
    """A history as text, for what is derived to be kept."""
    return json.dumps(
        {
            "format": _FORMAT,
            "runs": [asdict(run) for run in history.runs],
            "courses": _listed(history.courses),
            "places": history.places,
            "elsewhere": [
                [target, place, _listed(courses)] for (target, place), courses in history.elsewhere.items()
            ],
        },
        separators=(",", ":"),
    )


def _listed(courses: Mapping[Key, Course]) -> list[list[Any]]:
    return [[*key, asdict(course)] for key, course in sorted(courses.items())]


def loads(text: str) -> History:
    """A history from its text.

    Raises:
        ValueError: it is damaged, or of another version: derive it again.
    """
    try:
        return _history(json.loads(text))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no history: {error}") from None


def _history(found: dict[str, Any]) -> History:
    if found["format"] != _FORMAT:
        raise ValueError("another version")
    return History(
        [
            RunEntry(**{**run, "places": _places(run["places"]), "moved": _places(run["moved"])})
            for run in found["runs"]
        ],
        _courses(found["courses"]),
        _places(found["places"]),
        {(target, _place(place)): _courses(courses) for target, place, courses in found["elsewhere"]},
    )


def _courses(found: list[list[Any]]) -> dict[Key, Course]:
    return {
        (kind, target, name): Course(**{**course, "episodes": [*map(_episode, course["episodes"])]})
        for kind, target, name, course in found
    }


def _places(found: dict[str, list[str | None]]) -> dict[str, Place]:
    return {target: _place(place) for target, place in found.items()}


def _place(found: list[str | None]) -> Place:
    account, region = found
    return account, region


def _episode(found: dict[str, Any]) -> Episode:
    return Episode(**{**found, "differences": tuple(found["differences"])})
