"""A run that is interrupted or terminated writes what is known, marked incomplete."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.functional.definitions import ACCOUNT, MODEL_QUALITY, minimal, write_desired
from tests.functional.faults import Hang
from tests.functional.results import held, valid

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Launch
    from tests.functional.service import Service

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
SLOW = [f"slow-{number:02}" for number in range(20)]


@pytest.fixture(autouse=True)
def _half_answered(service: Service, tmp_path: Path) -> None:
    """Three definitions that are answered, and twenty that are not."""
    names = ["a-steady", "b-moved", "c-gone", *SLOW]
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in names]})
    for name in names:
        if name != "c-gone":
            service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))
    service.mutate(MODEL_QUALITY, "b-moved", ("RoleArn",), f"arn:aws:iam::{ACCOUNT}:role/other")
    service.fail(Hang(), name="slow-*")


@pytest.mark.parametrize(("number", "expected"), SIGNALS)
def test_a_signal_midway_leaves_what_was_read(
    service: Service, launch: Launch, tmp_path: Path, number: signal.Signals, expected: int
) -> None:
    running = launch("check", "--concurrency", "8", "-o", "r.json", "-o", "r.md", "-o", "json=-")
    # eight that hang fill all workers, so that the three and the lists have been answered and read
    service.wait_for(8, "Describe*")
    deadline = time.monotonic() + 20
    while sum(call.name in SLOW for call in service.calls) < 8:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    start = time.monotonic()
    running.signal(number)
    outcome = running.finish(seconds=30)

    assert time.monotonic() - start < 25
    result = held(outcome, service)
    assert result.exit_code == expected
    assert (result.document["complete"], result.document["interrupted"]) == (False, True)
    assert result.statuses == {
        "a-steady": "in_sync",
        "b-moved": "drifted",
        "c-gone": "missing",
    } | dict.fromkeys(SLOW, "error")
    assert result.errors == dict.fromkeys(SLOW, "Interrupted")
    assert valid((tmp_path / "r.json").read_text("utf-8")) == result.document
    assert "b-moved" in (tmp_path / "r.md").read_text("utf-8")


@pytest.mark.parametrize(("number", "expected"), SIGNALS)
def test_a_second_signal_ends_the_process_at_once(
    service: Service, launch: Launch, tmp_path: Path, number: signal.Signals, expected: int
) -> None:
    # the report goes to a pipe that nobody reads: after the first signal, writing it takes for ever
    os.mkfifo(tmp_path / "r.md")
    running = launch("check", "-o", "r.md")
    service.wait_for(16, "Describe*")
    running.signal(number)
    time.sleep(1)
    assert running.process.poll() is None
    running.signal(number)
    outcome = running.finish(seconds=30)

    assert outcome.exit_code == expected
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize(("number", "expected"), SIGNALS)
def test_a_signal_while_files_are_read_ends_before_any_call(
    service: Service, launch: Launch, tmp_path: Path, number: signal.Signals, expected: int
) -> None:
    # the last of the files is a pipe, which is written when the signal has come
    late = tmp_path / "late.yaml"
    os.mkfifo(late)
    running = launch("check", "desired", "late.yaml", "-o", "json=-")
    with late.open("wb") as pipe:  # opened as soon as the process has got there
        running.signal(number)
        time.sleep(0.2)
        pipe.write(b"version: 1\n")
    outcome = running.finish(seconds=20)

    result = held(outcome, service)
    assert result.exit_code == expected
    assert result.document["complete"] is False
    assert set(result.statuses.values()) == {"error"}
    assert set(result.errors.values()) == {"Interrupted"}
    assert service.calls == []
