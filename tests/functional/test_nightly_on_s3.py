"""The nightly run that keeps its results on S3: the emulator's, beside the fake SageMaker."""

from __future__ import annotations

import gzip
import json
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.clients import emulated
from tests.functional.definitions import ACCOUNT, MODEL_QUALITY, minimal, write_desired
from tests.functional.faults import Hang
from tests.functional.results import valid

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Launch, Run
    from tests.functional.service import Service

pytestmark = pytest.mark.slow

NIGHTLY = ("nightly", "--store", "s3://nights/fleet")


@pytest.fixture(autouse=True)
def s3(service: Service, tmp_path: Path, environment: dict[str, str], emulator: str) -> Any:
    """A client of an S3 with an empty bucket; a definition of two has drifted."""
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in ("a", "b")]})
    for name in ("a", "b"):
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))
    service.mutate(MODEL_QUALITY, "b", ("RoleArn",), f"arn:aws:iam::{ACCOUNT}:role/other")
    environment["AWS_ENDPOINT_URL_S3"] = emulator
    client = emulated(emulator)
    client.create_bucket(Bucket="nights")
    for each in client.list_objects_v2(Bucket="nights").get("Contents", []):
        client.delete_object(Bucket="nights", Key=each["Key"])
    return client


def objects(s3: Any) -> dict[str, bytes]:
    return {
        each["Key"]: s3.get_object(Bucket="nights", Key=each["Key"])["Body"].read()
        for each in s3.list_objects_v2(Bucket="nights").get("Contents", [])
    }


def runs(s3: Any) -> list[Any]:
    """The documents on S3, each of them whole and valid."""
    return [
        valid(gzip.decompress(content).decode())
        for key, content in objects(s3).items()
        if key.startswith("fleet/runs/")
    ]


def known(s3: Any) -> Any:
    """The names of the runs of the history on S3, and the history."""
    _, names, body = objects(s3)["fleet/derived/history.json"].decode().splitlines()
    return json.loads(names), json.loads(body)


def is_derived_in_full(run: Run, s3: Any) -> bool:
    before = known(s3)
    assert run("history", "rebuild", "--store", NIGHTLY[-1]).exit_code == 0
    return bool(known(s3) == before)


def test_a_night_is_kept_with_its_history(service: Service, run: Run, s3: Any) -> None:
    outcome = run(*NIGHTLY, "-o", "json=-")

    assert outcome.exit_code == 2
    name = outcome.document()["started_at"].replace(":", "-")
    assert f"kept s3://nights/fleet/runs/{name}.json.gz\n" in outcome.stderr
    assert sorted(objects(s3)) == [
        "fleet/derived/history.json",
        "fleet/lock.json",
        f"fleet/runs/{name}.json.gz",
        "fleet/store.json",
    ]
    assert runs(s3) == [outcome.document()]
    assert known(s3)[0] == [name]
    found = s3.head_object(Bucket="nights", Key=f"fleet/runs/{name}.json.gz")
    assert (found["ContentType"], found.get("ContentEncoding")) == ("application/gzip", None)
    assert run(*NIGHTLY).exit_code == 2
    assert len(known(s3)[0]) == 2
    assert is_derived_in_full(run, s3)
    assert service.writes == []


def test_what_is_put_there_is_encrypted_as_the_operator_says(run: Run, s3: Any, tmp_path: Path) -> None:
    key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/0b1c"
    (tmp_path / "driftcheck.toml").write_text(
        f'[s3]\nsse = "aws:kms"\nsse_kms_key_id = "{key}"\n', encoding="utf-8"
    )
    state, site = "s3://nights/state", "s3://nights/site"

    assert run(*NIGHTLY, "--incremental", "--state", state, "--publish", site).exit_code == 2

    found = objects(s3)
    assert {key.split("/")[0] for key in found} == {"fleet", "state", "site"}
    for name in found:
        head = s3.head_object(Bucket="nights", Key=name)
        assert (head.get("ServerSideEncryption"), head.get("SSEKMSKeyId")) == ("aws:kms", key), name
        s3.delete_object(Bucket="nights", Key=name)
    # and what puts a part of it there again
    assert run("state", "push", state).exit_code == 0
    assert run(*NIGHTLY, "--config", "none.toml").exit_code == 1
    (tmp_path / "none.toml").write_text("", encoding="utf-8")
    assert run(*NIGHTLY, "--config", "none.toml").exit_code == 2
    assert run("history", "rebuild", "--store", NIGHTLY[-1]).exit_code == 0
    assert run("dashboard", "--store", NIGHTLY[-1], "-o", site).exit_code == 0
    encrypted = {
        name
        for name in objects(s3)
        if s3.head_object(Bucket="nights", Key=name).get("ServerSideEncryption") == "aws:kms"
    }
    assert {name for name in objects(s3) if not name.startswith(("fleet/runs/", "fleet/store"))} == encrypted


def test_without_its_bucket_a_night_is_checked_and_reported(run: Run) -> None:
    outcome = run("nightly", "--store", "s3://nowhere/fleet", "-o", "json=-")

    assert outcome.exit_code == 1
    assert outcome.document()["summary"]["drifted"] == 1
    assert outcome.stderr.startswith("error: s3://nowhere/fleet/lock.json: ")
    assert "bucket does not exist" in outcome.stderr
    assert (
        "s3://nowhere/fleet is tried again after the check; without it, this run is not kept\n"
        in outcome.stderr
    )


def test_of_two_runs_at_once_one_is_refused(service: Service, launch: Launch, run: Run, s3: Any) -> None:
    service.fail(Hang(), name="b")
    first = launch(*NIGHTLY)
    service.wait_for(2, "Describe*")

    # it waits until the first gives a sign of life
    second = run(*NIGHTLY)
    first.signal(signal.SIGTERM)

    assert (second.exit_code, second.stdout) == (1, "")
    holder = f"nightly, process {first.process.pid} on "
    assert f"error: s3://nights/fleet is in use by another run ({holder}" in second.stderr
    assert first.finish().exit_code == 143
    assert len(runs(s3)) == 1
    service.faults.clear()
    assert run(*NIGHTLY).exit_code == 2


def test_a_lock_that_is_lost_ends_what_is_written(service: Service, launch: Launch, s3: Any) -> None:
    service.fail(Hang(), name="b", times=1)
    first = launch(*NIGHTLY, "--timeout", "40", "-o", "json=-")
    service.wait_for(2, "Describe*")
    s3.put_object(Bucket="nights", Key="fleet/lock.json", Body=b'{"owner": "other", "seconds": 60}')

    outcome = first.finish()

    assert outcome.exit_code == 1
    assert outcome.document()["summary"]["declared"] == 2
    assert "error: s3://nights/fleet: the lock was lost to another run; this one ends\n" in outcome.stderr
    assert sorted(objects(s3)) == ["fleet/lock.json"]
    assert json.loads(objects(s3)["fleet/lock.json"])["owner"] == "other"


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_whole_store(launch: Launch, run: Run, s3: Any) -> None:
    began = time.monotonic()
    assert run(*NIGHTLY).exit_code == 2
    takes = time.monotonic() - began
    kept = 1
    for number in range(5):
        running = launch(*NIGHTLY)
        time.sleep(takes * (0.5 + number / 10))
        running.process.kill()
        assert running.finish().exit_code in {-signal.SIGKILL, 2}
        # as an operator may who knows that the run is dead, and does not want to wait
        s3.delete_object(Bucket="nights", Key="fleet/lock.json")
        found = len(runs(s3))
        assert kept <= found <= kept + 1
        kept = found

    assert run(*NIGHTLY).exit_code == 2
    assert len(known(s3)[0]) == len(runs(s3))
    assert is_derived_in_full(run, s3)


@pytest.mark.slow
def test_the_lock_of_a_run_that_was_killed_lapses(
    service: Service, launch: Launch, run: Run, s3: Any
) -> None:
    service.fail(Hang(), name="b")
    first = launch(*NIGHTLY)
    service.wait_for(2, "Describe*")
    first.process.kill()
    service.faults.clear()
    lock = json.loads(objects(s3)["fleet/lock.json"])
    assert lock["seconds"] == 60
    # a minute in which the test would do nothing
    s3.put_object(Bucket="nights", Key="fleet/lock.json", Body=json.dumps({**lock, "seconds": 3}).encode())

    began = time.monotonic()
    assert run(*NIGHTLY).exit_code == 2
    assert time.monotonic() - began > 3
    assert len(runs(s3)) == 1


def test_a_damaged_document_is_set_aside(run: Run, s3: Any) -> None:
    run(*NIGHTLY)
    (key,) = (key for key in objects(s3) if key.startswith("fleet/runs/"))
    s3.put_object(Bucket="nights", Key=key, Body=b"damaged")
    s3.put_object(Bucket="nights", Key="fleet/runs/notes.txt", Body=b"mine")

    assert run("history", "rebuild", "--store", NIGHTLY[-1]).exit_code == 0

    found = objects(s3)
    assert found[key.replace("/runs/", "/aside/")] == b"damaged"
    assert found["fleet/aside/notes.txt"] == b"mine"
    assert runs(s3) == []
    assert known(s3)[0] == []
