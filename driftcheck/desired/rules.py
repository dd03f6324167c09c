"""Rules across members, which no single member's shape holds: one row each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from driftcheck.kinds import ABSENT_MEANS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from driftcheck.kinds import Kind
    from driftcheck.model import Path

_INPUTS = ("EndpointInput", "BatchTransformInput")
_HOURLY = 1800
"""Seconds: the longest run of an hourly model quality or model bias schedule; the others may take 3600."""

_DURATION = re.compile(
    r"(?P<sign>[-+]?)P(?!$)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?!$)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.ASCII,
)
_SECONDS = {
    "years": 31_536_000,
    "months": 2_592_000,
    "weeks": 604_800,
    "days": 86_400,
    "hours": 3_600,
    "minutes": 60,
    "seconds": 1,
}
"""Seconds in one of each; years and months, which differ in length, are only ever compared by order."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a definition breaks, and where."""

    path: Path
    message: str


def refused(kind: Kind, properties: Mapping[str, Any]) -> Iterator[Broken]:
    """The rules for which the service would refuse a definition, whatever else is wrong with it."""
    job_input = f"{_prefix(kind)}JobInput"
    declared = properties.get(job_input)
    if not isinstance(declared, dict):
        return
    given = [name for name in _INPUTS if name in declared]
    if len(given) != 1:
        found = "both are" if given else "neither is"
        yield Broken((job_input,), f"exactly one of {' and '.join(_INPUTS)} must be given; {found}")


def broken(kind: Kind, properties: Mapping[str, Any]) -> Iterator[Broken]:
    """The rules that a definition breaks and the service lets pass.

    A member has the shape that its kind asks for, or is left out.
    """
    prefix = _prefix(kind)
    application, job_input = f"{prefix}AppSpecification", f"{prefix}JobInput"
    declared = properties.get(job_input, {})
    given = [name for name in _INPUTS if name in declared]
    problem = properties.get(application, {}).get("ProblemType")
    for name in given:
        at, source = (job_input, name), declared[name]
        if problem is not None:
            yield from _attributes(at, source, problem)
        yield from _format(at, source)
        yield from _offsets(at, source)
        if "FeaturesAttribute" in source and prefix in {"ModelQuality", "DataQuality"}:
            yield Broken(
                (*at, "FeaturesAttribute"), "FeaturesAttribute is used for bias and explainability only"
            )
    if prefix in {"ModelQuality", "ModelBias"}:
        yield from _run_time(properties)


def _prefix(kind: Kind) -> str:
    """What its members' names begin with: ``ModelQuality``."""
    return kind.name.removesuffix("JobDefinition")


def _attributes(at: Path, source: Mapping[str, Any], problem: str) -> Iterator[Broken]:
    probability = [
        name for name in ("ProbabilityAttribute", "ProbabilityThresholdAttribute") if name in source
    ]
    if problem == "BinaryClassification":
        if "InferenceAttribute" not in source and len(probability) != 2:  # noqa: PLR2004
            yield Broken(
                at,
                "BinaryClassification needs InferenceAttribute, "
                "or ProbabilityAttribute with ProbabilityThresholdAttribute",
            )
        return
    if "InferenceAttribute" not in source:
        yield Broken(at, f"{problem} needs InferenceAttribute")
    for name in probability:
        yield Broken((*at, name), f"{name} is used for BinaryClassification only")


def _format(at: Path, source: Mapping[str, Any]) -> Iterator[Broken]:
    formats = source.get("DatasetFormat")
    if formats is not None and len(formats) != 1:
        yield Broken((*at, "DatasetFormat"), "DatasetFormat has exactly one of Csv, Json and Parquet")


def _offsets(at: Path, source: Mapping[str, Any]) -> Iterator[Broken]:
    found = {name: source[name] for name in ("StartTimeOffset", "EndTimeOffset") if name in source}
    seconds = {name: _duration(text) for name, text in found.items()}
    for name, value in seconds.items():
        if value is None:
            yield Broken((*at, name), f"{name} is no ISO 8601 duration such as -P8D, -P1D or -PT0H")
    start, end = seconds.get("StartTimeOffset"), seconds.get("EndTimeOffset")
    if start is not None and end is not None and start >= end:
        yield Broken((*at, "StartTimeOffset"), "StartTimeOffset must lie before EndTimeOffset")


def _duration(text: str) -> int | None:
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    seconds = sum(int(found[unit] or 0) * each for unit, each in _SECONDS.items())
    return -seconds if found["sign"] == "-" else seconds


def _run_time(properties: Mapping[str, Any]) -> Iterator[Broken]:
    given = properties.get("StoppingCondition")
    stopping: Any = ABSENT_MEANS["StoppingCondition"] if given is None else given
    if stopping["MaxRuntimeInSeconds"] <= _HOURLY:
        return
    default = "" if given else " (the service's default)"
    path = ("StoppingCondition", "MaxRuntimeInSeconds") if given else ()
    yield Broken(
        path,
        f"MaxRuntimeInSeconds is {stopping['MaxRuntimeInSeconds']}{default}: "
        f"an hourly schedule allows this kind {_HOURLY} seconds at most",
    )
