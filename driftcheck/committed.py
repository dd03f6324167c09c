"""The desired state of a commit, read from git's objects: nothing of it is checked out, and no filter runs.

git is asked so that no setting of the repository, and nothing that it has committed, makes it run a program.
"""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from driftcheck.desired import InvalidDesiredError, files, loads
from driftcheck.errors import DriftcheckError
from driftcheck.model import Invalid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from driftcheck.desired import DesiredState
    from driftcheck.model import Target

_GIT = (
    "git",
    "--no-pager",
    "--literal-pathspecs",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    # a folder of the checkout may have the form of a repository, with settings of its own
    *("-c", "safe.bareRepository=explicit"),
)
_QUIET = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
_SECONDS = 300.0
"""For one question to git, which may have to fetch what a partial clone lacks."""
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_DEEPEN = "with `fetch-depth: 0` in actions/checkout, or `git fetch --unshallow`"
_BATCH = 16_000_000
"""Bytes of files that are read at a time."""
_LINK = "120000"
_SUBMODULE = "it is in a submodule: what that holds is in another repository"
_MOST_LINKS = 10
_LONGEST_LINK = 4_096
"""Bytes; no file system takes more."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """The working tree that is compared, ``root``, and the commit that its change started from.

    ``ref`` is what was asked for, ``head`` the commit that is checked out, and ``commit`` their merge base.
    """

    root: Path
    ref: str
    head: str
    commit: str

    def leads_out(self, path: Path) -> bool:
        """Tell whether a path of the checkout ends up elsewhere, by a link that somebody has committed."""
        inside = Path(os.path.abspath(path)).is_relative_to(self.root)  # noqa: PTH100 - follows no link
        return inside and not files.is_in(path, self.root)

    def holds(self, path: Path) -> bool:
        """Tell whether what is checked out has something at a path."""
        place = _place(self, path)
        return place is not None and _entry(self, place, self.head) is not None


class _Entry(NamedTuple):
    """A file, link, folder or submodule of a commit: its mode and type as git writes them, and its object."""

    mode: str
    type: str
    object: str


def checkout(ref: str) -> Checkout:
    """The checkout that holds the working directory, and the merge base of ``ref`` and its HEAD.

    Raises:
        DriftcheckError: there is no git, no repository, no such commit, or no merge base.
    """
    root = Path(os.path.realpath(_text(_asked("rev-parse", "--show-toplevel"))))
    commit, head = _commit(ref, root), _commit("HEAD", root)
    base = _text(_git("merge-base", commit, head, cwd=root).stdout)
    if not _COMMIT.fullmatch(base):
        raise DriftcheckError(
            f"error: --base: `{ref}` and HEAD have no commit in common; if the clone is shallow, fetch more, "
            f"{_DEEPEN}"
        )
    return Checkout(root, ref.encode("utf-8", "backslashreplace").decode(), head, base)


def desired_of(
    checkout: Checkout,
    paths: Iterable[Path],
    targets: Mapping[str, Target],
    *,
    only: Collection[str] = (),
    select: Collection[str] = (),
) -> DesiredState:
    """The desired state of the same files and folders in the merge base; none of them need be there.

    Raises:
        InvalidDesiredError: something is wrong with it.
        DriftcheckError: git cannot read it.
    """
    faults: list[Invalid] = []
    found = list(_found(checkout, paths, faults))
    sizes = _sizes(checkout, [blob for _, blob in found])
    faults += (files.too_large(file) for file, blob in found if sizes[blob] > files.MAX_BYTES)
    if faults:
        raise InvalidDesiredError(faults, ())
    return loads(_contents(checkout, found, sizes), targets, only=only, select=select)


def is_as_committed(checkout: Checkout, file: Path) -> bool:
    """Tell whether a file of the checkout is what it was in the merge base; a link is not."""
    place = _place(checkout, file)
    entry = None if place is None or file.is_symlink() else _entry(checkout, place)
    if entry is None or entry.type != "blob" or entry.mode == _LINK:
        return False
    committed = _asked("cat-file", "blob", entry.object, cwd=checkout.root)
    # git may write the working tree with other ends of lines
    return file.read_bytes().replace(b"\r\n", b"\n") == committed.replace(b"\r\n", b"\n")


def is_tracked(path: Path) -> bool:
    """Tell whether git tracks a path or anything under it, as far as there is a git to know it."""
    place = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow a link that is tracked
    if not any((above / ".git").exists() for above in place.parents):
        return False
    above = next(above for above in place.parents if above.is_dir())
    try:
        tracked = _git("ls-files", "-z", "--", str(place), cwd=above)
    except DriftcheckError:
        return False
    return tracked.returncode == 0 and bool(tracked.stdout)


def _found(checkout: Checkout, paths: Iterable[Path], faults: list[Invalid]) -> Iterator[tuple[str, str]]:
    """The names and objects of the desired files that ``paths`` name, each file once, as on disk."""
    seen: set[str] = set()
    for path in paths:
        place = _place(checkout, path)
        named = None if place is None else _followed(checkout, place, path, faults)
        if named is None:
            if place is not None and _is_in_submodule(checkout, place):
                faults.append(Invalid(files.name(path), _SUBMODULE))
            continue
        top, entry = named
        inside = [(path, top, entry)] if entry.type != "tree" else _inside(checkout, path, top, faults)
        for file, at, each in inside:
            if at not in seen:
                seen.add(at)
                yield files.name(file), each.object


def _inside(
    checkout: Checkout, folder: Path, top: str, faults: list[Invalid]
) -> Iterator[tuple[Path, str, _Entry]]:
    for place, entry in _tree(checkout, checkout.commit, top, "-r"):
        inner = posixpath.relpath(place, top or ".")
        if any(part.startswith(".") for part in inner.split("/")):
            continue
        file = folder / inner
        if entry.type == "commit":
            faults.append(Invalid(files.name(file), _SUBMODULE))
            continue
        wanted = file.suffix in files.SUFFIXES
        if entry.mode != _LINK:
            if wanted:
                yield file, place, entry
            continue
        found = _followed(checkout, place, file, faults if wanted else [])
        if found is not None and found[1].type == "tree":
            faults.append(Invalid(files.name(file), files.FOLDER_LINK))
        elif found is not None and wanted:
            yield file, *found


def _followed(checkout: Checkout, place: str, file: Path, faults: list[Invalid]) -> tuple[str, _Entry] | None:
    """What stands at a place of the commit, or where its links lead within it; None where nothing does."""
    entry = _entry(checkout, place)
    for followed in range(_MOST_LINKS + 1):
        if entry is None or entry.mode != _LINK:
            break
        text = ""
        if _sizes(checkout, [entry.object])[entry.object] <= _LONGEST_LINK:
            text = os.fsdecode(_asked("cat-file", "blob", entry.object, cwd=checkout.root))
        place = posixpath.normpath(posixpath.join(posixpath.dirname(place), text))
        if place.startswith(("/", "../")) or place == "..":
            faults.append(Invalid(files.name(file), files.LEADS_OUT))
            return None
        place = "" if place == "." else place
        entry = _entry(checkout, place) if followed < _MOST_LINKS else None
        if entry is None:
            faults.append(Invalid(files.name(file), "cannot be read: the link leads nowhere"))
    return None if entry is None else (place, entry)


def _is_in_submodule(checkout: Checkout, place: str) -> bool:
    steps = place.split("/")
    above = (_entry(checkout, "/".join(steps[:depth])) for depth in range(1, len(steps)))
    return any(entry is not None and entry.type == "commit" for entry in above)


def _place(checkout: Checkout, path: Path) -> str | None:
    """The path from the top of the checkout, the last step not followed if it is a link; None outside."""
    above, last = os.path.split(os.path.abspath(path))  # noqa: PTH100 - resolve() follows the last step too
    for place in (Path(os.path.realpath(above), last), Path(os.path.realpath(path))):
        if place.is_relative_to(checkout.root):
            inner = place.relative_to(checkout.root).as_posix()
            return "" if inner == "." else inner
    return None


def _entry(checkout: Checkout, place: str, commit: str | None = None) -> _Entry | None:
    commit = commit or checkout.commit
    if not place:
        return _Entry("040000", "tree", commit)
    return dict(_tree(checkout, commit, place)).get(place)


def _tree(checkout: Checkout, commit: str, place: str, *options: str) -> Iterator[tuple[str, _Entry]]:
    """What a commit has at a place, or with ``-r`` below it, by its path from the top."""
    where = ["--", place] if place else []
    listed = _asked("ls-tree", "-z", "--full-tree", *options, commit, *where, cwd=checkout.root)
    for line in listed.split(b"\0")[:-1]:
        about, _, name = line.partition(b"\t")
        yield os.fsdecode(name), _Entry(*about.decode().split(" "))


def _sizes(checkout: Checkout, blobs: Iterable[str]) -> dict[str, int]:
    asked = "".join(f"{blob}\n" for blob in blobs).encode()
    told = _asked("cat-file", "--batch-check", cwd=checkout.root, given=asked).decode().splitlines()
    rows = [line.split(" ") for line in told]
    if lost := [row[0] for row in rows if row[-1] == "missing"]:
        raise DriftcheckError(f"error: --base: git lacks the object {lost[0]}: fetch the commit whole")
    return {blob: int(size) for blob, _, size in rows}


def _contents(
    checkout: Checkout, found: Iterable[tuple[str, str]], sizes: Mapping[str, int]
) -> Iterator[tuple[str, bytes]]:
    """The files by name with what they hold, some at a time."""
    batch: list[tuple[str, str]] = []
    left = _BATCH
    for file, blob in found:
        batch.append((file, blob))
        left -= sizes[blob]
        if left <= 0:
            yield from _read(checkout, batch)
            batch, left = [], _BATCH
    yield from _read(checkout, batch)


def _read(checkout: Checkout, batch: Sequence[tuple[str, str]]) -> Iterator[tuple[str, bytes]]:
    asked = "".join(f"{blob}\n" for _, blob in batch).encode()
    told = _asked("cat-file", "--batch", cwd=checkout.root, given=asked)
    at = 0
    for file, _ in batch:
        head = told.index(b"\n", at)
        end = head + 1 + int(told[at:head].split(b" ")[2])
        yield file, told[head + 1 : end]
        at = end + 1


def _commit(ref: str, root: Path) -> str:
    asked = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", cwd=root)
    commit = _text(asked.stdout)
    if not _COMMIT.fullmatch(commit):
        raise DriftcheckError(
            f"error: --base: there is no commit `{ref}` here; if the clone is without it, fetch it, {_DEEPEN}"
        )
    return commit


def _text(line: bytes) -> str:
    return os.fsdecode(line.removesuffix(b"\n"))


def _asked(*words: str, cwd: Path | None = None, given: bytes = b"") -> bytes:
    """Git's answer; what it says of a failure is the message."""
    ended = _git(*words, cwd=cwd, given=given)
    if ended.returncode:
        said = next(iter(os.fsdecode(ended.stderr).splitlines()), f"git {words[0]} failed")
        raise DriftcheckError(f"error: --base: {said.removeprefix('fatal: ')}")
    return ended.stdout


def _git(*words: str, cwd: Path | None = None, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - no shell, and no word of anybody else's where git takes an option
            [*_GIT, *words],
            cwd=cwd,
            env={**os.environ, **_QUIET},
            input=given,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
        )
    except OSError as error:
        raise DriftcheckError(f"error: --base needs git, which cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise DriftcheckError(f"error: --base: git {words[0]} gave no answer in {_SECONDS:g} s") from None
