"""A place on S3 in which things are kept under names, with every failure as a line for the user."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from driftcheck.aws import unreadable
from driftcheck.aws.answers import FAULTS
from driftcheck.aws.lease import NAME, Lease, TakenError
from driftcheck.aws.objects import Objects as Calls
from driftcheck.memory import UnusableError
from driftcheck.places import LockedError, PlaceError, UnfitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from driftcheck.places import Prefix

_CONCURRENCY = 16


class BucketObjects:
    """Objects of S3 under a prefix: what ``driftcheck.objects`` asks for."""

    def __init__(self, place: Prefix, timeout: float) -> None:
        """Prepare for calls of at most ``timeout`` seconds each.

        Raises:
            PlaceError: S3 cannot be called at all.
        """
        self._place = place
        with self._telling("", "CreateClient"):
            self._calls = Calls(place, timeout=timeout, concurrency=_CONCURRENCY)

    def __str__(self) -> str:
        return str(self._place)

    def get(self, name: str) -> bytes | None:
        """As ``Objects``."""
        with self._telling(name, "GetObject"):
            return self._calls.get(name)

    def exists(self, name: str) -> bool:
        """As ``Objects``."""
        with self._telling(name, "HeadObject"):
            return self._calls.exists(name)

    def move(self, name: str, to: str) -> bool | None:
        """As ``Objects``: S3 copies it, and what was copied is deleted."""
        with self._telling(name, "CopyObject"):
            copied = self._calls.copy(name, to)
        if copied:
            self.delete(name)
        return copied

    def put(
        self, name: str, content: bytes, *, only_new: bool = False, kind: str = "", cache: str = ""
    ) -> bool:
        """As ``Objects``."""
        how = {key: value for key, value in (("ContentType", kind), ("CacheControl", cache)) if value}
        with self._telling(name, "PutObject"):
            if only_new:
                return self._calls.put_if(name, content, None, **how) is not None
            self._calls.put(name, content, **how)
            return True

    def names(self, start: str = "") -> Iterator[str]:
        """As ``Objects``; what the console calls a folder is none of them."""
        with self._telling(start, "ListObjectsV2"):
            yield from (name for name in self._calls.names(start) if name and not name.endswith("/"))

    def delete(self, name: str) -> None:
        """As ``Objects``."""
        with self._telling(name, "DeleteObject"):
            self._calls.delete(name)

    @contextmanager
    def held(self, owner: str) -> Iterator[Callable[[], None]]:
        """As ``Objects``, by a lease."""
        with self._telling(NAME, "PutObject"):
            lease = Lease(self._calls, owner)
            try:
                lease.take()
            except TakenError as error:
                raise LockedError(self._place, str(error)) from None

        def check() -> None:
            with self._telling(NAME, "PutObject"):
                is_held = lease.check()
            if not is_held:
                raise PlaceError(f"error: {self._place}: the lock was lost to another run; this one ends")

        try:
            yield check
        finally:
            with self._telling(NAME, "PutObject"):
                lease.give_up()

    @contextmanager
    def _telling(self, name: str, operation: str) -> Iterator[None]:
        place = f"{self._place}/{name}".rstrip("/")
        try:
            yield
        except UnusableError as error:
            raise UnfitError(place, str(error)) from None
        except FAULTS as error:
            raise PlaceError(f"error: {place}: {unreadable(operation, error).message}") from None
