"""The main job on an AWS emulator on 127.0.0.1: the examples made there, some changed, and ``check`` run.

``month`` has the same over many nights, with a dashboard.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from driftcheck import desired, document
from driftcheck.demo.emulator import HOST, REGION, SECONDS, call, edited, emulator, is_held, recreate
from driftcheck.errors import DriftcheckError
from driftcheck.model import AMBIENT, Address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from driftcheck.document.entries import DifferenceEntry
    from driftcheck.model import Desired

_DRIFT = 2
_MEANING = {
    0: "everything was compared and is in sync",
    _DRIFT: "everything was compared and there is drift",
}
_REPORTS = ("report.html", "report.md", "result.json")
_MARKER = ".gitignore"
_MARK = "# Made by driftcheck demo, which replaces its files here.\n*\n"

_Key = TypeVar("_Key", Address, tuple[str, str, str])

Outcome: TypeAlias = "tuple[str, list[object], list[object]]"
"""What ``check`` says of a definition: its status, what differs, and what of that is ignored."""


def _at(prefix: str, name: str) -> Address:
    return Address(f"{prefix}JobDefinition", AMBIENT, name)


@dataclass(frozen=True, slots=True)
class _Edit:
    """A definition made anew with another value at a dotted path; None takes the member away."""

    address: Address
    path: str
    live: str | None
    is_ignored: bool = False


_EDITS = (
    _Edit(
        _at("ModelQuality", "churn-model-quality"), "JobResources.ClusterConfig.InstanceType", "ml.m5.4xlarge"
    ),
    _Edit(_at("ModelExplainability", "credit-model-explainability"), "NetworkConfig", None),
    _Edit(
        _at("ModelQuality", "delivery-time-model-quality"),
        "ModelQualityAppSpecification.Environment.BUILD_ID",
        "0413",
        is_ignored=True,
    ),
)
_DELETED = _at("ModelBias", "credit-model-bias")
_UNDECLARED = _at("ModelQuality", "churn-model-quality-copy")


def run(folder: Path) -> Iterator[str]:
    """Give the demo's lines as it goes; between two of them, ``check`` itself prints its report.

    Args:
        folder: where the desired files and the reports go; new, empty, or an earlier demo's.

    Raises:
        DriftcheckError: moto is not there, ``folder`` is somebody else's, or ``check`` did not find exactly
            what was changed.
    """
    yield f"Starting an AWS emulator (moto) on {HOST} ..."
    with emulator() as clients:
        client = clients(REGION)
        _copy_examples(folder)
        declared = {each.address: each for each in desired.load([folder / "desired"], {}).definitions}
        for address in [address for address, each in declared.items() if not is_held(client, each)]:
            file = Path(declared.pop(address).location.file)
            (folder / "desired" / file.name).unlink()
            yield f"  left out: {address.name}, which the emulator cannot hold"
        yield f"  created: the {len(declared)} definitions of {folder / 'desired'}"
        yield "Changed there, behind the back of these files:"
        expected: dict[Address, Outcome] = dict.fromkeys(declared, ("in_sync", [], []))
        for edit in _EDITS:
            yield "  " + _edit(client, edit, declared[edit.address], expected)
        call(client, "Delete", _DELETED)
        expected[_DELETED] = ("missing", [], [])
        yield f"  {_DELETED.name}: deleted"
        call(client, "Create", _UNDECLARED, **declared[_EDITS[0].address].properties)
        expected[_UNDECLARED] = ("unmanaged", [], [])
        yield f"  {_UNDECLARED.name}: created, and no file declares it"
        command = ["check", str(folder / "desired"), "-o", "-"]
        for name in _REPORTS:
            command += ["-o", str(folder / name)]
        yield f"\n$ driftcheck {shlex.join(command)}\n"
        code = _check(command)
    yield f"\ncheck exited with {code}: {_MEANING.get(code, 'something could not be compared')}."
    yield "The same report as HTML, Markdown and JSON:"
    yield from (f"  {folder / name}" for name in _REPORTS)
    _verify(code, folder / "result.json", expected)


def _edit(client: Any, edit: _Edit, each: Desired, expected: dict[Address, Outcome]) -> str:
    """Make the edit, note what ``check`` is to say of it, and tell it in a line."""
    properties, before = edited(each, edit.path, edit.live)
    recreate(client, edit.address, properties)
    change = "removed" if edit.live is None else "changed"
    found: list[object] = [(edit.path.split("."), change, before, edit.live)]
    expected[edit.address] = ("in_sync", [], found) if edit.is_ignored else ("drifted", found, [])
    said = f"now {edit.live}" if edit.live else "gone"
    remark = ", which the file says to ignore" if edit.is_ignored else ""
    return f"{edit.address.name}: {edit.path} is {said}{remark}"


def _check(command: list[str]) -> int:
    """Run what users run; it inherits the environment, the terminal and its colours."""
    # what stands in a driftcheck.toml here is for another AWS
    limits = ["--config", os.devnull, "--quiet", "--deadline", str(SECONDS)]
    process = [sys.executable, "-m", "driftcheck", *command, *limits]
    try:
        return subprocess.run(process, check=False, timeout=2 * SECONDS).returncode  # noqa: S603 - our own
    except subprocess.TimeoutExpired:
        raise DriftcheckError(f"error: check did not end in {2 * SECONDS} seconds") from None


def _verify(code: int, result: Path, expected: Mapping[Address, Outcome]) -> None:
    if code != _DRIFT:
        raise DriftcheckError(f"error: the demo went wrong: check exited with {code}, not with {_DRIFT}")
    found: dict[Address, Outcome] = {
        Address(each["kind"], each["target"], each["name"]): (
            each["status"],
            _told(each["differences"]),
            _told(each["ignored"]),
        )
        for each in document.loads(result.read_bytes(), str(result))["resources"]
    }
    hold_to(expected, found, lambda address: address.name)


def _told(differences: Iterable[DifferenceEntry]) -> list[object]:
    return [(each["path"], each["change"], each["desired"], each["live"]) for each in differences]


def hold_to(
    expected: Mapping[_Key, object], found: Mapping[_Key, object], name: Callable[[_Key], str]
) -> None:
    """Refuse what is otherwise than the demo made it.

    Raises:
        DriftcheckError: it is, with a line for each.
    """
    wrong = [
        f"error: the demo went wrong: {name(key)}: expected {expected.get(key)}, found {found.get(key)}"
        for key in sorted(expected.keys() | found.keys())
        if expected.get(key) != found.get(key)
    ]
    if wrong:
        raise DriftcheckError(*wrong)


def examples() -> list[Path]:
    """The examples' files, which a wheel has inside the package, and a checkout beside it."""
    package = Path(__file__).parents[1]
    packaged = package / "examples"
    return sorted((packaged if packaged.is_dir() else package.parent / "desired").glob("*.yaml"))


def claim(folder: Path) -> None:
    """Make a folder the demo's, if it is new, empty, or an earlier demo's.

    Raises:
        DriftcheckError: it is somebody else's.
        OSError: it cannot be made.
    """
    if folder.exists() and any(folder.iterdir()) and not _is_own(folder):
        raise DriftcheckError(f"error: {folder} is not empty and not the demo's; --folder names another")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARKER).write_text(_MARK, "utf-8")


def _copy_examples(folder: Path) -> None:
    files = {example.name: example for example in examples()}
    inside = folder / "desired"
    try:
        claim(folder)
        inside.mkdir(exist_ok=True)
        for file in inside.iterdir():
            if file.name not in files:
                raise DriftcheckError(f"error: {file} is not the demo's, which would check it too")
        for name, example in files.items():
            (inside / name).write_bytes(example.read_bytes())
    except OSError as error:
        raise DriftcheckError(f"error: {error.filename} cannot be written: {error.strerror}") from None


def _is_own(folder: Path) -> bool:
    marker = folder / _MARKER
    return marker.is_file() and marker.read_bytes() == _MARK.encode()
