"""The store of runs: each run's result document under the time of its start, written once and never changed.

The documents are the only truth. ``derived/`` holds what is derived from them, ``aside/`` what was found
among them and is none, and ``store.json`` which store it is; ``docs/nightly.md`` has the layout.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from time import sleep
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from driftcheck.document import listed, loads
from driftcheck.errors import DriftcheckError
from driftcheck.objects import open_objects
from driftcheck.places import PAUSES, PlaceError, UnfitError, move_aside, read_twice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from driftcheck.document.entries import Document
    from driftcheck.objects import Objects
    from driftcheck.places import Prefix

Parsed = TypeVar("Parsed")

RUNS, ASIDE = "runs/", "aside/"
IDENTITY = "store.json"
SITE_MARK = "manifest.json"
"""What a dashboard has and no store."""
_SUFFIX = ".json.gz"
_NAME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)(?:-([1-9]\d{0,5}))?")
_TIME = "%Y-%m-%dT%H-%M-%SZ"
_LARGEST = 1024 * 2**20
"""Bytes of a document; that of 100,000 definitions has some 40 MB."""
_IDENTITY_FORMAT = "1"
_ID = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a stored run, as in ``2026-11-24T02-17-00Z``: its start, and which of those that share it.

    Names are in the order of the runs.
    """

    text: str

    @property
    def started_at(self) -> datetime:
        """When the run started, to the second, in UTC."""
        return datetime.strptime(self.text[:20], _TIME).replace(tzinfo=UTC)

    def __lt__(self, other: Name) -> bool:
        return self._order < other._order

    def __str__(self) -> str:
        return self.text

    @property
    def _order(self) -> tuple[str, int]:
        return self.text[:20], int(self.text[21:] or 1)


@dataclass(frozen=True, slots=True)
class Store:
    """The runs that are kept in a place; ``tell`` is given each line about what was found wrong there.

    ``known`` are runs that are there for all that is known, and ``added`` those that were kept through this
    very value: a listing has to name them.
    """

    objects: Objects
    place: str
    tell: Callable[[str], None]
    known: set[Name] = field(default_factory=set)
    added: set[Name] = field(default_factory=set)

    def exists(self) -> bool:
        """Tell whether there is a store: it has an identity, or a run; nothing is changed.

        Raises:
            PlaceError: it cannot be told.
            DriftcheckError: there is a dashboard.
        """
        if self.objects.exists(IDENTITY):
            return True
        if self.objects.exists(SITE_MARK):
            raise DriftcheckError(f"error: {self.place} is a dashboard, and no store of runs")
        return any(_name(key) for key in self.objects.names(RUNS))

    def hold_existing(self) -> None:
        """Refuse a place that is no store.

        Raises:
            DriftcheckError: it is none, or it cannot be told.
        """
        if not self.exists():
            raise DriftcheckError(f"error: {self.place} holds no runs, as driftcheck nightly keeps them")

    def identity(self) -> str | None:
        """Which store it is, None where it has no identity yet, as those that 0.1 made.

        Raises:
            PlaceError: it cannot be read.
        """
        found = self._twice(IDENTITY, _identity)
        if isinstance(found, str) or found is None:
            return found
        self.set_aside(IDENTITY, _reason(found))
        return None

    def identify(self, *, quiet: bool = False) -> str:
        """The identity, which is made, and told unless that is to be ``quiet``, where there is none.

        Raises:
            PlaceError: it is not kept, or cannot be read.
        """
        if (found := self.identity()) is not None:
            return found
        made = uuid4().hex
        content = f"{json.dumps({'format': _IDENTITY_FORMAT, 'id': made})}\n".encode()
        if self.objects.put(IDENTITY, content, only_new=True, kind="application/json"):
            if not quiet:
                self.tell(f"made {self.place} a store of runs: its identity is {made}")
            return made
        # another first run was faster
        if (found := self.identity()) is None:
            raise PlaceError(f"error: {self.place}/{IDENTITY} cannot be kept: try again")
        return found

    def add(self, document: Document) -> Name:
        """Keep a run's document, beside those of other runs that started in the same second.

        Raises:
            PlaceError: it is not kept.
        """
        content = packed(document)
        start = _written(document["started_at"])
        for number in count(1):
            name = Name(start if number == 1 else f"{start}-{number}")
            if self.objects.put(_key(name), content, only_new=True, kind="application/gzip"):
                self.added.add(name)
                return name
        raise AssertionError("numbers do not end")

    def names(self) -> list[Name]:
        """The names of all runs, oldest first; what lies among them and is named otherwise is set aside.

        Raises:
            PlaceError: they cannot be listed, or the listing lacks what is there.
        """
        for pause in (*PAUSES, None):
            keys = [*self.objects.names(RUNS)]
            found = {name for key in keys if (name := _name(key)) is not None}
            lost = self._lost(found)
            if lost is None:
                break
            if pause is None:
                raise PlaceError(f"error: {self.place}/{RUNS}: the listing lacks {lost}, which is there")
            sleep(pause)
        for key in sorted(keys):
            if _name(key) is None:
                self.set_aside(key, "its name is not that of a run")
        self.known.clear()
        self.known.update(found)
        return sorted(found)

    def _lost(self, found: set[Name]) -> Name | None:
        """The first run that a listing lacks, and that is there when it is asked for, or was just kept."""
        lacking = sorted((self.known | self.added) - found)
        return next((name for name in lacking if name in self.added or self.objects.exists(_key(name))), None)

    def read(self, name: Name) -> Document | None:
        """A run's document; None where it is gone, or is none and so was set aside.

        Raises:
            PlaceError: it cannot be read.
        """
        key = _key(name)

        def document(content: bytes) -> Document:
            found = loads(_unpacked(content), key)
            if _written(found["started_at"]) != name.text[:20]:
                raise ValueError(f"it is of a run that started at {found['started_at']}")
            return found

        found = self._twice(key, document)
        if not isinstance(found, Exception):
            return found
        self.set_aside(key, _reason(found).removeprefix(f"{key}: error: "))
        self._forget(name)
        return None

    def _forget(self, name: Name) -> None:
        self.known.discard(name)
        self.added.discard(name)

    def _twice(self, key: str, parse: Callable[[bytes], Parsed]) -> Parsed | Exception | None:
        return read_twice(self.objects, key, parse, f"{self.place}/")

    def documents(self, names: Iterable[Name]) -> Iterator[tuple[Name, Document]]:
        """The documents of some runs, one at a time, without those that ``read`` does not give.

        Raises:
            PlaceError: one cannot be read.
        """
        for name in names:
            if (document := self.read(name)) is not None:
                yield name, document

    def prune(self, keep: timedelta, run: Document) -> int:
        """Delete the runs that started longer than ``keep`` before this one; gives how many.

        None is deleted after a run to which AWS gave no answer: it takes no signature whose time is wrong by
        more than five minutes, so that no clock which jumped ahead makes the runs of years look old.

        Raises:
            PlaceError: one cannot be deleted.
        """
        is_answered = run["summary"]["read"] or any(listed(run).values())
        if not is_answered or all(target["error"] is not None for target in run["targets"]):
            return 0
        first = datetime.fromisoformat(run["started_at"]) - keep
        old = [name for name in self.names() if name.started_at < first]
        for name in old:
            self.objects.delete(_key(name))
            self._forget(name)
        return len(old)

    def set_aside(self, key: str, reason: str) -> None:
        """Move what is none of the store's out of the way, unread, never over anything, and tell of it."""
        reason = reason[:300]
        try:
            aside = move_aside(self.objects, key, ASIDE + key.removeprefix(RUNS))
            if aside is None:
                return
            self.objects.put(f"{aside}.txt", f"{reason}\n".encode(), only_new=True, kind="text/plain")
        except PlaceError as error:
            self.tell(f"warning: {self.place}/{key} is left out: {reason}")
            for line in error.lines:
                self.tell(line.replace("error:", "warning: it cannot be set aside:", 1))
        else:
            self.tell(f"warning: {self.place}/{key} was set aside as {aside}: {reason}")


def open_store(place: Path | Prefix, tell: Callable[[str], None], *, timeout: float = 60.0) -> Store:
    """The store at a place, which need not exist yet; an S3 call takes ``timeout`` seconds at most.

    Raises:
        PlaceError: S3 cannot be called at all.
    """
    return Store(open_objects(place, timeout=timeout), str(place), tell)


def _reason(fault: Exception) -> str:
    return fault.reason if isinstance(fault, UnfitError) else str(fault)


def _identity(content: bytes) -> str:
    found = json.loads(content)
    if found["format"] != _IDENTITY_FORMAT or not _ID.fullmatch(found["id"]):
        raise ValueError("it is no identity of a store")
    return str(found["id"])


def packed(document: Document) -> bytes:
    """A document as it is stored: equal documents are equal bytes."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return gzip.compress(text.encode("utf-8", "replace"), mtime=0)


def _unpacked(content: bytes) -> bytes:
    """Undo gzip, up to what any document may have.

    Raises:
        ValueError, zlib.error: it is damaged, or larger.
    """
    decompressor = zlib.decompressobj(wbits=31)
    found = decompressor.decompress(content, _LARGEST)
    if not decompressor.eof:
        raise ValueError("it is damaged: its end is missing, or it is larger than any document")
    if decompressor.unused_data:
        raise ValueError("it is damaged: something follows its end")
    return found


def _written(started_at: str) -> str:
    """A time of a document as names have it: some file systems take no colon."""
    return started_at.replace(":", "-")


def _key(name: Name) -> str:
    return f"{RUNS}{name.text}{_SUFFIX}"


def _name(key: str) -> Name | None:
    text = key.removeprefix(RUNS).removesuffix(_SUFFIX)
    if not key.endswith(_SUFFIX) or not _NAME.fullmatch(text):
        return None
    name = Name(text)
    try:
        name.started_at  # noqa: B018 - a day or an hour that there is none of
    except ValueError:
        return None
    return name
