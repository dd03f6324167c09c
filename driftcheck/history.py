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

from driftcheck.document import listed
from driftcheck.model import CUT_SHORT, KIND_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from driftcheck.document.entries import (
        DifferenceEntry,
        Document,
        ErrorEntry,
        ResourceEntry,
        SourceEntry,
        StatusName,
    )

Key: TypeAlias = tuple[str, str, str]
"""Kind, target and name of a definition."""

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
    not known what else exists.
    """

    started_at: str
    finished_at: str
    complete: bool
    interrupted: bool
    counts: dict[str, int]
    targets: dict[str, dict[str, int]]
    failures: dict[str, ErrorEntry] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)

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
    """All runs, in order, and the course of each definition that any of them spoke of."""

    runs: list[RunEntry] = field(default_factory=list)
    courses: dict[Key, Course] = field(default_factory=dict)

    def add(self, document: Document) -> list[Change]:
        """Take over a run that started after all the others; the changes are in the order of their keys.

        What was read counts in every run. An error changes nothing about what is known of its definition, and
        neither does what was not read because the run was cut short, which is no error of the definition's.
        """
        at, lists = document["started_at"], listed(document)
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
            changes += _advance(key, course, resource, at)
        for key, course in self.courses.items():
            kind, target, _ = key
            # a document names all that is declared for its targets, whatever was read of it
            is_known = course.status != "unmanaged" or kind in lists.get(target, ())
            if course.is_there and key not in spoken_of and target in lists and is_known:
                changes += _leave(key, course, at)
        self.runs.append(self._run(document))
        return sorted(changes, key=lambda change: (change.key, change.kind))

    @property
    def last(self) -> str:
        """The start of the latest run, empty where there is none."""
        return self.runs[-1].started_at if self.runs else ""

    def _run(self, document: Document) -> RunEntry:
        """Make the entry of a run that ``courses`` has; what is unmanaged is so until a list lacks it."""
        targets: dict[str, Counter[str]] = {target["name"]: Counter() for target in document["targets"]}
        for resource in document["resources"]:
            targets.setdefault(resource["target"], Counter())[resource["status"]] += 1
        unlisted = sorted(
            name for name, kinds in listed(document).items() if not kinds.issuperset(KIND_NAMES)
        )
        for name in unlisted:
            targets[name].pop("unmanaged", None)
        for (_, target, _), course in self.courses.items():
            if target in unlisted and course.is_there and course.status == "unmanaged":
                targets[target]["unmanaged"] += 1
        return _entry(document, targets, unlisted)


def _entry(document: Document, targets: dict[str, Counter[str]], unlisted: list[str]) -> RunEntry:
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
            "courses": [[*key, asdict(course)] for key, course in sorted(history.courses.items())],
        },
        separators=(",", ":"),
    )


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
        [RunEntry(**run) for run in found["runs"]],
        {
            (kind, target, name): Course(
                **{**course, "episodes": [_episode(each) for each in course["episodes"]]}
            )
            for kind, target, name, course in found["courses"]
        },
    )


def _episode(found: dict[str, Any]) -> Episode:
    return Episode(**{**found, "differences": tuple(found["differences"])})
