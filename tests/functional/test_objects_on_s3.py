"""Things that are kept on S3: the emulator's, which keeps the conditions of conditional writes."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from driftcheck.aws.bucket import BucketObjects
from driftcheck.aws.lease import Lease, TakenError
from driftcheck.aws.objects import Objects
from driftcheck.places import PlaceError, Prefix
from tests.functional.clients import emulated

PLACE = Prefix("runs", "fleet/nightly/")


@pytest.fixture
def s3(emulator: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of an S3 that has an empty bucket, which ambient settings name too."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator)
    client = emulated(emulator)
    client.create_bucket(Bucket=PLACE.bucket)
    for each in client.list_objects_v2(Bucket=PLACE.bucket).get("Contents", []):
        client.delete_object(Bucket=PLACE.bucket, Key=each["Key"])
    return client


@pytest.fixture
def kept(s3: Any) -> BucketObjects:
    return BucketObjects(PLACE, 20)


def test_what_is_put_is_there_under_its_name(kept: BucketObjects, s3: Any) -> None:
    assert kept.get("runs/a") is None
    assert kept.put("runs/a", b"one", kind="text/html", cache="no-cache")
    assert kept.put("runs/a", b"two", kind="text/html", cache="no-cache")
    assert kept.put("b", b"three")
    s3.put_object(Bucket=PLACE.bucket, Key="fleet/nightly/runs/", Body=b"")
    s3.put_object(Bucket=PLACE.bucket, Key="fleet/other/a", Body=b"")

    assert (kept.get("runs/a"), kept.get("b")) == (b"two", b"three")
    assert sorted(kept.names()) == ["b", "runs/a"]
    assert sorted(kept.names("runs/")) == ["runs/a"]
    found = s3.head_object(Bucket=PLACE.bucket, Key="fleet/nightly/runs/a")
    assert (found["ContentType"], found["CacheControl"]) == ("text/html", "no-cache")
    kept.delete("b")
    kept.delete("b")
    assert sorted(kept.names()) == ["runs/a"]


def test_names_are_listed_beyond_one_page(kept: BucketObjects) -> None:
    expected = [f"runs/{number:04}" for number in range(1001)]
    for each in expected:
        kept.put(each, b"")

    assert sorted(kept.names("runs/")) == expected


def test_what_is_new_alone_replaces_nothing(kept: BucketObjects) -> None:
    assert kept.put("a", b"one", only_new=True)
    assert not kept.put("a", b"two", only_new=True)
    # as when the answer to the first call was lost, and the call made again
    assert kept.put("a", b"one", only_new=True)
    assert kept.get("a") == b"one"


def test_what_cannot_be_done_is_one_line(s3: Any) -> None:
    nowhere = BucketObjects(Prefix("nowhere", "x/"), 20)

    for call in (
        lambda: nowhere.get("a"),
        lambda: nowhere.put("a", b""),
        lambda: nowhere.put("a", b"", only_new=True),
        lambda: list(nowhere.names()),
        lambda: nowhere.delete("a"),
        lambda: nowhere.held("me").__enter__(),
    ):
        with pytest.raises(PlaceError, match=r"^error: s3://nowhere/x.*: .*bucket does not exist") as caught:
            call()
        assert len(caught.value.lines) == 1


def calls() -> Objects:
    return Objects(PLACE, timeout=20, concurrency=4)


def test_a_lease_is_taken_given_up_and_taken_again(kept: BucketObjects) -> None:
    for owner in ("a", "b"):
        with kept.held(owner) as check:
            check()
            assert json.loads(kept.get("lock.json") or b"")["owner"] == owner
    assert json.loads(kept.get("lock.json") or b"")["owner"] is None


def test_who_lives_keeps_the_lease(kept: BucketObjects) -> None:
    first = Lease(calls(), "a", seconds=4)
    first.take()
    with pytest.raises(TakenError, match=r"^a$"):
        Lease(calls(), "b", seconds=4).take()
    first.give_up()
    second = Lease(calls(), "b", seconds=4)
    second.take()
    second.give_up()


def test_a_lease_of_the_dead_lapses(kept: BucketObjects) -> None:
    kept.put("lock.json", json.dumps({"owner": "dead", "seconds": 2, "token": "x", "beat": 1}).encode())
    start = time.monotonic()

    lease = Lease(calls(), "b", seconds=4)
    lease.take()

    assert time.monotonic() - start >= 2
    assert json.loads(kept.get("lock.json") or b"")["owner"] == "b"
    lease.give_up()


def test_who_lost_the_lease_knows(kept: BucketObjects) -> None:
    lease = Lease(calls(), "a", seconds=1)
    lease.take()
    kept.put("lock.json", b'{"owner": "b", "seconds": 1}')

    deadline = time.monotonic() + 20
    while not lease.lost and time.monotonic() < deadline:
        time.sleep(0.05)

    assert lease.lost
    lease.give_up()
    assert kept.get("lock.json") == b'{"owner": "b", "seconds": 1}'


def test_an_answer_that_was_lost_loses_no_lease(kept: BucketObjects) -> None:
    lease = Lease(calls(), "a", seconds=60)
    lease.take()
    said = json.loads(kept.get("lock.json") or b"")
    kept.put("lock.json", json.dumps(said | {"beat": 99}).encode())

    assert lease.check()
    lease.give_up()
    assert json.loads(kept.get("lock.json") or b"")["owner"] is None


def test_who_lost_the_lease_is_told_when_it_asks(kept: BucketObjects) -> None:
    with kept.held("a") as check:
        check()
        kept.put("lock.json", b'{"owner": "b", "seconds": 60}')
        with pytest.raises(PlaceError, match="the lock was lost to another run"):
            check()
    assert kept.get("lock.json") == b'{"owner": "b", "seconds": 60}'


def test_of_many_who_want_a_lease_that_lapsed_one_gets_it(kept: BucketObjects) -> None:
    kept.put("lock.json", b'{"owner": "dead", "seconds": 1}')
    taken: list[Lease] = []
    refused: list[str] = []

    def want(number: int) -> None:
        lease = Lease(calls(), f"run {number}", seconds=4)
        try:
            lease.take()
        except TakenError as error:
            refused.append(str(error))
        else:
            taken.append(lease)

    threads = [threading.Thread(target=want, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    (winner,) = taken
    winner.give_up()
    assert len(refused) == 4
