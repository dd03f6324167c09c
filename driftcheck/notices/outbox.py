"""What is still to be sent, kept in the store: no kill loses a notice, and none is sent twice unknowingly.

``notices/RUN.json`` is a notice, written once; ``notices/RUN.CHANNEL.json`` says which parts of it a channel
has not been given yet. A part is marked before it is sent, and forgotten once the channel has taken it. A run
that is killed in between leaves the mark: nobody can know then whether the part was taken, so the next run
sends it again and says in it that it may be a repetition. ``notices/told.json`` names the runs whose notices
were written: what is derived from the store again tells nothing twice, and a clock that jumped hides nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

from driftcheck.notices import FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from driftcheck.notices.entries import Notice

FOLDER, ASIDE = "notices/", "aside/"
_TOLD = FOLDER + "told.json"
_SUFFIX, _JSON = ".json", "application/json"


class Keep(Protocol):
    """Where it is kept: the objects of the store."""

    def get(self, name: str) -> bytes | None:
        """The content under a name, None where there is none."""

    def put(self, name: str, content: bytes, *, only_new: bool = False, kind: str = "") -> bool:
        """Keep a content under a name; with ``only_new``, what is there stays."""

    def names(self, start: str = "") -> Iterator[str]:
        """The names that begin so."""

    def delete(self, name: str) -> None:
        """Take away what is kept under a name, if anything is."""


class DamagedError(Exception):
    """A notice that was kept cannot be read any more; one line says which."""


@dataclass(slots=True)
class Waiting:
    """Which parts of a notice a channel has not taken: those never sent, and those that it may have got."""

    pending: list[int] = field(default_factory=list)
    doubtful: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.pending or self.doubtful)


@dataclass(frozen=True, slots=True)
class Outbox:
    """The notices that are kept; for a run that holds the store's lock."""

    keep: Keep

    def told(self) -> set[str] | None:
        """The names of the runs whose notices were put here, None where none ever was."""
        content = self.keep.get(_TOLD)
        try:
            return None if content is None else {str(each) for each in json.loads(content)["runs"]}
        except (ValueError, LookupError, TypeError, RecursionError):
            return None

    def forget(self) -> None:
        """Begin anew: whoever is told of the next run is told of all that lasts."""
        if self.keep.get(_TOLD) is not None:
            self.keep.delete(_TOLD)

    def add(self, notices: Mapping[str, Notice | None], channels: Iterable[str], told: Iterable[str]) -> None:
        """Keep what runs have to tell, by the names of their documents in the store, for these channels.

        ``told`` are those that were put here before, and are still in the store. A second time does nothing.
        """
        names = sorted(channels)
        for run, notice in notices.items():
            if notice is not None:
                content = _encoded({"notice": notice, "channels": names})
                self.keep.put(f"{FOLDER}{run}{_SUFFIX}", content, only_new=True, kind=_JSON)
        self.keep.put(_TOLD, _encoded({"runs": sorted({*told, *notices})}), kind=_JSON)

    def notices(self) -> list[str]:
        """The names of those that are not sent everywhere, the oldest first."""
        keys = [*self.keep.names(FOLDER)]
        stems = {name for key in keys if "." not in (name := key[len(FOLDER) :].removesuffix(_SUFFIX))}
        stems -= {"told"}
        for key in keys:
            stem, dot, _ = key[len(FOLDER) :].removesuffix(_SUFFIX).partition(".")
            if dot and stem not in stems:
                # what is left of a notice that was sent everywhere, by a run that was killed then
                self.keep.delete(key)
        return sorted(stems)

    def read(self, name: str) -> tuple[Notice, list[str]]:
        """A notice, and the channels that it is for.

        Raises:
            DamagedError: it is none.
        """
        content = self.keep.get(f"{FOLDER}{name}{_SUFFIX}")
        try:
            found = json.loads(content or b"")
            notice, channels = cast("Notice", found["notice"]), [str(each) for each in found["channels"]]
            is_one = notice["format"] == FORMAT and isinstance(notice["events"], list)
        except (ValueError, LookupError, TypeError, RecursionError):
            is_one = False
        if not is_one:
            raise DamagedError(f"{FOLDER}{name}{_SUFFIX} is damaged")
        return notice, channels

    def waiting(self, name: str, channel: str, parts: int) -> Waiting:
        """What a channel has not taken yet of a notice of so many parts."""
        content = self.keep.get(_key(name, channel))
        if content is None:
            return Waiting([*range(parts)])
        try:
            found = json.loads(content)
            return Waiting(_numbers(found["pending"], parts), _numbers(found["doubtful"], parts))
        except (ValueError, LookupError, TypeError, RecursionError):
            return Waiting([], [*range(parts)])

    def mark(self, name: str, channel: str, waiting: Waiting) -> None:
        """Keep what a channel has not taken yet."""
        content = {"pending": waiting.pending, "doubtful": waiting.doubtful}
        self.keep.put(_key(name, channel), _encoded(content), kind=_JSON)

    def set_aside(self, name: str) -> None:
        """Put a notice that cannot be read where nothing reads it."""
        key = f"{name}{_SUFFIX}"
        if (content := self.keep.get(FOLDER + key)) is not None:
            self.keep.put(f"{ASIDE}notice-{key}", content)
        self.keep.delete(FOLDER + key)

    def done(self, name: str, channels: Iterable[str]) -> None:
        """Forget a notice that is sent everywhere; itself first, or it would be taken for one not sent."""
        self.keep.delete(f"{FOLDER}{name}{_SUFFIX}")
        for channel in channels:
            self.keep.delete(_key(name, channel))


def _key(name: str, channel: str) -> str:
    return f"{FOLDER}{name}.{channel}{_SUFFIX}"


def _numbers(found: Any, parts: int) -> list[int]:
    numbers = [int(each) for each in found]
    if not all(0 <= each < parts for each in numbers):
        raise ValueError("no such part")
    return numbers


def _encoded(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
