"""What a result document says of a base, and of the declarations that a change from it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftcheck.document.entries import error_entry, source_entry

if TYPE_CHECKING:
    from driftcheck.document.entries import BaseEntry, DeclarationEntry
    from driftcheck.revision import Base, Declaration


def base_entry(base: Base) -> BaseEntry:
    """What the report was compared with; declarations as they are sorted."""
    return {
        "ref": base.ref,
        "commit": base.commit,
        "error": error_entry(base.error),
        "declarations": [_declaration(each) for each in base.declarations],
    }


def _declaration(declaration: Declaration) -> DeclarationEntry:
    former = declaration.former
    return {
        "change": declaration.revised.value,
        "kind": declaration.address.kind,
        "target": declaration.address.target,
        "name": declaration.address.name,
        "source": source_entry(declaration.source),
        "was": None
        if former is None
        else {
            "target": former.address.target,
            "name": former.address.name,
            "source": source_entry(former.source),
        },
        "live": declaration.live.value,
        "changes": [
            {
                "path": list(change.path),
                "change": change.change.value,
                "base": change.base,
                "desired": change.desired,
                "sensitive": change.sensitive,
                "source": source_entry(change.source),
                "rollout": change.rollout.value,
            }
            for change in declaration.changes
        ],
    }
