"""What a definition in a result document is to the change that the result is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftcheck.document.entries import Document, Origin, ResourceEntry


def has_origins(document: Document) -> bool:
    """Tell whether the document was compared with a base, and that could be used."""
    base = document.get("base")
    return base is not None and base["error"] is None


def is_new(resource: ResourceEntry) -> bool:
    """Tell whether the change introduces anything about it that it does not intend."""
    return any(said == ("introduced", False) for said in _all_said(resource))


def is_rollout(resource: ResourceEntry) -> bool:
    """Tell whether it is no drift: rolling out what the change declares is all that it waits for."""
    said = _all_said(resource)
    return bool(said) and all(each == ("introduced", True) for each in said)


def _all_said(resource: ResourceEntry) -> list[tuple[Origin, bool]]:
    """The origins of its status and its differences, and whether each is intended."""
    said = [(each.get("origin"), each.get("intended", False)) for each in resource["differences"]]
    said.append((resource.get("origin"), resource.get("intended", False)))
    return [(origin, intended) for origin, intended in said if origin is not None]
