"""The store of runs, in a folder."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from driftcheck.history import ChangeKind
from driftcheck.places import LockedError, PlaceError
from driftcheck.store import Name, Store, open_store
from driftcheck.store.derived import Derived, derive, keep
from tests.documents import PROD, changed, document, drifted, in_sync

if TYPE_CHECKING:
    from pathlib import Path

    from driftcheck.document.entries import Document, ResourceEntry
    from driftcheck.history import Change, History

TYPE = ("JobResources", "ClusterConfig", "InstanceType")
DRIFTED = drifted(changed(TYPE, "ml.m5.large", "ml.m5.4xlarge"))
LATER = datetime(2026, 12, 31, tzinfo=UTC)


def night(day: int, *resources: ResourceEntry) -> Document:
    run = document(*(resources or (in_sync(),)))
    return {**run, "started_at": f"2026-11-{day:02}T02:17:00Z", "finished_at": f"2026-11-{day:02}T02:18:00Z"}


def name(day: int) -> str:
    return f"2026-11-{day:02}T02-17-00Z"


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, told: list[str]) -> Store:
    return open_store(tmp_path / "store", told.append)


def files(store: Store) -> dict[str, bytes]:
    return {
        name: content for name in store.objects.names() if (content := store.objects.get(name)) is not None
    }


def test_a_run_is_named_by_its_start_and_read_back(store: Store, tmp_path: Path) -> None:
    run = night(24, DRIFTED)

    assert str(store.add(run)) == "2026-11-24T02-17-00Z"

    (file,) = (tmp_path / "store" / "runs").iterdir()
    assert file.name == "2026-11-24T02-17-00Z.json.gz"
    assert json.loads(gzip.decompress(file.read_bytes())) == run
    assert store.read(Name(name(24))) == run


def test_a_run_is_never_overwritten(store: Store) -> None:
    runs = [night(24, in_sync(f"n{number}")) for number in range(12)]

    names = [store.add(run) for run in runs]

    assert [str(each) for each in names[:3]] == [name(24), f"{name(24)}-2", f"{name(24)}-3"]
    assert store.names() == names
    assert [run for _, run in store.documents(names)] == runs


def test_the_same_run_is_kept_once(store: Store) -> None:
    assert store.add(night(24)) == store.add(night(24))
    assert len(store.names()) == 1


def test_names_are_in_the_order_of_time(store: Store) -> None:
    for day in (25, 3, 24):
        store.add(night(day))

    assert [str(each) for each in store.names()] == [name(3), name(24), name(25)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "it is damaged: its end is missing", id="empty"),
        pytest.param(b"not gzip", "incorrect header check", id="no gzip"),
        pytest.param(gzip.compress(b"{}", mtime=0)[:-3], "it is damaged: its end is missing", id="cut"),
        pytest.param(gzip.compress(b"{}", mtime=0) + b"x", "something follows its end", id="appended"),
        pytest.param(gzip.compress(b"{]", mtime=0), "not a JSON document", id="no JSON"),
        pytest.param(gzip.compress(b"{}", mtime=0), "it has no format_version", id="no document"),
        pytest.param(
            gzip.compress(json.dumps(night(24) | {"format_version": "2.0"}).encode(), mtime=0),
            "format version '2.0' is not one",
            id="another version",
        ),
        pytest.param(
            gzip.compress(json.dumps(night(23)).encode(), mtime=0),
            "it is of a run that started at 2026-11-23T02:17:00Z",
            id="another run",
        ),
    ],
)
def test_what_is_no_document_is_set_aside_and_told(
    store: Store, told: list[str], content: bytes, reason: str
) -> None:
    key = f"{name(24)}.json.gz"
    store.add(night(25))
    store.objects.put(f"runs/{key}", content)

    found = list(store.documents(store.names()))

    assert [str(each) for each, _ in found] == [name(25)]
    assert [str(each) for each in store.names()] == [name(25)]
    assert store.objects.get(f"aside/{key}") == content
    assert reason in (store.objects.get(f"aside/{key}.txt") or b"").decode()
    (line,) = told
    assert line.startswith(f"warning: {store.place}/runs/{key} was set aside as aside/{key}: ")
    assert reason in line


def test_a_flipped_bit_is_no_document(store: Store) -> None:
    store.add(night(24))
    (key,) = store.objects.names("runs/")
    content = bytearray(store.objects.get(key) or b"")
    content[len(content) // 2] ^= 1
    store.objects.put(key, bytes(content))

    assert list(store.documents(store.names())) == []


def test_nothing_that_was_set_aside_is_overwritten(store: Store) -> None:
    for content in (b"one", b"two", b"one", b"three"):
        store.objects.put("runs/notes.txt", content)
        assert store.names() == []

    aside = {each: content for each, content in files(store).items() if not each.endswith(".txt.txt")}
    assert {key: content for key, content in aside.items() if b"name" not in content} == {
        "aside/notes.txt": b"one",
        "aside/notes.txt-2": b"two",
        "aside/notes.txt-3": b"one",  # moved unread: nothing tells that it is the first once more
        "aside/notes.txt-4": b"three",
    }


@pytest.mark.parametrize(
    "foreign", ["2026-13-41T99-00-00Z.json.gz", "a.json.gz", "x", "old/2026.json", "ü.gz"]
)
def test_foreign_names_are_set_aside(store: Store, told: list[str], foreign: str) -> None:
    store.objects.put(f"runs/{foreign}", b"x")

    assert store.names() == []
    assert store.objects.get(f"aside/{foreign}") == b"x"
    assert "its name is not that of a run" in told[0]


def test_what_was_left_half_written_is_no_run_and_goes_away(store: Store, tmp_path: Path) -> None:
    store.add(night(24))
    old, new = tmp_path / "store/runs/.old.tmp", tmp_path / "store/runs/.new.tmp"
    for file in (old, new):
        file.write_bytes(b"half")
    os.utime(old, (0, 0))

    assert len(store.names()) == 1
    assert (old.exists(), new.exists()) == (False, True)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    store = open_store(tmp_path / "file", print)

    with pytest.raises(
        PlaceError, match=r"^error: .*/file/runs/2026-11-24T02-17-00Z.json.gz cannot be written: "
    ):
        store.add(night(24))


def test_the_lock_is_held_by_one(store: Store) -> None:
    with store.objects.held("a, since 02:17") as check:
        check()
        with (
            pytest.raises(LockedError, match=r"in use by another run \(a, since 02:17\)"),
            store.objects.held("b"),
        ):
            pass
    with store.objects.held("b"):
        pass
    assert list(store.objects.names()) == []


def derived_with(store: Store, now: datetime, **options: Any) -> tuple[Derived, dict[str, list[ChangeKind]]]:
    """What is derived, and the changes that were given on the way, by the run's name."""
    found = {}

    def each(name: Name, document: Document, history: History, changes: list[Change]) -> None:
        assert history.runs[-1].started_at == document["started_at"]
        found[str(name)] = [change.kind for change in changes]

    return derive(store, now, each=each, **options), found


def test_a_history_is_derived_once(store: Store) -> None:
    store.add(night(23))
    store.add(night(24, DRIFTED))
    derived, changes = derived_with(store, LATER)
    assert [*changes.values()] == [[], [ChangeKind.DRIFTED]]
    keep(store, derived)
    for each in store.objects.names("runs/"):
        store.objects.put(each, b"never read again")

    again, changes = derived_with(store, LATER)

    assert (again.history, again.names, changes) == (derived.history, derived.names, {})


def test_a_new_run_is_added_to_what_is_known(store: Store) -> None:
    for day in (22, 23, 24):
        store.add(night(day, DRIFTED))
        keep(store, derive(store, LATER))
    store.add(night(25))

    derived, changes = derived_with(store, LATER)

    assert changes == {name(25): [ChangeKind.REPAIRED]}
    assert derived.history == derive(store, LATER, anew=True).history


def test_the_changes_since_a_run_are_told_again_when_they_were_kept_already(store: Store) -> None:
    for day, found in ((22, in_sync()), (23, DRIFTED), (24, in_sync()), (25, in_sync())):
        store.add(night(day, found))
    keep(store, derive(store, LATER))

    _, changes = derived_with(store, LATER, after=Name(name(22)))

    assert changes == {
        name(23): [ChangeKind.DRIFTED],
        name(24): [ChangeKind.REPAIRED],
        name(25): [],
    }


@pytest.mark.parametrize("day", [1, 23])
def test_a_run_of_an_earlier_time_finds_its_place(store: Store, day: int) -> None:
    store.add(night(22))
    store.add(night(24))
    keep(store, derive(store, LATER))
    store.add(night(day, DRIFTED))

    derived = derive(store, LATER)

    assert derived.names == store.names()
    assert [run.started_at[8:10] for run in derived.history.runs] == sorted(["22", "24", f"{day:02}"])
    assert derived.history == derive(store, LATER, anew=True).history


def test_a_run_of_a_time_to_come_is_left_out_until_then(store: Store, told: list[str]) -> None:
    store.add(night(23))
    store.add(night(30, DRIFTED))
    now = datetime(2026, 11, 24, tzinfo=UTC)
    store.add(night(24))

    derived = derive(store, now.replace(hour=3))
    keep(store, derived)

    assert [str(each) for each in derived.names] == [name(23), name(24)]
    assert told == [
        f"warning: {store.place}: the run {name(30)} starts later than now and is left out: a clock was wrong"
    ]
    assert [*derived_with(store, LATER)[1]] == [name(30)]


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff\n\xff", b'{"format": "1"}\n[]\n{}', b"[1]\n2"])
def test_a_damaged_history_is_derived_again(store: Store, told: list[str], damage: bytes) -> None:
    store.add(night(23))
    store.add(night(24, DRIFTED))
    derived = derive(store, LATER)
    store.objects.put("derived/history.json", damage)

    assert derive(store, LATER).history == derived.history
    assert "derived/history.json is damaged, and derived again" in told[0]


def test_a_history_with_another_digest_is_damaged(store: Store, told: list[str]) -> None:
    store.add(night(24, DRIFTED))
    keep(store, derive(store, LATER))
    content = store.objects.get("derived/history.json") or b""
    store.objects.put("derived/history.json", content.replace(b"4xlarge", b"8xlarge"))

    assert b"8xlarge" not in str(derive(store, LATER).history).encode()
    assert len(told) == 1


def test_retention_deletes_what_is_older_than_the_run(store: Store) -> None:
    for day in range(1, 11):
        store.add(night(day))

    assert store.prune(timedelta(days=3), night(10)) == 6
    assert [str(each) for each in store.names()] == [name(day) for day in (7, 8, 9, 10)]
    assert store.prune(timedelta(days=3), night(10)) == 0


@pytest.mark.parametrize("targets", [[], [PROD | {"error": {"code": "Expired", "message": "no"}}]])
def test_a_run_that_aws_did_not_answer_deletes_nothing(store: Store, targets: Any) -> None:
    store.add(night(1))

    assert store.prune(timedelta(days=3), night(20) | {"targets": targets}) == 0
    assert [str(each) for each in store.names()] == [name(1)]


def test_what_lasts_keeps_its_beginning_when_runs_are_deleted(store: Store) -> None:
    difference = changed(TYPE, "ml.m5.large", "ml.m5.4xlarge")
    other = drifted(changed(TYPE, "ml.m5.large", "ml.m5.xlarge"), name="lasts")
    store.add(night(1, drifted(difference, name="lasts"), drifted(difference, name="over"), in_sync("gone")))
    store.add(night(2, other, in_sync("over")))
    for day in (3, 4):
        store.add(night(day, other, in_sync("over")))
    keep(store, derive(store, LATER))
    store.prune(timedelta(hours=23), night(4))
    store.add(night(5, other, in_sync("over")))

    derived = derive(store, LATER)

    assert [str(each) for each in derived.names] == [name(4), name(5)]
    assert [run.started_at[:10] for run in derived.history.runs] == ["2026-11-04", "2026-11-05"]
    courses = {key[2]: course for key, course in derived.history.courses.items()}
    assert sorted(courses) == ["lasts", "over"]
    assert courses["lasts"].out_of_sync_since == "2026-11-01T02:17:00Z"
    assert courses["over"].episodes == []
    anew = derive(store, LATER, anew=True).history
    assert {key[2]: course.out_of_sync_since for key, course in anew.courses.items()} == {
        "lasts": "2026-11-04T02:17:00Z",
        "over": None,
    }
