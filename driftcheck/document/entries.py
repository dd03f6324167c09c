"""The members of the result document, as types; ``result.schema.json`` is their published form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from driftcheck.model import Json, Location, Unreadable


class SourceEntry(TypedDict):
    """A place in a desired file; ``column`` is left out where only the line matters."""

    file: str
    line: int
    column: NotRequired[int]


class ErrorEntry(TypedDict):
    """What kept something from being read: AWS's error code and one line.

    ``profile`` is there where an AWS profile gave the credentials.
    """

    code: str
    message: str
    profile: NotRequired[str]


Origin = Literal["introduced", "resolved", "existing"]
"""Whether a difference is there by the change from the base, no longer because of it, or was before it."""


class DifferenceEntry(TypedDict):
    """One leaf that differs; ``desired`` is null for ``added``, ``live`` for ``removed``.

    With a base, ``origin`` is set, and ``intended`` tells whether rolling the change out removes what it
    introduces.
    """

    path: list[str | int]
    change: Literal["changed", "added", "removed"]
    desired: Json
    live: Json
    sensitive: bool
    source: SourceEntry | None
    origin: NotRequired[Origin]
    intended: NotRequired[bool]


class IgnoredEntry(DifferenceEntry):
    """A difference that a rule of ``lifecycle.ignore_changes`` hides; ``until`` is an ISO 8601 date.

    ``rule_source`` is where the rule stands; the earliest documents do not have it.
    """

    rule: str
    reason: str | None
    until: str | None
    rule_source: NotRequired[SourceEntry | None]


StatusName = Literal["in_sync", "drifted", "missing", "unmanaged", "error"]


class ResourceEntry(TypedDict):
    """One definition's outcome.

    With a base: ``base_status`` is the outcome of what the base declares, null where there is none;
    ``origin`` and ``intended`` are of the status ``missing`` or ``unmanaged``, as for a difference; and
    ``resolved`` are the differences of the base that are none any more, with their places in its files.
    """

    kind: str
    name: str
    target: str
    status: StatusName
    arn: str | None
    created_at: str | None
    source: SourceEntry | None
    differences: list[DifferenceEntry]
    ignored: list[IgnoredEntry]
    error: ErrorEntry | None
    base_status: NotRequired[StatusName | None]
    origin: NotRequired[Origin | None]
    intended: NotRequired[bool]
    resolved: NotRequired[list[DifferenceEntry]]


class TargetEntry(TypedDict):
    """One (account, region).

    ``listed`` are the kinds of which everything that exists was listed, in order; see ``document.listed``.
    """

    name: str
    account: str | None
    region: str | None
    error: ErrorEntry | None
    listed: NotRequired[list[str]]


class WarningEntry(TypedDict):
    """Something to look at that did not change the outcome."""

    code: str
    message: str
    source: SourceEntry | None


class Summary(TypedDict):
    """The counts; ``declared`` is all but ``unmanaged``, ``read`` all of these but ``error``.

    ``coverage`` is read / (read + unmanaged), from 0.0 to 1.0; None where nothing was read, or where it is
    not known what else exists.
    """

    declared: int
    read: int
    in_sync: int
    drifted: int
    missing: int
    unmanaged: int
    error: int
    coverage: float | None


class ShardEntry(TypedDict):
    """Which part of a run it is, counted from 1; ``whole`` is the same in all parts of one run."""

    index: int
    count: int
    whole: str


class DeclaredEntry(TypedDict):
    """A digest of how a target is reached and read, and of all that the files declare for it."""

    target: str
    digest: str


class UndecidedEntry(TypedDict):
    """An unmanaged definition, if no target of ``declared_for`` is of its account and region."""

    resource: ResourceEntry
    declared_for: list[str]


class RunEntry(TypedDict):
    """What makes results parts of one run: they have the same ``select``, ``unmanaged`` and digests.

    ``declared`` are all targets that the files are for, reached or not; ``resources`` is a digest of which
    definitions and targets the document has; ``targets`` are those that the run is about, empty for all;
    ``undecided`` is what ``merge`` is to decide, left out for none.
    """

    select: list[str]
    unmanaged: bool
    declared: list[DeclaredEntry]
    resources: str
    undecided: NotRequired[list[UndecidedEntry]]
    targets: NotRequired[list[str]]


class CallsEntry(TypedDict):
    """How many requests the run sent to the API, and how many of them were refused for the rate."""

    made: int
    throttled: int


class FormerEntry(TypedDict):
    """What a definition was called in the base, and where it stood."""

    target: str
    name: str
    source: SourceEntry | None


class DesiredChangeEntry(TypedDict):
    """One leaf, or whole block, that the change from the base declares otherwise.

    ``base`` is null for ``added``, ``desired`` for ``removed``. ``rollout`` tells what AWS has there:
    ``pending`` what the base declares, ``done`` what is now declared, ``diverged`` neither; ``unknown`` when
    it could not be read.
    """

    path: list[str | int]
    change: Literal["changed", "added", "removed"]
    base: Json
    desired: Json
    sensitive: bool
    source: SourceEntry | None
    rollout: Literal["pending", "done", "diverged", "unknown"]


class DeclarationEntry(TypedDict):
    """One definition whose declaration is not that of the base.

    ``renamed``: same content, or most of it, under another name; ``moved``: to another file or target.
    ``was`` is the former declaration of what was renamed, moved or removed, with its place in the base's
    files; ``source`` is null for what was removed. ``live`` tells whether AWS has a definition of this name.
    ``changes`` are the leaves that are declared otherwise.
    """

    change: Literal["added", "removed", "renamed", "moved", "changed"]
    kind: str
    target: str
    name: str
    source: SourceEntry | None
    was: FormerEntry | None
    live: Literal["present", "absent", "unknown"]
    changes: list[DesiredChangeEntry]


class BaseEntry(TypedDict):
    """What the result is compared with: ``ref`` as it was asked for, ``commit`` the merge base.

    ``error`` is why the base's desired state could not be used; then nothing has an origin.
    """

    ref: str
    commit: str
    error: ErrorEntry | None
    declarations: list[DeclarationEntry]


class InvalidEntry(TypedDict):
    """One error in the desired state."""

    message: str
    source: SourceEntry | None


class Document(TypedDict):
    """A run's result. Times are UTC, ISO 8601, to the second, ending in Z; ``shard`` is that of a part.

    ``complete``: every target was reached, every declared definition read, and nothing cut the run short.
    ``interrupted``: a signal or the deadline did.
    ``last_started_at`` is there where results were merged that did not start at once: when the last one did.
    ``calls`` and ``run`` are not in the earliest documents, nor ``run`` in those of an invalid desired state.
    ``invalid`` is there when the desired state is: then nothing was compared, and ``complete`` is false.
    """

    format_version: str
    driftcheck_version: str
    started_at: str
    last_started_at: NotRequired[str]
    finished_at: str
    complete: bool
    interrupted: bool
    shard: NotRequired[ShardEntry]
    calls: NotRequired[CallsEntry]
    run: NotRequired[RunEntry]
    base: NotRequired[BaseEntry]
    invalid: NotRequired[list[InvalidEntry]]
    summary: Summary
    targets: list[TargetEntry]
    resources: list[ResourceEntry]
    warnings: list[WarningEntry]


def source_entry(location: Location | None) -> SourceEntry | None:
    """A place of which only the line matters."""
    return None if location is None else {"file": location.file, "line": location.line}


def error_entry(error: Unreadable | None) -> ErrorEntry | None:
    """What kept something from being read."""
    if error is None:
        return None
    entry: ErrorEntry = {"code": error.code, "message": error.message}
    if error.profile:
        entry["profile"] = error.profile
    return entry
