"""Parts of a run: shards, for machines that know nothing of each other, and tasks, which one run hands out.

``merging`` puts the results of shards together, ``cluster`` those of tasks.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from driftcheck.model import Shard

if TYPE_CHECKING:
    from driftcheck.desired import DesiredState
    from driftcheck.model import Address, Desired, Location, Target

MOST = 1_000
"""Definitions of a task, and so what a worker that dies has done in vain."""


@dataclass(frozen=True, slots=True)
class Task:
    """Some definitions of one target; ``lists`` if what else exists there is to be listed too."""

    state: DesiredState
    lists: bool


def part(state: DesiredState, index: int, count: int, *, unmanaged: bool) -> DesiredState:
    """The definitions, the targets and the lists that are for one shard; ``index`` counts from 1.

    Every definition, and every list of what exists, is for exactly one of the ``count`` shards, on whatever
    machine and in whatever order the files are read. A target that has nothing for a shard is not in it.
    """
    shard = Shard(index, count, _whole(state, unmanaged=unmanaged))
    # all targets' copies of a declaration stay together, whatever name `${...}` gives each: whether a rule of
    # ignore_changes hid anything is asked of all of them. A line of a file would tell them too, but not the
    # same on a machine that has the files elsewhere.
    names: dict[Location, tuple[str, str]] = {}
    for desired in state.definitions:
        name = (desired.address.kind, desired.address.name)
        names[desired.location] = min(names.get(desired.location, name), name)
    definitions = tuple(desired for desired in state.definitions if shard.holds(*names[desired.location]))
    busy = {desired.address.target for desired in definitions}
    declared = {desired.address.target for desired in state.definitions}
    part = replace(state, definitions=definitions, shard=shard)
    targets = (
        target
        for target in state.targets
        if target.name in busy
        or (unmanaged and part.listed(target.name))
        # it would be in no shard at all
        or (not unmanaged and target.name not in declared and shard.holds(target.name))
    )
    reached = tuple(targets)
    unreached = tuple(target for target in state.targets if target not in reached)
    return replace(part, targets=reached, elsewhere=(*state.elsewhere, *unreached))


def _whole(state: DesiredState, *, unmanaged: bool) -> str:
    """A digest of what all shards together look at, by which a merge tells those that are not of one run."""
    addresses = sorted((d.address.kind, d.address.target, d.address.name) for d in state.definitions)
    targets = sorted(target.name for target in state.targets)
    contents = sorted(state.digests.items())
    all_of_it = (addresses, targets, contents, sorted(state.select), unmanaged)
    return sha256(repr(all_of_it).encode()).hexdigest()[:16]


def tasks(state: DesiredState, *, unmanaged: bool) -> list[list[Task]]:
    """All of a run in rows of tasks: one for each target, or several if it is large.

    The tasks of a row are of one account and region, which takes calls at one rate whoever makes them.
    """
    definitions: dict[str, list[Desired]] = defaultdict(list)
    for desired in state.definitions:
        definitions[desired.address.target].append(desired)
    addresses: dict[str, list[Address]] = defaultdict(list)
    for address in state.addresses:
        addresses[address.target].append(address)
    rows: dict[tuple[str, str | None], list[Task]] = defaultdict(list)
    for target in state.targets:
        own = definitions[target.name]
        whole = replace(
            state,
            # what `${var...}` stands for is in the definitions already
            targets=(replace(target, variables={}),),
            declared=frozenset(pair for pair in state.declared if pair[0] == target.name),
            addresses=frozenset(),
            warnings=(),
            elsewhere=(),
            digests={},
            sensitive={},
            arns={},
        )
        for start in range(0, len(own) or 1, MOST):
            part = replace(whole, definitions=tuple(own[start : start + MOST]))
            lists = unmanaged and start == 0
            if lists:
                part = replace(part, addresses=frozenset(addresses[target.name]))
            rows[_place(target)].append(Task(part, lists))
    return [*rows.values()]


def _place(target: Target) -> tuple[str, str | None]:
    """The account and region, as far as they are known before the target is reached."""
    return target.known_account or target.name, target.region
