"""The command that shows a saved result on a pull or merge request. It calls the forge, and never AWS."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from driftcheck.cli.console import put, say
from driftcheck.cli.options import Quiet, Verbose  # noqa: TC001 - typer reads them when it runs
from driftcheck.cli.saved import read
from driftcheck.errors import DriftcheckError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftcheck.document.entries import Document
    from driftcheck.forge import Forge
    from driftcheck.forge.where import Request
    from driftcheck.render.comment import Frame

_MAX_RESULT = 50_000_000
"""Bytes of a result that is read: it may be what a fork's run left behind. 100,000 definitions take 40 MB."""
_MAX_SUMMARY = 1_048_576
"""Bytes of a step's summary; GitHub drops a longer one whole."""


def comment(  # noqa: PLR0913, PLR0917 - one parameter for each option
    result: Annotated[
        str, typer.Argument(metavar="RESULT.json", help="A saved result; - is standard input.")
    ],
    repo: Annotated[
        str | None,
        typer.Option(metavar="OWNER/NAME", help="The repository or project.  [default: the CI's]"),
    ] = None,
    pr: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            min=1,
            help="The pull or merge request.  [default: the CI event's or pipeline's]",
        ),
    ] = None,
    identity: Annotated[
        str, typer.Option("--id", metavar="NAME", help="Which comment: one for each name.")
    ] = "driftcheck",
    link: Annotated[
        str | None, typer.Option(metavar="URL", help="Where the full report is, for a link to it.")
    ] = None,
    summary: Annotated[
        bool, typer.Option("--summary/--no-summary", help="Write GITHUB_STEP_SUMMARY too, where that is set.")
    ] = True,
    annotations: Annotated[
        bool,
        typer.Option("--annotations/--no-annotations", help="Print up to 10 annotations, in GitHub Actions."),
    ] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the comment, and call nobody.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,  # noqa: ARG001 - read by main
) -> None:
    """Keep one comment on a pull or merge request current.

    It shows a saved result, and is made or brought up to date.

    On GitHub (GITHUB_TOKEN or GH_TOKEN; GITHUB_API_URL) and GitLab (GITLAB_TOKEN; CI_API_V4_URL).
    Exits 0 once the comment is current, whatever it says of drift, and 1 otherwise.
    """
    from driftcheck.forge import LIMITS, marker
    from driftcheck.forge.where import forge_of
    from driftcheck.outputs import STDOUT, Output, write
    from driftcheck.render.comment import Frame, link_of

    try:
        first_line = marker(identity)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--id") from None
    try:
        target = link_of(link) if link else ""
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--link") from None
    document = read(result, _MAX_RESULT)
    frame = Frame(first_line, target)
    if dry_run:
        # in UTF-8, as a report in Markdown is, whatever a terminal would take
        write(Output("markdown", STDOUT), _fitted(document, frame, LIMITS[forge_of(os.environ)]))
        return
    in_actions = os.environ.get("GITHUB_ACTIONS") == "true"
    _publish(
        document,
        frame,
        (repo, pr),
        os.environ.get("GITHUB_STEP_SUMMARY", "") if summary else "",
        annotations=annotations and in_actions,
        quiet=quiet,
    )


def _publish(
    document: Document,
    frame: Frame,
    place: tuple[str | None, int | None],
    summary: str,
    *,
    annotations: bool,
    quiet: bool,
) -> None:
    """Write the summary, print the annotations, make the comment: one that fails does not keep the others."""
    from driftcheck.render.workflow_commands import annotations_of

    faults: list[str] = []
    in_summary = ""
    request = _found(place, faults)
    run = request.run if request else None
    if request:
        is_foreign = run is not None and run.head.lower() != request.repo.lower()
        frame = replace(frame, commit=request.commit, is_foreign=is_foreign)
    if summary:
        with _gathered(faults):
            _summarise(document, replace(frame, marker=""), Path(summary))
            in_summary = "; the report is in the step's summary"
    # what another workflow's run found is not about the files of this one
    if annotations and run is None:
        with _gathered(faults):
            put(annotations_of(document))
    if request:
        with _gathered(faults, in_summary):
            said = _post(document, frame, request)
            if not quiet:
                say(said)
    if faults:
        raise DriftcheckError(*faults)


def _found(place: tuple[str | None, int | None], faults: list[str]) -> Request | None:
    from driftcheck.forge.where import find

    try:
        return find(os.environ, *place)
    except DriftcheckError as error:
        faults += error.lines
        return None


@contextmanager
def _gathered(faults: list[str], ending: str = "") -> Iterator[None]:
    """Add what a step fails with to ``faults``, so that the next one is taken all the same."""
    try:
        yield
    except DriftcheckError as error:
        faults += (f"{line}{ending}" for line in error.lines)


def _post(document: Document, frame: Frame, request: Request) -> str:
    """Make the comment, and say in a line what that took."""
    from driftcheck.forge import LIMITS, Clock, Wanted, publish
    from driftcheck.forge.where import token_of

    token = token_of(os.environ, request.forge)
    forge: Forge
    if request.forge == "github":
        from driftcheck.forge.github_ import GitHub

        forge = GitHub(request, token)
    else:
        from driftcheck.forge.gitlab_ import GitLab

        forge = GitLab(request, token)
    body = _fitted(document, frame, LIMITS[request.forge])
    wanted = Wanted(frame.marker, body, document["started_at"])
    done = publish(forge, wanted, request.run, Clock(time.time, time.sleep))
    return f"comment on {forge.subject}: {done}"


def _fitted(document: Document, frame: Frame, characters: int) -> str:
    from driftcheck.render.comment import fitted

    text = fitted(document, frame, lambda text: len(text) <= characters)
    if text is None:
        raise DriftcheckError("error: not even the counts fit into a comment")
    return text


def _summarise(document: Document, frame: Frame, file: Path) -> None:
    """Add the report to the step's summary, within what that has room for."""
    from driftcheck.render.comment import fitted

    try:
        before = file.stat().st_size if file.exists() else 0
        text = fitted(document, frame, lambda text: before + len(_encoded(text)) < _MAX_SUMMARY)
        if text is None:
            raise DriftcheckError("error: the step's summary has no room left for the report")
        with file.open("ab") as summary:
            summary.write(_encoded(text))
    except OSError as error:
        raise DriftcheckError(
            f"error: GITHUB_STEP_SUMMARY: {file} cannot be written: {error.strerror}"
        ) from None


def _encoded(text: str) -> bytes:
    """A summary's part; a line feed first, since what stands before it may not end in one."""
    return f"\n{text}".encode("utf-8", "backslashreplace")
