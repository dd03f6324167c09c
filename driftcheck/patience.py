"""How often a call is tried again: as often as its time allows, whatever botocore's own bookkeeping says."""

from __future__ import annotations

import threading
from math import inf
from random import random
from time import monotonic
from typing import Any

MAX_ATTEMPTS = 10
_TOO_MANY = 429
_RATE_CODES = frozenset({"TooManyRequestsException", "RequestLimitExceeded", "SlowDown"})
"""Refusals for the rate that do not speak of throttling."""
_TROUBLE = frozenset({500, 502, 503, 504})
_ATTEMPTS_AT_TROUBLE = 6
"""So many take 1.5 s at most: what passes in that time costs no run, large as it may be, a definition."""
_LONGEST_PAUSE = 20.0
"""Seconds: what botocore waits at most before it tries again."""


class _GivenUpError(Exception):
    """Nobody waits for this call any more."""


class Tally:
    """How many requests were sent, and how many refused for the rate; any thread may count."""

    def __init__(self) -> None:
        self.made = 0
        self.throttled = 0
        self._lock = threading.Lock()

    def sent(self) -> None:
        """Count a request."""
        with self._lock:
            self.made += 1

    def refused(self) -> None:
        """Count a refusal."""
        with self._lock:
            self.throttled += 1


class Patience(threading.local):
    """Keeps the attempts of each thread's call within the time that a call may take."""

    until = inf
    """When the time of this thread's call is up, in ``monotonic`` seconds."""

    def __init__(self, seconds: float, tally: Tally) -> None:
        """Give every call so many seconds, and count its attempts."""
        self._seconds = seconds
        self._tally = tally

    def begin(self) -> None:
        """Start the time of a call."""
        self.until = monotonic() + self._seconds

    def watch(self, client: Any) -> None:
        """Stand before a client's attempts."""
        service = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register_last(f"before-send.{service}", self._before_send)
        # the first answer counts, and botocore's own handler stands at this very event
        client.meta.events.register_first(f"needs-retry.{service}", self._needs_retry)

    def _before_send(self, **_: Any) -> None:
        """Send nothing for a call that has been given up: there would be more of them than were asked for."""
        if monotonic() > self.until:
            raise _GivenUpError
        self._tally.sent()

    def _needs_retry(self, attempts: int, response: Any, **_: Any) -> float | bool | None:
        """Refuse an attempt that would come too late, so that the error is what the service said last.

        Refuse one after a refusal for the rate, which all calls of a target wait out together. Ask for one,
        some times, after trouble of the service's or of the network's, for which botocore has a quota that a
        large run uses up, and after a body that was cut short, which botocore does not notice. None leaves it
        to botocore.
        """
        status = response[0].status_code if response else None
        refused = bool(response) and is_throttled(response[1], status)
        if refused:
            self._tally.refused()
        # botocore waits at most so long: 0.05 s, doubled each time
        pause = min(0.05 * 2.0 ** (attempts - 1), _LONGEST_PAUSE)
        if refused or monotonic() + pause > self.until or attempts >= MAX_ATTEMPTS:
            return False
        in_trouble = status is None or status in _TROUBLE
        if (in_trouble and attempts < _ATTEMPTS_AT_TROUBLE) or (response and _is_cut_short(response[0])):
            return random() * pause  # noqa: S311 - no secret: it keeps calls from coming back all at once
        return None


def is_throttled(answer: Any, status: int | None) -> bool:
    """Tell whether a parsed answer with this HTTP status says that calls come too fast."""
    code = str(answer.get("Error", {}).get("Code"))
    return "Throttl" in code or code in _RATE_CODES or status == _TOO_MANY


def _is_cut_short(response: Any) -> bool:
    length = response.headers.get("Content-Length", "")
    return length.isdecimal() and len(response.content) < int(length)
