"""Metrics in the text format of Prometheus, for the textfile collector of its node exporter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from driftcheck.metrics import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftcheck.metrics import Metric

_CAPITAL = re.compile("(?<=[a-z])(?=[A-Z])")
_NAMES = {
    "OldestDriftAge": "oldest_drift_age_seconds",
    "Duration": "duration_seconds",
    "LastCompleteRun": "last_complete_run_timestamp_seconds",
    "LastRun": "last_run_timestamp_seconds",
}


def exposition(metrics: Iterable[Metric]) -> str:
    """The metrics as one text: ``driftcheck_definitions{target="prod",status="drifted"} 2``."""
    registry = CollectorRegistry()
    gauges: dict[str, Gauge] = {}
    for metric in metrics:
        labels = {name.lower(): value for name, value in metric.labels}
        if metric.name not in gauges:
            name = _NAMES.get(metric.name) or _CAPITAL.sub("_", metric.name).lower()
            gauges[metric.name] = Gauge(
                f"driftcheck_{name}", MEANINGS[metric.name], [*labels], registry=registry
            )
        gauge = gauges[metric.name]
        (gauge.labels(**labels) if labels else gauge).set(metric.value)
    return generate_latest(registry).decode()
