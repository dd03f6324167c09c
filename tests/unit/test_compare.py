"""A reading to a finding: what is not seen, what is hidden, where it is declared, and in which order."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from driftcheck.compare import compare, differences
from driftcheck.model import (
    Address,
    Change,
    Desired,
    Finding,
    IgnoreRule,
    Live,
    Location,
    Missing,
    PathPattern,
    PropertyDifference,
    Status,
    Unreadable,
)

if TYPE_CHECKING:
    from driftcheck.model import Json, Path

KIND = "ModelQualityJobDefinition"
ADDRESS = Address(KIND, "prod", "churn")
HERE = Location("desired/churn.yaml", 4, 5)
TODAY = date(2026, 11, 24)
CREATED = datetime(2026, 11, 20, 8, tzinfo=UTC)
ARGUMENTS = ("ModelQualityAppSpecification", "ContainerArguments")


def located(path: Path) -> Location:
    return Location("desired/churn.yaml", 100 + len(path), 1)


def declared(properties: dict[str, Any], *rules: IgnoreRule, sensitive: tuple[str, ...] = ()) -> Desired:
    patterns = tuple(PathPattern(text, tuple(text.split("."))) for text in sensitive)
    return Desired(ADDRESS, properties, HERE, located, rules, patterns)


def rule(text: str, until: date | None = None) -> IgnoreRule:
    return IgnoreRule(PathPattern(text, tuple(text.split("."))), HERE, "known", until)


def with_arguments(arguments: list[str]) -> dict[str, Any]:
    return {ARGUMENTS[0]: {ARGUMENTS[1]: arguments}}


def live(properties: dict[str, Any]) -> Live:
    return Live(properties, "arn:aws:sagemaker:eu-west-1:123456789012:x/churn", CREATED)


def test_what_aws_does_not_find_is_missing() -> None:
    finding = compare(declared({"RoleArn": "a"}, rule("RoleArn")), Missing(), TODAY)
    assert finding == Finding(ADDRESS, Status.MISSING, source=HERE)


def test_what_cannot_be_read_is_an_error_and_nothing_else() -> None:
    finding = compare(declared({"RoleArn": "a"}), Unreadable("AccessDeniedException", "not allowed"), TODAY)
    assert finding == Finding(
        ADDRESS, Status.ERROR, source=HERE, error=Unreadable("AccessDeniedException", "not allowed")
    )


def test_an_error_is_told_without_the_credentials_in_it() -> None:
    reading = Unreadable("InvalidClientTokenId", "the key AKIAIOSFODNN7EXAMPLE is not valid")
    finding = compare(declared({}), reading, TODAY)
    assert finding.error == Unreadable("InvalidClientTokenId", "the key (sensitive) is not valid")


def test_a_definition_in_sync_says_where_it_is_and_since_when() -> None:
    finding = compare(declared({"RoleArn": "a"}), live({"RoleArn": "a"}), TODAY)
    assert finding == Finding(
        ADDRESS,
        Status.IN_SYNC,
        arn="arn:aws:sagemaker:eu-west-1:123456789012:x/churn",
        created_at=CREATED,
        source=HERE,
    )


def test_a_difference_says_where_it_is_declared() -> None:
    finding = compare(
        declared({"JobResources": {"ClusterConfig": {"VolumeSizeInGB": 1}}}),
        live({"JobResources": {"ClusterConfig": {"VolumeSizeInGB": 2}}, "RoleArn": "a"}),
        TODAY,
    )
    assert finding.differences == (
        PropertyDifference(
            ("JobResources", "ClusterConfig", "VolumeSizeInGB"),
            Change.CHANGED,
            1,
            2,
            source=Location("desired/churn.yaml", 103, 1),
        ),
        PropertyDifference(
            ("RoleArn",), Change.ADDED, None, "a", source=Location("desired/churn.yaml", 101, 1)
        ),
    )


@pytest.mark.parametrize(("days", "hides"), [(-1, False), (0, True), (1, True)])
def test_a_rule_hides_up_to_its_last_day(days: int, hides: bool) -> None:
    until = TODAY + timedelta(days=days)
    finding = compare(declared({"RoleArn": "a"}, rule("RoleArn", until)), live({"RoleArn": "b"}), TODAY)
    assert finding.status is (Status.IN_SYNC if hides else Status.DRIFTED)
    assert (len(finding.ignored), len(finding.differences)) == ((1, 0) if hides else (0, 1))


def test_an_ignored_difference_names_its_rule() -> None:
    known = rule("RoleArn")
    finding = compare(declared({"RoleArn": "a"}, known), live({"RoleArn": "b"}), TODAY)
    (hidden,) = finding.ignored
    assert hidden.rule is known
    assert (hidden.difference.desired, hidden.difference.live) == ("a", "b")


def test_the_absent_side_of_a_sensitive_difference_stays_absent() -> None:
    finding = compare(declared({}, sensitive=("RoleArn",)), live({"RoleArn": "secret-role"}), TODAY)
    (difference,) = finding.differences
    assert (difference.desired, difference.live, difference.sensitive) == (None, "(sensitive)", True)


def test_numbers_and_booleans_under_a_sensitive_path_are_hidden_too() -> None:
    resources: Json = {"ClusterConfig": {"VolumeSizeInGB": 20}}
    finding = compare(declared({"JobResources": resources}, sensitive=("JobResources",)), live({}), TODAY)
    (difference,) = finding.differences
    assert (difference.desired, difference.live, difference.sensitive) == ("(sensitive)", None, True)


def test_a_short_secret_hides_nothing_but_its_own_place() -> None:
    """A flag at a sensitive path is a word that stands anywhere: the rest of the report stays readable."""
    finding = compare(
        declared({"RoleArn": "on", "Tags": [{"Key": "k", "Value": "once"}]}, sensitive=("RoleArn",)),
        live({"RoleArn": "off", "Tags": [{"Key": "k", "Value": "on"}]}),
        TODAY,
    )
    assert [(d.path[0], d.desired, d.live) for d in finding.differences] == [
        ("RoleArn", "(sensitive)", "(sensitive)"),
        ("Tags", "once", "on"),
    ]


def test_differences_come_in_the_order_of_their_paths() -> None:
    """Indices in the order of numbers, and in no order that depends on how the sides were built."""
    desired = {"RoleArn": "a", **with_arguments([str(i) for i in range(12)]), "A": "1"}
    answered = {"A": "2", **with_arguments([f"{i}x" for i in range(12)]), "RoleArn": "b"}
    found = [difference.path for difference in differences(KIND, desired, answered)]
    assert found == [("A",), *((*ARGUMENTS, index) for index in range(12)), ("RoleArn",)]


@pytest.mark.parametrize(
    ("wanted", "there", "expected"),
    [
        # an argument goes from among its likes
        ("abab", "aab", [(1, "b", None)]),
        ("bba", "baba", [(1, None, "a")]),
        # one goes and another changes
        ("bc", "cac", [(0, "b", "c"), (1, None, "a")]),
        ("abcde", "xbcd", [(0, "a", "x"), (4, "e", None)]),
        # several that go, and several that come
        ("abcdef", "adf", [(1, "b", None), (2, "c", None), (4, "e", None)]),
        ("adf", "abcdef", [(1, None, "b"), (2, None, "c"), (4, None, "e")]),
        # at an index that one side's new element and the other side's old one share
        ("abc1234", "12x34", [(0, "a", None), (1, "b", None), (2, "c", None), (2, None, "x")]),
        ("", "ab", [(0, None, "a"), (1, None, "b")]),
        ("ab", "", [(0, "a", None), (1, "b", None)]),
    ],
)
def test_a_list_differs_in_as_few_elements_as_can_be(wanted: str, there: str, expected: list[Any]) -> None:
    found = differences(KIND, with_arguments(list(wanted)), with_arguments(list(there)))
    assert [(d.path[-1], d.desired, d.live) for d in found] == expected


def test_elements_that_are_blocks_are_compared_inside() -> None:
    def output(uri: str, **more: str) -> dict[str, Any]:
        return {"S3Output": {"S3Uri": uri, "LocalPath": "/out", **more}}

    def config(*outputs: dict[str, Any]) -> dict[str, Any]:
        return {"ModelQualityJobOutputConfig": {"MonitoringOutputs": list(outputs)}}

    path = ("ModelQualityJobOutputConfig", "MonitoringOutputs")
    default = {"S3UploadMode": "EndOfJob"}
    # an element before the declared one, which is filled in, is all that differs
    assert differences(
        KIND, config(output("a")), config(output("new", **default), output("a", **default))
    ) == [PropertyDifference((*path, 0), Change.ADDED, None, output("new", **default))]
    assert differences(KIND, config(output("a")), config(output("b", **default))) == [
        PropertyDifference((*path, 0, "S3Output", "S3Uri"), Change.CHANGED, "a", "b")
    ]


def test_deepdiff_is_not_even_imported_where_nothing_differs() -> None:
    program = """
import sys
from driftcheck.compare import differences
kind = "ModelQualityJobDefinition"
subnets = {"VpcConfig": {"Subnets": ["a", "b"], "SecurityGroupIds": ["c"]}}
turned = {"VpcConfig": {"Subnets": ["b", "a"], "SecurityGroupIds": ["c"]}}
default = {"StoppingCondition": {"MaxRuntimeInSeconds": 3600}}
assert differences(kind, {"NetworkConfig": subnets}, {"NetworkConfig": turned, **default}) == []
assert "deepdiff" not in sys.modules
assert differences(kind, {"RoleArn": "a"}, {"RoleArn": "b"})
assert "deepdiff" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
