"""What the runs in a store tell together, derived from them once more."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from driftcheck.cli.console import say
from driftcheck.cli.loading import CONFIG
from driftcheck.cli.options import Config, LogFormat, LogFormats, Quiet, Timeout, Verbose
from driftcheck.cli.stored import StoreAt, owner_of, store_of
from driftcheck.places import encrypted

app = typer.Typer(help="What the runs in a store tell together.", no_args_is_help=True)


@app.command()
def rebuild(
    store: StoreAt,
    config: Config = None,
    timeout: Timeout = 60.0,
    log_format: LogFormat = LogFormats.TEXT,  # noqa: ARG001 - read by main
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by main
) -> None:
    """Derive everything from the stored runs again."""
    from driftcheck import config as configuration
    from driftcheck.store import derived, open_store

    place = encrypted(store_of(store), configuration.encryption(config, CONFIG))
    runs = open_store(place, say, timeout=timeout)
    runs.hold_existing()
    with runs.objects.held(owner_of("history rebuild")) as hold:
        found = derived.derive(runs, datetime.now(UTC), anew=True)
        hold()  # to read a year takes a while
        runs.identify(quiet=quiet)
        derived.keep(runs, found)
    if not quiet:
        count, courses = len(found.names), len(found.history.courses)
        say(
            f"derived from {count:,} runs: the history of {courses:,} definitions",
            runs=count,
        )
