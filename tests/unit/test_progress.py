"""What is told of a run that goes on, where standard error is no terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from driftcheck.cli import progress
from driftcheck.model import Address, Desired, Finding, Location, Status

if TYPE_CHECKING:
    import pytest

ADDRESSES = [Address("ModelQualityJobDefinition", "prod", f"d{number}") for number in range(4)]
DEFINITIONS = [
    Desired(address, {}, Location("desired.yaml", 1, 1), lambda _: Location("desired.yaml", 1, 1))
    for address in ADDRESSES
]


def test_a_line_now_and_then_says_how_far_it_is_and_what_was_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_SECONDS", 0.05)
    found = ""
    limit = time.monotonic() + 20

    with progress.progress(DEFINITIONS, shown=True) as told:
        for address, status in zip(ADDRESSES, (Status.IN_SYNC, Status.DRIFTED, Status.ERROR), strict=False):
            told(Finding(address, status))
        while "reading" not in found and time.monotonic() < limit:
            time.sleep(0.01)
            found += capsys.readouterr().err

    assert found.startswith("reading: 3 of 4 (75%), 1 drifted, 1 error, after 0 s\n")


def test_a_short_run_tells_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.progress(DEFINITIONS, shown=True) as told:
        told(Finding(ADDRESSES[0], Status.MISSING))

    assert capsys.readouterr().err == ""


def test_quiet_tells_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "_SECONDS", 0.001)

    with progress.progress(DEFINITIONS, shown=False) as told:
        told(Finding(ADDRESSES[0], Status.MISSING))
        time.sleep(0.05)

    assert capsys.readouterr().err == ""
