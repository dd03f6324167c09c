"""Calls side by side, each with a limit on its time, and all of them with one that ends the run.

A thread that waits on a socket cannot be stopped from outside. One that is past its limit is given up and
replaced, and none of them keeps the process alive; ``concurrent.futures`` would join it at exit.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from math import inf
from queue import Empty, SimpleQueue
from random import random
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from driftcheck.turns import Job, Queue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


Answer = TypeVar("Answer")

_MOST_REFUSALS = 10
_FIRST_REST, _LONGEST_REST = 0.5, 20.0
"""Seconds before a refused call is made again: the first time, doubled each time, and at most."""


class OverdueError(Exception):
    """A call took longer than one call may."""


class RefusedError(Exception):
    """A call was refused for the rate to the end; ``last`` is how, ``attempts`` how often it was made."""

    def __init__(self, last: Exception, attempts: int) -> None:
        super().__init__(str(last))
        self.last = last
        self.attempts = attempts


class DeadlineError(Exception):
    """The run's time was up before a call was answered."""


class StoppedError(Exception):
    """The run was interrupted before a call was answered."""


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


@dataclass(frozen=True, slots=True)
class _Running:
    """A job that a thread is at, since when, and when its time is up."""

    job: Job
    since: float
    until: float


@dataclass(slots=True)
class _Run:
    """A run of jobs; see ``run``."""

    workers: int
    limit: float
    until: float
    stop: Stop
    is_refusal: Callable[[Exception], bool]
    queue: Queue
    outcomes: SimpleQueue[tuple[int, Any] | None] = field(default_factory=SimpleQueue)
    running: dict[int, _Running] = field(default_factory=dict)
    idle: list[SimpleQueue[tuple[int, Job]]] = field(default_factory=list)
    busy: dict[int, SimpleQueue[tuple[int, Job]]] = field(default_factory=dict)
    number: int = 0

    def go(self, jobs: Iterable[Job]) -> None:
        self.stop.wakes(self.outcomes)
        self.queue.add(jobs, monotonic())
        while self.queue:
            now = monotonic()
            if self.stop.requested or now >= self.until:
                self._end(StoppedError() if self.stop.requested else DeadlineError())
                return
            self._start(now)
            # calls are started in the order in which their time will be up
            first = next(iter(self.running.values())).until if self.running else inf
            due = self.queue.next() if len(self.running) < self.workers else inf
            outcome = _next(self.outcomes, min(self.until, first, due) - now)
            now = monotonic()
            if outcome is not None and outcome[0] in self.running:
                number, value = outcome
                self.idle.append(self.busy.pop(number))
                self._ended(self.running.pop(number), value, now)
            while self.running and (first := next(iter(self.running))) and self.running[first].until <= now:
                del self.busy[first]
                self._done(self.running.pop(first).job, OverdueError(), now)

    def _start(self, now: float) -> None:
        while len(self.running) < self.workers and (job := self.queue.take(now)) is not None:
            self.number += 1
            self.running[self.number] = _Running(job, now, now + self.limit)
            self.busy[self.number] = self.idle.pop() if self.idle else _worker(self.outcomes)
            self.busy[self.number].put((self.number, job))

    def _ended(self, ended: _Running, value: Any, now: float) -> None:
        job = ended.job
        group = self.queue.of(job)
        if not (isinstance(value, Exception) and self.is_refusal(value)):
            group.pace.passed()
            group.refused_since = None
            self._done(job, value, now)
            return
        group.pace.refused(ended.since, now)
        if group.refused_since is None:
            group.refused_since = ended.since
        since = job.refused_since or ended.since
        job = replace(job, refusals=job.refusals + 1, refused_since=since, refusal=value)
        pause = min(_FIRST_REST * 2.0 ** (job.refusals - 1), _LONGEST_REST) * (1 + random()) / 2  # noqa: S311 - no secret
        if now + pause - group.refused_since >= self.limit:
            # nobody gets through any more
            self._done(job, RefusedError(value, job.refusals), now)
            for other in self.queue.drop(group):
                self.queue.add(other.done(RefusedError(other.refusal or value, other.refusals)), now)
        elif job.refusals >= _MOST_REFUSALS and now + pause - since >= self.limit:
            # the others get through, this one does not
            self._done(job, RefusedError(value, job.refusals), now)
        else:
            self.queue.rest(job, now + pause, now)

    def _done(self, job: Job, outcome: Any, now: float) -> None:
        self.queue.ended(job, now)
        self.queue.add(job.done(outcome), now)

    def _end(self, error: Exception) -> None:
        """Give every job that is left its outcome: the answer that has come in the meantime, or the error."""
        left: list[Job] = []
        while not self.outcomes.empty():
            outcome = _next(self.outcomes, 0)
            if outcome is not None and outcome[0] in self.running:
                job = self.running.pop(outcome[0]).job
                if isinstance(outcome[1], Exception) and self.is_refusal(outcome[1]):
                    left.append(job)
                else:
                    left += job.done(outcome[1])
        left += (each.job for each in self.running.values())
        for job in [*left, *self.queue.waiting()]:
            # a handler may be a generator, which does nothing until it is asked for the jobs that follow
            for _ in job.done(error):
                pass


def run(
    jobs: Iterable[Job],
    *,
    workers: int,
    limit: float,
    until: float,
    stop: Stop,
    is_refusal: Callable[[Exception], bool] = lambda _: False,
) -> None:
    """Run jobs and those that follow from them until none is left.

    Args:
        jobs: the first ones.
        workers: how many calls are made at a time.
        limit: seconds that one call may take; a longer one ends in ``OverdueError``. A call that is refused
            for the rate rests and is made again; it ends in ``RefusedError`` once all calls of its group, or
            many of its own, have been refused for so long.
        until: when the run ends, in ``monotonic`` seconds; what is left ends in ``DeadlineError``.
        stop: ends the run at once when requested; what is left ends in ``StoppedError``.
        is_refusal: tells whether a call failed because calls of its group came too fast.
    """
    _Run(workers, limit, until, stop, is_refusal, Queue(workers)).go(jobs)


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


def call(what: Callable[[], Answer], limit: float) -> Answer:
    """Make one call that may take so many seconds.

    Raises:
        OverdueError: it takes longer; it is left to itself.
    """
    outcomes: list[Any] = []

    def done(outcome: Any) -> Iterable[Job]:
        outcomes.append(outcome)
        return ()

    run([Job("", what, done)], workers=1, limit=limit, until=inf, stop=Stop())
    (outcome,) = outcomes
    if isinstance(outcome, Exception):
        raise outcome
    return outcome  # type: ignore[no-any-return]
