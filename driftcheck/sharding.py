"""One of several parts of a run, each for a machine of its own; ``merging`` puts their results together."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from driftcheck.model import Shard

if TYPE_CHECKING:
    from driftcheck.desired import DesiredState
    from driftcheck.model import Location


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
    return replace(part, targets=tuple(targets))


def _whole(state: DesiredState, *, unmanaged: bool) -> str:
    """A digest of what all shards together look at, by which a merge tells those that are not of one run."""
    addresses = sorted((d.address.kind, d.address.target, d.address.name) for d in state.definitions)
    targets = sorted(target.name for target in state.targets)
    return sha256(repr((addresses, targets, sorted(state.select), unmanaged)).encode()).hexdigest()[:16]
