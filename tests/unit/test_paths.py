"""Paths as text: as one writes them under ``ignore_changes``, so that a report's path is a rule as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.desired.lifecycle import parse
from driftcheck.kinds import KINDS
from driftcheck.paths import show

if TYPE_CHECKING:
    from driftcheck.model import Path

ENVIRONMENT = ("ModelQualityAppSpecification", "Environment")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("RoleArn",), "RoleArn"),
        (("JobResources", "ClusterConfig", "InstanceType"), "JobResources.ClusterConfig.InstanceType"),
        (("Tags", 0, "Value"), "Tags[0].Value"),
        ((0,), "[0]"),
        (("A", "a.b", "c"), 'A["a.b"].c'),
        (("A", ""), 'A[""]'),
        (("A", "0"), "A.0"),
        (("A", "a-b_c"), "A.a-b_c"),
        (("A", "*"), 'A["*"]'),
        (("A", "[0]"), 'A["[0]"]'),
        (("A", 'a"b\\c'), 'A["a\\"b\\\\c"]'),
        (("A", "a b"), 'A["a b"]'),
        (("A", "a\n"), 'A["a\\n"]'),
        (("A", "é"), 'A["\\u00e9"]'),
        (("a.b", "c"), '["a.b"].c'),
    ],
)
def test_a_path_is_written_with_quotes_where_it_has_to(path: Path, text: str) -> None:
    assert show(path) == text


def test_quotes_may_be_another_ones() -> None:
    assert show(("A", "a b"), lambda key: f"<{key}>") == "A[<a b>]"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_path_that_is_shown_is_the_rule_that_names_it(key: str) -> None:
    path = (*ENVIRONMENT, key)
    rule = parse(show(path), KINDS["ModelQualityJobDefinition"])
    assert rule.steps == path
    assert rule.covers(path)
    assert not rule.covers((*ENVIRONMENT, key + "x"))


@pytest.mark.parametrize(
    "path",
    [
        ("Tags", 0, "Value"),
        ("Tags", 49),
        ("NetworkConfig", "VpcConfig", "Subnets", 15),
        ("ModelQualityJobOutputConfig", "MonitoringOutputs", 0, "S3Output", "S3UploadMode"),
    ],
)
def test_a_path_with_indices_is_the_rule_that_names_it(path: Path) -> None:
    assert parse(show(path), KINDS["ModelQualityJobDefinition"]).steps == path
