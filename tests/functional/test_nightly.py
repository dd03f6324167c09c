"""The nightly run: what it keeps, and what becomes of that when anything goes wrong."""

from __future__ import annotations

import gzip
import json
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from driftcheck.store import packed
from tests.documents import document, in_sync
from tests.functional.conftest import Outcome
from tests.functional.definitions import ACCOUNT, MODEL_QUALITY, minimal, write_desired
from tests.functional.faults import DENIED, Hang
from tests.functional.results import valid

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.functional.conftest import Launch, Run
    from tests.functional.service import Service

pytestmark = pytest.mark.slow

OTHER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/other"
NIGHTLY = ("nightly", "--store", "kept")


@pytest.fixture(autouse=True)
def _fleet(service: Service, tmp_path: Path) -> None:
    """Three definitions, of which one has drifted."""
    names = ("a", "b", "c")
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in names]})
    for name in names:
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))
    service.mutate(MODEL_QUALITY, "b", ("RoleArn",), OTHER_ROLE)


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Callable[..., Outcome]:
    """Runs ``driftcheck`` after some lines of Python, which may do harm to it."""

    def ended(prelude: str, *args: str) -> Outcome:
        code = f"{prelude}\nfrom driftcheck.__main__ import main\nmain()"
        done = subprocess.run(
            [sys.executable, "-c", code, *args],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            check=False,
            timeout=60,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    return ended


def moved(**by: int) -> str:
    """Lines that move the clock of a process."""
    return (
        "import datetime\n"
        "class Moved(datetime.datetime):\n"
        "    @classmethod\n"
        "    def now(cls, tz=None):\n"
        f"        return super().now(tz) + datetime.timedelta(**{by!r})\n"
        "datetime.datetime = Moved"
    )


def runs(folder: Path) -> list[Any]:
    """The documents in a store, oldest first, each of them whole and valid."""
    return [
        valid(gzip.decompress(file.read_bytes()).decode())
        for file in sorted(
            (folder / "runs").glob("[!.]*"), key=lambda file: (file.name[:20], len(file.name), file.name)
        )
    ]


def history(folder: Path) -> Any:
    """The history in a store."""
    _, names, body = (folder / "derived" / "history.json").read_text("utf-8").splitlines()
    return {"names": json.loads(names), **json.loads(body)}


def is_derived_in_full(run: Run, folder: Path) -> bool:
    """Whether what is derived is what a rebuild derives."""
    before = history(folder)
    assert run("history", "rebuild", "--store", folder).exit_code == 0
    return bool(history(folder) == before)


def test_a_night_is_kept_with_its_history(service: Service, run: Run, tmp_path: Path) -> None:
    outcome = run(*NIGHTLY, "-o", "json=-")

    assert outcome.exit_code == 2
    (kept,) = runs(tmp_path / "kept")
    assert kept == outcome.document()
    name = kept["started_at"].replace(":", "-")
    assert f"kept kept/runs/{name}.json.gz\n" in outcome.stderr
    found = history(tmp_path / "kept")
    assert found["names"] == [name]
    assert [each["started_at"] for each in found["runs"]] == [kept["started_at"]]
    (episodes,) = (each[3]["episodes"] for each in found["courses"] if each[2] == "b")
    assert [(each["status"], each["since"]) for each in episodes] == [("drifted", kept["started_at"])]
    assert service.writes == []


def test_nights_make_a_history(service: Service, run: Run, tmp_path: Path) -> None:
    run(*NIGHTLY)
    service.mutate(MODEL_QUALITY, "b", ("RoleArn",), minimal(MODEL_QUALITY)["RoleArn"])
    assert run(*NIGHTLY, "--quiet").exit_code == 0
    service.delete(MODEL_QUALITY, "c")
    assert run(*NIGHTLY).exit_code == 2

    first, second, third = runs(tmp_path / "kept")
    courses = {each[2]: each[3]["episodes"] for each in history(tmp_path / "kept")["courses"]}
    assert [(each["status"], each["until"]) for each in courses["b"]] == [("drifted", second["started_at"])]
    assert [(each["status"], each["until"]) for each in courses["c"]] == [("missing", None)]
    assert courses["a"] == []
    assert is_derived_in_full(run, tmp_path / "kept")
    assert first["started_at"] <= second["started_at"] <= third["started_at"]


def test_check_keeps_a_result_in_a_folder_and_nothing_else(
    service: Service, run: Run, tmp_path: Path
) -> None:
    for _ in range(2):
        outcome = run("check", "--store", "kept", "-o", "json=-")
        assert outcome.exit_code == 2

    assert runs(tmp_path / "kept")[-1] == outcome.document()
    assert sorted(file.name for file in (tmp_path / "kept").iterdir()) == ["runs", "store.json"]
    assert len(runs(tmp_path / "kept")) == 2
    assert service.writes == []


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("check", "--store", "s3://a/b"), "check writes nothing to AWS: name a folder, or run"),
        (("check", "--store", "https://x/y"), "check writes nothing to AWS: name a folder, or run"),
        (("check", "--store", "s3://runs/a"), "check writes nothing to AWS: name a folder, or run"),
        (("check", "--store", "kept", "--select", "a"), "or --base is none of all definitions, and is not"),
        (("check", "--store", "kept", "--shard", "1/2"), "or --base is none of all definitions, and is not"),
        (("check", "--keep", "400d"), "there is nothing to delete without --store"),
        (("nightly", "--store", "https://example.com/a"), "is no place: write a folder, or s3://bucket/prefix"),
        (("nightly", "--store", "desired/desired.yaml"), "is a file, and no folder"),
        (("nightly", "--store", "kept", "--keep", "x"), "`x` is no age: write it as 12h or 7d"),
        (("nightly",), "Missing option '--store'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_else(
    service: Service, run: Run, tmp_path: Path, args: tuple[str, ...], expected: str
) -> None:
    outcome = run(*args)

    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert expected in " ".join(outcome.stderr.split())
    assert service.calls == []
    assert not (tmp_path / "kept").exists()


def test_nothing_sensitive_is_kept(service: Service, run: Run, tmp_path: Path) -> None:
    declared = minimal(MODEL_QUALITY, "s")
    declared["ModelQualityAppSpecification"]["Environment"] = {"DB_PASSWORD": "hunter2-declared"}
    write_desired(tmp_path, {MODEL_QUALITY: [declared]})
    service.create(MODEL_QUALITY, declared)
    path = ("ModelQualityAppSpecification", "Environment", "DB_PASSWORD")
    service.mutate(MODEL_QUALITY, "s", path, "hunter2-live")

    assert run(*NIGHTLY).exit_code == 2

    (kept,) = runs(tmp_path / "kept")
    assert "(sensitive)" in json.dumps(kept)
    assert "hunter2" not in json.dumps(kept)
    assert "hunter2" not in json.dumps(history(tmp_path / "kept"))


@pytest.mark.parametrize("command", ["check", "nightly"])
def test_a_run_that_is_terminated_is_kept_as_incomplete(
    service: Service, launch: Launch, tmp_path: Path, command: str
) -> None:
    service.fail(Hang(), name="c")
    running = launch(command, "--store", "kept")
    service.wait_for(3, "Describe*")
    running.signal(signal.SIGTERM)

    assert running.finish().exit_code == 143
    (kept,) = runs(tmp_path / "kept")
    assert not kept["complete"]


def test_of_two_runs_at_once_one_is_refused(
    service: Service, launch: Launch, run: Run, tmp_path: Path
) -> None:
    assert run(*NIGHTLY).exit_code == 2
    service.fail(Hang(), name="c")
    first = launch(*NIGHTLY)
    service.wait_for(6, "Describe*")

    second = run(*NIGHTLY)
    rebuilding = run("history", "rebuild", "--store", "kept")
    first.signal(signal.SIGINT)

    for outcome in (second, rebuilding):
        assert (outcome.exit_code, outcome.stdout) == (1, "")
        assert (
            f"error: kept is in use by another run (nightly, process {first.process.pid} on "
            in outcome.stderr
        )
    assert first.finish().exit_code == 130
    assert len(runs(tmp_path / "kept")) == 2
    service.faults.clear()
    assert run(*NIGHTLY).exit_code == 2


def test_checks_at_once_are_all_kept(launch: Launch, tmp_path: Path) -> None:
    running = [launch("check", "--store", "kept") for _ in range(4)]

    assert [each.finish().exit_code for each in running] == [2, 2, 2, 2]
    # those of one second that found the same are one document
    assert 1 <= len(runs(tmp_path / "kept")) <= 4


KILL = """
import os, signal, sys
left = int(sys.argv.pop(1))
def count(event, args):
    global left
    writes = {"os.rename", "os.link", "os.remove", "os.mkdir"}
    if event in writes or event == "open" and args[1] is None and args[2] & os.O_CREAT:
        if ".pyc" in str(args[0]) or "coverage" in str(args[0]):
            return
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
"""


@pytest.mark.slow
def test_a_kill_at_each_moment_of_writing_leaves_a_whole_store(
    run: Run, start: Callable[..., Outcome], tmp_path: Path
) -> None:
    moments = 0
    kept = 0
    while True:
        moments += 1
        outcome = start(KILL, str(moments), *NIGHTLY, "--quiet", "-o", "report.json")
        if (tmp_path / "kept" / "runs").exists():
            found = runs_whole(tmp_path / "kept")
            assert found >= kept
            kept = found
        if outcome.exit_code == 2:
            break
        assert outcome.exit_code == -signal.SIGKILL, outcome.stderr
        assert moments < 60

    assert moments > 8
    assert kept == len(history(tmp_path / "kept")["names"])
    assert is_derived_in_full(run, tmp_path / "kept")


def runs_whole(folder: Path) -> int:
    """How many runs a store has, each whole; what is half written has another name."""
    found = [file for file in (folder / "runs").iterdir() if not file.name.startswith(".")]
    for file in found:
        valid(gzip.decompress(file.read_bytes()).decode())
    return len(found)


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_whole_store(launch: Launch, run: Run, tmp_path: Path) -> None:
    began = time.monotonic()
    assert run(*NIGHTLY).exit_code == 2
    takes = time.monotonic() - began
    kept = 1
    for number in range(6):
        running = launch(*NIGHTLY)
        # the later half is where it writes
        time.sleep(takes * (0.5 + number / 12))
        running.process.kill()
        assert running.finish().exit_code in {-signal.SIGKILL, 2}
        found = runs_whole(tmp_path / "kept")
        assert kept <= found <= kept + 1
        kept = found

    assert run(*NIGHTLY).exit_code == 2
    assert len(history(tmp_path / "kept")["names"]) == runs_whole(tmp_path / "kept")
    assert is_derived_in_full(run, tmp_path / "kept")


LIMIT = """
import resource, sys
sys.dont_write_bytecode = True
resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))
"""


def test_a_file_that_may_not_grow_loses_the_night_alone(
    run: Run, start: Callable[..., Outcome], tmp_path: Path
) -> None:
    assert run(*NIGHTLY).exit_code == 2
    before = {file: file.read_bytes() for file in (tmp_path / "kept").rglob("*.*") if file.is_file()}

    outcome = start(LIMIT.format(200), *NIGHTLY, "-o", "json=-")

    assert outcome.exit_code == 1
    assert outcome.document()["summary"]["drifted"] == 1
    assert ".json.gz cannot be written: File too large\n" in outcome.stderr
    after = {file: file.read_bytes() for file in (tmp_path / "kept").rglob("*.*") if file.is_file()}
    assert {file.name for file in after} == {file.name for file in before}
    assert run(*NIGHTLY).exit_code == 2
    assert len(history(tmp_path / "kept")["names"]) == 2
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def fill(file: Path) -> None:
    """Write to a file until its disk is full."""
    with file.open("wb", buffering=0) as filler, suppress(OSError):
        while filler.write(bytes(512)):
            pass


def test_a_full_disk_loses_the_night_alone(run: Run, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", disk], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        kept = disk / "kept"
        assert run("nightly", "--store", kept).exit_code == 2
        filler = disk / "filler"
        fill(filler)
        outcome = run("nightly", "--store", kept, "-o", "json=-")

        assert outcome.exit_code == 1
        assert outcome.document()["summary"]["drifted"] == 1
        assert "cannot be written: No space left on device\n" in outcome.stderr
        assert runs_whole(kept) == 1
        filler.unlink()
        assert run("nightly", "--store", kept).exit_code == 2
        assert runs_whole(kept) == 2
        assert is_derived_in_full(run, kept)
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_clock_that_was_ahead_is_told_and_its_run_waits(
    run: Run, start: Callable[..., Outcome], tmp_path: Path
) -> None:
    ahead = start(moved(days=2), *NIGHTLY)
    assert ahead.exit_code == 2

    outcome = run(*NIGHTLY)

    assert outcome.exit_code == 2
    assert "starts later than now and is left out: a clock was wrong" in outcome.stderr
    first, second = runs(tmp_path / "kept")
    assert [each["started_at"] for each in history(tmp_path / "kept")["runs"]] == [first["started_at"]]
    later = start(moved(days=3), *NIGHTLY)
    assert later.exit_code == 2
    assert "left out" not in later.stderr
    assert [each["started_at"] for each in history(tmp_path / "kept")["runs"]] == [
        first["started_at"],
        second["started_at"],
        runs(tmp_path / "kept")[2]["started_at"],
    ]


def test_a_clock_that_jumps_ahead_deletes_nothing_where_aws_refuses_it(
    service: Service, run: Run, start: Callable[..., Outcome], tmp_path: Path
) -> None:
    run(*NIGHTLY)
    service.fail(DENIED)
    outcome = start(moved(days=2000), *NIGHTLY, "--keep", "400d")
    assert outcome.exit_code == 1
    assert len(runs(tmp_path / "kept")) == 2


def test_what_is_older_than_it_is_to_be_kept_is_deleted(run: Run, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    folder = tmp_path / "kept" / "runs"
    folder.mkdir(parents=True)
    for days in (500, 401, 399, 3):
        at = f"{now - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"
        old = document(in_sync()) | {"started_at": at, "finished_at": at}
        (folder / f"{at.replace(':', '-')}.json.gz").write_bytes(packed(old))

    outcome = run(*NIGHTLY, "--keep", "400d")

    assert outcome.exit_code == 2
    assert "deleted 2 runs from kept\n" in outcome.stderr
    assert len(runs(tmp_path / "kept")) == 3
    assert run(*NIGHTLY, "--keep", "400d").exit_code == 2
    assert len(history(tmp_path / "kept")["runs"]) == 4
    assert run("check", "--store", "kept", "--keep", "1d").exit_code == 2
    assert len(runs(tmp_path / "kept")) == 3


def test_a_damaged_store_heals(run: Run, tmp_path: Path) -> None:
    run(*NIGHTLY)
    run(*NIGHTLY)
    folder = tmp_path / "kept"
    damaged = min((folder / "runs").iterdir())
    damaged.write_bytes(damaged.read_bytes()[:-10])
    (folder / "runs" / "notes.txt").write_text("mine")
    (folder / "derived" / "history.json").write_text("{")

    outcome = run(*NIGHTLY)

    assert outcome.exit_code == 2
    assert outcome.stderr.count("was set aside as aside/") == 2
    assert "derived/history.json is damaged, and derived again" in outcome.stderr
    assert len(runs(folder)) == len(history(folder)["names"]) == 2
    assert (folder / "aside" / "notes.txt").read_text() == "mine"
    assert "aside" not in run(*NIGHTLY).stderr
    assert is_derived_in_full(run, folder)


def test_four_hundred_runs(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "kept" / "runs"
    folder.mkdir(parents=True)
    now = datetime.now(UTC)
    for days in range(1, 401):
        at = f"{now - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"
        old = document(in_sync("a"), in_sync("b")) | {"started_at": at, "finished_at": at}
        (folder / f"{at.replace(':', '-')}.json.gz").write_bytes(packed(old))

    outcome = run("history", "rebuild", "--store", "kept")

    assert (outcome.exit_code, outcome.stdout) == (0, "")
    assert outcome.stderr.startswith("made kept a store of runs: its identity is ")
    assert outcome.stderr.endswith("\nderived from 400 runs: the history of 2 definitions\n")
    assert run(*NIGHTLY).exit_code == 2
    assert len(history(tmp_path / "kept")["runs"]) == 401


def test_a_history_of_nothing_is_not_rebuilt(run: Run, tmp_path: Path) -> None:
    outcome = run("history", "rebuild", "--store", "ketp")

    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert outcome.stderr == "error: ketp holds no runs, as driftcheck nightly keeps them\n"
    assert not (tmp_path / "ketp").exists()


def test_messages_are_json_where_that_is_asked_for(service: Service, run: Run, tmp_path: Path) -> None:
    (tmp_path / "kept" / "runs").mkdir(parents=True)
    (tmp_path / "kept" / "runs" / "notes.txt").write_text("::error::\x1b[31m ##[error]")
    before = datetime.now(UTC)

    outcome = run(*NIGHTLY, "--log-format", "json", "-o", "no-such-folder/r.json", "-o", "json=-")
    done = run(*NIGHTLY, "--log-format", "json", "-o", "json=-")
    refused = run(*NIGHTLY, "--log-format", "json", "--no-such-option")

    lines = [json.loads(line) for line in (outcome.stderr + done.stderr + refused.stderr).splitlines()]
    assert {tuple(line)[:3] for line in lines} == {("time", "level", "message")}
    assert {line["level"] for line in lines} == {"info", "warning", "error"}
    assert all(before <= datetime.fromisoformat(line["time"]) <= datetime.now(UTC) for line in lines)
    (kept,) = (line for line in lines if line["message"].startswith("kept "))
    assert kept["run"] == runs(tmp_path / "kept")[0]["started_at"].replace(":", "-")
    assert done.document()["summary"]["drifted"] == 1
    assert os.linesep not in kept["message"]


def test_check_says_json_too(run: Run) -> None:
    outcome = run("check", "--log-format", "json", "-o", "r.json")

    (line,) = [json.loads(line) for line in outcome.stderr.splitlines()]
    assert (line["level"], line["message"]) == ("info", "wrote r.json")


def test_a_target_that_moved_is_a_warning_and_comes_back_to_its_history(
    service: Service, run: Run, tmp_path: Path
) -> None:
    def night(**env: str) -> Any:
        run(*NIGHTLY, "-o", "json=night.json", "--publish", "site", "--quiet", env=env)
        return valid((tmp_path / "night.json").read_text())

    assert night()["warnings"] == []

    away = night(AWS_REGION="us-east-1")

    (warning,) = away["warnings"]
    assert warning["code"] == "target-moved"
    assert warning["message"] == (
        "target default: the last run looked in account 123456789012, region eu-west-1, "
        "this one in account 123456789012, region us-east-1; each place has a history of its own"
    )
    front = (tmp_path / "site/index.html").read_text()
    assert "account 123456789012, region us-east-1" in front
    assert "went missing" not in front
    assert [each["code"] for each in night()["warnings"]] == ["target-moved"]
    assert night()["warnings"] == []


def test_check_with_a_store_says_so_too(service: Service, run: Run, tmp_path: Path) -> None:
    check = ("check", "--store", "kept", "-o", "json=-")
    run(*check)

    warnings = run(*check, env={"AWS_REGION": "us-east-1"}).document()["warnings"]

    assert [each["code"] for each in warnings] == ["target-moved"]
