"""Several documents made one: what a single run would have said, and what is refused."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from hashlib import sha256
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.errors import DriftcheckError
from driftcheck.merging import merge
from tests import documents
from tests.documents import (
    KINDS,
    PROD,
    as_part,
    as_shard,
    drifted,
    hostile_documents,
    in_sync,
    source,
    unread,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftcheck.document.entries import (
        BaseEntry,
        DeclarationEntry,
        Document,
        ErrorEntry,
        IgnoredEntry,
        InvalidEntry,
        ResourceEntry,
        TargetEntry,
        WarningEntry,
    )

US: TargetEntry = {"name": "us", "account": None, "region": "us-east-1", "error": None, "listed": KINDS}
MQ = "ModelQualityJobDefinition"
RESOURCES = sha256(
    (
        f"([('{MQ}', 'prod', 'a'), ('{MQ}', 'prod', 'b'), ('{MQ}', 'prod', 'c'), ('{MQ}', 'prod', 'stray'), "
        f"('{MQ}', 'us', 'a')], ['prod', 'us'])"
    ).encode()
).hexdigest()[:16]
UNMANAGED: ResourceEntry = {**in_sync("stray"), "status": "unmanaged", "source": None}


def document(*resources: ResourceEntry, **options: Any) -> Document:
    return as_part(documents.document(*resources, **options))


def of(resource: ResourceEntry, target: str) -> ResourceEntry:
    return {**resource, "target": target}


def refused(*parts: Document) -> list[str]:
    with pytest.raises(DriftcheckError) as caught:
        merge([(f"{number}.json", part) for number, part in enumerate(parts, 1)])
    return list(caught.value.lines)


def merged(*parts: Document) -> Document:
    """The same for every order, and from parts that stay as they are."""
    before = deepcopy(parts)
    (first, *others) = [merge([("x", part) for part in order]) for order in permutations(parts)]
    assert all(other == first for other in others)
    assert parts == before
    return first


def test_the_declarations_of_all_parts_are_those_of_the_change() -> None:
    base: BaseEntry = {"ref": "main", "commit": "0" * 40, "error": None, "declarations": []}
    gone: DeclarationEntry = {
        "change": "removed",
        "kind": "ModelQualityJobDefinition",
        "target": "us",
        "name": "b",
        "source": None,
        "was": None,
        "live": "absent",
        "changes": [],
    }
    new: DeclarationEntry = {**gone, "change": "added", "target": "prod"}
    one: Document = {**document(in_sync("a")), "base": {**base, "declarations": [new]}}
    two: Document = {
        **document(of(in_sync("a"), "us"), targets=[US]),
        "base": {**base, "declarations": [gone]},
    }

    assert merged(one, two)["base"] == {**base, "declarations": [new, gone]}
    assert "base" not in merged(document(in_sync("a")))
    two["base"] = {**base, "error": {"code": "InvalidBase", "message": "no"}}
    assert merged(one, two)["base"]["error"] == {"code": "InvalidBase", "message": "no"}


def test_parts_of_different_bases_do_not_go_together() -> None:
    base: BaseEntry = {"ref": "main", "commit": "0" * 40, "error": None, "declarations": []}
    one: Document = {**document(in_sync("a")), "base": base}
    two: Document = {**document(in_sync("b")), "base": {**base, "commit": "1" * 40}}

    assert refused(one, two) == [
        f"error: the base is main ({'0' * 40}) in 1.json and main ({'1' * 40}) in 2.json"
    ]
    assert refused(one, document(in_sync("b"))) == [
        f"error: the base is main ({'0' * 40}) in 1.json and none in 2.json"
    ]


def test_what_is_invalid_in_several_parts_is_told_once() -> None:
    wrong: InvalidEntry = {"message": "no", "source": source()}
    other: InvalidEntry = {"message": "neither", "source": None}
    one: Document = {**document(interrupted=True), "invalid": [wrong]}
    two: Document = {**document(interrupted=True, targets=[US]), "invalid": [wrong, other]}

    assert merged(one, two)["invalid"] == [other, wrong]


def test_parts_become_the_document_of_one_run() -> None:
    one = as_shard(document(in_sync("c"), drifted(name="a"), targets=[US, PROD]), 1, 3)
    two = as_shard(document(UNMANAGED, {**unread("Timeout", "x"), "name": "b"}, targets=[PROD]), 2, 3)
    three = as_shard(document(of(in_sync("a"), "us"), targets=[US], interrupted=True), 3, 3)
    one["started_at"], two["finished_at"] = "2026-11-23T23:00:00Z", "2026-11-24T05:00:00Z"

    assert merged(one, two, three) == {
        "format_version": "1.1",
        "driftcheck_version": "0.1.0",
        "started_at": "2026-11-23T23:00:00Z",
        "last_started_at": "2026-11-24T02:17:00Z",
        "finished_at": "2026-11-24T05:00:00Z",
        "complete": False,
        "interrupted": True,
        "summary": {
            "declared": 4,
            "read": 3,
            "in_sync": 2,
            "drifted": 1,
            "missing": 0,
            "unmanaged": 1,
            "error": 1,
            "coverage": 0.75,
        },
        "targets": [PROD, US],
        "resources": [
            drifted(name="a"),
            {**unread("Timeout", "x"), "name": "b"},
            in_sync("c"),
            UNMANAGED,
            of(in_sync("a"), "us"),
        ],
        "warnings": [],
        "run": {
            "select": [],
            "unmanaged": True,
            "declared": [{"target": "prod", "digest": "0" * 16}, {"target": "us", "digest": "0" * 16}],
            "resources": RESOURCES,
            "targets": [],
        },
    }


def test_one_whole_document_is_what_it_was() -> None:
    assert merged(document(drifted(), in_sync("b"))) == document(drifted(), in_sync("b"))


def test_nothing_at_all_is_nothing() -> None:
    empty = [as_shard(document(targets=[]), index, 2) for index in (1, 2)]

    assert merged(*empty) == as_part(document(targets=[]))


def test_a_target_has_what_any_part_knows_of_it_and_one_error() -> None:
    unknown: TargetEntry = {"name": "prod", "account": None, "region": None, "error": None}
    late: ErrorEntry = {"code": "A", "message": "ListModelQuality"}
    denied: ErrorEntry = {"code": "B", "message": "ListDataQuality"}
    parts: list[Any] = [
        document(targets=[{**unknown, "error": late}]),
        document(targets=[{**unknown, "region": "eu-west-1", "error": denied}]),
        document(targets=[PROD]),
    ]

    assert merged(*parts)["targets"] == [{**PROD, "error": denied}]


def warned(code: str, message: str, line: int) -> WarningEntry:
    return {"code": code, "message": message, "source": {"file": "a.yaml", "line": line, "column": 9}}


def test_what_another_part_declares_for_the_same_account_and_region_is_not_unmanaged() -> None:
    same: TargetEntry = {**PROD, "name": "same"}
    elsewhere: TargetEntry = {**PROD, "name": "elsewhere", "region": "us-east-1"}
    declaring = document(of(in_sync("stray"), "same"), targets=[same])

    together = merged(document(UNMANAGED), declaring)
    apart = merged(document(UNMANAGED), document(of(in_sync("stray"), "elsewhere"), targets=[elsewhere]))

    assert [(each["target"], each["status"]) for each in together["resources"]] == [("same", "in_sync")]
    assert together["summary"]["unmanaged"] == 0
    assert apart["summary"]["unmanaged"] == 1


def test_where_the_account_is_not_known_what_is_unmanaged_stays() -> None:
    other: TargetEntry = {**US, "name": "other"}
    declaring = document(of(in_sync("stray"), "other"), targets=[other])

    both = merged(document(of(UNMANAGED, "us"), targets=[US]), declaring)

    assert both["summary"]["unmanaged"] == 1


@pytest.mark.parametrize(
    ("account", "region", "statuses", "coverage"),
    [
        ("123456789012", "eu-west-1", ["in_sync", "in_sync"], 1.0),
        ("210987654321", "eu-west-1", ["in_sync", "unmanaged", "in_sync"], 2 / 3),
        (None, "us-east-1", ["in_sync", "unmanaged", "in_sync"], 2 / 3),
        (None, "eu-west-1", ["in_sync", "in_sync"], None),
        ("123456789012", None, ["in_sync", "in_sync"], None),
    ],
)
def test_what_a_part_left_undecided_is_decided_by_what_the_others_know(
    account: str | None, region: str | None, statuses: list[str], coverage: float | None
) -> None:
    other: TargetEntry = {**PROD, "name": "same", "account": account, "region": region}
    part = document(in_sync("a"))
    part["run"]["undecided"] = [{"resource": UNMANAGED, "declared_for": ["same"]}]

    whole = merged(part, document(of(in_sync("stray"), "same"), targets=[other]))

    assert [each["status"] for each in whole["resources"]] == statuses
    assert whole["summary"]["coverage"] == coverage
    assert ("undecided" in whole["run"]) is (coverage is None)
    assert merged(whole) == whole


def test_a_rule_that_hid_something_in_any_part_is_not_idle_and_one_that_is_has_one_warning() -> None:
    hidden: IgnoredEntry = {
        "path": ["RoleArn"],
        "change": "changed",
        "desired": "a",
        "live": "b",
        "sensitive": False,
        "source": source(),
        "rule": "RoleArn",
        "reason": None,
        "until": None,
        "rule_source": {"file": "a.yaml", "line": 5, "column": 9},
    }
    eu = document(
        {**in_sync(), "ignored": [hidden]},
        warnings=[
            warned("ignore-rule-unused", "eu-a: the rule Tags of ignore_changes hid nothing in this run", 6),
            warned("unknown-member", "a: AWS returned X", 3),
        ],
    )
    us = document(
        of(in_sync(), "us"),
        targets=[US],
        warnings=[
            warned("unknown-member", "a: AWS returned X", 3),
            warned("unknown-member", "a: AWS returned Y", 3),
            warned(
                "ignore-rule-unused", "us-a: the rule RoleArn of ignore_changes hid nothing in this run", 5
            ),
            warned("ignore-rule-unused", "us-a: the rule Tags of ignore_changes hid nothing in this run", 6),
        ],
    )

    assert merged(eu, us)["warnings"] == [
        warned("unknown-member", "a: AWS returned X", 3),
        warned("unknown-member", "a: AWS returned Y", 3),
        warned("ignore-rule-unused", "eu-a: the rule Tags of ignore_changes hid nothing in this run", 6),
    ]


def test_a_shard_that_is_missing_or_there_twice_is_told() -> None:
    def shard(index: int, count: int = 4) -> Document:
        return as_shard(document(in_sync(str(index))), index, count)

    assert refused(shard(1), shard(2), shard(4)) == ["error: of 4 shards, 3 is missing"]
    assert refused(shard(4), shard(2)) == ["error: of 4 shards, 1, 3 are missing"]
    assert refused(shard(1), shard(2), shard(3), shard(4), shard(2)) == [
        "error: shard 2 of 4 is in 2.json and again in 5.json"
    ]
    assert refused(shard(1), shard(1)) == [
        "error: shard 1 of 4 is in 1.json and again in 2.json",
        "error: of 4 shards, 2, 3, 4 are missing",
    ]
    assert refused(shard(1, 10_000)) == [
        "error: of 10000 shards, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 9,989 more are missing"
    ]
    assert refused(shard(3, 2), shard(1, 2), shard(2, 2)) == [
        "error: 1.json is shard 3 of 2, which no run has"
    ]
    same = shard(1, 1)
    with pytest.raises(DriftcheckError):
        merge([("x", same), ("x", same)])


def test_parts_that_are_not_of_one_run_are_told() -> None:
    one, two = (as_shard(document(in_sync(str(index))), index, 2) for index in (1, 2))
    four = as_shard(document(in_sync("2")), 2, 4)
    other: Any = {**two, "shard": {"index": 2, "count": 2, "whole": "f" * 16}}

    assert refused(one, four) == ["error: the number of shards is 2 in 1.json and 4 in 2.json"]
    assert refused(one, two, document()) == ["error: the number of shards is 2 in 1.json and none in 3.json"]
    (line,) = refused(one, other)
    assert line.startswith(
        "error: the digest of all definitions, targets and options is 0123456789abcdef in "
    )
    assert refused(one, {**two, "driftcheck_version": "0.2.0"}) == [
        "error: the version of driftcheck is 0.1.0 in 1.json and 0.2.0 in 2.json"
    ]
    assert refused(document(), {**document(), "format_version": "1.7"}) == [
        "error: the format version is 1.1 in 1.json and 1.7 in 2.json"
    ]


def test_parts_that_contradict_each_other_about_a_target_are_told() -> None:
    elsewhere: TargetEntry = {**PROD, "account": "210987654321", "region": "us-east-1"}

    assert refused(document(), document(targets=[US]), document(targets=[elsewhere])) == [
        "error: the account of target prod is 123456789012 in 1.json and 210987654321 in 3.json",
        "error: the region of target prod is eu-west-1 in 1.json and us-east-1 in 3.json",
    ]


def test_a_definition_in_two_parts_is_told() -> None:
    declared = document(in_sync("stray"), in_sync("a"))

    assert refused(declared, document(of(in_sync("a"), "us")), document(UNMANAGED)) == [
        "error: ModelQualityJobDefinition stray (prod) is in 1.json and again in 3.json"
    ]
    many = document(*(in_sync(f"d{number:03}") for number in range(300)))
    lines = refused(many, many)
    assert len(lines) == 11
    assert lines[0] == "error: ModelQualityJobDefinition d000 (prod) is in 1.json and again in 2.json"
    assert lines[-1] == "error: 290 more like these"


START = "2026-11-24T02:17:00Z"


def begun(part: Document, at: str) -> Document:
    return {**part, "started_at": at}


def made(part: Document) -> Document:
    return {key: value for key, value in part.items() if key != "run"}  # type: ignore[return-value]


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("is_shard", [True, False])
def test_parts_that_do_not_say_what_they_were_made_from_are_refused(is_shard: bool, count: int) -> None:
    parts = [document(in_sync("a")), document(of(in_sync("a"), "us"), targets=[US])][:count]
    if is_shard:
        parts = [as_shard(part, index, count) for index, part in enumerate(parts, 1)]
    why = "does not say what it was made from (`run`): it was made by driftcheck 0.1, or changed since"

    assert refused(*map(made, parts)) == [
        f"error: {number}.json {why}: run it again" for number in range(1, count + 1)
    ]
    assert refused(made(parts[0]), *parts[1:]) == [f"error: 1.json {why}: run it again"]


def test_an_invalid_part_has_nothing_that_it_was_made_from() -> None:
    wrong: InvalidEntry = {"message": "no", "source": None}
    invalid = made({**document(targets=[US], interrupted=True), "invalid": [wrong]})

    assert merged(invalid)["complete"] is False
    assert merged(document(in_sync("a")), invalid)["complete"] is False
    # it says that nothing was compared, and has what was
    assert len(refused({**made(document(in_sync("a"))), "invalid": [wrong]})) == 1


@pytest.mark.parametrize("index", [1, 2])
def test_shards_of_files_that_differ_are_refused(index: int) -> None:
    shards = [as_shard(document(in_sync(str(number))), number, 2) for number in (1, 2)]
    shards[index - 1] = as_shard(document(in_sync(str(index))), index, 2, prod="f" * 16)

    (line,) = refused(*shards)

    assert line.startswith("error: the digest of target prod and of what files declare for it is ")
    assert line.endswith(": make both of the same files and driftcheck.toml")


def test_a_matrix_has_the_same_files_for_all_targets_that_two_parts_know_of() -> None:
    a, b = document(in_sync("a")), document(of(in_sync("b"), "us"), targets=[US])
    one, two = as_part(a, us="1" * 16), as_part(b, prod="0" * 16, us="1" * 16)

    assert merged(one, two).get("run") == as_part(
        document(*a["resources"], *b["resources"], targets=[PROD, US]), us="1" * 16
    ).get("run")
    # what was declared for `us` when `prod` was checked is not what was checked there
    (line,) = refused(one, as_part(b, us="2" * 16))
    assert "the digest of target us" in line
    # each of them has read only its own files
    assert merged(as_part(a), as_part(b, us="3" * 16))["complete"] is True


def test_a_target_of_the_files_that_no_part_is_of_is_told_unless_others_are_named() -> None:
    a = as_part(document(in_sync("a")), us="1" * 16, **{"ap-1": "2" * 16})
    b = as_part(document(of(in_sync("b"), "us"), targets=[US]), us="1" * 16)

    for parts in ([a], [a, b]):
        assert refused(*parts)[0] == (
            "error: the files are for target ap-1 too, and no result is: "
            "add that, or name those that are wanted with --target"
        )
    assert merge([("x", a), ("y", b)], only=["prod", "us"])["complete"] is True
    with pytest.raises(DriftcheckError, match="error: no result is of target us"):
        merge([("x", a)], only=["prod", "us"])
    # shards are all of what was asked for
    assert merged(as_shard(document(in_sync("a")), 1, 1, us="1" * 16))["complete"] is True


def test_parts_with_other_options_are_refused() -> None:
    one = as_part(document(in_sync("a")), select=["a*", "b*"])
    two = as_part(document(of(in_sync("a"), "us"), targets=[US]))
    listless: Any = {**two, "run": {**two["run"], "unmanaged": False, "select": ["a*", "b*"]}}

    assert refused(one, two) == ["error: --select is a* b* in 1.json and not given in 2.json"]
    assert refused(one, listless) == ["error: --unmanaged is on in 1.json and off in 2.json"]


@pytest.mark.parametrize("lost", ["resource", "unmanaged", "target"])
def test_a_part_that_lacks_what_it_was_written_with_is_refused(lost: str) -> None:
    one = as_shard(document(in_sync("1"), UNMANAGED, targets=[PROD, US]), 1, 2)
    two = as_shard(document(in_sync("2")), 2, 2)
    if lost == "target":
        one["targets"] = [PROD]
    else:
        one["resources"] = [UNMANAGED] if lost == "resource" else [in_sync("1")]

    assert refused(one, two) == [
        (
            "error: 1.json does not have the definitions and targets that it was written with: "
            "take the result as check wrote it"
        )
    ]


def test_parts_that_start_further_apart_than_a_day_are_refused() -> None:
    one = as_shard(begun(document(in_sync("1")), START), 1, 2)
    two = as_shard(begun(document(in_sync("2")), "2026-11-25T02:17:00Z"), 2, 2)
    late = as_shard(begun(document(in_sync("2")), "2026-11-25T02:17:01Z"), 2, 2)

    assert merged(one, two)["started_at"] == START
    assert refused(late, one) == [
        (
            "error: 2.json started at 2026-11-24T02:17:00Z and 1.json at 2026-11-25T02:17:01Z, "
            "further apart than --max-age: run the older part again"
        )
    ]
    assert merge([("x", one), ("y", late)], timedelta(days=2))["finished_at"]
    with pytest.raises(DriftcheckError):
        merge([("x", one), ("y", two)], timedelta(hours=23))
    # results of targets likewise
    us = document(of(in_sync("b"), "us"), targets=[US])
    assert len(refused(document(in_sync("a")), begun(us, "2026-11-17T02:17:00Z"))) == 1


def test_a_day_is_that_of_all_parts_however_they_were_merged_before() -> None:
    def at(target: TargetEntry, day: int) -> Document:
        start = f"2026-11-{day}T02:17:00Z"
        return begun(document(of(in_sync("a"), target["name"]), targets=[target]), start)

    far: TargetEntry = {**US, "name": "far", "region": "eu-west-2"}
    early = merged(at(PROD, 24), at(US, 25))

    assert refused(early, at(far, 26)) == [
        (
            "error: 1.json started at 2026-11-24T02:17:00Z and 2.json at 2026-11-26T02:17:00Z, "
            "further apart than --max-age: run the older part again"
        )
    ]
    # the earliest start alone is 24 hours from that of the third
    assert refused(at(far, 23), early) == [
        (
            "error: 1.json started at 2026-11-23T02:17:00Z and 2.json at 2026-11-25T02:17:00Z, "
            "further apart than --max-age: run the older part again"
        )
    ]
    assert merged(early) == early
    assert merged(early, at(far, 25))["last_started_at"] == "2026-11-25T02:17:00Z"
    assert refused({**early, "last_started_at": "2026-13-41T02:17:00Z"}) == [
        "error: 1.json started at 2026-13-41T02:17:00Z, which is no time"
    ]


def test_a_start_that_is_no_time_is_told() -> None:
    assert refused(document(in_sync("a")), begun(document(targets=[US]), "2026-13-41T02:17:00Z")) == [
        "error: 2.json started at 2026-13-41T02:17:00Z, which is no time"
    ]


def test_merged_parts_can_be_merged_again() -> None:
    prod = [as_shard(document(in_sync(str(number))), number, 2, us="1" * 16) for number in (1, 2)]
    us = [
        as_shard(
            document(of(in_sync(str(number)), "us"), targets=[US]), number, 2, prod="0" * 16, us="1" * 16
        )
        for number in (1, 2)
    ]

    whole = merged(merged(*prod), merged(*us))

    assert whole["summary"]["declared"] == 4
    assert merged(whole) == whole


def test_that_tags_of_aws_are_declared_is_told_once() -> None:
    eu = document(in_sync(), warnings=[warned("aws-tags-not-compared", "tags", 6)])
    us = document(of(in_sync(), "us"), targets=[US], warnings=[warned("aws-tags-not-compared", "tags", 4)])

    assert merged(eu, us)["warnings"] == [warned("aws-tags-not-compared", "tags", 4)]


@given(st.lists(hostile_documents(), min_size=1, max_size=3))
def test_whatever_the_parts_hold_they_are_merged_or_refused_in_short_lines(parts: list[Document]) -> None:
    for each in parts:
        each["driftcheck_version"] = parts[0]["driftcheck_version"]
    lines, document = outcome(parts)
    assert all(line.startswith("error: ") and len(line) < 500 for line in lines)
    assert len(lines) <= 11
    if document is not None:
        assert len(document["resources"]) == sum(len(part["resources"]) for part in parts)
        assert document == merge([("x", document)])


def outcome(parts: list[Document]) -> tuple[Sequence[str], Document | None]:
    try:
        return (), merge([("x", part) for part in parts])
    except DriftcheckError as error:
        return error.lines, None
