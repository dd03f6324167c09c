"""The store of runs: each run's result document under the time of its start, written once and never changed.

The documents are the only truth. ``derived/`` holds what is derived from them, and ``aside/`` what was found
among them and is none; ``docs/nightly.md`` has the layout.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from driftcheck.document import listed, loads
from driftcheck.errors import DriftcheckError
from driftcheck.objects import open_objects
from driftcheck.places import PlaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from driftcheck.document.entries import Document
    from driftcheck.objects import Objects
    from driftcheck.places import Prefix

RUNS, ASIDE = "runs/", "aside/"
_SUFFIX = ".json.gz"
_NAME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)(?:-([1-9]\d{0,5}))?")
_TIME = "%Y-%m-%dT%H-%M-%SZ"
_LARGEST = 1024 * 2**20
"""Bytes of a document; that of 100,000 definitions has some 40 MB."""


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
    """The runs that are kept in a place; ``tell`` is given each line about what was found wrong there."""

    objects: Objects
    place: str
    tell: Callable[[str], None]

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
                return name
        raise AssertionError("numbers do not end")

    def names(self) -> list[Name]:
        """The names of all runs, oldest first; what lies among them and is named otherwise is set aside.

        Raises:
            PlaceError: they cannot be listed.
        """
        found, foreign = [], []
        for key in self.objects.names(RUNS):
            name = _name(key)
            if name is None:
                foreign.append(key)
            else:
                found.append(name)
        for key in sorted(foreign):
            self._set_aside(key, "its name is not that of a run")
        return sorted(found)

    def read(self, name: Name) -> Document | None:
        """A run's document; None where it is gone, or is none and so was set aside.

        Raises:
            PlaceError: it cannot be read.
        """
        key = _key(name)
        content = self.objects.get(key)
        if content is None:
            return None
        try:
            document = loads(_unpacked(content), key)
        except (DriftcheckError, ValueError, zlib.error) as error:
            self._set_aside(key, str(error).removeprefix(f"{key}: error: "), content)
            return None
        if _written(document["started_at"]) != name.text[:20]:
            self._set_aside(key, f"it is of a run that started at {document['started_at']}", content)
            return None
        return document

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
        return len(old)

    def _set_aside(self, key: str, reason: str, content: bytes | None = None) -> None:
        """Move what is no run's document out of the runs' way, never over anything, and tell of it."""
        reason = reason[:300]
        try:
            content = self.objects.get(key) if content is None else content
            if content is None:
                return
            base = aside = ASIDE + key.removeprefix(RUNS)
            for number in count(2):
                if self.objects.put(aside, content, only_new=True):
                    break
                aside = f"{base}-{number}"
            self.objects.put(f"{aside}.txt", f"{reason}\n".encode(), only_new=True, kind="text/plain")
            self.objects.delete(key)
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
