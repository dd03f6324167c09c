"""The vocabulary of a change: how the declarations differ from those of its base, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftcheck.model import Address, Change, Json, Location, Path, Unreadable


class Rollout(StrEnum):
    """What AWS has where something is declared otherwise than in the base."""

    PENDING = "pending"
    """What the base declares."""
    DONE = "done"
    """What is declared now."""
    DIVERGED = "diverged"
    """Neither."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DeclaredChange:
    """One leaf, or one whole block, that is declared otherwise; ``added`` is not declared by the base."""

    path: Path
    change: Change
    base: Json
    desired: Json
    sensitive: bool
    source: Location | None
    rollout: Rollout


class Revised(StrEnum):
    """What became of a declaration."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    """The same content, or most of it, under another name."""
    MOVED = "moved"
    """The same name in another file, or for another target."""
    CHANGED = "changed"


class Presence(StrEnum):
    """Whether AWS has a definition."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Former:
    """The declaration in the base of what was renamed, moved or removed."""

    address: Address
    source: Location


@dataclass(frozen=True, slots=True)
class Declaration:
    """One definition that the base declares otherwise; ``source`` is None for what is removed."""

    revised: Revised
    address: Address
    source: Location | None
    former: Former | None
    live: Presence
    changes: tuple[DeclaredChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Base:
    """What a run is compared with: ``ref`` as it was asked for, ``commit`` the merge base.

    ``error`` is why its desired state could not be used; then nothing has an origin.
    """

    ref: str
    commit: str
    error: Unreadable | None = None
    declarations: tuple[Declaration, ...] = ()
