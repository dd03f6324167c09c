"""A parsed file as values with positions, before anything is known of what its members mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from driftcheck.errors import DriftcheckError
from driftcheck.schema import dereferenced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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


class Mark(NamedTuple):
    """A place in a text; both count from 1."""

    line: int
    column: int


class Plain(str):
    """A YAML scalar without quotes: what it means depends on the member that it stands under."""

    __slots__ = ()


@dataclass(slots=True)
class Node:
    """A value and where it begins.

    ``value`` is a scalar (``Plain``, or a JSON scalar), a list of nodes, or a dict from key to the key's
    mark and the node. ``repeated`` is of the topmost node alone: each key of the whole text that its mapping
    has already, as where it is and what is wrong; the first of equal keys is the one that is read.
    """

    mark: Mark
    value: Plain | str | float | bool | list[Node] | dict[str, tuple[Mark, Node]] | None
    repeated: Sequence[tuple[Mark, str]] = ()


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


def find(node: Node, path: Path) -> Mark:
    """The place that declares ``path``: its key, its list element, or the nearest thing above it."""
    mark = node.mark
    for step in path:
        match node.value:
            case dict() as members if step in members:
                mark, node = members[str(step)]
            case list() as elements if isinstance(step, int) and 0 <= step < len(elements):
                node = elements[step]
                mark = node.mark
            case _:
                break
    return mark


def is_larger(node: Node, values: int) -> bool:
    """Tell whether there are more than so many values in a node, those that aliases repeat included."""
    waiting = [node]
    count = 0
    while waiting:
        count += 1
        if count > values:
            return True
        match waiting.pop().value:
            case dict() as members:
                waiting += (member for _, member in members.values())
            case list() as elements:
                waiting += elements
    return False


def resolve(node: Node, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Json:
    """The plain JSON value of a node, with unquoted scalars read as the schema's type asks.

    Under a string member an unquoted scalar is its own text, so ``NO``, ``0123`` and ``22:30`` stay what
    the author typed; elsewhere YAML 1.2's core schema decides.
    """
    schema = dereferenced(schema, definitions)
    scalar = not isinstance(node.value, list | dict)
    for branch in schema.get("anyOf", ()):
        if (branch.get("type") not in {"object", "array"}) == scalar:
            return resolve(node, branch, definitions)
    match node.value:
        case dict() as members:
            properties = schema.get("properties", {})
            others = schema.get("additionalProperties") or {}
            return {
                key: resolve(member, properties.get(key, others), definitions)
                for key, (_, member) in members.items()
            }
        case list() as elements:
            of = schema.get("items", {})
            return [resolve(element, of, definitions) for element in elements]
        case Plain() as text:
            return _scalar(text, schema.get("type"))
        case value:
            return _modelled(value, schema.get("type"))


def _scalar(text: Plain, wanted: str | None) -> Json:
    if text in _WORDS and (wanted != "string" or _WORDS[text] is None):
        return _WORDS[text]
    if wanted == "string":
        return str(text)
    if _INTEGER.fullmatch(text) and len(text) <= _MAX_INTEGER_DIGITS:
        return _modelled(int(text), wanted)
    if _FLOAT.fullmatch(text) and isfinite(number := float(text)):
        return _modelled(number, wanted)
    return str(text)


def _modelled(value: Any, wanted: str | None) -> Json:
    """A number in the type that the member has: 1 under a double is 1.0, 1.0 under an integer is 1."""
    if wanted == "number" and type(value) is int:
        return float(value)
    if wanted == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value  # type: ignore[no-any-return]
