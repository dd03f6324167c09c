"""The CLI as a process, against a fake AWS on 127.0.0.1, in an environment that holds nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import forkserver
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.functional import forked, inside
from tests.functional.clients import client, emulated
from tests.functional.cloud import ACCESS_KEY
from tests.functional.definitions import MODEL_QUALITY, REGION, minimal, write_desired
from tests.functional.gateway import Gateway, Reply
from tests.functional.nights import (
    BUCKET,
    FIRST,
    NAMES,
    PUBLISHED,
    TOPIC,
    Faults,
    Nights,
    damage,
    taking,
)
from tests.functional.service import Service

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

COUNTED = pytest.StashKey[bool]()
"""Whether it is counted what the processes of a test cover."""
_ONE_IN = 8

TIME_LIMIT = 60.0
"""Seconds that one process may take before it is killed and the test fails."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of each module, some tests count: that takes half of a process's time, and most cover the same."""
    numbers: Counter[Path] = Counter()
    for item in items:
        item.stash[COUNTED] = numbers[item.path] % _ONE_IN == 0
        numbers[item.path] += 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a process ended; a process that a signal killed has the negated signal's number."""

    exit_code: int
    stdout: str
    stderr: str

    def document(self) -> Any:
        """The JSON document on stdout."""
        return json.loads(self.stdout)


@dataclass(frozen=True, slots=True)
class Launched:
    """A running process; what it writes is UTF-8, or its ``finish`` fails."""

    process: subprocess.Popen[bytes]

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def finish(self, stdin: str | None = None, seconds: float = TIME_LIMIT) -> Outcome:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: it did not end in time.
        """
        sent = None if stdin is None else stdin.encode()
        stdout, stderr = self.process.communicate(sent, timeout=seconds)
        # decoded here, not by the pipes: those would turn a carriage return into a line's end
        return Outcome(self.process.returncode, stdout.decode(), stderr.decode())


class Launch(Protocol):
    """Starts ``driftcheck`` with arguments; ``env`` adds variables, or takes one away where it is None."""

    def __call__(self, *args: str | Path, env: Mapping[str, str | None] | None = None) -> Launched: ...


class Run(Protocol):
    """Runs ``driftcheck`` with arguments to its end; ``env`` as for ``Launch``."""

    def __call__(
        self,
        *args: str | Path,
        env: Mapping[str, str | None] | None = None,
        stdin: str | None = None,
        seconds: float = TIME_LIMIT,
    ) -> Outcome: ...


def counting() -> dict[str, str]:
    """The variables through which coverage of child processes is switched on."""
    return {key: value for key, value in os.environ.items() if key.startswith("COVERAGE_")}


@pytest.fixture(autouse=True)
def _untraced_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count no coverage in threads: on Python 3.11 one dies that starts while another begins to be traced."""
    monkeypatch.setattr(threading, "_trace_hook", None)


@pytest.fixture(scope="session", autouse=True)
def _fork_server() -> None:
    """Start it where nothing is counted: all that it forks would be counted with it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in counting():
            patch.delenv(name)
        forkserver.ensure_running()


@pytest.fixture
def service() -> Iterator[Service]:
    """A running fake AWS, empty, that no test has touched."""
    with Service() as running:
        yield running


_EMULATOR = """
import logging, sys
from moto.server import ThreadedMotoServer
logging.disable()
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print("http://%s:%d" % server.get_host_and_port(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    """The address of an emulator of AWS that is a process of its own, for all tests of this one."""
    with subprocess.Popen(
        [sys.executable, "-c", _EMULATOR],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={key: value for key, value in os.environ.items() if key not in counting()},
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


@pytest.fixture
def sagemaker(service: Service) -> Any:
    """A boto3 client of the fake."""
    return client(service)


@pytest.fixture
def environment(service: Service, tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    """All that a process gets to see: an access key, a region, the fake's address, an empty home."""
    is_counted = request.node.stash.get(COUNTED, False)
    home = tmp_path / ".home"
    home.mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "COLUMNS": "80",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": service.url,
        "AWS_EC2_METADATA_DISABLED": "true",
        # whatever is not for this machine ends at a port where nobody listens
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1,localhost",
        "AWS_CONFIG_FILE": str(home / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
        **(counting() if is_counted else {}),
    }


def merge(environment: dict[str, str], env: Mapping[str, str | None] | None) -> dict[str, str]:
    """An environment with some variables set otherwise, or taken away."""
    return {key: value for key, value in {**environment, **(env or {})}.items() if value is not None}


def await_second(args: Sequence[str | Path]) -> None:
    """Runs that start in the same second and find the same are one run to a store."""
    if "--store" in args:
        time.sleep(1 - time.time() % 1)


@pytest.fixture
def launch(environment: dict[str, str], tmp_path: Path) -> Iterator[Launch]:
    """Starts processes in ``tmp_path``; those still running when the test ends are killed."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(*args: str | Path, env: Mapping[str, str | None] | None = None) -> Launched:
        await_second(args)
        process = subprocess.Popen(
            [sys.executable, "-m", "driftcheck", *map(str, args)],
            cwd=tmp_path,
            env=merge(environment, env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        processes.append(process)
        return Launched(process)

    yield start
    for process in processes:
        with process:
            process.kill()


@pytest.fixture
def run(launch: Launch, environment: dict[str, str], tmp_path: Path) -> Run:
    """Runs a process in ``tmp_path`` to its end."""

    def to_its_end(
        *args: str | Path,
        env: Mapping[str, str | None] | None = None,
        stdin: str | None = None,
        seconds: float = TIME_LIMIT,
    ) -> Outcome:
        merged = merge(environment, env)
        if not forked.is_fit(merged):
            return launch(*args, env=env).finish(stdin, seconds)
        await_second(args)
        sent = b"" if stdin is None else stdin.encode()
        code, stdout, stderr = forked.run([*map(str, args)], tmp_path, merged, sent, seconds)
        return Outcome(code, stdout.decode(), stderr.decode())

    return to_its_end


@pytest.fixture
def run_inside(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """As ``run``, in this process: each run starts a minute later, and nothing waits to be tried again."""
    clock = inside.Clock(monkeypatch)
    inside.hurried(monkeypatch)

    def to_its_end(
        *args: str | Path,
        env: Mapping[str, str | None] | None = None,
        stdin: str | None = None,
        seconds: float = TIME_LIMIT,
    ) -> Outcome:
        clock.passes(timedelta(minutes=1))
        sent = b"" if stdin is None else stdin.encode()
        return Outcome(*inside.run([*map(str, args)], tmp_path, merge(environment, env), sent, seconds))

    return to_its_end


@pytest.fixture
def place() -> str:
    """Where the store of ``nights`` is; a test may say otherwise."""
    return "kept"


@pytest.fixture
def nights(
    service: Service,
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    place: str,
) -> Iterator[Nights]:
    """Nights of three definitions, none of which has drifted, with three channels that take everything."""
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in NAMES]})
    for name in NAMES:
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))
    (tmp_path / "driftcheck.toml").write_text(
        f'[nightly.notify]\nsns_topic_arn = "{TOPIC}"\nevent_bus = "default"\napprise_env = ["CHAT_URL"]\n',
        encoding="utf-8",
    )
    faults = Faults()
    inside.hurried(monkeypatch)
    damage(monkeypatch, faults)
    with ExitStack() as stack:
        bus, chat, topic = (
            stack.enter_context(Gateway(default=default))
            for default in (taking, lambda _: Reply(body=b"OK"), lambda _: PUBLISHED)
        )
        environment |= {
            "CHAT_URL": chat.url.replace("http", "json"),
            "AWS_ENDPOINT_URL_EVENTBRIDGE": bus.url,
            "AWS_ENDPOINT_URL_SNS": topic.url,
        }
        clock = inside.Clock(monkeypatch, FIRST)
        found = Nights(place, tmp_path, environment, faults, clock, bus, chat, topic)
        if place.startswith("s3:"):
            emulator = request.getfixturevalue("emulator")
            found.s3 = emulated(emulator)
            found.gateway = stack.enter_context(Gateway(emulator, faults.on_s3))
            environment["AWS_ENDPOINT_URL_S3"] = found.gateway.url
            found.s3.create_bucket(Bucket=BUCKET)
            for page in found.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
                for each in page.get("Contents", ()):
                    found.s3.delete_object(Bucket=BUCKET, Key=each["Key"])
        yield found
