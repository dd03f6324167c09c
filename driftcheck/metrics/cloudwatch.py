"""Metrics as CloudWatch takes them, a call's worth at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from driftcheck.metrics import Metric

_MOST = 500
"""Of one PutMetricData, which takes 1,000, and 1 MB."""
_LONGEST = 1024
"""Characters of a dimension's value."""


def calls(metrics: Iterable[Metric], at: str) -> Iterator[list[dict[str, Any]]]:
    """The ``MetricData`` of each call; ``at`` is the moment, as in the result document."""
    data = [
        {
            "MetricName": metric.name,
            "Dimensions": [{"Name": name, "Value": value[:_LONGEST]} for name, value in metric.labels],
            "Timestamp": at,
            "Value": metric.value,
            "Unit": metric.unit,
        }
        for metric in metrics
    ]
    for start in range(0, len(data), _MOST):
        yield data[start : start + _MOST]
