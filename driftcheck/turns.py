"""Whose turn it is: jobs in groups, each group with a pace of its own, that share the workers."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import inf
from typing import TYPE_CHECKING, Any

from driftcheck.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True, slots=True)
class Job:
    """A call for a worker thread, and what becomes of its outcome.

    ``done`` takes what the call returned or the exception that it raised, runs in the thread that runs the
    pool, and returns the jobs that follow. Groups share the workers, so that one whose calls hang leaves the
    others theirs, and each has a pace of its own. ``refusals``, how many, ``refused_since`` and ``refusal``,
    the last, are the pool's.
    """

    group: str
    call: Callable[[], Any]
    done: Callable[[Any], Iterable[Job]]
    refusals: int = 0
    refused_since: float | None = None
    refusal: Exception | None = None


@dataclass(slots=True, eq=False)
class Group:
    """The jobs of one group: those that may be started, and how many there are with those that run or rest.

    ``refused_since`` is when the first of its calls was refused after the last that was not; ``place`` is its
    only valid entry in the line.
    """

    pace: Pace = field(default_factory=Pace)
    jobs: deque[Job] = field(default_factory=deque)
    left: int = 0
    running: int = 0
    refused_since: float | None = None
    place: int = 0


class Queue:
    """Jobs that wait, and whose turn it is."""

    def __init__(self, workers: int) -> None:
        # one group whose calls hang leaves the others a quarter of the workers to begin with
        self._share = workers - workers // 4
        self._groups: dict[str, Group] = {}
        self._active = 0
        self._ready: list[tuple[int, int, Group]] = []
        self._early: list[tuple[float, int, Group]] = []
        self._resting: list[tuple[float, int, Job]] = []
        self._crowded: set[Group] = set()
        self._count = 0

    def __bool__(self) -> bool:
        return self._active > 0

    def of(self, job: Job) -> Group:
        """The group of a job."""
        return self._groups.setdefault(job.group, Group())

    def add(self, jobs: Iterable[Job], now: float) -> None:
        """Put jobs before those that wait: what follows from a call is one step of many, which takes long."""
        added = [*jobs]
        for job in reversed(added):
            group = self.of(job)
            self._active += group.left == 0
            group.left += 1
            group.jobs.appendleft(job)
        for group in {self.of(job): None for job in added}:
            self._line_up(group, now)

    def take(self, now: float) -> Job | None:
        """A job of the group that has the fewest running, the one that has waited longest among equals."""
        while self._resting and self._resting[0][0] <= now:
            group = self.of(job := heappop(self._resting)[2])
            group.jobs.appendleft(job)
            self._line_up(group, now)
        while self._early and self._early[0][0] <= now:
            _, place, group = heappop(self._early)
            if place == group.place:
                self._line_up(group, now)
        while self._ready:
            _, place, group = heappop(self._ready)
            if place == group.place:
                job = group.jobs.popleft()
                group.running += 1
                group.pace.sent(now)
                self._line_up(group, now)
                return job
        return None

    def next(self) -> float:
        """When there may be a job to take, if no call ends before."""
        return min(self._early[0][0] if self._early else inf, self._resting[0][0] if self._resting else inf)

    def rest(self, job: Job, until: float, now: float) -> None:
        """Put a job that was running back, not to be taken before ``until``."""
        group = self.of(job)
        group.running -= 1
        self._count += 1
        heappush(self._resting, (until, self._count, job))
        self._line_up(group, now)

    def ended(self, job: Job, now: float) -> None:
        """Forget a job that was running."""
        group = self.of(job)
        group.running -= 1
        self._left(group, 1)
        self._line_up(group, now)
        if self._active == 1:
            for crowded in [*self._crowded]:
                self._line_up(crowded, now)

    def drop(self, group: Group) -> list[Job]:
        """Forget the jobs of a group that are not running, and give them."""
        resting = [entry for entry in self._resting if self.of(entry[2]) is group]
        self._resting = [entry for entry in self._resting if self.of(entry[2]) is not group]
        heapify(self._resting)
        dropped = [*group.jobs, *(job for _, _, job in resting)]
        group.jobs.clear()
        group.place = 0
        self._left(group, len(dropped))
        return dropped

    def waiting(self) -> list[Job]:
        """All jobs that are not running."""
        jobs = [job for group in self._groups.values() for job in group.jobs]
        return jobs + [job for _, _, job in self._resting]

    def _left(self, group: Group, fewer: int) -> None:
        if fewer:
            group.left -= fewer
            self._active -= group.left == 0

    def _line_up(self, group: Group, now: float) -> None:
        """Give a group the place that it has now; the one it had is no longer valid."""
        group.place = 0
        self._crowded.discard(group)
        if not group.jobs or group.running >= group.pace.window:
            return
        if group.running >= self._share and self._active > 1:
            self._crowded.add(group)
            return
        self._count += 1
        group.place = self._count
        if (at := group.pace.next(now)) > now:
            heappush(self._early, (at, group.place, group))
        else:
            heappush(self._ready, (group.running, group.place, group))
