"""driftcheck over a fleet, side by side with what else could describe it.

Run: ``make bench``, or ``python -m benchmarks.bench [--quick] [--only SECTION ...] [--rounds N]`` from the
top of the checkout. It writes ``bench.md`` and ``bench.svg`` into ``benchmarks/results/``, anew after each
section; ``--quick``, whose figures mean nothing, into ``build/bench/``.
``benchmarks/README.md`` says what is measured.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from benchmarks.results import markdown, plot
from benchmarks.running import FailedError, Served
from benchmarks.sections import QUICK, SECTIONS, Bench, Sizes

_MINUTES = 10


def _head(arguments: list[str]) -> str:
    """What was run on what; never a path or a machine's name."""
    if "--results" in arguments:
        at = arguments.index("--results")
        arguments = arguments[:at] + arguments[at + 2 :]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    command = " ".join(["python -m benchmarks.bench", *arguments])
    return (
        "# driftcheck, side by side\n\n"
        f"`{command}` on {cores} cores, Python {platform.python_version()}, boto3 {version('boto3')}; AWS is "
        "`benchmarks.endpoint` on 127.0.0.1, on one of the cores. The ratios are what counts: both sides of "
        "each were measured in this run, in turns, and are medians. `spread` is (slowest - fastest) / "
        "median: above some 30%, something else was running.\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench")
    parser.add_argument("--quick", action="store_true", help="a smoke test: its figures mean nothing")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=[*SECTIONS], metavar="SECTION")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="the folder to write into")
    given = parser.parse_args()
    sizes = QUICK if given.quick else Sizes()
    sizes = replace(sizes, rounds=given.rounds or sizes.rounds)
    results = given.results or Path("build/bench" if given.quick else "benchmarks/results")
    results.mkdir(parents=True, exist_ok=True)
    minutes = _MINUTES if len(given.only) == len(SECTIONS) else 6 * _MINUTES
    until = time.monotonic() + 60 * minutes
    sections, head = [], _head(sys.argv[1:])
    with tempfile.TemporaryDirectory() as name:
        home = Path(name, "home")
        home.mkdir()
        with Served(home) as served:
            bench = Bench(served, Path(name), sizes, until)
            for only in given.only:
                bench.say(f"{only} …")
                try:
                    sections.append(SECTIONS[only](bench))
                except FailedError as error:
                    bench.say(f"{only} is left out: {error}")
                    continue
                bars = [panel for section in sections for panel in section.bars if panel.values]
                (results / "bench.md").write_text(markdown(head, sections), encoding="utf-8")
                (results / "bench.svg").write_text(plot(bars), encoding="utf-8")
    print(markdown(head, sections))


if __name__ == "__main__":
    main()
