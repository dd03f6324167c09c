"""The main command: desired state compared with AWS."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from driftcheck.cli.console import FAILURE, attempt, exit_code, say, signals, write_all
from driftcheck.cli.loading import base_of, change_from, desired_state, warn, warnings_of
from driftcheck.cli.options import (
    STATE,
    Base,
    Concurrency,
    Config,
    Dask,
    Deadline,
    FailOn,
    FailOnNew,
    Incremental,
    LogFormat,
    LogFormats,
    MaxAge,
    Outputs,
    Paths,
    Quiet,
    Select,
    Shard,
    State,
    StateOut,
    Targets,
    Templates,
    Timeout,
    Unmanaged,
    Verbose,
    age_of,
    dask_of,
    hold_to_base,
    outputs_of,
    places_of,
    shard_of,
    statuses_of,
)
from driftcheck.cli.stored import Keep, StoreFolder, store_folder_of, with_moves
from driftcheck.errors import DriftcheckError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta
    from pathlib import Path

    from driftcheck.cli.console import Caught
    from driftcheck.cli.loading import Change
    from driftcheck.desired import InvalidDesiredError
    from driftcheck.document.entries import Document
    from driftcheck.outputs import Output
    from driftcheck.store import Store


def check(  # noqa: PLR0913, PLR0917 - one parameter for each option
    paths: Paths = None,
    target: Targets = None,
    select: Select = None,
    config: Config = None,
    output: Outputs = None,
    templates: Templates = None,
    concurrency: Concurrency = 16,
    timeout: Timeout = 60.0,
    deadline: Deadline = 3600.0,
    base: Base = None,
    shard: Shard = None,
    dask: Dask = None,
    incremental: Incremental = False,
    state_at: State = STATE,
    state_out: StateOut = None,
    max_age: MaxAge = "7d",
    store: StoreFolder = None,
    keep_for: Keep = None,
    fail_on: FailOn = "drifted,missing",
    fail_on_new: FailOnNew = False,
    unmanaged: Unmanaged = True,
    log_format: LogFormat = LogFormats.TEXT,  # noqa: ARG001 - read by main
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Compare desired state with AWS and report the drift. Only ever reads."""
    failing = statuses_of(fail_on, unmanaged=unmanaged)
    outputs = outputs_of(output)
    of_shards = shard_of(shard)
    age = age_of(max_age)
    places = places_of(state_at, state_out)
    hold_to_base(base, sharded=of_shards is not None, only_new=fail_on_new)
    kept_in = store_folder_of(store, keep_for, is_whole=not (select or shard or base is not None))
    scheduler = dask_of(dask, alone=not (shard or incremental or base is not None))
    from driftcheck.outputs import try_out

    change = change_from(
        base, paths, config, target, select, outputs, places if incremental else (), templates
    )
    with signals() as caught, _written(change, outputs if output else (), templates, caught, quiet=quiet):
        state = desired_state(paths, config, target, select, change, local=not scheduler)
        if of_shards:
            from driftcheck.sharding import part

            state = part(state, *of_shards, unmanaged=unmanaged)
        try_out(outputs)
        if verbose:
            warn(state)
        from driftcheck.cli.remembered import keep
        from driftcheck.cli.running import Options, run
        from driftcheck.document import document
        from driftcheck.fetch import Limits
        from driftcheck.review import Review

        review = Review(state, change.state) if change and change.state else None
        known = (places, age) if incremental else None
        options = Options(Limits(concurrency, timeout, deadline), known, scheduler, unmanaged, quiet)
        report, memories = run(state, options, caught.stop, review, warnings_of(change))
        result = document(report, base_of(change, review))
        kept = None
        if kept_in:
            from driftcheck.store import open_store

            kept = open_store(kept_in[0], say)
            result = with_moves(result, kept)
        done = attempt(
            lambda: _store(kept, kept_in and kept_in[1], result, quiet=quiet),
            lambda: write_all(result, outputs, templates, quiet=quiet),
            lambda: keep(places, state, memories, quiet=quiet),
            verbose=verbose,
        )
    if caught.number:
        raise typer.Exit(128 + caught.number)
    raise typer.Exit(exit_code(result, failing, only_new=fail_on_new) if done else FAILURE)


def _store(kept: Store | None, oldest: timedelta | None, result: Document, *, quiet: bool) -> None:
    """Keep a result in a folder, if one is named, and delete those that are older than is said."""
    if kept is None:
        return
    kept.exists()  # a dashboard is refused
    kept.add(result)
    kept.identify(quiet=quiet)
    if oldest is not None:
        kept.prune(oldest, result)


@contextmanager
def _written(
    change: Change | None, outputs: Sequence[Output], templates: Path | None, caught: Caught, *, quiet: bool
) -> Iterator[None]:
    """Write the reports that were asked for where the desired state turns out to be invalid."""
    from driftcheck.desired import InvalidDesiredError

    try:
        yield
    except InvalidDesiredError as error:
        if outputs:
            _write_invalid(error, change, outputs, templates, quiet=quiet)
        if caught.number:
            for line in error.lines:
                say(line)
            raise typer.Exit(128 + caught.number) from None
        raise


def _write_invalid(
    error: InvalidDesiredError,
    change: Change | None,
    outputs: Sequence[Output],
    templates: Path | None,
    *,
    quiet: bool,
) -> None:
    """Write the reports that were asked for, with what is wrong with the desired state and nothing else."""
    from driftcheck.document import document
    from driftcheck.model import Report

    now = datetime.now(UTC)
    report = Report(now, now, interrupted=False, targets=error.targets, findings=(), warnings=error.warnings)
    try:
        write_all(document(report, base_of(change, None), error.faults), outputs, templates, quiet=quiet)
    except DriftcheckError as unwritten:
        raise DriftcheckError(*error.lines, *unwritten.lines) from None
