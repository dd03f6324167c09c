"""A run as the options of a command ask for it: on this machine, or on a Dask cluster."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from driftcheck.cli.console import say
from driftcheck.cli.progress import progress
from driftcheck.cli.remembered import forget_sensitive, recall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import timedelta

    from driftcheck.desired import DesiredState
    from driftcheck.fetch import Limits
    from driftcheck.memory import Memory, Places
    from driftcheck.model import Report, Warn
    from driftcheck.pool import Stop
    from driftcheck.review import Review


@dataclass(frozen=True, slots=True)
class Options:
    """What a command was told of its run.

    ``known`` is where what earlier runs have described is found and kept, and up to which age it is used;
    None to describe everything. ``scheduler`` is that of a Dask cluster, None to read on this machine.
    """

    limits: Limits
    known: tuple[Places, timedelta] | None
    scheduler: str | None
    unmanaged: bool
    quiet: bool


def run(
    state: DesiredState,
    options: Options,
    stop: Stop,
    review: Review | None = None,
    warnings: Iterable[Warn] = (),
) -> tuple[Report, dict[str, Memory]]:
    """Read and compare, and show how far that is; of a change, each reading is judged by both of its sides.

    Gives the report, and what is known of each target now.

    Raises:
        DriftcheckError: what is known could not be kept.
        InvalidDesiredError: a file names another account or region than the one that was read.
    """
    from driftcheck.desired import InvalidDesiredError
    from driftcheck.desired.arns import Known, misplaced

    memories: dict[str, Memory] = {}
    faults: list[str] = []
    call: Callable[..., Report]
    if options.scheduler:
        from driftcheck import cluster

        call = partial(cluster.check, state, options.scheduler, faults=faults)
    else:
        from driftcheck import check
        from driftcheck.aws import Aws

        limits = options.limits
        reading = review.state if review else state
        told = [*warnings]
        if options.known:
            memories = recall(*options.known, reading, told, limits, stop)
        aws = Aws(timeout=limits.timeout, concurrency=limits.concurrency)
        call = partial(check.check, reading, aws, memories=memories, warnings=told)
        if review:
            call = partial(call, judge=review.judge)
    # until the account is known, a definition may only seem to be missing
    with progress(state.definitions, shown=not options.quiet, certain=not state.arns) as shown:
        report = call(options.limits, unmanaged=options.unmanaged, stop=stop, progress=shown)
    for fault in faults:
        say(f"error: {fault}")
    if memories:
        forget_sensitive(memories, review.state if review else state, report)
    report = review.report(report) if review else report
    # credentials of another account than the operator names are an error of the target, not of its files
    accounts = {target.name: target.account for target in state.targets}
    places = {
        each.name: Known(each.region, accounts.get(each.name) or each.account) for each in report.targets
    }
    if wrong := misplaced(state.arns, places):
        raise InvalidDesiredError(wrong, state.warnings, report.targets)
    return report, memories
