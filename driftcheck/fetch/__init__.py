"""Everything that a run reads: the declared definitions, and the names of those that exist."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from driftcheck import pool
from driftcheck.aws import WrongAccountError, is_throttled, profile_of, unreadable
from driftcheck.causes import join_operations, join_unlisted
from driftcheck.fetch.listing import Listing, throttled_alike
from driftcheck.kinds import KINDS, TAGS
from driftcheck.model import CUT_SHORT, NOT_LOOKED_FOR, Calls, Live, TargetReading, Unreadable, Warn
from driftcheck.turns import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from driftcheck.aws import Page
    from driftcheck.desired import DesiredState
    from driftcheck.kinds import Kind
    from driftcheck.memory import Memory
    from driftcheck.model import Address, Desired, Finding, Reading, Target

_ARN = re.compile(r"arn:[^:]+:sagemaker:[^:]*:([0-9]{12}):.+")
_IDENTITY_LIMIT = 5.0
"""Seconds for GetCallerIdentity, which takes one at most where it is answered at all; no run waits longer."""


class OpenTarget(Protocol):
    """One target that was reached; its methods may be called from any thread."""

    account: str | None
    region: str

    def identify(self) -> str:
        """Ask for the account of the credentials."""

    def describe(self, kind: Kind, name: str) -> Reading:
        """Read one definition, without its tags."""

    def tagged(self, reading: Live) -> Live:
        """The same reading with its tags."""

    def list(self, kind: Kind, token: str | None) -> Page:
        """One page of the definitions that exist."""


class Cloud(Protocol):
    """Where targets are reached."""

    @property
    def calls(self) -> Calls:
        """What was sent to them so far."""

    def open(self, target: Target) -> OpenTarget:
        """Reach a target."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at a time, and how long: ``timeout`` for one call with its retries, ``deadline`` for the run.

    Both are seconds; the run's begin ``since``, in ``monotonic`` seconds.
    """

    concurrency: int = 16
    timeout: float = 60.0
    deadline: float = 3600.0
    since: float = field(default_factory=monotonic)

    @property
    def until(self) -> float:
        """When the run's time is up, in ``monotonic`` seconds."""
        return self.since + self.deadline


@dataclass(slots=True)
class Fetched:
    """What was found out beside the readings: what else exists, and how the targets were reached.

    ``is_cut_short``: something was not read because of a signal or the deadline.
    """

    unmanaged: dict[Address, Finding] = field(default_factory=dict)
    targets: list[TargetReading] = field(default_factory=list)
    warnings: list[Warn] = field(default_factory=list)
    calls: Calls = field(default_factory=lambda: Calls(0, 0))
    is_cut_short: bool = False


def fetch(
    state: DesiredState,
    cloud: Cloud,
    limits: Limits,
    *,
    unmanaged: bool,
    stop: pool.Stop,
    keep: Callable[[Desired, Reading], None],
    memories: Mapping[str, Memory] | None = None,
) -> Fetched:
    """Read what is declared; what a failure touches, and that alone, is ``Unreadable``.

    ``keep`` is given the one reading of each declared definition as soon as there is one. ``memories`` are of
    the targets, where Describe is to be called only for what List shows to be new or recreated.
    """
    run = Run(state, cloud, limits, unmanaged, keep, memories or {})
    pool.run(
        run.first_jobs(),
        workers=limits.concurrency,
        limit=limits.timeout,
        until=limits.until,
        stop=stop,
        is_refusal=is_throttled,
    )
    pool.run(
        run.identity_jobs(),
        workers=limits.concurrency,
        limit=run.identity_limits.timeout,
        until=limits.until,
        stop=stop,
    )
    run.fetched.warnings += [Warn(NOT_LOOKED_FOR, each) for each in join_unlisted(run.unlisted)]
    run.fetched.targets = [run.target_reading(target) for target in state.targets]
    run.fetched.calls = cloud.calls
    return run.fetched


def unanswered(operation: str, error: Exception, limits: Limits) -> Unreadable:
    """What kept an operation of a run from being answered, as a code and one line without credentials."""
    match error:
        case pool.StoppedError():
            return Unreadable("Interrupted", f"{operation}: the run was interrupted before an answer came")
        case pool.DeadlineError():
            limit = f"{limits.deadline:g} s of the whole run were over"
            return Unreadable("DeadlineExceeded", f"{operation}: the {limit} before an answer came")
        case pool.OverdueError():
            return Unreadable("Timeout", f"{operation}: no whole answer within {limits.timeout:g} s")
        case pool.RefusedError():
            return unreadable(operation, error.last, error.attempts)
    return unreadable(operation, error)


@dataclass(slots=True)
class Run:
    """The jobs of a run, and what has come of them so far."""

    state: DesiredState
    cloud: Cloud
    limits: Limits
    with_unmanaged: bool
    keep: Callable[[Desired, Reading], None]
    memories: Mapping[str, Memory]
    fetched: Fetched = field(default_factory=Fetched)
    accounts: dict[str, str] = field(default_factory=dict)
    opened: dict[str, OpenTarget] = field(default_factory=dict)
    errors: dict[str, Unreadable] = field(default_factory=dict)
    profiles: dict[str, str | None] = field(default_factory=dict)
    listed: dict[str, set[str]] = field(default_factory=dict)
    list_errors: dict[str, list[Unreadable]] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    """Targets of which AWS gave an answer; that one could be opened says nothing."""

    def first_jobs(self) -> Iterator[Job]:
        """Reach each target."""
        definitions: dict[str, list[Desired]] = {target.name: [] for target in self.state.targets}
        for desired in self.state.definitions:
            definitions[desired.address.target].append(desired)
        for target in self.state.targets:
            self.profiles[target.name] = profile_of(target)
            done = partial(self.on_open, target.name, definitions[target.name])
            yield Job(target.name, partial(self.cloud.open, target), done)

    def on_open(self, name: str, definitions: list[Desired], outcome: Any) -> Iterable[Job]:
        """Read what is declared for a target that was reached, and the lists that are needed of it."""
        if isinstance(outcome, Exception):
            self.on_failure(name, definitions, outcome)
            return
        self.opened[name] = outcome
        if any(target.name == name and target.account for target in self.state.targets):
            self.answered.add(name)  # its account was asserted
        memory = self.memories.get(name)
        waiting: dict[str, list[Desired]] = {}
        if memory is not None and memory.earlier is not None:
            for desired in definitions:
                waiting.setdefault(desired.address.kind, []).append(desired)
        looked_for = set(self.state.listed(name)) if self.with_unmanaged else set()
        # the pages of a List follow from one another and take the longest, so they begin first
        for kind in KINDS.values():
            if kind in looked_for or kind.name in waiting:
                for_these = waiting.get(kind.name, [])
                yield Listing(self, name, outcome, kind, kind in looked_for, for_these).job()
        for desired in definitions:
            if desired.address.kind not in waiting:
                yield self.description(outcome, desired)

    def on_failure(self, name: str, definitions: Iterable[Desired], failure: Exception) -> None:
        """Give out why nothing was read of a target that was not reached."""
        self.errors[name] = error = self.error(name, "cannot reach the target", failure)
        if isinstance(failure, WrongAccountError):
            self.accounts[name] = failure.account
        for desired in definitions:
            self.keep(desired, error)

    def description(self, target: OpenTarget, desired: Desired) -> Job:
        """Describe a definition."""
        address = desired.address
        kind, memory = KINDS[address.kind], self.memories.get(address.target)

        def done(outcome: Any) -> Iterable[Job]:
            if memory is not None and isinstance(outcome, Live):
                memory.note(desired, outcome, datetime.now(UTC))
            elif memory is not None:
                memory.forget(desired)
            return self.on_description(target, desired, outcome)

        group = throttled_alike(address.target, target)
        return Job(group, partial(target.describe, kind, address.name), done)

    def on_description(self, target: OpenTarget, desired: Desired, outcome: Any) -> Iterable[Job]:
        """Read the tags, where they are declared: that a definition is the same says nothing about them."""
        if not isinstance(outcome, Exception | Unreadable):
            self.answered.add(desired.address.target)
        if isinstance(outcome, Live) and TAGS in desired.properties:
            group = throttled_alike(desired.address.target, target)
            done = partial(self.on_reading, desired, "ListTags")
            return (Job(group, partial(target.tagged, outcome), done),)
        return self.on_reading(desired, KINDS[desired.address.kind].describe, outcome)

    def on_reading(self, desired: Desired, operation: str, outcome: Any) -> Iterable[Job]:
        """Give out the one reading of a definition."""
        target = desired.address.target
        reading = self.error(target, operation, outcome) if isinstance(outcome, Exception) else outcome
        if isinstance(reading, Live):
            self.learn_account(target, reading.arn)
        self.keep(desired, reading)
        return ()

    def learn_account(self, target: str, arn: str | None) -> None:
        """Take a target's account from the ARN of what is in it."""
        if target not in self.accounts and (parts := _ARN.fullmatch(arn or "")):
            self.accounts[target] = parts[1]

    @property
    def identity_limits(self) -> Limits:
        """The run's limits, with the time that GetCallerIdentity has."""
        return replace(self.limits, timeout=min(self.limits.timeout, _IDENTITY_LIMIT))

    def identity_jobs(self) -> list[Job]:
        """Ask STS for the account of each target of which no ARN was read, or nothing at all."""

        def done(target: str, outcome: Any) -> Iterable[Job]:
            if isinstance(outcome, str):
                self.accounts[target] = outcome
                self.answered.add(target)
            elif target not in self.answered:
                operation = "cannot reach the target: GetCallerIdentity"
                error = self.error(target, operation, outcome, self.identity_limits)
                self.errors.setdefault(target, error)
            return ()

        return [
            Job(name, reached.identify, partial(done, name))
            for name, reached in self.opened.items()
            if name not in self.answered or (reached.account is None and name not in self.accounts)
        ]

    def error(
        self, target: str, operation: str, error: Exception, limits: Limits | None = None
    ) -> Unreadable:
        """What kept an operation on a target from being answered."""
        found = unanswered(operation, error, limits or self.limits)
        if found.code in CUT_SHORT:
            self.fetched.is_cut_short = True
        return replace(found, profile=self.profiles.get(target))

    def target_reading(self, target: Target) -> TargetReading:
        """How a target was reached, and what kept it from being read whole.

        The account is what AWS answered: that of driftcheck.toml is only what it should be.
        """
        reached = self.opened.get(target.name)
        account = (reached.account if reached else None) or self.accounts.get(target.name)
        error = self.errors.get(target.name)
        if refusals := self.list_errors.get(target.name):
            code, message = join_operations((each.code, each.message) for each in refusals)[0]
            error = Unreadable(code, message, self.profiles.get(target.name))
        return TargetReading(
            target.name,
            account,
            reached.region if reached else target.region,
            error,
            frozenset(self.listed.get(target.name, ())),
            target.name in self.answered,
        )
