"""How far a run is: bars where standard error is a terminal, a line now and then where it is none."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from driftcheck.cli.console import logs_json, say
from driftcheck.model import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from driftcheck.model import Desired, Finding

    Told = Callable[[Finding], None]

_SECONDS = 30.0
_TOLD = (Status.DRIFTED, Status.MISSING, Status.ERROR)
_MOST_BARS = 8
"""Targets that have a bar of their own at a time: those that have the most left to read."""


@contextmanager
def progress(definitions: Sequence[Desired], *, shown: bool, certain: bool = True) -> Iterator[Told]:
    """Show how many of the definitions have been read, by status and, where there are several, by target.

    What it gives is to be told each finding. Drift is counted only where the findings are ``certain``.
    """
    statuses = _TOLD if certain else (Status.ERROR,)
    if not shown or not definitions or sys.stderr is None:
        yield lambda _: None
    elif sys.stderr.isatty() and not logs_json():
        with _bars(definitions, statuses) as told:
            yield told
    else:
        with _lines(len(definitions), statuses) as told:
            yield told


@contextmanager
def _lines(of: int, statuses: Sequence[Status]) -> Iterator[Told]:
    counts: Counter[Status] = Counter()
    over = threading.Event()
    start = monotonic()

    def write() -> None:
        while not over.wait(_SECONDS):
            done = counts.total()
            share = f"{done:,} of {of:,} ({done / of:.0%})"
            say(f"reading: {share}{_said(counts, statuses)}, after {monotonic() - start:.0f} s")

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        yield lambda finding: counts.update((finding.status,))
    finally:
        over.set()
        writer.join()


@contextmanager
def _bars(definitions: Sequence[Desired], statuses: Sequence[Status]) -> Iterator[Told]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[said]}", markup=False),
    )
    counts: Counter[Status] = Counter()
    left = Counter(desired.address.target for desired in definitions)
    totals = Counter(left)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        run = bars.add_task("Reading", total=len(definitions), said="")
        visible = {name for name, _ in totals.most_common(_MOST_BARS)} if len(totals) > 1 else set()
        rows = {
            name: bars.add_task(f"  {name}", total=total, said="", visible=name in visible)
            for name, total in totals.items()
        }

        def told(finding: Finding) -> None:
            counts[finding.status] += 1
            left[finding.address.target] -= 1
            bars.update(run, completed=counts.total(), said=_said(counts, statuses).removeprefix(", "))
            target = finding.address.target
            bars.advance(rows[target])
            if target in visible and not left[target]:
                # its bar makes room for that of the target that has the most left
                hidden = (name for name, count in left.most_common() if count and name not in visible)
                visible.remove(target)
                bars.update(rows[target], visible=False)
                if (following := next(hidden, None)) is not None:
                    visible.add(following)
                    bars.update(rows[following], visible=True)

        yield told


def _said(counts: Counter[Status], statuses: Sequence[Status]) -> str:
    """What the counts have beside what is in sync."""
    return "".join(f", {counts[status]:,} {status}" for status in statuses if counts[status])
