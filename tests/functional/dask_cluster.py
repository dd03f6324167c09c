"""A Dask scheduler and its workers as processes on 127.0.0.1, which end with the test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SECONDS = 60.0
"""As long as a process may take to start or to end where the machine is busy."""

_LOCAL = ("--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")


def until(what: str, holds: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Return as soon as something holds.

    Raises:
        TimeoutError: it did not in that time.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


@dataclass
class DaskCluster:
    """A scheduler and workers of one thread each.

    Attributes:
        folder: where they write; it does not exist yet.
        environment: what they see.
        address: the scheduler's.
    """

    folder: Path
    environment: Mapping[str, str]
    address: str = field(default="", init=False)
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, init=False)

    def start(
        self,
        *workers: Mapping[str, str],
        nanny: bool = False,
        threads: int = 1,
        protocol: str = "tcp",
        preload: str = "",
    ) -> None:
        """Start the scheduler and a worker for each mapping, which is what it sees beside ``environment``.

        Workers are named ``worker-0`` and so on. With a nanny, Dask starts a worker anew when it dies;
        ``preload`` is Python that a worker runs when it starts.
        """
        self.folder.mkdir()
        file = self.folder / "scheduler.json"
        common = ("--protocol", protocol, "--scheduler-file", str(file))
        self._start("scheduler", {}, *common, "--port", "0", "--idle-timeout", "300")
        options = [
            *("--nanny" if nanny else "--no-nanny", "--nthreads", str(threads), "--death-timeout", "120"),
            *("--local-directory", str(self.folder)),
            *(("--preload", preload) if preload else ()),
        ]
        for number, more in enumerate(workers):
            name = f"worker-{number}"
            self._start(name, more, *common, "--name", name, *options)
        # it is there before all of it is
        until("a scheduler", lambda: file.exists() and file.read_text("utf-8").rstrip().endswith("}"))
        until("all workers", lambda: self.log("scheduler").count("Register worker addr") == len(workers))
        self.address = json.loads(file.read_text("utf-8"))["address"]

    def log(self, name: str) -> str:
        """What a process has said so far."""
        return (self.folder / f"{name}.log").read_text("utf-8")

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a process and those that it started, and see the process end if that kills it."""
        os.killpg(self._processes[name].pid, number)
        if number == signal.SIGKILL:
            self._processes.pop(name).wait(SECONDS)

    def stop(self) -> None:
        """End what still runs, the scheduler last: workers say goodbye to it."""
        for number, seconds in ((signal.SIGTERM, 5), (signal.SIGKILL, SECONDS)):
            for process in reversed(self._processes.values()):
                with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                    os.killpg(process.pid, number)
                    process.wait(seconds)

    def _start(self, name: str, more: Mapping[str, str], *options: str) -> None:
        command = [sys.executable, "-m", "dask", name.partition("-")[0], *_LOCAL, *options]
        with (self.folder / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**self.environment, **more},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
