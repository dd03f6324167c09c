"""What is done with the state that ``check --incremental`` leaves, by a command that writes to S3."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from driftcheck.cli.console import FAILURE, say, signals
from driftcheck.cli.loading import CONFIG, hold_state
from driftcheck.cli.options import STATE, Config, Quiet, Timeout, Verbose, prefix_of
from driftcheck.errors import DriftcheckError

if TYPE_CHECKING:
    from driftcheck.aws.objects import Objects
    from driftcheck.fetch import Limits
    from driftcheck.places import Prefix
    from driftcheck.pool import Stop

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\.state")

app = typer.Typer(help="Keep what check --incremental has left in a folder.", no_args_is_help=True)


@app.command()
def push(
    url: Annotated[str, typer.Argument(metavar="s3://BUCKET/PREFIX", help="Where check is to find it.")],
    folder: Annotated[
        Path, typer.Option("--state", metavar="DIR", file_okay=False, help="The folder.")
    ] = Path(STATE),
    config: Config = None,
    timeout: Timeout = 60.0,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by main
) -> None:
    """Put the state in a folder on S3, and nothing else."""
    prefix = prefix_of(url)
    from driftcheck import config as configuration
    from driftcheck.fetch import Limits

    prefix = replace(prefix, sse=configuration.encryption(config, CONFIG))
    with signals() as caught:
        faults = push_state(prefix, folder, Limits(timeout=timeout), caught.stop, quiet=quiet)
    for fault in faults:
        say(fault)
    raise typer.Exit(128 + caught.number if caught.number else FAILURE if faults else 0)


def push_state(prefix: Prefix, folder: Path, limits: Limits, stop: Stop, *, quiet: bool) -> list[str]:
    """Put the state in a folder on S3; gives a line for each file that is not there now.

    Raises:
        DriftcheckError: the folder holds none, or somebody has committed it.
    """
    hold_state(folder)
    files = sorted(folder.glob("*.state"))
    if not files:
        raise DriftcheckError(f"error: {folder} holds no state, as check --incremental leaves it")
    from driftcheck.cli.remembered import on_objects
    from driftcheck.fetch import unanswered
    from driftcheck.memory import UnusableError

    faults = []

    def done(file: Path, outcome: Any) -> None:
        if isinstance(outcome, UnusableError):
            faults.append(f"error: {file} is not pushed: {outcome}")
        elif isinstance(outcome, Exception):
            why = unanswered("PutObject", outcome, limits).message
            faults.append(f"error: {file} is not pushed to {prefix}: {why}")
        elif not quiet:
            say(f"pushed {prefix}/{file.name}")

    on_objects(prefix, {file: partial(_put, file) for file in files}, done, limits, stop)
    return sorted(faults)


def _put(file: Path, objects: Objects) -> None:
    """Write a file as an object, if it is one that a run may rely on.

    Raises:
        UnusableError: it is not.
        BotoCoreError, ClientError: it is not written.
    """
    from driftcheck.cli.remembered import readable
    from driftcheck.memory import UnusableError, loads

    if not _NAME.fullmatch(file.name):
        raise UnusableError("no target is named so")
    content = readable(file)
    loads(content, datetime.now(UTC), timedelta.max)
    objects.put(file.name, content)
