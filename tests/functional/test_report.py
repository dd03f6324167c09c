"""``report``: a saved result in any format, and a file that is none."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.documents import GOLDEN
from tests.functional.definitions import KINDS, full, write_desired

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

RESULT = GOLDEN / "result.json"
MODEL_QUALITY = KINDS[0]


def test_a_result_of_check_renders_as_check_rendered_it(run: Run, service: Service, tmp_path: Path) -> None:
    write_desired(tmp_path, {kind: [full(kind)] for kind in KINDS})
    for kind in KINDS[:3]:
        service.create(kind, full(kind))
    service.mutate(MODEL_QUALITY, "churn", ("RoleArn",), "arn:aws:iam::123456789012:role/Other")
    wanted = [word for suffix in ("txt", "md", "html", "xml", "sarif") for word in ("-o", f"r.{suffix}")]

    checked = run("check", "-o", "result.json", *wanted)
    calls = len(service.calls)
    first = {
        suffix: (tmp_path / f"r.{suffix}").read_bytes() for suffix in ("txt", "md", "html", "xml", "sarif")
    }
    rendered = run("report", "result.json", *wanted, "-o", "again.json")

    assert (checked.exit_code, rendered.exit_code) == (2, 0)
    assert {suffix: (tmp_path / f"r.{suffix}").read_bytes() for suffix in first} == first
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "result.json").read_bytes()
    assert len(service.calls) == calls


def test_a_result_comes_from_standard_input_too(run: Run) -> None:
    ended = run("report", "-", stdin=RESULT.read_text("utf-8"))

    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout == (GOLDEN / "report.txt").read_text("utf-8")


def test_a_closed_standard_input_is_one_line(environment: dict[str, str], tmp_path: Path) -> None:
    ended = subprocess.run(
        ["sh", "-c", f"{shlex.quote(sys.executable)} -m driftcheck report - <&-"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "-: error: cannot be read: standard input is closed\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "not a JSON document"),
        ("{", "not a JSON document"),
        (RESULT.read_text("utf-8")[:-200], "not a JSON document"),
        ("[" * 200_000, "not a JSON document"),
        (f'{{"format_version": "1.0", "a": {"[" * 600}{"]" * 600}}}', "not a driftcheck result"),
        ('{"version": 4, "terraform_version": "1.9.0"}', "not a driftcheck result: it has no format_version"),
        ('{"format_version": "2.0"}', "format version '2.0' is not one that driftcheck 0.1.0 reads (1.x)"),
        ('{"format_version": "2\\n::error::x\\u001b[31m"}', "format version"),
        ('{"format_version": "1.0", "::error::x\\n": 1}', "not a driftcheck result"),
    ],
)
def test_a_file_that_is_no_result_is_one_line_that_names_it(
    run: Run, tmp_path: Path, content: str, says: str
) -> None:
    (tmp_path / "r.json").write_text(content)
    (tmp_path / "old.md").write_text("old")

    ended = run("report", "r.json", "-o", "old.md")

    assert (ended.exit_code, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("r.json: error: ")
    assert says in line
    assert "\x1b" not in line
    assert len(line) < 500
    assert (tmp_path / "old.md").read_text() == "old"


@pytest.mark.parametrize("name", ["absent.json", "folder", "nowhere\n::error::x"])
def test_a_result_that_cannot_be_read_is_one_line(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()

    ended = run("report", name)

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert len(ended.stderr.splitlines()) == 1
    assert ": error: cannot be read: " in ended.stderr


def test_numbers_that_json_does_not_have_never_reach_a_report(run: Run, tmp_path: Path) -> None:
    text = json.dumps({**json.loads(RESULT.read_text()), "extra": 77777})
    for number in ("NaN", "-Infinity", "1e999"):
        (tmp_path / "r.json").write_text(text.replace("77777", number))

        ended = run("report", "r.json", "-o", "json=-")

        assert (ended.exit_code, ended.stdout) == (1, "")
        assert ended.stderr.startswith("r.json: error: not a JSON document: ")


def test_a_template_can_only_come_from_the_command_line(run: Run, tmp_path: Path) -> None:
    document = json.loads(RESULT.read_text())
    document["templates"] = str(tmp_path)
    (tmp_path / "report.md.j2").write_text("taken over")
    (tmp_path / "r.json").write_text(json.dumps(document))

    ended = run("report", "r.json", "-o", "markdown=-")

    assert ended.stdout == (GOLDEN / "report.md").read_text("utf-8")
