"""The members of a notice, as types; ``event.schema.json`` is the published form of an event's detail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from driftcheck.document.entries import ErrorEntry, SourceEntry, StatusName
    from driftcheck.model import Json

EventKind = Literal[
    "missing",
    "drifted",
    "changed",
    "unreadable",
    "unmanaged",
    "reminder",
    "removed",
    "readable",
    "repaired",
]
"""What an event tells, the worst first: a change as in the history, or that something still lasts."""

TargetEventKind = Literal["unreadable", "readable", "reminder"]


class RunEntry(TypedDict):
    """The run that an event is of."""

    started_at: str
    driftcheck_version: str


class DefinitionEntry(TypedDict):
    """What names a definition, and where it is."""

    kind: str
    target: str
    name: str
    arn: str | None
    account: str | None
    region: str | None
    source: SourceEntry | None


class EventDifferenceEntry(TypedDict):
    """One leaf that differs."""

    path: list[str | int]
    change: Literal["changed", "added", "removed"]
    desired: Json
    live: Json
    sensitive: bool


class Event(TypedDict):
    """One change of one definition, or a reminder of one.

    ``id`` is the same whenever the same event is sent, and no other event's. ``status`` is what the
    definition is now, null where nothing speaks of it any more; ``before`` is what ended. ``since`` is the
    first run that found it so (for what ended: that it was so until ``until``), ``seconds`` how long that is.
    ``created_at`` is the live ``CreationTime``. ``differences_left_out`` counts those for which there was no
    room. ``repeated`` is there, and true, when the event may have been sent before.
    """

    schema_version: str
    id: str
    event: EventKind
    run: RunEntry
    definition: DefinitionEntry
    status: StatusName | None
    before: StatusName | None
    since: str
    until: str | None
    seconds: int
    created_at: str | None
    differences: list[EventDifferenceEntry]
    differences_left_out: int
    error: ErrorEntry | None
    repeated: NotRequired[bool]


class StandingEntry(TypedDict):
    """A definition that is still not in sync, or not readable, and that no event of the notice is about.

    ``count`` is there where it stands for so many of its target, not readable since the same run.
    ``unreadable_since`` is there where ``status`` is what it was when it was last read.
    """

    kind: str
    target: str
    name: str
    status: StatusName
    since: str
    seconds: int
    count: NotRequired[int]
    unreadable_since: NotRequired[str]


class PlaceEntry(TypedDict):
    """A target and where it is; ``failure`` is there where it cannot be read whole."""

    name: str
    account: str | None
    region: str | None
    failure: NotRequired[FailureEntry]


class FailureEntry(TypedDict):
    """Reason why a target cannot be read whole, and the run that first found it so."""

    since: str
    error: ErrorEntry


class TargetEvent(TypedDict):
    """One change of what keeps a target from being read whole, or a reminder of it."""

    event: TargetEventKind
    target: str
    since: str
    seconds: int
    error: ErrorEntry


class MoveEntry(TypedDict):
    """A target that the run before saw in another place: nothing is said to have changed in it."""

    before: PlaceEntry
    now: PlaceEntry


class Notice(TypedDict):
    """All that one run has to tell: its events, the worst first, and what has not changed, the oldest first.

    ``counts`` are of what is known with the run, by status; ``unread`` of those not in sync cannot be read
    now. ``read`` is how many the run read, of how many. ``standing`` names some; ``standing_count`` counts
    all. ``targets`` are where it looked, ``moved`` those that were elsewhere before. ``target_events`` are of
    causes that no event tells. Notices of 0.1 have only the required members.
    """

    format: int
    run: RunEntry
    counts: dict[str, int]
    events: list[Event]
    standing: list[StandingEntry]
    standing_count: int
    targets: NotRequired[list[PlaceEntry]]
    moved: NotRequired[list[MoveEntry]]
    target_events: NotRequired[list[TargetEvent]]
    unread: NotRequired[int]
    read: NotRequired[tuple[int, int]]
