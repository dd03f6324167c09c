"""The desired state of a commit, read from git's objects: nothing is checked out, and no filter runs."""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from driftcheck import git
from driftcheck.desired import InvalidDesiredError, Masks, files, loads, masks_of
from driftcheck.errors import DriftcheckError
from driftcheck.model import Invalid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from driftcheck.desired import DesiredState
    from driftcheck.model import Target

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_DEEPEN = "with `fetch-depth: 0` in actions/checkout, `GIT_DEPTH: 0` in GitLab, or `git fetch --unshallow`"
_BATCH = 16_000_000
"""Bytes of files that are read at a time."""
_LINK = "120000"
_SUBMODULE = "it is in a submodule: what that holds is in another repository"
_NESTED = "it is a working tree of its own: what that holds is in another repository, or on another branch"
_MOST_CUTS = 3
"""Commits that one message names."""
_MOST_LINKS = 40
"""Links on the way to one file, as Linux follows them."""
_NOWHERE = "cannot be read: the link leads nowhere"
_LONGEST_LINK = 4_096
"""Bytes; no file system takes more."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """The working tree that is compared, ``root``, and the commit that its change started from.

    ``ref`` is what was asked for, ``tip`` its commit, ``head`` the one that is checked out, and ``commit``
    their merge base. ``others`` are further merge bases, as branches have that were merged into each other.
    """

    root: Path
    ref: str
    tip: str
    head: str
    commit: str
    others: tuple[str, ...] = ()

    def leads_out(self, path: Path) -> bool:
        """Tell whether a path of the checkout ends up elsewhere, by a link that somebody has committed."""
        inside = Path(os.path.abspath(path)).is_relative_to(self.root)  # noqa: PTH100 - follows no link
        return inside and not files.is_in(path, self.root)

    def holds(self, path: Path) -> bool:
        """Tell whether what is checked out has something at a path, or a submodule that may."""
        place = _place(self, path)
        if place is None:
            return False
        return _entry(self, place, self.head) is not None or _is_in_submodule(self, place, self.head)


class _Entry(NamedTuple):
    """A file, link, folder or submodule of a commit: its mode and type as git writes them, and its object."""

    mode: str
    type: str
    object: str


def checkout(ref: str) -> Checkout:
    """The checkout that holds the working directory, and the merge base of ``ref`` and its HEAD.

    Raises:
        DriftcheckError: there is no git, no repository, no such commit, or no merge base; or the clone is
            shallow, and may lack a later merge base.
    """
    root = Path(os.path.realpath(_text(git.ask("rev-parse", "--show-toplevel"))))
    commit, head = _commit(ref, root), _commit("HEAD", root)
    found = git.run("merge-base", "--all", commit, head, cwd=root)
    bases = _text(found.stdout).splitlines()
    if found.returncode > 1:
        raise DriftcheckError(f"error: --base: {git.reason(found)}")
    if not bases:
        raise DriftcheckError(
            f"error: --base: `{ref}` and HEAD have no commit in common; if the clone is shallow, fetch more, "
            f"{_DEEPEN}"
        )
    if commit not in bases and head not in bases:
        _hold_to_history(root, {f"`{ref}`": commit, "HEAD": head}, bases)
    return Checkout(
        root, ref.encode("utf-8", "backslashreplace").decode(), commit, head, bases[0], tuple(bases[1:])
    )


def desired_of(
    checkout: Checkout,
    paths: Collection[Path],
    targets: Mapping[str, Target],
    *,
    only: Collection[str] = (),
    select: Collection[str] = (),
) -> DesiredState:
    """The desired state of the same files and folders in the merge base; none of them need be there.

    Raises:
        InvalidDesiredError: something is wrong with it.
        DriftcheckError: git cannot read it, or the working tree does not show what the change made of it.
    """
    _hold_to_checked_out(checkout, paths)
    found, faults = _all_found(checkout, paths)
    for other in checkout.others:
        if _all_found(replace(checkout, commit=other), paths) != (found, faults):
            raise DriftcheckError(
                f"error: --base: `{checkout.ref}` and HEAD have several merge bases, whose desired files "
                f"differ: merge `{checkout.ref}` into the branch, or give --base one of "
                f"{', '.join(each[:12] for each in (checkout.commit, *checkout.others))}"
            )
    faults += (Invalid(files.name(folder), _NESTED) for path in paths for folder in _nested(checkout, path))
    sizes = _sizes(checkout, [blob for _, blob in found])
    faults += (files.too_large(file) for file, blob in found if sizes[blob] > files.MAX_BYTES)
    if faults:
        raise InvalidDesiredError(faults, ())
    return loads(_contents(checkout, found, sizes), targets, only=only, select=select)


def sensitive_of(
    checkout: Checkout, paths: Collection[Path], targets: Mapping[str, Target], base: DesiredState | None
) -> Masks:
    """What the same files and folders call sensitive in the merge base or at the tip of what was asked for.

    The change chooses its merge base, and so does not choose alone which rules hold. A file that is wrong
    counts as far as it can be read; of ``base``, the merge base's desired state, all is known already.
    """
    masks = Masks()
    if base:
        masks.join(base.masks)
    known: set[tuple[str, str]] = set(_all_found(checkout, paths)[0]) if base else set()
    # others than the first have the same files, or there is no desired state of any
    for commit in dict.fromkeys((checkout.commit, checkout.tip)):
        found = [each for each in _all_found(replace(checkout, commit=commit), paths)[0] if each not in known]
        known.update(found)
        sizes = _sizes(checkout, [blob for _, blob in found])
        small = [each for each in found if sizes[each[1]] <= files.MAX_BYTES]
        masks.join(masks_of(_contents(checkout, small, sizes), targets))
    return masks


def is_as_committed(checkout: Checkout, file: Path) -> bool:
    """Tell whether a file of the checkout is what it was in the merge base; a link is not."""
    place = _place(checkout, file)
    entry = None if place is None or file.is_symlink() else _entry(checkout, place)
    if entry is None or entry.type != "blob" or entry.mode == _LINK:
        return False
    committed = git.ask("cat-file", "blob", entry.object, cwd=checkout.root)
    # git may write the working tree with other ends of lines
    return file.read_bytes().replace(b"\r\n", b"\n") == committed.replace(b"\r\n", b"\n")


def is_removed(checkout: Checkout, path: Path) -> bool:
    """Tell whether the base has desired files at a path where the working tree has nothing.

    Without an index nothing was ever checked out, so nothing is known to be removed.
    """
    index = _text(git.ask("rev-parse", "--git-path", "index", cwd=checkout.root))
    return (checkout.root / index).exists() and any(_found(checkout, [path], []))


def _hold_to_history(root: Path, tips: Mapping[str, str], bases: Sequence[str]) -> None:
    """Refuse merge bases of a shallow clone where a later one may be in the history that was not fetched."""
    if _text(git.ask("rev-parse", "--is-shallow-repository", cwd=root)) != "true":
        return
    cut = {tip: _cut(root, commit, bases) for tip, commit in tips.items()}
    if not any(cut.values()):
        return
    commits = list(dict.fromkeys(each[:12] for some in cut.values() for each in some))
    more = f" and {len(commits) - _MOST_CUTS:,} more" if len(commits) > _MOST_CUTS else ""
    raise DriftcheckError(
        f"error: --base: the clone is shallow: the history of {' and of '.join(t for t in cut if cut[t])} is "
        f"cut off before {', '.join(commits[:_MOST_CUTS])}{more}, so a later merge base than {bases[0][:12]} "
        f"may be missing: fetch more, {_DEEPEN}"
    )


def _cut(root: Path, tip: str, bases: Sequence[str]) -> list[str]:
    """Commits between a tip and its merge bases that have parents which the clone lacks."""
    ends = _text(git.ask("rev-list", "--max-parents=0", tip, "--not", *bases, cwd=root)).splitlines()
    return [
        end
        for end in ends
        if b"\nparent " in git.ask("cat-file", "commit", end, cwd=root).partition(b"\n\n")[0]
    ]


def _hold_to_checked_out(checkout: Checkout, paths: Iterable[Path]) -> None:
    """Refuse desired files that a sparse checkout leaves out: they would seem to be removed."""
    left_out = []
    for path in paths:
        place = _real_place(checkout, path)
        if place is None:
            continue
        listed = git.ask("ls-files", "-z", "-t", "--", place, cwd=checkout.root)
        names = [os.fsdecode(line[2:]) for line in listed.split(b"\0") if line.startswith(b"S ")]
        inside = {name: posixpath.relpath(name, place) for name in names}
        left_out += [
            path / inner
            for name, inner in inside.items()
            if (name == place or (not _is_hidden(inner) and name.endswith(files.SUFFIXES)))
            and not os.path.lexists(checkout.root / name)
        ]
    if left_out:
        more = f" and {len(left_out) - 1:,} more" if len(left_out) > 1 else ""
        raise DriftcheckError(
            f"{files.name(left_out[0])}: error: a sparse checkout leaves it{more} out, and --base would say "
            "that the change removes it: run `git sparse-checkout add` with its folder"
        )


def _nested(checkout: Checkout, path: Path) -> Iterator[Path]:
    """What is in working trees of their own within the checkout: a path, or folders below it.

    Where one of the two commits has such a place, it is known what that commit has there.
    """
    top = _real_place(checkout, path)
    if top is None:
        return
    steps = [] if top == "." else top.split("/")
    if any(_is_apart(checkout, "/".join(steps[:depth])) for depth in range(1, len(steps) + 1)):
        yield path
        return
    for above, folders, _ in os.walk(path):
        folders[:] = [each for each in folders if not each.startswith(".")]
        for each in folders:
            place = _real_place(checkout, Path(above, each))
            if place is not None and _is_apart(checkout, place):
                yield Path(above, each)


def _is_apart(checkout: Checkout, place: str) -> bool:
    return os.path.lexists(checkout.root / place / ".git") and not any(
        _entry(checkout, place, commit) for commit in (checkout.commit, checkout.head)
    )


def _all_found(checkout: Checkout, paths: Iterable[Path]) -> tuple[list[tuple[str, str]], list[Invalid]]:
    faults: list[Invalid] = []
    return list(_found(checkout, paths, faults)), faults


def is_tracked(path: Path) -> bool:
    """Tell whether git tracks a path or anything under it, as far as there is a git to know it."""
    place = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow a link that is tracked
    if not any((above / ".git").exists() for above in place.parents):
        return False
    above = next(above for above in place.parents if above.is_dir())
    try:
        tracked = git.run("ls-files", "-z", "--", str(place), cwd=above)
    except DriftcheckError:
        return False
    return tracked.returncode == 0 and bool(tracked.stdout)


def _found(checkout: Checkout, paths: Iterable[Path], faults: list[Invalid]) -> Iterator[tuple[str, str]]:
    """The names and objects of the desired files that ``paths`` name, each file once, as on disk."""
    seen: set[str] = set()
    for path in paths:
        steps = _steps(checkout, path)
        named = None if steps is None else _followed(checkout, steps, path, faults)
        if named is None:
            continue
        top, entry = named
        inside = [(path, top, entry)] if entry.type != "tree" else _inside(checkout, path, top, faults)
        for file, at, each in inside:
            if each.type == "commit":
                faults.append(Invalid(files.name(file), _SUBMODULE))
            elif at not in seen:
                seen.add(at)
                yield files.name(file), each.object


def _inside(
    checkout: Checkout, folder: Path, top: str, faults: list[Invalid]
) -> Iterator[tuple[Path, str, _Entry]]:
    for place, entry in _tree(checkout, checkout.commit, top, "-r"):
        inner = posixpath.relpath(place, top or ".")
        if _is_hidden(inner):
            continue
        file = folder / inner
        wanted = file.suffix in files.SUFFIXES
        if entry.mode != _LINK:
            if wanted or entry.type == "commit":
                yield file, place, entry
            continue
        found = _followed(checkout, place.split("/"), file, faults if wanted else [])
        if found is not None and found[1].type == "tree":
            faults.append(Invalid(files.name(file), files.FOLDER_LINK))
        elif found is not None and wanted:
            yield file, *found


def _followed(
    checkout: Checkout, steps: Sequence[str], file: Path, faults: list[Invalid]
) -> tuple[str, _Entry] | None:
    """What stands at a place of the commit, or where its links lead within it; None where nothing does."""
    found = _walked(checkout, steps)
    if isinstance(found, str):
        faults.append(Invalid(files.name(file), found))
        return None
    return found


def _walked(checkout: Checkout, steps: Sequence[str]) -> tuple[str, _Entry] | str | None:
    """Follow links as a file system would that has the commit; a text says what is wrong with them."""
    above: list[str] = []
    left = [*steps]
    followed, is_link = 0, False
    entry = _entry(checkout, "")
    while left:
        step = left.pop(0)
        if step == "..":
            if not above:
                return files.LEADS_OUT
            above.pop()
            entry = _entry(checkout, "/".join(above))
            continue
        entry = _entry(checkout, "/".join([*above, step]))
        if entry is not None and entry.type == "commit" and left:
            return _SUBMODULE
        if entry is None or (left and entry.type != "tree" and entry.mode != _LINK):
            # what is above it may be a link to what lacks it, as a folder may
            return _NOWHERE if is_link else None
        if entry.mode != _LINK:
            above.append(step)
            continue
        followed += 1
        is_link = is_link or not left
        text = _link(checkout, entry)
        if text.startswith("/"):
            return files.LEADS_OUT
        if not text or followed > _MOST_LINKS:
            return _NOWHERE
        left[:0] = [each for each in text.split("/") if each not in {"", "."}]
    return None if entry is None else ("/".join(above), entry)


def _link(checkout: Checkout, entry: _Entry) -> str:
    """What a link of a commit says; nothing if it says more than any file system takes."""
    if _sizes(checkout, [entry.object])[entry.object] > _LONGEST_LINK:
        return ""
    return os.fsdecode(git.ask("cat-file", "blob", entry.object, cwd=checkout.root))


def _is_in_submodule(checkout: Checkout, place: str, commit: str | None = None) -> bool:
    steps = place.split("/")
    above = (_entry(checkout, "/".join(steps[:depth]), commit) for depth in range(1, len(steps)))
    return any(entry is not None and entry.type == "commit" for entry in above)


def _place(checkout: Checkout, path: Path) -> str | None:
    """The path from the top of the checkout, the last step not followed if it is a link; None outside."""
    above, last = os.path.split(os.path.abspath(path))  # noqa: PTH100 - resolve() follows the last step too
    for place in (Path(os.path.realpath(above), last), Path(os.path.realpath(path))):
        if place.is_relative_to(checkout.root):
            inner = place.relative_to(checkout.root).as_posix()
            return "" if inner == "." else inner
    return None


def _steps(checkout: Checkout, path: Path) -> list[str] | None:
    """The steps of a path from the top of the checkout, of which none is followed yet; None outside.

    The links that lead to the checkout are followed, and the working folder is where it really is.
    """
    at, left = Path(os.path.realpath(path.anchor or ".")), [*path.relative_to(path.anchor).parts]
    followed = 0
    while left and (left[0] == ".." or not at.is_relative_to(checkout.root)):
        step = left.pop(0)
        if step == "..":
            at = at.parent
        elif (at / step).is_symlink() and followed < _MOST_LINKS:
            followed += 1
            link = (at / step).readlink()
            at, left = at / link.anchor, [*link.relative_to(link.anchor).parts, *left]
        else:
            at /= step
    return [*at.relative_to(checkout.root).parts, *left] if at.is_relative_to(checkout.root) else None


def _real_place(checkout: Checkout, path: Path) -> str | None:
    """The path from the top of the checkout to where its links lead, ``.`` for the top; None outside."""
    real = Path(os.path.realpath(path))
    return real.relative_to(checkout.root).as_posix() if real.is_relative_to(checkout.root) else None


def _is_hidden(inner: str) -> bool:
    return any(part.startswith(".") for part in inner.split("/"))


@lru_cache(maxsize=4096)
def _entry(checkout: Checkout, place: str, commit: str | None = None) -> _Entry | None:
    commit = commit or checkout.commit
    if not place:
        return _Entry("040000", "tree", commit)
    return dict(_tree(checkout, commit, place)).get(place)


def _tree(checkout: Checkout, commit: str, place: str, *options: str) -> Iterator[tuple[str, _Entry]]:
    """What a commit has at a place, or with ``-r`` below it, by its path from the top."""
    where = ["--", place] if place else []
    listed = git.ask("ls-tree", "-z", "--full-tree", *options, commit, *where, cwd=checkout.root)
    for line in listed.split(b"\0")[:-1]:
        about, _, name = line.partition(b"\t")
        yield os.fsdecode(name), _Entry(*about.decode().split(" "))


def _sizes(checkout: Checkout, blobs: Iterable[str]) -> dict[str, int]:
    asked = "".join(f"{blob}\n" for blob in blobs).encode()
    told = git.ask("cat-file", "--batch-check", cwd=checkout.root, given=asked).decode().splitlines()
    rows = [line.split(" ") for line in told]
    if lost := [row[0] for row in rows if row[-1] == "missing"]:
        raise git.failed(f"the object {lost[0]} is missing", checkout.root)
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
    told = git.ask("cat-file", "--batch", cwd=checkout.root, given=asked)
    at = 0
    for file, _ in batch:
        head = told.index(b"\n", at)
        end = head + 1 + int(told[at:head].split(b" ")[2])
        yield file, told[head + 1 : end]
        at = end + 1


def _commit(ref: str, root: Path) -> str:
    asked = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", cwd=root)
    commit = _text(asked.stdout)
    if not _COMMIT.fullmatch(commit):
        raise DriftcheckError(
            f"error: --base: there is no commit `{ref}` here; if the clone is without it, fetch it, {_DEEPEN}"
        )
    return commit


def _text(line: bytes) -> str:
    return os.fsdecode(line.removesuffix(b"\n"))
