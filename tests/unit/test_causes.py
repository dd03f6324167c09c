from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from driftcheck.causes import causes_of
from tests.documents import PROD, document, in_sync, unread

if TYPE_CHECKING:
    from driftcheck.document.entries import ErrorEntry, ResourceEntry, TargetEntry

USER = "User: arn:aws:sts::123456789012:assumed-role/checker/ann is not authorized to perform: "
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-quality-job-definition/"


def failed(name: str, code: str, message: str, target: str = "prod") -> ResourceEntry:
    return {**unread(code, message), "name": name, "target": target}


def denied(name: str, kind: str = "ModelQuality") -> ResourceEntry:
    action = f"sagemaker:Describe{kind}JobDefinition"
    return failed(
        name,
        "AccessDeniedException",
        f"Describe{kind}JobDefinition: {USER}{action} on resource: {ARN}{name} "
        f"because no identity-based policy allows the {action} action",
    )


def counts(*resources: ResourceEntry) -> list[tuple[str, str, int]]:
    return [(each.target, each.code, len(each.keys)) for each in causes_of(document(*resources))]


@pytest.mark.parametrize(
    "messages",
    [
        ["DescribeX: Rate exceeded (after 9 attempts)", "DescribeY: Rate exceeded (after 10 attempts)"],
        ["DescribeX: no definition 'a0'", "DescribeX: no definition 'a1'"],
        ["DescribeX: no definition A0 here", "DescribeX: no definition A1 here"],
        ["DescribeX: request 0f9e-11 failed", "DescribeX: request 7a-55e failed"],
        ["DescribeX: at 20261127T124737Z", "DescribeX: at 20261127T124738Z"],
        ["DescribeX: on arn:aws:x::1:role/ann", "DescribeX: on arn:aws:x::1:role/bob"],
        ["DescribeX: <o at 0x7fa0>", "DescribeX: <o at 0x7fb0>"],
    ],
)
def test_messages_that_differ_by_a_name_an_id_or_a_count_are_one_cause(messages: list[str]) -> None:
    resources = [failed(f"a{number}", "Odd", message) for number, message in enumerate(messages)]

    assert counts(*resources) == [("prod", "Odd", 2)]


def test_refusals_are_one_cause_for_each_action_and_the_first_is_told() -> None:
    resources = [denied(name) for name in ("churn", "fraud-1", "a-much-longer-name-than-that")]

    quality, data = causes_of(document(*resources, denied("data", "DataQuality")))

    assert [name for _, _, name in quality.keys] == ["churn", "fraud-1", "a-much-longer-name-than-that"]
    assert quality.message == (
        f"DescribeModelQualityJobDefinition: {USER}sagemaker:DescribeModelQualityJobDefinition on resource: "
        f"{ARN}churn because no identity-based policy allows the "
        "sagemaker:DescribeModelQualityJobDefinition action"
    )
    assert quality.remedy[1] == ("sagemaker:DescribeModelQualityJobDefinition", True)
    assert data.remedy[1] == ("sagemaker:DescribeDataQualityJobDefinition", True)


def test_a_cause_of_several_operations_is_told_in_the_words_of_the_first_without_its_operation() -> None:
    failures = [
        failed("a", "ProxyConnection", 'DescribeX: Failed to connect to proxy URL: "http://127.0.0.1:9"'),
        failed("b", "ProxyConnection", 'DescribeY: Failed to connect to proxy URL: "http://127.0.0.1:9"'),
    ]

    (cause,) = causes_of(document(*failures))
    (alone,) = causes_of(document(failures[0]))

    assert cause.message == 'Failed to connect to proxy URL: "http://127.0.0.1:9"'
    assert alone.message == 'DescribeX: Failed to connect to proxy URL: "http://127.0.0.1:9"'


def test_other_codes_targets_and_messages_are_causes_of_their_own() -> None:
    assert counts(
        failed("a", "NoRegion", "no"),
        failed("b", "NoRegion", "no"),
        failed("c", "NoCredentials", "no"),
        failed("d", "NoRegion", "no", "other"),
        failed("e", "DamagedAnswer", "DescribeX: the answer is no JSON"),
        failed("f", "DamagedAnswer", "DescribeX: the answer is about no definition, not about 'f'"),
    ) == [
        ("other", "NoRegion", 1),
        ("prod", "NoRegion", 2),
        ("prod", "DamagedAnswer", 1),
        ("prod", "DamagedAnswer", 1),
        ("prod", "NoCredentials", 1),
    ]


def test_messages_that_nothing_makes_alike_are_few_causes() -> None:
    odd = [failed(f"n-{number}", "Odd", "word " * (number + 1)) for number in range(30)]

    assert counts(*odd) == [("prod", "Odd", 27), *[("prod", "Odd", 1)] * 3]


def test_a_target_that_was_not_reached_is_one_cause_with_its_definitions() -> None:
    error: ErrorEntry = {"code": "NoRegion", "message": "cannot reach the target: You must specify a region."}
    target: TargetEntry = {**PROD, "error": error}
    resources = [failed(name, error["code"], error["message"]) for name in "ab"]

    (cause,) = causes_of(document(*resources, targets=[target]))

    assert (cause.of_target, cause.is_whole, len(cause.keys)) == (True, True, 2)
    (cause,) = causes_of(document(*resources, in_sync("c")))
    assert (cause.of_target, cause.is_whole) == (False, False)


def test_an_error_without_an_error_is_told_too() -> None:
    assert counts({**in_sync(), "status": "error"}) == [("prod", "Unknown", 1)]
