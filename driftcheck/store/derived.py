"""What is derived from the stored documents: their history, kept so that a night costs one document."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from driftcheck import __version__
from driftcheck.history import History, dumps, learned, loads, places_read
from driftcheck.places import UnfitError, read_twice
from driftcheck.store import Name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from driftcheck.document.entries import Document
    from driftcheck.history import Change, Course, Key, Place
    from driftcheck.store import Store

HISTORY = "derived/history.json"
_FORMAT = "2"
_NAMED_SINCE = ("1", _FORMAT)
"""The formats in which the runs have a line of their own."""
_DAMAGED = (ValueError, LookupError, TypeError, RecursionError)
_AHEAD = timedelta(minutes=10)
"""How far the clocks of two machines that keep runs in one store may be apart."""


_MOST_RUNS = 10
"""Documents that are read for the places of targets; one tells of all, where AWS named the accounts."""


@dataclass(slots=True)
class Derived:
    """The history of the runs that have these names, one for each of ``history.runs`` and in its order."""

    history: History = field(default_factory=History)
    names: list[Name] = field(default_factory=list)


def derive(
    store: Store,
    now: datetime,
    *,
    after: Name | None = None,
    each: Callable[[Name, Document, History, list[Change]], None] = lambda *_: None,
    anew: bool = False,
) -> Derived:
    """The history of all runs, from what is kept of it and the documents that are new.

    ``each`` is given the runs later than ``after``, or without it those that what is kept did not know, one
    after the other: the name, the document, the history up to it, and what it changed.
    A run that starts later than ``now`` is left out, and told: a clock was wrong. With ``anew``, nothing that
    is kept is used. Nothing is written: see ``keep``.

    Raises:
        PlaceError: the store cannot be read.
    """
    known = _kept(store)
    names = store.names()
    ahead = [name for name in names if name.started_at > now + _AHEAD]
    for name in ahead:
        store.tell(
            f"warning: {store.place}: the run {name} starts later than now and is left out: a clock was wrong"
        )
    names = names[: len(names) - len(ahead)]
    derived = Derived() if anew else _continued(known, names)
    if after is not None and derived.names and after < derived.names[-1]:
        derived = Derived()
    for name, document in store.documents(names[len(derived.names) :]):
        changes = derived.history.add(document)
        derived.names.append(name)
        if after is None or after < name:
            each(name, document, derived.history, changes)
    return derived


def last_places(store: Store, targets: Collection[str], now: datetime) -> dict[str, Place]:
    """Where the last runs up to ``now`` looked, for as many of these targets as they tell.

    Raises:
        PlaceError: the store cannot be read.
    """
    known: dict[str, Place] = {}
    runs: list[dict[str, Place]] = []
    names = [name for name in store.names() if name.started_at <= now + _AHEAD]
    for _, document in store.documents(reversed(names[-_MOST_RUNS:])):
        runs.insert(0, places_read(document))
        known = {}
        for places in runs:
            known = learned(known, places)
        if all(None not in known.get(target, (None,)) for target in targets):
            break
    return known


def keep(store: Store, derived: Derived) -> None:
    """Keep what was derived.

    Raises:
        PlaceError: it is not kept; the next run derives it again.
    """
    names = json.dumps([name.text for name in derived.names])
    body = f"{names}\n{dumps(derived.history)}\n".encode()
    head = {"format": _FORMAT, "made_by": _made_by(), "sha256": hashlib.sha256(body).hexdigest()}
    store.objects.put(HISTORY, json.dumps(head).encode() + b"\n" + body, kind="application/json")


def expect(store: Store) -> None:
    """Hold listings of a store to the runs that the kept history knows.

    Raises:
        PlaceError: the store cannot be read.
    """
    with suppress(UnfitError, *_DAMAGED):  # whoever derives tells of it
        if (content := store.objects.get(HISTORY)) is not None:
            store.known.update(_parts(content)[1])


def _kept(store: Store) -> Derived:
    """What is kept; the runs that it names are known to the store from now on."""

    def parse(content: bytes) -> Derived:
        made_by, names, history = _parts(content)
        store.known.update(names)
        return Derived(loads(history.decode()), names) if made_by == _made_by() else Derived()

    found = read_twice(store.objects, HISTORY, parse, f"{store.place}/")
    if isinstance(found, UnfitError):
        store.set_aside(HISTORY, found.reason)
    elif isinstance(found, Exception):
        store.tell(f"warning: {store.place}/{HISTORY} is damaged, and derived again: {found}")
    elif found is not None:
        return found
    return Derived()


def _parts(content: bytes) -> tuple[str, list[Name], bytes]:
    """By which version a history was made, the runs that it is of, and its text.

    Raises:
        ValueError, LookupError, TypeError, RecursionError: it is damaged.
    """
    head, _, body = content.partition(b"\n")
    about = json.loads(head)
    if about["format"] not in _NAMED_SINCE:
        return "another format", [], b""
    if hashlib.sha256(body).hexdigest() != about["sha256"]:
        raise ValueError("its digest is another")
    names, _, history = body.partition(b"\n")
    made_by = str(about["made_by"]) if about["format"] == _FORMAT else "another format"
    return made_by, [Name(str(text)) for text in json.loads(names)], history


def _continued(derived: Derived, names: list[Name]) -> Derived:
    """What is kept, of the runs that still are there; nothing, if it is not of their beginning."""
    gone = sum(1 for name in derived.names if not names or name < names[0])
    if gone:
        derived.names = derived.names[gone:]
        _forget(derived.history, gone)
    return derived if derived.names == names[: len(derived.names)] else Derived()


def _forget(history: History, count: int) -> None:
    """Leave the earliest runs out, and what was over before the first that is left.

    What still lasts keeps its beginning, though no run that is left knows of it.
    """
    del history.runs[:count]
    first = history.runs[0].started_at if history.runs else None
    _forget_courses(history.courses, first)
    for place, courses in [*history.elsewhere.items()]:
        _forget_courses(courses, first)
        if first is None or all(course.seen < first for course in courses.values()):
            del history.elsewhere[place]


def _forget_courses(courses: dict[Key, Course], first: str | None) -> None:
    for key, course in [*courses.items()]:
        since = course.out_of_sync_since
        course.episodes = [
            each
            for each in course.episodes
            if each.until is None
            or first is None
            or each.until > first
            or (since is not None and each.since >= since and each.status != "error")
        ]
        course.first = max(course.first, first or "")
        if first is None or not (course.is_there or course.episodes or course.seen >= first):
            del courses[key]


def _made_by() -> str:
    """What decides how documents are read: another version may tell other changes."""
    return f"driftcheck {__version__}"
