"""Desired files on disk: which there are, and their text parsed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from driftcheck.desired.written import Mark, SyntaxFaultError
from driftcheck.model import Invalid, Location

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from driftcheck.desired.written import Written

SUFFIXES = (".yaml", ".yml", ".json")
MAX_BYTES = 10_000_000
LEADS_OUT = "it leads out of the checkout"
FOLDER_LINK = "a link to a folder is not followed; name the folder itself"


class FileFaultError(Exception):
    """What is wrong with a file or folder as a whole, or at a place in it."""

    def __init__(self, invalid: Invalid) -> None:
        super().__init__(str(invalid))
        self.invalid = invalid


def find(
    paths: Iterable[Path],
    faults: list[Invalid],
    within: Path | None = None,
    is_removed: Callable[[Path], bool] = lambda _: False,
) -> list[Path]:
    """The desired files that ``paths`` name, folders read recursively and in order; each file once.

    What cannot be read is added to ``faults``, and so is what leads out of the folder ``within``, if one is
    given, or into what a version control system keeps there: nothing of it is opened. Of a path with nothing
    there, ``is_removed`` tells whether that is right.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        if within is not None and not is_in(path, within):
            faults.append(Invalid(name(path), LEADS_OUT))
            continue
        # os.path.isdir and realpath, unlike pathlib's, take any name and any loop of links
        if os.path.isdir(path):  # noqa: PTH112
            before = len(faults)
            inside = list(_walk(path, faults))
            if not inside and len(faults) == before and not is_removed(path):
                suffixes = " ".join("*" + each for each in SUFFIXES)
                faults.append(Invalid(name(path), f"the folder holds no {suffixes} file"))
        else:
            inside = [] if _is_absent(path) and is_removed(path) else [path]
        for file in inside:
            if within is not None and not is_in(file, within):
                faults.append(Invalid(name(file), LEADS_OUT))
                continue
            found.setdefault(Path(os.path.realpath(file)), file)
    return list(found.values())


def name(path: Path) -> str:
    """A file's name as text, whatever bytes it is made of."""
    return path.as_posix().encode("utf-8", "backslashreplace").decode("utf-8")


def too_large(file: str) -> Invalid:
    """What is said of a file of more than ``MAX_BYTES``."""
    return Invalid(file, f"larger than {MAX_BYTES // 1_000_000} MB")


def parse(path: Path) -> Written:
    """The file's value, with positions.

    Raises:
        FileFaultError: it cannot be read, is too large, no UTF-8, or neither YAML nor JSON.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FileFaultError(Invalid(name(path), f"cannot be read: {error.strerror}")) from None
    return parsed(name(path), content)


def parsed(file: str, content: bytes) -> Written:
    """The value of a file's content, with positions; of a large one, the first bytes are enough.

    Raises:
        FileFaultError: it is too large, no UTF-8, or neither YAML nor JSON.
    """
    text = _text(file, content)
    try:
        if file.endswith(".json"):
            from driftcheck.desired import json_

            return json_.parse(text)
        from driftcheck.desired import yaml_

        return yaml_.parse(text)
    except SyntaxFaultError as fault:
        raise FileFaultError(Invalid(Location(file, *fault.mark), str(fault))) from None


def is_in(path: Path, folder: Path) -> bool:
    """Tell whether a path ends up in a folder, whatever links it goes over, and not in git's own there."""
    real = Path(os.path.realpath(path))
    return real.is_relative_to(folder) and ".git" not in real.relative_to(folder).parts


def _is_absent(path: Path) -> bool:
    """Tell whether nothing is at a path; a link to nowhere is something, and what cannot be looked at."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _walk(folder: Path, faults: list[Invalid]) -> Iterator[Path]:
    def failed(error: OSError) -> None:
        faults.append(Invalid(name(Path(error.filename)), f"cannot be read: {error.strerror}"))

    for above, folders, names in os.walk(folder, onerror=failed):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        # not entered, for it may lead anywhere; not passed over in silence either
        faults += (
            Invalid(name(Path(above, each)), FOLDER_LINK)
            for each in folders
            if Path(above, each).is_symlink()
        )
        for each in sorted(names):
            file = Path(above, each)
            if not each.startswith(".") and file.suffix in SUFFIXES and not file.is_fifo():
                yield file


def _text(file: str, content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise FileFaultError(too_large(file))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mark = Mark(
            content.count(b"\n", 0, error.start) + 1, error.start - content.rfind(b"\n", 0, error.start)
        )
        raise FileFaultError(Invalid(Location(file, *mark), "not UTF-8 text")) from None
