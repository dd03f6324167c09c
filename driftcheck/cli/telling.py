"""What a nightly run tells: notices of what changed, and metrics."""

from __future__ import annotations

from functools import partial
from time import monotonic, sleep
from typing import TYPE_CHECKING

from driftcheck.errors import DriftcheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime, timedelta

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


class _Held:
    """The objects of a store, changed only while the lock on it is held."""

    def __init__(self, objects: Objects, hold: Callable[[], None]) -> None:
        self._objects, self._hold = objects, hold
        self.get, self.names = objects.get, objects.names

    def put(self, name: str, content: bytes, *, only_new: bool = False, kind: str = "") -> bool:
        self._hold()
        return self._objects.put(name, content, only_new=only_new, kind=kind)

    def delete(self, name: str) -> None:
        self._hold()
        self._objects.delete(name)


def derive_and_note(
    store: Store, now: datetime, notify: Notify, remind: timedelta, hold: Callable[[], None]
) -> Derived:
    """Derive the history, and put down what each new run has to tell before it counts as known.

    What is killed in between is derived, and put down, again by the next run; one that was put down is not
    put down twice.

    Raises:
        PlaceError: the store cannot be read or written.
    """
    from driftcheck.channels import channels
    from driftcheck.notices import notice
    from driftcheck.notices.outbox import Outbox
    from driftcheck.store import Name
    from driftcheck.store.derived import derive

    outbox, to = Outbox(_Held(store.objects, hold)), [*channels(notify)]
    if not to:
        outbox.forget()
        return derive(store, now)
    told, names = outbox.told(), [name.text for name in store.names()]
    new = [name for name in names if name not in (told or ())]
    found: dict[str, Notice | None] = {}

    def note(name: Name, document: Document, history: History, changes: list[Change]) -> None:
        if name.text in new:
            if told is None:
                found.clear()
            found[name.text] = notice(document, history, changes, remind, first=told is None)

    after = None
    if told is not None and new:
        place = names.index(new[0])
        after = Name(names[place - 1] if place else _BEFORE_ALL)
    derived = derive(store, now, after=after, each=note)
    known = {name.text for name in derived.names} if told is None else told.intersection(names)
    outbox.add(found, to, known)
    return derived


def deliver(store: Store, notify: Notify, hold: Callable[[], None]) -> None:
    """Send what waits in the store.

    Raises:
        DriftcheckError: something could not be sent, and waits for the next run.
        PlaceError: the store cannot be read or written; what was not marked there is not sent.
    """
    from driftcheck.channels import channels
    from driftcheck.notices.delivery import Delivery
    from driftcheck.notices.outbox import Outbox

    until = monotonic() + _PATIENCE

    def wait(seconds: float) -> bool:
        if monotonic() + seconds > until:
            return False
        sleep(seconds)
        return True

    if faults := Delivery(Outbox(_Held(store.objects, hold)), channels(notify), wait).go():
        raise DriftcheckError(*(f"error: {fault}" for fault in faults))


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
