"""What a person at a terminal sees: colour, the progress bar, and neither where nobody looks."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from tests.functional.definitions import minimal, write_desired

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.service import Service

KIND = "ModelQualityJobDefinition"
ESCAPE = "\x1b["


class Screen:
    """A pseudo-terminal, and all that is written to it."""

    def __init__(self) -> None:
        self._reads, self.end = pty.openpty()
        self._written: list[bytes] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                some = os.read(self._reads, 4096)
            except OSError:  # how Linux says that nobody holds the other end any more
                return
            if not some:
                return
            self._written.append(some)

    def text(self) -> str:
        """Everything that was written, once every writer has closed it."""
        os.close(self.end)
        self._reader.join(timeout=10)
        os.close(self._reads)
        return b"".join(self._written).decode()


def on_screen(
    environment: dict[str, str], folder: Path, *arguments: str, **variables: str
) -> tuple[int, str, str]:
    """The exit code, and what ``driftcheck check`` shows on the terminals that are its two outputs."""
    out, err = Screen(), Screen()
    process = subprocess.Popen(
        [sys.executable, "-m", "driftcheck", "check", *arguments],
        cwd=folder,
        env={**environment, "TERM": "xterm-256color", **variables},
        stdin=subprocess.DEVNULL,
        stdout=out.end,
        stderr=err.end,
    )
    try:
        code = process.wait(timeout=60)
    finally:
        process.kill()
        shown = out.text(), err.text()
    return code, *shown


@pytest.fixture
def drifted(service: Service, tmp_path: Path) -> Path:
    """A folder whose one definition has drifted."""
    definition = minimal(KIND, "churn")
    write_desired(tmp_path, {KIND: [definition]})
    service.create(KIND, definition)
    service.mutate(KIND, "churn", ("RoleArn",), "arn:aws:iam::123456789012:role/other")
    return tmp_path


def test_a_terminal_gets_colour_and_a_bar_that_leaves_nothing_behind(
    environment: dict[str, str], drifted: Path
) -> None:
    code, out, err = on_screen(environment, drifted)

    assert code == 2
    assert ESCAPE in out
    assert "churn" in out
    assert "Reading" in err
    assert "1/1" in err or "0/1" in err


def test_several_targets_have_a_bar_each(
    environment: dict[str, str], service: Service, tmp_path: Path
) -> None:
    definition = minimal(KIND, "churn")
    write_desired(tmp_path, {KIND: [definition]}, targets=["prod-eu", "prod-us"])
    (tmp_path / "driftcheck.toml").write_text(
        '[targets.prod-eu]\nregion = "eu-west-1"\n[targets.prod-us]\nregion = "us-east-1"\n', "utf-8"
    )
    service.latency = 0.3
    service.create(KIND, definition)

    code, _, err = on_screen(environment, tmp_path)

    assert code == 2
    for shown in ("Reading", "prod-eu", "prod-us", "1 missing"):
        assert shown in err


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_can_be_refused(environment: dict[str, str], drifted: Path, variable: dict[str, str]) -> None:
    code, out, _ = on_screen(environment, drifted, **variable)

    assert code == 2
    assert ESCAPE not in out


def test_quiet_shows_no_bar(environment: dict[str, str], drifted: Path) -> None:
    code, out, err = on_screen(environment, drifted, "--quiet")

    assert (code, err) == (2, "")
    assert "churn" in out


def test_a_file_gets_no_colour_even_from_a_terminal(environment: dict[str, str], drifted: Path) -> None:
    code, _, _ = on_screen(environment, drifted, "-o", "report.txt")

    assert code == 2
    assert ESCAPE not in (drifted / "report.txt").read_text("utf-8")
