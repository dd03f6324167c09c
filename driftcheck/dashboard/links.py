"""The addresses of the site's pages, relative to its top: stable, and safe whatever a document says."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftcheck.history import Key

FRONT = "index.html"

_LONGEST = 120
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


def segment(text: str) -> str:
    """A part of a path that stands for this text and no other; a name that AWS takes stands for itself.

    Every other character is a dot and the hexadecimal digits of its UTF-8 bytes, so that no part is empty,
    ``..``, or anything that an address or a file system gives a meaning. What gets too long ends in a digest.
    """
    made = _UNSAFE.sub(_escape, text) or ".empty"
    if len(made) <= _LONGEST:
        return made
    return f"{made[: _LONGEST - 40]}.sha{hashlib.sha256(_bytes(text)).hexdigest()[:32]}"


def definition_page(key: Key) -> str:
    """``definitions/TARGET/KIND/NAME.html``."""
    kind, target, name = key
    return f"definitions/{segment(target)}/{segment(kind)}/{segment(name)}.html"


def run_page(name: str) -> str:
    """``runs/NAME.html`` of a document's name in the store, such as ``2026-11-24T02-17-00Z``."""
    return f"runs/{segment(name)}.html"


def _escape(found: re.Match[str]) -> str:
    return "".join(f".{byte:02x}" for byte in _bytes(found[0]))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
