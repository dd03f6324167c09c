"""The rules across members: which are errors, which are warnings, where they point, and what breaks none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from driftcheck.desired import load
from driftcheck.errors import DriftcheckError
from tests.functional.definitions import KINDS, Definition, full, minimal, write_desired

if TYPE_CHECKING:
    from pathlib import Path

MODEL_QUALITY, DATA_QUALITY, MODEL_BIAS, MODEL_EXPLAINABILITY = KINDS
SHORT_RUN = {"StoppingCondition": {"MaxRuntimeInSeconds": 1800}}


def made(kind: str, problem: str | None = None, stopping: int | None = 1800, **source: Any) -> Definition:
    """The least definition of a kind, with members of its endpoint input."""
    definition = minimal(kind)
    prefix = kind.removesuffix("JobDefinition")
    if problem is not None:
        definition[f"{prefix}AppSpecification"]["ProblemType"] = problem
    if stopping is not None:
        definition["StoppingCondition"] = {"MaxRuntimeInSeconds": stopping}
    definition[f"{prefix}JobInput"]["EndpointInput"] |= source
    return definition


def warnings(folder: Path, kind: str, definition: Definition) -> list[tuple[str, str]]:
    """The line of the file that each warning points at, and what it says."""
    file = write_desired(folder, {kind: [definition]})
    lines = file.read_text().splitlines()
    found = load([file], {}).warnings
    assert all(warning.source is not None and warning.code == "definition-rule" for warning in found)
    return [(lines[w.source.line - 1].strip(" -").split(":")[0], w.message) for w in found if w.source]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("both", [False, True])
def test_exactly_one_source_of_data_is_asked_of_every_kind(tmp_path: Path, kind: str, both: bool) -> None:
    definition = full(kind)
    member = f"{kind.removesuffix('JobDefinition')}JobInput"
    if both:
        definition[member] |= full(kind, source="batch")[member]
    else:
        del definition[member]["EndpointInput"]
    file = write_desired(tmp_path, {kind: [definition]})
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if f"{member}:" in text)

    with pytest.raises(DriftcheckError) as caught:
        load([file], {})

    found = "both are" if both else "neither is"
    assert [text for text in caught.value.lines if ": error: " in text] == [
        (
            f"{file}:{line}:3: error: {member}: exactly one of EndpointInput and BatchTransformInput "
            "must be given; "
            f"{found}"
        )
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_source_of_data_is_asked_of_a_definition_with_other_faults(tmp_path: Path, kind: str) -> None:
    definition = made(kind, LocalPth="/x") | {"RoleArm": "x"}
    member = f"{kind.removesuffix('JobDefinition')}JobInput"
    definition[member]["BatchTransformInput"] = {}

    with pytest.raises(DriftcheckError, match="must be given; both are") as caught:
        load([write_desired(tmp_path, {kind: [definition]})], {})

    for says in ("`RoleArm`", "`LocalPth`", f"{member}.BatchTransformInput: `LocalPath` is required"):
        assert says in str(caught.value)


def test_a_misspelled_source_of_data_is_one_fault(tmp_path: Path) -> None:
    definition = made(MODEL_QUALITY)
    job_input = definition["ModelQualityJobInput"]
    job_input["EndpointInpt"] = job_input.pop("EndpointInput")

    with pytest.raises(DriftcheckError) as caught:
        load([write_desired(tmp_path, {MODEL_QUALITY: [definition]})], {})

    (line,) = caught.value.lines
    assert "`EndpointInpt`: did you mean `EndpointInput`?" in line


@pytest.mark.parametrize(
    "definition",
    [
        made(MODEL_QUALITY),
        made(MODEL_QUALITY, "BinaryClassification", InferenceAttribute="x"),
        made(
            MODEL_QUALITY,
            "BinaryClassification",
            ProbabilityAttribute="p",
            ProbabilityThresholdAttribute=0.5,
        ),
        made(MODEL_QUALITY, "Regression", InferenceAttribute="x"),
        made(MODEL_QUALITY, "MulticlassClassification", InferenceAttribute="x"),
        made(MODEL_QUALITY, StartTimeOffset="-P8D", EndTimeOffset="-P1D"),
        made(MODEL_QUALITY, StartTimeOffset="-PT1H", EndTimeOffset="-PT0H"),
        made(MODEL_QUALITY, StartTimeOffset="-P1D", EndTimeOffset="P0D"),
        made(MODEL_QUALITY, StartTimeOffset="-P1M", EndTimeOffset="-P1W"),
        made(MODEL_QUALITY, StartTimeOffset="-P1Y2M", EndTimeOffset="-P1DT12H30M5S"),
        made(MODEL_QUALITY, StartTimeOffset="-P8D"),
    ],
)
def test_what_breaks_no_rule_is_not_warned_about(tmp_path: Path, definition: Definition) -> None:
    assert warnings(tmp_path, MODEL_QUALITY, definition) == []


@pytest.mark.parametrize(
    ("definition", "at", "says"),
    [
        (made(MODEL_QUALITY, "BinaryClassification"), "EndpointInput", "needs InferenceAttribute, or"),
        (
            made(MODEL_QUALITY, "BinaryClassification", ProbabilityAttribute="p"),
            "EndpointInput",
            "ProbabilityAttribute with ProbabilityThresholdAttribute",
        ),
        (made(MODEL_QUALITY, "Regression"), "EndpointInput", "Regression needs InferenceAttribute"),
        (
            made(MODEL_QUALITY, "MulticlassClassification"),
            "EndpointInput",
            "MulticlassClassification needs InferenceAttribute",
        ),
        (
            made(MODEL_QUALITY, "Regression", InferenceAttribute="x", ProbabilityAttribute="p"),
            "ProbabilityAttribute",
            "for BinaryClassification only",
        ),
        (
            made(MODEL_QUALITY, "Regression", InferenceAttribute="x", ProbabilityThresholdAttribute=0.5),
            "ProbabilityThresholdAttribute",
            "for BinaryClassification only",
        ),
        (made(MODEL_QUALITY, FeaturesAttribute="f"), "FeaturesAttribute", "bias and explainability only"),
        (made(MODEL_QUALITY, StartTimeOffset="P-8D"), "StartTimeOffset", "is no ISO 8601 duration"),
        (made(MODEL_QUALITY, EndTimeOffset="-PT"), "EndTimeOffset", "is no ISO 8601 duration"),
        (made(MODEL_QUALITY, EndTimeOffset="-P"), "EndTimeOffset", "is no ISO 8601 duration"),
        (
            made(MODEL_QUALITY, StartTimeOffset="-P1D", EndTimeOffset="-P8D"),
            "StartTimeOffset",
            "must lie before EndTimeOffset",
        ),
        (
            made(MODEL_QUALITY, StartTimeOffset="-PT24H", EndTimeOffset="-P1D"),
            "StartTimeOffset",
            "must lie before EndTimeOffset",
        ),
        (made(MODEL_QUALITY, stopping=1801), "MaxRuntimeInSeconds", "is 1801: an hourly schedule"),
        (made(MODEL_QUALITY, stopping=None), "JobDefinitionName", "is 3600 (the service's default)"),
    ],
)
def test_a_broken_rule_is_one_warning_at_its_place(
    tmp_path: Path, definition: Definition, at: str, says: str
) -> None:
    ((where, message),) = warnings(tmp_path, MODEL_QUALITY, definition)

    assert where == at
    assert says in message


@pytest.mark.parametrize("formats", [{}, {"Csv": {}, "Json": {}}, {"Csv": {}, "Json": {}, "Parquet": {}}])
@pytest.mark.parametrize("kind", KINDS)
def test_a_dataset_has_exactly_one_format(tmp_path: Path, kind: str, formats: Definition) -> None:
    definition = minimal(kind, source="batch") | SHORT_RUN
    definition[f"{kind.removesuffix('JobDefinition')}JobInput"]["BatchTransformInput"]["DatasetFormat"] = (
        formats
    )

    ((where, message),) = warnings(tmp_path, kind, definition)

    assert where == "DatasetFormat"
    assert message == "DatasetFormat has exactly one of Csv, Json and Parquet"


@pytest.mark.parametrize(
    ("kind", "warned"),
    [(MODEL_QUALITY, True), (DATA_QUALITY, True), (MODEL_BIAS, False), (MODEL_EXPLAINABILITY, False)],
)
def test_features_are_for_bias_and_explainability(tmp_path: Path, kind: str, warned: bool) -> None:
    assert bool(warnings(tmp_path, kind, made(kind, FeaturesAttribute="f"))) is warned


@pytest.mark.parametrize(
    ("kind", "warned"),
    [(MODEL_QUALITY, True), (DATA_QUALITY, False), (MODEL_BIAS, True), (MODEL_EXPLAINABILITY, False)],
)
def test_a_long_run_is_for_the_kinds_that_have_an_hour(tmp_path: Path, kind: str, warned: bool) -> None:
    assert bool(warnings(tmp_path, kind, made(kind, stopping=3600))) is warned


def test_warnings_are_told_beside_the_errors_of_another_definition(tmp_path: Path) -> None:
    file = write_desired(tmp_path, {DATA_QUALITY: [made(DATA_QUALITY, FeaturesAttribute="f"), {}]})

    with pytest.raises(DriftcheckError) as caught:
        load([file], {})

    assert [line for line in caught.value.lines if ": warning: " in line] == [
        f"{file}:10:7: warning: FeaturesAttribute is used for bias and explainability only"
    ]
