"""Questions to git that run no program which the repository names, and fetch nothing."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from typing import TYPE_CHECKING

from driftcheck.errors import DriftcheckError

if TYPE_CHECKING:
    from pathlib import Path

_GIT = (
    "git",
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    # a folder of the checkout may have the form of a repository, with settings of its own
    *("-c", "safe.bareRepository=explicit"),
)
_SETTINGS = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    # In a partial clone git fetches what is missing, by programs that the repository's settings name. The
    # first stops each transport and helper before it starts, the second the fetch itself, from git 2.45.
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_NO_LAZY_FETCH": "1",
    # `git --glob-pathspecs commit` hands its option to a hook
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_GLOB_PATHSPECS": "0",
    "GIT_NOGLOB_PATHSPECS": "0",
    "GIT_ICASE_PATHSPECS": "0",
}
_OPERATORS = {"GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS"}
"""The operator's own settings, such as ``safe.directory``; those of ``_GIT`` win over them."""
_QUARANTINED = {"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"}
"""Where the objects of a push are while its hook decides on them."""
_PROMISED = r"^(extensions\.partialclone|remote\..*\.promisor)$"
"""Settings of a partial clone."""
_SECONDS = 300.0
"""For one question to git; a merge base of a large repository takes seconds."""


def ask(*words: str, cwd: Path | None = None, given: bytes = b"") -> bytes:
    """Give git's answer.

    Raises:
        DriftcheckError: git cannot be run, or fails; its own reason is the message.
    """
    ended = run(*words, cwd=cwd, given=given)
    if ended.returncode:
        raise failed(reason(ended) or f"git {words[0]} failed", cwd)
    return ended.stdout


def failed(why: str, cwd: Path | None = None) -> DriftcheckError:
    """Make the error of a question that has no answer; a partial clone may lack what is asked for."""
    promised = run("config", "--get-regexp", _PROMISED, cwd=cwd)
    if promised.returncode:
        return DriftcheckError(f"error: --base: {why}")
    return DriftcheckError(
        f"error: --base: {why}: the clone is partial, and nothing is fetched here: get what it lacks with "
        "`git fetch --refetch --no-filter`, or clone without --filter"
    )


def run(*words: str, cwd: Path | None = None, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run git to its end, whatever its exit code.

    The repository is that of the working folder, also in a hook, for which git has set another one.

    Raises:
        DriftcheckError: git cannot be run, or gives no answer.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in _local()}
    return _ended(words, cwd, inherited | _SETTINGS, given)


def reason(ended: subprocess.CompletedProcess[bytes]) -> str:
    """Give the line in which git says why it failed; others may warn, trace, or be of what it has called."""
    lines = os.fsdecode(ended.stderr).splitlines()
    fatal = [line.removeprefix("fatal: ") for line in lines if line.startswith("fatal: ")]
    return (fatal[-1:] or lines or [""])[0]


@cache
def _local() -> frozenset[str]:
    """Variables that tie git to one repository, which need not be that of the working folder."""
    listed = os.fsdecode(_ended(("rev-parse", "--local-env-vars"), None, dict(os.environ), b"").stdout)
    return (
        frozenset(listed.split())
        - _OPERATORS
        - (_QUARANTINED if "GIT_QUARANTINE_PATH" in os.environ else set())
    )


def _ended(
    words: tuple[str, ...], cwd: Path | None, env: dict[str, str], given: bytes
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - no shell, and no word of anybody else's where git takes an option
            [*_GIT, *words],
            cwd=cwd,
            env=env,
            input=given,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
        )
    except OSError as error:
        raise DriftcheckError(f"error: --base needs git, which cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise DriftcheckError(f"error: --base: git {words[0]} gave no answer in {_SECONDS:g} s") from None
