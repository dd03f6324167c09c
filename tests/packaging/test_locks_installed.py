"""A lock is installed as it stands, whatever the index has released since, with any pip that users have."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import venv
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.packaging.conftest import TOP

if TYPE_CHECKING:
    from pathlib import Path

PIPS = ("22.3", "26.3")  # what Python 3.11.0 brings, and a newest one: requirements/pip-*.txt
# The options before the lock's name, in each place that installs one.
INSTALLS = {
    place: re.findall(
        r"pip (?:--\S+ )*install (.*?) -r|\$\(PIP\) install (.*?) -r", (TOP / place).read_text()
    )
    for place in ("Makefile", "action.yml", "deploy/Dockerfile")
}


def _build_wheel(folder: Path, name: str, version: str, *requires: str) -> str:
    """Make a wheel without code in `folder`; returns the SHA-256 of its file."""
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: toml\n{needs}"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _run_pip(version: str, environment: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pip `version` from its wheel, in `environment` and without any index."""
    downloads = os.environ.get("DRIFTCHECK_PIPS")
    if not downloads:
        pytest.skip("the pips are downloaded by `make wheel`, which runs these tests")
    pip = TOP / downloads / f"pip-{version}-py3-none-any.whl" / "pip"
    return subprocess.run(
        [environment / "bin" / "python", pip, *arguments],
        env={"PATH": os.defpath, "HOME": str(environment), "PIP_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    folder = tmp_path / "environment"
    venv.create(folder, symlinks=True, with_pip=False)
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """`reporter` needs `counter[toml]`; the lock has the older of two releases of `counter`."""
    folder = tmp_path / "index"
    folder.mkdir()
    hashes = {
        "reporter": _build_wheel(folder, "reporter", "1.0", "counter[toml]>=1"),
        "counter": _build_wheel(folder, "counter", "1.0"),
    }
    _build_wheel(folder, "counter", "2.0")
    lock = "".join(f"{name}==1.0 \\\n    --hash=sha256:{digest}\n" for name, digest in hashes.items())
    (folder / "lock.txt").write_text(lock)
    return folder


@pytest.mark.parametrize("pip", PIPS)
def test_a_newer_release_than_the_locked_one_changes_nothing(
    pip: str, environment: Path, index: Path
) -> None:
    offline = ("--no-index", "--find-links", str(index))

    for found in INSTALLS["Makefile"]:
        options = "".join(found).split()
        installed = _run_pip(pip, environment, "install", *offline, *options, "-r", str(index / "lock.txt"))
        assert installed.returncode == 0, installed.stderr
    listed = _run_pip(pip, environment, "list", "--format=freeze")
    checked = _run_pip(pip, environment, "check")

    assert set(listed.stdout.split()) == {"counter==1.0", "reporter==1.0"}
    assert checked.returncode == 0, checked.stdout


def test_the_oldest_pip_refuses_the_same_lock_where_it_may_resolve(environment: Path, index: Path) -> None:
    offline = ("--no-index", "--find-links", str(index))

    refused = _run_pip(
        PIPS[0], environment, "install", *offline, "--require-hashes", "-r", str(index / "lock.txt")
    )

    assert refused.returncode == 1
    assert "all requirements must have their versions pinned" in refused.stderr


@pytest.mark.parametrize("pip", PIPS)
def test_a_lock_that_lacks_a_package_does_not_pass_the_check(
    pip: str, environment: Path, index: Path
) -> None:
    lock = index / "lock.txt"
    lock.write_text(lock.read_text().partition("counter")[0])
    offline = ("--no-index", "--find-links", str(index))

    _run_pip(pip, environment, "install", *offline, "--no-deps", "--require-hashes", "-r", str(lock))
    checked = _run_pip(pip, environment, "check")

    assert checked.returncode == 1
    assert "reporter 1.0 requires counter, which is not installed." in checked.stdout


@pytest.mark.parametrize("place", INSTALLS)
def test_each_place_that_installs_a_lock_does_not_resolve_and_checks(place: str) -> None:
    assert INSTALLS[place]
    for found in INSTALLS[place]:
        assert {"--no-deps", "--require-hashes"} <= set("".join(found).split())
    assert re.search(r"pip (--\S+ )*check|\$\(PIP\) check", (TOP / place).read_text())


def test_the_oldest_pip_is_no_newer_than_that_of_this_interpreter() -> None:
    bundled = subprocess.run(
        [sys.executable, "-c", "import ensurepip; print(ensurepip.version())"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert tuple(map(int, PIPS[0].split("."))) <= tuple(map(int, bundled.stdout.strip().split(".")))
