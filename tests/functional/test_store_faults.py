"""What is no document, and what is no answer of S3: nothing is lost, and the next night is right."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.parsers import ResponseParserError

from driftcheck.aws.outgoing import Bus, Topic, put_metrics
from tests.functional import gateway as by_hand
from tests.functional.clients import emulated
from tests.functional.definitions import ACCOUNT, MODEL_QUALITY, minimal, write_desired
from tests.functional.faults import Answer
from tests.functional.gateway import Gateway, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

pytestmark = pytest.mark.slow

FOLDER = ("nightly", "--store", "kept", "--publish", "site")
ON_S3 = ("nightly", "--store", "s3://faults/fleet", "--publish", "s3://faults/site")
RUN = "2026-11-01T00-00-00Z.json.gz"


@pytest.fixture(autouse=True)
def _fleet(service: Service, tmp_path: Path) -> None:
    """Two definitions, of which one has drifted."""
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in ("a", "b")]})
    for name in ("a", "b"):
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))
    service.mutate(MODEL_QUALITY, "b", ("RoleArn",), f"arn:aws:iam::{ACCOUNT}:role/other")


@pytest.fixture
def run(run_inside: Run) -> Run:
    return run_inside


@pytest.fixture
def gateway(emulator: str) -> Iterator[Gateway]:
    with Gateway(emulator) as running:
        yield running


@pytest.fixture
def s3(gateway: Gateway, emulator: str, environment: dict[str, str]) -> Any:
    """A client of an S3 with an empty bucket, which driftcheck reaches through the gateway alone."""
    environment["AWS_ENDPOINT_URL_S3"] = gateway.url
    client = emulated(emulator)
    client.create_bucket(Bucket="faults")
    for each in client.list_objects_v2(Bucket="faults").get("Contents", []):
        client.delete_object(Bucket="faults", Key=each["Key"])
    return client


def objects(s3: Any, start: str = "") -> dict[str, bytes]:
    """What is kept, but the locks."""
    return {
        each["Key"]: s3.get_object(Bucket="faults", Key=each["Key"])["Body"].read()
        for each in s3.list_objects_v2(Bucket="faults", Prefix=start).get("Contents", [])
        if not each["Key"].endswith("/lock.json")
    }


def runs(s3: Any) -> list[str]:
    return sorted(objects(s3, "fleet/runs/"))


def known(s3: Any) -> Any:
    return json.loads(objects(s3)["fleet/derived/history.json"].splitlines()[1])


def pipe(file: Path) -> None:
    os.mkfifo(file)


def endless(file: Path) -> None:
    file.symlink_to("/dev/zero")


def folder(file: Path) -> None:
    file.mkdir()
    (file / "x").write_text("mine", "utf-8")


def huge(file: Path) -> None:
    with file.open("wb") as sparse:
        sparse.truncate(600 * 2**20)


@pytest.mark.parametrize("make", [pipe, endless, huge])
def test_what_is_no_regular_file_is_set_aside_in_a_moment(
    run: Run, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    assert run(*FOLDER).exit_code == 2
    make(tmp_path / "kept" / "runs" / RUN)
    began = time.monotonic()

    outcome = run(*FOLDER)

    assert time.monotonic() - began < 15
    assert outcome.exit_code == 2
    assert f"warning: kept/runs/{RUN} was set aside as aside/{RUN}: it is " in outcome.stderr
    assert os.path.lexists(tmp_path / "kept" / "aside" / RUN)
    assert run(*FOLDER, "--quiet").stderr == ""


@pytest.mark.parametrize("make", [pipe, endless, huge, folder])
@pytest.mark.parametrize("name", ["kept/derived/history.json", "kept/store.json", "site/manifest.json"])
def test_nothing_odd_in_place_of_what_is_kept_stops_a_night(
    run: Run, tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    assert run(*FOLDER).exit_code == 2
    if name == "site/manifest.json" and make is folder:
        pytest.skip("a folder in the site is not driftcheck's to move")
    (tmp_path / name).unlink()
    make(tmp_path / name)

    outcome = run(*FOLDER, "--replace")

    assert outcome.exit_code == 2, outcome.stderr
    assert (tmp_path / name).is_file()
    assert run(*FOLDER, "--quiet").stderr == ""


@pytest.mark.parametrize("make", [pipe, endless, folder])
def test_a_lock_that_is_no_file_is_one_line(run: Run, tmp_path: Path, make: Callable[[Path], None]) -> None:
    (tmp_path / "kept").mkdir()
    make(tmp_path / "kept" / ".lock")

    outcome = run(*FOLDER, "-o", "json=-")

    assert outcome.exit_code == 1
    assert outcome.document()["summary"]["drifted"] == 1
    assert "error: kept/.lock: it is not a regular file\n" in outcome.stderr


@pytest.mark.parametrize("make", [pipe, endless])
@pytest.mark.parametrize("command", [("check",), ("nightly", "--store", "kept")])
def test_a_state_that_is_no_regular_file_is_told_and_replaced(
    run: Run, tmp_path: Path, command: tuple[str, ...], make: Callable[[Path], None]
) -> None:
    (tmp_path / ".driftcheck").mkdir()
    make(tmp_path / ".driftcheck" / "default.state")

    outcome = run(*command, "--incremental", "-o", "json=-")

    assert outcome.exit_code == 2
    (warning,) = outcome.document()["warnings"]
    assert "it is not a regular file; everything is described" in warning["message"]
    assert (tmp_path / ".driftcheck" / "default.state").is_file()
    assert run(*command, "--incremental", "-o", "json=-").document()["warnings"] == []


def test_a_history_of_brackets_is_damaged_and_derived_again(run: Run, tmp_path: Path) -> None:
    assert run(*FOLDER).exit_code == 2
    (tmp_path / "kept" / "derived" / "history.json").write_bytes(b"[" * 200_000)

    outcome = run(*FOLDER)

    assert outcome.exit_code == 2
    assert outcome.stderr.count("derived/history.json is damaged, and derived again") == 1


def test_a_lock_of_brackets_lapses(run: Run, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driftcheck.aws.lease.SECONDS", 1.0)
    s3.put_object(Bucket="faults", Key="fleet/lock.json", Body=b"[" * 200_000)

    outcome = run(*ON_S3)

    assert outcome.exit_code == 2, outcome.stderr


@pytest.mark.parametrize("command", ["report", "merge"])
def test_a_result_without_end_is_refused(run: Run, command: str) -> None:
    outcome = run(command, "/dev/zero")

    assert (outcome.exit_code, outcome.stderr) == (1, "/dev/zero: error: larger than 256 MB\n")


@pytest.mark.parametrize(
    "listing",
    [
        by_hand.EMPTY_RESULT,
        by_hand.EMPTY_BODY,
        by_hand.PAGE,
        by_hand.nothing_in("faults", "fleet/runs/"),
        by_hand.SLOW_DOWN,
        by_hand.DENIED,
        by_hand.MOVED,
    ],
    ids=["empty result", "empty body", "page", "lagging", "slow down", "denied", "moved"],
)
def test_a_listing_that_is_none_loses_nothing(run: Run, s3: Any, gateway: Gateway, listing: Reply) -> None:
    assert run(*ON_S3).exit_code == 2
    before = objects(s3)
    gateway.answer("ListObjectsV2", listing)

    outcome = run(*ON_S3, "-o", "json=-")

    assert outcome.exit_code == 1, outcome.stderr
    assert outcome.document()["summary"]["drifted"] == 1
    assert "bug in driftcheck" not in outcome.stderr
    after = objects(s3)
    assert {key: after.get(key) for key in before} == before
    assert len(after.keys() - before.keys()) == 1  # the night is kept all the same
    rebuilt = run("history", "rebuild", "--store", "s3://faults/fleet")
    shown = run("dashboard", "--store", "s3://faults/fleet", "-o", "s3://faults/site")
    assert (rebuilt.exit_code, shown.exit_code) == (1, 1)
    assert objects(s3) == after
    gateway.rules.clear()
    assert run(*ON_S3).exit_code == 2
    assert len(known(s3)) == len(runs(s3)) == 3


@pytest.mark.parametrize("answer", [by_hand.INTERNAL, by_hand.PAGE])
def test_a_lock_that_cannot_be_taken_at_the_start_is_taken_after_the_check(
    run: Run, s3: Any, gateway: Gateway, answer: Reply
) -> None:
    gateway.answer("PutObject", answer, key="faults/fleet/lock.json", times=3 if answer.status == 500 else 1)

    outcome = run(*ON_S3, "-o", "json=-")

    assert outcome.exit_code == 1
    assert outcome.document()["summary"]["drifted"] == 1
    assert "s3://faults/fleet is tried again after the check; without it, this run is not kept\n" in (
        outcome.stderr
    )
    assert len(runs(s3)) == len(known(s3)) == 1


def test_a_listing_that_lags_for_a_moment_is_read_again(run: Run, s3: Any, gateway: Gateway) -> None:
    assert run(*ON_S3).exit_code == 2
    lagging: list[Reply] = []

    def lag(answer: Reply) -> Reply:
        lagging.append(answer)
        # the first listing of the night, and the first after the night was kept, once more
        return lagging[0] if len(lagging) in {1, 2} else answer

    gateway.answer("ListObjectsV2", lag, key="faults/fleet/runs/*")

    assert run(*ON_S3).exit_code == 2
    assert len(known(s3)) == 2


def test_what_was_pruned_is_missed_by_nobody(run: Run, s3: Any) -> None:
    for _ in range(2):
        assert run(*ON_S3).exit_code == 2
    s3.delete_object(Bucket="faults", Key=runs(s3)[0])

    outcome = run(*ON_S3)

    assert outcome.exit_code == 2, outcome.stderr
    assert known(s3) == [key.removeprefix("fleet/runs/").removesuffix(".json.gz") for key in runs(s3)]


ETAG = (("ETag", '"0123"'), ("Content-Type", "text/html"))


@pytest.mark.parametrize("page", [by_hand.PAGE, replace(by_hand.PAGE, headers=ETAG), by_hand.EMPTY_BODY])
def test_a_page_in_place_of_a_document_leaves_it_where_it_is(
    run: Run, s3: Any, gateway: Gateway, page: Reply
) -> None:
    assert run(*ON_S3).exit_code == 2
    (first,) = runs(s3)
    before = objects(s3)[first]
    s3.delete_object(Bucket="faults", Key="fleet/derived/history.json")
    gateway.answer("GetObject", page, key="faults/fleet/runs/*", times=2 if page.headers != ETAG else 1)

    outcome = run(*ON_S3)

    # with an ETag it could be an answer, and is looked at once more
    assert outcome.exit_code == (2 if page.headers == ETAG else 1), outcome.stderr
    assert objects(s3)[first] == before
    assert objects(s3, "fleet/aside/") == {}
    assert run(*ON_S3).exit_code == 2
    assert len(known(s3)) == 3


def test_a_document_that_is_read_wrong_again_is_moved_as_it_is(run: Run, s3: Any, gateway: Gateway) -> None:
    assert run(*ON_S3).exit_code == 2
    (first,) = runs(s3)
    before = objects(s3)[first]
    s3.delete_object(Bucket="faults", Key="fleet/derived/history.json")
    gateway.answer("GetObject", replace(by_hand.PAGE, headers=ETAG), key=f"faults/{first}")

    outcome = run(*ON_S3)

    aside = first.replace("/runs/", "/aside/")
    assert f"s3://faults/{first} was set aside as " in outcome.stderr
    assert objects(s3)[aside] == before
    assert ("CopyObject", f"faults/{aside}") in gateway.calls()
    assert ("PutObject", f"faults/{aside}") not in gateway.calls()


@pytest.mark.parametrize("answer", [by_hand.PAGE, by_hand.EMPTY_BODY, by_hand.INTERNAL])
def test_a_copy_that_is_not_known_to_be_made_deletes_nothing(
    run: Run, s3: Any, gateway: Gateway, answer: Reply
) -> None:
    s3.put_object(Bucket="faults", Key="fleet/runs/notes.txt", Body=b"mine")
    gateway.answer("CopyObject", answer)

    outcome = run(*ON_S3)

    assert "s3://faults/fleet/runs/notes.txt is left out: its name is not that of a run" in outcome.stderr
    assert objects(s3)["fleet/runs/notes.txt"] == b"mine"


@pytest.mark.parametrize("answer", [by_hand.PAGE, by_hand.EMPTY_BODY])
def test_a_put_without_etag_keeps_nothing(run: Run, s3: Any, gateway: Gateway, answer: Reply) -> None:
    assert run(*ON_S3).exit_code == 2
    gateway.answer("PutObject", answer, key="faults/fleet/runs/*")

    outcome = run(*ON_S3, "-o", "json=-")

    assert outcome.exit_code == 1
    assert "kept s3://" not in outcome.stderr
    assert ".json.gz: PutObject: " in outcome.stderr
    assert outcome.document()["summary"]["drifted"] == 1
    assert len(runs(s3)) == 1


@pytest.mark.parametrize(
    "operation", ["GetObject", "HeadObject", "PutObject", "DeleteObject", "ListObjectsV2"]
)
@pytest.mark.parametrize(
    "answer", [by_hand.PAGE, by_hand.MOVED, by_hand.INTERNAL, Reply(body=b"[" * 100_000), by_hand.RESET]
)
def test_whatever_answers_for_s3_no_night_ends_in_a_bug(
    run: Run, s3: Any, gateway: Gateway, operation: str, answer: Reply
) -> None:
    assert run(*ON_S3).exit_code == 2
    before = objects(s3)
    gateway.answer(operation, answer)

    outcome = run(*ON_S3, "--keep", "1d", "-o", "json=-")

    assert outcome.exit_code in {1, 2}
    assert outcome.document()["summary"]["drifted"] == 1
    assert "bug in driftcheck" not in outcome.stderr
    assert "Traceback" not in outcome.stderr
    gateway.rules.clear()
    after = objects(s3)
    assert {key for key in before if key not in after} == set()
    s3.delete_object(Bucket="faults", Key="fleet/lock.json")
    s3.delete_object(Bucket="faults", Key="site/lock.json")
    assert run(*ON_S3).exit_code == 2
    assert len(known(s3)) == len(runs(s3))


def test_a_rebuild_that_lost_its_lock_writes_nothing(run: Run, s3: Any, gateway: Gateway) -> None:
    assert run(*ON_S3).exit_code == 2
    before = objects(s3)

    def take_over(answer: Reply) -> Reply:
        s3.put_object(Bucket="faults", Key="fleet/lock.json", Body=b'{"owner": "other", "seconds": 60}')
        return answer

    gateway.answer("GetObject", take_over, key="faults/fleet/runs/*")

    outcome = run("history", "rebuild", "--store", "s3://faults/fleet")

    assert outcome.exit_code == 1
    assert outcome.stderr == "error: s3://faults/fleet: the lock was lost to another run; this one ends\n"
    assert objects(s3) == before


@pytest.mark.parametrize(
    "body", ["<html><body>Sign on</body></html>", "", "[" * 100_000, "<AssumeRoleResponse/>"]
)
@pytest.mark.parametrize("account", ["", f'account = "{ACCOUNT}"\n'])
def test_a_role_that_is_answered_for_by_a_page_is_an_answer_that_is_none(
    service: Service, run: Run, tmp_path: Path, body: str, account: str
) -> None:
    (tmp_path / "driftcheck.toml").write_text(
        f'[targets.prod]\nregion = "eu-west-1"\nrole_arn = "arn:aws:iam::{ACCOUNT}:role/reader"\n{account}',
        "utf-8",
    )
    desired = tmp_path / "desired" / "desired.yaml"
    desired.write_text(f"target: prod\n{desired.read_text('utf-8')}", "utf-8")
    service.fail(Answer(body, content_type="text/html"), action="AssumeRole")

    outcome = run("check", "-o", "json=-")

    assert outcome.exit_code == 1
    assert "bug in driftcheck" not in outcome.stderr
    (target,) = outcome.document()["targets"]
    assert target["error"]["code"] == "DamagedAnswer"
    assert "the answer " in target["error"]["message"]


@pytest.mark.parametrize(
    "answer", [by_hand.PAGE, by_hand.EMPTY_BODY, Reply(body=b"<a>"), Reply(body=b"[" * 100_000)]
)
def test_a_page_in_place_of_an_answer_is_no_delivery(
    emulator: str, monkeypatch: pytest.MonkeyPatch, answer: Reply
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with Gateway(emulator) as gateway:
        monkeypatch.setenv("AWS_ENDPOINT_URL", gateway.url)
        gateway.answer("*", answer)
        for call in (
            lambda: Topic(f"arn:aws:sns:us-east-1:{ACCOUNT}:drift", timeout=5).publish("s", "t", "m"),
            lambda: Bus("drift", timeout=5).put([{"Source": "driftcheck"}]),
            lambda: put_metrics("drift", [{"MetricName": "Duration", "Value": 1.0}], timeout=5),
        ):
            with pytest.raises(ResponseParserError):
                call()


def test_true_answers_are_taken(emulator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator)

    put_metrics("drift", [{"MetricName": "Duration", "Value": 1.0}], timeout=5)
