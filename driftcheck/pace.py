"""How fast calls may be sent to an API that refuses those that come too fast and does not say what that is.

The service fills a bucket with tokens at some rate, up to some number, and every call takes one. Between two
refusals, both of which found the bucket empty, as many calls passed as tokens came: that measures the rate,
once the refusals are a second or more apart. Calls are then sent a little below it, and slowly faster until
the next refusal, which measures again. Times are in ``monotonic`` seconds and given by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

_LEAST_SPAN = 1.0
"""Seconds between two refusals below which what passed in between says nothing about the rate."""

_LEAST, _FIRST = 1.0, 2.0
"""Calls a second: the slowest pace, and the slowest after the first refusal."""

_BELOW = 0.96
_GROWTH = 3.0
"""Where a measured rate is begun again, and what the pace is multiplied by in each second before that."""

_SHORTEST, _LONGEST, _CALLS = 2.0, 8.0, 40.0
"""Seconds from just below a measured rate up to it; the longest is at least the time of so many calls."""

_ALIKE, _TELLING = 0.1, 5
"""How much two measurements in a row may differ, and what must have passed, for the rate to be settled."""


@dataclass(slots=True)
class Pace:
    """The pace of one (account, region): as fast as calls are answered, until one is refused.

    ``window`` is how many may be under way: what is sent before the first refusal is heard is refused too.
    """

    window: float = 16.0
    _limited: bool = False
    _base: float = inf
    _aim: float = inf
    _climb: float = 0.0
    _since: float = -inf
    _measured_from: float = -inf
    _passed: int = 0
    _burst: int = 0
    _last: float = -inf

    def next(self, now: float) -> float:
        """When the next call may be sent: ``now``, or later."""
        return max(now, self._last + 1 / self._rate(now)) if self._limited else now

    def sent(self, now: float) -> None:
        """Note that a call is sent."""
        if self._measured_from == -inf:
            self._measured_from = now
        if self._limited:
            # a turn that is taken a little late does not make those after it late
            step = 1 / self._rate(now)
            now = max(self._last + step, now - step)
        self._last = now

    def passed(self) -> None:
        """Note that a call was not refused."""
        self._passed += 1
        if not self._limited:
            self.window += 0.25

    def refused(self, sent: float, now: float) -> None:
        """Note that the call sent at ``sent`` was refused; one of an earlier pace says nothing."""
        if sent < self._since:
            return
        span, rate = now - self._measured_from, self._rate(sent)
        self._since = now
        if not self._limited:
            self._limited, self.window = True, inf
            self._burst = self._passed
            self._base = max(self._passed / max(span, _LEAST_SPAN) / 2, _FIRST)
        elif span < _LEAST_SPAN:
            self._base = max(rate * (0.9 if self._climb else 0.5), _LEAST)
            return
        else:
            self._settle(max(self._passed / span, _LEAST), rate)
        self._measured_from, self._passed = now, 0

    def _rate(self, now: float) -> float:
        """Calls a second: growing fast until the rate is measured, then up to it, and beyond ever faster."""
        if not self._limited:
            return inf
        span = max(now - self._since, 0.0)
        if not self._climb:
            return self._base * float(_GROWTH**span)
        beyond = (span - self._climb) / self._climb
        if beyond < 0:
            return self._aim - (self._aim - self._base) * -(beyond**3)
        return self._aim * (1 + 0.05 * beyond + beyond**3)

    def _settle(self, measured: float, refused: float) -> None:
        # a bucket that held less than half a second's worth lost tokens to its rim while calls came slowly
        was_full = self._burst < measured / 2
        aim = sqrt(measured * max(refused, measured)) if was_full else measured
        if not self._climb:
            self._climb = _SHORTEST
        elif self._passed >= _TELLING and abs(aim / self._aim - 1) < _ALIKE:
            self._climb = min(self._climb * 2, max(_LONGEST, _CALLS / aim))
        else:
            self._climb = max(self._climb / 2, _SHORTEST)
        self._aim, self._base = aim, _BELOW * aim
