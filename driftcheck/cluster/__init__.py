"""A run on the workers of a Dask cluster: they read and compare what tasks hold, and the findings meet here.

``docs/dask.md`` says what travels: definitions without their sensitive texts, the operator's lines about a
target, and no credentials, which each worker has of its own.
"""

from __future__ import annotations

import logging
import pickle
import secrets
import threading
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from driftcheck import pool
from driftcheck.check import report
from driftcheck.cluster.worker import Done, OtherVersions, seal
from driftcheck.compare import compare
from driftcheck.errors import DriftcheckError
from driftcheck.fetch import Fetched, unanswered
from driftcheck.kinds import KINDS, READ_WITH
from driftcheck.model import CUT_SHORT, TargetReading, Unreadable
from driftcheck.redact import masked_text
from driftcheck.sharding import tasks
from driftcheck.turns import Job
from driftcheck.withheld import told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from driftcheck.desired import DesiredState
    from driftcheck.fetch import Limits
    from driftcheck.model import Address, Finding, Report
    from driftcheck.sharding import Task

_MOST = 256
"""Tasks that the cluster has at a time."""

_GRACE = 2.0
"""Seconds before the end of a run when a worker gives what it has, and that a goodbye may take at most."""

_LENGTH = 300


def prepare() -> None:
    """Load Dask, and keep it from saying anything in this process, whose words for the user are driftcheck's.

    Raises:
        DriftcheckError: it is not installed, or not configured in a way that it takes.
    """
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise DriftcheckError("error: --dask needs Dask: pip install 'driftcheck[dask]'") from None
    except Exception as error:  # noqa: BLE001 - its configuration files are read when it is imported
        raise DriftcheckError(f"error: Dask cannot be used: {_line(error)}") from None


def check(
    state: DesiredState,
    address: str,
    limits: Limits,
    *,
    unmanaged: bool = True,
    stop: pool.Stop | None = None,
    progress: Callable[[Finding], None] = lambda _: None,
    faults: list[str],
) -> Report:
    """As ``check.check``, by the workers of the scheduler at ``address``; ``limits`` are each task's.

    What is wrong with the cluster is added to ``faults``, in lines for the user.
    """
    run = _Run(address, limits, stop or pool.Stop(), progress, faults)
    run.go(tasks(state, unmanaged=unmanaged))
    interrupted = run.stop.requested
    fetched = run.fetched()
    return report(state, run.findings, fetched, run.started_at, interrupted=interrupted, unmanaged=unmanaged)


class _LostError(Exception):
    """Something was not read; ``args`` are the code and the message of why."""


@dataclass(slots=True)
class _Run:
    """What has come of a run so far; ``ended`` is why no more can."""

    address: str
    limits: Limits
    stop: pool.Stop
    progress: Callable[[Finding], None]
    faults: list[str]
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    sealing: threading.Lock = field(default_factory=threading.Lock)
    client: Any = None
    findings: dict[Address, Finding] = field(default_factory=dict)
    parts: list[Fetched] = field(default_factory=list)
    ended: Exception = field(default_factory=pool.StoppedError)

    def go(self, rows: Sequence[Sequence[Task]]) -> None:
        # the longest row first: it is what the run takes
        left = [[*reversed(row)] for row in sorted(rows, key=len, reverse=True)]
        try:
            pool.run(
                [Job("", self.connect, partial(self.on_connected, left))],
                workers=_MOST + 1,
                limit=inf,
                until=self.limits.until,
                stop=self.stop,
            )
        except _LostError as lost:
            self.ended = lost
            self.faults.append(lost.args[1])
        self.leave()
        for task in (task for row in left for task in row):
            self.lose(task, self.ended)

    def connect(self) -> None:
        from distributed import Client

        self.client = Client(self.address, name="driftcheck", set_as_default=False, direct_to_workers=False)

    def on_connected(self, left: list[list[Task]], outcome: Any) -> Iterable[Job]:
        match outcome:
            case pool.StoppedError():
                self.ended = outcome
                return
            case pool.DeadlineError():
                raise self.too_late("no scheduler answered at")
            case Exception():
                message = f"cannot connect to a scheduler at {self.address}: {_line(outcome)}"
                raise _LostError("NoScheduler", message)
        # tasks are sent before there is a worker: a cluster that grows as it needs to has none until then
        yield Job("", partial(self.client.wait_for_workers, 1), self.on_worker)
        for number, row in enumerate(left):
            yield from self.next(str(number), row)

    def on_worker(self, outcome: Any) -> Iterable[Job]:
        if isinstance(outcome, pool.DeadlineError):
            raise self.too_late("no worker came to")
        return ()

    def too_late(self, what: str) -> _LostError:
        limit = f"{self.limits.deadline:g} s of the whole run"
        return _LostError("DeadlineExceeded", f"{what} {self.address} within the {limit}")

    def next(self, group: str, row: list[Task]) -> Iterable[Job]:
        """The first task that is left of a row: those of an account and region follow one another."""
        if row:
            yield Job(group, partial(self.call, row[-1], len(row)), partial(self.on_done, group, row))

    def call(self, task: Task, before: int) -> Any:
        with self.sealing:  # one by one, or the first would be sent when the last is ready
            left = self.limits.until - monotonic()
            # a worker says what it has by then a little before nobody waits for it any more
            left -= min(_GRACE, left / 10)
            call = pickle.dumps(seal(task, self.limits, left, self.started_at.date(), self.key))
        (target,) = task.state.targets
        key = f"driftcheck-{target.name}-{secrets.token_hex(8)}"
        return self.client.submit(pickle.loads, call, key=key, pure=False, priority=before).result()

    def on_done(self, group: str, row: list[Task], outcome: Any) -> Iterable[Job]:
        from distributed import CancelledError, KilledWorker
        from distributed.comm import CommClosedError

        match outcome:
            case Done():
                self.take(row.pop(), outcome)
            case pool.StoppedError() | pool.DeadlineError():
                self.ended = outcome
                return ()
            case OtherVersions():
                message = f"the worker {outcome.worker} has {outcome.versions}; install {READ_WITH} there"
                raise _LostError("OtherVersions", message)
            case CancelledError() | CommClosedError():
                message = f"the scheduler at {self.address} went away, or was restarted"
                raise _LostError("SchedulerLost", message)
            case KilledWorker():
                message = f"the workers that tried died, {outcome.allowed_failures + 1} in a row"
                self.lose(row.pop(), _LostError("WorkerLost", message))
            case _:
                todo = f"; install {READ_WITH} there" if isinstance(outcome, ImportError) else ""
                failure = f"{type(outcome).__name__}: {_line(outcome)}{todo}"
                message = f"a task failed on a worker of {self.address}: {failure}"
                self.lose(row.pop(), _LostError("TaskFailed", message))
                if not self.faults:
                    self.faults.append(message)
        return self.next(group, row)

    def take(self, task: Task, done: Done) -> None:
        found = {finding.address: finding for finding in done.findings}
        for desired in task.state.definitions:
            self.keep(told(found[desired.address], desired))
        self.parts.append(done.fetched)

    def lose(self, task: Task, why: Exception) -> None:
        def error(operation: str) -> Unreadable:
            return (
                Unreadable(*why.args)
                if isinstance(why, _LostError)
                else unanswered(operation, why, self.limits)
            )

        for desired in task.state.definitions:
            operation = KINDS[desired.address.kind].describe
            self.keep(compare(desired, error(operation), self.started_at.date()))
        (target,) = task.state.targets
        lost = error("not read whole")
        reading = TargetReading(target.name, None, target.region, lost, is_reached=False)
        self.parts.append(Fetched(targets=[reading], is_cut_short=lost.code in CUT_SHORT))

    def keep(self, finding: Finding) -> None:
        self.findings[finding.address] = finding
        self.progress(finding)

    def fetched(self) -> Fetched:
        """What the tasks found out beside the findings, as one."""
        whole = Fetched()
        readings: dict[str, list[TargetReading]] = {}
        for part in self.parts:
            whole.unmanaged |= part.unmanaged
            whole.warnings += part.warnings
            whole.calls += part.calls
            whole.is_cut_short |= part.is_cut_short
            for reading in part.targets:
                readings.setdefault(reading.name, []).append(reading)
        whole.targets = [_one(of_target) for of_target in readings.values()]
        return whole

    def leave(self) -> None:
        """Say goodbye, which cancels what is left; to a scheduler that does not answer, not for long."""

        def close() -> None:
            with suppress(Exception):
                self.client.close()

        if self.client is not None:
            closing = threading.Thread(target=close, daemon=True, name="driftcheck")
            closing.start()
            closing.join(_GRACE)


def _one(readings: Sequence[TargetReading]) -> TargetReading:
    """What the tasks of a target know of it; of several errors, the one that a single run would tell."""
    accounts = [*dict.fromkeys(each.account for each in readings if each.account)]
    regions = [*dict.fromkeys(each.region for each in readings if each.region)]
    errors = [each.error for each in readings if each.error]
    for what, found in (("accounts", accounts), ("regions", regions)):
        if len(found) > 1:
            message = f"workers read it in different {what}: {', '.join(sorted(found))}"
            errors.append(Unreadable("WorkersDisagree", message))
    is_one = len(accounts) <= 1 and len(regions) <= 1
    return TargetReading(
        readings[0].name,
        accounts[0] if accounts else None,
        regions[0] if regions else None,
        min(errors, key=lambda each: each.message, default=None),
        frozenset[str]().union(*(each.listed for each in readings if is_one)),
        is_one and all(each.is_reached for each in readings),
    )


def _line(error: object) -> str:
    return masked_text(" ".join(str(error).split()))[:_LENGTH] or type(error).__name__
