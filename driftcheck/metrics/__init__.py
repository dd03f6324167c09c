"""What a run measured, as named values: the same ones for CloudWatch and for Prometheus."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftcheck.document.entries import Document
    from driftcheck.history import History

Unit: TypeAlias = Literal["Count", "Seconds", "None"]
"""As CloudWatch calls them; a moment, in seconds since 1970, has none there."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One value; ``labels`` are its dimensions."""

    name: str
    value: float
    unit: Unit
    labels: tuple[tuple[str, str], ...] = ()


MEANINGS = {
    "Definitions": "Definitions by target and status, each counted once, as far as is known.",
    "Unreadable": "Those that could not be read when last asked for, whatever their status, by target.",
    "OldestDriftAge": "How long the definition that has drifted or been missing the longest has, by target.",
    "Duration": "How long the run took.",
    "ApiCalls": "Requests that the run sent to the API.",
    "ThrottledCalls": "Those that the API refused because they came too fast.",
    "LastCompleteRun": "When the last run that read everything started, in seconds since 1970.",
    "LastRun": "When the last run started, whatever it read, in seconds since 1970.",
}

_STATUSES = ("in_sync", "drifted", "missing", "unmanaged", "error")
_DRIFT = frozenset({"drifted", "missing"})


def metrics(document: Document, history: History) -> Iterator[Metric]:
    """What a run measured, which ``history`` has just taken over."""
    started, finished = (_seconds(document[at]) for at in ("started_at", "finished_at"))
    run = history.runs[-1]
    oldest = dict.fromkeys(run.targets, started)
    for (_, target, _), course in history.courses.items():
        since = course.out_of_sync_since
        if since and target in oldest and course.is_there and course.status in _DRIFT:
            oldest[target] = min(oldest[target], _seconds(since))
    for target, counts in sorted(run.targets.items()):
        for status in _STATUSES:
            labels = (("Target", target), ("Status", status))
            yield Metric("Definitions", counts.get(status, 0), "Count", labels)
        yield Metric("Unreadable", run.unreadable.get(target, 0), "Count", (("Target", target),))
        yield Metric("OldestDriftAge", started - oldest[target], "Seconds", (("Target", target),))
    yield Metric("Duration", max(finished - started, 0), "Seconds")
    if "calls" in document:
        yield Metric("ApiCalls", document["calls"]["made"], "Count")
        yield Metric("ThrottledCalls", document["calls"]["throttled"], "Count")
    if complete := [run.started_at for run in history.runs if run.complete]:
        yield Metric("LastCompleteRun", _seconds(complete[-1]), "None")
    yield Metric("LastRun", started, "None")


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
