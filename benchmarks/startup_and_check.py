"""How long driftcheck takes to start and to check, side by side with the least that does the same.

Run: ``python -m benchmarks.startup_and_check [ROUNDS]`` from the top of the checkout. Every competitor is a
process of its own, they take turns in each round, and the medians of the rounds are compared. AWS is the
fake service of the tests, in the process that waits.

Goals: start-up at most 1.5 times that of the imported library; ``check`` of one definition faster than one
Describe of the AWS CLI; ``check`` of 1,000 definitions, each answer 50 ms away, at most 1.3 times a pool of
16 threads that fetches them and does nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.running import aws, driftcheck
from tests.functional.cloud import ACCESS_KEY
from tests.functional.definitions import MODEL_QUALITY, REGION, full, write_desired
from tests.functional.service import Service

if TYPE_CHECKING:
    from collections.abc import Sequence

_MANY = 1000
_LATENCY = 0.05
_LIMIT = 120.0
"""Seconds after which a competitor that has not ended ends the benchmark."""

_TYPER_HELP = """
import typer
app = typer.Typer(rich_markup_mode=None)
@app.command()
def check(name: str, count: int = 1) -> None:
    "Compare."
@app.command()
def validate(name: str) -> None:
    "Validate."
app(["--help"])
"""
_POOL = f"""
import boto3
from concurrent.futures import ThreadPoolExecutor
from botocore.config import Config
client = boto3.client("sagemaker", config=Config(max_pool_connections=16))
def fetch(number):
    return client.describe_model_quality_job_definition(JobDefinitionName=f"churn-{{number}}")
with ThreadPoolExecutor(16) as pool:
    assert len(list(pool.map(fetch, range({_MANY})))) == {_MANY}
"""


@dataclass(frozen=True, slots=True)
class Race:
    """Two commands that are compared, and the ratio that is to be kept; ``times`` as many rounds as asked."""

    label: str
    ours: Sequence[str]
    theirs: Sequence[str]
    goal: float
    times: float = 1.0


def _seconds(command: Sequence[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    ended = subprocess.run(command, env=environment, capture_output=True, timeout=_LIMIT, check=False)
    took = time.perf_counter() - start
    if ended.returncode != 0:
        raise SystemExit(f"{command} exited with {ended.returncode}: {ended.stderr.decode()}")
    return took


def _run(race: Race, environment: dict[str, str], rounds: int, service: Service) -> None:
    """Print a row with start-up, and for calls that take long one without it, as the service saw them."""
    wall: tuple[list[float], list[float]] = ([], [])
    calls: tuple[list[float], list[float]] = ([], [])
    for number in range(max(3, round(rounds * race.times))):
        sides = (race.ours, race.theirs)
        for side in (0, 1) if number % 2 else (1, 0):
            service.calls.clear()
            wall[side].append(_seconds(sides[side], environment))
            if service.latency:
                calls[side].append(service.calls[-1].at - service.calls[0].at + service.latency)
    _row(race.label, wall, race.goal)
    if service.latency:
        _row(f"{race.label}, first to last call", calls, race.goal)


def _row(label: str, measured: tuple[list[float], list[float]], goal: float) -> None:
    ours, theirs = map(median, measured)
    spread = max((max(times) - min(times)) / median(times) for times in measured)
    kept = "kept" if ours / theirs <= goal else "missed"
    print(
        f"| {label} | {ours * 1000:,.0f} | {theirs * 1000:,.0f} | {ours / theirs:.2f} | "
        f"{goal:g} {kept} | {len(measured[0])} | {spread:.0%} |",
        flush=True,
    )


def _desired(folder: Path, service: Service, count: int) -> str:
    """Declare and create so many definitions, without tags: those would be a second call for each."""
    definitions = []
    for number in range(count):
        definition = full(MODEL_QUALITY, f"churn-{number}")
        del definition["Tags"]
        service.create(MODEL_QUALITY, definition)
        definitions.append(definition)
    return str(write_desired(folder, {MODEL_QUALITY: definitions}, f"{count}.yaml"))


def main(rounds: int) -> None:
    """Run every race and print the table; of the longest one, a third of the rounds."""
    python = [sys.executable, "-c"]
    print("| what | driftcheck, ms | the other, ms | ratio | goal | rounds | spread |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as name, Service() as service:
        folder = Path(name)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": name,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": "benchmark",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": service.url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

        def race(label: str, ours: Sequence[str], theirs: Sequence[str], goal: float, times: float) -> None:
            _run(Race(label, [*driftcheck(), *ours], theirs, goal, times), environment, rounds, service)

        race("`--version` : `import typer`", ["--version"], [*python, "import typer"], 1.5, 1)
        race("`--help` : `--help` of two commands", ["--help"], [*python, _TYPER_HELP], 1.5, 1)
        command = aws()
        if command:
            one = _desired(folder, service, 1)
            describe = [command, "sagemaker", "describe-model-quality-job-definition"]
            describe += ["--job-definition-name", "churn-0"]
            race("`check` of 1 : `aws … describe-…`", ["check", one], describe, 1.0, 0.7)
        else:
            print("| `check` of 1 : skipped, there is no `aws` on PATH |")
        many = _desired(folder, service, _MANY)
        service.latency = _LATENCY
        race(f"`check` of {_MANY:,} : boto3 and 16 threads", ["check", many], [*python, _POOL], 1.3, 0.34)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
