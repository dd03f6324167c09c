"""Options that several commands share, and what their text means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from driftcheck.errors import did_you_mean

if TYPE_CHECKING:
    from driftcheck.outputs import Output

_FAIL_ON = ("drifted", "missing", "unmanaged", "error")

Paths = Annotated[
    list[Path] | None,
    typer.Argument(metavar="PATHS", help="Desired files and folders.  [default: desired]"),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The targets.  [default: driftcheck.toml, if there]"),
]
Targets = Annotated[
    list[str] | None, typer.Option("--target", metavar="NAME", help="Only this target (repeatable).")
]
Select = Annotated[
    list[str] | None, typer.Option("--select", metavar="GLOB", help="Only definitions named so (repeatable).")
]
Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="[FORMAT=]FILE",
        help="Write a report (repeatable): text, json, markdown, html, junit or sarif, told by the suffix "
        "when left out; - is standard output.  [default: text=-]",
    ),
]
Templates = Annotated[
    Path | None,
    typer.Option(
        "--templates",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="A folder whose report.html.j2 or report.md.j2 stands before the built-in one.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only reports and errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="More on stderr; a bug with its traceback.")]
Unmanaged = Annotated[
    bool, typer.Option("--unmanaged/--no-unmanaged", help="Look for definitions that no file declares.")
]


def outputs_of(specs: list[str] | None) -> list[Output]:
    """Where ``--output`` options say that reports go."""
    from driftcheck.outputs import parse

    try:
        return parse(specs or [])
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--output") from None


def statuses_of(text: str) -> frozenset[str]:
    """The statuses that ``--fail-on`` names."""
    names = {name.strip() for name in text.split(",")} - {"", "none"}
    for name in sorted(names):
        if name not in _FAIL_ON:
            hint = did_you_mean(name, _FAIL_ON)
            raise typer.BadParameter(f"unknown status `{name}`{hint}", param_hint="--fail-on")
    return frozenset(names)
