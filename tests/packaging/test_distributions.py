from __future__ import annotations

import tarfile
import zipfile
from email import message_from_bytes
from typing import TYPE_CHECKING

from driftcheck import __version__
from tests.packaging.conftest import TOP

if TYPE_CHECKING:
    from tests.packaging.conftest import Built

IN_WHEEL = {
    "driftcheck": "driftcheck",
    "templates": "driftcheck/templates",
    "desired": "driftcheck/examples",
}


def _sources() -> set[str]:
    """The checkout's files that make up the package, by their names in the wheel."""
    return {
        f"{inside}/{file.relative_to(TOP / folder).as_posix()}"
        for folder, inside in IN_WHEEL.items()
        for file in (TOP / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def _in_wheel(built: Built) -> set[str]:
    return set(zipfile.ZipFile(built.wheel).namelist())


def _in_sdist(built: Built) -> set[str]:
    with tarfile.open(built.sdist) as archive:
        return {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}


def test_the_wheel_holds_the_package_the_templates_and_the_examples_and_nothing_else(built: Built) -> None:
    packaged = {name for name in _in_wheel(built) if ".dist-info/" not in name}

    assert packaged == _sources()
    assert {
        "driftcheck/py.typed",
        "driftcheck/document/result.schema.json",
        "driftcheck/notices/event.schema.json",
        "driftcheck/cli/__init__.py",
    } <= packaged
    names = ("report.html.j2", "report.md.j2", "comment.md.j2")
    assert {f"driftcheck/templates/{name}" for name in names} <= packaged
    assert len([name for name in packaged if name.startswith("driftcheck/examples/")]) >= 5


def test_the_sdist_holds_what_the_wheel_is_made_of(built: Built) -> None:
    moved = {
        inside + name.removeprefix(folder)
        for name in _in_sdist(built)
        for folder, inside in IN_WHEEL.items()
        if name.startswith(f"{folder}/")
    }

    assert moved == _sources()
    assert {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "PKG-INFO"} <= _in_sdist(built)


def test_the_metadata_says_what_the_package_is_and_needs(built: Built) -> None:
    info = f"driftcheck-{__version__}.dist-info"
    with zipfile.ZipFile(built.wheel) as wheel:
        metadata = message_from_bytes(wheel.read(f"{info}/METADATA"))
        entry_points = wheel.read(f"{info}/entry_points.txt").decode()

    assert metadata["Name"] == "driftcheck"
    assert metadata["Version"] == __version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("Provides-Extra") == ["dask", "demo", "github", "gitlab", "metrics", "notify"]
    assert f"{info}/licenses/LICENSE" in _in_wheel(built)
    assert entry_points == "[console_scripts]\ndriftcheck = driftcheck.__main__:main\n"
