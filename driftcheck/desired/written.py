"""A parsed file as values with positions, before anything is known of what its members mean."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from driftcheck.errors import DriftcheckError
from driftcheck.schema import definition_schema, dereferenced

if TYPE_CHECKING:
    from array import array
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from driftcheck.kinds import Kind
    from driftcheck.model import Json, Path

MAX_DEPTH = 64
"""Levels of nesting; a definition has seven."""

MAX_VALUES = 500_000
"""Scalars, lists and mappings in one file, a bound on the memory that it takes; a definition has some 60."""

_SHOWN = 80
"""Characters of a name that a message shows."""

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: Mapping[str, Json] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MAX_INTEGER_DIGITS = 19

LINE = 32
"""A mark is a place as one number: the line, shifted by this, and the column."""


class Mark(NamedTuple):
    """A place in a text; both count from 1."""

    line: int
    column: int


def unpack(mark: int) -> Mark:
    """The place that a number stands for."""
    return Mark(mark >> LINE, mark & (1 << LINE) - 1)


class Quoted(str):
    """A text that is one whatever member it stands under; a bare ``str`` is YAML without quotes."""

    __slots__ = ()


class Written(NamedTuple):
    """A value as a file writes it, and where each part of it begins.

    ``value`` is made of dicts, lists and scalars (``str`` where a YAML scalar has no quotes). ``marks`` has
    its place and then those of all that is in it, in the order of the text: a member's is that of its key.
    ``repeated`` is of a whole text alone: each key that its mapping has already, as where it is and what is
    wrong; the first of equal keys is the one that is read.
    """

    value: Any
    marks: array[int]
    repeated: Sequence[tuple[Mark, str]] = ()

    def mark(self, path: Path) -> Mark:
        """The place that declares ``path``: its key, its list element, or the nearest thing above it."""
        return unpack(find(self, [path])[path])


def short(name: str) -> str:
    """A name in a message, cut where it is longer than any real one."""
    return name if len(name) <= _SHOWN else f"{name[:_SHOWN]}..."


class SyntaxFaultError(DriftcheckError):
    """What is wrong with a text, at a place in it; the reader of files adds the file's name."""

    def __init__(self, mark: Mark, message: str) -> None:
        super().__init__(message)
        self.mark = mark


def too_many(mark: Mark) -> SyntaxFaultError:
    """The fault of a file with more than ``MAX_VALUES`` values."""
    return SyntaxFaultError(mark, f"more than {MAX_VALUES:,} values: split the file")


def duplicate(key: str, first: Mark) -> str:
    """What is wrong with a key that its mapping has already."""
    return f"duplicate key {short(key)!r}, first on line {first.line}"


def parts(of: Written) -> Iterator[tuple[str | int, Written]]:
    """Each member or element of a value, by its key or index."""
    inside: Iterable[tuple[str | int, Any]] = ()
    if isinstance(of.value, dict):
        inside = of.value.items()
    elif isinstance(of.value, list):
        inside = enumerate(of.value)
    at = 1
    for key, value in inside:
        end = at + _size(value)
        yield key, Written(value, of.marks[at:end])
        at = end


def _size(value: Any) -> int:
    """How many values there are in one, itself and those that aliases repeat included."""
    kind = type(value)
    inside = value.values() if kind is dict else value if kind is list else ()
    size = 1
    for each in inside:
        kind = type(each)
        # most are scalars, which take no call to count
        size += _size(each) if kind is dict or kind is list else 1
    return size


def without(written: Written, paths: Collection[Path]) -> Written:
    """The same mapping without the members at some paths, which lead through mappings and lists."""
    marks = written.marks[:1]
    members: list[tuple[str | int, Any]] = []
    for key, part in parts(written):
        if (key,) not in paths:
            below = [path[1:] for path in paths if path[0] == key]
            kept = without(part, below) if below else part
            members.append((key, kept.value))
            marks += kept.marks
    is_list = isinstance(written.value, list)
    return Written([value for _, value in members] if is_list else dict(members), marks)


def find(written: Written, paths: Iterable[Path]) -> dict[Path, int]:
    """The mark of each path in a value, or of the nearest thing above it; one walk, however many paths."""
    found: dict[Path, int] = {}
    _find(written, list(paths), 0, found)
    return found


def _find(written: Written, paths: list[Path], depth: int, found: dict[Path, int]) -> None:
    deeper: dict[str | int, list[Path]] = defaultdict(list)
    for path in paths:
        found[path] = written.marks[0]
        if len(path) > depth:
            deeper[path[depth]].append(path)
    if not deeper:
        return
    for key, part in parts(written):
        if key in deeper:
            _find(part, deeper.pop(key), depth + 1, found)
            if not deeper:
                return


@dataclass(slots=True)
class Shape:
    """What of a schema decides how unquoted scalars are read.

    ``members`` has what stands under each name, ``others`` under any other key, ``element`` in a list. A
    value of two shapes has ``alternatives``: of a scalar, and of a list or mapping.
    """

    wanted: str | None = None
    members: dict[str, Shape] = field(default_factory=dict)
    others: Shape | None = None
    element: Shape | None = None
    alternatives: tuple[Shape, Shape] | None = None


def shape(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Shape:
    """The shape of what meets a schema whose references lead to ``definitions``."""
    schema = dereferenced(schema, definitions)
    made = Shape(schema.get("type"))
    if branches := schema.get("anyOf"):
        scalar, collection = (
            next((each for each in branches if (each.get("type") in {"object", "array"}) == wanted), schema)
            for wanted in (False, True)
        )
        made.alternatives = shape(scalar, definitions), shape(collection, definitions)
    made.members = {name: shape(each, definitions) for name, each in schema.get("properties", {}).items()}
    if others := schema.get("additionalProperties"):
        made.others = shape(others, definitions)
    if element := schema.get("items"):
        made.element = shape(element, definitions)
    return made


@cache
def shape_of(kind: Kind) -> Shape:
    """The shape of a definition."""
    schema = definition_schema(kind)
    return shape(schema, schema["$defs"])


_ANY = Shape()


def resolve(value: Any, under: Shape | None) -> Json:
    """The plain JSON value of what is written, with unquoted scalars read as their member asks.

    Under a string member an unquoted scalar is its own text, so ``NO``, ``0123`` and ``22:30`` stay what
    the author typed; elsewhere YAML 1.2's core schema decides.
    """
    under = under or _ANY
    kind = type(value)
    if under.alternatives is not None:
        under = under.alternatives[kind is dict or kind is list]
    if kind is str:
        return _scalar(value, under.wanted)
    if kind is dict:
        members, others = under.members, under.others
        return {key: resolve(member, members.get(key, others)) for key, member in value.items()}
    if kind is list:
        element = under.element
        return [resolve(each, element) for each in value]
    if kind is Quoted:
        return str(value)
    return _modelled(value, under.wanted)


def _scalar(text: str, wanted: str | None) -> Json:
    if text in _WORDS and (wanted != "string" or _WORDS[text] is None):
        return _WORDS[text]
    if wanted == "string":
        return text
    if _INTEGER.fullmatch(text) and len(text) <= _MAX_INTEGER_DIGITS:
        return _modelled(int(text), wanted)
    if _FLOAT.fullmatch(text) and isfinite(number := float(text)):
        return _modelled(number, wanted)
    return text


def _modelled(value: Any, wanted: str | None) -> Json:
    """A number in the type that the member has: 1 under a double is 1.0, 1.0 under an integer is 1."""
    if wanted == "number" and type(value) is int:
        return float(value)
    if wanted == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value  # type: ignore[no-any-return]
