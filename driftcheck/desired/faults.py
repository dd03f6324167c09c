"""What a schema finds wrong, said in the words of the person who wrote the file.

No value is ever quoted: it stands at the place that the message names, and it may be a secret. Neither is a
key that looks like no name: ``{PASSWORD:x}`` is a key to YAML.
"""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import islice
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

from driftcheck.desired.written import short
from driftcheck.errors import DriftcheckError, did_you_mean
from driftcheck.paths import show
from driftcheck.schema import member_names, step_into

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from driftcheck.model import Invalid, Json, Path, TargetReading, Warn

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
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_.$\-]*")
_FEW = 10
"""How many values of an enum a message lists; of more, it names the nearest."""

MAX_FAULTS = 1_000
"""Faults of one file that are told, which bounds the time that a hostile one takes."""

_ON_TEXT = frozenset({"enum", "pattern", "minLength", "maxLength"})


class InvalidDesiredError(DriftcheckError):
    """The desired state is invalid: everything that is wrong with it, and its warnings.

    ``targets`` are where it was looked, where that is what shows it.
    """

    def __init__(
        self, faults: Iterable[Invalid], warnings: Iterable[Warn], targets: Iterable[TargetReading] = ()
    ) -> None:
        self.targets = tuple(targets)
        self.faults = tuple(dict.fromkeys(faults))
        self.warnings = tuple(dict.fromkeys(warnings))
        said = (*self.faults, *(f"{each.source}: warning: {each.message}" for each in self.warnings))
        super().__init__(*dict.fromkeys(map(str, said)))


class Fault(NamedTuple):
    """Something wrong at a path of a file.

    ``unknown`` says that the path's last step is a member that does not exist; ``absent`` is a member that
    the path's mapping has to have.
    """

    path: Path
    message: str
    unknown: bool = False
    absent: str | None = None


def find(validator: Any, instance: Json, schema: dict[str, Any], *, final: bool) -> Iterator[Fault]:
    """Everything that a validator of ``schema`` finds wrong with a value.

    Unless the value is ``final``, a string that holds ``${`` is held against its enum, pattern and length
    only once the target's variables are in it. A required member whose name is only misspelled is one fault,
    not two. At most ``MAX_FAULTS`` + 1 are found.
    """
    found = list(islice(_all(validator, instance, schema, final=final), MAX_FAULTS + 1))
    meant: dict[Path, str] = defaultdict(str)
    for fault in found:
        if fault.unknown:
            meant[fault.path[:-1]] += fault.message
    for fault in found:
        if fault.absent is None or f": did you mean `{fault.absent}`?" not in meant[fault.path]:
            yield fault


def _all(validator: Any, instance: Json, schema: dict[str, Any], *, final: bool) -> Iterator[Fault]:
    for error in validator.iter_errors(instance):
        if error.kind.name in _ON_TEXT:
            text = error.instance
            # of another type it is reported for that
            if not isinstance(text, str) or (not final and "${" in text):
                continue
        yield from _said(error, schema, tuple(error.instance_path))


def _said(error: Any, schema: dict[str, Any], path: Path) -> Iterator[Fault]:
    kind = error.kind
    match kind.name:
        case "additionalProperties":
            known = [name for under in _at(schema, path) for name in member_names(under, schema["$defs"])]
            place = f" (in {_shown(path)})" if path else ""
            for name in kind.value:
                named = f" `{name}`" if _is_name(name) else ""
                nearest = did_you_mean(name, known) if name == short(name) else ""
                yield Fault((*path, name), f"unknown member{named}{nearest}{place}", unknown=True)
        case "required":
            yield Fault(path, f"{_of(path)}`{kind.value}` is required", absent=kind.value)
        case "anyOf":
            # a rule of ignore_changes: a path, or a mapping that has one
            branch = 1 if isinstance(error.instance, dict) else 0
            for inner in kind.value[branch]:
                yield from _said(inner, schema, (*path, *inner.instance_path[len(path) :]))
        case "propertyNames":
            key = (*path, kind.value.instance)
            yield Fault(key, f"{_shown(key)}: the key {_rule(kind.value)}")
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
            text = error.instance
            nearest = did_you_mean(text, value) if isinstance(text, str) and text == short(text) else ""
            few = ", ".join(map(str, value)) if len(value) <= _FEW else f"{len(value)} known values"
            return f"must be one of {few}{nearest}"
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
    shown = _shown(path)
    return f"{shown}: " if shown else ""


def _shown(path: Path) -> str:
    """The path, down to the first key that looks like no name."""
    for depth, step in enumerate(path):
        if isinstance(step, str) and not _is_name(step):
            return show(path[:depth])
    return show(path)


def _is_name(key: str) -> bool:
    return key == short(key) and _NAME.fullmatch(key) is not None
