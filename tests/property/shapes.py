"""Definitions made from botocore's shapes, and the places in them: no member is named here by hand.

``whole`` is one definition with everything that a kind can have; ``definitions`` draws any others. A place
is a path with the shape of what stands there.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from driftcheck.compare import compare
from driftcheck.kinds import IDENTIFIER, KINDS, SETS, ListShape, MapShape, StructureShape
from driftcheck.model import Address, Desired, IgnoreRule, Live, Location, PathPattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftcheck.kinds import Shape
    from driftcheck.model import Finding, Path

NAME = "churn"
TODAY = date(2026, 11, 24)
HERE = Location("desired.yaml", 3, 5)
KIND_NAMES = tuple(KINDS)
ABSENT = object()

_DEFAULTS: dict[str, Any] = {
    "S3InputMode": "File",
    "S3DataDistributionType": "FullyReplicated",
    "S3UploadMode": "EndOfJob",
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
}
"""What the service fills in, as seen on it: written again, so that no law leans on what it is to hold."""


@dataclass(frozen=True)
class Place:
    """Something in a definition: a leaf, or a block, which is a structure, map or list.

    ``in_set`` is an element of a list whose order means nothing.
    """

    path: Path
    shape: Shape
    value: Any
    in_set: bool = False

    @property
    def is_block(self) -> bool:
        return isinstance(self.shape, StructureShape | MapShape | ListShape)

    @property
    def is_text(self) -> bool:
        return bool(self.shape.type_name == "string")

    @property
    def is_leaf(self) -> bool:
        return not self.value if self.is_block else True

    def __str__(self) -> str:
        return ".".join(map(str, self.path))


def request(kind: str) -> StructureShape:
    return KINDS[kind].request


def whole(kind: str) -> dict[str, Any]:
    """A definition with every member of its kind, lists of three elements and maps of three keys."""
    return {name: _example(shape, name, 0) for name, shape in _members(request(kind)).items()}


def _members(shape: StructureShape) -> dict[str, Shape]:
    return {name: member for name, member in shape.members.items() if name != IDENTIFIER}


def _example(shape: Shape, name: str, salt: int) -> Any:
    """A value that no other place has, but for enums and booleans; never one that the service fills in."""
    if isinstance(shape, StructureShape):
        return {key: _example(member, f"{name}-{key}", salt) for key, member in shape.members.items()}
    if isinstance(shape, MapShape):
        return {key: _example(shape.value, f"{name}-{key}", salt) for key in ("LOG", "_under", "BUILD_ID")}
    if isinstance(shape, ListShape):
        count = min(3, shape.metadata.get("max", 3))
        return [_example(shape.member, f"{name}-{index}", salt + index) for index in range(count)]
    if shape.type_name == "string":
        enum = [each for each in shape.enum if each not in _DEFAULTS.values()]
        return enum[salt % len(enum)] if enum else f"{name}-{salt}"
    return {"integer": 7 + salt, "double": 0.5 + salt, "boolean": salt % 2 == 0}[shape.type_name]


def other(place: Place) -> Any:
    """Another value that may stand at a place."""
    shape, value = place.shape, place.value
    if shape.type_name == "string":
        return next((each for each in shape.enum if each != value), f"{value}+")
    return not value if isinstance(value, bool) else value + 1


def places(shape: Shape, value: Any, path: Path = ()) -> Iterator[Place]:
    """Everything that stands in a value, outermost first, without the value itself."""
    steps: list[tuple[str | int, Shape]]
    if isinstance(shape, StructureShape):
        steps = [(key, shape.members[key]) for key in value]
    elif isinstance(shape, MapShape):
        steps = [(key, shape.value) for key in value]
    elif isinstance(shape, ListShape):
        steps = [(index, shape.member) for index in range(len(value))]
    else:
        return
    of_set = isinstance(shape, ListShape) and bool(path) and path[-1] in SETS
    for step, member in steps:
        place = Place((*path, step), member, value[step], of_set)
        yield place
        yield from places(member, value[step], place.path)


def leaves(kind: str, value: Any) -> list[Place]:
    return [place for place in places(request(kind), value) if place.is_leaf]


def blocks(kind: str, value: Any) -> list[Place]:
    return [place for place in places(request(kind), value) if place.is_block and place.value]


def at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def changed(value: Any, path: Path, to: Any) -> Any:
    """A copy with something else at a path, or with what stands there taken away when that is ``ABSENT``."""
    made = copy.deepcopy(value)
    above = at(made, path[:-1])
    if to is ABSENT:
        del above[path[-1]]
    else:
        above[path[-1]] = to
    return made


def filled(kind: str, value: Any) -> Any:
    """A definition as the service describes it: with what it fills in for members that are left out."""

    def fill(shape: Shape, value: Any) -> Any:
        if isinstance(shape, StructureShape):
            defaults = {key: copy.deepcopy(_DEFAULTS[key]) for key in shape.members if key in _DEFAULTS}
            return defaults | {key: fill(shape.members[key], member) for key, member in value.items()}
        if isinstance(shape, ListShape):
            return [fill(shape.member, member) for member in value]
        return copy.copy(value)

    return fill(request(kind), value)


def bare(kind: str, value: Any) -> Any:
    """A definition without the members that the service would fill in."""

    def strip(shape: Shape, value: Any) -> Any:
        if isinstance(shape, StructureShape):
            kept = value.keys() - _DEFAULTS.keys()
            return {key: strip(shape.members[key], value[key]) for key in value if key in kept}
        if isinstance(shape, ListShape):
            return [strip(shape.member, member) for member in value]
        return copy.copy(value)

    return strip(request(kind), value)


def turned(kind: str, value: Any) -> Any:
    """A definition with every set, and every mapping, in the opposite order."""

    def turn(shape: Shape, value: Any, name: str) -> Any:
        if isinstance(shape, StructureShape):
            return {key: turn(shape.members[key], value[key], key) for key in reversed(list(value))}
        if isinstance(shape, MapShape):
            return dict(reversed(value.items()))
        if isinstance(shape, ListShape):
            elements = [turn(shape.member, member, "") for member in value]
            return elements[::-1] if name in SETS else elements
        return value

    return turn(request(kind), value, "")


def found(
    kind: str,
    desired: Any,
    live: Any,
    *,
    ignore: tuple[Path, ...] = (),
    sensitive: tuple[PathPattern, ...] = (),
    name: str = NAME,
) -> Finding:
    """The finding for a definition and what is live in its place."""
    rules = tuple(IgnoreRule(pattern(path), HERE) for path in ignore)
    address = Address(kind, "prod", name)
    declared = Desired(address, desired, HERE, lambda _: HERE, rules, sensitive)
    return compare(declared, Live(live, "arn:aws:x", datetime(2026, 11, 20, 8, tzinfo=UTC)), TODAY)


def pattern(path: tuple[str | int | None, ...]) -> PathPattern:
    return PathPattern(".".join(map(str, path)), path)


_ASCII = st.characters(min_codepoint=32, max_codepoint=126)
_UNIQUE: dict[str, Any] = {"SecurityGroupIds": str, "Subnets": str, "Tags": lambda tag: tag["Key"]}
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def values(shape: Shape, name: str = "") -> st.SearchStrategy[Any]:
    """Any value that a shape allows, as far as its enum, pattern and limits go."""
    limits = shape.metadata
    if isinstance(shape, StructureShape):
        return structures(shape)
    if isinstance(shape, MapShape):
        return st.dictionaries(values(shape.key), values(shape.value), max_size=4)
    if isinstance(shape, ListShape):
        least, most = limits.get("min", 0), min(5, limits.get("max", 5))
        return st.lists(values(shape.member), min_size=least, max_size=most, unique_by=_UNIQUE.get(name))
    if shape.type_name == "string":
        return st.sampled_from(shape.enum) if shape.enum else _texts(limits)
    return {
        "integer": st.integers(limits.get("min", 0), min(limits.get("max", 9), 9)),
        "double": st.floats(allow_nan=False, allow_infinity=False),
        "boolean": st.booleans(),
    }[shape.type_name]


def _texts(limits: dict[str, Any]) -> st.SearchStrategy[str]:
    wanted = limits.get("pattern")
    if wanted in (None, ".*", r"[\S\s]*"):
        return _TEXT | st.sampled_from(("a", "b", "1", "1.0", "True", "null", ""))
    # Python's expressions know no Unicode properties
    for prop, plain in ((r"\p{L}", "A-Za-z"), (r"\p{Z}", " "), (r"\p{N}", "0-9")):
        wanted = wanted.replace(prop, plain)
    return st.from_regex(re.compile(wanted), fullmatch=True, alphabet=_ASCII).map(lambda text: text[:40])


def structures(shape: StructureShape) -> st.SearchStrategy[dict[str, Any]]:
    strategies = {name: values(member, name) for name, member in _members(shape).items()}
    required = {name: each for name, each in strategies.items() if name in shape.required_members}
    optional = {name: each for name, each in strategies.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


@cache
def _of_kind(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    return structures(request(kind))


@st.composite
def definitions(draw: st.DrawFn, count: int = 1) -> tuple[str, *tuple[Any, ...]]:
    """The name of a kind, and so many definitions of it."""
    kind = draw(st.sampled_from(KIND_NAMES))
    return kind, *(draw(_of_kind(kind)) for _ in range(count))
