"""README's examples, run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.functional.definitions import minimal

if TYPE_CHECKING:
    from tests.functional.conftest import Run
    from tests.functional.service import Service

README = Path(__file__).parents[2].joinpath("README.md").read_text("utf-8")
KIND = "ModelQualityJobDefinition"


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_desired_file_is_valid_with_the_targets_beside_it(run: Run, tmp_path: Path) -> None:
    (desired,) = blocks("yaml")
    (targets,) = blocks("toml")
    (tmp_path / "desired").mkdir()
    (tmp_path / "desired" / "churn.yaml").write_text(desired, "utf-8")
    (tmp_path / "driftcheck.toml").write_text(targets, "utf-8")

    outcome = run("validate")

    assert (outcome.exit_code, outcome.stdout) == (0, "Valid: 1 definition, 1 target, 0 warnings.\n")


def test_the_report_is_what_check_prints(run: Run, service: Service, tmp_path: Path) -> None:
    name = "churn-model-quality"
    definition = minimal(KIND, name)
    definition["JobResources"]["ClusterConfig"]["InstanceType"] = "ml.m5.xlarge"
    (tmp_path / "desired").mkdir()
    (tmp_path / "desired" / "churn.json").write_text(json.dumps(definition, indent=4), "utf-8")
    service.create(KIND, definition)
    service.mutate(KIND, name, ("JobResources", "ClusterConfig", "InstanceType"), "ml.m5.4xlarge")

    outcome = run("check")

    (printed,) = blocks("text")
    assert (outcome.exit_code, outcome.stdout) == (2, printed)


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`driftcheck ([a-z-]+)", README))))
def test_every_command_named_exists(run: Run, command: str) -> None:
    assert run(command, "--help").exit_code == 0


def test_every_option_named_exists(run: Run) -> None:
    commands = (
        *("check", "validate", "nightly", "report", "merge", "comment", "schema"),
        *("iam-policy", "state push", "demo"),
        "",
    )
    known = " ".join(run(*command.split(), "--help").stdout for command in commands)

    named = set(re.findall(r"`(--[a-z-]+)", README))

    assert named
    assert {option for option in named if option not in known} == set()
