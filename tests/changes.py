"""Result documents with a base: small ones, a believable one, and hostile ones for property tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hypothesis import strategies as st

from tests.documents import (
    KIND,
    changed,
    document,
    drifted,
    hostile_documents,
    hostile_text,
    hostile_values,
    in_sync,
    source,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftcheck.document.entries import (
        DeclarationEntry,
        DesiredChangeEntry,
        DifferenceEntry,
        Document,
        FormerEntry,
        Origin,
        ResourceEntry,
        SourceEntry,
    )
    from driftcheck.model import Json

COMMIT = "4f0c2d1a9b7e6f5a3c8d2e1f0a9b8c7d6e5f4a3b"
TYPE = ("JobResources", "ClusterConfig", "InstanceType")

Rollout = Literal["pending", "done", "diverged", "unknown"]


def leaf(path: Sequence[str | int], base: Json, desired: Json, rollout: Rollout) -> DesiredChangeEntry:
    return {
        "path": list(path),
        "change": "changed",
        "base": base,
        "desired": desired,
        "sensitive": False,
        "source": source(line=7),
        "rollout": rollout,
    }


def declared(
    change: Literal["added", "removed", "renamed", "moved", "changed"],
    name: str = "a",
    *changes: DesiredChangeEntry,
    live: Literal["present", "absent", "unknown"] = "present",
    was: FormerEntry | None = None,
    at: SourceEntry | None = None,
) -> DeclarationEntry:
    return {
        "change": change,
        "kind": KIND,
        "target": "prod",
        "name": name,
        "source": None if change == "removed" else at or source(),
        "was": was,
        "live": live,
        "changes": list(changes),
    }


def of(difference: DifferenceEntry, origin: Origin, intended: bool | None = None) -> DifferenceEntry:
    made: DifferenceEntry = {**difference, "origin": origin}
    if intended is not None:
        made["intended"] = intended
    return made


def absent(name: str, origin: Origin, intended: bool | None = None) -> ResourceEntry:
    made: ResourceEntry = {**in_sync(name), "status": "missing", "created_at": None, "origin": origin}
    if intended is not None:
        made["intended"] = intended
    return made


def undeclared(name: str, origin: Origin, intended: bool | None = None) -> ResourceEntry:
    made: ResourceEntry = {**in_sync(name), "status": "unmanaged", "source": None, "origin": origin}
    if intended is not None:
        made["intended"] = intended
    return made


def against_base(made: Document, *declarations: DeclarationEntry, ref: str = "main") -> Document:
    return {
        **made,
        "base": {"ref": ref, "commit": COMMIT, "error": None, "declarations": list(declarations)},
    }


def invalid(*messages: str) -> Document:
    return {
        **document(interrupted=True),
        "invalid": [{"message": each, "source": source()} for each in messages],
    }


def rolled_out_later() -> Document:
    """One value changes here: AWS still has the former one."""
    difference = of(changed(TYPE, "ml.m5.2xlarge", "ml.m5.xlarge"), "introduced", intended=True)
    return against_base(
        document(drifted(difference, name="churn"), in_sync("fraud")),
        declared("changed", "churn", leaf(TYPE, "ml.m5.xlarge", "ml.m5.2xlarge", "pending")),
    )


def many(definitions: int, differences: int = 1, width: int = 10, letter: str = "x") -> Document:
    """So many drifted definitions, each with so many differences of so long values."""
    return document(
        *(
            drifted(
                *(changed([f"M{each}"], letter * width, each) for each in range(differences)),
                name=f"d{index:05}",
            )
            for index in range(definitions)
        )
    )


_ORIGINS: tuple[Origin, ...] = ("introduced", "resolved", "existing")


@st.composite
def _leaves(draw: st.DrawFn) -> DesiredChangeEntry:
    path = draw(st.lists(hostile_text | st.integers(0, 9), min_size=1, max_size=3))
    made = leaf(path, draw(hostile_values), draw(hostile_values), "pending")
    made["change"] = draw(st.sampled_from(("changed", "added", "removed")))
    made["rollout"] = draw(st.sampled_from(("pending", "done", "diverged", "unknown")))
    made["sensitive"] = draw(st.booleans())
    return made


@st.composite
def hostile_changes(draw: st.DrawFn) -> Document:
    """Documents with a base, or with errors, in which every free text is an attack on some reader."""
    made = draw(hostile_documents())
    if draw(st.integers(0, 9)) == 0:
        made["invalid"] = [{"message": draw(hostile_text), "source": source(draw(hostile_text))}]
        return made
    for resource in made["resources"]:
        for difference in resource["differences"]:
            difference["origin"] = draw(st.sampled_from(_ORIGINS))
            difference["intended"] = draw(st.booleans())
        resource["origin"] = draw(st.sampled_from((None, *_ORIGINS)))
        resource["intended"] = draw(st.booleans())
        resource["resolved"] = resource["differences"][:1]
    names = [(each["target"], each["name"]) for each in made["resources"]] or [("prod", "a")]
    declarations = []
    for _ in range(draw(st.integers(0, 3))):
        target, name = draw(st.sampled_from(names) | st.tuples(hostile_text, hostile_text))
        one = declared(
            draw(st.sampled_from(("added", "removed", "renamed", "moved", "changed"))),
            name,
            *draw(st.lists(_leaves(), max_size=2)),
            live=draw(st.sampled_from(("present", "absent", "unknown"))),
            at=source(draw(hostile_text)),
        )
        one["target"] = target
        if one["change"] in ("renamed", "moved"):
            one["was"] = {"target": target, "name": draw(hostile_text), "source": source(draw(hostile_text))}
        declarations.append(one)
    changing = against_base(made, *declarations, ref=draw(hostile_text))
    if draw(st.integers(0, 9)) == 0:
        changing["base"]["error"] = {"code": draw(hostile_text), "message": draw(hostile_text)}
    return changing
