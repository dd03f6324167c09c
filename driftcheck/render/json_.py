"""The result document itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftcheck.document.entries import Document
    from driftcheck.render import Style


def render(document: Document, _style: Style) -> str:
    """The document as indented JSON, its members in their documented order, in ASCII."""
    text = json.dumps(document, indent=2, allow_nan=False)
    # a build's log obeys ##[command] anywhere in a line; to a reader of JSON this is the same text
    return text.replace("##", "#\\u0023") + "\n"
