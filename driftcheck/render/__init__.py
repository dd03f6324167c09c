"""A result document rendered as text: one row per format."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from driftcheck.document.entries import Document


@dataclass(frozen=True, slots=True)
class Style:
    """What the person at the other end asked for, beside the format.

    ``color`` is for text on a terminal; ``templates`` is a folder of the operator's own whose templates
    stand before the built-in ones.
    """

    color: bool = False
    templates: Path | None = None


class Renderer(Protocol):
    """The ``render`` function of a format's module."""

    def __call__(self, document: Document, style: Style, /) -> str:
        """The document in this format, always the same text for the same document; ends in a newline."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format's row: the file suffix that means it, and the module whose ``render`` makes it."""

    suffix: str
    module: str


FORMATS: Mapping[str, Format] = {
    "text": Format(".txt", "text"),
    "json": Format(".json", "json_"),
    "markdown": Format(".md", "markdown"),
    "html": Format(".html", "html"),
    "junit": Format(".xml", "junit"),
    "sarif": Format(".sarif", "sarif"),
}


def render(document: Document, name: str, style: Style | None = None) -> str:
    """Render a result document in the format of that name (a key of ``FORMATS``).

    A format's module is imported here, so that a run pays only for the formats that it is asked for.
    """
    module = import_module(f"driftcheck.render.{FORMATS[name].module}")
    return cast("Renderer", module.render)(document, style or Style())
