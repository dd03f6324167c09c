"""Where reports go: ``-o [FORMAT=]FILE`` read, tried out before AWS is called, and written whole."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from driftcheck.errors import DriftcheckError, did_you_mean
from driftcheck.render import FORMATS

if TYPE_CHECKING:
    from collections.abc import Sequence

STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Output:
    """A format's name and the file that it goes to; ``-`` is standard output."""

    format: str
    file: str


def parse(specs: Sequence[str]) -> list[Output]:
    """What ``--output`` options ask for; text on standard output when there are none.

    Raises:
        ValueError: a format is unknown or cannot be told, or two reports go to one place.
    """
    outputs = [_parse(spec) for spec in specs] or [Output("text", STDOUT)]
    places = set()
    for output in outputs:
        place = output.file if output.file == STDOUT else os.path.realpath(output.file)
        if place in places:
            raise ValueError(f"two reports go to {output.file}")
        places.add(place)
    return outputs


def _parse(spec: str) -> Output:
    name, given, file = spec.partition("=")
    if given and name in FORMATS and file:
        return Output(name, file)
    if name in FORMATS:
        raise ValueError(f"`{name}` is a format: add the file, as in {name}=FILE")
    if given and name.isalpha():
        raise ValueError(f"unknown format `{name}`{did_you_mean(name, FORMATS)}")
    if spec == STDOUT:
        return Output("text", STDOUT)
    suffix = Path(spec).suffix
    for format_name, row in FORMATS.items():
        if row.suffix == suffix:
            return Output(format_name, spec)
    known = ", ".join(f"{format_name}={spec or 'FILE'}" for format_name in FORMATS)
    raise ValueError(f"the format of `{spec}` cannot be told from its suffix: write one of {known}")


def try_out(outputs: Sequence[Output]) -> None:
    """Make sure that every output can be written, leaving what is there as it is.

    Raises:
        DriftcheckError: one cannot.
    """
    for output in outputs:
        if output.file == STDOUT:
            if sys.stdout is None:
                raise DriftcheckError("error: standard output is closed")
            continue
        try:
            path = _destination(output.file)
            if path.is_fifo():
                continue  # opened and closed, it would tell its reader that nothing comes
            if _is_special(path):
                path.open("ab").close()
            else:
                handle, name = _temporary(path)
                os.close(handle)
                Path(name).unlink()
        except OSError as error:
            raise DriftcheckError(f"error: {output.file} cannot be written: {error.strerror}") from None


def write(output: Output, text: str) -> None:
    """Write a report: a file is replaced whole, under its own name, and keeps its permissions.

    Raises:
        DriftcheckError: it cannot be written; what was there before still is.
    """
    try:
        if output.file == STDOUT:
            _write_stdout(text, sys.stdout.encoding if output.format == "text" and sys.stdout else "utf-8")
        else:
            _write_file(_destination(output.file), text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        name = "standard output" if output.file == STDOUT else output.file
        raise DriftcheckError(f"error: {name} cannot be written: {error.strerror}") from None


def _destination(file: str) -> Path:
    """The file itself where a link is named, so that the link stays.

    A device or pipe is left as it is named: ``/dev/stdout`` leads to nothing that has a name.
    """
    path = Path(file)
    if not _is_special(path):
        path = Path(os.path.realpath(file))
    if path.is_dir():
        raise IsADirectoryError(0, "it is a folder")
    return path


def _is_special(path: Path) -> bool:
    """Tell whether a path is a device or pipe, which nothing can replace."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _temporary(path: Path) -> tuple[int, str]:
    return tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".tmp", dir=path.parent)


def _write_file(path: Path, content: bytes) -> None:
    if _is_special(path):
        path.write_bytes(content)
        return
    handle, name = _temporary(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), _mode(path))
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _mode(path: Path) -> int:
    """The permissions that the file has, or that a new one would have."""
    with suppress(FileNotFoundError):
        return stat.S_IMODE(path.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _write_stdout(text: str, encoding: str) -> None:
    """Text as the terminal takes it; every other format says, or its readers know, that it is UTF-8."""
    if sys.stdout is None:
        raise BrokenPipeError(0, "it is closed")
    content = text.encode(encoding, "backslashreplace")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except OSError:
        # the interpreter would try once more at exit, and complain in its own words
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
