"""What a nightly run tells: notices of what changed, and metrics."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from time import monotonic, sleep
from typing import TYPE_CHECKING

from driftcheck.errors import DriftcheckError
from driftcheck.notices.outbox import Outbox, Told
from driftcheck.places import PlaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import timedelta

    from driftcheck.config import Notify, Publish
    from driftcheck.document.entries import Document
    from driftcheck.history import Change, History
    from driftcheck.metrics import Metric
    from driftcheck.notices.entries import Notice
    from driftcheck.objects import Objects
    from driftcheck.store import Name, Store
    from driftcheck.store.derived import Derived

_PATIENCE = 300.0
"""Seconds in which notices that fail are tried again, before they are left for the next run."""
_BEFORE_ALL = "0000-00-00T00-00-00Z"
_CALL_LIMIT = 30.0
"""Seconds that a call to CloudWatch may take, tried again within."""


class NotHeldError(DriftcheckError):
    """The lock on the store is not known to be held: nothing is changed, and nothing is sent."""


class _Held:
    """The objects of a store, changed only while the lock on it is held."""

    def __init__(self, objects: Objects, hold: Callable[[], None]) -> None:
        self._objects, self._hold = objects, hold
        self.get, self.names, self.exists = objects.get, objects.names, objects.exists

    def put(self, name: str, content: bytes, *, only_new: bool = False, kind: str = "") -> bool:
        self._ensure_held()
        return self._objects.put(name, content, only_new=only_new, kind=kind)

    def move(self, name: str, to: str) -> bool | None:
        self._ensure_held()
        return self._objects.move(name, to)

    def delete(self, name: str) -> None:
        self._ensure_held()
        self._objects.delete(name)

    def _ensure_held(self) -> None:
        try:
            self._hold()
        except PlaceError as error:
            raise NotHeldError(*error.lines) from None


@dataclass(slots=True)
class Telling:
    """What one run notes and sends: how it is set up, and the outbox.

    ``keep`` is how long runs stay in the store, None for ever.
    """

    store: Store
    outbox: Outbox
    notify: Notify
    remind: timedelta
    keep: timedelta | None
    document: Document
    first: bool = False
    names: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def derive_and_note(self, now: datetime, own: Name | None) -> Derived:
        """Derive the history, and put what each new run has to tell into the outbox.

        ``own`` is this run's name, None where it is not kept. What cannot be put into the outbox is in its
        ``faults``. A run that was noted is not noted again; what is killed in between is noted by the next.

        Raises:
            PlaceError: the runs cannot be read.
            NotHeldError: the lock was lost.
        """
        from driftcheck.channels import channels
        from driftcheck.store import Name
        from driftcheck.store.derived import derive, expect

        outbox = self.outbox
        outbox.own = self._own if own is None else own.text
        if not channels(self.notify):
            outbox.forget()
            return derive(self.store, now)
        outbox.load()
        with suppress(PlaceError):  # derive reads the history again, and tells of it
            expect(self.store)
        known = {name.text for name in self.store.known}
        self.names = [name.text for name in self.store.names()]
        outbox.is_kept = outbox.own in self.names
        self._settle(known)
        told = outbox.told
        new, back = self._to_note(told)
        found: dict[str, tuple[Notice | None, list[str]]] = {}

        def note(name: Name, document: Document, history: History, changes: list[Change]) -> None:
            if name.text in new or name.text in back:
                if self.first:
                    found.clear()
                found[name.text] = self._note(name.text, document, history, changes)

        after = None
        if told is not None and (new or back):
            place = min(self.names.index(name) for name in (*new, *back))
            after = Name(self.names[place - 1] if place else _BEFORE_ALL)
        derived = derive(self.store, now, after=after, each=note)
        if self.first and outbox.is_read:
            outbox.told = Told({name.text for name in derived.names} - found.keys())
        for name, (notice, absent) in found.items():
            self._put(name, notice, absent, is_back=name in back)
        self._forget_pruned()
        return derived

    def note_unkept(self, derived: Derived) -> None:
        """Put what this run has to tell into the outbox, though its document is not in the store.

        The history that was derived knows of the run afterwards.

        Raises:
            NotHeldError: the lock was lost.
        """
        from driftcheck.channels import channels

        own, outbox = self._own, self.outbox
        if self.document["started_at"] <= derived.history.last or own in self.names:
            return
        changes = derived.history.add(self.document)
        if channels(self.notify):
            outbox.own = own
            self._put(own, *self._note(own, self.document, derived.history, changes), is_back=False)

    def deliver(self) -> None:
        """Send what waits in the outbox.

        Raises:
            DriftcheckError: something could not be sent, and waits for the next run, or is not recorded.
            NotHeldError: the lock was lost.
        """
        from driftcheck.channels import channels
        from driftcheck.notices.delivery import Delivery

        until = monotonic() + _PATIENCE

        def wait(seconds: float) -> bool:
            if monotonic() + seconds > until:
                return False
            sleep(seconds)
            return True

        if faults := Delivery(self.outbox, channels(self.notify), wait).go():
            raise DriftcheckError(*faults)

    @property
    def _own(self) -> str:
        return _name_of(self.document["started_at"])

    def _settle(self, known: set[str]) -> None:
        """Settle what the records are good for, by the runs that are in the store or were.

        ``known`` are those of the history that the last night kept.
        """
        outbox = self.outbox
        stems = outbox.stems()
        self.seen = {*self.names, *stems, *known}
        if not outbox.is_read:
            return
        if outbox.told is None and stems:
            # what was sent is on record, and only the list of it could not be written
            latest = max(map(_order, stems))
            outbox.told = Told({name for name in self.names if _order(name) <= latest})
        self.first = outbox.told is None
        if (told := outbox.told) is None:
            outbox.is_sure = not outbox.is_doubted
            return
        told.runs |= stems
        self.seen |= told.runs | told.unsure
        if told.last is not None and not outbox.is_doubted:
            last, own = _order(told.last), _order(outbox.own or "")
            outbox.is_sure = last < own and not any(last < _order(name) < own for name in self.seen)

    def _to_note(self, told: Told | None) -> tuple[set[str], set[str]]:
        """The runs that were not noted yet, and those that were, without one that is back."""
        names = {*self.names}
        if told is None:
            # where nothing is known of those before it, only this run is known to be new
            return (names if self.first else names & {self.outbox.own or ""}), set()
        back = {
            run
            for run, gap in told.gaps.items()
            if run in names and not names.isdisjoint(gap.absent) and not self.outbox.is_waiting(run)
        }
        return names - told.runs, back

    def _note(
        self, name: str, document: Document, history: History, changes: list[Change]
    ) -> tuple[Notice | None, list[str]]:
        """What a run has to tell, and the runs before it that were told and are not in the store."""
        from driftcheck.notices import notice

        return notice(document, history, changes, self.remind, first=self.first), self._absent(name, history)

    def _absent(self, name: str, history: History) -> list[str]:
        """The runs between this one and the one that it is compared with that are absent, and were not."""
        complete = [run.started_at for run in history.runs[:-1] if run.complete]
        after = _order("")
        if complete:
            after = _order(_name_of(complete[-1]))
        elif self.names and self.names[0] != name:
            after = _order(self.names[0])
        oldest = self._oldest()
        return sorted(
            run
            for run in self.seen.difference(self.names)
            if after < _order(run) < _order(name) and run >= oldest
        )

    def _oldest(self) -> str:
        """The name that a run of the earliest start has which is still kept."""
        if self.keep is None:
            return ""
        first = datetime.fromisoformat(self.document["started_at"]) - self.keep
        return f"{first:%Y-%m-%dT%H-%M-%SZ}"

    def _forget_pruned(self) -> None:
        """Forget the runs that were deleted as they were older than they are to be kept."""
        if (told := self.outbox.told) is not None:
            oldest, names = self._oldest(), {*self.names}
            told.runs = {run for run in told.runs if run in names or run >= oldest}
            told.unsure = {run for run in told.unsure if run in names or run >= oldest}
            told.gaps = {run: gap for run, gap in told.gaps.items() if run in told.runs}

    def _put(self, name: str, notice: Notice | None, absent: list[str], *, is_back: bool) -> None:
        """Put a notice into the outbox, and its run among those that were told."""
        from driftcheck.channels import channels
        from driftcheck.notices.outbox import Gap, Kept, events_digest

        outbox, told = self.outbox, self.outbox.told
        events = events_digest(notice)
        is_new = not (is_back and told is not None and told.gaps[name].events == events)
        if notice is not None and is_new:
            # of any other run than this one a record may be missing, unless its night left all of them whole
            is_unsent = name == outbox.own or (
                outbox.is_sure and told is not None and name == told.last and not is_back
            )
            repeated = not is_unsent or bool(absent) or outbox.is_doubted or not outbox.is_read
            kept = Kept(notice, sorted(channels(self.notify)), repeated)
            if not outbox.add(name, kept, again=is_back):
                if told is not None:
                    told.unsure.add(name)
                return
        if told is not None:
            told.runs.add(name)
            told.unsure.discard(name)
            told.gaps.pop(name, None)
            if absent:
                told.gaps[name] = Gap(absent, events)


def _order(name: str) -> tuple[str, int]:
    """The place of a run's name among others; of the same second, by number."""
    return name[:20], int(name[21:]) if name[21:].isdecimal() else 1


def _name_of(started_at: str) -> str:
    return started_at.replace(":", "-")


def prepared(
    store: Store,
    hold: Callable[[], None],
    notify: Notify,
    remind: timedelta,
    keep: timedelta | None,
    document: Document,
) -> Telling:
    """What a run is to tell, with nothing read yet; ``hold`` raises where the lock on the store is lost."""
    return Telling(store, Outbox(_Held(store.objects, hold)), notify, remind, keep, document)


def publish(where: Publish, document: Document, history: History) -> None:
    """Publish what the run measured, each place by itself.

    Raises:
        DriftcheckError: one or both could not be written.
    """
    from driftcheck.metrics import metrics

    found = [*metrics(document, history)]
    faults: list[str] = []
    if where.textfile:
        try:
            _write_textfile(where.textfile, found)
        except DriftcheckError as error:
            faults += error.lines
    if where.cloudwatch:
        try:
            _to_cloudwatch(where.cloudwatch, found, document["finished_at"])
        except DriftcheckError as error:
            faults += error.lines
    if faults:
        raise DriftcheckError(*faults)


def _write_textfile(file: str, found: Iterable[Metric]) -> None:
    from driftcheck.outputs import Output, write

    try:
        from driftcheck.metrics.textfile import exposition
    except ImportError:
        raise DriftcheckError(
            "error: the library for textfiles is not installed: pip install 'driftcheck[metrics]'"
        ) from None
    write(Output("prometheus", file), exposition(found))


def _to_cloudwatch(namespace: str, found: Iterable[Metric], at: str) -> None:
    from driftcheck import pool
    from driftcheck.aws import unreadable
    from driftcheck.aws.outgoing import put_metrics
    from driftcheck.metrics.cloudwatch import calls

    for data in calls(found, at):
        try:
            pool.call(partial(put_metrics, namespace, data, timeout=_CALL_LIMIT), _CALL_LIMIT)
        except Exception as error:  # noqa: BLE001 - whatever it is, the run's other steps go on
            said = unreadable("PutMetricData", error)
            raise DriftcheckError(f"error: metrics: CloudWatch: {said.code}: {said.message}") from None
