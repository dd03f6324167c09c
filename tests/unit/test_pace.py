"""The pace against a service that refuses what comes too fast, in time that is counted and not waited for."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import pytest

from driftcheck.pace import Pace


@dataclass
class Server:
    """A token bucket: ``burst`` calls at once, then ``rate`` a second; answers take ``latency`` seconds."""

    rate: float
    burst: float
    latency: float = 0.05
    passed: int = 0
    refused: int = 0
    _level: float = -1.0
    _then: float = 0.0

    def admits(self, now: float) -> bool:
        level = self.burst if self._level < 0 else self._level
        self._level = min(self.burst, level + (now - self._then) * self.rate)
        self._then = now
        if self._level < 1:
            self.refused += 1
            return False
        self._level -= 1
        self.passed += 1
        return True


def drive(pace: Pace, server: Server, *, start: float, seconds: float, workers: int = 16) -> None:
    """Send calls to the server for so long, as many at a time and as soon as the pace allows."""
    now = start
    answers: list[tuple[float, float, bool]] = []
    while now < start + seconds:
        if len(answers) < min(workers, pace.window) and pace.next(now) <= now:
            pace.sent(now)
            heapq.heappush(answers, (now + server.latency, now, server.admits(now + server.latency / 2)))
            continue
        turns = [answers[0][0]] if answers else []
        if len(answers) < min(workers, pace.window):
            turns.append(pace.next(now))
        now = min(turns)
        while answers and answers[0][0] <= now:
            at, sent, was_passed = heapq.heappop(answers)
            if was_passed:
                pace.passed()
            else:
                pace.refused(sent, at)


def test_nothing_is_held_back_before_a_refusal() -> None:
    pace, server = Pace(), Server(rate=10_000, burst=10_000)

    drive(pace, server, start=100, seconds=2)

    # 16 at a time, each of which takes 50 ms
    assert server.passed >= 16 * 2 / 0.05


@pytest.mark.parametrize("latency", [0.005, 0.05, 0.3])
@pytest.mark.parametrize(("rate", "burst"), [(20, 20), (20, 5), (20, 100), (5, 5), (100, 100)])
def test_the_rate_is_found_and_kept_just_below(rate: float, burst: float, latency: float) -> None:
    pace, server = Pace(), Server(rate, burst, latency)
    drive(pace, server, start=100, seconds=10, workers=64)
    server.passed = server.refused = 0

    drive(pace, server, start=110, seconds=60, workers=64)

    assert server.passed >= 0.95 * rate * 60
    assert server.refused <= 0.05 * (server.passed + server.refused)


def test_a_run_from_the_start_wastes_little() -> None:
    pace, server = Pace(), Server(rate=20, burst=20)

    drive(pace, server, start=100, seconds=20)

    # 20 at once and 20 in each of 20 seconds
    assert server.passed >= 0.95 * (20 + 20 * 20)
    assert server.refused <= 0.05 * (server.passed + server.refused)


def test_a_rate_that_falls_and_rises_again_is_followed() -> None:
    pace, server = Pace(), Server(rate=50, burst=50)
    drive(pace, server, start=100, seconds=20)

    server.rate = 10
    drive(pace, server, start=120, seconds=10)
    server.passed = 0
    drive(pace, server, start=130, seconds=20)
    assert server.passed >= 0.9 * 10 * 20

    server.rate = 50
    drive(pace, server, start=150, seconds=20)
    server.passed = 0
    drive(pace, server, start=170, seconds=20)
    assert server.passed >= 0.9 * 50 * 20


def test_a_service_that_refuses_everything_is_asked_seldom_and_soon_used_again() -> None:
    pace, server = Pace(), Server(rate=0, burst=1)

    drive(pace, server, start=100, seconds=60)
    assert server.passed == 1
    # 16 before the first refusal is heard, and about one a second once the pace is found
    assert server.refused < 90

    server.rate, server.burst, server.passed = 20, 20, 0
    drive(pace, server, start=160, seconds=20)
    assert server.passed >= 0.6 * (20 + 20 * 20)


def test_refusals_of_what_was_sent_before_the_last_one_was_heard_say_nothing_new() -> None:
    pace = Pace()
    for number in range(40):
        pace.sent(100 + number / 100)
        pace.passed()
    pace.sent(100.39)
    pace.refused(100.39, 100.44)
    then = pace.next(100.45)

    for _ in range(10):
        pace.refused(100.40, 100.44)

    assert pace.next(100.45) == then
