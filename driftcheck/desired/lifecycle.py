"""``lifecycle`` paths: their grammar, and whether the kind has what they name."""

from __future__ import annotations

import json
import re
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from driftcheck.desired.written import short
from driftcheck.errors import did_you_mean
from driftcheck.model import PathPattern
from driftcheck.schema import definition_schema, member_names, step_into

if TYPE_CHECKING:
    from driftcheck.kinds import Kind

_STEP = re.compile(
    r"""
      (?:^|\.) (?: (?P<member>[A-Za-z0-9_\-]+) | (?P<any>\*) ) (?![^.\[])
    | \[ (?: (?P<index>0|[1-9][0-9]{0,8}) | (?P<every>\*) | (?P<key>"(?:[^"\\]|\\.)*") ) \]
    """,
    re.VERBOSE,
)


# a fleet's definitions repeat the same few paths
@lru_cache(maxsize=1024)
def parse(text: str, kind: Kind) -> PathPattern:
    """The pattern that a path names.

    Raises:
        ValueError: it is not a path, or the kind has nothing at it; the message has the nearest real name.
    """
    schema = definition_schema(kind)
    definitions = schema["$defs"]
    reached: list[Any] = [schema | {"properties": _compared(schema["properties"])}]
    steps: list[str | int | None] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None or (at == 0) != (text[at] not in ".["):
            raise ValueError(f"`{short(text)}` is not a path: {_expected(text, at)}")
        try:
            step = _step(found)
        except json.JSONDecodeError:
            raise ValueError(f"`{short(text)}` is not a path: {_expected(text, at)}") from None
        further = [under for above in reached for under in _under(above, step, found, definitions)]
        if not further:
            raise ValueError(f"`{short(text)}`: {_no_such(found, step, text[:at], reached, definitions)}")
        reached = further
        steps.append(step)
        at = found.end()
    return PathPattern(text, tuple(steps))


def parse_day(text: str) -> date:
    """A day as ``YYYY-MM-DD``.

    Raises:
        ValueError: there is no such day.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is not a day of the calendar") from None


def _compared(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: schema for name, schema in properties.items() if name != "lifecycle"}


def _step(found: re.Match[str]) -> str | int | None:
    if found["index"]:
        return int(found["index"])
    if found["key"]:
        return str(json.loads(found["key"]))
    return found["member"]


def _under(schema: Any, step: str | int | None, found: re.Match[str], definitions: Any) -> list[Any]:
    """What stands under a step; ``*`` is for members and keys, ``[*]`` for list elements."""
    if step is None:
        is_list = bool(step_into(schema, 0, definitions))
        if is_list != bool(found["every"]):
            return []
    return step_into(schema, step, definitions)


def _expected(text: str, at: int) -> str:
    return f'expected a member name at {short(text[at:])!r} (write a key with other characters as ["a.b"])'


def _no_such(
    found: re.Match[str], step: str | int | None, above: str, reached: list[Any], definitions: Any
) -> str:
    place = f" in {above}" if above else ""
    if not isinstance(step, str):
        is_list = any(step_into(schema, 0, definitions) for schema in reached)
        hint = "; any element of a list is [*]" if is_list and found["any"] else ""
        hint = hint or ("; any member or key is *" if found["every"] and not is_list else "")
        return f"there is no {found[0].removeprefix('.')}{place}{hint}"
    if len(step) > len(short(step)):
        return f"no such member{place}"
    names = [name for schema in reached for name in member_names(schema, definitions)]
    return f"no member `{step}`{place}{did_you_mean(step, names)}"
