"""What a definition in a result document is to the change that the result is about."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from driftcheck.document.entries import Document, ResourceEntry

Group = Literal["new", "before", "rollout"]
"""What is not as declared: introduced by the change and not intended, older, or there until its rollout."""


def has_origins(document: Document) -> bool:
    """Tell whether the document was compared with a base, and that could be used."""
    base = document.get("base")
    return base is not None and base["error"] is None


def group(resource: ResourceEntry) -> Group | None:
    """What a definition is to the change; None where it is in sync, in error, or has no origin."""
    if resource["status"] in ("in_sync", "error"):
        return None
    said = [(each.get("origin"), each.get("intended", False)) for each in resource["differences"]]
    said.append((resource.get("origin"), resource.get("intended", False)))
    origins = {each for each in said if each[0] is not None}
    if ("introduced", False) in origins:
        return "new"
    if origins == {("introduced", True)}:
        return "rollout"
    return "before" if origins else None


def groups(document: Document) -> Counter[Group | None]:
    """How many definitions are what to the change; what is unmanaged does not count."""
    return Counter(group(each) for each in document["resources"] if each["status"] != "unmanaged")
