"""``driftcheck check`` run to its end, and short ways to say what its result document holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeAlias

from jsonschema_rs import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.functional.conftest import Outcome, Run
    from tests.functional.service import Service

Changes: TypeAlias = list[tuple[tuple[str | int, ...], str, Any, Any]]
"""Differences as (path, change, desired, live), in the order of the document."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended: its exit code, its JSON document, and what it said on stderr."""

    exit_code: int
    document: dict[str, Any]
    stderr: str

    @property
    def statuses(self) -> dict[str, str]:
        """The status of each definition by its name."""
        return {each["name"]: each["status"] for each in self.document["resources"]}

    @property
    def errors(self) -> dict[str, str]:
        """The codes of the definitions in ``error``, by name."""
        return {each["name"]: each["error"]["code"] for each in self.document["resources"] if each["error"]}

    @property
    def target_error(self) -> dict[str, str] | None:
        """What kept the only target from being read whole."""
        (target,) = self.document["targets"]
        return target["error"]  # type: ignore[no-any-return]

    @property
    def warnings(self) -> list[str]:
        """The codes of the warnings."""
        return [each["code"] for each in self.document["warnings"]]

    def named(self, name: str) -> dict[str, Any]:
        """The only definition of a name."""
        (found,) = (each for each in self.document["resources"] if each["name"] == name)
        return found  # type: ignore[no-any-return]

    def changes(self, name: str = "churn", of: str = "differences") -> Changes:
        """How the only definition of a name differs; ``of`` may be ``ignored``."""
        return [
            (tuple(each["path"]), each["change"], each["desired"], each["live"])
            for each in self.named(name)[of]
        ]


def check(
    run: Run,
    service: Service,
    *args: str | Path,
    env: Mapping[str, str | None] | None = None,
    seconds: float = 60,
) -> Result:
    """Run ``check`` with the JSON document on stdout; it is valid, and nothing was written to AWS."""
    return held(run("check", *args, "-o", "json=-", env=env, seconds=seconds), service)


def held(outcome: Outcome, service: Service) -> Result:
    """The result on stdout, held to what is true of every run."""
    assert "Traceback" not in outcome.stderr
    assert "bug in driftcheck" not in outcome.stderr
    assert service.writes == []
    assert service.strays == []
    return Result(outcome.exit_code, valid(outcome.stdout), outcome.stderr)


def valid(text: str) -> dict[str, Any]:
    """A result document, held against its published schema."""
    document = json.loads(text)
    assert [error.message for error in _validator().iter_errors(document)] == []
    return document  # type: ignore[no-any-return]


@cache
def _validator() -> Any:
    schema = resources.files("driftcheck.document").joinpath("result.schema.json").read_text("utf-8")
    return Draft202012Validator(json.loads(schema))
