"""What a run leaves for the next one: a file for each target, in a folder or as an object of S3."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import methodcaller
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from driftcheck.cli.console import say
from driftcheck.cli.loading import hold_state
from driftcheck.cli.options import STATE
from driftcheck.errors import DriftcheckError
from driftcheck.memory import Memory, UnusableError, drop_sensitive, dumps, loads
from driftcheck.model import Warn
from driftcheck.objects import read_file
from driftcheck.places import Prefix, UnfitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from driftcheck.aws.objects import Objects
    from driftcheck.desired import DesiredState
    from driftcheck.fetch import Limits
    from driftcheck.memory import Key, Places
    from driftcheck.model import Address, Desired, PathPattern, Report
    from driftcheck.pool import Stop
    from driftcheck.turns import Job

_AT_A_TIME = 4
"""A state of 100,000 definitions is 100 to 230 MB."""

_DENIED = "AccessDenied"

Name = TypeVar("Name")


def recall(
    places: Places,
    max_age: timedelta,
    state: DesiredState,
    warnings: list[Warn],
    limits: Limits,
    stop: Stop,
) -> dict[str, Memory]:
    """What is known of each target; what is there and cannot be relied on is told among the warnings.

    Raises:
        DriftcheckError: the folder in which it is to be kept cannot be made, or somebody has committed it.
    """
    place, folder = places
    if isinstance(place, Path):
        hold_state(place)
    now = datetime.now(UTC)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DriftcheckError(f"error: {folder} cannot be written: {error.strerror}") from None
    targets = {_name(target.name, state): target.name for target in state.targets}
    memories = {target: Memory(now) for target in targets.values()}

    def take(name: str, outcome: Any) -> None:
        try:
            if isinstance(outcome, UnusableError):
                raise outcome
            if outcome is not None:
                memories[targets[name]] = loads(outcome, now, max_age)
        except UnusableError as error:
            text = f"{targets[name]}: {place}/{name} is not used: {error}; everything is described"
            warnings.append(Warn("state-not-used", text))

    if isinstance(place, Prefix):
        _read_objects(place, targets, take, limits, stop)
    else:
        for name in targets:
            take(name, _read_file(place / name))
    # the run that is over learns nothing, which must not replace what is known
    return {} if stop.requested or monotonic() >= limits.until else memories


def keep(places: Places, state: DesiredState, memories: Mapping[str, Memory], *, quiet: bool) -> None:
    """Write what is known now, and tell how it gets to where it is read from.

    Raises:
        DriftcheckError: a file cannot be written; what was there before still is.
    """
    from driftcheck.outputs import Output, write

    place, folder = places
    for target, memory in memories.items():
        file = folder / _name(target, state)
        if file.exists() and not file.is_file() and not file.is_dir():
            file.unlink()  # a pipe or a device holds nothing, and to open a pipe would wait for its reader
        write(Output("json", str(file)), dumps(memory))
    if isinstance(place, Prefix) and memories and not quiet:
        option = [] if folder == Path(STATE) else ["--state", str(folder)]
        command = shlex.join(["driftcheck", "state", "push", *option, str(place)])
        say(f"the new state is in {folder}, and on S3 once you run: {command}")


def forget_sensitive(memories: Mapping[str, Memory], state: DesiredState, report: Report) -> None:
    """Forget what must not be kept, by today's rules and by what was found."""
    definitions: dict[str, dict[Key, Desired]] = {target: {} for target in memories}
    sensitive: dict[str, dict[Key, tuple[PathPattern, ...]]] = {target: {} for target in memories}
    differing: dict[str, set[Key]] = {target: set() for target in memories}
    for desired in state.definitions:
        definitions[desired.address.target][_key(desired.address)] = desired
    for address, paths in state.sensitive.items():
        sensitive.get(address.target, {})[_key(address)] = paths
    for finding in report.findings:
        if finding.differences or finding.ignored:
            differing[finding.address.target].add(_key(finding.address))
    for target, memory in memories.items():
        drop_sensitive(memory, definitions[target], sensitive[target], state.plain_keys, differing[target])


def _key(address: Address) -> Key:
    return address.kind, address.name


def readable(file: Path) -> bytes:
    """The content of a state's file.

    Raises:
        FileNotFoundError: there is none.
        UnusableError: it cannot be read, or is larger than any state.
    """
    try:
        return read_file(file)
    except FileNotFoundError:
        raise
    except UnfitError as error:
        raise UnusableError(error.reason) from None
    except OSError as error:
        raise UnusableError(f"it cannot be read: {error.strerror}") from None


def on_objects(
    prefix: Prefix,
    calls: Mapping[Name, Callable[[Objects], Any]],
    done: Callable[[Name, Any], None],
    limits: Limits,
    stop: Stop,
) -> None:
    """Make some calls side by side; ``done`` is given what each returned, or the exception that it raised."""
    from driftcheck import pool
    from driftcheck.aws.objects import Objects
    from driftcheck.turns import Job

    def ended(name: Name, outcome: Any) -> Iterable[Job]:
        done(name, outcome)
        return ()

    def opened(outcome: Any) -> Iterable[Job]:
        for name, call in calls.items():
            if isinstance(outcome, Exception):
                done(name, outcome)
            else:
                yield Job(str(prefix), partial(call, outcome), partial(ended, name))

    pool.run(
        [Job(str(prefix), partial(Objects, prefix, timeout=limits.timeout, concurrency=_AT_A_TIME), opened)],
        workers=_AT_A_TIME,
        limit=limits.timeout,
        until=limits.until,
        stop=stop,
    )


def _read_file(file: Path) -> bytes | UnusableError | None:
    try:
        return readable(file)
    except FileNotFoundError:
        return None
    except UnusableError as error:
        return error


def _read_objects(
    prefix: Prefix, names: Iterable[str], take: Callable[[str, Any], None], limits: Limits, stop: Stop
) -> None:
    from driftcheck.fetch import unanswered

    def done(name: str, outcome: Any) -> None:
        if isinstance(outcome, Exception) and not isinstance(outcome, UnusableError):
            error = unanswered("GetObject", outcome, limits)
            text = error.message
            if error.code == _DENIED:
                # a warning is shown in public too, and the message names roles and sessions
                text = f"GetObject: {error.code}; allow it (driftcheck iam-policy --state {prefix})"
            outcome = UnusableError(text)
        take(name, outcome)

    on_objects(prefix, {name: methodcaller("get", name) for name in names}, done, limits, stop)


def _name(target: str, state: DesiredState) -> str:
    """The name of a target's file, for which its own is fit; shards have a file each."""
    part = f".{state.shard.index}-of-{state.shard.count}" if state.shard else ""
    return f"{target}{part}.state"
