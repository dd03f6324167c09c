"""The table of docs/nightly.md: each fault is injected, in a folder and on S3, and loses what it says."""

from __future__ import annotations

import errno
import os
import re
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

from driftcheck.objects import FolderObjects
from driftcheck.places import Prefix
from driftcheck.store import RUNS, open_store
from tests.functional import gateway as by_hand
from tests.functional.faults import Hang
from tests.functional.gateway import Does, Reply, cut, page
from tests.functional.nights import BUCKET, Nights, assert_told_truly, drift

if TYPE_CHECKING:
    from tests.functional.service import Service

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),  # Apprise imports it
]

DOCUMENTATION = Path(__file__).parents[2].joinpath("docs", "nightly.md").read_text("utf-8")
PLACES = {"folder": "kept", "S3": f"s3://{BUCKET}/fleet"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    fault: str
    where: str
    lost: str
    told: str
    codes: frozenset[int | None]


def rows() -> list[Row]:
    """The rows, as they are written."""
    table = DOCUMENTATION.partition("| fault | where |")[2].partition("\n\n")[0].splitlines()[2:]
    found = []
    for line in table:
        fault, where, lost, told, codes = (cell.strip() for cell in line.strip("|").split(" | "))
        numbers = {None if each == "none" else int(each) for each in re.findall(r"\d+|none", codes)}
        found.append(Row(fault.strip("| "), where, lost, told, frozenset(numbers)))
    return found


@dataclass(frozen=True, slots=True)
class Scene:
    """A store that has had a night, and a drift that is new in the next."""

    nights: Nights
    service: Service
    patch: pytest.MonkeyPatch

    @property
    def is_on_s3(self) -> bool:
        return self.nights.s3 is not None

    def answered(self, operation: str, does: Does, *, key: str = "*", times: int | None = None) -> int | None:
        """A night in which calls are answered so."""
        assert self.nights.gateway is not None
        self.nights.gateway.answer(operation, does, key=key, times=times)
        code = self.nights.run()
        self.nights.gateway.rules.clear()
        return code

    def refused(self, *refused: tuple[str, str]) -> int | None:
        """A night in which the store refuses operations on names."""
        self.nights.faults.refused = [*refused]
        code = self.nights.run()
        self.nights.faults.refused = []
        return code


Inject: TypeAlias = Callable[[Scene], int | None]


def kill(scene: Scene) -> int | None:
    # on S3, where a night takes longer, some of them
    for moment in range(1, 100, 4 if scene.is_on_s3 else 1):
        scene.nights.faults.kill_in = moment
        if scene.nights.run() is not None:
            assert moment > 12
            return None
        scene.nights.free()
        assert scene.nights.broken() == []
        if not scene.is_on_s3:
            assert scene.nights.run() == 2  # what it left makes the next one longer
            drift(scene.service, "price", f"after-{moment}")
    raise AssertionError("a night has fewer writes")


def terminate(scene: Scene) -> int | None:
    scene.service.fail(Hang(), name="price")
    seen = len(scene.service.called("Describe*"))

    def end() -> None:
        scene.service.wait_for(seen + 3, "Describe*")
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=end)
    thread.start()
    code = scene.nights.run()
    thread.join()
    scene.service.faults.clear()
    return code


def fill_disk(scene: Scene) -> int | None:
    true = os.fsync

    def fsync(handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode) and os.fstat(handle).st_size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        true(handle)  # what is empty needs no block

    with scene.patch.context() as patch:
        patch.setattr("driftcheck.objects.os.fsync", fsync)
        return scene.nights.run()


@contextmanager
def held(scene: Scene) -> Iterator[None]:
    """Another run holds the store, and lives."""
    scene.patch.setattr("driftcheck.aws.lease.SECONDS", 0.4)
    with scene.patch.context() as patch:
        for name, value in scene.nights.environment.items():
            patch.setenv(name, value)
        patch.chdir(scene.nights.folder)
        place = Prefix(BUCKET, "fleet/") if scene.is_on_s3 else Path("kept")
        other = open_store(place, print).objects
        stack = other.held("another run")
        stack.__enter__()
    try:
        yield
    finally:
        stack.__exit__(None, None, None)


def hold(scene: Scene) -> int | None:
    from driftcheck.aws import lease

    init = lease.Lease.__init__
    scene.patch.setattr(lease.Lease, "__init__", lambda self, of, owner: init(self, of, owner, 0.4))
    with held(scene):
        return scene.nights.run()


def take_lock(scene: Scene) -> int | None:
    def take(answer: Reply) -> Reply:
        scene.nights.put("lock.json", b'{"owner": "other", "seconds": 60}')
        return answer

    code = scene.answered("GetObject", take, key=f"{BUCKET}/fleet/derived/*", times=1)
    scene.nights.free()
    return code


def deny(scene: Scene) -> int | None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with scene.patch.context() as patch:
        patch.setattr("driftcheck.objects.tempfile.mkstemp", refuse)
        return scene.nights.run()


LISTING = f"{BUCKET}/fleet/runs/*"


def empty_listing(scene: Scene) -> int | None:
    if scene.is_on_s3:
        return scene.answered("ListObjectsV2", by_hand.nothing_in(BUCKET, "fleet/runs/"), key=LISTING)
    return listed_nothing(scene, 100)


def lagging_listing(scene: Scene) -> int | None:
    if scene.is_on_s3:
        empty = by_hand.nothing_in(BUCKET, "fleet/runs/")
        return scene.answered("ListObjectsV2", empty, key=LISTING, times=1)
    return listed_nothing(scene, 1)


def listed_nothing(scene: Scene, times: int) -> int | None:
    """A night in which the first listings of a folder's runs name none."""
    left, true = [None] * times, FolderObjects.names

    def names(of: FolderObjects, start: str = "") -> Iterator[str]:
        if start == RUNS and left:
            left.pop()
            return iter(())
        return true(of, start)

    with scene.patch.context() as patch:
        patch.setattr(FolderObjects, "names", names)
        return scene.nights.run()


def misread(scene: Scene) -> int | None:
    scene.nights.delete("derived/history.json")
    page_of_it = replace(by_hand.PAGE, headers=(("ETag", '"0123"'),))
    return scene.answered("GetObject", page_of_it, key=LISTING, times=1)


def damage_document(scene: Scene) -> int | None:
    scene.nights.delete("derived/history.json")
    scene.nights.put(min(scene.nights.runs()), b"damaged")
    return scene.nights.run()


def pipe(scene: Scene, name: str) -> int | None:
    (scene.nights.folder / "kept" / name).unlink(missing_ok=True)
    os.mkfifo(scene.nights.folder / "kept" / name)
    return scene.nights.run()


def damage_history(scene: Scene) -> int | None:
    scene.nights.put("derived/history.json", b"[" * 200_000)
    return scene.nights.run()


def time_out(scene: Scene) -> int | None:
    once = [replace(page(504), passes=True)]
    scene.nights.topic.rule = lambda _: once.pop() if once else None
    return scene.nights.run()


def leave_entries_out(scene: Scene) -> int | None:
    scene.nights.bus.rule = lambda _: Reply(body=b'{"FailedEntryCount": 0, "Entries": []}', passes=True)
    code = scene.nights.run()
    scene.nights.bus.rule = lambda _: None
    assert [repeated for _, repeated in scene.nights.texts()] == [False, False]
    return code


def take_document_away(scene: Scene) -> int | None:
    name, content = max(scene.nights.runs().items())
    scene.nights.delete(name)
    code = scene.nights.run()
    scene.nights.put(name, content)
    return code


def publish_over_another(scene: Scene, store: str) -> int | None:
    heard = len(scene.nights.bus.taken)
    other = scene.nights.place.replace("kept", store).replace("fleet", store)
    if store == "other":
        site, scene.nights.site = scene.nights.site, None
        assert scene.nights.run(store=other) == 2
        scene.nights.site = site
    code = scene.nights.run(store=other)
    del scene.nights.bus.taken[heard:]  # what another store tells is no repetition
    if scene.is_on_s3:
        keys = [*scene.nights.kept(store)]
    else:
        keys = [file.name for file in scene.nights.folder.glob(f"{store}/runs/*")]
    assert len([key for key in keys if key.endswith(".json.gz")]) == (2 if store == "other" else 0)
    return code


def at(operation: str, does: Does, key: str = "*", times: int | None = None) -> Inject:
    return lambda scene: scene.answered(operation, does, key=key, times=times)


NOT_KEPT = r"runs/.*\.json\.gz: PutObject: "
TRIED_AGAIN = "is tried again after the check; without it, this run is not kept"
AGAIN = r"was set aside as aside/2026"

INJECTED: dict[str, tuple[Inject, str]] = {
    "a kill, before any of its writes": (kill, ""),
    "SIGTERM": (terminate, ""),
    "a full disk": (fill_disk, r"kept/runs/.*\.json\.gz cannot be written: No space left on device"),
    "two at once": (hold, "is in use by another run \\(another run\\)"),
    "the lock is lost to another run": (take_lock, "the lock was lost to another run; this one ends"),
    "500 for every call": (at("*", by_hand.INTERNAL), f"InternalError(.|\n)*{TRIED_AGAIN}"),
    "SlowDown for every call": (at("*", by_hand.SLOW_DOWN), f"SlowDown(.|\n)*{TRIED_AGAIN}"),
    "denied writes": (at("PutObject", by_hand.DENIED), f"AccessDenied(.|\n)*{TRIED_AGAIN}"),
    "denied writes of every file": (deny, "runs/.* cannot be written: Permission denied"),
    "500 for the lock, at the start alone": (
        at("PutObject", by_hand.INTERNAL, f"{BUCKET}/fleet/lock.json", 3),
        f"lock.json: .*InternalError(.|\n)*{TRIED_AGAIN}",
    ),
    "cut bodies": (at("GetObject", cut, "*/derived/*"), "GetObject: "),
    "a proxy's page with status 200 for every call": (at("*", by_hand.PAGE), "the answer has no "),
    "a proxy's page with status 200 for a listing": (
        at("ListObjectsV2", by_hand.PAGE),
        "ListObjectsV2: the answer ",
    ),
    "an empty listing": (empty_listing, "the listing lacks 2026-.*, which is there"),
    "a lagging listing": (lagging_listing, "^$"),
    "a redirect to nowhere": (at("*", by_hand.MOVED), "PutObject: "),
    "PutObject without an ETag, for the document": (
        at("PutObject", by_hand.EMPTY_BODY, f"{BUCKET}/fleet/runs/*"),
        f"{NOT_KEPT}the answer has no ETag",
    ),
    "a document that is read wrong once": (misread, "^$"),
    "a damaged document": (damage_document, AGAIN),
    "a pipe in place of a document": (
        lambda scene: pipe(scene, "runs/2026-02-01T00-00-00Z.json.gz"),
        f"{AGAIN}.*: it is not a regular file",
    ),
    "a damaged `history.json`": (damage_history, "derived/history.json is damaged, and derived again"),
    "a pipe in place of `notices/told.json`": (
        lambda scene: pipe(scene, "notices/told.json"),
        r"notices/told.json is damaged, set aside as aside/told.json",
    ),
    "`notices/told.json` cannot be written": (
        lambda scene: scene.refused(("put", "notices/told.json")),
        r"notices/told.json",
    ),
    "no notice can be recorded": (
        lambda scene: scene.refused(("put", "notices/*")),
        "the notice of 2026-.* is sent without a record",
    ),
    "a service takes a notice, and a gateway answers 504": (time_out, ""),
    "PutEvents answers with fewer entries": (
        leave_entries_out,
        "error: notices: eventbridge: DamagedAnswer: PutEvents: the answer has 0 entries",
    ),
    "a document is away for a night": (take_document_away, "^$"),
    "`--publish` names another store's site": (
        lambda scene: publish_over_another(scene, "other"),
        "the dashboard there shows the runs of the store with the identity",
    ),
    "the same, and `--store` names no store yet": (
        lambda scene: publish_over_another(scene, "new"),
        "the dashboard there shows the runs of the store with the identity",
    ),
}
"""How each row's fault is injected, and what is told of it on standard error."""


def test_every_row_is_injected_and_everything_injected_has_a_row() -> None:
    assert [row.fault for row in rows()] == [*INJECTED]


@pytest.mark.parametrize(
    ("row", "place"),
    [
        pytest.param(row, PLACES[where], id=f"{where}: {row.fault}")
        for row in rows()
        for where in row.where.split(", ")
    ],
)
def test_a_fault_loses_and_tells_what_its_row_says(
    service: Service, nights: Nights, row: Row, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights.site = place.replace("kept", "site").replace("fleet", "site")
    drift(service, "churn", "one")
    assert nights.run() == 2
    runs, site = nights.runs(), nights.kept("site")
    drift(service, "fraud", "two")
    inject, said = INJECTED[row.fault]

    code = inject(Scene(nights, service, monkeypatch))

    assert code in row.codes, nights.said
    assert re.search(said, nights.said), nights.said
    after = nights.runs()
    if row.fault == "a damaged document":
        assert after.keys() & runs.keys() == set()
        assert nights.kept()[next(iter(runs)).replace("runs/", "aside/")] == b"damaged"
    else:
        # no run that was kept before is lost
        assert {name: after.get(name) for name in runs} == runs
    if "document" not in row.fault or "pipe" in row.fault:
        assert {name for name in site if name not in nights.kept("site")} == set()
    assert nights.broken() == []
    if row.lost.startswith("this run's document"):
        assert after.keys() == runs.keys()
    if row.lost == "nothing" and code is not None:
        assert len(after) == len(runs) + 1
    # the next night makes up for it
    assert nights.run() == 2, nights.said
    assert nights.said == ""
    nights.assert_whole()
    marks = nights.marks()
    assert {"churn began one", "fraud began two"} <= marks.keys()
    if row.told.endswith("the next run cannot know of it"):
        assert {what: times for what, times in marks.items() if times.count(False) > 1} == {}
    else:
        assert_told_truly(marks)
