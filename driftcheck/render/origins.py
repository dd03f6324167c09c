"""What several formats say of a change from a base: what it declares, what it waits for, what was before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftcheck.document.origins import groups, has_origins
from driftcheck.render.common import source_text, visible

if TYPE_CHECKING:
    from driftcheck.document.entries import (
        BaseEntry,
        DeclarationEntry,
        DesiredChangeEntry,
        DifferenceEntry,
        Document,
        ResourceEntry,
    )

ROLLOUTS = {
    "drifted": "will be replaced on rollout",
    "missing": "will be created on rollout",
    "unmanaged": "is no longer declared",
}
"""What becomes of a definition of each status that waits for the change's rollout: none of it is drift."""

REMARKS = {
    "drifted": "no drift: this change declares it so, and its rollout makes it so in AWS",
    "missing": "no drift: this change declares it, and its rollout creates it",
    "unmanaged": "no drift: this change removes it, and AWS has it until it is deleted",
}
_CHANGED = {
    "added": "is newly declared",
    "removed": "is no longer declared",
    "renamed": "is renamed",
    "moved": "is moved",
    "changed": "is declared otherwise",
}
_PROGRESS = {
    "pending": "not in AWS yet: its rollout makes it so",
    "done": "so in AWS already",
    "diverged": "AWS has neither: it had drifted, and the rollout overwrites that",
    "unknown": "AWS could not be asked",
}


def origin_text(entry: DifferenceEntry | ResourceEntry) -> str:
    """Where a difference, or a status, comes from; empty without a base."""
    match entry.get("origin"):
        case "introduced" if entry.get("intended"):
            return "introduced by this change: its rollout ends it"
        case "introduced":
            return "introduced by this change, not intended"
        case "existing":
            return "so before this change" if "status" in entry else "existed before this change"
        case "resolved":
            return "resolved by this change"
    return ""


def base_text(base: BaseEntry) -> str:
    """The base as a reader knows it: ``main (merge base 0123456789ab)``."""
    return visible(f"{base['ref']} (merge base {base['commit'][:12]})")


def declaration_text(declaration: DeclarationEntry) -> str:
    """What became of a declaration, in a sentence without its end."""
    name = visible(f"{declaration['kind']} {declaration['name']} ({declaration['target']})")
    was = declaration["was"]
    said = _CHANGED[declaration["change"]]
    if was is None or declaration["change"] not in ("renamed", "moved", "removed"):
        return f"{name} {said}"
    if was["name"] != declaration["name"]:
        return f"{name} {said}, was {visible(was['name'])}"
    if was["target"] != declaration["target"]:
        return f"{name} {said}, was for target {visible(was['target'])}"
    return f"{name} {said}, was in {source_text(was['source'])}"


def live_text(declaration: DeclarationEntry) -> str:
    """Whether AWS has it, where that is worth telling; else empty."""
    gone = declaration["change"] == "removed"
    match declaration["live"]:
        case "absent":
            return "not in AWS" if gone else "not in AWS yet: its rollout creates it"
        case "unknown":
            return _PROGRESS["unknown"]
    if gone:
        return "still in AWS"
    return (
        "in AWS already"
        if declaration["change"] in ("added", "renamed") or _is_elsewhere(declaration)
        else ""
    )


def rollout_text(change: DesiredChangeEntry) -> str:
    """How far the rollout of one change is."""
    return _PROGRESS[change["rollout"]]


def as_difference(change: DesiredChangeEntry) -> DifferenceEntry:
    """A change as a difference of which ``desired`` is the base's side, and ``live`` what is declared now."""
    return {
        "path": change["path"],
        "change": change["change"],
        "desired": change["base"],
        "live": change["desired"],
        "sensitive": change["sensitive"],
        "source": change["source"],
    }


def declarations(document: Document) -> list[DeclarationEntry]:
    """What is declared otherwise than in the base, in the document's order."""
    base = document.get("base")
    return [] if base is None else base["declarations"]


def adopted(document: Document) -> list[ResourceEntry]:
    """The definitions that were unmanaged, and that the change declares just as they are."""
    return [
        resource
        for resource in document["resources"]
        if resource["status"] == "in_sync" and resource.get("base_status") == "unmanaged"
    ]


def resolved(document: Document) -> list[tuple[ResourceEntry, DifferenceEntry]]:
    """The differences that are none any more, with their definitions."""
    return [(resource, each) for resource in document["resources"] for each in resource.get("resolved", [])]


def change_counts(document: Document) -> str:
    """What the change does to the definitions, as one sentence; empty without a base that could be used."""
    if not has_origins(document):
        return ""
    of = groups(document)
    counts = (
        (len(declarations(document)), "declared otherwise"),
        (of["rollout"], "to be rolled out"),
        (of["new"], "with new drift"),
        (of["before"], "drifted before it"),
        (len(resolved(document)), "no longer drift"),
    )
    found = [f"{count} {label}" for count, label in counts if count]
    return f"This change: {', '.join(found)}." if found else "This change: nothing is declared otherwise."


def _is_elsewhere(declaration: DeclarationEntry) -> bool:
    was = declaration["was"]
    return was is not None and was["target"] != declaration["target"]
