"""Where each difference comes from, and how far each change is rolled out: rows written by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from driftcheck.changes import subjects
from driftcheck.model import (
    Address,
    Before,
    Desired,
    IgnoreRule,
    Live,
    Location,
    Missing,
    Origin,
    PathPattern,
    Status,
    Unreadable,
)
from driftcheck.origins import Judged, judge
from driftcheck.revision import Former

if TYPE_CHECKING:
    from driftcheck.model import Finding, Path, Reading
    from driftcheck.revision import Declaration

KIND = "ModelQualityJobDefinition"
TODAY = date(2026, 11, 24)
ADDRESS = Address(KIND, "prod", "churn")
APP = "ModelQualityAppSpecification"
NEW, MEANT, OLD = "introduced", "intended", "existing"


def declared(
    properties: dict[str, Any],
    *,
    ignore: tuple[str, ...] = (),
    sensitive: tuple[str, ...] = (),
    until: date | None = None,
    name: str = "churn",
    target: str = "prod",
    file: str = "a.yaml",
) -> Desired:
    here = Location(file, 3, 5)
    rules = tuple(IgnoreRule(pattern(path), here, until=until) for path in ignore)
    return Desired(
        Address(KIND, target, name), properties, here, lambda _: here, rules, tuple(map(pattern, sensitive))
    )


def pattern(path: str) -> PathPattern:
    steps = (None if step == "*" else int(step) if step.isdigit() else step for step in path.split("."))
    return PathPattern(path, tuple(steps))


def live(properties: dict[str, Any]) -> Live:
    return Live(properties, "arn", datetime(2026, 11, 20, tzinfo=UTC))


def judged(base: Desired | None, head: Desired | None, reading: Reading) -> Judged:
    found = subjects([base] if base else [], [head] if head else [])
    return judge(found[ADDRESS], reading, TODAY)


def traced(found: Judged) -> tuple[Finding, Before]:
    """The finding of head, and what the base makes of it."""
    assert found.head is not None
    assert found.head.before is not None
    return found.head, found.head.before


def declaration(found: Judged) -> Declaration:
    assert found.declaration is not None
    return found.declaration


def dotted(path: Path) -> str:
    return ".".join(map(str, path))


def args(*given: str) -> dict[str, Any]:
    return {APP: {"ContainerArguments": list(given)}}


def groups(*given: str) -> dict[str, Any]:
    return {"NetworkConfig": {"VpcConfig": {"SecurityGroupIds": list(given)}}}


def tags(**given: str) -> dict[str, Any]:
    return {"Tags": [{"Key": key, "Value": value} for key, value in given.items()]}


def stopping(seconds: int) -> dict[str, Any]:
    return {"StoppingCondition": {"MaxRuntimeInSeconds": seconds}}


def mode(value: str | None) -> dict[str, Any]:
    block = {"EndpointName": "churn", "LocalPath": "/in"} | ({} if value is None else {"S3InputMode": value})
    return {"ModelQualityJobInput": {"EndpointInput": block}}


def isolation(**given: bool) -> dict[str, Any]:
    return {"NetworkConfig": given}


MODE = "ModelQualityJobInput.EndpointInput.S3InputMode"
ARGS = f"{APP}.ContainerArguments"
GROUPS = "NetworkConfig.VpcConfig.SecurityGroupIds"
MAX = "StoppingCondition.MaxRuntimeInSeconds"


@dataclass(frozen=True)
class Row:
    """Both declarations and what AWS has; then the origins, the changes with rollouts, what is resolved."""

    base: dict[str, Any]
    head: dict[str, Any]
    live: dict[str, Any]
    differences: dict[str, str] = field(default_factory=dict)
    changes: dict[str, str] = field(default_factory=dict)
    resolved: tuple[str, ...] = ()
    ignored_in_base: tuple[str, ...] = ()
    ignored_in_head: tuple[str, ...] = ()


R1, R2, R3 = ({"RoleArn": f"arn:aws:iam::123456789012:role/{name}"} for name in "abc")
ROWS = {
    "nothing-changed": Row(R1, R1, R1),
    "drifted-before": Row(R1, R1, R2, {"RoleArn": OLD}),
    "declared-otherwise": Row(R1, R2, R1, {"RoleArn": MEANT}, {"RoleArn": "pending"}),
    "rolled-out-already": Row(R1, R2, R2, {}, {"RoleArn": "done"}, ("RoleArn",)),
    "touches-what-had-drifted": Row(R1, R2, R3, {"RoleArn": OLD}, {"RoleArn": "diverged"}),
    "declares-what-was-not": Row({}, R1, {}, {"RoleArn": MEANT}, {"RoleArn": "pending"}),
    "declares-what-only-aws-had": Row({}, R1, R1, {}, {"RoleArn": "done"}, ("RoleArn",)),
    "declares-otherwise-than-only-aws-had": Row({}, R1, R2, {"RoleArn": OLD}, {"RoleArn": "diverged"}),
    "no-longer-declared": Row(R1, {}, R1, {"RoleArn": MEANT}, {"RoleArn": "pending"}),
    "no-longer-declared-and-gone": Row(R1, {}, {}, {}, {"RoleArn": "done"}, ("RoleArn",)),
    "no-longer-declared-and-other": Row(R1, {}, R2, {"RoleArn": OLD}, {"RoleArn": "diverged"}),
    "beside-what-had-drifted": Row(
        R1 | stopping(1), R1 | stopping(2), R2 | stopping(1), {"RoleArn": OLD, MAX: MEANT}, {MAX: "pending"}
    ),
    # rules
    "a-rule-is-added": Row(R1, R1, R2, {}, {}, ("RoleArn",), (), ("RoleArn",)),
    "a-rule-is-removed": Row(R1, R1, R2, {"RoleArn": NEW}, {}, (), ("RoleArn",), ()),
    "a-rule-is-kept": Row(R1, R1, R2, {}, {}, (), ("RoleArn",), ("RoleArn",)),
    "a-rule-is-narrowed": Row(
        {APP: {"Environment": {"A": "1", "B": "1"}}},
        {APP: {"Environment": {"A": "1", "B": "1"}}},
        {APP: {"Environment": {"A": "2", "B": "2"}}},
        {f"{APP}.Environment.B": NEW},
        {},
        (),
        (f"{APP}.Environment",),
        (f"{APP}.Environment.A",),
    ),
    "a-rule-is-removed-and-the-value-declared": Row(
        R1, R2, R3, {"RoleArn": MEANT}, {"RoleArn": "diverged"}, (), ("RoleArn",), ()
    ),
    # what the service fills in
    "a-default-is-written-down": Row(mode(None), mode("File"), mode("File"), {}, {MODE: "done"}),
    "a-default-is-left-out": Row(mode("File"), mode(None), mode("File"), {}, {MODE: "done"}),
    "to-a-default-by-leaving-out": Row(
        mode("Pipe"), mode(None), mode("Pipe"), {MODE: MEANT}, {MODE: "pending"}
    ),
    "from-a-default": Row(mode(None), mode("Pipe"), mode("File"), {MODE: MEANT}, {MODE: "pending"}),
    "a-default-that-had-drifted": Row(
        mode(None), mode("File"), mode("Pipe"), {MODE: OLD}, {MODE: "diverged"}
    ),
    "a-block-that-is-filled-in": Row(
        {}, stopping(1800), stopping(3600), {MAX: MEANT}, {"StoppingCondition": "pending"}
    ),
    # blocks
    "a-block-is-declared": Row(
        {},
        isolation(EnableNetworkIsolation=True),
        {},
        {"NetworkConfig": MEANT},
        {"NetworkConfig": "pending"},
    ),
    "a-block-in-which-defaults-stand-is-no-longer-declared": Row(
        mode(None) | stopping(1800),
        {"ModelQualityJobInput": {}} | stopping(1800),
        mode("File") | stopping(1800),
        {"ModelQualityJobInput.EndpointInput": MEANT},
        {"ModelQualityJobInput.EndpointInput": "pending"},
    ),
    "a-block-that-was-missing-is-declared-otherwise": Row(
        isolation(EnableNetworkIsolation=True),
        isolation(EnableInterContainerTrafficEncryption=True),
        {},
        {"NetworkConfig": MEANT},
        {
            "NetworkConfig.EnableInterContainerTrafficEncryption": "pending",
            "NetworkConfig.EnableNetworkIsolation": "done",
        },
    ),
    "a-block-that-was-missing-is-shortened": Row(
        isolation(EnableNetworkIsolation=True, EnableInterContainerTrafficEncryption=True),
        isolation(EnableNetworkIsolation=True),
        {},
        {"NetworkConfig": OLD},
        {"NetworkConfig.EnableInterContainerTrafficEncryption": "done"},
    ),
    "a-block-that-was-missing-grows": Row(
        isolation(EnableNetworkIsolation=True),
        isolation(EnableNetworkIsolation=True, EnableInterContainerTrafficEncryption=True),
        {},
        {"NetworkConfig": MEANT},
        {"NetworkConfig.EnableInterContainerTrafficEncryption": "pending"},
    ),
    "a-block-is-no-longer-declared-in-part-of-which-was-drift": Row(
        isolation(EnableNetworkIsolation=True, EnableInterContainerTrafficEncryption=True),
        {},
        isolation(EnableNetworkIsolation=False, EnableInterContainerTrafficEncryption=True),
        {"NetworkConfig": MEANT},
        {"NetworkConfig": "diverged"},
    ),
    "a-block-that-only-aws-had-is-declared-in-part": Row(
        {},
        isolation(EnableNetworkIsolation=True),
        isolation(EnableNetworkIsolation=False, EnableInterContainerTrafficEncryption=True),
        {
            "NetworkConfig.EnableInterContainerTrafficEncryption": OLD,
            "NetworkConfig.EnableNetworkIsolation": OLD,
        },
        {"NetworkConfig": "diverged"},
    ),
    # ordered lists: what stands behind an insertion is the same at another index
    "an-argument-is-inserted": Row(
        args("a", "b"), args("x", "a", "b"), args("a", "b"), {f"{ARGS}.0": MEANT}, {f"{ARGS}.0": "pending"}
    ),
    "an-argument-is-inserted-before-drift": Row(
        args("a", "b"),
        args("x", "a", "b"),
        args("a", "c"),
        {f"{ARGS}.0": MEANT, f"{ARGS}.2": OLD},
        {f"{ARGS}.0": "pending"},
    ),
    "an-argument-is-removed-before-drift": Row(
        args("x", "a", "b"),
        args("a", "b"),
        args("x", "a", "c"),
        {f"{ARGS}.0": MEANT, f"{ARGS}.1": OLD},
        {f"{ARGS}.0": "pending"},
    ),
    "an-argument-that-had-drifted-is-changed": Row(
        args("a", "b"), args("a", "d"), args("a", "c"), {f"{ARGS}.1": OLD}, {f"{ARGS}.1": "diverged"}
    ),
    "an-argument-that-aws-had-is-declared": Row(
        args("a"), args("a", "b"), args("a", "b"), {}, {f"{ARGS}.1": "done"}, (f"{ARGS}.1",)
    ),
    "arguments-trade-places": Row(
        args("a", "b"),
        args("b", "a"),
        args("b", "a"),
        {},
        {f"{ARGS}.0": "done", f"{ARGS}.1": "done"},
        (f"{ARGS}.0", f"{ARGS}.1"),
    ),
    # sets
    "a-group-is-added": Row(
        groups("sg-1"),
        groups("sg-2", "sg-1"),
        groups("sg-1"),
        {f"{GROUPS}.0": MEANT},
        {f"{GROUPS}.0": "pending"},
    ),
    # what AWS has beyond the base stands against what it lacks, in one difference, which is that of before
    "a-group-is-added-beside-drift": Row(
        groups("sg-1"),
        groups("sg-2", "sg-1"),
        groups("sg-1", "sg-9"),
        {f"{GROUPS}.0": OLD},
        {f"{GROUPS}.0": "pending"},
    ),
    "the-order-of-groups-is-nothing": Row(
        groups("sg-1", "sg-2"), groups("sg-2", "sg-1"), groups("sg-1", "sg-2")
    ),
    "a-tag-is-changed-beside-drift": Row(
        tags(team="risk", cost="1"),
        tags(cost="1", team="ops"),
        tags(team="risk", cost="2"),
        {"Tags.0.Value": OLD, "Tags.1.Value": MEANT},
        {"Tags.1.Value": "pending"},
    ),
    "a-tag-that-aws-has-otherwise-is-declared": Row(
        tags(team="risk"),
        tags(team="risk", cost="1"),
        tags(team="risk", cost="2"),
        {"Tags.1.Value": OLD},
        {"Tags.1": "diverged"},
    ),
    "an-argument-is-added-before-one-that-aws-has-otherwise": Row(
        args("--a"),
        args("--new", "--a"),
        args("--b"),
        {f"{APP}.ContainerArguments.0": OLD, f"{APP}.ContainerArguments.1": OLD},
        {f"{APP}.ContainerArguments.0": "pending"},
    ),
    "a-block-that-aws-lacks-is-emptied": Row(
        groups("sg-1"),
        {"NetworkConfig": {}},
        {},
        {"NetworkConfig": MEANT},
        {"NetworkConfig.VpcConfig": "diverged"},
    ),
    "a-block-that-aws-has-emptied-is-no-longer-declared": Row(
        groups("sg-1"),
        {},
        {"NetworkConfig": {}},
        {"NetworkConfig": MEANT},
        {"NetworkConfig": "diverged"},
        ("NetworkConfig.VpcConfig",),
    ),
    # another key is another tag: all of it is declared, and the former is to go
    "a-tag-is-renamed": Row(
        tags(team="risk"),
        tags(squad="risk"),
        tags(team="risk"),
        {"Tags.0.Key": MEANT},
        {"Tags.0.Key": "pending"},
    ),
    "a-tag-that-aws-has-lost-is-renamed": Row(
        tags(team="risk"),
        tags(squad="risk"),
        tags(owner="ops"),
        {"Tags.0": MEANT, "Tags.1": OLD},
        {"Tags.0.Key": "diverged"},
        ("Tags.0",),
    ),
    "a-tag-that-aws-has-otherwise-is-renamed": Row(
        tags(team="risk"),
        tags(squad="risk"),
        tags(team="ops"),
        {"Tags.0": MEANT, "Tags.1": MEANT},
        {"Tags.0.Key": "diverged"},
    ),
    "a-tag-that-was-renamed-in-aws-is-no-longer-declared": Row(
        tags(cost="1", team="risk"),
        tags(cost="1"),
        tags(cost="1", squad="risk"),
        {"Tags.1": OLD},
        {"Tags.1": "done"},
    ),
    "tags-are-no-longer-declared": Row(
        tags(team="risk"), {}, tags(team="ops"), {}, {"Tags": "done"}, ("Tags.0.Value",)
    ),
    "tags-are-declared": Row(
        {}, tags(team="risk"), tags(team="ops"), {"Tags.0.Value": MEANT}, {"Tags": "pending"}
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_has_its_origins_and_rollouts(name: str) -> None:
    row = ROWS[name]
    found = judged(
        declared(row.base, ignore=row.ignored_in_base),
        declared(row.head, ignore=row.ignored_in_head),
        live(row.live),
    )

    head, before = traced(found)
    assert {
        dotted(each.path): MEANT if each.intended else each.origin for each in head.differences
    } == row.differences
    changes = found.declaration.changes if found.declaration else ()
    assert {dotted(each.path): each.rollout for each in changes} == row.changes
    assert tuple(dotted(each.path) for each in before.resolved) == row.resolved
    assert {each.origin for each in before.resolved} <= {Origin.RESOLVED}
    assert before.origin is None


def test_a_rule_that_is_made_to_expire_shows_what_is_introduced() -> None:
    yesterday, tomorrow = date(2026, 11, 23), date(2026, 11, 25)
    base = declared(R1, ignore=("RoleArn",), until=tomorrow)

    head, _ = traced(judged(base, declared(R1, ignore=("RoleArn",), until=yesterday), live(R2)))

    assert [(each.origin, each.intended) for each in head.differences] == [(Origin.INTRODUCED, False)]


def test_of_elements_alike_as_many_are_old_as_were_there() -> None:
    base, head = declared(args("a", "z")), declared(args("a", "z"), ignore=(f"{APP}.ContainerEntrypoint",))
    assert [
        each.origin for each in traced(judged(base, head, live(args("a", "z", "b", "b"))))[0].differences
    ] == [
        Origin.EXISTING,
        Origin.EXISTING,
    ]
    # the base declares one of three, head none: one of those that only AWS has is new, and declared so
    found = judged(
        declared(args("b")), declared({APP: {"ContainerArguments": []}}), live(args("b", "b", "b"))
    )
    assert sorted((each.origin, each.intended) for each in traced(found)[0].differences if each.origin) == [
        (Origin.EXISTING, False),
        (Origin.EXISTING, False),
        (Origin.INTRODUCED, True),
    ]


def test_a_definition_that_is_newly_declared() -> None:
    new = declared(R1)
    missing = judged(None, new, Missing())
    other = judged(None, new, live(R2))
    same = judged(None, new, live(R1))
    unread = judged(None, new, Unreadable("Throttled", "no"))

    assert traced(missing)[1] == Before(None, Origin.INTRODUCED, intended=True)
    # AWS has one of this name that is another: nothing that a rollout of this change was meant to replace
    assert [(each.origin, each.intended) for each in traced(other)[0].differences] == [
        (Origin.INTRODUCED, False)
    ]
    assert traced(other)[1] == Before(Status.UNMANAGED)
    assert (traced(same)[0].status, traced(same)[1]) == (Status.IN_SYNC, Before(Status.UNMANAGED))
    assert (traced(unread)[0].status, traced(unread)[1]) == (Status.ERROR, Before(None))
    said = [declaration(each) for each in (missing, other, same, unread)]
    assert [(each.revised, each.live, each.former, each.changes) for each in said] == [
        ("added", "absent", None, ()),
        ("added", "present", None, ()),
        ("added", "present", None, ()),
        ("added", "unknown", None, ()),
    ]


def test_a_definition_that_is_missing_was_so_before() -> None:
    found = judged(declared(R1), declared(R2), Missing())

    assert traced(found)[1] == Before(Status.MISSING, Origin.EXISTING)
    assert [each.rollout for each in declaration(found).changes] == ["diverged"]


def test_a_definition_that_cannot_be_read_has_no_origin() -> None:
    found = judged(declared(R1), declared(R2), Unreadable("Throttled", "no"))

    assert traced(found)[1] == Before(Status.ERROR)
    assert declaration(found).live == "unknown"
    assert [each.rollout for each in declaration(found).changes] == ["unknown"]


def test_a_definition_that_only_the_base_declares_has_no_finding() -> None:
    found = judged(declared(R1), None, live(R2))

    assert found.head is None
    assert found.base is not None
    assert found.base.status is Status.DRIFTED
    gone = declaration(found)
    assert (gone.revised, gone.live, gone.source) == ("removed", "present", None)
    assert gone.former == Former(ADDRESS, Location("a.yaml", 3, 5))


def test_a_renamed_definition_waits_under_its_new_name() -> None:
    same = {"ModelQualityJobInput": {"EndpointInput": {"EndpointName": "churn"}}}
    at = subjects([declared(same | R1 | stopping(1), name="old")], [declared(same | R1 | stopping(2))])
    absent = judge(at[ADDRESS], Missing(), TODAY)
    there = judge(at[ADDRESS], live(same | R1 | stopping(2)), TODAY)
    other = judge(at[ADDRESS], live(same | R2 | stopping(1)), TODAY)

    for found, rollout in ((absent, "pending"), (there, "done"), (other, "pending")):
        new = declaration(found)
        assert new.revised == "renamed"
        assert new.former is not None
        assert new.former.address.name == "old"
        assert [(dotted(each.path), each.rollout) for each in new.changes] == [(MAX, rollout)]
    # what AWS has under the new name was declared by nobody
    assert {(each.origin, each.intended) for each in traced(other)[0].differences} == {
        (Origin.INTRODUCED, False)
    }
    assert at[Address(KIND, "prod", "old")].revision is None


SECRET, OTHER, THIRD = "first-secret", "second-secret", "third-secret"


def secret(text: str, key: str = "DB_URL") -> dict[str, Any]:
    return {APP: {"Environment": {key: text}}}


@pytest.mark.parametrize("side", ["base", "head"])
@pytest.mark.parametrize("path", [f"{APP}.Environment.DB_URL", f"{APP}.Environment"])
def test_what_either_side_calls_sensitive_is_shown_by_neither(side: str, path: str) -> None:
    found = judged(
        declared(secret(SECRET), sensitive=(path,) if side == "base" else ()),
        declared(secret(OTHER), sensitive=(path,) if side == "head" else ()),
        live(secret(THIRD)),
    )

    (difference,) = traced(found)[0].differences
    (change,) = declaration(found).changes
    assert (difference.desired, difference.live, difference.sensitive) == ("(sensitive)", "(sensitive)", True)
    assert (change.base, change.desired, change.sensitive) == ("(sensitive)", "(sensitive)", True)
    assert not any(text in repr(found) for text in (SECRET, OTHER, THIRD))


@pytest.mark.parametrize("name", ["churn", "old"])
def test_a_secret_that_is_moved_to_another_member_stays_one(name: str) -> None:
    rest = R1 | stopping(1)
    old = declared(secret(SECRET) | rest, sensitive=(f"{APP}.Environment.DB_URL",), name=name)
    at = subjects([old], [declared(secret(SECRET, "PLAIN") | rest)])
    found = [judge(each, live(secret(SECRET, "ELSEWHERE") | rest), TODAY) for each in at.values()]

    assert {dotted(each.path) for each in declaration(found[0]).changes} == {
        f"{APP}.Environment.DB_URL",
        f"{APP}.Environment.PLAIN",
    }
    assert len(traced(found[0])[0].differences) == 2
    assert SECRET not in repr(found)
