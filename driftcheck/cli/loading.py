"""Desired files as several commands read them, and what they are warned of."""

from __future__ import annotations

import gc
import os
from dataclasses import dataclass, replace
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from driftcheck.cli.console import say
from driftcheck.errors import DriftcheckError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftcheck.committed import Checkout
    from driftcheck.desired import ArnLevel, DesiredState, Masks
    from driftcheck.model import Target, Unreadable, Warn
    from driftcheck.outputs import Output
    from driftcheck.places import Prefix
    from driftcheck.review import Review
    from driftcheck.revision import Base

CONFIG = Path("driftcheck.toml")
DESIRED = [Path("desired")]
_UNRELIABLE = (
    "error: {} is part of what is checked out, so it is nothing to rely on: name another folder with --state"
)


@dataclass(frozen=True, slots=True)
class Change:
    """What the working tree started from; ``error`` is why the desired state of then cannot be used.

    ``masks`` are what it, or the branch that it is compared with, calls sensitive.
    """

    checkout: Checkout
    masks: Masks
    state: DesiredState | None
    error: Unreadable | None


def desired_state(
    paths: list[Path] | None,
    config: Path | None,
    targets: list[str] | None,
    select: list[str] | None,
    change: Change | None = None,
    *,
    local: bool = False,
    arn_level: ArnLevel = "error",
) -> DesiredState:
    """The desired state that the options of a command ask for; of a change, within its checkout.

    With ``local``, this machine is to read the targets: they get the region that its settings name.

    Raises:
        DriftcheckError: something is wrong with the files or the options.
    """
    from driftcheck import config as configuration
    from driftcheck.desired import load

    def is_removed(path: Path) -> bool:
        if change is None or change.state is None:
            return False
        from driftcheck import committed

        return committed.is_removed(change.checkout, path)

    declared = configuration.load(config, CONFIG)
    configuration.choose(declared, targets or ())
    plain_keys = configuration.plain_keys(config, CONFIG)
    # to hold an ARN against, a region is asked for only where a file has one
    region_of = _local_region if local or arn_level == "warning" else attrgetter("region")
    # everything that is loaded stays to the end; to look for garbage in it again and again takes most of the
    # time of loading 10,000 definitions
    gc.disable()
    try:
        state = load(
            paths or DESIRED,
            declared,
            only=targets or (),
            select=select or (),
            within=change.checkout.root if change else None,
            base=change.state if change else None,
            is_removed=is_removed,
            region_of=region_of,
            arn_level=arn_level,
        ).with_plain_keys(plain_keys)
        if local:
            targets_here, elsewhere = (
                tuple(replace(target, region=region_of(target)) for target in group)
                for group in (state.targets, state.elsewhere)
            )
            state = replace(state, targets=targets_here, elsewhere=elsewhere)
        return state.masked(change.masks) if change else state
    finally:
        gc.freeze()
        gc.enable()


def _local_region(target: Target) -> str | None:
    """Find a target's region; AWS's library is loaded only where no setting of its own names one."""
    # in the order of aws.base_session, where both go before the region of a profile
    ambient = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return target.region or ambient or _region_of_profile(target.profile)


@cache
def _region_of_profile(profile: str | None) -> str | None:
    from driftcheck.aws import region_of

    return region_of(profile)


def warn(state: DesiredState) -> None:
    """Say the warnings about the files."""
    for warning in state.warnings:
        say(f"{warning.source}: warning: {warning.message}")


def change_from(
    ref: str | None,
    paths: list[Path] | None,
    config: Path | None,
    targets: list[str] | None,
    select: list[str] | None,
    outputs: Iterable[Output],
    state: Iterable[Path | Prefix],
    templates: Path | None = None,
) -> Change | None:
    """The desired state of the merge base with a git ref, for the operator's targets of today; None of none.

    ``outputs`` are the reports that are to be written, ``state`` what is relied on of earlier runs,
    ``templates`` the operator's folder of them.

    Raises:
        DriftcheckError: git cannot give it, or the change may have a say in what is not for it to decide.
    """
    if ref is None:
        return None
    from driftcheck import committed
    from driftcheck import config as configuration
    from driftcheck.desired import InvalidDesiredError
    from driftcheck.model import Unreadable

    checkout = committed.checkout(ref)
    _hold_to(checkout, outputs, state, templates)
    if config is None and os.path.lexists(CONFIG) and not committed.is_as_committed(checkout, CONFIG):
        raise DriftcheckError(
            f"{CONFIG}: error: it names credentials, and is not what the merge base has: "
            f"pass --config {CONFIG} if you trust this change, or another one"
        )
    declared = configuration.load(config, CONFIG)
    paths = paths or DESIRED
    try:
        desired = committed.desired_of(checkout, paths, declared, only=targets or (), select=select or ())
    except InvalidDesiredError as error:
        more = f" (and {len(error.faults) - 1:,} more)" if len(error.faults) > 1 else ""
        masks = committed.sensitive_of(checkout, paths, declared, None)
        return Change(checkout, masks, None, Unreadable("InvalidBase", f"{error.faults[0]}{more}"))
    masks = committed.sensitive_of(checkout, paths, declared, desired)
    desired = desired.with_plain_keys(configuration.plain_keys(config, CONFIG)).masked(masks)
    return Change(checkout, masks, desired, None)


def _hold_to(
    checkout: Checkout, outputs: Iterable[Output], state: Iterable[Path | Prefix], templates: Path | None
) -> None:
    """Refuse to write where a change may lead, and to rely on what it may have brought."""
    if templates is not None and (checkout.holds(templates) or checkout.leads_out(templates)):
        raise DriftcheckError(
            f"error: {templates} is part of what is checked out, and a template can run anything: "
            "name another folder with --templates"
        )
    for output in outputs:
        if output.file != "-" and checkout.leads_out(Path(output.file)):
            raise DriftcheckError(f"error: {output.file} leads out of the checkout")
    for folder in state:
        if isinstance(folder, Path) and (checkout.holds(folder) or checkout.leads_out(folder)):
            raise DriftcheckError(_UNRELIABLE.format(folder))


def hold_state(folder: Path) -> None:
    """Refuse state that somebody has committed.

    Raises:
        DriftcheckError: git tracks something in the folder.
    """
    from driftcheck.committed import is_tracked

    if is_tracked(folder):
        raise DriftcheckError(_UNRELIABLE.format(folder))


def base_of(change: Change | None, review: Review | None) -> Base | None:
    """What a result says of what it was compared with."""
    from driftcheck.revision import Base

    if change is None:
        return None
    declarations = review.declarations() if review else ()
    return Base(change.checkout.ref, change.checkout.commit, change.error, declarations)


def warnings_of(change: Change | None) -> list[Warn]:
    """What is to be told of a base that nothing could be compared with."""
    from driftcheck.model import Warn

    if change is None or change.error is None:
        return []
    return [
        Warn(
            "base-not-compared", f"the base cannot be used, so nothing has an origin: {change.error.message}"
        )
    ]
