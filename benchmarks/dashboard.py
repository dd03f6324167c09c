"""The dashboard of a year: how long all of it and one night's update take, and the front page in Chromium.

Run: ``python -m benchmarks.dashboard [--nights N] [--definitions N]``. The store is made up first: each night
some definitions drift, go missing, cannot be read or are unmanaged, and some of those are repaired. What is
measured are whole processes, with their peak memory. The goals are 60 s and 500 MB for all of it, 5 s for one
night's update, and 1 s until the front page is painted.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.fleet import kind_of, name_of, target_name
from driftcheck.document import summary
from driftcheck.kinds import KINDS
from driftcheck.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftcheck.document.entries import Document

_LAST = datetime(2026, 11, 24, 2, 17, tzinfo=UTC)
_TARGETS = 10
_LOST, _REPAIRED = 0.001, 0.2
_STATUSES = [*["drifted"] * 6, "missing", "error", "unmanaged"]
_CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
_PAINTED = """
() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))
"""
_UPDATE = """
import sys
from pathlib import Path
from datetime import UTC, datetime
from driftcheck.cli.site import publish
from driftcheck.store import open_store
from driftcheck.store.derived import derive
store = open_store(Path(sys.argv[1]), print)
publish(store, derive(store, datetime.now(UTC)), Path(sys.argv[2]), None, anew=False, timeout=60, quiet=False)
"""


def nights(count: int, definitions: int) -> Iterator[Document]:
    """The documents of so many nights, the oldest first; always the same."""
    chance = random.Random(1)
    states: list[tuple[str, datetime]] = [("in_sync", _LAST - timedelta(days=count + 30))] * definitions
    for night in range(count):
        at = _LAST - timedelta(days=count - 1 - night)
        for number, (status, _) in enumerate(states):
            if status == "in_sync":
                if chance.random() < _LOST:
                    states[number] = chance.choice(_STATUSES), at - timedelta(hours=5)
            elif chance.random() < _REPAIRED:
                states[number] = "in_sync", at - timedelta(hours=9)
        resources = [_resource(number, *state) for number, state in enumerate(states)]
        resources.sort(key=lambda each: (each["kind"], each["target"], each["name"]))
        yield {
            "format_version": "1.1",
            "driftcheck_version": "0.1.0",
            "started_at": _text(at),
            "finished_at": _text(at + timedelta(minutes=2)),
            "complete": all(each["status"] != "error" for each in resources),
            "interrupted": False,
            "summary": summary(resources, is_listed=True),
            "targets": [
                {
                    "name": target_name(number),
                    "account": "123456789012",
                    "region": "eu-west-1",
                    "error": None,
                    "listed": sorted(KINDS),
                }
                for number in range(_TARGETS)
            ],
            "resources": resources,
            "warnings": [],
        }


def _resource(number: int, status: str, since: datetime) -> Any:
    name, source = name_of(number), {"file": f"desired/team-{number % 40}.yaml", "line": 1 + number}
    members = ("InstanceType", "VolumeKmsKeyId") if status == "drifted" else ()
    return {
        "kind": kind_of(number),
        "name": name,
        "target": target_name(number % _TARGETS),
        "status": status,
        "arn": f"arn:aws:sagemaker:eu-west-1:123456789012:model-quality-job-definition/{name}",
        "created_at": None if status in {"missing", "error"} else _text(since),
        "source": None if status == "unmanaged" else source,
        "differences": [
            {
                "path": ["JobResources", "ClusterConfig", member],
                "change": "changed",
                "desired": "ml.m5.xlarge",
                "live": "ml.m5.4xlarge",
                "sensitive": False,
                "source": source,
            }
            for member in members
        ],
        "ignored": [],
        "error": {"code": "ThrottlingException", "message": "Rate exceeded"} if status == "error" else None,
    }


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _measured(label: str, *command: str | Path) -> None:
    """Run a process to its end and print its wall time, CPU time and peak memory."""
    start = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{label}: ended with {os.waitstatus_to_exitcode(status)}")
    wall, cpu = time.perf_counter() - start, used.ru_utime + used.ru_stime
    print(f"{label:34}{wall:7.1f} s wall{cpu:7.1f} s CPU{used.ru_maxrss / 1024:7.0f} MB", flush=True)


def _opened(front: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        for address in ("", "?q=d0001", "?status=drifted"):
            page = browser.new_page()
            page.goto(front.as_uri() + address)
            painted = page.evaluate(_PAINTED)
            shown = page.locator("#shown").inner_text()
            print(f"front page{address:24}{painted:7.0f} ms until it is painted   {shown}")
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard")
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--definitions", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        kept, site = Path(name, "store"), Path(name, "site")
        store = open_store(kept, print)
        *_, last = (store.add(document) for document in nights(given.nights + 1, given.definitions))
        (held_back,) = kept.glob(f"runs/{last}.*")
        held_back.rename(Path(name, held_back.name))
        command = [sys.executable, "-m", "driftcheck"]
        _measured("history rebuild", *command, "history", "rebuild", "--store", kept)
        _measured("dashboard, all of it", *command, "dashboard", "--store", kept, "-o", site)
        Path(name, held_back.name).rename(held_back)
        _measured("--publish, after one more night", sys.executable, "-c", _UPDATE, kept, site)
        _opened(site / "index.html")


if __name__ == "__main__":
    main()
