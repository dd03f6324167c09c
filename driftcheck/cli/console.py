"""Both ends of a terminal: what is said and shown, signals, and leaving."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import traceback
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn

from driftcheck.errors import DriftcheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from driftcheck.document.entries import Document
    from driftcheck.model import Json
    from driftcheck.outputs import Output
    from driftcheck.pool import Stop

FAILURE = 1
DRIFT = 2
SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LEVEL = re.compile(r"(?:^|: )(error|warning): ")
_log = {"json": False}


def put(text: str) -> None:
    """Text on standard output, whole."""
    from driftcheck.outputs import STDOUT, Output, write

    write(Output("text", STDOUT), text)


def log_as_json(*, on: bool) -> None:
    """Make each line on standard error a JSON object from now on, or text."""
    _log["json"] = on


def logs_json() -> bool:
    """Tell whether lines on standard error are JSON objects."""
    return _log["json"]


def say(line: str, **fields: Json) -> None:
    """One line on standard error: no credential is in it, and nothing that acts on a terminal or in a log.

    ``fields`` go into the line where lines are JSON objects; text does without them.
    """
    from driftcheck.redact import masked_text
    from driftcheck.render.common import visible

    if sys.stderr is None:
        return
    text = visible(masked_text(line))
    if logs_json():
        level = _LEVEL.search(text)
        said = {
            "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            "level": level[1] if level else "info",
            "message": text,
            **fields,
        }
        text = json.dumps(said)
    elif text.startswith("::"):
        text = "\\" + text
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def bug(error: Exception) -> str:
    """What is said of an exception that nobody foresaw."""
    return f"error: a bug in driftcheck: {type(error).__name__}: {error}; --verbose shows where"


def attempt(*steps: Callable[[], object], verbose: bool) -> bool:
    """Take each step, whatever becomes of those before it; what goes wrong is said, and makes this False."""
    done = True
    told: set[str] = set()
    for step in steps:
        try:
            step()
        except DriftcheckError as error:
            done = False
            for line in error.lines:
                if line not in told:
                    say(line)
            told.update(error.lines)
        except Exception as error:  # noqa: BLE001 - the steps after it are to be taken all the same
            done = False
            say(bug(error))
            if verbose:
                for line in traceback.format_exception(error):
                    say(line.rstrip())
    return done


def write_all(document: Document, outputs: Sequence[Output], templates: Path | None, *, quiet: bool) -> None:
    """Write every report that can be; the first that cannot does not keep the others from being written."""
    from driftcheck.outputs import STDOUT, write
    from driftcheck.render import Style, render

    faults: list[str] = []
    for output in outputs:
        to_terminal = output.file == STDOUT and sys.stdout is not None and sys.stdout.isatty()
        color = to_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        try:
            write(output, render(document, output.format, Style(color=color, templates=templates)))
        except DriftcheckError as error:
            faults += error.lines
        else:
            if output.file != STDOUT and not quiet:
                say(f"wrote {output.file}")
    if faults:
        raise DriftcheckError(*faults)


def exit_code(document: Document, failing: frozenset[str], *, only_new: bool = False) -> int:
    """The contract's code for a result; a run that was cut short is none that compared everything.

    Of what has one of the statuses that are ``failing``, ``only_new`` lets pass what was so in the base, and
    what the change from it intends. Where the base could not be used, nothing is known to be either.
    To fail on ``unmanaged``, everything that exists has to be known.
    """
    from driftcheck.document import is_listed

    statuses = {resource["status"] for resource in document["resources"]}
    lost = "error" in statuses or any(target["error"] for target in document["targets"])
    if lost or not document["complete"]:
        return FAILURE
    if "unmanaged" in failing and not is_listed(document):
        say("error: --fail-on unmanaged: what exists could not be listed whole: see the report's warnings")
        return FAILURE
    if only_new and (base := document.get("base")) and not base["error"]:
        from driftcheck.document.origins import group

        statuses = {resource["status"] for resource in document["resources"] if group(resource) == "new"}
    return DRIFT if statuses & failing else 0


class Interrupt(BaseException):
    """A signal outside of a run that could still write what it knows.

    It is no KeyboardInterrupt: over one that ends an ``exec``, as every dataclass is made by, the interpreter
    kills itself at its end, even where it was caught; and the command-line library takes each for SIGINT.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def interrupt(number: int, _frame: object) -> NoReturn:
    """Handle SIGINT or SIGTERM where there is nothing to write."""
    raise Interrupt(number)


class Caught:
    """The signal that came, if one did, and the request to stop that it makes."""

    def __init__(self) -> None:
        from driftcheck.pool import Stop

        self.stop: Stop = Stop()
        self.number = 0

    def __call__(self, number: int, _frame: object) -> None:
        """Handle a signal: ask for an end the first time, end at once the second."""
        if self.number:
            os._exit(128 + number)
        self.number = number
        self.stop.request()


@contextmanager
def signals() -> Iterator[Caught]:
    """Turn the first SIGINT or SIGTERM into a request to stop; the second ends the process at once."""
    caught = Caught()
    before = {number: signal.signal(number, caught) for number in SIGNALS}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave(code: int) -> NoReturn:
    """Exit without waiting for threads that are given up."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except (OSError, ValueError):
                # the interpreter would try once more, complain in its own words and exit with 120
                with suppress(OSError, ValueError):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
                code = code or FAILURE
    for number in SIGNALS:
        # the interpreter takes a while to end, and puts the default, which kills, in place of a handler
        signal.signal(number, signal.SIG_IGN)
    sys.exit(code)
