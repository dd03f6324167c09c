"""Options that several commands share, and what their text means."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from driftcheck.errors import did_you_mean

if TYPE_CHECKING:
    from datetime import timedelta

    from driftcheck.memory import Places
    from driftcheck.outputs import Output
    from driftcheck.places import Prefix

_MAX_SHARDS = 10_000
"""As many as an AWS Batch array job has at most, and as the result document takes."""
_BATCH = ("AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE")
"""What AWS Batch sets in each child of an array job: its index, from 0, and how many there are."""
_NUMBER = re.compile("[0-9]{1,6}")

_FAIL_ON = ("drifted", "missing", "unmanaged", "error")

Paths = Annotated[
    list[Path] | None,
    typer.Argument(metavar="PATHS", help="Desired files and folders.  [default: desired]"),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="Targets and settings.  [default: driftcheck.toml, if there]"
    ),
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
FailOn = Annotated[
    str,
    typer.Option(metavar="STATUS[,STATUS]", help="What exits 2: drifted, missing, unmanaged, or none."),
]
Shard = Annotated[
    str | None,
    typer.Option(
        metavar="N/COUNT",
        help="Only part N of COUNT, from 1: merge puts the results together. In an AWS Batch array job, "
        "auto takes both from AWS_BATCH_JOB_ARRAY_INDEX and _SIZE.",
    ),
]

MAX_TIMEOUT = 86_400.0
"""Seconds; a socket takes no limit of more than some centuries, and no infinite one."""

Timeout = Annotated[
    float,
    typer.Option(metavar="SECONDS", min=0.1, max=MAX_TIMEOUT, help="Limit on one API call with its retries."),
]
Deadline = Annotated[float, typer.Option(metavar="SECONDS", min=0.1, help="Limit on the whole run.")]
Concurrency = Annotated[
    int,
    typer.Option(metavar="N", min=1, max=256, help="How many calls at a time; with --dask, in each task."),
]
Dask = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS", help="Read and compare on the workers of the Dask scheduler at tcp://HOST:PORT."
    ),
]
Base = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="REF",
        help="A git ref: tell what the working tree changes from its merge base, and what was so before.",
    ),
]
FailOnNew = Annotated[
    bool,
    typer.Option(
        "--fail-on-new", help="With --base: exit 2 only for what the change introduces and does not intend."
    ),
]

Incremental = Annotated[
    bool,
    typer.Option(
        "--incremental", help="Describe only what List shows to be new or recreated since it was described."
    ),
]
STATE = ".driftcheck"
"""The folder of what --incremental keeps, where no option names another."""

State = Annotated[
    str,
    typer.Option(
        "--state",
        metavar="DIR|s3://BUCKET/PREFIX",
        help="Where --incremental finds what was described, and keeps it if that is a folder.",
    ),
]
StateOut = Annotated[
    str | None,
    typer.Option(
        "--state-out",
        metavar="DIR",
        help="Where it keeps that instead, for state push.  [default: .driftcheck, if --state is on S3]",
    ),
]


class LogFormats(StrEnum):
    """How messages stand on standard error."""

    TEXT = "text"
    JSON = "json"


LogFormat = Annotated[
    LogFormats,
    typer.Option("--log-format", help="Messages on stderr as text, or one JSON object a line."),
]
MaxAge = Annotated[
    str,
    typer.Option(
        "--max-age", metavar="AGE", help="How long before --incremental describes all again: 12h, 7d."
    ),
]


def hold_to_base(base: str | None, *, sharded: bool, only_new: bool) -> None:
    """Refuse what makes no sense with ``--base``, or without it."""
    if base is None and only_new:
        raise typer.BadParameter("it needs --base", param_hint="--fail-on-new")
    if base is not None and sharded:
        raise typer.BadParameter("a shard has no base: leave one of the two out", param_hint="--shard")


def age_of(text: str, option: str = "--max-age") -> timedelta:
    """The time that an option names."""
    from driftcheck.config import age

    try:
        return age(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def places_of(state: str, state_out: str | None) -> Places:
    """Where ``--state`` says that state is read, and the folder in which it is kept."""
    from driftcheck.places import is_url

    read = place_of(state, "--state")
    if state_out is None:
        return read, read if isinstance(read, Path) else Path(STATE)
    if is_url(state_out):
        raise typer.BadParameter(
            "check writes nothing to AWS: name a folder, and `driftcheck state push` puts it on S3",
            param_hint="--state-out",
        )
    kept = Path(state_out)
    hold_to_folder(kept, state_out, "--state-out")
    return read, kept


def prefix_of(text: str) -> Prefix:
    """The place on S3 that an argument names."""
    found = place_of(text, "URL")
    if isinstance(found, Path):
        raise typer.BadParameter(f"`{text}` is a folder: write s3://bucket/prefix", param_hint="URL")
    return found


def place_of(text: str, option: str) -> Path | Prefix:
    """The folder or the place on S3 that an option names."""
    from driftcheck.places import place

    try:
        found = place(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
    if isinstance(found, Path):
        hold_to_folder(found, text, option)
    return found


def hold_to_folder(found: Path, text: str, option: str) -> None:
    """Refuse what is there and is no folder."""
    if found.exists() and not found.is_dir():
        raise typer.BadParameter(f"`{text}` is a file, and no folder", param_hint=option)


def outputs_of(specs: list[str] | None) -> list[Output]:
    """Where ``--output`` options say that reports go."""
    from driftcheck.outputs import parse

    try:
        return parse(specs or [])
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--output") from None


def statuses_of(text: str, *, unmanaged: bool = True) -> frozenset[str]:
    """The statuses that ``--fail-on`` names; ``unmanaged`` tells that such definitions are looked for."""
    names = {name.strip() for name in text.split(",")} - {"", "none"}
    for name in sorted(names):
        if name not in _FAIL_ON:
            hint = did_you_mean(name, _FAIL_ON)
            raise typer.BadParameter(f"unknown status `{name}`{hint}", param_hint="--fail-on")
    failing = frozenset(names)
    hold_to_unmanaged(failing, is_asked=unmanaged)
    return failing


def hold_to_unmanaged(failing: frozenset[str], *, is_asked: bool, made: str = "") -> None:
    """Refuse to fail on what is not looked for; ``made`` names the result that was made so."""
    if "unmanaged" in failing and not is_asked:
        raise typer.BadParameter(
            f"{made}nothing unmanaged is looked for with --no-unmanaged: leave one of the two out",
            param_hint="--fail-on",
        )


def shard_of(text: str | None) -> tuple[int, int] | None:
    """The part that ``--shard`` names, counted from 1, and of how many."""
    if text is None:
        return None
    said, written = text, text
    if text == "auto":
        number, size = (os.environ.get(name, "") for name in _BATCH)
        said = f"auto, where {_BATCH[0]} is `{number}` and {_BATCH[1]} is `{size}`"
        # AWS Batch counts from 0
        written = f"{int(number) + 1}/{size}" if _NUMBER.fullmatch(number) else ""
    numbers = written.split("/")
    if len(numbers) != 2 or not all(map(_NUMBER.fullmatch, numbers)):  # noqa: PLR2004
        raise typer.BadParameter(
            f"{said}: write a shard as 2/8, or auto within an AWS Batch array job", param_hint="--shard"
        )
    index, count = map(int, numbers)
    if not 1 <= index <= count <= _MAX_SHARDS:
        raise typer.BadParameter(
            f"{said}: shards count from 1 to as many as there are, at most {_MAX_SHARDS:,}",
            param_hint="--shard",
        )
    return index, count


def dask_of(text: str | None, *, alone: bool) -> str | None:
    """The scheduler's address that ``--dask`` names; ``alone`` if no option is given that goes without it.

    Raises:
        DriftcheckError: Dask is not there to reach it, which is better known before the files are read.
    """
    if text is None:
        return None
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
        known = parts.scheme in {"tcp", "tls"} and bool(parts.hostname and parts.port)
    except ValueError:
        known = False
    if not known or "@" in text or parts.path or parts.query or parts.fragment:
        raise typer.BadParameter(
            f"`{text}` is no address: write it as tcp://HOST:PORT, or tls://HOST:PORT", param_hint="--dask"
        )
    if not alone:
        raise typer.BadParameter("goes without --base, --shard and --incremental", param_hint="--dask")
    from driftcheck.cluster import prepare

    prepare()
    return text
