"""Two desired states to what became of each declaration between them, before AWS is asked."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

from driftcheck.compare import changes, shown
from driftcheck.paths import at, leaves
from driftcheck.redact import secrets_in
from driftcheck.revision import Revised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from driftcheck.model import Address, Desired, Path, PathPattern, PropertyDifference

Candidate: TypeAlias = "tuple[float, Desired, Desired]"
"""A declaration of head and one of the base that may be of one definition; of the lowest number first."""

_MAX_LEAVES = 10_000_000
"""Leaves that are held against each other, for all pairs of an added and a removed definition, in a second or
two; of more, only equal definitions are renamed."""
_MAX_EQUAL = 100
"""And of many that are equal to each other, these."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One leaf or block that is declared otherwise, as it is and as it may be shown.

    In both, ``desired`` is what is declared now, and ``live`` what the base declares.
    """

    raw: PropertyDifference
    clean: PropertyDifference


@dataclass(frozen=True, slots=True)
class Revision:
    """What became of a declaration; ``former`` is that of the base, None where there is none."""

    revised: Revised
    former: Desired | None
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """One address: what the base declares there, what is declared now, and what came of the declaration.

    Both hide what either of them, or the former name of one, calls sensitive. ``secrets`` are texts of all of
    them that may not be shown anywhere.
    """

    base: Desired | None
    head: Desired | None
    revision: Revision | None = None
    secrets: frozenset[str] = frozenset()


def subjects(base: Iterable[Desired], head: Iterable[Desired]) -> dict[Address, Subject]:
    """Every address that either of two desired states declares, in order."""
    before = {desired.address: desired for desired in base}
    after = {desired.address: desired for desired in head}
    gone = [before[address] for address in sorted(before.keys() - after.keys())]
    new = [after[address] for address in sorted(after.keys() - before.keys())]
    former = {one.address: (Revised.MOVED, other) for one, other in _retargeted(new, gone)}
    kept = {other.address for _, other in former.values()}
    new_names = [desired for desired in new if desired.address not in former]
    old_names = [desired for desired in gone if desired.address not in kept]
    former |= {one.address: (Revised.RENAMED, other) for one, other in _renamed(new_names, old_names)}

    found: dict[Address, Subject] = {}
    found |= {desired.address: Subject(desired, None, Revision(Revised.REMOVED, desired)) for desired in gone}
    for address, now in after.items():
        if (same := before.get(address)) is not None:
            moved = Revised.MOVED if same.location.file != now.location.file else None
            was, guarded, secrets, revision = _compared(same, now, moved)
            found[address] = Subject(was, guarded, revision, secrets)
        elif address in former:
            revised, other = former[address]
            was, guarded, secrets, revision = _compared(other, now, revised)
            found[address] = Subject(None, guarded, revision, secrets)
            found[was.address] = Subject(was, None, None, secrets)
        else:
            found[address] = Subject(None, now, Revision(Revised.ADDED, None))
    return {address: found[address] for address in sorted(found)}


def _compared(
    was: Desired, now: Desired, revised: Revised | None
) -> tuple[Desired, Desired, frozenset[str], Revision | None]:
    """Both declarations of a definition, each hiding what the other does too, and what lies between them."""
    now, was = _guarded(now, was.sensitive), _guarded(was, now.sensitive)
    before, after = dict(was.properties), dict(now.properties)
    if before == after:
        return was, now, frozenset(), Revision(revised, was) if revised else None
    secrets = frozenset(
        text
        for side in (before, after)
        for text in secrets_in(side, now.sensitive, plain_keys=now.plain_keys)
    )
    edits = tuple(Edit(raw, shown(now, raw, secrets)) for raw in changes(before, after))
    revised = revised or (Revised.CHANGED if edits else None)
    return was, now, secrets, Revision(revised, was, edits) if revised else None


def _guarded(desired: Desired, sensitive: Iterable[PathPattern]) -> Desired:
    more = tuple(pattern for pattern in sensitive if pattern not in desired.sensitive)
    return replace(desired, sensitive=(*desired.sensitive, *more)) if more else desired


def _best(candidates: Iterable[Candidate]) -> Iterator[tuple[Desired, Desired]]:
    """The pairs of lowest rank in which nothing is twice, the same in whatever order they come."""
    taken: set[Address] = set()
    for _, now, was in sorted(candidates, key=lambda row: (row[0], row[1].address, row[2].address)):
        if not {now.address, was.address} & taken:
            taken |= {now.address, was.address}
            yield now, was


def _retargeted(new: Iterable[Desired], gone: Iterable[Desired]) -> Iterator[tuple[Desired, Desired]]:
    """Pairs of one kind and name, those of one file first."""
    for one, other in _grouped(new, gone, lambda address: (address.kind, address.name)):
        yield from _best(
            (float(now.location.file != was.location.file), now, was) for now, was in product(one, other)
        )


def _renamed(new: Iterable[Desired], gone: Iterable[Desired]) -> Iterator[tuple[Desired, Desired]]:
    """Pairs of one kind and target that share more than half of their leaves, those that share most first."""
    for one, other in _grouped(new, gone, lambda address: (address.kind, address.target)):
        yield from _best(_alike(one, other))


def _alike(one: Sequence[Desired], other: Sequence[Desired]) -> Iterator[Candidate]:
    contents = {desired.address: _content(desired) for desired in (*one, *other)}
    many = sum(len(contents[now.address]) for now in one) * len(other) > _MAX_LEAVES
    equal = defaultdict(list)
    for was in other:
        equal[contents[was.address]].append(was)
    for now in one:
        content = contents[now.address]
        for was in equal[content][:_MAX_EQUAL] if many else other:
            shared = len(content & contents[was.address]) / max(len(content), len(contents[was.address]))
            if shared > 1 / 2:
                yield -shared, now, was


def _content(desired: Desired) -> frozenset[tuple[Path, str]]:
    properties = dict(desired.properties)
    return frozenset((path, repr(at(properties, path))) for path in leaves((), properties))


def _grouped(
    new: Iterable[Desired], gone: Iterable[Desired], by: Callable[[Address], tuple[str, str]]
) -> Iterator[tuple[list[Desired], list[Desired]]]:
    groups: dict[tuple[str, str], tuple[list[Desired], list[Desired]]] = {}
    for side, some in enumerate((new, gone)):
        for desired in some:
            groups.setdefault(by(desired.address), ([], []))[side].append(desired)
    return (group for group in groups.values() if all(group))
