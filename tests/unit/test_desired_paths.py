"""The paths of ``lifecycle``: their grammar, what they reach, and what a wrong one is told."""

from __future__ import annotations

from datetime import date

import pytest

from driftcheck.desired.lifecycle import parse, parse_day
from driftcheck.kinds import KINDS

MODEL_QUALITY = KINDS["ModelQualityJobDefinition"]
APP = "ModelQualityAppSpecification"
OUTPUTS = "ModelQualityJobOutputConfig.MonitoringOutputs"


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("RoleArn", ("RoleArn",)),
        ("JobResources.ClusterConfig.InstanceType", ("JobResources", "ClusterConfig", "InstanceType")),
        (f"{APP}.Environment.BUILD_ID", (APP, "Environment", "BUILD_ID")),
        (f"{APP}.Environment.NO", (APP, "Environment", "NO")),
        (f"{APP}.Environment.0123", (APP, "Environment", "0123")),
        (f'{APP}.Environment["a.b"]', (APP, "Environment", "a.b")),
        (f'{APP}.Environment["a\\"b\\\\"]', (APP, "Environment", 'a"b\\')),
        (f'{APP}.Environment["*"]', (APP, "Environment", "*")),
        (f'{APP}["ImageUri"]', (APP, "ImageUri")),
        (f"{APP}.Environment.*", (APP, "Environment", None)),
        (f"{APP}.*", (APP, None)),
        ("*", (None,)),
        ("*.EndpointInput", (None, "EndpointInput")),
        ("*.*.EndpointName", (None, None, "EndpointName")),
        ("Tags[0]", ("Tags", 0)),
        ("Tags[49].Value", ("Tags", 49, "Value")),
        ("Tags[*].Value", ("Tags", None, "Value")),
        (f"{OUTPUTS}[*].S3Output.S3Uri", (*OUTPUTS.split("."), None, "S3Output", "S3Uri")),
        (f"{OUTPUTS}[0]", (*OUTPUTS.split("."), 0)),
    ],
)
def test_every_form_of_path_is_read(text: str, steps: tuple[str | int | None, ...]) -> None:
    assert parse(text, MODEL_QUALITY).steps == steps


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("RoleAr", "no member `RoleAr`: did you mean `RoleArn`?"),
        ("rolearn", "no member `rolearn`: did you mean `RoleArn`?"),
        ("JobResources.ClusterConfig.InstanceTyp", "did you mean `InstanceType`?"),
        ("JobResources.InstanceType", "no member `InstanceType` in JobResources"),
        ("InstanceType", "no member `InstanceType`"),
        ("RoleArn.x", "no member `x` in RoleArn"),
        ("RoleArn[0]", "there is no [0] in RoleArn"),
        ("RoleArn.*", "there is no * in RoleArn"),
        ("DataQualityAppSpecification", "did you mean `ModelQualityAppSpecification`?"),
        ("lifecycle", "no member `lifecycle`"),
        ("Tags.Value", "no member `Value` in Tags"),
        ("Tags.0", "no member `0` in Tags"),
        ("Tags.*", "any element of a list is [*]"),
        (f"{APP}.Environment[*]", "any member or key is *"),
        (f"{APP}.Environment[0]", f"there is no [0] in {APP}.Environment"),
        ("Tags[50]", "there is no [50] in Tags"),  # AWS takes 50 tags
        (f"{OUTPUTS}[1]", f"there is no [1] in {OUTPUTS}"),  # and one output
        ("*.Nowhere", "no member `Nowhere` in *"),
        *(
            (text, "is not a path")
            for text in (
                ".RoleArn",
                "RoleArn.",
                "Tags..Value",
                "Tags[0]Value",
                "Tags[-1]",
                "Tags[01]",
                "Tags[ 0 ]",
                "Tags[]",
                "Tags[0",
                "Tags[1.5]",
                "Tags[x]",
                "[0]",
                "[*]",
                '["RoleArn"]',
                f"{APP}.Environment['a.b']",
                f'{APP}.Environment["a',
                f'{APP}.Environment["\\q"]',
                f"{APP}.Environment.a b",
                "/RoleArn",
                " RoleArn",
                "RoleArn ",
                "Role*",
                "**",
                "Rôle",
                "Tags[٣]",
            )
        ),
    ],
)
def test_a_path_that_names_nothing_is_refused_with_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(ValueError, match="`") as caught:
        parse(text, MODEL_QUALITY)

    assert says in str(caught.value)


def test_a_path_is_held_against_its_own_kind() -> None:
    text = "DataQualityBaselineConfig.StatisticsResource.S3Uri"

    assert parse(text, KINDS["DataQualityJobDefinition"]).steps == tuple(text.split("."))
    with pytest.raises(ValueError, match="no member `StatisticsResource`"):
        parse("ModelQualityBaselineConfig.StatisticsResource", MODEL_QUALITY)


def test_a_hostile_path_makes_a_short_message() -> None:
    for text in (
        "x" * 1_000_000,
        "RoleArn." + "y" * 1_000_000,
        "Tags[" * 100_000,
        f'Tags["{"z" * 100_000}"]',
    ):
        with pytest.raises(ValueError, match="`") as caught:
            parse(text, MODEL_QUALITY)
        assert len(str(caught.value)) < 400


def test_a_day_is_one_of_the_calendar() -> None:
    assert parse_day("2028-02-29") == date(2028, 2, 29)
    for text in ("2026-02-29", "2026-13-01", "0000-01-01"):
        with pytest.raises(ValueError, match="is not a day of the calendar"):
            parse_day(text)
