"""``driftcheck`` in the process of the tests: what needs no process of its own takes a tenth of the time."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from driftcheck import channels
from driftcheck.cli import loading, main
from driftcheck.cli.console import SIGNALS, log_as_json
from driftcheck.render import templates_

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

PAUSES = (0.01, 0.01)
_environment = cache(templates_._environment)
_PAUSED = (
    "driftcheck.places",
    "driftcheck.store",
    "driftcheck.notices.outbox",
    "driftcheck.notices.delivery",
)
_NIGHTLY = ("driftcheck.check", "driftcheck.cli.nightly")


class OverdueError(BaseException):
    """It took longer than it may: it waits for something that never comes."""


class Clock:
    """The time that runs are given as their start: it passes by the test's word alone."""

    def __init__(self, patch: pytest.MonkeyPatch, at: datetime | None = None) -> None:
        """Begin at a time, now if that is left out."""
        self.at = at or datetime.now(UTC)
        clock = self

        class Now(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
                return clock.at.astimezone(tz)

        for module in _NIGHTLY:
            patch.setattr(f"{module}.datetime", Now)

    def passes(self, span: timedelta) -> None:
        """Let time pass."""
        self.at += span


def hurried(patch: pytest.MonkeyPatch) -> None:
    """Let nothing wait for long before it tries again, and no process compile templates twice."""
    patch.setattr(templates_, "_environment", _environment)
    for module in _PAUSED:
        patch.setattr(f"{module}.PAUSES", PAUSES)
    patch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.01)


def run(
    args: Sequence[str], folder: Path, env: Mapping[str, str], stdin: bytes = b"", seconds: float = 60.0
) -> tuple[int, str, str]:
    """Run ``driftcheck`` in a folder to its end: its exit code, and what it wrote.

    Raises:
        OverdueError: it took longer than ``seconds``.
    """
    streams = [io.TextIOWrapper(io.BytesIO(each), "utf-8", "surrogateescape") for each in (stdin, b"", b"")]
    with pytest.MonkeyPatch.context() as patch, _signals(seconds):
        for name in os.environ.keys() - env.keys():
            patch.delenv(name)
        for name, value in env.items():
            if not name.startswith("COVERAGE"):
                patch.setenv(name, value)
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["driftcheck", *args])
        for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
            patch.setattr(sys, name, stream)
        channels._bus.cache_clear()
        loading._region_of_profile.cache_clear()
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        finally:
            log_as_json(on=False)
            gc.unfreeze()
    texts = []
    for stream in streams[1:]:
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())
    assert isinstance(code, int)
    return code, texts[0], texts[1]


@contextmanager
def _signals(seconds: float) -> Iterator[None]:
    """Put handlers back, and end what waits for ever."""

    def overdue(*_: object) -> None:
        raise OverdueError

    before = {number: signal.getsignal(number) for number in (*SIGNALS, signal.SIGALRM)}
    signal.signal(signal.SIGALRM, overdue)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
