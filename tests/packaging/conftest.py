"""What ``make wheel`` built: the distributions, and an environment with the wheel and its lock only."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Built:
    """The two distributions, and the folder of the commands that installing the wheel made."""

    wheel: Path
    sdist: Path
    commands: Path


@dataclass(frozen=True, slots=True)
class Installed:
    """The installed commands, run in an empty folder that is also the home of the user."""

    commands: Path
    folder: Path

    def run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment, without any setting of the caller's, for at most a minute."""
        return subprocess.run(
            [self.commands / command, *arguments],
            cwd=self.folder,
            env={"PATH": os.defpath, "HOME": str(self.folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="session")
def built() -> Built:
    environment = os.environ.get("DRIFTCHECK_WHEEL_VENV")
    if not environment:
        pytest.skip("the wheel is built by `make wheel`, which runs these tests")
    (wheel,) = (TOP / "dist").glob("*.whl")
    (sdist,) = (TOP / "dist").glob("*.tar.gz")
    return Built(wheel, sdist, TOP / environment / "bin")


@pytest.fixture
def installed(built: Built, tmp_path: Path) -> Installed:
    return Installed(built.commands, tmp_path)
