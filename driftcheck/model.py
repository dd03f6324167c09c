"""The vocabulary of a run, as frozen values: desired state, readings, findings, report.

Nothing here does I/O, reads a clock or knows of AWS's members.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""A JSON value; floats are finite."""

Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands in a definition: member names, map keys and list indices, outermost first."""


class Status(StrEnum):
    """What was found out about one definition."""

    IN_SYNC = "in_sync"
    DRIFTED = "drifted"
    MISSING = "missing"
    UNMANAGED = "unmanaged"
    ERROR = "error"


class Change(StrEnum):
    """How live differs from desired at one path."""

    CHANGED = "changed"
    ADDED = "added"
    """Live has it, desired does not."""
    REMOVED = "removed"
    """Desired has it, live does not."""


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """What names one definition: the kind's name, the name within its target, the target's name."""

    kind: str
    target: str
    name: str


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a desired file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


AMBIENT = "default"
"""The target of a file that names none: the ambient credentials and region."""


@dataclass(frozen=True, slots=True)
class Target:
    """One (account, region) as the operator declares it, and how to reach it.

    A ``region`` or ``account`` of None is whatever the credentials bring; a declared ``account`` is asserted
    before anything is compared. ``variables`` are what ``${var.NAME}`` stands for.
    """

    name: str
    region: str | None = None
    account: str | None = None
    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def known_account(self) -> str | None:
        """The account, as far as it is known before the target is reached."""
        return self.account or (self.role_arn.split(":")[4] if self.role_arn else None)


Place: TypeAlias = "tuple[str | None, str | None]"
"""Account and region of a target; None for what is not known."""


def is_same(one: Place, other: Place) -> bool | None:
    """Tell whether two targets are of one account and region; None where it is not known."""
    known = [mine == theirs for mine, theirs in zip(one, other, strict=True) if mine and theirs]
    return all(known) and (True if len(known) == len(one) else None)


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A ``lifecycle`` path: exact steps, with None for ``*`` and ``[*]``; it covers what is under it."""

    text: str
    steps: tuple[str | int | None, ...]

    def covers(self, path: Path) -> bool:
        """Tell whether ``path`` is the member that this pattern names, or lies under it."""
        return len(path) >= len(self.steps) and self.meets(path)

    def meets(self, path: Path) -> bool:
        """Tell whether ``path`` lies under what this pattern names, or above it."""
        return all(step is None or step == key for step, key in zip(self.steps, path, strict=False))


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """One entry of ``lifecycle.ignore_changes``; after the day ``until`` it no longer hides anything."""

    pattern: PathPattern
    location: Location
    reason: str | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Desired:
    """One declared definition, in one target.

    ``properties`` has the members of the kind's Create call without the name and what the server assigns;
    ``locate`` gives the place in the file that declares a path (or the nearest member above it). Of what is
    loaded from files both are small, may be sent to another process, and are worked out when they are asked.
    ``plain_keys`` are the operator's: environment keys that speak of no secret, whatever they sound like.
    """

    address: Address
    properties: Mapping[str, Json]
    location: Location
    locate: Callable[[Path], Location] = field(repr=False, compare=False)
    ignore: tuple[IgnoreRule, ...] = ()
    sensitive: tuple[PathPattern, ...] = ()
    plain_keys: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Live:
    """AWS described the definition.

    ``properties`` is the answer in the modelled types, without the name and what the server assigns;
    ``unknown`` are the paths in it that the installed botocore's service model does not have.
    """

    properties: Mapping[str, Json]
    arn: str
    created_at: datetime
    unknown: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """AWS answered ``ResourceNotFound``."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """No trustworthy answer: AWS's error code, or the name of what failed, and one line for the user.

    ``profile`` is the AWS profile that gave the credentials, None where none did.
    """

    code: str
    message: str
    profile: str | None = None


KIND_NAMES = (
    "ModelQualityJobDefinition",
    "DataQualityJobDefinition",
    "ModelBiasJobDefinition",
    "ModelExplainabilityJobDefinition",
)
"""The kinds of which everything that exists is listed; ``kinds`` has what botocore says of each."""

CUT_SHORT = frozenset({"Interrupted", "DeadlineExceeded"})
"""Codes of what was not read because the run ended before: nothing was found out about it."""

NOT_LOOKED_FOR = "unmanaged-not-looked-for"
"""The code of the warning that kinds which no file declares could not be listed."""

Reading: TypeAlias = Live | Missing | Unreadable


class Origin(StrEnum):
    """Where a difference, or a status, comes from: seen from the base of a change."""

    INTRODUCED = "introduced"
    RESOLVED = "resolved"
    EXISTING = "existing"


@dataclass(frozen=True, slots=True)
class PropertyDifference:
    """One leaf, or one whole block that one side lacks.

    With a base there is an ``origin``; what is introduced is ``intended`` where the change declares it.
    """

    path: Path
    change: Change
    desired: Json = None
    live: Json = None
    sensitive: bool = False
    source: Location | None = None
    origin: Origin | None = None
    intended: bool = False


@dataclass(frozen=True, slots=True)
class IgnoredDifference:
    """A difference that a rule hides."""

    difference: PropertyDifference
    rule: IgnoreRule


@dataclass(frozen=True, slots=True)
class Before:
    """What the base's declaration of the same address meets in the same reading.

    ``status`` is None where it declares none, and AWS has none. ``origin`` and ``intended`` are of the
    finding's own status, where that is missing or unmanaged; ``resolved`` are its differences that are gone.
    """

    status: Status | None
    origin: Origin | None = None
    intended: bool = False
    resolved: tuple[PropertyDifference, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome for one definition.

    ``unknown`` are the paths in what AWS returned that the installed botocore's service model does not have.
    """

    address: Address
    status: Status
    arn: str | None = None
    created_at: datetime | None = None
    source: Location | None = None
    differences: tuple[PropertyDifference, ...] = ()
    ignored: tuple[IgnoredDifference, ...] = ()
    unknown: tuple[Path, ...] = ()
    error: Unreadable | None = None
    before: Before | None = None


@dataclass(frozen=True, slots=True)
class Invalid:
    """One error in the desired state; ``where`` names the file or folder, if there is no place in one."""

    where: Location | str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: error: {self.message}"


@dataclass(frozen=True, slots=True)
class Warn:
    """Something that did not change the outcome and that somebody should look at."""

    code: str
    message: str
    source: Location | None = None


@dataclass(frozen=True, slots=True)
class TargetReading:
    """One (account, region) that was looked at; ``error`` is what kept it from being read whole.

    ``listed`` are the names of the kinds of which everything that exists was listed; ``is_reached``: AWS gave
    at least one answer about it.
    """

    name: str
    account: str | None
    region: str | None
    error: Unreadable | None = None
    listed: frozenset[str] = frozenset()
    is_reached: bool = True


@dataclass(frozen=True, slots=True)
class Shard:
    """One of ``count`` parts of a run, counted from 1; ``whole`` is a digest that they all share."""

    index: int
    count: int
    whole: str

    def holds(self, *words: str) -> bool:
        """Tell whether what has this name is for this shard: exactly one of them says yes, on any machine."""
        digest = sha256("\0".join(words).encode()).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.index - 1


@dataclass(frozen=True, slots=True)
class Inputs:
    """What decides a result, beside what AWS answers; it is the same in all parts of one run.

    ``select`` are the globs for names, ``unmanaged`` tells whether other definitions are looked for, and
    ``declared`` has a digest for each target that the files are for. ``targets`` are those that were asked
    for, empty where that is all of these.
    """

    select: tuple[str, ...]
    unmanaged: bool
    declared: Mapping[str, str]
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undecided:
    """An existing definition that other targets declare, which may be in the same place.

    ``finding`` is that it is unmanaged, which it is if no target of ``declared_for`` is of its account and
    region.
    """

    finding: Finding
    declared_for: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Calls:
    """How many requests a run sent to the API, and how many of them were refused because they came too fast.

    Every attempt is one; those that only get credentials are not counted.
    """

    made: int
    throttled: int

    def __add__(self, other: Calls) -> Calls:
        return Calls(self.made + other.made, self.throttled + other.throttled)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a run found out. Times are aware, in UTC; nothing in it is a sensitive value.

    ``interrupted``: a signal or the deadline cut the run short.
    """

    started_at: datetime
    finished_at: datetime
    interrupted: bool
    targets: tuple[TargetReading, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[Warn, ...] = ()
    shard: Shard | None = None
    calls: Calls | None = None
    inputs: Inputs | None = None
    undecided: tuple[Undecided, ...] = ()
