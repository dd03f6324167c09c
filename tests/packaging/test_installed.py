from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from driftcheck import __version__
from driftcheck.render import FORMATS
from tests.packaging.conftest import TOP

if TYPE_CHECKING:
    from tests.packaging.conftest import Installed

RESULT = TOP / "tests" / "golden" / "result.json"

# How a rendering of each format begins.
BEGINNINGS = {
    "text": "",
    "json": "{",
    "markdown": "",
    "html": "<!doctype html>",
    "junit": "<?xml",
    "sarif": "{",
}


def _package(installed: Installed) -> str:
    asked = installed.run("python", "-c", "import driftcheck; print(driftcheck.__path__[0])")
    assert asked.returncode == 0, asked.stderr
    return asked.stdout.strip()


def test_the_runtime_lock_is_all_that_the_wheel_needs(installed: Installed) -> None:
    checked = installed.run("python", "-m", "pip", "check")

    assert checked.returncode == 0, checked.stdout


def test_the_package_is_the_installed_one(installed: Installed) -> None:
    assert _package(installed).startswith(str(installed.commands.parent))


def test_the_command_tells_its_version(installed: Installed) -> None:
    told = installed.run("driftcheck", "--version")

    assert told.returncode == 0, told.stderr
    assert __version__ in told.stdout


def test_the_module_is_the_same_command(installed: Installed) -> None:
    told = installed.run("python", "-m", "driftcheck", "--version")

    assert told.stdout == installed.run("driftcheck", "--version").stdout


def test_the_packaged_examples_are_valid(installed: Installed) -> None:
    validated = installed.run("driftcheck", "validate", f"{_package(installed)}/examples")

    assert validated.returncode == 0, validated.stderr


def test_the_schema_of_the_desired_file_is_printed(installed: Installed) -> None:
    printed = installed.run("driftcheck", "schema")

    assert printed.returncode == 0, printed.stderr
    assert "model_quality_job_definitions" in json.loads(printed.stdout)["properties"]


@pytest.mark.parametrize("name", FORMATS)
def test_a_saved_result_is_rendered_in_every_format(installed: Installed, name: str) -> None:
    report = installed.folder / "report"
    rendered = installed.run("driftcheck", "report", str(RESULT), "-o", f"{name}={report}")

    assert "Traceback" not in rendered.stderr
    text = report.read_text(encoding="utf-8")
    assert "churn-model-quality" in text
    assert text.lower().startswith(BEGINNINGS[name])


def test_the_demo_says_which_extra_it_needs(installed: Installed) -> None:
    demo = installed.run("driftcheck", "demo")

    assert demo.returncode == 1
    assert "driftcheck[demo]" in demo.stderr
    assert "Traceback" not in demo.stderr


def test_a_saved_result_makes_a_comment(installed: Installed) -> None:
    printed = installed.run("driftcheck", "comment", str(RESULT), "--dry-run")

    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.startswith("<!-- driftcheck:driftcheck -->\n")
    assert "churn-model-quality" in printed.stdout
