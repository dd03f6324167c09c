"""The pages of List: what exists, and which definitions are still those that were described."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from driftcheck import pool
from driftcheck.causes import unlisted_text
from driftcheck.model import Address, Finding, Status, Unreadable
from driftcheck.turns import Job

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftcheck.aws import Summary
    from driftcheck.fetch import OpenTarget, Run
    from driftcheck.kinds import Kind
    from driftcheck.model import Desired

_MAX_IDLE_PAGES = 50
"""An empty page is not the last one; this many in a row that name nothing new are no list any more."""

_DENIED = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation"})


def throttled_alike(name: str, reached: OpenTarget) -> str:
    """What the calls of a target have in common with those that take from the same rate."""
    return f"{reached.account or name} {reached.region}"


@dataclass(slots=True)
class Listing:
    """The pages of one kind in one target.

    ``waiting`` are the definitions of which ``shown`` may say that they are still those that were described.
    """

    run: Run
    target: str
    reached: OpenTarget
    kind: Kind
    looks_for_unmanaged: bool
    waiting: list[Desired]
    token: str | None = None
    seen: set[str] = field(default_factory=set)
    idle: int = 0
    shown: dict[str, Summary | None] = field(default_factory=dict)

    def job(self) -> Job:
        """Read the next page."""
        group = throttled_alike(self.target, self.reached)
        return Job(group, partial(self.reached.list, self.kind, self.token), self.on_page)

    def on_page(self, outcome: Any) -> Iterable[Job]:
        """Take a page in, and read the next one or, after the last, describe what has to be."""
        if isinstance(outcome, Exception):
            error = self.run.error(self.target, self.kind.list, outcome)
            self.fail(error)
            if isinstance(outcome, pool.StoppedError | pool.DeadlineError):
                # the run is over, and what would follow is not made any more
                for desired in self.waiting:
                    self.run.keep(desired, error)
                return
            yield from self.describe_all()
            return
        self.run.answered.add(self.target)
        news = [self.keep(summary) for summary in outcome.summaries]
        self.idle = 0 if any(news) else self.idle + 1
        self.token = outcome.token
        if self.token is None:
            if self.looks_for_unmanaged:
                self.run.listed.setdefault(self.target, set()).add(self.kind.name)
            yield from self.describe_what_changed()
            return
        if self.token in self.seen or self.idle > _MAX_IDLE_PAGES:
            self.fail(Unreadable("EndlessList", f"{self.kind.list}: its pages never come to an end"))
            yield from self.describe_all()
            return
        self.seen.add(self.token)
        yield self.job()

    def describe_all(self) -> Iterable[Job]:
        """Describe everything that waits, for what is shown says nothing."""
        return [self.run.description(self.reached, desired) for desired in self.waiting]

    def describe_what_changed(self) -> Iterable[Job]:
        """Describe what is not shown as what is known."""
        memory = self.run.memories.get(self.target)
        for desired in self.waiting:
            shown = self.shown.get(desired.address.name)
            known = None
            if memory is not None and shown is not None:
                known = memory.recall(self.kind.name, shown.name, shown.arn, shown.created_at)
            if known is None:
                yield self.run.description(self.reached, desired)
            else:
                yield from self.run.on_description(self.reached, desired, known)

    def keep(self, summary: Summary) -> bool:
        """Note a definition that exists; tell whether this is the first time that it is named."""
        self.run.learn_account(self.target, summary.arn)
        first = self.shown.setdefault(summary.name, summary)
        if first is not summary:
            if first != summary:
                # recreated while the pages were read, or damage: it is described
                self.shown[summary.name] = None
            return False
        address = Address(self.kind.name, self.target, summary.name)
        if self.looks_for_unmanaged and self.run.state.is_unmanaged(address):
            self.run.fetched.unmanaged[address] = Finding(
                address, Status.UNMANAGED, arn=summary.arn, created_at=summary.created_at
            )
        return True

    def fail(self, error: Unreadable) -> None:
        """Note that what exists is not known; for a kind that no file has a list of, that may be intended."""
        if not self.looks_for_unmanaged:
            return
        if error.code in _DENIED and (self.target, self.kind.name) not in self.run.state.declared:
            said = unlisted_text(self.target, self.kind.name, (error.code, error.message))
            self.run.unlisted.append(said)
        else:
            self.run.list_errors.setdefault(self.target, []).append(error)
