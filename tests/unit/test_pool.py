"""Calls side by side: whose turn it is, how long one may take, and how a run ends early."""

from __future__ import annotations

import threading
import time
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from driftcheck import pool
from driftcheck.pool import DeadlineError, OverdueError, RefusedError, Stop, StoppedError, call, run
from driftcheck.turns import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LONG = 30.0


class TooFastError(Exception):
    """What a call is refused with that came too fast."""


class Log:
    """What became of jobs, by name, in the order in which they ended."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[str, Any]] = []
        self.threads: set[int] = set()

    @property
    def order(self) -> list[str]:
        return [name for name, _ in self.outcomes]

    def job(
        self,
        name: str,
        call: Callable[[], Any] = lambda: None,
        *,
        group: str = "a",
        then: Callable[[], Iterable[Job]] = lambda: (),
    ) -> Job:
        def done(outcome: Any) -> Iterator[Job]:
            self.threads.add(threading.get_ident())
            self.outcomes.append((name, outcome))
            yield from then()

        return Job(group, call, done)


@pytest.fixture
def log() -> Log:
    return Log()


def run_all(
    jobs: Iterable[Job],
    *,
    workers: int = 4,
    limit: float = LONG,
    seconds: float = LONG,
    stop: Stop | None = None,
) -> None:
    run(
        jobs,
        workers=workers,
        limit=limit,
        until=monotonic() + seconds,
        stop=stop or Stop(),
        is_refusal=lambda error: isinstance(error, TooFastError),
    )


def test_every_job_has_its_outcome(log: Log) -> None:
    run_all(log.job(str(number), partial(pow, number, 2)) for number in range(50))

    assert sorted(log.outcomes, key=lambda pair: int(pair[0])) == [(str(n), n * n) for n in range(50)]
    assert log.threads == {threading.get_ident()}


def test_nothing_to_do_ends_at_once(log: Log) -> None:
    run_all([])
    assert log.outcomes == []


def test_an_exception_is_the_outcome_of_its_own_call(log: Log) -> None:
    def fails() -> None:
        raise ValueError("this one")

    run_all([log.job("bad", fails), log.job("good")])

    outcomes = dict(log.outcomes)
    assert isinstance(outcomes["bad"], ValueError)
    assert outcomes["good"] is None


def test_one_worker_takes_jobs_in_order_and_groups_in_turn(log: Log) -> None:
    jobs = [log.job(f"a{number}") for number in range(4)]
    jobs += [log.job(f"b{number}", group="b") for number in range(2)]

    run_all(jobs, workers=1)

    assert log.order == ["a0", "b0", "a1", "b1", "a2", "a3"]


def test_a_group_that_hangs_leaves_the_others_their_share(log: Log) -> None:
    release = threading.Event()

    def counted() -> Iterable[Job]:
        if len(log.order) == 20:
            release.set()
        return ()

    jobs = [log.job(f"a{number}", lambda: release.wait(LONG)) for number in range(20)]
    jobs += [log.job(f"b{number}", group="b", then=counted) for number in range(20)]

    run_all(jobs, workers=4, seconds=LONG)

    # every call of b was answered while those of a were waiting
    assert sorted(log.order[:20]) == sorted(f"b{number}" for number in range(20))
    assert not any(isinstance(outcome, Exception) for _, outcome in log.outcomes)


def test_never_more_calls_at_a_time_than_workers(log: Log) -> None:
    lock, now, most = threading.Lock(), 0, 0

    def call() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.005)
        with lock:
            now -= 1

    run_all((log.job(str(number), call) for number in range(40)), workers=3)

    assert most == 3
    assert len(log.outcomes) == 40


def test_jobs_that_follow_are_run(log: Log) -> None:
    def chain(number: int) -> Job:
        return log.job(str(number), then=lambda: [chain(number + 1)] if number < 9 else [])

    run_all([chain(0)], workers=2)

    assert log.order == [str(number) for number in range(10)]


def test_what_follows_comes_before_what_waits(log: Log) -> None:
    jobs = [log.job("page", then=lambda: [log.job("next page")]), *(log.job(str(n)) for n in range(3))]

    run_all(jobs, workers=1)

    assert log.order == ["page", "next page", "0", "1", "2"]


def test_a_call_that_is_overdue_is_given_up_and_replaced(log: Log) -> None:
    release = threading.Event()
    jobs = [log.job("slow", lambda: release.wait(LONG)), log.job("next"), log.job("last")]
    start = monotonic()

    run_all(jobs, workers=1, limit=0.2)

    assert monotonic() - start < 25
    assert log.order == ["slow", "next", "last"]
    assert isinstance(log.outcomes[0][1], OverdueError)
    assert [outcome for _, outcome in log.outcomes[1:]] == [None, None]
    release.set()


def test_the_answer_to_a_call_that_was_given_up_is_not_heard(log: Log) -> None:
    jobs = [log.job("slow", lambda: time.sleep(0.6)), log.job("other", lambda: time.sleep(0.2), group="b")]
    jobs += [log.job(f"{number}", lambda: time.sleep(0.2), group="b") for number in range(3)]

    run_all(jobs, workers=2, limit=0.25)

    assert len(log.outcomes) == 5
    assert isinstance(dict(log.outcomes)["slow"], OverdueError)


def test_the_deadline_ends_what_runs_and_what_waits(log: Log) -> None:
    release = threading.Event()
    jobs = [log.job("quick"), *(log.job(f"slow{n}", lambda: release.wait(LONG)) for n in range(5))]
    start = monotonic()

    run_all(jobs, workers=2, seconds=0.3)

    assert monotonic() - start < 25
    outcomes = dict(log.outcomes)
    assert outcomes.pop("quick") is None
    assert set(outcomes) == {f"slow{number}" for number in range(5)}
    assert {type(outcome) for outcome in outcomes.values()} == {DeadlineError}
    release.set()


def test_a_deadline_that_has_passed_makes_no_call(log: Log) -> None:
    called: list[int] = []

    run_all([log.job("late", lambda: called.append(1))], seconds=-1)

    assert called == []
    assert isinstance(log.outcomes[0][1], DeadlineError)


def test_a_request_to_stop_ends_the_run_at_once(log: Log) -> None:
    release, stop = threading.Event(), Stop()
    jobs = [log.job(f"slow{number}", lambda: release.wait(LONG)) for number in range(5)]
    timer = threading.Timer(0.1, stop.request)
    timer.start()
    start = monotonic()

    run_all(jobs, workers=2, stop=stop)

    assert monotonic() - start < 25
    assert len(log.outcomes) == 5
    assert {type(outcome) for _, outcome in log.outcomes} == {StoppedError}
    release.set()
    timer.join()


def test_a_request_before_the_run_makes_no_call(log: Log) -> None:
    stop, called = Stop(), []
    stop.request()

    run_all([log.job("late", lambda: called.append(1))], stop=stop)

    assert called == []
    assert isinstance(log.outcomes[0][1], StoppedError)


def test_jobs_that_would_follow_from_a_stopped_one_are_not_run(log: Log) -> None:
    stop, called = Stop(), []
    stop.request()

    run_all([log.job("first", then=lambda: [log.job("second", lambda: called.append(1))])], stop=stop)

    assert log.order == ["first"]
    assert called == []


def test_an_answer_that_came_before_the_end_is_heard(log: Log) -> None:
    stop, all_answered = Stop(), threading.Barrier(4)

    def busy() -> Iterable[Job]:
        # the pool's thread is held up here while the other answers come in, and then the signal
        all_answered.wait(LONG)
        time.sleep(0.2)
        stop.request()
        return ()

    first = log.job("first", then=busy)
    run_all([first, *(log.job(f"{n}", lambda: all_answered.wait(LONG)) for n in range(3))], stop=stop)

    assert sorted(log.order) == ["0", "1", "2", "first"]
    assert not any(isinstance(outcome, Exception) for _, outcome in log.outcomes)


def refusing(times: int, seconds: float = 0.0) -> Callable[[], int]:
    """A call that is refused so many times, and then answers how many that were."""
    refusals = 0

    def call() -> int:
        nonlocal refusals
        time.sleep(seconds)
        if refusals == times:
            return refusals
        refusals += 1
        raise TooFastError

    return call


def test_a_refused_call_is_made_again_until_it_is_not(log: Log) -> None:
    run_all([log.job("a", refusing(2)), log.job("b")], workers=1)

    assert dict(log.outcomes) == {"a": 2, "b": None}


def test_a_group_that_is_refused_holds_up_no_other(log: Log) -> None:
    jobs = [log.job(f"a{number}", refusing(1)) for number in range(4)]
    jobs += [log.job(f"b{number}", group="b") for number in range(100)]

    run_all(jobs, workers=2)

    # each of a was refused once, and rested for a quarter of a second at least
    assert not any(name.startswith("a") for name in log.order[:100])
    assert [outcome for _, outcome in log.outcomes[100:]] == [1] * 4


def test_a_group_of_which_nothing_gets_through_is_given_up_as_a_whole(log: Log) -> None:
    jobs = [log.job(f"a{number}", refusing(1000)) for number in range(50)]
    jobs.append(log.job("b", group="b"))

    run_all(jobs, limit=1)

    outcomes = dict(log.outcomes)
    assert outcomes.pop("b") is None
    assert len(outcomes) == 50
    assert {type(outcome) for outcome in outcomes.values()} == {RefusedError}
    assert isinstance(outcomes["a0"].last, TooFastError)
    assert outcomes["a0"].attempts >= 1
    assert outcomes["a49"].attempts in {0, 1}


def test_a_call_that_alone_is_refused_is_given_up_after_many_attempts(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_MOST_REFUSALS", 3)

    def more() -> Iterable[Job]:
        # something of the group gets through to the end
        return () if "never" in log.order else [log.job("other", then=more)]

    run_all([log.job("never", refusing(1000)), log.job("other", then=more)], workers=2, limit=3)

    never = dict(log.outcomes)["never"]
    assert isinstance(never, RefusedError)
    assert never.attempts >= 3
    assert log.order.count("other") >= 2


def test_a_refused_call_that_rests_is_told_of_the_end(log: Log) -> None:
    run_all([log.job("a", refusing(1000)), log.job("b")], seconds=0.2)

    assert isinstance(dict(log.outcomes)["a"], DeadlineError)


def test_one_group_leaves_a_quarter_of_the_workers_to_those_that_come_later(log: Log) -> None:
    release = threading.Event()

    def counted() -> Iterable[Job]:
        if sum(name.startswith("b") for name in log.order) == 9:
            release.set()
        return ()

    def opened() -> Iterable[Job]:
        return [log.job(f"b{number}", group="b", then=counted) for number in range(8)]

    hanging = [log.job(f"a{number}", lambda: release.wait(LONG)) for number in range(8)]
    slow = log.job("b", lambda: time.sleep(0.1), group="b", then=opened)

    run_all([*hanging, slow], workers=4, seconds=LONG)

    assert [name[0] for name in log.order[:9]] == ["b"] * 9
    assert not any(isinstance(outcome, Exception) for _, outcome in log.outcomes)


def test_one_call_gives_what_it_gives_or_raises_what_it_raises() -> None:
    def fail() -> int:
        raise KeyError("x")

    assert call(lambda: 3, 10) == 3
    with pytest.raises(KeyError, match="x"):
        call(fail, 10)


def test_one_call_that_takes_too_long_is_left_to_itself() -> None:
    with pytest.raises(OverdueError):
        call(lambda: time.sleep(30), 0.05)
