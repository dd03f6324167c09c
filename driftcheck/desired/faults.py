"""What a schema finds wrong, said in the words of the person who wrote the file.

No value is ever quoted: it stands at the place that the message names, and it may be a secret.
"""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

from driftcheck.errors import did_you_mean
from driftcheck.paths import show
from driftcheck.schema import member_names, step_into

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftcheck.model import Json, Path

_NAMES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_TYPES = {
    dict: "object",
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    NoneType: "null",
}
_LIMITS = {
    "imum": ("", "be"),
    "Length": (" characters", "have"),
    "Items": (" elements", "have"),
    "Properties": (" keys", "have"),
}
_ON_TEXT = frozenset({"enum", "pattern", "minLength", "maxLength"})


class Fault(NamedTuple):
    """Something wrong at a path of a file."""

    path: Path
    message: str


def find(validator: Any, instance: Json, schema: dict[str, Any], *, final: bool) -> Iterator[Fault]:
    """Everything that a validator of ``schema`` finds wrong with a value.

    Unless the value is ``final``, a string that holds ``${`` is held against its enum, pattern and length
    only once the target's variables are in it.
    """
    for error in validator.iter_errors(instance):
        if (
            not final
            and error.kind.name in _ON_TEXT
            and isinstance(error.instance, str)
            and "${" in error.instance
        ):
            continue
        yield from _said(error, schema, tuple(error.instance_path))


def _said(error: Any, schema: dict[str, Any], path: Path) -> Iterator[Fault]:
    kind = error.kind
    match kind.name:
        case "additionalProperties":
            known = [name for under in _at(schema, path) for name in member_names(under, schema["$defs"])]
            place = f" (in {show(path)})" if path else ""
            for name in kind.value:
                yield Fault((*path, name), f"unknown member `{name}`{did_you_mean(name, known)}{place}")
        case "required":
            yield Fault(path, f"{_of(path)}`{kind.value}` is required")
        case "anyOf":
            # a rule of ignore_changes: a path, or a mapping that has one
            branch = 1 if isinstance(error.instance, dict) else 0
            for inner in kind.value[branch]:
                yield from _said(inner, schema, (*path, *inner.instance_path[len(path) :]))
        case "propertyNames":
            key = (*path, kind.value.instance)
            yield Fault(key, f"{show(key)}: the key {_rule(kind.value)}")
        case "not":
            yield Fault((*path, "targets"), "`target` and `targets` exclude each other")
        case _:
            yield Fault(path, f"{_of(path)}{_rule(error)}")


def _rule(error: Any) -> str:
    name, value = error.kind.name, error.kind.value
    match name:
        case "type":
            wanted = " or ".join(_NAMES[each] for each in value)
            return f"must be {wanted}, is {_NAMES[_TYPES[type(error.instance)]]}"
        case "const":
            return f"must be {value}"
        case "enum":
            nearest = did_you_mean(error.instance, value) if isinstance(error.instance, str) else ""
            return f"must be one of {', '.join(map(str, value))}{nearest}"
        case "pattern":
            return f"does not match the pattern {value}"
        case "uniqueItems":
            return "names something twice"
    unit, verb = _LIMITS[name[3:]]
    return f"must {verb} at {'least' if name.startswith('min') else 'most'} {value}{unit}"


def _at(schema: dict[str, Any], path: Path) -> list[dict[str, Any]]:
    reached = [schema]
    for step in path:
        reached = [under for above in reached for under in step_into(above, step, schema["$defs"])]
        # a rule of ignore_changes is a path or a mapping: only the mapping has members
        reached = [each for under in reached for each in under.get("anyOf", [under])]
    return reached


def _of(path: Path) -> str:
    return f"{show(path)}: " if path else ""
