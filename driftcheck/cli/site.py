"""The dashboard, from a store of runs."""

from __future__ import annotations

import gc
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from driftcheck.cli.console import say
from driftcheck.cli.loading import CONFIG
from driftcheck.cli.options import Config, LogFormat, LogFormats, Quiet, Timeout, Verbose, place_of
from driftcheck.cli.stored import StoreAt, owner_of, store_of
from driftcheck.places import encrypted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from driftcheck.places import Prefix
    from driftcheck.store import Store
    from driftcheck.store.derived import Derived

Publish = Annotated[
    str | None,
    typer.Option(
        "--publish",
        metavar="DIR|s3://BUCKET/PREFIX",
        help="Bring the dashboard there up to date, or make it.  [default: none]",
    ),
]


Replace = Annotated[
    bool, typer.Option("--replace", help="Replace a dashboard that shows the runs of another store.")
]


def dashboard(
    store: StoreAt,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="DIR|s3://BUCKET/PREFIX", help="Where the site goes.")
    ],
    config: Config = None,
    replace: Replace = False,
    timeout: Timeout = 60.0,
    log_format: LogFormat = LogFormats.TEXT,  # noqa: ARG001 - read by main
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by main
) -> None:
    """Make the dashboard, a static site, from the store alone."""
    kept = store_of(store)
    site = site_of(output, "--output", kept)
    from driftcheck import config as configuration
    from driftcheck.store import open_store
    from driftcheck.store.derived import derive

    every = configuration.every(config, CONFIG)
    site = encrypted(site, configuration.encryption(config, CONFIG))
    runs = open_store(kept, say, timeout=timeout)
    runs.hold_existing()
    publish(
        runs,
        lambda: derive(runs, datetime.now(UTC)),
        site,
        every,
        anew=True,
        replace=replace,
        timeout=timeout,
        quiet=quiet,
    )


def publish(
    runs: Store,
    derive: Callable[[], Derived],
    site: Path | Prefix,
    every: timedelta | None,
    *,
    anew: bool,
    replace: bool,
    timeout: float,
    quiet: bool,
) -> None:
    """Write the dashboard, all of it ``anew`` or what is otherwise than there, and tell of it.

    ``derive`` gives the history of all runs. A complete run is expected ``every`` so often; None to tell that
    by the runs. With ``replace``, a dashboard of another store makes way.

    Raises:
        DriftcheckError: not all of it could be written; what the front page leads to is there.
    """
    from driftcheck.dashboard.build import build
    from driftcheck.objects import open_objects

    def derived() -> Derived:
        found = derive()
        # the history stays to the end: to look for garbage in it again and again would take a while
        gc.freeze()
        return found

    place = open_objects(site, timeout=timeout)
    owner = owner_of("dashboard")
    built = build(runs, derived, place, anew=anew, owner=owner, every=every, replace=replace)
    if not quiet:
        front = site / "index.html" if isinstance(site, Path) else f"{site}/index.html"
        say(
            f"wrote {front}: {built.written:,} of {built.pages:,} pages",
            pages=built.pages,
            written=built.written,
            deleted=built.deleted,
        )


def site_of(text: str, option: str, store: Path | Prefix) -> Path | Prefix:
    """Where an option says that the dashboard goes, which is not into the store."""
    found = place_of(text, option)
    inner, outer = (
        os.path.realpath(each) if isinstance(each, Path) else str(each) for each in (found, store)
    )
    if f"{inner}/".startswith(f"{outer}/"):
        raise typer.BadParameter("the dashboard needs a place outside of the store", param_hint=option)
    return found
