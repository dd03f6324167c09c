"""``lifecycle`` paths: their grammar, and whether the kind has what they name."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import TYPE_CHECKING, Any

from driftcheck.errors import did_you_mean
from driftcheck.model import PathPattern
from driftcheck.schema import definition_schema, member_names, step_into

if TYPE_CHECKING:
    from driftcheck.kinds import Kind

_STEP = re.compile(
    r"""
      (?:^|\.) (?: (?P<member>[A-Za-z0-9_\-]+) | (?P<any>\*) )
    | \[ (?: (?P<index>0|[1-9][0-9]{0,8}) | (?P<every>\*) | (?P<key>"(?:[^"\\]|\\.)*") ) \]
    """,
    re.VERBOSE,
)


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
        if found is None or (at == 0 and found["member"] is None and found["any"] is None):
            raise ValueError(f"`{text}` is not a path: {_expected(text, at)}")
        step = _step(found)
        further = [under for above in reached for under in _under(above, step, found, definitions)]
        if not further:
            raise ValueError(f"`{text}`: {_no_such(step, text[:at], reached, definitions)}")
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
    rest = text[at:]
    return f'expected a member name at {rest!r} (write a key with other characters as ["a.b"])'


def _no_such(step: str | int | None, above: str, reached: list[Any], definitions: Any) -> str:
    place = f" in {above}" if above else ""
    if not isinstance(step, str):
        what = "any element" if step is None else f"element [{step}]"
        return f"there is no {what}{place}"
    names = [name for schema in reached for name in member_names(schema, definitions)]
    return f"no member `{step}`{place}{did_you_mean(step, names)}"
