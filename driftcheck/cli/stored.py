"""Options about the store of runs, and what their text means."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from driftcheck.cli.console import say
from driftcheck.cli.options import age_of, hold_to_folder, place_of
from driftcheck.errors import DriftcheckError
from driftcheck.places import is_url

if TYPE_CHECKING:
    from datetime import timedelta

    from driftcheck.document.entries import Document, WarningEntry
    from driftcheck.places import Prefix
    from driftcheck.store import Store

Keep = Annotated[
    str | None,
    typer.Option("--keep", metavar="AGE", help="Delete older runs from the store: 400d.  [default: none]"),
]
Remind = Annotated[
    str,
    typer.Option(
        "--remind", metavar="AGE", help="How often to tell again of what is still not in sync; 0d for never."
    ),
]
StoreAt = Annotated[
    str, typer.Option("--store", metavar="DIR|s3://BUCKET/PREFIX", help="Where the runs are kept.")
]
StoreFolder = Annotated[
    str | None,
    typer.Option("--store", metavar="DIR", help="Keep the result here, beside those of earlier runs."),
]


def store_of(text: str) -> Path | Prefix:
    """Where ``--store`` says that runs are kept."""
    return place_of(text, "--store")


def store_folder_of(
    text: str | None, keep: str | None, *, is_whole: bool
) -> tuple[Path, timedelta | None] | None:
    """The folder that ``--store`` names for a run, and how long ``--keep`` says that runs stay there.

    The run is to be of all definitions, as they are declared.
    """
    if text is None:
        if keep is not None:
            raise typer.BadParameter("there is nothing to delete without --store", param_hint="--keep")
        return None
    if is_url(text):
        raise typer.BadParameter(
            "check writes nothing to AWS: name a folder, or run `driftcheck nightly`", param_hint="--store"
        )
    found = Path(text)
    hold_to_folder(found, text, "--store")
    if not is_whole:
        raise typer.BadParameter(
            "a run of --select, --shard or --base is none of all definitions, and is not kept",
            param_hint="--store",
        )
    return found, None if keep is None else age_of(keep, "--keep")


def with_moves(document: Document, store: Store) -> Document:
    """Warn in a result of each target that is no longer where the last runs in the store looked."""
    from driftcheck.document import in_order
    from driftcheck.history import moves, places_read
    from driftcheck.render.common import place_text
    from driftcheck.store.derived import last_places

    places = places_read(document)
    try:
        started = datetime.fromisoformat(document["started_at"])
        known = last_places(store, places, started) if store.exists() else {}
    except DriftcheckError as error:
        for line in error.lines:
            say(line.replace("error:", "warning: not known whether targets have moved:", 1))
        return document
    warnings: list[WarningEntry] = [
        {
            "code": "target-moved",
            "message": f"target {target}: the last run looked in {place_text(*before)}, this one in "
            f"{place_text(*places[target])}; each place has a history of its own",
            "source": None,
        }
        for target, before in moves(known, places).items()
    ]
    return {**document, "warnings": in_order([*document["warnings"], *warnings])} if warnings else document


def owner_of(command: str) -> str:
    """What others are told of who holds the lock."""
    since = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{command}, process {os.getpid()} on {platform.node()}, since {since}"
