"""A store has an identity, and a site knows whose runs it shows: a mistyped name destroys nothing."""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest

from driftcheck.aws.bucket import BucketObjects
from driftcheck.dashboard.build import build
from driftcheck.objects import FolderObjects
from driftcheck.places import LockedError, Prefix
from driftcheck.store import Store, open_store
from driftcheck.store.derived import Derived, derive
from tests.functional.clients import emulated
from tests.functional.definitions import ACCOUNT, MODEL_QUALITY, minimal, write_desired
from tests.sites import definition, keep, month, night
from tests.unit.test_store import LATER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

pytestmark = pytest.mark.slow

NIGHTLY = ("nightly", "--store", "kept", "--publish", "site")
DASHBOARD = ("dashboard", "-o", "site", "--store")
OTHER = "the dashboard there shows the runs of"


@pytest.fixture(autouse=True)
def _fleet(service: Service, tmp_path: Path) -> None:
    """Two definitions, of which one has drifted."""
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in ("a", "b")]})
    for name in ("a", "b"):
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))
    service.mutate(MODEL_QUALITY, "b", ("RoleArn",), f"arn:aws:iam::{ACCOUNT}:role/other")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, its lock among them."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def as_of_0_1(folder: Path) -> None:
    """Take away what says whose a store or a site is."""
    (folder / "kept" / "store.json").unlink(missing_ok=True)
    manifest = folder / "site" / "manifest.json"
    if manifest.exists():
        found = json.loads(manifest.read_text("utf-8"))
        found.pop("store")
        manifest.write_text(json.dumps(found), "utf-8")


def identity(folder: Path) -> str:
    return str(json.loads((folder / "store.json").read_text("utf-8"))["id"])


def test_an_identity_is_made_once_and_said_then(run: Run, tmp_path: Path) -> None:
    first, second = run(*NIGHTLY), run(*NIGHTLY)

    made = identity(tmp_path / "kept")
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert f"made kept a store of runs: its identity is {made}\n" in first.stderr
    assert "identity" not in second.stderr
    assert (first.exit_code, second.exit_code) == (2, 2)
    assert json.loads((tmp_path / "site" / "manifest.json").read_text("utf-8"))["store"] == made


def test_a_check_and_a_rebuild_give_a_store_its_identity_too(run: Run, tmp_path: Path) -> None:
    keep(tmp_path / "kept", *month())
    assert run("history", "rebuild", "--store", "kept").exit_code == 0
    assert run("check", "--store", "new").exit_code == 2

    assert identity(tmp_path / "kept") != identity(tmp_path / "new")


def test_two_first_nights_at_once_make_one_identity(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)
    found: list[str] = []
    told: list[str] = []

    def first() -> None:
        store = open_store(tmp_path / "kept", told.append)
        barrier.wait()
        found.append(store.identify())

    threads = [threading.Thread(target=first) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [identity(tmp_path / "kept")] * 8
    assert len(told) == 1


@pytest.mark.parametrize("replace", [(), ("--replace",)])
def test_a_store_that_is_not_there_has_no_dashboard(
    run: Run, tmp_path: Path, replace: tuple[str, ...]
) -> None:
    keep(tmp_path / "kept", *month())
    assert run(*DASHBOARD, "kept").exit_code == 0
    before = contents(tmp_path / "site")

    outcome = run(*DASHBOARD, "nosuch", *replace)

    assert outcome.exit_code == 1
    assert outcome.stderr == "error: nosuch holds no runs, as driftcheck nightly keeps them\n"
    assert contents(tmp_path / "site") == before
    assert not (tmp_path / "nosuch").exists()
    assert run("history", "rebuild", "--store", "nosuch").exit_code == 1
    assert not (tmp_path / "nosuch").exists()


def test_another_stores_runs_replace_a_site_on_purpose_alone(run: Run, tmp_path: Path) -> None:
    assert run(*NIGHTLY).exit_code == 2
    keep(tmp_path / "other", *month())
    before = contents(tmp_path / "site")

    refused = run(*DASHBOARD, "other")

    assert refused.exit_code == 1
    assert (
        f"error: site: {OTHER} the store with the identity {identity(tmp_path / 'kept')}, not of other: "
        in (refused.stderr)
    )
    assert contents(tmp_path / "site") == before
    assert run(*DASHBOARD, "other", "--replace").exit_code == 0
    assert run("dashboard", "--store", "other", "-o", "whole").exit_code == 0
    expected = contents(tmp_path / "whole")
    found = contents(tmp_path / "site")
    assert {key for key in found if key != ".lock"} == {key for key in expected if key != ".lock"}


def test_a_run_of_the_same_second_is_replaced_with_its_store(run: Run, tmp_path: Path) -> None:
    keep(tmp_path / "kept", night(1, definition("ours")))
    keep(tmp_path / "other", night(1, definition("theirs", "drifted")))
    for store in ("kept", "other"):
        open_store(tmp_path / store, lambda line: None).identify()
    assert run(*DASHBOARD, "kept").exit_code == 0

    assert run(*DASHBOARD, "other").exit_code == 1
    assert run(*DASHBOARD, "other", "--replace").exit_code == 0

    page = (tmp_path / "site" / "runs" / "2026-11-01T02-17-00Z.html").read_text("utf-8")
    assert ("theirs" in page, "ours" in page) == (True, False)


def test_a_night_with_a_mistyped_new_store_is_checked_and_kept_nowhere(run: Run, tmp_path: Path) -> None:
    assert run(*NIGHTLY).exit_code == 2
    before = contents(tmp_path / "site")

    for _ in range(2):
        outcome = run("nightly", "--store", "typo", "--publish", "site", "-o", "json=-")

        assert outcome.exit_code == 1
        assert outcome.document()["summary"]["drifted"] == 1
        assert f"error: site: {OTHER} the store with the identity" in outcome.stderr
        assert (
            "warning: typo is tried again after the check; without it, this run is not kept\n"
            in outcome.stderr
        )
        assert contents(tmp_path / "site") == before
        assert not (tmp_path / "typo").exists()
    assert run("nightly", "--store", "typo", "--publish", "site", "--replace").exit_code == 2
    assert run(*NIGHTLY).exit_code == 1


def test_a_night_of_a_store_that_is_there_is_kept_where_the_site_is_anothers(
    run: Run, tmp_path: Path
) -> None:
    assert run(*NIGHTLY).exit_code == 2
    assert run("nightly", "--store", "other").exit_code == 2
    before = contents(tmp_path / "site")

    outcome = run("nightly", "--store", "other", "--publish", "site")

    assert outcome.exit_code == 1
    assert outcome.stderr.count(OTHER) == 1
    assert contents(tmp_path / "site") == before
    assert len([*(tmp_path / "other" / "runs").iterdir()]) == 2


def test_a_site_of_0_1_is_adopted_if_its_runs_are_in_the_store(run: Run, tmp_path: Path) -> None:
    keep(tmp_path / "kept", *month())
    keep(tmp_path / "other", night(20, definition("x")), night(21, definition("x")))
    assert run(*DASHBOARD, "kept").exit_code == 0
    as_of_0_1(tmp_path)
    before = contents(tmp_path / "site")

    refused = run(*DASHBOARD, "other")
    assert (refused.exit_code, contents(tmp_path / "site")) == (1, before)
    assert f"error: site: {OTHER} another store, not of other: " in refused.stderr
    assert run("nightly", "--store", "other", "--publish", "site").exit_code == 1
    # the first run was deleted in the night after it was published
    (tmp_path / "kept" / "runs" / "2026-11-01T02-17-00Z.json.gz").unlink()

    assert run(*NIGHTLY).exit_code == 2

    manifest = json.loads((tmp_path / "site" / "manifest.json").read_text("utf-8"))
    assert manifest["store"] == identity(tmp_path / "kept")


def test_a_dashboard_of_a_store_of_0_1_works_as_before(run: Run, tmp_path: Path) -> None:
    keep(tmp_path / "kept", *month())
    for _ in range(2):
        outcome = run(*DASHBOARD, "kept")
        assert outcome.exit_code == 0
    assert not (tmp_path / "kept" / "store.json").exists()
    assert run(*NIGHTLY).exit_code == 2


def test_a_store_is_no_site_and_a_site_no_store(run: Run, tmp_path: Path) -> None:
    assert run(*NIGHTLY).exit_code == 2
    before = contents(tmp_path / "site"), contents(tmp_path / "kept")

    swapped = run("nightly", "--store", "site", "--publish", "elsewhere", "-o", "json=-")
    into = run("dashboard", "--store", "kept", "-o", "other")
    assert run("nightly", "--store", "second").exit_code == 2
    over = run("dashboard", "--store", "kept", "-o", "second")
    checked = run("check", "--store", "site")

    assert swapped.exit_code == 1
    assert "error: site is a dashboard, and no store of runs\n" in swapped.stderr
    assert swapped.document()["summary"]["drifted"] == 1
    assert into.exit_code == 0
    assert (over.exit_code, checked.exit_code) == (1, 1)
    assert "is a store of runs: give it a place of its own" in over.stderr
    assert "error: site is a dashboard, and no store of runs\n" in checked.stderr
    assert (contents(tmp_path / "site"), contents(tmp_path / "kept")) == before


def test_replace_is_for_what_is_published(run: Run) -> None:
    outcome = run("nightly", "--store", "kept", "--replace")

    assert outcome.exit_code == 1
    assert "there is nothing to replace without --publish" in " ".join(outcome.stderr.split())


@pytest.mark.parametrize(
    "content", [b"", b"[" * 200_000, b'{"format": "1"}', b'{"format": "1", "id": "../x"}']
)
def test_a_damaged_identity_is_set_aside_and_the_site_stays(run: Run, tmp_path: Path, content: bytes) -> None:
    assert run(*NIGHTLY).exit_code == 2
    before = contents(tmp_path / "site")
    (tmp_path / "kept" / "store.json").write_bytes(content)

    outcome = run(*NIGHTLY)

    assert outcome.exit_code == 1
    assert "warning: kept/store.json was set aside as aside/store.json: " in outcome.stderr
    assert contents(tmp_path / "site") == before
    assert len([*(tmp_path / "kept" / "runs").iterdir()]) == 2
    assert run(*NIGHTLY, "--replace").exit_code == 2


def test_the_history_is_derived_while_nobody_else_writes_the_site(tmp_path: Path) -> None:
    keep(tmp_path / "kept", *month())
    store = open_store(tmp_path / "kept", lambda line: None)
    site = FolderObjects(tmp_path / "site")

    def derived() -> Derived:
        with pytest.raises(LockedError), site.held("a night that publishes"):
            pass
        return derive(store, LATER)

    assert build(store, derived, site, anew=True, owner="test").pages == 17


def test_on_s3_two_first_nights_make_one_identity(emulator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", emulator),
    ):
        monkeypatch.setenv(name, value)
    emulated(emulator).create_bucket(Bucket="identities")
    place = Prefix("identities", "fleet/")
    told: list[str] = []
    first, second = (Store(BucketObjects(place, 20), str(place), told.append) for _ in range(2))

    class Late:
        """Objects that have an identity the moment after they were asked for it."""

        def __getattr__(self, name: str) -> Any:
            return getattr(second.objects, name)

        def put(self, name: str, content: bytes, **how: Any) -> bool:
            """Put it where another first run has just put its own."""
            first.identify()
            return second.objects.put(name, content, **how)

    late: Any = Late()
    assert Store(late, str(place), told.append).identify() == first.identity() == second.identity()
    assert len(told) == 1
