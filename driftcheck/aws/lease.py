"""A lock on S3, by conditional writes, that lapses when its holder no longer says that it lives.

No clock is compared with another: whoever waits watches whether the object changes for as long as it says
that it is good for. So no clock that is wrong, or that jumps, gives a lock to two.
"""

from __future__ import annotations

import json
import threading
import uuid
from contextlib import suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING

from driftcheck.aws.answers import FAULTS
from driftcheck.aws.objects import Version
from driftcheck.memory import UnusableError

if TYPE_CHECKING:
    from driftcheck.aws.objects import Objects

NAME = "lock.json"
SECONDS = 60.0
"""How long the object is good for after each change; its holder changes it four times in that time."""
_LONGEST = 600.0


class TakenError(Exception):
    """Another run holds the lock, and lives: it says who."""


class Lease:
    """The lock, taken and given up once; its holder says that it lives from a thread."""

    def __init__(self, objects: Objects, owner: str, seconds: float = SECONDS) -> None:
        """``owner`` is a line about the holder; ``seconds`` is how long others wait for a sign of life."""
        self._objects, self._owner, self._seconds = objects, owner, seconds
        self._token = uuid.uuid4().hex
        self._beat = 0
        self._held: Version | None = None
        self._over = threading.Event()
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self.lost = False
        """Whether somebody else may hold it by now."""

    def take(self) -> None:
        """Take the lock, waiting for a sign of life of who holds it, if somebody does.

        Raises:
            TakenError: somebody else holds it.
            BotoCoreError, ClientError, ResponseParserError: there is no trustworthy answer.
        """
        seen, since = None, monotonic()
        while True:
            found = self._objects.look(NAME)
            owner, good_for = _said(found)
            if found is not None and owner is not None:
                if seen is None:
                    seen, since = found.content, monotonic()
                elif found.content != seen:
                    raise TakenError(owner)
                if monotonic() - since < good_for:
                    sleep(good_for / 20)
                    continue
            if self._write(found, self._owner):
                break
        self._thread.start()

    def check(self) -> bool:
        """Tell whether the lock is still held, by saying that its holder lives.

        Raises:
            BotoCoreError, ClientError, ResponseParserError: there is no trustworthy answer.
        """
        with self._writing:
            self.lost = self.lost or not self._write(self._held, self._owner)
        return not self.lost

    def give_up(self) -> None:
        """Let others take it at once.

        Raises:
            BotoCoreError, ClientError, ResponseParserError: they have to wait until it lapses.
        """
        self._over.set()
        self._thread.join()
        if not self.lost:
            self._write(self._held, None)

    def _live(self) -> None:
        while not self._over.wait(self._seconds / 4):
            # if it goes on like that, the lock lapses, and the next check tells
            with suppress(*FAULTS, UnusableError):
                if not self.check():
                    return

    def _write(self, before: Version | None, owner: str | None) -> bool:
        """Write the object if it still is ``before``, or what a write of ours left whose answer was lost."""
        self._beat += 1
        said = {"owner": owner, "seconds": self._seconds, "token": self._token, "beat": self._beat}
        content = json.dumps(said).encode()
        while (etag := self._objects.put_if(NAME, content, before)) is None:
            found = self._objects.look(NAME)
            if found is None or found == before or self._token.encode() not in found.content:
                return False
            before = found
        self._held = Version(content, etag)
        return True


def _said(found: Version | None) -> tuple[str | None, float]:
    """Who holds the lock, None where nobody does, and how many seconds it is good for after a change."""
    if found is None:
        return None, 0
    try:
        said = json.loads(found.content)
        # NaN is less than nothing, and 0 whichever way it is compared
        owner, seconds = said["owner"], min(max(0.0, float(said["seconds"])), _LONGEST)
        return (None if owner is None else str(owner)), seconds
    except (ValueError, LookupError, TypeError, RecursionError):
        return "unknown", SECONDS
