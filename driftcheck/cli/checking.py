"""The main command: desired state compared with AWS."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import typer

from driftcheck.cli.console import exit_code, say, signals, write_all
from driftcheck.cli.loading import desired_state, warn
from driftcheck.cli.options import (
    STATE,
    Concurrency,
    Config,
    Dask,
    Deadline,
    FailOn,
    Incremental,
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
    outputs_of,
    places_of,
    shard_of,
    statuses_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftcheck.model import Report, Warn


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
    shard: Shard = None,
    dask: Dask = None,
    incremental: Incremental = False,
    state_at: State = STATE,
    state_out: StateOut = None,
    max_age: MaxAge = "7d",
    fail_on: FailOn = "drifted,missing",
    unmanaged: Unmanaged = True,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Compare desired state with AWS and report the drift. Only ever reads."""
    failing = statuses_of(fail_on)
    outputs = outputs_of(output)
    of_shards = shard_of(shard)
    age = age_of(max_age)
    places = places_of(state_at, state_out)
    scheduler = dask_of(dask, alone=not (shard or incremental))
    from driftcheck.outputs import try_out

    with signals() as caught:
        state = desired_state(paths, config, target, select)
        if of_shards:
            from driftcheck.sharding import part

            state = part(state, *of_shards, unmanaged=unmanaged)
        try_out(outputs)
        if verbose:
            warn(state)
        from driftcheck.cli.progress import progress
        from driftcheck.cli.remembered import keep, recall
        from driftcheck.document import document
        from driftcheck.fetch import Limits

        doubts: list[Warn] = []
        faults: list[str] = []
        limits = Limits(concurrency, timeout, deadline)
        memories = recall(places, state, age, doubts, limits, caught.stop) if incremental else {}
        run: Callable[..., Report]
        if scheduler:
            from driftcheck import cluster

            run = partial(cluster.check, state, scheduler, faults=faults)
        else:
            from driftcheck import check as single
            from driftcheck.aws import Aws

            aws = Aws(timeout=timeout, concurrency=concurrency)
            run = partial(single.check, state, aws, memories=memories, warnings=doubts)
        with progress(state.definitions, shown=not quiet) as told:
            report = run(limits, unmanaged=unmanaged, stop=caught.stop, progress=told)
        for fault in faults:
            say(f"error: {fault}")
        result = document(report)
        write_all(result, outputs, templates, quiet=quiet)
        keep(places, state, memories, quiet=quiet)
    raise typer.Exit(128 + caught.number if caught.number else exit_code(result, failing))
