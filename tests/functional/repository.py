"""Real git repositories, whose git knows nothing of this machine's settings and reaches nobody."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ISOLATED = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "file",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_AUTHOR_DATE": "2026-11-24T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-11-24T00:00:00Z",
}


def git(folder: Path, *words: str | Path) -> str:
    """What git answers in a folder; it has to succeed."""
    ended = subprocess.run(
        ["git", *map(str, words)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": os.devnull, **ISOLATED},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    return ended.stdout.decode().strip()


def commit(folder: Path, message: str = "change") -> str:
    """Commit all of the working tree, and give the commit."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
        (folder / ".git" / "info" / "exclude").write_text("/.home\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")
