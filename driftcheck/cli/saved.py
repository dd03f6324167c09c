"""The commands on saved results, which call nobody and read no desired file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from driftcheck.cli.console import exit_code, write_all
from driftcheck.cli.options import (
    FailOn,
    Outputs,
    Quiet,
    Templates,
    Verbose,
    age_of,
    hold_to_unmanaged,
    outputs_of,
    statuses_of,
)
from driftcheck.errors import DriftcheckError

if TYPE_CHECKING:
    from driftcheck.document.entries import Document


_LARGEST = 256_000_000
"""Bytes of a result; that of 100,000 definitions has 40 MB. What has no end, such as a device, has one so."""


def report(
    result: Annotated[
        str, typer.Argument(metavar="RESULT.json", help="A saved result; - is standard input.")
    ],
    output: Outputs = None,
    templates: Templates = None,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by main
) -> None:
    """Render a saved result again, in any format."""
    from driftcheck.outputs import try_out

    outputs = outputs_of(output)
    document = read(result)
    try_out(outputs)
    write_all(document, outputs, templates, quiet=quiet)


def merge(
    results: Annotated[
        list[str],
        typer.Argument(metavar="RESULT.json", help="All results of one run; - is standard input."),
    ],
    output: Outputs = None,
    templates: Templates = None,
    max_age: Annotated[
        str,
        typer.Option("--max-age", metavar="AGE", help="How far apart the results may start: 36h, 7d."),
    ] = "24h",
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            metavar="NAME",
            help="There has to be a result of this target (repeatable).  [default: all that files are for]",
        ),
    ] = None,
    fail_on: FailOn = "drifted,missing",
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by main
) -> None:
    """Make one result of those of shards, or of targets. Exits as check does."""
    from driftcheck.merging import merge as merged
    from driftcheck.outputs import try_out

    failing = statuses_of(fail_on)
    outputs = outputs_of(output)
    age = age_of(max_age)
    parts = [(name, read(name)) for name in results]
    for name, part in parts:
        is_asked = "run" not in part or part["run"]["unmanaged"]
        hold_to_unmanaged(failing, is_asked=is_asked, made=f"{name}: ")
    document = merged(parts, age, target or ())
    try_out(outputs)
    write_all(document, outputs, templates, quiet=quiet)
    raise typer.Exit(exit_code(document, failing))


def read(name: str, limit: int | None = None) -> Document:
    """A saved result; ``-`` is standard input, ``limit`` the most bytes that it may have.

    Raises:
        DriftcheckError: it cannot be read, is larger, or is no result.
    """
    from driftcheck.document import loads

    limit = limit or _LARGEST
    most = limit + 1
    try:
        if name == "-" and sys.stdin is None:
            raise BrokenPipeError(0, "standard input is closed")
        if name == "-":
            content = sys.stdin.buffer.read(most)
        else:
            with Path(name).open("rb") as file:
                content = file.read(most)
    except OSError as error:
        raise DriftcheckError(f"{name}: error: cannot be read: {error.strerror}") from None
    if len(content) > limit:
        raise DriftcheckError(f"{name}: error: larger than {limit // 1_000_000} MB")
    return loads(content, name)
