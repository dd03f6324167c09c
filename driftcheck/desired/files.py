"""Desired files on disk: which there are, and their text parsed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from driftcheck.desired.written import Mark, SyntaxFaultError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from driftcheck.desired.written import Written

SUFFIXES = (".yaml", ".yml", ".json")
MAX_BYTES = 10_000_000


class FileFaultError(Exception):
    """What is wrong with a file or folder as a whole, or at a place in it; one line, with the name."""


def find(paths: Iterable[Path], faults: list[str]) -> list[Path]:
    """The desired files that ``paths`` name, folders read recursively and in order; each file once.

    What cannot be read is added to ``faults``.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        # os.path.isdir and realpath, unlike pathlib's, take any name and any loop of links
        if os.path.isdir(path):  # noqa: PTH112
            before = len(faults)
            inside = list(_walk(path, faults))
            if not inside and len(faults) == before:
                faults.append(
                    f"{path}: error: the folder holds no {' '.join('*' + each for each in SUFFIXES)} file"
                )
        else:
            inside = [path]
        for file in inside:
            found.setdefault(Path(os.path.realpath(file)), file)
    return list(found.values())


def name(path: Path) -> str:
    """A file's name as text, whatever bytes it is made of."""
    return path.as_posix().encode("utf-8", "backslashreplace").decode("utf-8")


def parse(path: Path) -> Written:
    """The file's value, with positions.

    Raises:
        FileFaultError: it cannot be read, is too large, no UTF-8, or neither YAML nor JSON.
    """
    text = _text(path)
    try:
        if path.suffix == ".json":
            from driftcheck.desired import json_

            return json_.parse(text)
        from driftcheck.desired import yaml_

        return yaml_.parse(text)
    except SyntaxFaultError as fault:
        raise FileFaultError(f"{path}:{fault.mark.line}:{fault.mark.column}: error: {fault}") from None


def _walk(folder: Path, faults: list[str]) -> Iterator[Path]:
    def failed(error: OSError) -> None:
        faults.append(f"{error.filename}: error: cannot be read: {error.strerror}")

    for above, folders, names in os.walk(folder, onerror=failed):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        # not entered, for it may lead anywhere; not passed over in silence either
        faults += (
            f"{Path(above, name)}: error: a link to a folder is not followed; name the folder itself"
            for name in folders
            if Path(above, name).is_symlink()
        )
        for name in sorted(names):
            file = Path(above, name)
            if not name.startswith(".") and file.suffix in SUFFIXES and not file.is_fifo():
                yield file


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FileFaultError(f"{path}: error: cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise FileFaultError(f"{path}: error: larger than {MAX_BYTES // 1_000_000} MB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mark = Mark(
            content.count(b"\n", 0, error.start) + 1, error.start - content.rfind(b"\n", 0, error.start)
        )
        raise FileFaultError(f"{path}:{mark.line}:{mark.column}: error: not UTF-8 text") from None
