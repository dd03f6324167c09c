"""The nightly run: a check, and then all that is kept, told and shown of it.

What this writes to AWS, and ``check`` never does, are the steps below and nothing else.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import typer

from driftcheck.cli import telling
from driftcheck.cli.console import DRIFT, FAILURE, attempt, exit_code, say, signals, write_all
from driftcheck.cli.loading import CONFIG, desired_state, warn
from driftcheck.cli.options import (
    STATE,
    Concurrency,
    Config,
    Dask,
    Deadline,
    FailOn,
    Incremental,
    LogFormat,
    LogFormats,
    MaxAge,
    Outputs,
    Paths,
    Quiet,
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
    statuses_of,
)
from driftcheck.cli.site import Publish, Replace, site_of
from driftcheck.cli.stored import Keep, Remind, StoreAt, owner_of, store_of, with_moves
from driftcheck.errors import DriftcheckError
from driftcheck.places import LockedError, PlaceError, encrypted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import timedelta

    from driftcheck.cli.console import Caught
    from driftcheck.config import Nightly
    from driftcheck.desired import DesiredState
    from driftcheck.document.entries import Document
    from driftcheck.memory import Memory, Places
    from driftcheck.places import Prefix
    from driftcheck.store import Name, Store
    from driftcheck.store.derived import Derived


@dataclass(slots=True)
class Night:
    """One run, and what its steps have made of it so far; None is what the step for it has not, or could not.

    ``hold`` raises where the lock on the store was lost; each step that changes anything calls it first.
    """

    store: Store
    document: Document
    settings: Nightly
    now: datetime
    keep: timedelta | None
    publish: Path | Prefix | None
    replace: bool
    every: timedelta | None
    timeout: float
    remind: timedelta
    quiet: bool
    hold: Callable[[], None]
    name: Name | None = None
    derived: Derived | None = None
    notices: telling.Telling | None = None
    is_known: bool = False
    """The history is kept, and what each run has to tell is recorded."""


Step: TypeAlias = "Callable[[Night], None]"


def _keep(night: Night) -> None:
    """Keep the result document."""
    night.hold()
    night.name = night.store.add(night.document)
    night.store.identify(quiet=night.quiet)
    if not night.quiet:
        say(f"kept {night.store.place}/runs/{night.name}.json.gz", run=str(night.name))


def _derive(night: Night) -> None:
    """Derive the history, and keep it."""
    from driftcheck.store import derived

    night.notices = telling.prepared(
        night.store, night.hold, night.settings.notify, night.remind, night.keep, night.document
    )
    night.derived = night.notices.derive_and_note(night.now, night.name)
    night.hold()
    derived.keep(night.store, night.derived)
    # what the outbox could not record is told once it was sent
    night.is_known = not night.notices.outbox.faults


def _publish(night: Night) -> None:
    """Bring the dashboard up to date, before runs that it has pages of are deleted."""
    if night.publish is None or night.derived is None:
        return
    from driftcheck.cli.site import publish

    night.hold()
    derived = night.derived
    publish(
        night.store,
        lambda: derived,
        night.publish,
        night.every,
        anew=False,
        replace=night.replace,
        timeout=night.timeout,
        quiet=night.quiet,
    )


def _prune(night: Night) -> None:
    """Delete the runs that are older than they are to be kept, once the history knows of them."""
    if night.keep is None or night.name is None or not night.is_known:
        return
    night.hold()
    count = night.store.prune(night.keep, night.document)
    if count and not night.quiet:
        say(f"deleted {count:,} runs from {night.store.place}", deleted=count)


def _remember(
    places: Places,
    state: DesiredState,
    memories: Mapping[str, Memory],
    timeout: float,
    caught: Caught,
    *,
    quiet: bool,
) -> None:
    """Keep what --incremental has learned: in the folder, and on S3 if it was read there."""
    from driftcheck.cli.pushing import push_state
    from driftcheck.cli.remembered import keep
    from driftcheck.fetch import Limits

    place, folder = places
    if isinstance(place, Path):
        keep(places, state, memories, quiet=quiet)
        return
    keep(places, state, memories, quiet=True)
    limits = Limits(timeout=timeout)
    if memories and (faults := push_state(place, folder, limits, caught.stop, quiet=quiet)):
        raise DriftcheckError(*faults)


def _notify(night: Night) -> None:
    """Send what this run, or one before it, has put down to be told."""
    if night.notices is None:
        return
    if night.derived is not None:
        night.notices.note_unkept(night.derived)
    night.notices.deliver()


def _measure(night: Night) -> None:
    """Publish what the run measured."""
    if night.derived is not None:
        telling.publish(night.settings.metrics, night.document, night.derived.history)


STEPS: tuple[Step, ...] = (_keep, _derive, _publish, _prune, _notify, _measure)
"""What is done with a result, in this order; a step that fails is told, and those after it are taken."""


def nightly(  # noqa: PLR0913, PLR0917 - one parameter for each option
    store: StoreAt,
    paths: Paths = None,
    target: Targets = None,
    config: Config = None,
    output: Outputs = None,
    templates: Templates = None,
    concurrency: Concurrency = 16,
    timeout: Timeout = 60.0,
    deadline: Deadline = 3600.0,
    dask: Dask = None,
    incremental: Incremental = False,
    state_at: State = STATE,
    state_out: StateOut = None,
    max_age: MaxAge = "7d",
    keep_for: Keep = None,
    publish: Publish = None,
    replace: Replace = False,
    remind: Remind = "7d",
    fail_on: FailOn = "drifted,missing",
    unmanaged: Unmanaged = True,
    log_format: LogFormat = LogFormats.TEXT,  # noqa: ARG001 - read by main
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Check, and keep the result with the history of all runs."""
    failing = statuses_of(fail_on, unmanaged=unmanaged)
    outputs = outputs_of(output)
    age = age_of(max_age)
    places = places_of(state_at, state_out)
    place = store_of(store)
    oldest = None if keep_for is None else age_of(keep_for, "--keep")
    again = age_of(remind, "--remind")
    site = None if publish is None else site_of(publish, "--publish", place)
    if replace and site is None:
        raise typer.BadParameter("there is nothing to replace without --publish", param_hint="--replace")
    scheduler = dask_of(dask, alone=not incremental)
    from driftcheck import config as configuration
    from driftcheck.cli.running import Options, run
    from driftcheck.document import document as document_of
    from driftcheck.fetch import Limits
    from driftcheck.outputs import try_out

    settings = configuration.nightly(config, CONFIG)
    every = configuration.every(config, CONFIG)
    sse = configuration.encryption(config, CONFIG)
    place, places = encrypted(place, sse), (encrypted(places[0], sse), places[1])
    site = site and encrypted(site, sse)
    with _heartbeat(settings.ping) as beat:
        state = desired_state(paths, config, target, None, local=not scheduler)
        try_out(outputs)
        if verbose:
            warn(state)
        with ExitStack() as stack:
            told: set[str] = set()
            opened = partial(_opened, stack, place, None if replace else site, timeout, told)
            runs, hold = opened()
            caught = stack.enter_context(signals())
            # a check may take hours: what keeps its result from being kept is told before
            is_ready = runs is not None and attempt(partial(_hold_readable, runs), verbose=verbose)
            known = (places, age) if incremental else None
            options = Options(Limits(concurrency, timeout, deadline), known, scheduler, unmanaged, quiet)
            report, memories = run(state, options, caught.stop)
            document = document_of(report)
            steps: list[Callable[[], None]] = []
            if runs is None:
                runs, hold = opened()
            if runs is not None:
                document = with_moves(document, runs)
                night = Night(
                    runs,
                    document,
                    settings,
                    datetime.now(UTC),
                    oldest,
                    site,
                    replace,
                    every,
                    timeout,
                    again,
                    quiet,
                    hold,
                )
                steps = [partial(step, night) for step in STEPS]
            steps[1:1] = [
                lambda: write_all(document, outputs, templates, quiet=quiet),
                lambda: _remember(places, state, memories, timeout, caught, quiet=quiet),
            ]
            done = attempt(*steps, verbose=verbose) and is_ready
        beat.code = exit_code(document, failing) if done else FAILURE
        if caught.number:
            beat.code = 128 + caught.number
    raise typer.Exit(beat.code)


def _opened(
    stack: ExitStack, place: Path | Prefix, site: Path | Prefix | None, timeout: float, told: set[str]
) -> tuple[Store | None, Callable[[], None]]:
    """The store, with its lock held until the stack ends; None where it cannot be used, which is told once.

    What needs no store is done all the same then, and the store is tried once more.

    Raises:
        LockedError: another run holds it, and checks.
    """
    from driftcheck.store import open_store

    try:
        store = open_store(place, say, timeout=timeout)
        _hold_meant(store, site, timeout)
        return store, stack.enter_context(store.objects.held(owner_of("nightly")))
    except DriftcheckError as error:
        if isinstance(error, LockedError) and not told:
            raise
        without = f"warning: {place} is tried again after the check; without it, this run is not kept"
        for line in (*error.lines, without):
            if line not in told:
                say(line)
            told.add(line)
    return None, lambda: None


def _hold_meant(store: Store, site: Path | Prefix | None, timeout: float) -> None:
    """Refuse a store that is new where the site shows another's runs, and a dashboard: a mistyped name.

    Where there is a store, the step that publishes refuses, and all others are taken.

    Raises:
        DriftcheckError: it is so, or the store is none.
    """
    from driftcheck.dashboard.build import OtherStoreError, hold_own
    from driftcheck.objects import open_objects

    try:
        if store.exists() or site is None:
            return
    except PlaceError:
        return  # told by whatever needs it
    try:
        hold_own(store, open_objects(site, timeout=timeout))
    except OtherStoreError:
        raise
    except DriftcheckError:
        return


def _hold_readable(store: Store) -> None:
    """Make sure that the runs can be listed, all that are known.

    Raises:
        PlaceError: they cannot.
    """
    from driftcheck.store import derived

    derived.expect(store)
    store.names()


@dataclass(slots=True)
class _Beat:
    """How the run ended, as its exit code; that of one which did not end by itself is a failure."""

    code: int = FAILURE


@contextmanager
def _heartbeat(url: str | None) -> Iterator[_Beat]:
    """Tell the heartbeat's URL of the start and the end; if it could not be told, the exit code is 1."""
    from driftcheck import heartbeat

    beat = _Beat()

    def told(what: str) -> bool:
        return url is None or attempt(lambda: heartbeat.ping(url, what), verbose=False)

    began = told(heartbeat.START)
    try:
        yield beat
    finally:
        # drift is what the run is there to find
        ended = told(heartbeat.SUCCESS if beat.code in {0, DRIFT} else heartbeat.FAILURE)
        if not (began and ended) and beat.code in {0, DRIFT}:
            beat.code = FAILURE
