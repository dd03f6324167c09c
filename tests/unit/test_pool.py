"""Calls side by side: whose turn it is, how long one may take, and how a run ends early."""

from __future__ import annotations

import threading
import time
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from driftcheck.pool import DeadlineError, Job, OverdueError, Stop, StoppedError, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LONG = 30.0


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
    run(jobs, workers=workers, limit=limit, until=monotonic() + seconds, stop=stop or Stop())


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

    run_all(jobs, workers=4, seconds=10)

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

    assert monotonic() - start < 5
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

    assert monotonic() - start < 5
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

    assert monotonic() - start < 5
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
