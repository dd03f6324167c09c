"""Paths as text, and those of a value's leaves."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from driftcheck.model import Json, Path

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
"""A member name or map key that is written without quotes."""


def show(path: Iterable[str | int], quote: Callable[[str], str] = json.dumps) -> str:
    """A path as one writes it under ``ignore_changes``: ``Tags[0].Value``, ``Environment["a.b"]``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif BARE_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{quote(step)}]"
    return text


def leaves(path: Path, value: Json) -> Iterator[Path]:
    """The paths of a value's leaves; ``path`` is its own, and an empty block is a leaf."""
    match value:
        case dict() if value:
            for key, member in value.items():
                yield from leaves((*path, key), member)
        case list() if value:
            for index, member in enumerate(value):
                yield from leaves((*path, index), member)
        case _:
            yield path


def at(value: Any, path: Path) -> Any:
    """What stands at a path of a value.

    Raises:
        LookupError: nothing does.
    """
    for step in path:
        value = value[step]
    return value
