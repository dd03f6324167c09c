"""Notices to be sent, kept in the store: no kill loses one, and a repetition says that it may be one.

``notices/RUN.json`` is a notice, written once before it is sent; ``notices/RUN.CHANNEL.json`` has the parts
that a channel has not been given yet: a part is marked before it is sent, and crossed off once the channel
has taken it. ``notices/told.json`` is written at the end of a night. It names the runs that were noted, and
the last run that left all records whole. Until it names a run, that run's notice and marks stay, so that no
fault makes it new again. A record that says "not sent" is believed only where each night since then has left
its records whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from time import sleep
from typing import TYPE_CHECKING, Any, Protocol, cast

from driftcheck.notices import FORMAT
from driftcheck.notices.text import body, subject
from driftcheck.places import PAUSES, PlaceError, move_aside, read_twice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from driftcheck.notices.entries import Notice

FOLDER, ASIDE = "notices/", "aside/"
_TOLD = FOLDER + "told.json"
_DOUBT = FOLDER + "told.unsure.json"
_SUFFIX, _JSON = ".json", "application/json"


class Keep(Protocol):
    """Where it is kept: the objects of the store."""

    def get(self, name: str) -> bytes | None:
        """The content under a name, None where there is none."""

    def put(self, name: str, content: bytes, *, only_new: bool = False, kind: str = "") -> bool:
        """Keep a content under a name; with ``only_new``, what is there stays."""

    def names(self, start: str = "") -> Iterator[str]:
        """The names that begin so."""

    def exists(self, name: str) -> bool:
        """Tell whether anything is kept under a name."""

    def move(self, name: str, to: str) -> bool | None:
        """Give what is kept under a name another, if that is free; None where nothing is kept."""

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

    def doubted(self) -> Waiting:
        """The same parts, none of them known to be unsent."""
        return Waiting([], sorted({*self.pending, *self.doubtful}))


@dataclass(frozen=True, slots=True)
class Kept:
    """A notice, the channels that it is for, and whether it may have been sent before it was kept."""

    notice: Notice
    channels: list[str]
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Runs that were told and were absent when a later one was noted; ``events`` is what that one told."""

    absent: list[str]
    events: str


@dataclass(slots=True)
class Told:
    """The runs whose notices were put into the outbox; ``unsure`` are those whose notices could not be.

    ``last`` is the latest run whose night left all records whole. ``gaps`` are, by run, those that were noted
    while an earlier one was absent: they are compared again once that is back.
    """

    runs: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    last: str | None = None
    gaps: dict[str, Gap] = field(default_factory=dict)


@dataclass(slots=True)
class Outbox:
    """The notices that are kept; for a run that holds the store's lock.

    What cannot be read or written is a line in ``faults``, and ends nothing. ``told`` is None where nothing
    was told before, or where it cannot be read: then ``is_read`` is false. ``is_sure``: each night up to this
    one left its records whole. ``is_doubted``: a night that left no record may have sent something.
    ``is_kept``: the document of ``own``, tonight's run, is in the store.
    """

    keep: Keep
    faults: list[str] = field(default_factory=list)
    told: Told | None = None
    is_read: bool = False
    is_used: bool = True
    is_sure: bool = False
    is_doubted: bool = False
    own: str | None = None
    is_kept: bool = False
    unrecorded: dict[str, Kept] = field(default_factory=dict)
    _recorded: set[str] = field(default_factory=set)
    _added: set[str] = field(default_factory=set)
    _keys: list[str] | None = None

    def load(self) -> None:
        """Read which runs were told, and which notices are kept."""
        told = self._tried(lambda: read_twice(self.keep, _TOLD, _told), failed=False)
        self.told = told if isinstance(told, Told) else None
        self._list()
        is_doubted = self._tried(lambda: self.keep.exists(_DOUBT), failed=True)
        self.is_doubted = is_doubted or _DOUBT in (self._keys or [])
        if told is False or self._keys is None:
            return
        self.is_read = True
        if isinstance(told, Exception):
            aside = self._tried(lambda: move_aside(self.keep, _TOLD, f"{ASIDE}told{_SUFFIX}"), failed=None)
            self.faults.append(
                f"error: notices: {_TOLD} is damaged{f', set aside as {aside},' if aside else ','} "
                "and written again from what else is known"
            )
        if self.told is not None:
            self._recorded = {*self.told.runs}

    def forget(self) -> None:
        """Begin again: whoever is told of the next run is told of all that lasts."""
        self.is_used = False
        self._tried(
            lambda: self.keep.delete(_TOLD) if self.keep.get(_TOLD) is not None else None, failed=None
        )

    def stems(self) -> set[str]:
        """The runs whose notices are kept."""
        return _stems(self._keys or []) | self._added

    def is_waiting(self, run: str) -> bool:
        """Tell whether the notice of a run is kept, or may be."""
        return bool(self._tried(lambda: self.keep.exists(f"{FOLDER}{run}{_SUFFIX}"), failed=True))

    def add(self, run: str, kept: Kept, *, again: bool = False) -> bool:
        """Keep what a run has to tell, unless that is kept; False where it is not, and is only sent.

        With ``again``, the channels have got another notice of this run.
        """

        def put() -> bool:
            for channel in kept.channels if again else ():
                self.keep.delete(_key(run, channel))
            content: dict[str, Any] = {"notice": kept.notice, "channels": kept.channels}
            if kept.repeated:
                content["repeated"] = True
            self.keep.put(f"{FOLDER}{run}{_SUFFIX}", _encoded(content), only_new=True, kind=_JSON)
            return True

        if self._tried(put, failed=False, otherwise=f"the notice of {run} is sent without a record"):
            self._added.add(run)
            return True
        self.unrecorded[run] = kept
        return False

    def notices(self) -> list[str]:
        """The names of those that are not sent everywhere, the oldest first."""
        if self._keys is None:
            self._list()
        stems = self.stems()
        for key in self._keys or []:
            stem, dot, _ = key[len(FOLDER) :].removesuffix(_SUFFIX).partition(".")
            if dot and stem not in stems and key != _DOUBT:
                # left by a run that was killed when it forgot a notice; a listing that lags proves nothing
                self._tried(lambda key=key, stem=stem: self._forget_mark(key, stem), failed=None)  # type: ignore[misc]
        return sorted(stems | {*self.unrecorded})

    def read(self, name: str) -> Kept | None:
        """A notice; None where it cannot be read tonight, or is gone.

        Raises:
            DamagedError: it is none.
        """
        if name in self.unrecorded:
            return self.unrecorded[name]
        found = self._tried(lambda: read_twice(self.keep, f"{FOLDER}{name}{_SUFFIX}", _kept), failed=None)
        if isinstance(found, Exception):
            raise DamagedError(f"{FOLDER}{name}{_SUFFIX} is damaged")
        return cast("Kept | None", found)

    def waiting(self, name: str, channel: str, parts: int, *, repeated: bool) -> Waiting:
        """What a channel has not taken yet of a notice of so many parts."""
        everything = Waiting([*range(parts)])
        if name in self.unrecorded:
            return everything.doubted()

        def parse(content: bytes) -> Waiting:
            found = json.loads(content)
            return Waiting(_numbers(found["pending"], parts), _numbers(found["doubtful"], parts))

        found = self._tried(lambda: read_twice(self.keep, _key(name, channel), parse), failed=PlaceError())
        if isinstance(found, Exception):
            return everything.doubted()
        waiting = everything if found is None else cast("Waiting", found)
        is_known = self.is_sure or (name == self.own and found is None)
        return waiting if is_known and not repeated else waiting.doubted()

    def mark(self, name: str, channel: str, waiting: Waiting) -> bool:
        """Keep what a channel has not taken yet; False where that is not kept."""
        if name not in self.unrecorded:
            content = _encoded({"pending": waiting.pending, "doubtful": waiting.doubtful})
            if self._tried(
                lambda: self.keep.put(_key(name, channel), content, kind=_JSON) or True, failed=False
            ):
                return True
        self._leave_trace()
        return False

    def set_aside(self, name: str) -> None:
        """Put a notice that cannot be read where nothing reads it."""
        key = f"{name}{_SUFFIX}"
        self._tried(lambda: move_aside(self.keep, FOLDER + key, f"{ASIDE}notice-{key}"), failed=None)

    def finish(self, sent: dict[str, list[str]]) -> None:
        """Name the runs that were told, then forget the notices that were sent everywhere, by channels."""
        if self.told is not None and self.is_read:
            told = self.told
            if not self.faults and self.own is not None:
                told.last = self.own
            content: dict[str, Any] = {"runs": sorted(told.runs), "last": told.last}
            if told.unsure:
                content["unsure"] = sorted(told.unsure)
            if told.gaps:
                content["gaps"] = {
                    run: {"absent": gap.absent, "events": gap.events} for run, gap in told.gaps.items()
                }
            if self._tried(lambda: self.keep.put(_TOLD, _encoded(content), kind=_JSON) or True, failed=False):
                self._recorded = {*told.runs}
                # a night that could not derive has noted nothing yet of what may have been sent
                if not self.faults and self.is_doubted and self.own in told.runs:
                    self._tried(lambda: self.keep.delete(_DOUBT), failed=None)
            elif self.unrecorded:
                self.is_kept = False
                self._leave_trace()
        for name, channels in sent.items():
            if name not in self.unrecorded and (name in self._recorded or not self.is_used):
                self._tried(lambda name=name, channels=channels: self._forget(name, channels), failed=None)  # type: ignore[misc]

    def _forget(self, name: str, channels: Iterable[str]) -> None:
        # itself first, or it would be taken for one not sent
        self.keep.delete(f"{FOLDER}{name}{_SUFFIX}")
        for channel in channels:
            self.keep.delete(_key(name, channel))

    def _list(self) -> None:
        self._keys = self._tried(self._listed, failed=None)

    def _listed(self) -> list[str]:
        for pause in (*PAUSES, None):
            keys = [*self.keep.names(FOLDER)]
            # what was just read is there
            if self.told is None or _TOLD in keys:
                return keys
            if pause is not None:
                sleep(pause)
        raise PlaceError(f"error: {FOLDER}: the listing lacks {_TOLD}, which is there")

    def _forget_mark(self, key: str, stem: str) -> None:
        notice = f"{FOLDER}{stem}{_SUFFIX}"
        if self.keep.get(notice) is None and not self.keep.exists(notice):
            self.keep.delete(key)

    def _leave_trace(self) -> None:
        """Note that something is sent of which nothing else will tell: what is empty fits on a full disk."""
        if not self.is_kept and not self.is_doubted:
            self.is_doubted = True
            self._tried(lambda: self.keep.put(_DOUBT, b""), failed=None)

    def _tried(self, what: Callable[[], Any], *, failed: Any, otherwise: str = "") -> Any:
        """Call it, and give ``failed`` where the store does not do it."""
        try:
            return what()
        except PlaceError as error:
            lines = [f"{line}; {otherwise}" if otherwise else line for line in error.lines]
            self.faults += [line for line in lines if line not in self.faults]
            return failed


def events_digest(notice: Notice | None) -> str:
    """What a notice tells, as a short text that is equal for the same events."""
    ids = sorted(event["id"] for event in notice["events"]) if notice else []
    if notice:
        ids += [f"{each['target']}/{each['event']}" for each in notice.get("target_events", ())]
    return sha256("\n".join(ids).encode()).hexdigest()[:16]


def _kept(content: bytes) -> Kept:
    found = json.loads(content)
    notice, channels = cast("Notice", found["notice"]), [str(each) for each in found["channels"]]
    if notice["format"] != FORMAT or not all(
        {"id", "run", "definition"} <= event.keys() and "arn" in event["definition"]
        for event in notice["events"]
    ):
        raise ValueError("it is not a notice")
    # one that no text can be made of would hold up every channel, every night
    subject(notice)
    body(notice, len(content))
    return Kept(notice, channels, repeated=bool(found.get("repeated")))


def _told(content: bytes) -> Told:
    """The runs that were told; one of version 0.1 has their names alone."""
    found = json.loads(content)
    runs = {str(each) for each in found["runs"]}
    unsure = {str(each) for each in found.get("unsure", ())}
    gaps = {
        str(run): Gap([str(each) for each in gap["absent"]], str(gap["events"]))
        for run, gap in found.get("gaps", {}).items()
    }
    last = found["last"] if "last" in found else max(runs, default=None)
    return Told(runs, unsure, None if last is None else str(last), gaps)


def _stems(keys: Iterable[str]) -> set[str]:
    stems = {name for key in keys if "." not in (name := key[len(FOLDER) :].removesuffix(_SUFFIX))}
    return stems - {"told"}


def _key(name: str, channel: str) -> str:
    return f"{FOLDER}{name}.{channel}{_SUFFIX}"


def _numbers(found: Any, parts: int) -> list[int]:
    numbers = [int(each) for each in found]
    if not all(0 <= each < parts for each in numbers):
        raise ValueError("no such part")
    return numbers


def _encoded(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
