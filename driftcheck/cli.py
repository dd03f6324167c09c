"""The command line: the only place that prints, writes report files and chooses an exit code."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from driftcheck import __version__
from driftcheck.errors import DriftcheckError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from driftcheck.desired import DesiredState
    from driftcheck.document import Document
    from driftcheck.outputs import Output
    from driftcheck.pool import Stop

DRIFT, FAILURE = 2, 1
_FAIL_ON = ("drifted", "missing", "unmanaged", "error")

app = typer.Typer(
    name="driftcheck",
    help="Terraform-style drift detection for Amazon SageMaker Model Monitor job definitions.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 in sync, 2 drift, 1 anything else; 130 and 143 when interrupted.",
)

Paths = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[PATHS]...", help="Desired files and folders.  [default: desired]"),
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


def main() -> NoReturn:
    """Run the command line and exit with the contract's code; nothing that goes wrong shows a traceback."""
    verbose = bool({"-v", "--verbose"} & set(sys.argv[1:]))
    try:
        code = app(prog_name="driftcheck", standalone_mode=False)
    except typer.TyperException as error:
        code = _refused(error)
    except DriftcheckError as error:
        for line in error.lines:
            _say(line)
        code = FAILURE
    except OSError as error:
        if verbose:
            raise
        # help and the completion scripts are printed by the command-line library
        _say(f"error: {error.filename or 'standard output'}: {error.strerror or error}")
        code = FAILURE
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted")
        code = 128 + signal.SIGINT
    except Exception as error:
        if verbose:
            raise
        _say(f"error: a bug in driftcheck: {type(error).__name__}: {error}; --verbose shows where")
        code = FAILURE
    _leave(code if isinstance(code, int) else 0)


def _tell_version(asked: bool) -> None:
    if asked:
        _print(f"driftcheck {__version__}\n")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_tell_version),
    ] = False,
) -> None:
    """Options that stand before a command."""


@app.command()
def check(  # noqa: PLR0913, PLR0917 - one parameter for each option
    paths: Paths = None,
    target: Targets = None,
    select: Select = None,
    config: Config = None,
    output: Outputs = None,
    templates: Templates = None,
    concurrency: Annotated[
        int, typer.Option(metavar="N", min=1, max=256, help="How many calls at a time.")
    ] = 16,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="Limit on one API call with its retries.")
    ] = 60.0,
    deadline: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="Limit on the whole run.")
    ] = 3600.0,
    fail_on: Annotated[
        str,
        typer.Option(metavar="STATUS[,STATUS]", help="What exits 2: drifted, missing, unmanaged, or none."),
    ] = "drifted,missing",
    unmanaged: Unmanaged = True,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Compare desired state with AWS and report the drift. Only ever reads."""
    failing = _statuses(fail_on)
    outputs = _outputs(output)
    with _signals() as caught:
        state = _desired(paths, config, target, select)
        _try_out(outputs)
        if verbose:
            _warn(state)
        from driftcheck.aws import Aws
        from driftcheck.check import check as run
        from driftcheck.document import document
        from driftcheck.fetch import Limits

        with _progress(len(state.definitions), shown=not quiet) as progress:
            report = run(
                state,
                Aws(timeout=timeout, concurrency=concurrency),
                Limits(concurrency, timeout, deadline),
                unmanaged=unmanaged,
                stop=caught.stop,
                progress=progress,
            )
        result = document(report)
        _write_all(result, outputs, templates, quiet=quiet)
    if caught.number:
        raise typer.Exit(128 + caught.number)
    raise typer.Exit(_exit_code(result, failing))


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
    state = _desired(paths, config, target, select)
    if not quiet:
        _warn(state)
        found = (
            (len(state.definitions), "definition"),
            (len(state.targets), "target"),
            (len(state.warnings), "warning"),
        )
        said = ", ".join(f"{count:,} {what}{'' if count == 1 else 's'}" for count, what in found)
        _print(f"Valid: {said}.\n")


@app.command()
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
    from driftcheck.document import loads

    outputs = _outputs(output)
    try:
        if result == "-" and sys.stdin is None:
            raise BrokenPipeError(0, "standard input is closed")
        content = sys.stdin.buffer.read() if result == "-" else Path(result).read_bytes()
    except OSError as error:
        raise DriftcheckError(f"{result}: error: cannot be read: {error.strerror}") from None
    document = loads(content, result)
    _try_out(outputs)
    _write_all(document, outputs, templates, quiet=quiet)


@app.command()
def schema(
    result: Annotated[bool, typer.Option("--result", help="The schema of the JSON result instead.")] = False,
) -> None:
    """Print the JSON Schema of the desired file, for editors."""
    if result:
        from driftcheck.document import result_schema

        found = result_schema()
    else:
        from driftcheck.schema import file_schema

        found = file_schema(references=True)
    _print(json.dumps(found, indent=2) + "\n")


@app.command("iam-policy")
def iam_policy(
    paths: Paths = None,
    target: Targets = None,
    config: Config = None,
    unmanaged: Unmanaged = True,
) -> None:
    """Print the least IAM policy that check needs: read actions only."""
    from driftcheck.iam import policy

    _print(json.dumps(policy(_desired(paths, config, target, None), unmanaged=unmanaged), indent=2) + "\n")


@app.command()
def demo(
    folder: Annotated[
        Path, typer.Option("--folder", metavar="DIR", help="Where the reports and the desired files go.")
    ] = Path("driftcheck-demo"),
) -> None:
    """Run the main job on an embedded AWS emulator on 127.0.0.1; no account needed."""
    from driftcheck.demo import run

    for line in run(folder):
        _print(f"{line}\n")


class _Caught:
    """The signal that came, if one did, and the request to stop that it makes."""

    def __init__(self) -> None:
        from driftcheck.pool import Stop

        self.stop: Stop = Stop()
        self.number = 0

    def __call__(self, number: int, _frame: object) -> None:
        if self.number:
            os._exit(128 + number)
        self.number = number
        self.stop.request()


@contextmanager
def _signals() -> Iterator[_Caught]:
    """Turn the first SIGINT or SIGTERM into a request to stop; the second ends the process at once."""
    caught = _Caught()
    before = {number: signal.signal(number, caught) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress(of: int, *, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error where that is a terminal."""
    if not shown or not of or sys.stderr is None or not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("Reading"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=of)
        yield lambda done, _of: bar.update(task, completed=done)


def _desired(
    paths: list[Path] | None, config: Path | None, targets: list[str] | None, select: list[str] | None
) -> DesiredState:
    from driftcheck import config as configuration
    from driftcheck.desired import load

    declared = configuration.load(config, Path("driftcheck.toml"))
    configuration.choose(declared, targets or ())
    # everything that is loaded stays to the end; to look for garbage in it again and again takes most of the
    # time of loading 10,000 definitions
    gc.disable()
    try:
        return load(paths or [Path("desired")], declared, only=targets or (), select=select or ())
    finally:
        gc.freeze()
        gc.enable()


def _outputs(specs: list[str] | None) -> list[Output]:
    from driftcheck.outputs import parse

    try:
        return parse(specs or [])
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--output") from None


def _try_out(outputs: list[Output]) -> None:
    from driftcheck.outputs import try_out

    try_out(outputs)


def _write_all(document: Document, outputs: list[Output], templates: Path | None, *, quiet: bool) -> None:
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
                _say(f"wrote {output.file}")
    if faults:
        raise DriftcheckError(*faults)


def _exit_code(document: Document, failing: frozenset[str]) -> int:
    statuses = {resource["status"] for resource in document["resources"]}
    if "error" in statuses or any(target["error"] for target in document["targets"]):
        return FAILURE
    return DRIFT if statuses & failing else 0


def _statuses(text: str) -> frozenset[str]:
    names = {name.strip() for name in text.split(",")} - {"", "none"}
    for name in sorted(names):
        if name not in _FAIL_ON:
            hint = did_you_mean(name, _FAIL_ON)
            raise typer.BadParameter(f"unknown status `{name}`{hint}", param_hint="--fail-on")
    return frozenset(names)


def _warn(state: DesiredState) -> None:
    for warning in state.warnings:
        _say(f"{warning.source}: warning: {warning.message}")


def _print(text: str) -> None:
    from driftcheck.outputs import STDOUT, Output, write

    write(Output("text", STDOUT), text)


def _say(line: str) -> None:
    """One line on standard error, in which nothing acts on a terminal or in a build's log."""
    from driftcheck.render.common import visible

    if sys.stderr is None:
        return
    text = visible(line)
    try:
        sys.stderr.write(("\\" + text if text.startswith("::") else text) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def _refused(error: Any) -> int:
    """A usage error, in the words of the command-line library and with the contract's exit code."""
    context, message = getattr(error, "ctx", None), error.format_message()
    lines = (message or "").splitlines()
    if len(lines) > 1:  # no command at all: the message is the help
        for line in lines:
            _say(line)
    elif lines:
        if context is not None:
            _say(context.get_usage().splitlines()[0])
        _say(f"error: {message}")
    return FAILURE


def _leave(code: int) -> NoReturn:
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
    sys.exit(code)
