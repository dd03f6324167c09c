"""State on S3: ``check`` only ever reads it, and ``state push`` alone writes it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.clients import emulated
from tests.functional.cloud import ACCESS_KEY
from tests.functional.definitions import ACCOUNT, MODEL_QUALITY, REGION, minimal, write_desired
from tests.functional.faults import Answer, Boast, Cut, Hang, Refuse
from tests.functional.results import Result, check, held
from tests.functional.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.functional.conftest import Launch, Outcome, Run

pytestmark = pytest.mark.slow

OLD = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
DOCUMENTATION = Path(__file__).parents[2].joinpath("docs", "incremental.md").read_text("utf-8")
PLACE = "s3://states/fleet/nightly"
KEY = "states/fleet/nightly/default.state"
INCREMENTAL = ("--incremental", "--state", PLACE)
DENIED = Refuse(403, "AccessDenied", "Access Denied")
SLOW_DOWN = Refuse(503, "SlowDown", "Please reduce your request rate.")
OTHER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/other"


@pytest.fixture(autouse=True)
def _fleet(service: Service, tmp_path: Path) -> None:
    """Two definitions as declared, long since described by nobody."""
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in ("a", "b")]})
    for name in ("a", "b"):
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name), created_at=OLD)


def again(run: Run, service: Service, *args: str, **env: str | None) -> tuple[Result, list[str]]:
    """A further run, which writes nothing to AWS, and the names that it described."""
    service.calls.clear()
    result = check(run, service, *INCREMENTAL, *args, env=env)
    assert {call.action for call in service.calls if call.is_s3} <= {"GetObject"}
    return result, sorted(call.name for call in service.called("Describe*"))


def push(run: Run, *args: str, **env: str | None) -> Outcome:
    return run("state", "push", *(args or (PLACE,)), env=env)


def known(run: Run, service: Service) -> None:
    """Bring what is known to S3, and nowhere else."""
    again(run, service)
    assert push(run).exit_code == 0


def forget_here(folder: Path) -> None:
    (folder / ".driftcheck" / "default.state").unlink()


def test_what_was_pushed_is_not_described_again(service: Service, run: Run, tmp_path: Path) -> None:
    first, described = again(run, service)
    assert (first.exit_code, first.warnings, described) == (0, [], ["a", "b"])
    assert service.objects == {}
    assert (
        f"the new state is in .driftcheck, and on S3 once you run: driftcheck state push {PLACE}\n"
        in first.stderr
    )

    service.calls.clear()
    pushed = push(run)
    assert (pushed.exit_code, pushed.stdout) == (0, "")
    assert pushed.stderr == f"pushed {PLACE}/default.state\n"
    assert [(call.action, call.name) for call in service.calls] == [("PutObject", KEY)]
    assert service.objects == {KEY: (tmp_path / ".driftcheck" / "default.state").read_bytes()}

    forget_here(tmp_path)
    second, described = again(run, service)
    assert (second.exit_code, second.warnings, described) == (0, [], [])
    assert second.document["resources"] == first.document["resources"]
    assert [call.name for call in service.called("GetObject")] == [KEY]
    # and what is pushed again is of all that is known, not of what this run described
    push(run)
    assert again(run, service)[1] == []


def test_the_lines_of_the_documentation_keep_what_is_known_and_the_exit_code(
    service: Service, environment: dict[str, str], tmp_path: Path
) -> None:
    (script,) = re.findall(r"^```sh\n(.*?)^```$", DOCUMENTATION, re.MULTILINE | re.DOTALL)
    service.buckets.add("ml-drift-state")
    service.mutate(MODEL_QUALITY, "b", ("RoleArn",), OTHER_ROLE, recreated_at=OLD)
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    described = []
    for _ in range(2):
        ended = subprocess.run(
            ["sh", "-e", "-c", script],
            cwd=tmp_path,
            env={**environment, "PATH": path},
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
        assert ended.returncode == 2, ended.stderr
        described.append(len(service.called("Describe*")))

    assert described == [2, 2]
    assert list(service.objects) == ["ml-drift-state/nightly/default.state"]


def test_what_lies_in_the_folder_is_not_read(service: Service, run: Run) -> None:
    again(run, service)

    assert again(run, service)[1] == ["a", "b"]


def test_what_was_recreated_is_described(service: Service, run: Run) -> None:
    known(run, service)
    service.mutate(MODEL_QUALITY, "b", ("RoleArn",), OTHER_ROLE, recreated_at=OLD + timedelta(hours=1))

    result, described = again(run, service)

    assert (result.exit_code, described, result.statuses) == (2, ["b"], {"a": "in_sync", "b": "drifted"})


def test_quiet_says_nothing_of_where_the_state_is(service: Service, run: Run) -> None:
    assert again(run, service, "--quiet")[0].stderr == ""
    pushed = push(run, PLACE, "--quiet")
    assert (pushed.exit_code, pushed.stdout, pushed.stderr) == (0, "", "")


def test_another_folder_may_be_named_for_what_is_to_be_pushed(
    service: Service, run: Run, tmp_path: Path
) -> None:
    first, _ = again(run, service, "--state-out", "of this run")
    command = re.search(r"once you run: driftcheck (.*)\n", first.stderr)
    assert command is not None
    assert command[1] == f"state push --state 'of this run' {PLACE}"
    assert not (tmp_path / ".driftcheck").exists()

    assert push(run, "--state", "of this run", PLACE).exit_code == 0
    assert again(run, service, "--state-out", "of this run")[1] == []


def test_a_folder_may_be_read_and_another_be_written(service: Service, run: Run, tmp_path: Path) -> None:
    check(run, service, "--incremental", "--state", "one")
    before = (tmp_path / "one" / "default.state").read_bytes()
    service.calls.clear()

    result = check(run, service, "--incremental", "--state", "one", "--state-out", "two")

    assert (result.exit_code, service.called("Describe*")) == (0, [])
    assert "push" not in result.stderr
    assert (tmp_path / "one" / "default.state").read_bytes() == before
    assert (tmp_path / "two" / "default.state").is_file()


def test_shards_and_targets_have_an_object_each(service: Service, run: Run, tmp_path: Path) -> None:
    (tmp_path / "driftcheck.toml").write_text(
        f'[targets.eu]\nregion = "{REGION}"\n[targets.us]\nregion = "us-east-1"\n', "utf-8"
    )
    declared = {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in ("a", "b")]}
    write_desired(tmp_path, declared, targets=["eu", "us"])
    for number in ("1/2", "2/2"):
        again(run, service, "--shard", number)
    assert push(run, "s3://states").exit_code == 0
    assert sorted(service.objects) == [
        f"states/{target}.{number}-of-2.state" for target in ("eu", "us") for number in (1, 2)
    ]

    service.calls.clear()
    described: list[str] = []
    for number in ("1/2", "2/2"):
        result = check(run, service, "--incremental", "--state", "s3://states/", "--shard", number)
        assert result.warnings == []
        described += [f"{call.region} {call.name}" for call in service.called("Describe*")]
        service.calls.clear()
    # those of the region in which they do not exist are never listed
    assert sorted(described) == ["us-east-1 a", "us-east-1 b"]


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _altered(content: bytes) -> bytes:
    return content.replace(b"role", b"rule")


def _of_another_version(content: bytes) -> bytes:
    return content.replace(b'"made_by": "driftcheck', b'"made_by": "driftcheck 0.0.1')


def _garbage(_: bytes) -> bytes:
    return b"\xff\xfe\x00" * 1000


def _emptied(_: bytes) -> bytes:
    return b""


def _nested(_: bytes) -> bytes:
    return b"[" * 100_000


SPOILT: list[Callable[[bytes], bytes]] = [_cut, _altered, _of_another_version, _garbage, _emptied, _nested]


@pytest.mark.parametrize("spoil", SPOILT)
def test_an_object_that_cannot_be_relied_on_is_told_and_not_used(
    service: Service, run: Run, spoil: Callable[[bytes], bytes]
) -> None:
    known(run, service)
    service.objects[KEY] = spoil(service.objects[KEY])

    result, described = again(run, service)

    assert (result.exit_code, described) == (0, ["a", "b"])
    assert result.warnings == ["state-not-used"]
    assert f"{PLACE}/default.state is not used: it " in result.document["warnings"][0]["message"]
    # the run that described everything has left what may be pushed
    push(run)
    assert again(run, service)[1] == []


def test_the_age_of_an_object_counts(service: Service, run: Run) -> None:
    known(run, service)
    since = datetime.now(UTC) - timedelta(hours=5)
    service.objects[KEY] = re.sub(
        rb'"since": "[^"]+"', f'"since": "{since.isoformat()}"'.encode(), service.objects[KEY]
    )

    assert again(run, service, "--max-age", "6h")[1] == []
    result, described = again(run, service, "--max-age", "4h")
    assert (described, result.warnings) == (["a", "b"], ["state-not-used"])


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (
            DENIED,
            "GetObject: AccessDenied; allow it (driftcheck iam-policy --state s3://states/fleet/nightly)",
        ),
        (Refuse(404, "NoSuchBucket", "The specified bucket does not exist"), "bucket does not exist"),
        (Answer("<html>nothing here</html>", 404, "text/html"), "GetObject"),
        (Answer("<html>gateway</html>", 500, "text/html"), "GetObject"),
        (Cut(), "GetObject"),
        (Boast(600 * 2**20), "it is larger than 512 MiB"),
    ],
    ids=["denied", "no-bucket", "no-answer-of-s3", "in-trouble", "cut", "huge"],
)
def test_what_cannot_be_read_is_told_and_not_used(service: Service, run: Run, fault: Any, says: str) -> None:
    known(run, service)
    service.fail(fault, action="GetObject")

    result, described = again(run, service)

    assert (result.exit_code, described) == (0, ["a", "b"])
    assert result.warnings == ["state-not-used"]
    assert says in result.document["warnings"][0]["message"]


def test_a_bucket_that_hangs_costs_the_time_of_one_call(service: Service, run: Run) -> None:
    known(run, service)
    service.fail(Hang(), action="GetObject")

    result, described = again(run, service, "--timeout", "2")

    assert (result.exit_code, described) == (0, ["a", "b"])
    assert "no whole answer within 2 s" in result.document["warnings"][0]["message"]


def test_a_bucket_that_hangs_to_the_deadline_leaves_a_result(
    service: Service, run: Run, tmp_path: Path
) -> None:
    known(run, service)
    before = (tmp_path / ".driftcheck" / "default.state").read_bytes()
    service.fail(Hang(), action="GetObject")
    began = time.monotonic()

    result, described = again(run, service, "--deadline", "2")

    # nothing but the upper bound: 30 s of one call, tried again, would not fit
    assert time.monotonic() - began < 30
    assert (result.exit_code, described) == (1, [])
    assert set(result.errors.values()) == {"DeadlineExceeded"}
    # what was not learned does not replace what is known
    assert (tmp_path / ".driftcheck" / "default.state").read_bytes() == before


def test_an_interrupt_while_the_state_is_read_leaves_a_result(
    service: Service, run: Run, launch: Launch, tmp_path: Path
) -> None:
    known(run, service)
    before = (tmp_path / ".driftcheck" / "default.state").read_bytes()
    service.calls.clear()
    service.fail(Hang(), action="GetObject")
    running = launch("check", *INCREMENTAL, "-o", "json=-")
    service.wait_for(1, "GetObject")
    running.signal(signal.SIGTERM)

    result = held(running.finish(), service)

    assert (result.exit_code, result.document["complete"]) == (143, False)
    assert set(result.errors.values()) == {"Interrupted"}
    assert (tmp_path / ".driftcheck" / "default.state").read_bytes() == before


def test_trouble_that_passes_is_waited_out(service: Service, run: Run) -> None:
    known(run, service)
    service.fail(SLOW_DOWN, action="GetObject", times=1)

    result, described = again(run, service)

    assert (result.warnings, described) == ([], [])


def test_a_bucket_of_another_region_is_followed_there(service: Service, run: Run) -> None:
    known(run, service)
    elsewhere = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>us-east-2</Region></Error>"
    service.fail(Answer(elsewhere, 400, "application/xml"), action="GetObject", region=REGION)

    result, described = again(run, service)

    assert (result.warnings, described) == ([], [])
    assert service.called("GetObject")[-1].region == "us-east-2"


def test_s3_may_have_an_endpoint_and_credentials_of_its_own(
    service: Service, run: Run, tmp_path: Path
) -> None:
    # the role of a target reads what is declared, and the operator's own credentials the state
    role = "arn:aws:iam::210987654321:role/reader"
    (tmp_path / "driftcheck.toml").write_text(
        f'[targets.prod]\nregion = "{REGION}"\nrole_arn = "{role}"\n', "utf-8"
    )
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, "a")]}, target="prod")
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "a"), account="210987654321", created_at=OLD)
    with Service() as store:
        endpoints = {
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_ENDPOINT_URL_S3": store.url,
            "AWS_ENDPOINT_URL_SAGEMAKER": service.url,
            "AWS_ENDPOINT_URL_STS": service.url,
        }
        again(run, service, **endpoints)
        assert push(run, **endpoints).exit_code == 0
        assert list(store.objects) == ["states/fleet/nightly/prod.state"]

        result, described = again(run, service, **endpoints)

        assert (result.exit_code, result.warnings, described) == (0, [], [])
        assert {call.access_key for call in store.calls} == {ACCESS_KEY}
        assert {call.access_key for call in service.called("List*")} >= {"ASSUMEDROLEKEY0002"}


def test_without_credentials_neither_reads_nor_writes(service: Service, run: Run) -> None:
    known(run, service)
    without = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}

    result, described = again(run, service, **without)
    assert (result.exit_code, described) == (1, [])
    assert "state-not-used" in result.warnings

    pushed = push(run, **without)
    assert (pushed.exit_code, pushed.stdout) == (1, "")
    (line,) = pushed.stderr.splitlines()
    assert line.startswith(f"error: .driftcheck/default.state is not pushed to {PLACE}: ")
    assert "redentials" in line


@pytest.mark.parametrize("spoil", SPOILT)
def test_no_damaged_file_is_pushed_and_the_others_are(
    service: Service, run: Run, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    again(run, service)
    folder = tmp_path / ".driftcheck"
    good = (folder / "default.state").read_bytes()
    (folder / "other.state").write_bytes(spoil(good))

    pushed = push(run)

    assert pushed.exit_code == 1
    assert re.search(r"^error: \.driftcheck/other\.state is not pushed: it ", pushed.stderr, re.MULTILINE)
    assert len(pushed.stderr.splitlines()) == 2
    assert service.objects == {KEY: good}


def test_what_check_would_not_take_or_not_name_is_not_pushed(
    service: Service, run: Run, tmp_path: Path
) -> None:
    again(run, service)
    folder = tmp_path / ".driftcheck"
    (folder / "default.state").rename(folder / "a b.state")
    (folder / "folder.state").mkdir()
    (folder / "notes.txt").write_text("not a state", "utf-8")
    with (folder / "huge.state").open("wb") as huge:
        os.truncate(huge.fileno(), 600 * 2**20)

    pushed = push(run)

    assert pushed.exit_code == 1
    assert pushed.stderr.splitlines() == [
        "error: .driftcheck/a b.state is not pushed: no target is named so",
        "error: .driftcheck/folder.state is not pushed: it is not a regular file",
        "error: .driftcheck/huge.state is not pushed: it is larger than 512 MiB",
    ]
    assert service.called("PutObject") == []


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (DENIED, "PutObject: Access Denied"),
        (Refuse(404, "NoSuchBucket", "The specified bucket does not exist"), "bucket does not exist"),
        (
            Refuse(403, "AccessDenied", "not authorized to perform: kms:GenerateDataKey on resource: x"),
            "kms:GenerateDataKey",
        ),
        (Hang(), "no whole answer within 2 s"),
    ],
    ids=["denied", "no-bucket", "no-key", "hangs"],
)
def test_a_push_that_is_refused_is_one_line(service: Service, run: Run, fault: Any, says: str) -> None:
    again(run, service)
    service.fail(fault, action="PutObject")

    pushed = push(run, PLACE, "--timeout", "2")

    assert (pushed.exit_code, pushed.stdout) == (1, "")
    (line,) = pushed.stderr.splitlines()
    assert line.startswith(f"error: .driftcheck/default.state is not pushed to {PLACE}: PutObject: ")
    assert says in line
    assert service.objects == {}


def test_an_interrupt_while_it_is_pushed(service: Service, run: Run, launch: Launch) -> None:
    again(run, service)
    service.fail(Hang(), action="PutObject")
    running = launch("state", "push", PLACE)
    service.wait_for(1, "PutObject")
    running.signal(signal.SIGINT)

    outcome = running.finish()

    assert (outcome.exit_code, outcome.stdout) == (130, "")
    (line,) = outcome.stderr.splitlines()
    assert "interrupted" in line


@pytest.mark.parametrize("folder", ["absent", "desired"])
def test_a_folder_without_state_is_one_line(service: Service, run: Run, folder: str) -> None:
    pushed = push(run, "--state", folder, PLACE)

    assert (pushed.exit_code, pushed.stdout) == (1, "")
    assert pushed.stderr == f"error: {folder} holds no state, as check --incremental leaves it\n"
    assert service.calls == []


@pytest.mark.parametrize(
    "command", [("check", "--incremental", "--state"), ("state", "push"), ("iam-policy", "--state")]
)
def test_what_is_no_place_is_refused_before_anything_else(
    service: Service, run: Run, command: tuple[str, ...]
) -> None:
    outcome = run(*command, "s3://states/a/../b")

    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert "is no place: write a folder, or s3://bucket/prefix" in outcome.stderr
    assert service.calls == []


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("check", "--incremental", "--state", "desired/desired.yaml"), "is a file, and no folder"),
        (("check", "--incremental", "--state-out", "desired/desired.yaml"), "is a file, and no folder"),
        (("check", "--incremental", "--state-out", "s3://a/b"), "check writes nothing to AWS: name a folder"),
        (("check", "--incremental", "--state-out", PLACE), "check writes nothing to AWS: name a folder"),
        (("state", "push", "folder"), "`folder` is a folder: write s3://bucket/prefix"),
        (("state", "push"), "Missing argument"),
        (("state", "pull", PLACE), "No such command 'pull'"),
        (("state", "push", "--state", PLACE, PLACE), "holds no state"),
    ],
)
def test_a_usage_error_is_a_line_or_two(service: Service, run: Run, args: tuple[str, ...], says: str) -> None:
    outcome = run(*args)

    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert says in outcome.stderr
    assert len(outcome.stderr.splitlines()) <= 2
    assert service.calls == []


def test_a_state_that_somebody_forged_ends_no_run(service: Service, run: Run) -> None:
    known(run, service)
    head, body = service.objects[KEY].decode().splitlines()
    rows = json.loads(body)
    for properties in ("{", "[]", "5", '{"RoleArn": {"a": 1}, "JobResources": 7}'):
        forged = json.dumps([[*row[:5], properties, row[6]] for row in rows])
        digest = hashlib.sha256(forged.encode()).hexdigest()
        about = json.dumps({**json.loads(head), "sha256": digest})
        service.objects[KEY] = f"{about}\n{forged}\n".encode()

        result, described = again(run, service)

        # who may write the state says what is true; never that a run breaks
        assert (result.exit_code, described) in [(0, ["a", "b"]), (2, [])]


def test_another_emulator_answers_as_the_fake_does(service: Service, run: Run, emulator: str) -> None:
    store = {"AWS_ENDPOINT_URL_S3": emulator}
    result, _ = again(run, service, **store)
    assert "The specified bucket does not exist" in result.document["warnings"][0]["message"]
    assert "The specified bucket does not exist" in push(run, **store).stderr
    emulated(emulator, region=REGION).create_bucket(
        Bucket="states", CreateBucketConfiguration={"LocationConstraint": REGION}
    )

    result, described = again(run, service, **store)
    assert (result.warnings, described) == ([], ["a", "b"])
    assert push(run, **store).exit_code == 0
    result, described = again(run, service, **store)
    assert (result.warnings, described) == ([], [])
