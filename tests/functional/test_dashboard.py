"""The dashboard as files: what is written, in what order, and what becomes of it when anything goes wrong."""

from __future__ import annotations

import os
import random
import signal
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest

from driftcheck.dashboard.build import build
from driftcheck.objects import FolderObjects
from driftcheck.places import PlaceError
from driftcheck.store import open_store
from driftcheck.store.derived import derive
from tests.documents import PROD
from tests.functional.clients import emulated
from tests.functional.definitions import ACCOUNT, MODEL_QUALITY, minimal, write_desired
from tests.sites import Links, broken, data, definition, keep, month, night, reached

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Launch, Run
    from tests.functional.service import Service

pytestmark = pytest.mark.slow

DASHBOARD = ("dashboard", "--store", "kept", "-o", "site")
KIND = "ModelQualityJobDefinition"


def files(site: Path) -> dict[str, bytes]:
    return {
        file.relative_to(site).as_posix(): file.read_bytes()
        for file in site.rglob("*")
        if file.is_file() and file.name != ".lock" and file.suffix != ".tmp"
    }


def page(site: Path, name: str, target: str = "prod", kind: str = KIND) -> str:
    return (site / "definitions" / target / kind / f"{name}.html").read_text("utf-8")


def test_everything_that_a_page_leads_to_is_there(run: Run, tmp_path: Path) -> None:
    keep(tmp_path / "kept", *month())

    outcome = run(*DASHBOARD)

    assert (outcome.exit_code, outcome.stdout) == (0, "")
    assert outcome.stderr == "wrote site/index.html: 17 of 17 pages\n"
    found = files(tmp_path / "site")
    assert reached(tmp_path / "site") == ({key for key in found if key.endswith(".html")}, [])
    assert sorted(key for key in found if key.startswith("runs/")) == [
        f"runs/2026-11-{day:02d}T02-17-00Z.html" for day in (1, 2, 3, 4, 6, 7, 8, 9, 12)
    ]
    assert len([key for key in found if key.startswith("definitions/")]) == 7
    front = Links(found["index.html"].decode())
    assert {"runs/2026-11-12T02-17-00Z.html", f"definitions/prod/{KIND}/last.html"} <= {*front.links}


def test_the_front_page_says_what_is_wrong_since_when_and_where(run: Run, tmp_path: Path) -> None:
    keep(tmp_path / "kept", *month())
    run(*DASHBOARD)

    text = (tmp_path / "site" / "index.html").read_text("utf-8")

    assert "<h1>1 of 5 definitions has drifted, 1 is missing, 1 could not be compared</h1>" in text
    assert 'The longest since <time datetime="2026-11-06T02:17:00Z"' in text
    assert "<code>prod</code></a> 3, <a " in text
    assert 'data-since="2026-11-09T02:19:00Z"' in text  # the last complete run ended then
    assert 'data-overdue="2026-11-10T08:17:00Z"' in text  # a day and a quarter after it began
    assert "<strong>1 run since then not complete</strong>" in text
    assert "4 of 5 read" in text
    assert [row[0] for row in data(tmp_path / "site")["rows"]] == [
        "last",
        "lost",
        "extra",
        "shy",
        "calm",
        "calm",
    ]


def test_a_run_is_overdue_when_the_operator_says(run: Run, tmp_path: Path) -> None:
    keep(tmp_path / "kept", *month())
    (tmp_path / "driftcheck.toml").write_text('[nightly]\nevery = "48h"\n', encoding="utf-8")

    run(*DASHBOARD)

    text = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert 'data-overdue="2026-11-11T14:17:00Z"' in text  # two days and a quarter of them after it began


def test_a_definitions_page_tells_what_became_of_it(run: Run, tmp_path: Path) -> None:
    keep(tmp_path / "kept", *month())
    run(*DASHBOARD)

    last, lost = (
        page(tmp_path / "site", "last"),
        page(tmp_path / "site", "lost", "test", "DataQualityJobDefinition"),
    )
    again = page(tmp_path / "site", "again")

    assert 'href="../../../runs/2026-11-06T02-17-00Z.html"' in last
    assert f"<code>&#34;{'arn:aws:iam::123456789012:role/'}admin&#34;</code>" in last
    assert again.count('<article class="drifted">') == 2
    assert again.count("Repaired: in sync with the run of") == 2
    assert "no longer spoke of it" in again
    assert lost.index('<article class="missing">') < lost.index('<article class="error">')
    assert "No trustworthy answer: <code>ThrottlingException: Rate exceeded</code>" in lost


@pytest.mark.parametrize(
    ("created_at", "said"),
    [
        ("2026-11-02T20:00:00Z", "that is the moment of the change"),
        ("2026-10-01T20:00:00Z", "what is declared has changed"),
    ],
)
def test_a_change_in_aws_is_told_from_one_in_the_files(
    run: Run, tmp_path: Path, created_at: str, said: str
) -> None:
    calm = definition("a", created_at="2026-10-01T20:00:00Z")
    keep(
        tmp_path / "kept",
        night(1, calm),
        night(2, calm),
        night(3, definition("a", "drifted", created_at=created_at)),
    )
    run(*DASHBOARD)

    assert said in page(tmp_path / "site", "a")


def test_what_could_not_be_read_meanwhile_may_have_changed_then(run: Run, tmp_path: Path) -> None:
    drifted = definition("a", "drifted", created_at="2026-11-02T01:00:00Z")
    keep(tmp_path / "kept", night(1, definition("a")), night(2, definition("a", "error")), night(3, drifted))
    run(*DASHBOARD)

    text = page(tmp_path / "site", "a")

    assert "that is the moment of the change. The run before, of" in text
    assert 'of <a href="../../../runs/2026-11-01T02-17-00Z.html">' in text


def test_a_runs_page_is_its_report_without_what_was_in_sync(run: Run, tmp_path: Path) -> None:
    keep(tmp_path / "kept", *month())
    run(*DASHBOARD)

    text = (tmp_path / "site" / "runs" / "2026-11-12T02-17-00Z.html").read_text("utf-8")

    assert text.count("<article ") == 4
    assert "calm" not in text
    assert 'href="../definitions/prod/ModelQualityJobDefinition/extra.html"' in text
    assert "appeared, and no file declares it" in text
    cut = (tmp_path / "site" / "runs" / "2026-11-04T02-17-00Z.html").read_text("utf-8")
    assert "<strong>Incomplete:</strong>" in cut


def test_a_store_that_is_empty_has_a_dashboard_too(run: Run, tmp_path: Path) -> None:
    open_store(tmp_path / "kept", lambda line: None).identify()

    outcome = run(*DASHBOARD)

    assert outcome.exit_code == 0
    assert "<h1>No run has been complete yet</h1>" in (tmp_path / "site" / "index.html").read_text("utf-8")
    assert broken(tmp_path / "site") == []


def test_a_store_of_runs_that_were_cut_short_has_one_that_says_so(run: Run, tmp_path: Path) -> None:
    keep(tmp_path / "kept", night(1, interrupted=True), night(2, interrupted=True))

    assert run(*DASHBOARD).exit_code == 0
    text = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert "<h1>No run has been complete yet</h1>" in text
    assert "<strong>2 runs not complete</strong>" in text
    assert "0 of 0 read, then cut short" in text


def test_a_target_that_was_denied_is_told_though_nothing_drifted(run: Run, tmp_path: Path) -> None:
    denied = night(2, definition("a"))
    denied["targets"] = [{**PROD, "error": {"code": "AccessDeniedException", "message": "no"}}]
    keep(tmp_path / "kept", night(1, definition("a")), denied)
    run(*DASHBOARD)

    text = (tmp_path / "site" / "index.html").read_text("utf-8")

    assert "<h1>No drift was found, but not everything could be compared</h1>" in text
    assert 'was not read whole:</strong> <a href="#causes"><code>AccessDeniedException</code></a>' in text
    assert text.count("AccessDeniedException: no") == 1
    assert "What to do: allow what is refused" in text


HOSTILE = ("../../x", "..", "", "a/b", "</script><img src=x onerror=alert(1)>", "\u202eab", "x" * 500, "é")


def test_no_name_leads_out_of_the_site_or_acts_in_it(run: Run, tmp_path: Path) -> None:
    resources = [
        definition(name, status, target=target)
        for name in HOSTILE
        for target, status in (("prod", "drifted"), ("../..", "in_sync"))
    ]
    keep(tmp_path / "kept", night(1, *resources))

    outcome = run(*DASHBOARD)

    assert (outcome.exit_code, outcome.stderr) == (0, "wrote site/index.html: 18 of 18 pages\n")
    assert broken(tmp_path / "site") == []
    assert {file.name for file in tmp_path.iterdir()} == {".home", "kept", "site"}
    for text in files(tmp_path / "site").values():
        assert b"<img" not in text
        assert "\u202e".encode() not in text


def test_a_place_of_something_else_is_left_as_it_is(run: Run, tmp_path: Path) -> None:
    keep(tmp_path / "kept", *month())
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("mine", "utf-8")

    outcome = run(*DASHBOARD)

    assert outcome.exit_code == 1
    assert outcome.stderr == (
        "error: where the dashboard is to go is an index.html of something else: give it a place of its own\n"
    )
    assert files(tmp_path / "site") == {"index.html": b"mine"}


@pytest.mark.parametrize("site", ["kept", "kept/site", "./kept/../kept", "s3://kept/a"])
def test_the_dashboard_is_not_put_into_the_store(run: Run, tmp_path: Path, site: str) -> None:
    store = "s3://kept" if site.startswith("s3:") else "kept"

    outcome = run("dashboard", "--store", store, "-o", site)

    assert outcome.exit_code == 1
    assert outcome.stderr.endswith("the dashboard needs a place outside of the store\n")


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"{",
        b"[]",
        b'{"format": 1, "pages": {"../victim.html": "x", "definitions/../../victim.html": "x"}}',
        b'{"format": 1, "pages": {"/victim.html": "x", "runs//victim.html": "x"}}',
        b'{"format": 1, "pages": {"runs/../../victim.html": 1}}',
        b'{"format": 1, "pages": {"victim.html": "x", "notes.html": "x"}}',
    ],
)
def test_a_manifest_deletes_nothing_but_pages(run: Run, tmp_path: Path, manifest: bytes) -> None:
    keep(tmp_path / "kept", *month())
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "manifest.json").write_bytes(manifest)
    for victim in ("victim.html", "site/victim.html", "site/notes.html"):
        (tmp_path / victim).write_text("mine", "utf-8")

    assert run(*DASHBOARD).exit_code == 0

    for victim in ("victim.html", "site/victim.html", "site/notes.html"):
        assert (tmp_path / victim).read_text("utf-8") == "mine"
    assert broken(tmp_path / "site") == []


def test_a_build_takes_away_what_was_left_behind(run: Run, tmp_path: Path) -> None:
    keep(tmp_path / "kept", *month())
    run(*DASHBOARD)
    lost = tmp_path / "site" / "definitions" / "prod" / KIND / "lost.html"
    half, new = (lost.with_name(name) for name in (".abc.tmp", ".def.tmp"))
    for file in (lost, half, new):
        file.write_text("left", "utf-8")
    os.utime(half, (0, 0))

    assert run(*DASHBOARD).exit_code == 0

    # what is new may be what somebody is writing
    assert [file.exists() for file in (lost, half, new)] == [False, False, True]


def test_pages_of_runs_that_are_gone_go(run: Run, tmp_path: Path) -> None:
    keep(tmp_path / "kept", *month())
    run(*DASHBOARD)
    for day in (1, 2, 3):
        (tmp_path / "kept" / "runs" / f"2026-11-{day:02d}T02-17-00Z.json.gz").unlink()

    assert run(*DASHBOARD).exit_code == 0

    assert not (tmp_path / "site" / "runs" / "2026-11-02T02-17-00Z.html").exists()
    assert broken(tmp_path / "site") == []


@pytest.fixture
def fleet(service: Service, tmp_path: Path) -> Service:
    """Three definitions, of which one has drifted."""
    names = ("a", "b", "c")
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in names]})
    for name in names:
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))
    service.mutate(MODEL_QUALITY, "b", ("RoleArn",), f"arn:aws:iam::{ACCOUNT}:role/other")
    return service


NIGHTLY = ("nightly", "--store", "kept", "--publish", "site")


def test_a_night_rewrites_only_what_it_changes(run: Run, tmp_path: Path, fleet: Service) -> None:
    assert run(*NIGHTLY).exit_code == 2
    before = {key: (tmp_path / "site" / key).stat().st_ino for key in files(tmp_path / "site")}
    assert broken(tmp_path / "site") == []
    assert {key.rpartition("/")[2] for key in before if key.startswith("definitions/")} == {
        "a.html",
        "b.html",
        "c.html",
    }
    fleet.mutate(MODEL_QUALITY, "c", ("RoleArn",), f"arn:aws:iam::{ACCOUNT}:role/other")
    time.sleep(1)  # names have seconds

    outcome = run(*NIGHTLY)

    assert outcome.exit_code == 2
    assert "wrote site/index.html: 3 of 6 pages\n" in outcome.stderr
    after = {key: (tmp_path / "site" / key).stat().st_ino for key in files(tmp_path / "site")}
    (c,) = (key for key in after if key.endswith("/c.html"))
    (new,) = after.keys() - before.keys()
    assert new.startswith("runs/")
    # what is written is another file under the same name
    assert {key for key in before if before[key] != after[key]} == {c, "index.html", "manifest.json"}
    assert broken(tmp_path / "site") == []


def test_a_publish_makes_the_site_that_a_build_does(run: Run, tmp_path: Path, fleet: Service) -> None:
    for _ in range(2):
        assert run(*NIGHTLY).exit_code == 2
        time.sleep(1)

    assert run("dashboard", "--store", "kept", "-o", "whole").exit_code == 0

    assert files(tmp_path / "site") == files(tmp_path / "whole")


def test_a_publish_that_fails_loses_nothing_else(run: Run, tmp_path: Path, fleet: Service) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("mine", "utf-8")

    outcome = run(*NIGHTLY)

    assert outcome.exit_code == 1
    assert "an index.html of something else" in outcome.stderr
    assert len(list((tmp_path / "kept" / "runs").iterdir())) == 1
    assert (tmp_path / "kept" / "derived" / "history.json").exists()


@pytest.mark.slow
def test_whenever_it_is_killed_every_link_leads_somewhere_and_the_next_publish_heals(
    launch: Launch, run: Run, tmp_path: Path, fleet: Service
) -> None:
    moments = random.Random(7)
    several = [definition(f"d{number}", "drifted" if number % 3 else "in_sync") for number in range(150)]
    keep(tmp_path / "kept", night(1, *several), night(2, *several[:100]))
    run(*DASHBOARD)
    killed = 0
    for attempt in range(6):
        several.reverse()
        repaired = [definition(each["name"]) for each in several[: 40 + attempt]]
        keep(tmp_path / "kept", night(3 + attempt, *repaired, *several[40 + attempt :]))
        started = launch(*DASHBOARD)
        time.sleep(moments.uniform(0.4, 1.2))
        started.signal(signal.SIGKILL)
        killed += started.finish().exit_code == -signal.SIGKILL
        assert broken(tmp_path / "site") == []
    assert run(*DASHBOARD).exit_code == 0
    run("dashboard", "--store", "kept", "-o", "whole")
    assert killed
    assert files(tmp_path / "site") == files(tmp_path / "whole")


class Stopping:
    """A place that takes some changes and then no more, as if whoever makes them were killed."""

    def __init__(self, place: FolderObjects, changes: float) -> None:
        self._place, self._left = place, changes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._place, name)

    def put(self, name: str, content: bytes, **how: Any) -> bool:
        """Take a change, or none."""
        self._count()
        return self._place.put(name, content, **how)

    def delete(self, name: str) -> None:
        """Take a change, or none."""
        self._count()
        self._place.delete(name)

    def _count(self) -> None:
        if self._left <= 0:
            raise PlaceError("stopped")
        self._left -= 1


def test_wherever_a_publish_stops_every_link_leads_somewhere_and_the_next_one_heals(tmp_path: Path) -> None:
    first, second = month()[:6], month()
    store = open_store(tmp_path / "kept", lambda line: None)
    now = datetime(2026, 12, 1, tzinfo=UTC)
    keep(tmp_path / "kept", *first)
    before = derive(store, now)
    keep(tmp_path / "kept", *second)
    (tmp_path / "kept" / "runs" / "2026-11-01T02-17-00Z.json.gz").unlink()
    after = derive(store, now)
    whole = FolderObjects(tmp_path / "whole")
    build(store, lambda: after, whole, anew=True, owner="test")
    expected = files(tmp_path / "whole")
    for changes in range(100):
        site = tmp_path / f"site-{changes}"
        place = FolderObjects(site)
        keep(tmp_path / "kept", first[0])
        build(store, lambda: before, place, anew=False, owner="test")
        (tmp_path / "kept" / "runs" / "2026-11-01T02-17-00Z.json.gz").unlink()
        try:
            build(store, lambda: after, cast("Any", Stopping(place, changes)), anew=False, owner="test")
        except PlaceError:
            assert broken(site) == []
        else:
            break
        build(store, lambda: after, place, anew=False, owner="test")
        assert broken(site) == []
        assert files(site) == expected
    # the pages of 3 runs and 5 definitions, and of one run that is gone, the front page and the manifest
    assert changes == 11
    assert files(site) == expected


@pytest.fixture
def s3(emulator: str, environment: dict[str, str]) -> Any:
    """A client of an S3 with an empty bucket."""
    environment["AWS_ENDPOINT_URL_S3"] = emulator
    client = emulated(emulator)
    client.create_bucket(Bucket="site")
    for each in client.list_objects_v2(Bucket="site").get("Contents", []):
        client.delete_object(Bucket="site", Key=each["Key"])
    return client


def test_on_s3_each_object_says_what_it_is_and_how_long_it_keeps(run: Run, tmp_path: Path, s3: Any) -> None:
    keep(tmp_path / "kept", *month())
    assert run(*DASHBOARD).exit_code == 0

    outcome = run("dashboard", "--store", "kept", "-o", "s3://site/ops")

    assert outcome.stderr == "wrote s3://site/ops/index.html: 17 of 17 pages\n"
    expected = files(tmp_path / "site")
    found = {
        each["Key"]: s3.get_object(Bucket="site", Key=each["Key"])
        for each in s3.list_objects_v2(Bucket="site")["Contents"]
    }
    found.pop("ops/lock.json", None)
    assert {key.removeprefix("ops/"): each["Body"].read() for key, each in found.items()} == expected
    kinds = {
        "html": "text/html; charset=utf-8",
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "json": "application/json",
    }
    caches = {"assets": "max-age=31536000, immutable", "runs": "max-age=86400"}
    for key, each in found.items():
        assert each["ContentType"] == kinds[key.rpartition(".")[2]]
        assert each["CacheControl"] == caches.get(key.split("/")[1], "no-cache")
        (grant,) = s3.get_object_acl(Bucket="site", Key=key)["Grants"]
        assert grant["Grantee"]["Type"] == "CanonicalUser"  # the owner alone


def test_on_s3_a_publish_is_the_same_as_in_a_folder(
    run: Run, tmp_path: Path, s3: Any, fleet: Service
) -> None:
    for _ in range(2):
        assert run("nightly", "--store", "kept", "--publish", "s3://site/ops").exit_code == 2
        time.sleep(1)
    assert run(*DASHBOARD).exit_code == 0

    found = {
        each["Key"].removeprefix("ops/"): s3.get_object(Bucket="site", Key=each["Key"])["Body"].read()
        for each in s3.list_objects_v2(Bucket="site")["Contents"]
    }
    found.pop("lock.json", None)
    assert found == files(tmp_path / "site")


def test_a_bucket_that_there_is_none_of_is_one_line(run: Run, tmp_path: Path, s3: Any) -> None:
    keep(tmp_path / "kept", *month())

    outcome = run("dashboard", "--store", "kept", "-o", "s3://nowhere/ops")

    assert outcome.exit_code == 1
    assert outcome.stderr.startswith("error: s3://nowhere/ops")
    assert outcome.stderr.count("\n") == 1
    assert "The specified bucket does not exist" in outcome.stderr
