"""One comment on a pull or merge request, always current: what is there, what is wanted, and what to do.

The forges differ only in their calls (``github_``, ``gitlab_``); what is decided from their answers is here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from driftcheck.errors import DriftcheckError
from driftcheck.forge.faults import GONE, CallFailedError, pause, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from driftcheck.forge.where import Run

LIMITS = {"github": 65_536, "gitlab": 1_000_000}
"""Characters that a comment may have on each forge."""

TRIES = 4
MAX_WAIT = 60.0
"""Seconds that are waited altogether, for a rate limit or for a forge that does not answer."""

_STARTED = re.compile(r"<!-- ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z) -->")
_SKEW = timedelta(minutes=10)
_LOOKS = 3
"""How often the comments are looked at: again after one was made, or was deleted by somebody meanwhile."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as the forge has it; ids of later ones are higher."""

    id: int
    author: str
    body: str


def comment(number: Any, author: Any, body: Any) -> Comment:
    """A comment of an answer.

    Raises:
        CallFailedError: the answer holds something else.
    """
    if isinstance(number, int) and isinstance(author, str) and isinstance(body, str):
        return Comment(number, author, body)
    raise CallFailedError(0, "the answer is no comment")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The comment to be there: ``body`` begins with ``marker``, by which it is found again.

    ``started`` is when its result's run started, ISO 8601 in UTC; the body's second line says it too.
    """

    marker: str
    body: str
    started: str


class Forge(Protocol):
    """One request on a forge. Whatever keeps a call from succeeding is a ``CallFailedError``."""

    name: str

    @property
    def subject(self) -> str:
        """The request as messages call it."""

    def settle(self, run: Run | None) -> None:
        """Find the request of a run, or make sure that it is the run's; nothing to do without one."""

    def viewer(self) -> str:
        """Who the token is: the author of the comments that it makes."""

    def comments(self) -> list[Comment]:
        """All comments, of every page."""

    def create(self, body: str) -> Comment:
        """Make a comment."""

    def update(self, number: int, body: str) -> Comment:
        """Replace a comment's text."""

    def delete(self, number: int) -> None:
        """Delete a comment."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The time, in seconds since 1970, and how to let it pass."""

    now: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to do: ``create`` a comment, ``update`` one, ``delete`` doubles.

    ``newer`` tells that the one that is there shows a newer result, and stays as it is.
    """

    create: bool = False
    update: int | None = None
    delete: tuple[int, ...] = ()
    newer: bool = False


def marker(identity: str) -> str:
    """The hidden first line of the comment of that ``--id``.

    Raises:
        ValueError: the text could be more than a name.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", identity) or "--" in identity or identity[-1] == "-":
        raise ValueError(
            f"`{identity}` is no name: letters, digits, `.`, `_` and single `-` within it, at most 64"
        )
    return f"<!-- driftcheck:{identity} -->"


def decide(comments: Sequence[Comment], viewer: str, wanted: Wanted, now: float) -> Plan:
    """What makes the comment be there once, as it is wanted.

    Only the viewer's own comments that begin with the marker count: of somebody else's, even a copy of it
    stays what it is. The oldest is kept. One that shows a newer result than the wanted one stays, or a slow
    run would put back what a later one replaced; but none that claims to come from the future.
    """
    mine = sorted(
        (each for each in comments if each.author == viewer and each.body.startswith(wanted.marker)),
        key=lambda each: each.id,
    )
    if not mine:
        return Plan(create=True)
    latest = _time(datetime.fromtimestamp(now, UTC) + _SKEW)
    newer = [each for each in mine if wanted.started < _started(each, wanted) <= latest]
    kept = max(newer, key=lambda each: _started(each, wanted)) if newer else mine[0]
    return Plan(
        update=None if newer or _same(kept.body, wanted.body) else kept.id,
        delete=tuple(each.id for each in mine if each is not kept),
        newer=bool(newer),
    )


def publish(forge: Forge, wanted: Wanted, run: Run | None, clock: Clock) -> str:
    """Make the comment be there once, as it is wanted, and say in a word what that took.

    A call is never simply repeated: what failed may have been done all the same, so the comments are looked
    at again first.

    Raises:
        DriftcheckError: it could not be done; one line that says why.
    """
    written: dict[int, Comment] = {}
    waited = 0.0
    tried = 0
    while True:
        try:
            forge.settle(run)
            return _converge(forge, wanted, written, clock)
        except CallFailedError as failure:
            seconds = pause(failure, tried, clock.now())
            tried += 1
            if seconds is None or waited + seconds > MAX_WAIT or tried == TRIES:
                raise DriftcheckError(f"error: {reason(failure, forge.name, forge.subject)}") from None
            waited += seconds
            clock.sleep(seconds)


def _converge(forge: Forge, wanted: Wanted, written: dict[int, Comment], clock: Clock) -> str:
    """Look and do until nothing is left to do; ``written`` is what was made, which a list may show late."""
    viewer = forge.viewer()
    done = "created" if written else "unchanged"
    for _ in range(_LOOKS):
        listed = {**written, **{each.id: each for each in forge.comments()}}
        plan = decide(list(listed.values()), viewer, wanted, clock.now())
        if plan.create:
            made = _checked(forge.create(wanted.body), wanted)
            written[made.id] = Comment(made.id, viewer, wanted.body)
            done = "created"
            continue  # another run may have made one at the same time
        try:
            if plan.update is not None:
                _checked(forge.update(plan.update, wanted.body), wanted)
                done = "updated"
        except CallFailedError as failure:
            if failure.status not in GONE:
                raise
            written.clear()
            continue  # it was deleted meanwhile
        for double in plan.delete:
            _delete(forge, double)
        if plan.newer:
            return "left as it is: it shows a newer result"
        return done
    raise CallFailedError(404, "the comment is deleted again and again")


def _delete(forge: Forge, number: int) -> None:
    try:
        forge.delete(number)
    except CallFailedError as failure:
        if failure.status not in GONE:
            raise


def _checked(answer: Comment, wanted: Wanted) -> Comment:
    """The answer to a call that wrote, if it is one: a redirect or a proxy's page may have looked like it."""
    if not answer.body.startswith(wanted.marker):
        raise CallFailedError(0, "the answer does not show the comment that was sent")
    return answer


def _same(one: str, other: str) -> bool:
    return one.replace("\r\n", "\n").rstrip() == other.rstrip()


def _started(comment: Comment, wanted: Wanted) -> str:
    found = _STARTED.match(comment.body[len(wanted.marker) :].lstrip("\r\n"))
    return found[1] if found else ""


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
