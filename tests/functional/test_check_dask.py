"""A run on a real Dask cluster on 127.0.0.1, against the fake AWS: the same document, whoever dies."""

from __future__ import annotations

import asyncio
import gzip
import json
import signal
import socket
import threading
import time
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import pytest
from distributed import Security

from tests.functional import fleet
from tests.functional.cloud import ACCESS_KEY
from tests.functional.dask_cluster import DaskCluster, until
from tests.functional.definitions import ACCOUNT, MODEL_QUALITY, REGION, minimal, write_desired
from tests.functional.faults import Delay, Hang
from tests.functional.results import Result, check, held, valid
from tests.functional.test_terminal import on_screen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.functional.conftest import Launch, Run
    from tests.functional.service import Service

pytestmark = pytest.mark.slow

OTHER = "210987654321"
ROLE = f"arn:aws:iam::{OTHER}:role/drift/reader"
NOTHING = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_ENDPOINT_URL": None}
"""What the caller of a cluster needs of AWS."""

KEYS = ({"AWS_ACCESS_KEY_ID": "WORKERZEROWORKERZERO"}, {"AWS_ACCESS_KEY_ID": "WORKERONEWORKERONEXX"})
"""An access key for each of two workers, by which the service tells who calls."""


@pytest.fixture
def dask(environment: dict[str, str], tmp_path: Path) -> Iterator[DaskCluster]:
    cluster = DaskCluster(tmp_path / ".dask", environment)
    yield cluster
    cluster.stop()


def declare(service: Service, folder: Path, **names: Sequence[str]) -> None:
    """Definitions, all of them in sync, in targets of one account and region, which are read one by one."""
    settings = (f'[targets.{target}]\nregion = "{REGION}"\naccount = "{ACCOUNT}"\n' for target in names)
    (folder / "driftcheck.toml").write_text("".join(settings), "utf-8")
    for target, some in names.items():
        definitions = [minimal(MODEL_QUALITY, name) for name in some]
        write_desired(folder, {MODEL_QUALITY: definitions}, f"{target}.yaml", target=target)
        for definition in definitions:
            service.create(MODEL_QUALITY, definition)


def outcomes(result: Result) -> dict[str, str]:
    """The status, or the error's code, of each definition by its name."""
    return result.statuses | result.errors


def target_errors(result: Result) -> dict[str, str | None]:
    return {each["name"]: each["error"] and each["error"]["code"] for each in result.document["targets"]}


def asked(service: Service, worker: int) -> set[tuple[str, str]]:
    """What a worker described."""
    key = KEYS[worker]["AWS_ACCESS_KEY_ID"]
    return {(call.region, call.name) for call in service.called("Describe*") if call.access_key == key}


def test_the_document_is_that_of_a_single_machine(
    service: Service, run: Run, tmp_path: Path, dask: DaskCluster
) -> None:
    role = f'role_arn = "{ROLE}"\nexternal_id = "abc-123"\n'
    fleet.build(service, tmp_path, more=role, account=OTHER)
    service.external_ids[ROLE] = "abc-123"
    whole = check(run, service)
    service.calls.clear()
    dask.start({}, {}, nanny=True, threads=2)

    result = check(run, service, "--dask", dask.address, env=NOTHING)

    assert result.stderr == ""
    assert fleet.without_times(result.document) == fleet.without_times(whole.document)
    assert [*result.document] == [*whole.document]
    assert result.document["calls"] == whole.document["calls"]
    assert result.exit_code == whole.exit_code == 1
    assert len(service.called("AssumeRole")) == len(fleet.REGIONS)
    assert len(service.called("List*Definitions")) == 4 * len(fleet.REGIONS)
    # and the fleet was one to learn something from
    summary = whole.document["summary"]
    assert all(summary[status] for status in ("in_sync", "drifted", "missing", "unmanaged", "error"))

    options = ("--no-unmanaged", "--target", "us", "--target", "ap", "--select", "d0*", "--quiet")
    whole = check(run, service, *options)
    result = check(run, service, *options, "--dask", dask.address, env=NOTHING)
    assert fleet.without_times(result.document) == fleet.without_times(whole.document)
    assert result.stderr == ""


def test_a_night_reads_with_a_cluster(service: Service, run: Run, tmp_path: Path, dask: DaskCluster) -> None:
    fleet.build(service, tmp_path, account=OTHER)
    whole = check(run, service)
    dask.start({}, {})

    result = run("nightly", "--store", "kept", "--dask", dask.address, "-o", "json=-", env=NOTHING)

    assert fleet.without_times(result.document()) == fleet.without_times(whole.document)
    (kept,) = (tmp_path / "kept" / "runs").iterdir()
    assert json.loads(gzip.decompress(kept.read_bytes())) == result.document()
    refused = run("nightly", "--store", "kept", "--dask", dask.address, "--incremental")
    assert "--dask: goes without --base, --shard and --incremental" in refused.stderr


def test_a_large_target_is_several_tasks_one_after_another(
    service: Service, run: Run, tmp_path: Path, dask: DaskCluster
) -> None:
    names = [f"d{number:04}" for number in range(1_100)]
    declare(service, tmp_path, prod=names)
    last = minimal(MODEL_QUALITY, "last") | {"lifecycle": {"ignore_changes": ["RoleArn"]}}
    write_desired(tmp_path, {MODEL_QUALITY: [last]}, "z.yaml", target="prod")
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "last"))
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "stray"))
    service.mutate(MODEL_QUALITY, "d0001", ("RoleArn",), "arn:aws:iam::123456789012:role/other")
    whole = check(run, service)
    service.calls.clear()
    service.accounts |= {each["AWS_ACCESS_KEY_ID"]: ACCOUNT for each in KEYS}
    dask.start(*KEYS)

    result = check(run, service, "--dask", dask.address, env=NOTHING)

    assert fleet.without_times(result.document) == fleet.without_times(whole.document)
    assert result.exit_code == 2
    summary = result.document["summary"]
    assert {key: summary[key] for key in ("declared", "in_sync", "drifted", "unmanaged")} == {
        "declared": 1_101,
        "in_sync": 1_100,
        "drifted": 1,
        "unmanaged": 1,
    }
    assert result.warnings == ["ignore-rule-unused"]
    # two tasks, of which the second began when the first had been answered; what exists is listed once
    assert [call.action for call in service.calls].count("GetCallerIdentity") == 2
    second = max(n for n, call in enumerate(service.calls) if call.action == "GetCallerIdentity")
    assert {call.name for call in service.calls[:second] if call.name} == {*names[:1_000]}
    assert len(service.called("ListModelQuality*")) == 12
    assert len(service.called("ListModelBias*")) == 1


def test_a_worker_that_is_killed_has_its_tasks_run_by_the_other(
    service: Service, run: Run, launch: Launch, tmp_path: Path, dask: DaskCluster
) -> None:
    fleet.build(service, tmp_path)
    whole = check(run, service)
    service.calls.clear()
    service.accounts |= {each["AWS_ACCESS_KEY_ID"]: ACCOUNT for each in KEYS}
    service.fail(Delay(0.3), action="Describe*")
    service.faults.insert(0, service.faults.pop())
    dask.start(*KEYS)

    running = launch("check", "--dask", dask.address, "--concurrency", "1", "-o", "json=-", env=NOTHING)
    until("both are at it", lambda: len(asked(service, 0)) > 1 and len(asked(service, 1)) > 1)
    dask.kill("worker-0")
    result = held(running.finish(), service)

    assert result.stderr == ""
    assert fleet.without_times(result.document) == fleet.without_times(whole.document)
    assert result.exit_code == whole.exit_code
    assert asked(service, 0) < asked(service, 1)


def test_what_kills_its_workers_leaves_the_others_right(
    service: Service, launch: Launch, tmp_path: Path, dask: DaskCluster, environment: dict[str, str]
) -> None:
    environment["DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES"] = "0"
    declare(service, tmp_path, a=["a1", "a2"], b=["b1", "b2"], c=["c1"])
    service.fail(Hang(), name="b*")
    service.accounts |= {each["AWS_ACCESS_KEY_ID"]: ACCOUNT for each in KEYS}
    dask.start(*KEYS)

    running = launch("check", "--dask", dask.address, "-o", "json=-", env=NOTHING)
    until("one is at b", lambda: any(call.name.startswith("b") for call in service.calls))
    (busy,) = (worker for worker in (0, 1) if {name for _, name in asked(service, worker)} & {"b1", "b2"})
    dask.kill(f"worker-{busy}")
    result = held(running.finish(), service)

    assert result.exit_code == 1
    assert outcomes(result) == {
        **dict.fromkeys(("a1", "a2", "c1"), "in_sync"),
        **dict.fromkeys(("b1", "b2"), "WorkerLost"),
    }
    assert target_errors(result) == {"a": None, "b": "WorkerLost", "c": None}
    assert result.stderr == ""


def test_a_scheduler_that_goes_away_leaves_what_is_known(
    service: Service, launch: Launch, tmp_path: Path, dask: DaskCluster
) -> None:
    declare(service, tmp_path, a=["a1"], b=["b1"], c=["c1"])
    service.fail(Hang(), name="b*")
    dask.start({}, {})

    running = launch("check", "--dask", dask.address, "-o", "r.json", "-o", "json=-", env=NOTHING)
    until("one is at b", lambda: any(call.name == "b1" for call in service.calls))
    dask.kill("scheduler")
    result = held(running.finish(), service)

    assert result.exit_code == 1
    assert outcomes(result) == {"a1": "in_sync", "b1": "SchedulerLost", "c1": "SchedulerLost"}
    assert target_errors(result) == {"a": None, "b": "SchedulerLost", "c": "SchedulerLost"}
    line = f"error: the scheduler at {dask.address} went away, or was restarted"
    assert result.stderr.splitlines() == [line, "wrote r.json"]
    assert valid((tmp_path / "r.json").read_text("utf-8")) == result.document


def test_without_a_scheduler_the_result_says_so(service: Service, run: Run, tmp_path: Path) -> None:
    declare(service, tmp_path, a=["a1"])
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"

    at_once = {**NOTHING, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "1s"}
    result = check(run, service, "--dask", address, "--quiet", env=at_once)
    late = check(run, service, "--dask", address, "--quiet", "--deadline", "1", env=NOTHING)

    assert (result.exit_code, late.exit_code) == (1, 1)
    assert outcomes(result) == {"a1": "NoScheduler"}
    assert outcomes(late) == {"a1": "DeadlineExceeded"}
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: cannot connect to a scheduler at {address}: ")
    assert late.stderr == f"error: no scheduler answered at {address} within the 1 s of the whole run\n"
    assert service.calls == []


def test_without_a_worker_the_deadline_ends_the_run(
    service: Service, run: Run, tmp_path: Path, dask: DaskCluster
) -> None:
    declare(service, tmp_path, a=["a1"])
    dask.start()

    result = check(run, service, "--dask", dask.address, "--deadline", "4", env=NOTHING)

    assert result.exit_code == 1
    assert outcomes(result) == {"a1": "DeadlineExceeded"}
    assert target_errors(result) == {"a": "DeadlineExceeded"}
    assert result.stderr == f"error: no worker came to {dask.address} within the 4 s of the whole run\n"


def test_the_deadline_keeps_what_was_read_by_then(
    service: Service, run: Run, tmp_path: Path, dask: DaskCluster
) -> None:
    declare(service, tmp_path, a=["a1"], b=["b1", "b2"], c=["c1"])
    service.fail(Hang(), name="b2")
    service.fail(Hang(), name="c1")
    dask.start({})

    result = check(run, service, "--dask", dask.address, "--deadline", "15", env=NOTHING)

    assert result.exit_code == 1
    assert outcomes(result) == {
        **dict.fromkeys(("a1", "b1"), "in_sync"),
        **dict.fromkeys(("b2", "c1"), "DeadlineExceeded"),
    }
    assert "the 15 s of the whole run were over" in result.named("b2")["error"]["message"]
    assert result.stderr == ""


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_what_is_known_and_ends_the_tasks(
    service: Service,
    launch: Launch,
    tmp_path: Path,
    dask: DaskCluster,
    number: signal.Signals,
    expected: int,
) -> None:
    many = [f"b{index:03}" for index in range(400)]
    declare(service, tmp_path, a=["a1"], b=many, c=["c1"])
    service.fail(Delay(0.2), name="b*")
    dask.start({})

    running = launch("check", "--dask", dask.address, "--concurrency", "1", "-o", "json=-", env=NOTHING)
    until("it is at b", lambda: any(call.name in many for call in service.calls))
    running.signal(number)
    result = held(running.finish(), service)

    assert result.exit_code == expected
    assert result.document["complete"] is False
    assert outcomes(result) == {"a1": "in_sync", "c1": "Interrupted", **dict.fromkeys(many, "Interrupted")}
    assert target_errors(result) == {"a": None, "b": "Interrupted", "c": "Interrupted"}
    assert result.stderr == ""

    def quiet() -> bool:
        before = len(service.calls)
        time.sleep(2)
        return len(service.calls) == before

    until("nobody calls any more", quiet)
    assert len({call.name for call in service.calls}) < 200


def test_workers_of_other_versions_are_named(
    service: Service, run: Run, tmp_path: Path, dask: DaskCluster
) -> None:
    declare(service, tmp_path, a=["a1"], b=["b1"])
    dask.start({}, preload="import driftcheck\ndriftcheck.__version__ = '0.0.9'\n")

    result = check(run, service, "--dask", dask.address, env=NOTHING)

    assert result.exit_code == 1
    assert outcomes(result) == {"a1": "OtherVersions", "b1": "OtherVersions"}
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: the worker tcp://127.0.0.1:")
    assert " has driftcheck 0.0.9, botocore " in line
    assert "; install driftcheck 0.1.0, botocore " in line
    assert service.calls == []


def test_a_worker_without_driftcheck_says_so_and_lives(
    service: Service, run: Run, tmp_path: Path, dask: DaskCluster
) -> None:
    declare(service, tmp_path, a=["a1"], b=["b1"])
    dask.start({}, preload="import sys\nsys.modules['driftcheck'] = None\n")

    results = [check(run, service, "--dask", dask.address, env=NOTHING) for _ in range(2)]

    for result in results:
        assert result.exit_code == 1
        assert outcomes(result) == {"a1": "TaskFailed", "b1": "TaskFailed"}
        (line,) = result.stderr.splitlines()
        assert line.startswith(f"error: a task failed on a worker of {dask.address}: ModuleNotFoundError: ")
        assert "; install driftcheck 0.1.0, botocore " in line


class Wiretap:
    """A port of this machine that leads to another one, and all that is sent there."""

    def __init__(self, port: int) -> None:
        self.sent: list[bytes] = []
        self._port = port

    def __enter__(self) -> Self:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connect, sock=self._server)
        await self._stop.wait()
        server.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._copy(reader, requests, self.sent), self._copy(answers, writer, []))

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, into: list[bytes]
    ) -> None:
        with suppress(ConnectionError):
            while some := await reader.read(65536):
                into.append(some)
                writer.write(some)
        writer.close()

    def heard(self) -> bytes:
        """What was sent, and after it all of that which was compressed."""
        sent = b"".join(self.sent)
        found = [sent]
        start = -1
        while (start := sent.find(b"\x78\x01", start + 1)) >= 0:
            try:
                found.append(zlib.decompressobj().decompress(sent[start:]))
            except zlib.error:
                continue
        return b"".join(found)


def test_nothing_secret_travels(service: Service, run: Run, tmp_path: Path, dask: DaskCluster) -> None:
    names = {"password": "PASSWORD", "argument": "MODE", "moved": "OLD_TOKEN", "named": "OWNER"}
    texts = {
        "password": "hunter2",
        "argument": "correct horse",
        "moved": "battery staple",
        "named": "mallory",
    }
    declared = minimal(MODEL_QUALITY)
    app = declared["ModelQualityAppSpecification"]
    app["Environment"] = {names[each]: text for each, text in texts.items()} | {"S3_KEY": "plain words"}
    app["ContainerArguments"] = [
        *("--password", "tulip"),
        "--url",
        "https://me:hunter3@example.com/",
        "--token=battery staple",
        "plain",
    ]
    declared["lifecycle"] = {
        "sensitive": ["ModelQualityAppSpecification.Environment.OWNER"],
        "ignore_changes": ["StoppingCondition"],
    }
    declared["RoleArn"] = "${var.role}"
    write_desired(tmp_path, {MODEL_QUALITY: [declared]}, target="prod")
    (tmp_path / "driftcheck.toml").write_text(
        f'[targets.prod]\nregion = "{REGION}"\n'
        f'vars = {{ role = "arn:aws:iam::{ACCOUNT}:role/x", unused = "opensesame" }}\n'
        '[redact]\nplain_keys = ["S3_KEY"]\n',
        "utf-8",
    )
    live = {key: value for key, value in declared.items() if key != "lifecycle"}
    live["RoleArn"] = f"arn:aws:iam::{ACCOUNT}:role/x"
    service.create(MODEL_QUALITY, live)
    changes: dict[str, Any] = {
        "Environment": {
            "PASSWORD": "hunter4",
            "NEW": "battery staple",
            "MODE": "correct horse",
            "OWNER": "eve",
            "S3_KEY": "plain tongue",
        },
        "ContainerArguments": [
            *("--password", "daffodil"),
            "--url",
            "https://me:hunter5@example.com/",
            "--token=battery staple!",
            "plain",
        ],
    }
    for member, value in changes.items():
        service.mutate(MODEL_QUALITY, "churn", ("ModelQualityAppSpecification", member), value)
    whole = check(run, service)
    dask.start({})
    secret = {"AWS_ACCESS_KEY_ID": "CALLERCALLERCALLERCA", "AWS_SECRET_ACCESS_KEY": "callers-own-secret"}

    with Wiretap(int(dask.address.rpartition(":")[2])) as tap:
        result = check(run, service, "--dask", tap.address, env={**secret, "MY_TOKEN": "callers-own-token"})

    assert fleet.without_times(result.document) == fleet.without_times(whole.document)
    assert (result.exit_code, result.stderr) == (2, "")
    assert len(result.named("churn")["differences"]) >= 5
    heard = tap.heard()
    assert b"churn" in heard
    assert b"correct horse" in heard
    assert b"plain words" in heard
    assert "plain tongue" in str(result.document)
    for word in (
        *("tulip", "daffodil", "hunter2", "hunter3", "battery staple", "mallory", "opensesame"),
        *(ACCESS_KEY, *secret.values(), "callers-own-token"),
    ):
        assert word.encode() not in heard, word
    for text in ("hunter", "battery", "mallory", "eve"):
        assert text not in str(result.document["resources"])


def test_what_dask_is_told_of_certificates_is_used(
    service: Service, run: Run, tmp_path: Path, dask: DaskCluster, environment: dict[str, str]
) -> None:
    pems = Security.temporary()
    for role in ("scheduler", "worker", "client"):
        for what in ("cert", "key"):
            file = tmp_path / f"{role}-{what}.pem"
            file.write_text(getattr(pems, f"tls_{role}_{what}"), "utf-8")
            environment[f"DASK_DISTRIBUTED__COMM__TLS__{role.upper()}__{what.upper()}"] = str(file)
    (tmp_path / "ca.pem").write_text(pems.tls_ca_file, "utf-8")
    environment["DASK_DISTRIBUTED__COMM__TLS__CA_FILE"] = str(tmp_path / "ca.pem")
    declare(service, tmp_path, a=["a1"])
    dask.start({}, protocol="tls")
    assert dask.address.startswith("tls://")

    result = check(run, service, "--dask", dask.address, env=NOTHING)
    plain = check(run, service, "--dask", dask.address.replace("tls", "tcp"), "--deadline", "4")

    assert (result.exit_code, result.stderr, outcomes(result)) == (0, "", {"a1": "in_sync"})
    assert (plain.exit_code, len(plain.stderr.splitlines())) == (1, 1)


def test_the_bars_go_on_as_tasks_end(
    service: Service, tmp_path: Path, dask: DaskCluster, environment: dict[str, str]
) -> None:
    declare(service, tmp_path, a=["a1", "a2"], b=["b1"])
    service.delete(MODEL_QUALITY, "a2")
    dask.start({})

    code, _, shown = on_screen(environment, tmp_path, "--dask", dask.address)

    assert code == 2
    assert "3/3" in shown
    assert "1 missing" in shown
    assert "  b" in shown


def test_dask_that_is_not_installed_is_one_line(service: Service, run: Run, tmp_path: Path) -> None:
    declare(service, tmp_path, a=["a1"])
    (tmp_path / "none" / "distributed").mkdir(parents=True)
    (tmp_path / "none" / "distributed" / "__init__.py").write_text("raise ImportError('none')", "utf-8")

    outcome = run("check", "--dask", "tcp://127.0.0.1:8786", env={"PYTHONPATH": str(tmp_path / "none")})

    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert outcome.stderr == "error: --dask needs Dask: pip install 'driftcheck[dask]'\n"


def test_a_file_of_dask_that_is_damaged_is_one_line(service: Service, run: Run, tmp_path: Path) -> None:
    declare(service, tmp_path, a=["a1"])
    (tmp_path / "dask.yaml").write_text("a: [", "utf-8")

    outcome = run("check", "--dask", "tcp://127.0.0.1:8786", env={"DASK_CONFIG": str(tmp_path / "dask.yaml")})

    assert (outcome.exit_code, outcome.stdout) == (1, "")
    (line,) = outcome.stderr.splitlines()
    assert line.startswith("error: Dask cannot be used: ")
    assert "dask.yaml" in line


@pytest.mark.parametrize("region", [REGION, "us-east-1"], ids=["declared there", "another"])
def test_the_worker_tells_the_account_and_files_of_another_place_are_refused(
    service: Service, run: Run, tmp_path: Path, dask: DaskCluster, region: str
) -> None:
    definition = minimal(MODEL_QUALITY) | {
        "JobDefinitionArn": f"arn:aws:sagemaker:{region}:{ACCOUNT}:model-quality-job-definition/churn"
    }
    write_desired(tmp_path, {MODEL_QUALITY: [definition]})
    dask.start({})

    # the region is the worker's, whatever this machine has
    outcome = run(
        "check", "--dask", dask.address, "-o", "json=-", env={**NOTHING, "AWS_REGION": "eu-north-1"}
    )

    document = valid(outcome.stdout)
    assert [(each["account"], each["region"]) for each in document["targets"]] == [(ACCOUNT, REGION)]
    if region == REGION:
        assert (outcome.exit_code, document["summary"]["missing"]) == (2, 1)
    else:
        assert (outcome.exit_code, document["resources"]) == (1, [])
        assert "region us-east-1 instead of eu-west-1" in outcome.stderr
