"""Calls side by side, each with a limit on its time, and all of them with one that ends the run.

A thread that waits on a socket cannot be stopped from outside. One that is past its limit is given up and
replaced, and none of them keeps the process alive; ``concurrent.futures`` would join it at exit.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class OverdueError(Exception):
    """A call took longer than one call may."""


class DeadlineError(Exception):
    """The run's time was up before a call was answered."""


class StoppedError(Exception):
    """The run was interrupted before a call was answered."""


@dataclass(frozen=True, slots=True)
class Job:
    """A call for a worker thread, and what becomes of its outcome.

    ``done`` takes what the call returned or the exception that it raised, runs in the thread that runs the
    pool, and returns the jobs that follow. Groups share the workers, so that one whose calls hang leaves the
    others theirs.
    """

    group: str
    call: Callable[[], Any]
    done: Callable[[Any], Iterable[Job]]


@dataclass(slots=True)
class Stop:
    """A request to end the run, which a signal handler may make at any moment."""

    requested: bool = False
    _woken: SimpleQueue[Any] | None = None

    def request(self) -> None:
        """Ask the pool to end; safe in a signal handler."""
        self.requested = True
        if self._woken is not None:
            self._woken.put(None)

    def wakes(self, queue: SimpleQueue[Any]) -> None:
        """Name the queue that the pool waits on."""
        self._woken = queue


@dataclass(slots=True)
class _Queue:
    """Jobs that wait, by group; ``at`` is how many of each group are running."""

    groups: dict[str, deque[Job]] = field(default_factory=dict)
    turns: deque[str] = field(default_factory=deque)
    at: Counter[str] = field(default_factory=Counter)

    def add(self, jobs: Iterable[Job]) -> None:
        """Put jobs before those that wait: what follows from a call is one step of many, which takes long."""
        added = [*jobs]
        for group in dict.fromkeys(job.group for job in added):
            if not self.groups.setdefault(group, deque()):
                self.turns.append(group)
        for job in reversed(added):
            self.groups[job.group].appendleft(job)

    def take(self) -> Job:
        """A job of the group that has the fewest running, the one that has waited longest among equals."""
        group = min(self.turns, key=self.at.__getitem__)
        self.turns.remove(group)
        job = self.groups[group].popleft()
        if self.groups[group]:
            self.turns.append(group)
        self.at[group] += 1
        return job

    def ended(self, job: Job) -> None:
        self.at[job.group] -= 1

    def __bool__(self) -> bool:
        return bool(self.turns)


@dataclass(slots=True)
class _Running:
    """A job that a thread is at; ``until`` is when its time is up, in ``monotonic`` seconds."""

    job: Job
    until: float


def run(jobs: Iterable[Job], *, workers: int, limit: float, until: float, stop: Stop) -> None:
    """Run jobs and those that follow from them until none is left.

    Args:
        jobs: the first ones.
        workers: how many calls are made at a time.
        limit: seconds that one call may take; a longer one ends in ``OverdueError``.
        until: when the run ends, in ``monotonic`` seconds; what is left ends in ``DeadlineError``.
        stop: ends the run at once when requested; what is left ends in ``StoppedError``.
    """
    outcomes: SimpleQueue[tuple[int, Any] | None] = SimpleQueue()
    stop.wakes(outcomes)
    waiting = _Queue()
    waiting.add(jobs)
    running: dict[int, _Running] = {}
    idle: list[SimpleQueue[tuple[int, Job]]] = []
    busy: dict[int, SimpleQueue[tuple[int, Job]]] = {}
    number = 0
    while waiting or running:
        now = monotonic()
        if stop.requested or now >= until:
            _end(waiting, running, outcomes, StoppedError() if stop.requested else DeadlineError())
            return
        while waiting and len(running) < workers:
            number += 1
            job = waiting.take()
            running[number] = _Running(job, now + limit)
            busy[number] = idle.pop() if idle else _worker(outcomes)
            busy[number].put((number, job))
        outcome = _next(outcomes, min(until, *(each.until for each in running.values())) - now)
        if outcome is not None and outcome[0] in running:
            done, value = outcome
            idle.append(busy.pop(done))
            waiting.ended(job := running.pop(done).job)
            waiting.add(job.done(value))
        now = monotonic()
        for overdue in [at for at, each in running.items() if each.until <= now]:
            del busy[overdue]
            waiting.ended(job := running.pop(overdue).job)
            waiting.add(job.done(OverdueError()))


def _end(
    waiting: _Queue,
    running: dict[int, _Running],
    outcomes: SimpleQueue[tuple[int, Any] | None],
    error: Exception,
) -> None:
    """Give every job that is left its outcome: the answer that has come in the meantime, or the error."""
    while not outcomes.empty():
        outcome = _next(outcomes, 0)
        if outcome is not None and outcome[0] in running:
            waiting.add(running.pop(outcome[0]).job.done(outcome[1]))
    left = [each.job for each in running.values()]
    while waiting:
        left.append(waiting.take())
    for job in left:
        # a handler may be a generator, which does nothing until it is asked for the jobs that follow
        for _ in job.done(error):
            pass


def _next(outcomes: SimpleQueue[tuple[int, Any] | None], seconds: float) -> tuple[int, Any] | None:
    try:
        return outcomes.get(timeout=max(seconds, 0.0))
    except Empty:
        return None


def _worker(outcomes: SimpleQueue[tuple[int, Any] | None]) -> SimpleQueue[tuple[int, Job]]:
    inbox: SimpleQueue[tuple[int, Job]] = SimpleQueue()

    def work() -> None:
        while True:
            number, job = inbox.get()
            try:
                outcomes.put((number, job.call()))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome of this call alone
                outcomes.put((number, error))

    threading.Thread(target=work, daemon=True, name="driftcheck").start()
    return inbox
