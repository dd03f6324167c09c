"""What Describe answered in earlier runs, of definitions that have not been recreated since.

A definition has no Update call, so one that List shows with the ARN and the ``CreationTime`` that it had when
it was described is the one that was described: ``docs/incremental.md`` has the argument and its limits.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftcheck.kinds import READ_WITH
from driftcheck.model import Live
from driftcheck.places import Prefix
from driftcheck.redact import RULES, masked, secrets_in

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from driftcheck.model import Desired, PathPattern

_FORMAT = "2"
"""Another one than that of answers which were kept although they lacked what they must have."""
_SETTLED = timedelta(minutes=10)
"""How much older than its description a definition must be: twice what the clocks of a caller and of AWS may
differ before AWS refuses its signatures. One that is recreated later has another ``CreationTime``."""

_MAX_SIZE = 512 * 2**20
"""Bytes: more than twice what 100,000 definitions with every member take."""

Places = tuple[Path | Prefix, Path]
"""Where states are read, and the folder in which they are kept."""


class UnusableError(Exception):
    """What was kept cannot be relied on; one line says why."""


@dataclass(frozen=True, slots=True)
class Record:
    """One answer of Describe, its properties as JSON, and when it came.

    ``rules`` are those by which nothing in it is sensitive.
    """

    arn: str
    created_at: datetime
    described_at: datetime
    properties: str
    rules: str
    unknown: tuple[tuple[str | int, ...], ...] = ()


Key = tuple[str, str]
"""A kind and the name of a definition."""


@dataclass(slots=True)
class Memory:
    """What is known of one target: ``earlier`` from runs since ``since``, or None; ``now`` from this one."""

    since: datetime
    earlier: dict[Key, Record] | None = None
    now: dict[Key, Record] = field(default_factory=dict)

    def recall(self, kind: str, name: str, arn: str, created_at: datetime) -> Live | None:
        """The description of the very definition that List shows so, if there is one to rely on."""
        record = (self.earlier or {}).get((kind, name))
        if (
            record is None
            or (record.arn, record.created_at) != (arn, created_at)
            or record.described_at - record.created_at < _SETTLED
        ):
            return None
        try:
            properties = json.loads(record.properties)
        except (ValueError, RecursionError):
            return None
        if not isinstance(properties, dict):
            return None
        return Live(properties, record.arn, record.created_at, record.unknown)

    def note(self, desired: Desired, live: Live, moment: datetime) -> None:
        """Keep a description, unless it holds anything sensitive: that is on no disk."""
        key = desired.address.kind, desired.address.name
        self.forget(desired)
        properties: Any = dict(live.properties)
        if not masked((), properties, desired.sensitive, (), desired.plain_keys)[1]:
            text = json.dumps(properties, separators=(",", ":"), ensure_ascii=False)
            rules = _rules(desired.sensitive, desired.plain_keys)
            self.now[key] = Record(live.arn, live.created_at, moment, text, rules, live.unknown)

    def forget(self, desired: Desired) -> None:
        """Do not rely on an earlier description again."""
        (self.earlier or {}).pop((desired.address.kind, desired.address.name), None)


def drop_sensitive(
    memory: Memory,
    definitions: Mapping[Key, Desired],
    sensitive: Mapping[Key, tuple[PathPattern, ...]],
    plain_keys: frozenset[str],
    differing: Collection[Key],
) -> None:
    """Forget what is sensitive by today's rules, which may not be those that it was described under.

    Args:
        memory: what is known of a target.
        definitions: those that this run looked at.
        sensitive: the paths of ``lifecycle.sensitive`` of the others that are declared.
        plain_keys: the operator's.
        differing: the definitions that differ from live: a sensitive text of theirs may stand elsewhere in
            live, where no rule of its own covers it.
    """
    for records in (memory.earlier or {}, memory.now):
        for key, record in [*records.items()]:
            desired = definitions.get(key)
            patterns = desired.sensitive if desired else sensitive.get(key, ())
            rules = _rules(patterns, plain_keys)
            if record.rules == rules and key not in differing:
                continue
            secrets = _secrets(desired) if desired else set()
            if _is_clean(record.properties, patterns, secrets, plain_keys):
                records[key] = replace(record, rules=rules)
            else:
                del records[key]


def _secrets(desired: Desired) -> set[str]:
    return set(secrets_in(dict(desired.properties), desired.sensitive, plain_keys=desired.plain_keys))


def _is_clean(
    text: str, patterns: tuple[PathPattern, ...], secrets: Collection[str], plain_keys: frozenset[str]
) -> bool:
    try:
        return not masked((), json.loads(text), patterns, secrets, plain_keys)[1]
    except (ValueError, RecursionError):
        return False


@lru_cache(maxsize=1024)
def _rules(patterns: tuple[PathPattern, ...], plain_keys: frozenset[str]) -> str:
    """Digest of the rules that decide what is sensitive in a definition."""
    steps = sorted({repr(pattern.steps) for pattern in patterns})
    return hashlib.sha256(repr((RULES, steps, sorted(plain_keys))).encode()).hexdigest()[:16]


def dumps(memory: Memory) -> str:
    """All that is known, as text: a line about the rest, with its digest, and the rest."""
    known = {**(memory.earlier or {}), **memory.now}
    rows = [
        [
            kind,
            name,
            each.arn,
            each.created_at.isoformat(),
            each.described_at.isoformat(),
            each.properties,
            each.rules,
            each.unknown,
        ]
        for (kind, name), each in sorted(known.items())
    ]
    body = json.dumps(rows, separators=(",", ":"))
    head = {
        "format": _FORMAT,
        "made_by": READ_WITH,
        "since": memory.since.isoformat(),
        "sha256": hashlib.sha256(body.encode()).hexdigest(),
    }
    return f"{json.dumps(head)}\n{body}\n"


def loads(content: bytes, now: datetime, max_age: timedelta) -> Memory:
    """What earlier runs knew.

    Raises:
        UnusableError: it is damaged, made by another version, or older than ``max_age``.
    """
    head, _, body = content.partition(b"\n")
    try:
        about = json.loads(head)
        if (about["format"], about["made_by"]) != (_FORMAT, READ_WITH):
            raise UnusableError("it was written by another version")
        if about["sha256"] != hashlib.sha256(body.removesuffix(b"\n")).hexdigest():
            raise UnusableError("it is damaged")
        since = datetime.fromisoformat(about["since"])
        if not timedelta(0) <= now - since <= max_age:
            raise UnusableError(f"it is of {since:%Y-%m-%d %H:%M} UTC, and --max-age is over")
        records = {(row[0], row[1]): _record(row) for row in json.loads(body)}
    except (ValueError, TypeError, LookupError, RecursionError):
        raise UnusableError("it is damaged") from None
    return Memory(since, records)


def hold_size(size: float) -> None:
    """Refuse what is larger than any state.

    Raises:
        UnusableError: it is, in bytes.
    """
    if size > _MAX_SIZE:
        raise UnusableError(f"it is larger than {_MAX_SIZE // 2**20} MiB")


def _record(row: list[Any]) -> Record:
    *texts, unknown = row
    if not all(isinstance(text, str) for text in texts):
        raise TypeError
    _, _, arn, created_at, described_at, properties, rules = texts
    record = Record(
        arn,
        datetime.fromisoformat(created_at),
        datetime.fromisoformat(described_at),
        properties,
        rules,
        tuple(tuple(path) for path in unknown),
    )
    if record.created_at.tzinfo is None or record.described_at.tzinfo is None:
        raise ValueError
    return record
