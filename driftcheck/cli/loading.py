"""Desired files as several commands read them, and what they are warned of."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

from driftcheck.cli.console import say

if TYPE_CHECKING:
    from driftcheck.desired import DesiredState


def desired_state(
    paths: list[Path] | None, config: Path | None, targets: list[str] | None, select: list[str] | None
) -> DesiredState:
    """The desired state that the options of a command ask for.

    Raises:
        DriftcheckError: something is wrong with the files or the options.
    """
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


def warn(state: DesiredState) -> None:
    """Say the warnings about the files."""
    for warning in state.warnings:
        say(f"{warning.source}: warning: {warning.message}")
