"""What travels to a worker of a cluster and back, and what the worker does with it."""

from __future__ import annotations

import pickle
import threading
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from driftcheck import pool
from driftcheck.compare import compare
from driftcheck.fetch import fetch
from driftcheck.kinds import READ_WITH
from driftcheck.withheld import found_again, withhold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from driftcheck.fetch import Fetched, Limits
    from driftcheck.model import Desired, Finding, Reading
    from driftcheck.sharding import Task

_LOOKS = 1.0
"""Seconds from one look at whether anybody still waits for a task to the next."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a worker found out."""

    findings: tuple[Finding, ...]
    fetched: Fetched


@dataclass(frozen=True, slots=True)
class OtherVersions:
    """What a worker has, which is not what the task was made by."""

    worker: str
    versions: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call of ``work`` which is made by unpickling it.

    Dask unpickles what it is given as soon as it comes, and a worker, or a scheduler, that cannot do so for
    want of driftcheck ends. Given these bytes and ``pickle.loads``, it runs a task, which may fail.
    """

    made_by: str
    content: bytes

    def __reduce__(self) -> tuple[Callable[[str, bytes], Any], tuple[str, bytes]]:
        return work, (self.made_by, self.content)


def seal(task: Task, limits: Limits, left: float, today: date, key: bytes) -> Call:
    """A task for a worker, without the sensitive texts of its definitions.

    ``left`` are the seconds that it has, ``key`` is the run's own.
    """
    definitions = tuple(withhold(desired, key) for desired in task.state.definitions)
    task = replace(task, state=replace(task.state, definitions=definitions))
    return Call(READ_WITH, zlib.compress(pickle.dumps((task, limits, left, today, key)), 1))


def work(made_by: str, content: bytes) -> Done | OtherVersions:
    """Read and compare what a task holds: on a worker, with the worker's own credentials.

    ``made_by`` are the versions that can read the ``content``.
    """
    from distributed import Reschedule, get_worker

    from driftcheck.aws import Aws

    worker = get_worker()
    if made_by != READ_WITH:
        return OtherVersions(worker.address, READ_WITH)
    # it comes from the client, whose code a worker of Dask runs in any case
    task, limits, left, today, key = pickle.loads(zlib.decompress(content))  # noqa: S301
    # its clock is another one
    limits = replace(limits, since=monotonic() + left - limits.deadline)
    findings: list[Finding] = []

    def keep(desired: Desired, reading: Reading) -> None:
        findings.append(compare(found_again(desired, reading, key), reading, today))

    cloud = Aws(timeout=limits.timeout, concurrency=limits.concurrency)
    with _while_wanted(worker) as stop:
        fetched = fetch(task.state, cloud, limits, unmanaged=task.lists, stop=stop, keep=keep)
    if stop.requested:
        raise Reschedule  # what was cut short is no answer, should somebody wait for one after all
    return Done(tuple(findings), fetched)


@contextmanager
def _while_wanted(worker: Any) -> Iterator[pool.Stop]:
    """What stops a task that its run has given up, or cannot hear of any more: Dask can stop no thread."""
    stop, over, key = pool.Stop(), threading.Event(), worker.get_current_task()

    def look() -> None:
        while not over.wait(_LOOKS):
            task = worker.state.tasks.get(key)
            ends = worker.status.name in {"closing", "closed", "failed"}
            if ends or task is None or task.state == "cancelled":
                stop.request()

    threading.Thread(target=look, daemon=True, name="driftcheck").start()
    try:
        yield stop
    finally:
        over.set()
