"""The folder in which a run leaves what the next one may rely on: a file for each target."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from driftcheck.errors import DriftcheckError
from driftcheck.memory import Memory, UnusableError, dumps, loads
from driftcheck.model import Warn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from driftcheck.desired import DesiredState


def recall(folder: Path, state: DesiredState, max_age: timedelta, warnings: list[Warn]) -> dict[str, Memory]:
    """What is known of each target; what is there and cannot be relied on is told among the warnings.

    Raises:
        DriftcheckError: the folder cannot be made.
    """
    if folder.parts[:1] == ("s3:",):
        raise DriftcheckError(f"error: {folder}: --state takes a folder of this machine")
    now = datetime.now(UTC)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DriftcheckError(f"error: {folder} cannot be written: {error.strerror}") from None
    memories = {}
    for target in state.targets:
        file = _file(folder, target.name, state)
        memories[target.name] = Memory(now)
        try:
            memories[target.name] = _read(file, now, max_age)
        except FileNotFoundError:
            pass
        except UnusableError as error:
            text = f"{target.name}: {file} is not used: {error}; everything is described"
            warnings.append(Warn("state-not-used", text))
    return memories


def _read(file: Path, now: datetime, max_age: timedelta) -> Memory:
    try:
        return loads(file.read_text("utf-8"), now, max_age)
    except FileNotFoundError:
        raise
    except UnicodeDecodeError:
        raise UnusableError("it is damaged") from None
    except OSError as error:
        raise UnusableError(f"it cannot be read: {error.strerror}") from None


def keep(folder: Path, state: DesiredState, memories: Mapping[str, Memory]) -> None:
    """Write what is known now.

    Raises:
        DriftcheckError: a file cannot be written; what was there before still is.
    """
    from driftcheck.outputs import Output, write

    for target, memory in memories.items():
        write(Output("json", str(_file(folder, target, state))), dumps(memory))


def _file(folder: Path, target: str, state: DesiredState) -> Path:
    """Shards that share a folder have a file each; a target's name is fit for one."""
    part = f".{state.shard.index}-of-{state.shard.count}" if state.shard else ""
    return folder / f"{target}{part}.state"
