"""A call to a forge that failed: whether and when it is worth another try, and the reason in one line."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

GONE = (404, 410)
_UNKNOWN_LIMIT = 60.0
"""Seconds to wait where a rate limit does not say how long, as GitHub asks for."""
_SHOWN = 300
_TOO_MANY = 429
_REFUSED = 403
_SERVER = 500
_REASONS = (
    (
        300,
        399,
        "",
        "{forge} redirects, and the token goes nowhere else: give the present names of API and project",
    ),
    (401, 401, "", "{forge} does not take the token: it is wrong, expired or revoked"),
    (403, 403, "locked", "the conversation of {subject} is locked"),
    (
        403,
        403,
        "not accessible by integration",
        (
            "the token may only read: give it `pull-requests: write`; on a pull request from a fork it never "
            "has that, and docs/pull-requests.md shows the way with two workflows"
        ),
    ),
    (403, 403, "", "the token may not comment on {subject}: see its permissions"),
    (404, 404, "", "there is no {subject}, or the token cannot see it"),
    (500, 599, "", "{forge} failed, and the comment may be out of date"),
)
"""From status, to status, what the message speaks of, and the reason; the first row that fits is it."""


class CallFailedError(Exception):
    """A call that did not succeed.

    ``status`` is the HTTP status, 0 without an answer; ``message`` the forge's or library's own words, free
    of the token; ``headers`` those of the answer, their names in lower case.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = " ".join(message.split())[:_SHOWN]
        self.headers: Mapping[str, str] = headers or {}


def words(error: BaseException, token: str) -> str:
    """What an exception says, free of the token; that of a connection is wrapped several times."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return f"{type(error).__name__}: {error}".replace(token, "(token)")


def pause(failure: CallFailedError, tried: int, now: float) -> float | None:
    """Seconds until the next try, or None where another one would fare no better.

    ``tried`` is how many tries there were before; ``now`` is in seconds since 1970.
    """
    if _is_limit(failure):
        asked = _retry_after(failure.headers, now)
        if asked is not None:
            return asked
        epoch = _window_end(failure.headers)
        # the header tells whole seconds
        return _UNKNOWN_LIMIT if epoch is None else max(epoch - now + 1, 0.0)
    if failure.status == 0 or failure.status >= _SERVER:
        return max(_retry_after(failure.headers, now) or 0.0, 2.0**tried)
    return None


def reason(failure: CallFailedError, forge: str, subject: str) -> str:
    """Why the comment could not be made, and what to do, in one line.

    ``forge`` is its name, ``subject`` the request as the user knows it: ``pull request 7 of owner/name``.
    """
    if not failure.status:
        return f"{forge} cannot be reached, or its answer is damaged: {failure.message}"
    why = _why(failure.status, failure.message.lower()).format(forge=forge, subject=subject)
    if _is_limit(failure):
        why = f"{forge}'s rate limit is used up{_when(failure.headers)}"
    return f"{why} ({failure.status}{': ' * bool(failure.message)}{failure.message})"


def _why(status: int, message: str) -> str:
    for lowest, highest, speaks_of, why in _REASONS:
        if lowest <= status <= highest and speaks_of in message:
            return why
    return "{forge} does not take the comment on {subject}"


def _is_limit(failure: CallFailedError) -> bool:
    if failure.status == _TOO_MANY:
        return True
    return failure.status == _REFUSED and (
        failure.headers.get("x-ratelimit-remaining") == "0"
        or "retry-after" in failure.headers
        or "rate limit" in failure.message.lower()
    )


def _when(headers: Mapping[str, str]) -> str:
    epoch = _window_end(headers)
    if epoch is not None:
        with suppress(ValueError, OverflowError, OSError):
            return f" until {datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M:%S} UTC"
    seconds = _number(headers.get("retry-after", ""))
    return "" if seconds is None else f" for {seconds:.0f} seconds"


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """The header of that name, which holds seconds or a date."""
    text = headers.get("retry-after")
    if text is None:
        return None
    seconds = _number(text)
    if seconds is None:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - now
        except (ValueError, OverflowError, OSError):
            return _UNKNOWN_LIMIT
    return max(seconds, 0.0)


def _window_end(headers: Mapping[str, str]) -> float | None:
    """When the limit's window ends, in seconds since 1970.

    GitHub tells that with every answer, also where another limit is meant: there, something remains.
    """
    if headers.get("x-ratelimit-remaining", "0") != "0":
        return None
    return _number(headers.get("x-ratelimit-reset") or headers.get("ratelimit-reset") or "")


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
