"""Where things are kept between runs: a folder, or a bucket of S3 and what its keys begin with."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Protocol, TypeVar

from driftcheck.errors import DriftcheckError

if TYPE_CHECKING:
    from collections.abc import Callable

_PLACE = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[A-Za-z0-9!_.'()=+@:,-]+)*)/?")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_LONGEST_PREFIX = 700
"""S3 takes keys of 1,024 bytes; a file's name has at most 255 of them."""
PAUSES = (1.0, 3.0)
"""Seconds before what cannot be right is read once more: S3, or what stands before it, may just be wrong."""
_DAMAGED = (DriftcheckError, ValueError, LookupError, TypeError, AttributeError, RecursionError, zlib.error)

Parsed = TypeVar("Parsed")


class PlaceError(DriftcheckError):
    """What is kept somewhere could not be read or written."""


class UnfitError(PlaceError):
    """What is kept under a name is nothing that could be read: no regular file, or too large."""

    def __init__(self, place: object, reason: str) -> None:
        """``reason`` is a sentence about what is at ``place``."""
        super().__init__(f"error: {place}: {reason}")
        self.reason = reason


class LockedError(PlaceError):
    """Somebody else holds the lock of a place."""

    def __init__(self, place: object, owner: str) -> None:
        """``owner`` is a line about who does."""
        super().__init__(
            f"error: {place} is in use by another run ({owner or 'unknown'}): try again when that has ended"
        )


@dataclass(frozen=True, slots=True)
class Prefix:
    """A place on S3: a bucket, and what keys begin with, which is empty or ends with a slash.

    ``sse`` is how what is put there is encrypted, as arguments of PutObject; none leaves it to the bucket.
    """

    bucket: str
    prefix: str
    sse: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def key(self, name: str) -> str:
        """The key of the object that a file of this name is."""
        return self.prefix + name


def is_url(text: str) -> bool:
    """Tell whether a text is a URL, of whatever kind, and so names no folder."""
    return bool(_URL.match(text))


def place(text: str) -> Path | Prefix:
    """The place that a text names: a folder, or ``s3://bucket/prefix``.

    Raises:
        ValueError: it is a URL, and not such a one.
    """
    if not is_url(text):
        return Path(text)
    found = _PLACE.fullmatch(text)
    steps = found[2].split("/")[1:] if found else []
    if found is None or {".", ".."} & {*steps} or ".." in found[1] or len(found[2]) > _LONGEST_PREFIX:
        raise ValueError(f"`{text}` is no place: write a folder, or s3://bucket/prefix")
    return Prefix(found[1], "".join(f"{step}/" for step in steps))


def encrypted(place: Path | Prefix, sse: tuple[tuple[str, str], ...]) -> Path | Prefix:
    """The same place, with what is put there encrypted so if it is on S3."""
    return replace(place, sse=sse) if isinstance(place, Prefix) else place


class MovableObjects(Protocol):
    """What is kept under names, as ``driftcheck.objects`` does it."""

    def get(self, name: str) -> bytes | None:
        """The content under a name, None where there is none."""

    def exists(self, name: str) -> bool:
        """Tell whether anything is kept under a name, without reading it."""

    def move(self, name: str, to: str) -> bool | None:
        """Give what is kept under a name another, if that is free; None where nothing is kept."""


def read_twice(
    kept: MovableObjects, name: str, parse: Callable[[bytes], Parsed], place: str = ""
) -> Parsed | Exception | None:
    """Parse what is kept under a name, None where nothing is; an exception where that fails twice.

    Nothing is deleted, set aside or replaced for what was read once. ``place`` is what the name is under.

    Raises:
        PlaceError: it cannot be read.
    """
    for pause in (PAUSES[0], 0.0):
        is_hidden = False
        fault: Exception
        try:
            if (content := kept.get(name)) is not None:
                return parse(content)
            if not kept.exists(name):
                return None
            is_hidden = True
            fault = PlaceError(f"error: {place}{name} is there, and cannot be read")
        except UnfitError as error:
            fault = error
        except PlaceError:
            raise
        except _DAMAGED as error:
            fault = error
        if pause:
            sleep(pause)
    if is_hidden:
        raise fault
    return fault


def move_aside(kept: MovableObjects, name: str, aside: str) -> str | None:
    """Move what is kept under a name, unread, never over anything; its new name, None where nothing is kept.

    Raises:
        PlaceError: it may still have its old name.
    """
    to = aside
    for number in count(2):
        is_moved = kept.move(name, to)
        if is_moved is None:
            return None
        if is_moved:
            break
        to = f"{aside}-{number}"
    return to
