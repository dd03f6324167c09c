"""The command line: the only place that prints, writes report files and chooses an exit code."""

from __future__ import annotations

import json
import signal
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from driftcheck import __version__
from driftcheck.cli import checking, nightly, publishing, pushing, rebuilding, saved, site
from driftcheck.cli.console import FAILURE, SIGNALS, Interrupt, bug, interrupt, leave, log_as_json, put, say
from driftcheck.cli.loading import desired_state, warn
from driftcheck.cli.options import (
    STATE,
    Config,
    Paths,
    Quiet,
    Select,
    State,
    Targets,
    Unmanaged,
    Verbose,
    places_of,
)
from driftcheck.errors import DriftcheckError

app = typer.Typer(
    name="driftcheck",
    help="Terraform-style drift detection for Amazon SageMaker Model Monitor job definitions.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 in sync, 2 drift, 1 anything else; 130 and 143 when interrupted.",
)


def main() -> NoReturn:
    """Run the command line and exit with the contract's code; nothing that goes wrong shows a traceback."""
    arguments = sys.argv[1:]
    verbose = bool({"-v", "--verbose"} & set(arguments))
    # what is wrong with the other options is told in this form too
    asked = "--log-format=json" in arguments or ("--log-format", "json") in pairwise(arguments)
    log_as_json(on=asked)
    for number in SIGNALS:
        signal.signal(number, interrupt)
    try:
        code = app(prog_name="driftcheck", standalone_mode=False)
    except typer.TyperException as error:
        code = _refused(error)
    except DriftcheckError as error:
        for line in error.lines:
            say(line)
        code = FAILURE
    except OSError as error:
        if verbose:
            raise
        # help and the completion scripts are printed by the command-line library
        say(f"error: {error.filename or 'standard output'}: {error.strerror or error}")
        code = FAILURE
    except Interrupt as signalled:
        say("terminated" if signalled.number == signal.SIGTERM else "interrupted")
        code = 128 + signalled.number
    except Exception as error:
        if verbose:
            raise
        say(bug(error))
        code = FAILURE
    leave(code if isinstance(code, int) else 0)


def _tell_version(asked: bool) -> None:
    if asked:
        put(f"driftcheck {__version__}\n")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_tell_version),
    ] = False,
) -> None:
    """Options that stand before a command."""


app.command()(checking.check)


@app.command()
def validate(
    paths: Paths = None,
    target: Targets = None,
    select: Select = None,
    config: Config = None,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by main
) -> None:
    """Check desired files alone: no AWS call, no credentials needed."""
    state = desired_state(paths, config, target, select, arn_level="warning")
    if not quiet:
        warn(state)
        found = (
            (len(state.definitions), "definition"),
            (len(state.targets), "target"),
            (len(state.warnings), "warning"),
        )
        said = ", ".join(f"{count:,} {what}{'' if count == 1 else 's'}" for count, what in found)
        put(f"Valid: {said}.\n")


app.command()(nightly.nightly)
app.command()(saved.report)
app.command()(saved.merge)
app.command()(publishing.comment)
app.command()(site.dashboard)
app.add_typer(pushing.app, name="state")
app.add_typer(rebuilding.app, name="history")


@app.command()
def schema(
    result: Annotated[bool, typer.Option("--result", help="The schema of the JSON result instead.")] = False,
    event: Annotated[
        bool, typer.Option("--event", help="The schema of the events that nightly sends instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of the desired file, for editors."""
    if result:
        from driftcheck.document import result_schema

        found = result_schema()
    elif event:
        from driftcheck.notices import event_schema

        found = event_schema()
    else:
        from driftcheck.schema import file_schema

        found = file_schema(references=True)
    put(json.dumps(found, indent=2) + "\n")


@app.command("iam-policy")
def iam_policy(
    paths: Paths = None,
    target: Targets = None,
    config: Config = None,
    unmanaged: Unmanaged = True,
    state_at: State = STATE,
) -> None:
    """Print the least IAM policy that check needs. Read actions only."""
    from driftcheck.aws import region_of
    from driftcheck.iam import policy

    at = places_of(state_at, None)[0]
    state = desired_state(paths, config, target, None)
    found = policy(state, unmanaged=unmanaged, state_at=at, region_of=region_of)
    put(json.dumps(found, indent=2) + "\n")


@app.command()
def demo(
    folder: Annotated[
        Path, typer.Option("--folder", metavar="DIR", help="Where the reports and the desired files go.")
    ] = Path("driftcheck-demo"),
    nights: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, max=366, help="Run it every night for so many, and make the dashboard."
        ),
    ] = None,
) -> None:
    """Run the main job on an emulated AWS, on this machine. No account is needed."""
    if nights is None:
        from driftcheck.demo import run

        lines = run(folder)
    else:
        from driftcheck.demo import month

        lines = month.run(folder, nights, datetime.now(UTC))
    for line in lines:
        put(f"{line}\n")


def _refused(error: Any) -> int:
    """A usage error, in the words of the command-line library and with the contract's exit code."""
    context, message = getattr(error, "ctx", None), error.format_message()
    lines = (message or "").splitlines()
    if len(lines) > 1:  # no command at all: the message is the help
        for line in lines:
            say(line)
    elif lines:
        if context is not None:
            say(context.get_usage().splitlines()[0])
        say(f"error: {message}")
    return FAILURE
