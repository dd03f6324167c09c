"""Paths as text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
