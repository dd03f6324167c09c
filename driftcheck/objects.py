"""What is kept under names, whole or not at all: the files of a folder, or the objects of S3.

Names are relative and have ``/`` between their steps, as in ``runs/2026-11-24T02-17-00Z.json.gz``. Whatever
keeps a call from being answered is a ``PlaceError``, a line for the user.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from driftcheck.places import LockedError, PlaceError, Prefix, UnfitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ABANDONED = 3600
"""Seconds after which a file that is only half written is one that nobody is writing any more."""
_MAX_SIZE = 512 * 2**20


class Objects(Protocol):
    """Where things are kept; both rows of ``open_objects`` do the same."""

    def get(self, name: str) -> bytes | None:
        """The content under a name, None where there is none.

        Raises:
            UnfitError: it is not a regular file, or larger than 512 MiB.
            PlaceError: it cannot be told.
        """

    def exists(self, name: str) -> bool:
        """Tell whether anything is kept under a name, without reading it.

        Raises:
            PlaceError: it cannot be told.
        """

    def move(self, name: str, to: str) -> bool | None:
        """Give what is kept under a name another name, unread, where that is free.

        False where it is not; None where nothing is kept under ``name``.

        Raises:
            PlaceError: it may still have its old name, and never has none.
        """

    def put(
        self, name: str, content: bytes, *, only_new: bool = False, kind: str = "", cache: str = ""
    ) -> bool:
        """Keep a content under a name: a reader finds what was there before or this, never a part.

        With ``only_new``, what is there stays; False says that something else is. ``kind`` is the content
        type and ``cache`` the Cache-Control with which S3 serves it.

        Raises:
            PlaceError: it is not kept; what was there before still is.
        """

    def names(self, start: str = "") -> Iterator[str]:
        """The names that begin with ``start``, which is empty or ends with ``/``, in any order.

        Raises:
            PlaceError: they cannot be listed.
        """

    def delete(self, name: str) -> None:
        """Take away what is kept under a name, if anything is.

        Raises:
            PlaceError: it may still be there.
        """

    @contextmanager
    def held(self, owner: str) -> Iterator[Callable[[], None]]:
        """Hold the lock, in the name of ``owner``, a line that others are told; what dies gives it up.

        What it gives raises a PlaceError once the lock is lost, and is to be called before each thing that
        only its holder may do.

        Raises:
            LockedError: somebody else holds it.
            PlaceError: it cannot be told.
        """


def open_objects(place: Path | Prefix, *, timeout: float = 60.0) -> Objects:
    """What is kept in a folder, which is made when something is, or on S3, a call taking ``timeout`` seconds.

    Raises:
        PlaceError: S3 cannot be called at all.
    """
    if not isinstance(place, Prefix):
        return FolderObjects(place)
    from driftcheck.aws.bucket import BucketObjects

    return BucketObjects(place, timeout)


class FolderObjects:
    """Files under a folder. What is half written has a name that begins with a dot, as have the locks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __str__(self) -> str:
        return str(self._folder)

    def get(self, name: str) -> bytes | None:
        """As ``Objects``."""
        path = self._folder / name
        with self._telling(name, "read"):
            try:
                return read_file(path)
            except FileNotFoundError:
                return None

    def exists(self, name: str) -> bool:
        """As ``Objects``."""
        with self._telling(name, "read"):
            return _exists(self._folder / name)

    def move(self, name: str, to: str) -> bool | None:
        """As ``Objects``."""
        old, new = self._folder / name, self._folder / to
        with self._telling(name, "moved"):
            new.parent.mkdir(parents=True, exist_ok=True)
            try:
                if old.is_dir() and not old.is_symlink():
                    if _exists(new):
                        return False
                    old.rename(new)  # a folder has no second name, and replaces an empty folder alone
                else:
                    os.link(old, new, follow_symlinks=False)
                    old.unlink()
            except FileExistsError:
                return False
            except FileNotFoundError:
                return None
            _settle(new.parent)
            _settle(old.parent)
        return True

    def put(
        self,
        name: str,
        content: bytes,
        *,
        only_new: bool = False,
        kind: str = "",  # noqa: ARG002 - a file has none
        cache: str = "",  # noqa: ARG002
    ) -> bool:
        """As ``Objects``."""
        path = self._folder / name
        with self._telling(name, "written"):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fchmod(file.fileno(), _mode())
                    os.fsync(file.fileno())
                if only_new:
                    # unlike a replacement, a link is never made over what is there
                    try:
                        path.hardlink_to(temporary)
                    except FileExistsError:
                        try:
                            return read_file(path) == content
                        except UnfitError:
                            return False
                else:
                    Path(temporary).replace(path)
            finally:
                with suppress(FileNotFoundError):
                    Path(temporary).unlink()
            _settle(path.parent)
        return True

    def names(self, start: str = "") -> Iterator[str]:
        """As ``Objects``; what somebody left half written long ago is taken away."""
        folder = self._folder / start
        with self._telling(start, "listed"):
            for parent, folders, files in os.walk(folder, onerror=_unless_absent):
                folders[:] = [each for each in folders if not each.startswith(".")]
                for file in files:
                    path = Path(parent, file)
                    if not file.startswith("."):
                        yield path.relative_to(self._folder).as_posix()
                    elif file.endswith(".tmp"):
                        with suppress(OSError):
                            if time.time() - path.stat().st_mtime > _ABANDONED:
                                path.unlink()

    def delete(self, name: str) -> None:
        """As ``Objects``."""
        path = self._folder / name
        with self._telling(name, "deleted"):
            path.unlink(missing_ok=True)

    @contextmanager
    def held(self, owner: str) -> Iterator[Callable[[], None]]:
        """As ``Objects``: the system takes the lock away from a process that ends, however it does."""
        path = self._folder / ".lock"
        with self._telling(".lock", "written"):
            self._folder.mkdir(parents=True, exist_ok=True)
            if path.exists() and not path.is_file():
                raise UnfitError(path, "it is not a regular file")
            file = path.open("a+b", buffering=0)
        with file:
            with self._telling(".lock", "locked"):
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    file.seek(0)
                    said = file.read(500).decode("utf-8", "replace")
                    raise LockedError(self._folder, said) from None
            with suppress(OSError):  # who holds it is for others to read; on a full disk they do without
                file.truncate(0)
                file.write(owner.encode())
            yield lambda: None

    @contextmanager
    def _telling(self, name: str, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise PlaceError(f"error: {self._folder / name} cannot be {what}: {error.strerror}") from None


def read_file(path: Path) -> bytes:
    """The content of a regular file of a sane size.

    Raises:
        UnfitError: it is none. A pipe is not waited for.
        OSError: it cannot be read.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise UnfitError(path, "it is not a regular file")
    if found.st_size > _MAX_SIZE:
        raise UnfitError(path, f"it is larger than {_MAX_SIZE // 2**20} MiB")
    # what became a pipe since then is not waited for, and what grew is cut
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        return file.read(found.st_size + 1)


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _settle(folder: Path) -> None:
    """Make sure that a name which was just made outlives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _mode() -> int:
    """The permissions that a new file would have had, had it not been a temporary one."""
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _unless_absent(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
