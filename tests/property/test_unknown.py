"""A member that the installed service model does not have is reported, wherever it stands in an answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from driftcheck.compare import compare
from driftcheck.kinds import IDENTIFIER, KINDS, TAGS, StructureShape
from driftcheck.live import read
from driftcheck.model import Address, Change, Desired, Status
from tests.property.shapes import ABSENT, HERE, KIND_NAMES, NAME, TODAY, changed, places, request, whole

if TYPE_CHECKING:
    from driftcheck.model import Finding, Live, Path

NEW = "NewSinceThisRelease"
VALUES = ["text", "", 0, 1.5, False, {}, [], {"Inner": [{"deep": 1}]}, ["a", None]]


def described(kind: str) -> dict[str, Any]:
    """All that Describe can say of a kind; tags are no part of it."""
    return {name: value for name, value in whole(kind).items() if name != TAGS}


STRUCTURES = [
    (kind, path)
    for kind in KIND_NAMES
    for path in (
        (),
        *(p.path for p in places(request(kind), described(kind)) if isinstance(p.shape, StructureShape)),
    )
]


def each(structures: list[tuple[str, Path]]) -> pytest.MarkDecorator:
    """A test for each of these structures."""
    ids = [".".join([kind, *map(str, path)]) for kind, path in structures]
    return pytest.mark.parametrize(("kind", "path"), structures, ids=ids)


every_structure = each(STRUCTURES)
every_inner_structure = each([row for row in STRUCTURES if row[1] and not isinstance(row[1][-1], int)])


def answer(kind: str, members: dict[str, Any]) -> Live:
    body = {
        "JobDefinitionArn": f"arn:aws:sagemaker:eu-west-1:123456789012:x/{NAME}",
        "CreationTime": 1763625600.0,
        IDENTIFIER: NAME,
        **members,
    }
    return read(KINDS[kind], NAME, json.dumps(body).encode())


def finding(kind: str, desired: dict[str, Any], live: Live) -> Finding:
    declared = Desired(Address(kind, "prod", NAME), desired, HERE, lambda _: HERE)
    return compare(declared, live, TODAY)


@every_structure
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_an_unknown_member_is_one_difference(kind: str, path: Path, value: Any) -> None:
    desired = described(kind)
    live = answer(kind, changed(desired, (*path, NEW), value))
    assert live.unknown == ((*path, NEW),)
    outcome = finding(kind, desired, live)
    assert outcome.status is Status.DRIFTED
    assert [(d.path, d.change, d.desired, d.live) for d in outcome.differences] == [
        ((*path, NEW), Change.ADDED, None, value)
    ]


@every_inner_structure
def test_an_unknown_member_in_a_block_that_is_not_declared_is_in_what_is_added(kind: str, path: Path) -> None:
    """The block as a whole is one difference, and the member is shown in it."""
    live = answer(kind, changed(described(kind), (*path, NEW), "text"))
    (difference,) = finding(kind, changed(described(kind), path, ABSENT), live).differences
    assert (difference.path, difference.change) == (path, Change.ADDED)
    assert isinstance(difference.live, dict)
    assert difference.live[NEW] == "text"


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_what_the_server_assigns_is_no_difference(kind: str) -> None:
    live = answer(kind, described(kind))
    assert live.unknown == ()
    assert finding(kind, described(kind), live).status is Status.IN_SYNC
