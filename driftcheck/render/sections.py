"""The parts of a comment as values: lines, differences, definitions and headings, not yet Markdown.

Texts from outside are ``visible``; what shows them sees to it that they are inert.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from driftcheck.render.common import (
    block_lines,
    name_text,
    path_text,
    source_text,
    time_text,
    visible,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from driftcheck.document.entries import (
        DesiredChangeEntry,
        DifferenceEntry,
        ResourceEntry,
        SourceEntry,
    )
    from driftcheck.model import Json

Item: TypeAlias = tuple[tuple[str, bool], ...]
"""A line in pieces: each a text, and whether it is from outside and so has to stand in a code span."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """A leaf that differs: ``values`` are its sides, each after its sign; ``says`` follows the path."""

    path: str
    values: tuple[tuple[str, list[str]], ...]
    says: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A definition with what differs; ``label`` stands before its name, ``says`` after it."""

    name: str
    says: str
    facts: Item
    hunks: Sequence[Hunk]
    label: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with lines and definitions under it; ``is_folded`` hides all until somebody opens it."""

    title: str
    intro: str = ""
    items: Sequence[Item] = ()
    blocks: Sequence[Block] = ()
    is_folded: bool = False


def counted(count: int, what: str) -> str:
    """``1 definition``, ``2 definitions``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def drifted_block(resource: ResourceEntry, differences: Sequence[DifferenceEntry]) -> Block:
    """A definition with differences: ``-`` is what is declared, ``+`` what AWS has."""
    hunks = [
        Hunk(path_text(each["path"]), sides(each, each["desired"], each["live"], "-+"))
        for each in differences
    ]
    says = f": {counted(len(hunks), 'difference')}"
    return Block(name_text(resource), says, facts_of(resource), hunks)


def sides(
    entry: DifferenceEntry | DesiredChangeEntry, former: Json, latter: Json, signs: str
) -> tuple[tuple[str, list[str]], ...]:
    """The lines of both values of an entry, as far as it has them, each with its sign."""
    found = []
    if entry["change"] != "added":
        found.append((signs[0], block_lines(former, sensitive=entry["sensitive"])))
    if entry["change"] != "removed":
        found.append((signs[1], block_lines(latter, sensitive=entry["sensitive"])))
    return tuple(found)


def listed(resources: Iterable[ResourceEntry]) -> list[Item]:
    """A line for each definition, with where it is declared."""
    return [
        (*name_item(each), *(((", ", False), *facts) if (facts := facts_of(each)) else ()))
        for each in resources
    ]


def with_status(resource: ResourceEntry) -> Item:
    """A line for a definition that is missing or unmanaged."""
    is_missing = resource["status"] == "missing"
    return (
        *name_item(resource),
        (" is declared, and not in AWS" if is_missing else " is in AWS, and no file declares it", False),
    )


def name_item(resource: ResourceEntry) -> Item:
    """A definition's name, to begin a line with."""
    return ((name_text(resource), True),)


def facts_of(resource: ResourceEntry) -> Item:
    """Where a definition is declared, and since when AWS has it."""
    facts: list[tuple[str, bool]] = []
    if resource["source"]:
        facts += [("declared in ", False), (source_text(resource["source"]), True)]
    if resource["created_at"]:
        since = f"live since {time_text(resource['created_at'])}"
        facts.append((f", {since}" if facts else since, False))
    return tuple(facts)


def placed(source: SourceEntry | None, message: str) -> Item:
    """A message with its place in a file."""
    place = ((source_text(source), True), (": ", False)) if source else ()
    return (*place, (visible(message), True))
