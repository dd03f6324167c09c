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

from driftcheck.document import decided, listed
from driftcheck.model import CUT_SHORT, KIND_NAMES, NOT_LOOKED_FOR

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


_FORMAT = 3


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
    ``is_gone`` tells that it ended because a run no longer spoke of the definition. ``error`` is the latest;
    ``codes`` has the run that first met each code, as often as it became another. ``is_told`` is false of
    what the first run over a new place of its target found, until a later one tells it.
    """

    status: StatusName
    since: str
    until: str | None = None
    created_at: str | None = None
    differences: tuple[DifferenceEntry, ...] = ()
    error: ErrorEntry | None = None
    is_gone: bool = False
    codes: tuple[tuple[str, str], ...] = ()
    is_told: bool = True


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

    @property
    def standing(self) -> Episode | None:
        """The episode by which it is counted: of what it is known to be, else of not being readable.

        What was unmanaged and cannot be read is declared now: only that is asked for by name.
        """
        if not self.episodes:
            return None
        known, unread = self.lasting(), self.lasting(unreadable=True)
        return unread if unread and (known is None or known.status == "unmanaged") else known

    @property
    def known_status(self) -> StatusName:
        """``status``, but ``error`` for what was in sync or unmanaged and cannot be read now."""
        return episode.status if (episode := self.standing) else self.status


@dataclass(slots=True)
class Failure:
    """Reason why a target cannot be read whole, since when, and until when.

    ``changed`` is the run that first met this code. ``asked`` is the last run that met it, and
    ``asked_before`` the one before that. ``of_listing`` tells that definitions were read all the same.
    """

    error: ErrorEntry
    since: str
    changed: str
    asked: str
    asked_before: str = ""
    until: str | None = None
    of_listing: bool = False

    def is_over(self, kinds: frozenset[str], once: Iterable[str]) -> bool:
        """Tell whether a run without an error ends it: one that listed all kinds that were listed once."""
        return not self.of_listing or kinds.issuperset(once or KIND_NAMES)


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
    """One run: its times, its counts by status, and what was known of each target with it.

    ``counts`` are of what the run read. ``targets`` count each definition once, by ``Course.known_status``;
    ``unreadable`` are those of them that could not be read when last asked for. ``failures`` are the targets
    that could not be read whole, and why. ``unlisted`` are those of which it is not known what else exists.
    ``places`` are where each target was of which anything was read, ``moved`` where those were before that no
    longer are there.
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
    unreadable: dict[str, int] = field(default_factory=dict)

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
    now, which ``places`` tells; ``elsewhere`` has those of where it was before. ``failures`` are the last of
    each target, and ``listed`` the kinds that any run listed of it, where it is now.
    """

    runs: list[RunEntry] = field(default_factory=list)
    courses: dict[Key, Course] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    elsewhere: dict[tuple[str, Place], dict[Key, Course]] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)
    listed: dict[str, list[str]] = field(default_factory=dict)

    def add(self, document: Document) -> list[Change]:
        """Take over a run that started after all the others; the changes are in the order of their keys.

        What was read counts in every run. An error changes nothing about what is known of its definition, and
        neither does what was not read because the run was cut short, which is no error of the definition's.
        Where a target is for the first time, nothing has changed; what lasts there is the next run's to tell.
        """
        at, lists = document["started_at"], decided(document)
        places = places_read(document)
        moved = moves(self.places, places)
        new = {target for target in moved if not self._move(target, places[target])}
        for target in moved:
            self.failures.pop(target, None)
            self.listed.pop(target, None)
        self.places |= learned(self.places, places)
        self._note_failures(document, places)
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
            if key[1] in new:
                _advance_untold(key, course, resource, at)
            else:
                changes += _advance(key, course, resource, at)
        counts: dict[str, Counter[str]] = {target["name"]: Counter() for target in document["targets"]}
        counts |= {target: Counter() for _, target, _ in spoken_of}
        unreadable: Counter[str] = Counter()
        for key, course in self.courses.items():
            kind, target, _ = key
            # a document names all that is declared for its targets, whatever was read of it
            is_known = course.status != "unmanaged" or kind in lists.get(target, ())
            if course.is_there and key not in spoken_of and target in lists and is_known:
                changes += _leave(key, course, at)
            if course.is_there and target in counts:
                counts[target][course.known_status] += 1
                unreadable[target] += course.lasting(unreadable=True) is not None
        self.runs.append(_entry(document, counts, unreadable, places, moved))
        return sorted(changes, key=lambda change: (change.key, change.kind))

    def _move(self, target: str, place: Place) -> bool:
        """Put a target's courses aside, and take those of its place up again, if there are any.

        Where the account is not known, neither is whether the place is one of those before.
        """
        was = self.courses
        self.courses = {key: course for key, course in was.items() if key[1] != target}
        self.elsewhere[target, self.places[target]] = {
            key: course for key, course in was.items() if key[1] == target
        }
        former = self.elsewhere.pop((target, place), None) if None not in place else None
        self.courses |= former or {}
        return former is not None

    @property
    def last(self) -> str:
        """The start of the latest run, empty where there is none."""
        return self.runs[-1].started_at if self.runs else ""

    def _note_failures(self, document: Document, places: Mapping[str, Place]) -> None:
        """Note what keeps targets from being read whole, and what no longer does.

        To list nothing on purpose neither ends a failure nor begins one.
        """
        at, lists = document["started_at"], listed(document)
        for entry in document["targets"]:
            name, error, kinds = entry["name"], entry["error"], lists[entry["name"]]
            once = self.listed.get(name, [])
            error = error or _denied_lists(document, name, kinds, once)
            self.listed[name] = sorted(kinds.union(once))
            known = self.failures.get(name)
            lasting = known if known and known.until is None else None
            if error and error["code"] not in CUT_SHORT:
                is_same = lasting is not None and lasting.error["code"] == error["code"]
                self.failures[name] = Failure(
                    error,
                    lasting.since if lasting else at,
                    lasting.changed if lasting and is_same else at,
                    at,
                    lasting.asked if lasting else "",
                    of_listing=name in places,
                )
            elif lasting and not error and name in places and lasting.is_over(kinds, once):
                lasting.until = at


def _denied_lists(
    document: Document, target: str, kinds: frozenset[str], once: Iterable[str]
) -> ErrorEntry | None:
    """The error of a target of which kinds were listed once, and are refused now."""
    if kinds.issuperset(once):
        return None
    for warning in document["warnings"]:
        name, _, message = warning["message"].partition(": ")
        if warning["code"] == NOT_LOOKED_FOR and name == target:
            return {"code": NOT_LOOKED_FOR, "message": message}
    return None


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
    targets: Mapping[str, Counter[str]],
    unreadable: Mapping[str, int],
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
        sorted(name for name, kinds in decided(document).items() if not kinds.issuperset(KIND_NAMES)),
        places,
        moved,
        {name: count for name, count in unreadable.items() if count},
    )


def _advance_untold(key: Key, course: Course, resource: ResourceEntry, at: str) -> None:
    """Take over what the first run over a target's place says; a later one tells what then lasts of it."""
    for _ in _advance(key, course, resource, at):
        pass
    course.episodes = [
        replace(each, is_told=False) if each.since == at and each.until is None else each
        for each in course.episodes
    ]


def _advance(key: Key, course: Course, resource: ResourceEntry, at: str) -> Iterator[Change]:
    """What one run says of a definition."""
    status = resource["status"]
    course.is_there = True
    course.asked_before, course.asked = course.asked, at
    course.source = resource["source"]
    unreadable = course.lasting(unreadable=True)
    if status == "error":
        yield from _fail(key, course, unreadable, resource["error"], at)
        return
    course.seen = at
    course.arn, course.created_at = resource["arn"] or course.arn, resource["created_at"]
    if unreadable is not None:
        yield from _told(_end(ChangeKind.READABLE, key, course, unreadable, at))
    before = course.lasting()
    if status == "in_sync":
        if before is not None:
            yield from _told(_end(ChangeKind.REPAIRED, key, course, before, at))
        return
    now = Episode(status, at, None, resource["created_at"], tuple(resource["differences"]))
    if before is None:
        yield _begin(ChangeKind(status), key, course, now)
    elif before.status != status:
        _end(ChangeKind.REPAIRED, key, course, before, at)
        yield _begin(ChangeKind(status), key, course, now)
    elif _said(before.differences) != _said(now.differences):
        _end(ChangeKind.CHANGED, key, course, before, at)
        yield _begin(ChangeKind.CHANGED if before.is_told else ChangeKind(status), key, course, now)
    elif not before.is_told:
        now = replace(before, is_told=True)
        course.episodes[course.episodes.index(before)] = now
        yield Change(ChangeKind(status), key, now, course.arn, course.source)


def _fail(
    key: Key, course: Course, unreadable: Episode | None, error: ErrorEntry | None, at: str
) -> Iterator[Change]:
    """Begin an episode of not being readable, or give the one that lasts its latest error."""
    if unreadable is None:
        now = Episode("error", at, error=error, codes=_codes((), at, error))
        yield _begin(ChangeKind.UNREADABLE, key, course, now)
        return
    codes = _codes(unreadable.codes, at, error)
    now = replace(unreadable, error=error, codes=codes, is_told=True)
    course.episodes[course.episodes.index(unreadable)] = now
    if codes != unreadable.codes or not unreadable.is_told:
        yield Change(ChangeKind.UNREADABLE, key, now, course.arn, course.source)


def _codes(
    before: tuple[tuple[str, str], ...], at: str, error: ErrorEntry | None
) -> tuple[tuple[str, str], ...]:
    code = error["code"] if error else ""
    return before if before and before[-1][1] == code else (*before, (at, code))


def _leave(key: Key, course: Course, at: str) -> Iterator[Change]:
    """A definition that a run over its target no longer speaks of."""
    course.is_there = False
    change = None
    for unreadable in (True, False):
        if (episode := course.lasting(unreadable=unreadable)) is not None:
            kind = ChangeKind.REPAIRED if episode.status == "unmanaged" else ChangeKind.REMOVED
            change = _end(kind, key, course, episode, at, is_gone=True)
    if change is not None:
        yield from _told(change)


def _told(ended: Change) -> Iterator[Change]:
    """Give the end of an episode whose beginning was told: the end of another is no news."""
    if ended.episode.is_told:
        yield ended


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
            "failures": {target: asdict(failure) for target, failure in history.failures.items()},
            "listed": history.listed,
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
        {target: Failure(**failure) for target, failure in found["failures"].items()},
        {target: list(kinds) for target, kinds in found["listed"].items()},
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
    codes = tuple((at, code) for at, code in found["codes"])
    return Episode(**{**found, "differences": tuple(found["differences"]), "codes": codes})
