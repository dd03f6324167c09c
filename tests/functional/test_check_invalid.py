"""``check`` of desired files that are invalid: every report that was asked for says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.functional.definitions import MODEL_QUALITY, minimal, section, write_desired
from tests.functional.repository import ISOLATED, commit
from tests.functional.results import valid

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

LIST = section(MODEL_QUALITY)
SUFFIXES = ("txt", "json", "md", "html", "xml", "sarif")


@pytest.fixture
def _invalid(tmp_path: Path) -> None:
    folder = tmp_path / "desired"
    folder.mkdir()
    (folder / "a.yaml").write_text("extra: 1\nversion: 1\n")
    (folder / "b.yaml").write_bytes(b"# " * 6_000_000)


@pytest.mark.usefixtures("_invalid")
def test_every_report_that_was_asked_for_is_written(service: Service, run: Run, tmp_path: Path) -> None:
    ended = run("check", *(word for suffix in SUFFIXES for word in ("-o", f"r.{suffix}")))

    assert (ended.exit_code, ended.stdout, service.calls) == (1, "", [])
    assert ended.stderr.splitlines() == [
        *(f"wrote r.{suffix}" for suffix in SUFFIXES),
        "desired/a.yaml:1:1: error: unknown member `extra`",
        "desired/b.yaml: error: larger than 10 MB",
    ]
    document = valid((tmp_path / "r.json").read_text("utf-8"))
    assert document["invalid"] == [
        {"message": "unknown member `extra`", "source": {"file": "desired/a.yaml", "line": 1, "column": 1}},
        {"message": "desired/b.yaml: larger than 10 MB", "source": None},
    ]
    assert (document["complete"], document["resources"], document["targets"]) == (False, [], [])
    assert "base" not in document
    for suffix in SUFFIXES:
        text = (tmp_path / f"r.{suffix}").read_text("utf-8")
        assert "unknown member" in text
        assert "larger than 10 MB" in text


@pytest.mark.usefixtures("_invalid")
def test_without_a_report_there_is_none_on_standard_output(run: Run) -> None:
    ended = run("check")
    assert (ended.exit_code, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 2)


@pytest.mark.usefixtures("_invalid")
def test_a_report_on_standard_output_is_one(run: Run) -> None:
    ended = run("check", "-o", "json=-")

    assert ended.exit_code == 1
    assert len(valid(ended.stdout)["invalid"]) == 2


@pytest.mark.usefixtures("_invalid")
def test_a_report_that_cannot_be_written_hides_no_error(run: Run, tmp_path: Path) -> None:
    ended = run("check", "-o", "absent/r.json", "-o", "r.txt", "--quiet")

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr.splitlines() == [
        "desired/a.yaml:1:1: error: unknown member `extra`",
        "desired/b.yaml: error: larger than 10 MB",
        "error: absent/r.json cannot be written: No such file or directory",
    ]
    assert "invalid" in (tmp_path / "r.txt").read_text("utf-8")


def test_warnings_are_told_beside_the_errors(run: Run, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY)]}, "a.yaml")
    (tmp_path / "desired" / "b.yaml").write_text("")

    ended = run("check", "-o", "json=-")

    document = valid(ended.stdout)
    assert [each["message"] for each in document["invalid"]] == ["the file is empty"]
    assert [each["code"] for each in document["warnings"]] == ["definition-rule"]


def test_no_more_errors_are_told_than_a_file_may_have(run: Run, tmp_path: Path) -> None:
    (tmp_path / "desired").mkdir()
    rows = "".join(f"  - {{JobDefinitionName: d{number}}}\n" for number in range(1_000))
    (tmp_path / "desired" / "a.yaml").write_text(f"version: 1\n{LIST}:\n{rows}")

    ended = run("check", "-o", "json=-", "-o", "r.md")

    invalid = valid(ended.stdout)["invalid"]
    assert len(invalid) == 1_001
    assert invalid[-1] == {
        "message": "desired/a.yaml: more than 1,000 errors; the others are left out",
        "source": None,
    }


def test_a_usage_error_is_no_result(run: Run, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY)]})

    ended = run("check", "--select", "nothing", "-o", "r.json")

    assert (ended.exit_code, len(ended.stderr.splitlines())) == (1, 1)
    assert not (tmp_path / "r.json").exists()


def test_a_change_that_is_invalid_says_what_it_was_to_be_compared_with(
    service: Service, run: Run, tmp_path: Path
) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY)]})
    base = commit(tmp_path)
    (tmp_path / "desired" / "desired.yaml").write_text("")

    ended = run("check", "--base", "HEAD", "-o", "json=-", env=ISOLATED)

    assert (ended.exit_code, service.calls) == (1, [])
    document = valid(ended.stdout)
    assert document["base"] == {"ref": "HEAD", "commit": base, "error": None, "declarations": []}
    assert [each["message"] for each in document["invalid"]] == ["the file is empty"]
