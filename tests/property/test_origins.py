"""The laws of a change: whatever is declared before and after it, and whatever AWS has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import given

from driftcheck.changes import subjects
from driftcheck.model import Address, Desired, Live, Origin, Status
from driftcheck.origins import Judged, judge
from tests.property.shapes import HERE, NAME, TODAY, definitions, filled

if TYPE_CHECKING:
    from driftcheck.model import Finding

CREATED = datetime(2026, 11, 20, 8, tzinfo=UTC)


def judged(kind: str, base: Any, head: Any, live: Any) -> tuple[Finding, Judged]:
    address = Address(kind, "prod", NAME)
    before, after = (Desired(address, side, HERE, lambda _: HERE) for side in (base, head))
    found = judge(subjects([before], [after])[address], Live(live, "arn:aws:x", CREATED), TODAY)
    assert found.head is not None
    assert found.head.before is not None
    return found.head, found


@given(definitions(2))
def test_where_nothing_is_declared_otherwise_nothing_is_introduced(given: tuple[Any, ...]) -> None:
    kind, declared, live = given

    head, found = judged(kind, declared, declared, filled(kind, live))

    assert found.declaration is None
    assert {each.origin for each in head.differences} <= {Origin.EXISTING}
    assert head.before is not None
    assert (head.before.status, head.before.resolved) == (head.status, ())


@given(definitions(2))
def test_what_is_declared_as_aws_has_it_resolves_everything(given: tuple[Any, ...]) -> None:
    kind, base, live = given
    live = filled(kind, live)

    head, found = judged(kind, base, live, live)

    assert found.base is not None
    assert head.before is not None
    assert (head.status, head.differences) == (Status.IN_SYNC, ())
    assert [each.path for each in head.before.resolved] == [each.path for each in found.base.differences]
    changes = found.declaration.changes if found.declaration else ()
    assert {each.rollout for each in changes} <= {"done"}


@given(definitions(2))
def test_where_nothing_had_drifted_all_that_differs_is_intended(given: tuple[Any, ...]) -> None:
    kind, base, head_ = given

    head, found = judged(kind, base, head_, filled(kind, base))

    assert found.base is not None
    assert found.base.differences == ()
    assert {(each.origin, each.intended) for each in head.differences} <= {(Origin.INTRODUCED, True)}
    assert head.before is not None
    assert head.before.resolved == ()
    changes = found.declaration.changes if found.declaration else ()
    assert {each.rollout for each in changes} <= {"pending", "done"}
    # what differs is told as a change of the declaration too
    assert bool(head.differences) <= any(each.rollout == "pending" for each in changes)


@given(definitions(3))
def test_whatever_differs_comes_from_somewhere_and_nothing_is_both_gone_and_there(
    given: tuple[Any, ...],
) -> None:
    kind, base, head_, live = given

    head, _ = judged(kind, base, head_, filled(kind, live))

    assert all(each.origin in (Origin.EXISTING, Origin.INTRODUCED) for each in head.differences)
    # every value that differs from AWS is one that the change declares, or one that differed before
    assert all(each.intended or each.origin is Origin.EXISTING for each in head.differences)
    assert head.before is not None
    plain = {each.path for each in head.differences if not any(isinstance(step, int) for step in each.path)}
    assert not plain & {each.path for each in head.before.resolved}
