"""What is kept is given to the channels: the oldest first, each part once, and what fails tried again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from driftcheck.notices.outbox import DamagedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from driftcheck.notices.entries import Notice
    from driftcheck.notices.outbox import Kept, Outbox, Waiting

PAUSES = (1.0, 4.0)
"""Seconds before what failed is tried again within a run."""


class NotTakenError(Exception):
    """A channel did not take what it was given; one line says why.

    ``taken`` is None where nobody knows whether it did. ``passes`` tells whether it may a moment later.
    """

    def __init__(self, why: str, *, taken: bool | None = False, passes: bool = True) -> None:
        super().__init__(why)
        self.taken = taken
        self.passes = passes


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to tell people or programs; a row.

    ``batches`` divides a notice into parts, numbered from 0, and says which go together. ``send`` gives some
    of them, ``repeated`` where they may have been given before; it returns those that were not taken, each
    with the reason, and raises ``NotTakenError`` where that is all of them.
    """

    name: str
    batches: Callable[[Notice], Sequence[Sequence[int]]]
    send: Callable[[Notice, Sequence[int], bool], Mapping[int, str]]


@dataclass(slots=True)
class Delivery:
    """One run's round of all channels.

    ``wait`` takes seconds, and tells whether there was time for them: the round as a whole is bounded.
    """

    outbox: Outbox
    channels: Mapping[str, Channel]
    wait: Callable[[float], bool]
    _faults: list[str] = field(default_factory=list)
    _down: dict[str, str] = field(default_factory=dict)
    _left: dict[str, int] = field(default_factory=dict)

    def go(self) -> list[str]:
        """Send what waits; the lines to tell of what could not be sent, or not be recorded."""
        sent: dict[str, list[str]] = {}
        for name in self.outbox.notices():
            try:
                kept = self.outbox.read(name)
            except DamagedError as error:
                self.outbox.set_aside(name)
                self._tell(f"{error}, and is set aside: what it told is lost")
                continue
            if kept is None:
                continue
            given = [self._give(name, kept, channel) for channel in kept.channels]
            if all(given):
                sent[name] = kept.channels
        self.outbox.finish(sent)
        for channel, why in self._down.items():
            count = self._left[channel]
            waits = "a notice waits" if count == 1 else f"{count} notices wait"
            self._tell(f"{channel}: {why}; {waits} for the next run")
        return [*self.outbox.faults, *self._faults]

    def _tell(self, line: str) -> None:
        self._faults.append(f"error: notices: {line}")

    def _give(self, name: str, kept: Kept, to: str) -> bool:
        """Give a channel what it has not taken yet; False where something of it is left."""
        channel = self.channels.get(to)
        if channel is None:
            self._tell(f"{to} is no longer a channel: the notice of {name} is not sent there")
            return True
        try:
            batches = channel.batches(kept.notice)
        except Exception as error:  # noqa: BLE001 - the other channels are served all the same
            self._down.setdefault(to, f"the notice of {name} cannot be sent: {type(error).__name__}")
            batches = []
        else:
            parts = sum(map(len, batches))
            waiting = self.outbox.waiting(name, to, parts, repeated=kept.repeated)
            if not waiting:
                return True
            if to not in self._down:
                for batch in _left_of(batches, waiting):
                    if why := self._send(name, channel, kept.notice, waiting, batch):
                        self._down[to] = why
                        break
            self.outbox.mark(name, to, waiting)
            if not waiting:
                return True
        self._left[to] = self._left.get(to, 0) + 1
        return False

    def _send(
        self, name: str, channel: Channel, notice: Notice, waiting: Waiting, batch: Sequence[int]
    ) -> str | None:
        """Send some parts, all of them new or all of them doubtful; why they are not taken in the end."""
        why: str | None = None
        for pause in (0.0, *PAUSES):
            if pause and not self.wait(pause):
                break
            repeated = batch[0] in waiting.doubtful
            waiting.pending = [part for part in waiting.pending if part not in batch]
            waiting.doubtful = sorted({*waiting.doubtful, *batch})
            # what is sent without a record may be sent again by a run that knows nothing of it
            says_so = not self.outbox.mark(name, channel.name, waiting) or repeated
            refused: Mapping[int, str]
            try:
                refused = channel.send(notice, batch, says_so)
                certain, passes = not repeated, True
            except NotTakenError as error:
                refused = dict.fromkeys(batch, str(error))
                certain, passes = error.taken is False and not repeated, error.passes
            except Exception as error:  # noqa: BLE001 - the other channels are served all the same
                refused = dict.fromkeys(batch, f"it cannot be sent: {type(error).__name__}")
                certain, passes = False, False
            waiting.doubtful = [
                part for part in waiting.doubtful if part not in batch or (part in refused and not certain)
            ]
            if certain:
                waiting.pending = sorted({*waiting.pending, *refused})
            if not refused:
                return None
            batch, why = sorted(refused), next(iter(refused.values()))
            if not passes:
                break
        return why


def _left_of(batches: Sequence[Sequence[int]], waiting: Waiting) -> Iterator[list[int]]:
    """What is left of each batch: first what may be a repetition, then what is not."""
    for left in ({*waiting.doubtful}, {*waiting.pending}):
        for batch in batches:
            if some := [part for part in batch if part in left]:
                yield some
