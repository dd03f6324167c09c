"""Processes that are measured, and the endpoint as a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.request import ProxyHandler, Request, build_opener

from benchmarks.fleet import ACCOUNT, REGION, access_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HTTP = build_opener(ProxyHandler({}))


class FailedError(Exception):
    """A process that was to be measured did not do its work."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a process, with those that it waited for, took.

    ``seconds`` is wall time, ``cpu`` user and system time in seconds, ``memory`` the peak of the resident set
    of the largest of them, in bytes.
    """

    seconds: float
    cpu: float
    memory: int
    stdout: str


def run(command: Sequence[str], environment: Mapping[str, str], limit: float = 120.0) -> Ran:
    """Run a command to its end.

    Raises:
        FailedError: it exited with another code than 0, or was killed after ``limit`` seconds.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
        )
        killer = threading.Timer(limit, os.killpg, (process.pid, signal.SIGKILL))
        killer.start()
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            killer.cancel()
        took = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            said = err.read().decode(errors="replace").strip().splitlines()
            raise FailedError(f"exit code {process.returncode} after {took:.0f} s: {' '.join(said[-1:])}")
        unit = 1 if sys.platform == "darwin" else 1024
        cpu = used.ru_utime + used.ru_stime
        return Ran(took, cpu, used.ru_maxrss * unit, out.read().decode(errors="replace"))


def driftcheck() -> list[str]:
    """The command as users start it."""
    script = Path(sys.executable).with_name("driftcheck")
    return [str(script)] if script.exists() else [sys.executable, "-m", "driftcheck"]


def aws() -> str | None:
    """The AWS CLI itself, not the shell script that pyenv puts before it."""
    found = shutil.which("aws")
    if found and Path(found).parent.name == "shims":
        asked = subprocess.run(["pyenv", "which", "aws"], capture_output=True, text=True, check=False)
        return asked.stdout.strip() or None
    return found


class Served:
    """``benchmarks.endpoint`` in a process of its own, between ``with`` and its end."""

    def __init__(self, home: Path) -> None:
        """Prepare; ``home`` is an empty folder, the home of all that is measured."""
        self._home = home

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "benchmarks.endpoint"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise FailedError("the endpoint did not start")
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def play(self, **settings: float) -> None:
        """Set these of ``benchmarks.endpoint.Settings``, the others to their first values, and reset."""
        standard = {"latency": 0.0, "rate": 0.0, "burst": 20.0, "faults": 0.0}
        self._call("/_/settings", {**standard, **settings})
        self.reset()

    def reset(self) -> None:
        """Forget what was called, and fill the buckets."""
        self._call("/_/reset", {})

    def counters(self) -> Any:
        """What was called since."""
        return self._call("/_/counters")

    def environment(self, account: str = ACCOUNT) -> dict[str, str]:
        """All that a measured process gets to see."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._home),
            "LANG": "C.UTF-8",
            "AWS_ACCESS_KEY_ID": access_key(account),
            "AWS_SECRET_ACCESS_KEY": "benchmark",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _call(self, path: str, content: Any = None) -> Any:
        data = None if content is None else json.dumps(content).encode()
        with _HTTP.open(Request(self.url + path, data), timeout=10) as answer:
            return json.load(answer)
