"""What happens in the month that the demo makes, as rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_TYPE = "JobResources.ClusterConfig.InstanceType"
_NIGHTS = 30
"""The month that the incidents are written for; other numbers of nights have them in the same order."""
CUT_SHORT, NOT_RUN = 11, 22
READ_OF_IT = 9
"""Definitions that the run which is cut short has read by then."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that happens to a definition before a night, and is undone before another, if ever.

    ``path`` and ``live`` are what it has otherwise, a live of None that it lacks it; without a path it is
    deleted. A ``copy`` is created under that name instead. A ``damaged`` one cannot be read.
    """

    night: int
    until: int | None
    target: str
    kind: str
    name: str
    path: str = ""
    live: Any = None
    copy: str = ""
    damaged: bool = False


_INCIDENTS = (
    Incident(3, 6, "prod-eu", "ModelQuality", "churn-model-quality", _TYPE, "ml.m5.4xlarge"),
    Incident(6, 8, "prod-us", "ModelBias", "credit-model-bias"),
    Incident(
        9,
        17,
        "prod-eu",
        "ModelQuality",
        "upsell-model-quality",
        "ModelQualityJobInput.EndpointInput.ProbabilityThresholdAttribute",
        0.5,
    ),
    Incident(10, 13, "prod-eu", "ModelQuality", "churn-model-quality", _TYPE, "ml.m5.2xlarge"),
    Incident(13, 15, "prod-us", "ModelQuality", "returns-model-quality", damaged=True),
    Incident(14, 21, "prod-eu", "ModelQuality", "churn-model-quality", copy="churn-model-quality-copy"),
    Incident(17, 19, "prod-eu", "ModelQuality", "churn-model-quality", _TYPE, "ml.m5.4xlarge"),
    Incident(
        18,
        None,
        "prod-us",
        "DataQuality",
        "invoice-data-quality",
        "RoleArn",
        "arn:aws:iam::123456789012:role/service-role/invoice-admin",
    ),
    Incident(19, 21, "prod-us", "ModelBias", "credit-model-bias"),
    Incident(21, 24, "prod-us", "ModelExplainability", "limit-model-explainability"),
    Incident(
        24,
        None,
        "prod-eu",
        "ModelExplainability",
        "credit-model-explainability",
        "NetworkConfig",
    ),
    Incident(25, 27, "prod-us", "ModelQuality", "renewal-model-quality", _TYPE, "ml.c5.9xlarge"),
    Incident(
        27,
        29,
        "prod-eu",
        "ModelQuality",
        "delivery-time-model-quality",
        "StoppingCondition.MaxRuntimeInSeconds",
        3600,
    ),
    Incident(28, None, "prod-eu", "ModelQuality", "renewal-model-quality", _TYPE, "ml.m5.4xlarge"),
    Incident(29, None, "prod-us", "ModelQuality", "upsell-model-quality", copy="upsell-model-quality-test"),
    Incident(30, None, "prod-us", "DataQuality", "receipt-data-quality"),
)


def lasting(nights: int) -> list[Incident]:
    """The incidents that so many nights see."""
    return [
        each
        for each in _INCIDENTS
        if each.until is None or scaled(each.until, nights) > scaled(each.night, nights)
    ]


def scaled(night: int, nights: int) -> int:
    """Which of so many nights a night of the month is."""
    return max(night * nights // _NIGHTS, 1)
