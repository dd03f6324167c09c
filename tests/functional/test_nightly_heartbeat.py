"""The URL that is told when a nightly run begins and how it ended."""

from __future__ import annotations

import json
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

from tests.functional.definitions import ACCOUNT, MODEL_QUALITY, minimal, write_desired
from tests.functional.faults import DENIED, Hang

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.functional.conftest import Launch, Run
    from tests.functional.service import Service

SECRET = "0b1c-secret"
NIGHTLY = ("nightly", "--store", "kept", "--quiet")


class Receiver(BaseHTTPRequestHandler):
    """Takes what it is told, and answers what it is to."""

    told: ClassVar[list[str]] = []
    statuses: ClassVar[list[int]] = []

    def do_GET(self) -> None:
        self.told.append(self.path)
        self.send_response(self.statuses.pop(0) if self.statuses else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@pytest.fixture(autouse=True)
def _fleet(service: Service, tmp_path: Path) -> Iterator[None]:
    """A definition in sync, and a heartbeat."""
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, "a")]})
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "a"))
    Receiver.told.clear()
    Receiver.statuses.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        heartbeat(tmp_path, f"http://127.0.0.1:{server.server_port}/ping/${{env:HEART}}/?rid=1")
        yield
        server.shutdown()


def heartbeat(folder: Path, url: str) -> None:
    (folder / "driftcheck.toml").write_text(f"[nightly]\nping = {json.dumps(url)}\n", "utf-8")


def told() -> list[str]:
    """What the URL was told, without what all of it begins and ends with."""
    found = [path.removeprefix(f"/ping/{SECRET}").removesuffix("?rid=1") for path in Receiver.told]
    assert not any("ping" in path for path in found)
    return found


@pytest.mark.parametrize(("has_drifted", "code"), [(False, 0), (True, 2)])
def test_drift_is_a_success(service: Service, run: Run, has_drifted: bool, code: int) -> None:
    if has_drifted:
        service.mutate(MODEL_QUALITY, "a", ("RoleArn",), f"arn:aws:iam::{ACCOUNT}:role/other")

    outcome = run(*NIGHTLY, env={"HEART": SECRET})

    assert (outcome.exit_code, outcome.stderr, told()) == (code, "", ["/start", ""])


def test_what_cannot_be_read_is_a_failure(service: Service, run: Run) -> None:
    service.fail(DENIED)

    assert run(*NIGHTLY, env={"HEART": SECRET}).exit_code == 1
    assert told() == ["/start", "/fail"]


def test_so_are_files_that_are_invalid(run: Run, tmp_path: Path) -> None:
    (tmp_path / "desired" / "desired.yaml").write_text("version: 2", "utf-8")

    assert run(*NIGHTLY, env={"HEART": SECRET}).exit_code == 1
    assert told() == ["/start", "/fail"]


def test_so_is_a_store_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "runs").write_text("no folder")

    assert run(*NIGHTLY, env={"HEART": SECRET}).exit_code == 1
    assert told() == ["/start", "/fail"]


def test_so_is_a_run_that_is_terminated(service: Service, launch: Launch) -> None:
    service.fail(Hang(), action="Describe*")
    running = launch(*NIGHTLY, env={"HEART": SECRET})
    service.wait_for(1, "Describe*")
    running.signal(signal.SIGTERM)

    assert running.finish().exit_code == 143
    assert told() == ["/start", "/fail"]


def test_a_fault_that_passes_is_tried_again(run: Run) -> None:
    Receiver.statuses[:] = [500, 200]

    assert run(*NIGHTLY, env={"HEART": SECRET}).exit_code == 0
    assert told() == ["/start", "/start", ""]


def test_a_heartbeat_that_is_not_told_is_a_failure_and_the_run_goes_on(run: Run, tmp_path: Path) -> None:
    Receiver.statuses[:] = [404, 404, 404]

    outcome = run(*NIGHTLY, env={"HEART": SECRET})

    assert outcome.exit_code == 1
    assert outcome.stderr == (
        "error: [nightly] ping: the URL was not told that the run starts: HTTP status 404\n"
    )
    assert told() == ["/start"] * 3 + [""]
    assert len(list((tmp_path / "kept" / "runs").iterdir())) == 1


def test_a_heartbeat_that_nobody_hears_is_told_without_its_url(run: Run, tmp_path: Path) -> None:
    heartbeat(tmp_path, f"http://127.0.0.1:9/{SECRET}")

    outcome = run(*NIGHTLY)

    assert outcome.exit_code == 1
    assert outcome.stderr.count("the URL was not told") == 2
    assert outcome.stderr.count("Connection refused") == 2
    assert SECRET not in outcome.stderr


def test_a_check_tells_nobody(run: Run) -> None:
    assert run("check", "--store", "kept").exit_code == 0
    assert told() == []


def test_a_variable_that_is_missing_ends_the_run_before_it_begins(service: Service, run: Run) -> None:
    outcome = run(*NIGHTLY)

    assert outcome.exit_code == 1
    assert outcome.stderr == (
        "driftcheck.toml: error: [nightly] ping: the environment variable HEART is not set\n"
    )
    assert service.calls == []
