"""What became of each declaration between two desired states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from driftcheck.changes import subjects
from tests.unit.test_origins import APP, R1, R2, args, declared, dotted, secret, stopping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftcheck.model import Desired

FULL = R1 | stopping(1800) | {"JobResources": {"ClusterConfig": {"InstanceCount": 1, "VolumeSizeInGB": 20}}}
HALF = R1 | stopping(1800) | {"JobResources": {"ClusterConfig": {"InstanceCount": 2, "VolumeSizeInGB": 30}}}
MOST = FULL | stopping(3600)


def said(base: Sequence[Desired], head: Sequence[Desired]) -> dict[str, str]:
    """Each declaration that is not as it was, by ``name@target``: what became of it, and of which."""
    found = {}
    for address, subject in subjects(base, head).items():
        if subject.revision is None:
            continue
        former = subject.revision.former
        was = f" {former.address.name}@{former.address.target}:{former.location.file}" if former else ""
        edits = "".join(f" {dotted(each.clean.path)}" for each in subject.revision.edits)
        found[f"{address.name}@{address.target}"] = f"{subject.revision.revised}{was}{edits}"
    return found


ROWS: dict[str, tuple[list[Desired], list[Desired], dict[str, str]]] = {
    "nothing": ([declared(FULL)], [declared(FULL)], {}),
    "rules-alone": ([declared(FULL)], [declared(FULL, ignore=("RoleArn",), sensitive=("RoleArn",))], {}),
    "order-of-a-set-alone": (
        [declared({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]})],
        [declared({"Tags": [{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}]})],
        {},
    ),
    "added": ([], [declared(FULL)], {"churn@prod": "added"}),
    "removed": ([declared(FULL)], [], {"churn@prod": "removed churn@prod:a.yaml"}),
    "changed": (
        [declared(FULL)],
        [declared(MOST)],
        {"churn@prod": "changed churn@prod:a.yaml StoppingCondition.MaxRuntimeInSeconds"},
    ),
    "order-of-a-list": (
        [declared(args("a", "b"))],
        [declared(args("b", "a"))],
        {"churn@prod": f"changed churn@prod:a.yaml {APP}.ContainerArguments.0 {APP}.ContainerArguments.1"},
    ),
    "moved-to-a-file": (
        [declared(FULL)],
        [declared(FULL, file="b.yaml")],
        {"churn@prod": "moved churn@prod:a.yaml"},
    ),
    "moved-and-changed": (
        [declared(FULL)],
        [declared(MOST, file="b.yaml")],
        {"churn@prod": "moved churn@prod:a.yaml StoppingCondition.MaxRuntimeInSeconds"},
    ),
    "moved-to-a-target": (
        [declared(FULL)],
        [declared(R2, target="dev")],
        {"churn@dev": "moved churn@prod:a.yaml JobResources RoleArn StoppingCondition"},
    ),
    "for-one-more-target": (
        [declared(FULL)],
        [declared(FULL), declared(FULL, target="dev")],
        {"churn@dev": "added"},
    ),
    "moved-within-its-file-first": (
        [declared(FULL, target="one"), declared(FULL, target="two", file="b.yaml")],
        [declared(FULL, target="dev", file="b.yaml"), declared(FULL, target="test")],
        {"churn@dev": "moved churn@two:b.yaml", "churn@test": "moved churn@one:a.yaml"},
    ),
    "renamed": ([declared(FULL, name="old")], [declared(FULL)], {"churn@prod": "renamed old@prod:a.yaml"}),
    "renamed-moved-and-changed": (
        [declared(FULL, name="old")],
        [declared(MOST, file="b.yaml")],
        {"churn@prod": "renamed old@prod:a.yaml StoppingCondition.MaxRuntimeInSeconds"},
    ),
    "half-the-same-is-another": (
        [declared(FULL, name="old")],
        [declared(HALF)],
        {"churn@prod": "added", "old@prod": "removed old@prod:a.yaml"},
    ),
    "renamed-to-another-target-is-another": (
        [declared(FULL, name="old")],
        [declared(FULL, target="dev")],
        {"churn@dev": "added", "old@prod": "removed old@prod:a.yaml"},
    ),
    "renamed-to-what-is-most-alike": (
        [declared(MOST, name="a"), declared(FULL, name="b")],
        [declared(FULL, name="c"), declared(MOST, name="d")],
        {"c@prod": "renamed b@prod:a.yaml", "d@prod": "renamed a@prod:a.yaml"},
    ),
    "of-equals-the-first": (
        [declared(FULL, name="a"), declared(FULL, name="b")],
        [declared(FULL, name="c")],
        {"c@prod": "renamed a@prod:a.yaml", "b@prod": "removed b@prod:a.yaml"},
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_became_of_each_declaration(name: str) -> None:
    base, head, expected = ROWS[name]
    assert said(base, head) == expected
    # in whatever order the files are read
    assert said(base[::-1], head[::-1]) == expected


def test_of_too_many_pairs_the_equal_ones_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driftcheck.changes._MAX_LEAVES", 100)
    base = [declared(FULL | stopping(60 + n), name=f"old-{n}") for n in range(9)]
    head = [declared(FULL | stopping(60 + n), name=f"new-{n}") for n in range(8)]
    head += [declared(FULL | stopping(600), name="new-8")]

    assert said(base, head[::-1]) == {
        **{f"new-{n}@prod": f"renamed old-{n}@prod:a.yaml" for n in range(8)},
        "new-8@prod": "added",
        "old-8@prod": "removed old-8@prod:a.yaml",
    }


def test_values_of_a_change_are_as_declared_and_never_secret() -> None:
    rules: dict[str, Any] = {"sensitive": (f"{APP}.Environment.DB_URL",)}
    (subject,) = subjects(
        [declared(R1 | secret("old-secret"), **rules)], [declared(R2 | secret("new-secret"))]
    ).values()

    assert subject.revision is not None
    shown = [(each.clean.desired, each.clean.live, each.clean.sensitive) for each in subject.revision.edits]
    assert shown == [("(sensitive)", "(sensitive)", True), (R2["RoleArn"], R1["RoleArn"], False)]
