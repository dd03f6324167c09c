"""How long one step of a filter takes in Chromium on a report of 10,000 definitions.

Run: ``python benchmarks/html_filter.py [DEFINITIONS]``. A step is an event on the page's own controls with
the layout that it forces and, in the second figure, until the next frame is painted; both in milliseconds.
The goal is less than 100 ms for the first.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from driftcheck.render import render

if TYPE_CHECKING:
    from driftcheck.document.entries import Document

_CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
_STATUSES = ["drifted", *["in_sync"] * 7, "missing", "error"]
_STEPS = {
    "search: m": "type('m')",
    "search: m5": "type('m5')",
    "search: m5.4xlarge": "type('m5.4xlarge')",
    "search: nothing found": "type('no such text')",
    "search: emptied": "type('')",
    "status: drifted": "press('drifted')",
    "status: drifted, in sync": "press('in_sync')",
    "status: in sync": "press('drifted')",
    "status: all": "press('in_sync')",
}
_DRIVE = """
async (step) => {
  const type = (text) => {
    const field = document.getElementById("query");
    field.value = text;
    field.dispatchEvent(new Event("input", {bubbles: true}));
  };
  const press = (status) => document.querySelector(`button[value=${status}]`).click();
  const start = performance.now();
  step === "" || eval(step);
  document.body.getBoundingClientRect();
  const laid = performance.now() - start;
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return [laid, performance.now() - start, document.getElementById("shown").textContent];
}
"""


def generated(count: int) -> Document:
    """A result document of that many definitions, one in ten of them drifted with three differences."""
    resources: list[Any] = [_resource(number) for number in range(count)]
    found = [resource["status"] for resource in resources]
    return {
        "format_version": "1.1",
        "driftcheck_version": "0.1.0",
        "started_at": "2026-11-24T02:17:00Z",
        "finished_at": "2026-11-24T02:19:00Z",
        "complete": "error" not in found,
        "interrupted": False,
        "summary": {
            "declared": count,
            "read": count - found.count("error"),
            "in_sync": found.count("in_sync"),
            "drifted": found.count("drifted"),
            "missing": found.count("missing"),
            "unmanaged": 0,
            "error": found.count("error"),
            "coverage": 1.0,
        },
        "targets": [
            {"name": name, "account": "123456789012", "region": "eu-west-1", "error": None}
            for name in ("prod-eu", "prod-us")
        ],
        "resources": resources,
        "warnings": [],
    }


def _resource(number: int) -> dict[str, Any]:
    name, status = f"model-{number:05}-quality", _STATUSES[number % len(_STATUSES)]
    members = ("InstanceType", "InstanceCount", "VolumeKmsKeyId") if status == "drifted" else ()
    source = {"file": f"desired/team-{number % 40}.yaml", "line": 1 + number}
    return {
        "kind": "ModelQualityJobDefinition" if number % 3 else "DataQualityJobDefinition",
        "name": name,
        "target": "prod-eu" if number % 2 else "prod-us",
        "status": status,
        "arn": f"arn:aws:sagemaker:eu-west-1:123456789012:model-quality-job-definition/{name}",
        "created_at": "2026-11-20T08:00:00Z",
        "source": source,
        "differences": [
            {
                "path": ["JobResources", "ClusterConfig", member],
                "change": "changed",
                "desired": "ml.m5.xlarge",
                "live": f"ml.m5.{2 + number // 10 % 5}xlarge",
                "sensitive": False,
                "source": source,
            }
            for member in members
        ],
        "ignored": [],
        "error": {"code": "ThrottlingException", "message": "Rate exceeded"} if status == "error" else None,
    }


def main(count: int) -> None:
    start = time.perf_counter()
    page_text = render(generated(count), "html")
    print(
        f"{count} definitions: rendered in {time.perf_counter() - start:.2f} s, {len(page_text) / 1e6:.1f} MB"
    )
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        report = Path(folder, "report.html")
        report.write_text(page_text, encoding="utf-8")
        with playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS) as browser:
            page = browser.new_context(bypass_csp=True).new_page()
            start = time.perf_counter()
            page.goto(report.as_uri())
            print(f"loaded in {time.perf_counter() - start:.2f} s")
            page.evaluate(_DRIVE, "")
            print(f"{'step':26}{'with layout':>12}{'painted':>10}")
            for label, step in _STEPS.items():
                laid, painted, shown = page.evaluate(_DRIVE, step)
                print(f"{label:26}{laid:12.1f}{painted:10.1f}   {shown}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
