from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

TOP = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((TOP / "pyproject.toml").read_text())
LOCKS = ("run", "demo", "action", "dev")


def _text(lock: str) -> str:
    return (TOP / "requirements" / f"{lock}.txt").read_text()


def _pins(lock: str) -> set[str]:
    return set(re.findall(r"^[a-z0-9-]+==[^ ]+", _text(lock), re.MULTILINE))


def _pinned(lock: str) -> set[str]:
    return {pin.partition("==")[0] for pin in _pins(lock)}


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def _group(name: str) -> set[str]:
    return {_name(entry) for entry in PROJECT["dependency-groups"][name] if isinstance(entry, str)}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_pins_with_their_hashes_and_nothing_else(lock: str) -> None:
    pin = r"[a-z0-9-]+==[\w.+!]+( ; [a-z_]+ [^\n/@]+)? \\\n"
    hashes = r"(    --hash=sha256:[0-9a-f]{64} \\\n)*    --hash=sha256:[0-9a-f]{64}\n"
    origin = r"(    # via (-c requirements/\w+\.txt|[\w.-]+|, |driftcheck \(pyproject\.toml(:\w+)?\))+\n)?"
    rest = re.sub(f"^{pin}{hashes}{origin}", "", _text(lock), flags=re.MULTILINE)

    assert rest == ""


def test_the_runtime_lock_has_every_runtime_dependency() -> None:
    assert {_name(entry) for entry in PROJECT["project"]["dependencies"]} <= _pinned("run")


def test_the_demo_lock_has_the_demo_extra_and_the_build_backend() -> None:
    extra = {_name(entry) for entry in PROJECT["project"]["optional-dependencies"]["demo"]}
    backend = {_name(entry) for entry in PROJECT["build-system"]["requires"]}

    assert extra | backend <= _pinned("demo")


def test_the_lock_of_the_action_has_the_extra_for_comments_and_the_build_backend() -> None:
    extra = {_name(entry) for entry in PROJECT["project"]["optional-dependencies"]["github"]}
    backend = {_name(entry) for entry in PROJECT["build-system"]["requires"]}

    assert extra | backend <= _pinned("action")


def test_the_development_lock_has_every_development_dependency() -> None:
    assert _group("dev") | _group("build") <= _pinned("dev")


def test_the_build_backend_is_required_once_for_builds_and_once_for_locks_in_the_same_words() -> None:
    assert PROJECT["dependency-groups"]["build"] == PROJECT["build-system"]["requires"]


def test_a_package_has_the_same_version_in_every_lock_that_has_it() -> None:
    assert _pins("run") <= _pins("demo") <= _pins("dev")
    assert _pins("run") <= _pins("action") <= _pins("dev")
