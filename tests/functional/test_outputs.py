"""Where reports end up: files replaced whole, standard output in every state, nothing left behind."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.documents import GOLDEN, changed, document, drifted
from tests.functional.definitions import KINDS, full, write_desired

if TYPE_CHECKING:
    from tests.functional.conftest import Run
    from tests.functional.service import Service

RESULT = GOLDEN / "result.json"
QUOTED = shlex.quote(str(RESULT))
SUFFIXES = {"txt": "report.txt", "md": "report.md", "xml": "report.xml", "sarif": "report.sarif"}
FORMATS = ("text", "json", "markdown", "html", "junit", "sarif")


def shell(environment: dict[str, str], folder: Path, script: str) -> subprocess.CompletedProcess[bytes]:
    """A script in which ``driftcheck`` is the command, as an operator's crontab has it."""
    command = f"{shlex.quote(sys.executable)} -m driftcheck"
    return subprocess.run(
        ["bash", "-c", f'set -o pipefail; driftcheck() {{ {command} "$@"; }}; {script}'],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
        timeout=60,
    )


def test_every_format_goes_to_its_file_in_one_run(run: Run, tmp_path: Path) -> None:
    wanted = [word for suffix in (*SUFFIXES, "html", "json") for word in ("-o", f"r.{suffix}")]

    ended = run("report", RESULT, *wanted, "-o", "-")

    assert (ended.exit_code, len(ended.stderr.splitlines())) == (0, 6)
    for suffix, golden in SUFFIXES.items():
        assert (tmp_path / f"r.{suffix}").read_bytes() == (GOLDEN / golden).read_bytes()
    assert (tmp_path / "r.html").read_text("utf-8").startswith("<!doctype html>")
    assert json.loads((tmp_path / "r.json").read_text()) == json.loads(RESULT.read_text())
    assert ended.stdout == (GOLDEN / "report.txt").read_text("utf-8")


def test_a_quiet_run_says_nothing_about_files(run: Run) -> None:
    ended = run("report", RESULT, "-o", "r.html", "--quiet")

    assert (ended.exit_code, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.parametrize("place", ["absent/r.json", "folder.json", "locked.json/r.json", "/dev/full"])
def test_a_place_that_cannot_be_written_is_told_before_aws_is_called(
    run: Run, service: Service, tmp_path: Path, place: str
) -> None:
    write_desired(tmp_path, {KINDS[0]: [full(KINDS[0])]})
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "locked.json").touch()

    ended = run("check", "-o", f"json={place}", "-o", "r.html")

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert f"error: {place} cannot be written: " in ended.stderr
    if place != "/dev/full":  # which takes nothing, and says so only when it is given something
        assert service.calls == []
        assert len(ended.stderr.splitlines()) == 1
        assert not (tmp_path / "r.html").exists()
    else:
        assert (tmp_path / "r.html").exists()


def test_one_report_that_cannot_be_written_keeps_no_other_from_it(run: Run, tmp_path: Path) -> None:
    ended = run("report", RESULT, "-o", "text=/dev/full", "-o", "r.md", "-o", "-")

    assert ended.exit_code == 1
    assert "error: /dev/full cannot be written: No space left on device" in ended.stderr
    assert (tmp_path / "r.md").read_bytes() == (GOLDEN / "report.md").read_bytes()
    assert ended.stdout == (GOLDEN / "report.txt").read_text("utf-8")


@pytest.mark.parametrize("how", ["absent", "broken", "undefined"])
def test_what_stood_there_stays_whole_when_a_report_fails(run: Run, tmp_path: Path, how: str) -> None:
    (tmp_path / "r.html").write_text("the old report")
    (tmp_path / "mine").mkdir()
    template = {"absent": "", "broken": "{% if %}", "undefined": "{{ nothing.at.all }}"}[how]
    (tmp_path / "mine" / "report.html.j2").write_text(template)
    result = "absent.json" if how == "absent" else str(RESULT)

    ended = run("report", result, "-o", "r.html", "--templates", "mine")

    assert ended.exit_code == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "Traceback" not in ended.stderr
    assert (tmp_path / "r.html").read_text() == "the old report"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".home", "mine", "r.html"]


def test_what_stood_there_stays_whole_when_the_disk_is_full(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "r.html").write_text("the old report")

    # a limit on the size of files acts as a disk does that has no more room, also on those of the interpreter
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    ended = shell(environment, tmp_path, f"trap '' XFSZ; ulimit -f 4; driftcheck report {QUOTED} -o r.html")

    assert ended.returncode == 1
    assert b"error: r.html cannot be written: File too large" in ended.stderr
    assert (tmp_path / "r.html").read_text() == "the old report"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".home", "r.html"]


def test_a_templates_folder_of_the_operators_own_is_used(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "report.md.j2").write_text("mine\n")

    ended = run("report", RESULT, "-o", "markdown=-", "--templates", "mine")

    assert (ended.exit_code, ended.stdout) == (0, "mine\n")


@pytest.mark.parametrize("name", FORMATS)
def test_a_closed_standard_output_is_one_line(environment: dict[str, str], tmp_path: Path, name: str) -> None:
    ended = shell(environment, tmp_path, f"driftcheck report {QUOTED} -o {name}=- >&-")

    assert ended.returncode == 1
    assert ended.stderr == b"error: standard output is closed\n"


def test_a_closed_standard_output_is_told_before_aws_is_called(
    environment: dict[str, str], service: Service, tmp_path: Path
) -> None:
    write_desired(tmp_path, {KINDS[0]: [full(KINDS[0])]})

    ended = shell(environment, tmp_path, "driftcheck check >&-")

    assert (ended.returncode, service.calls) == (1, [])
    assert ended.stderr == b"error: standard output is closed\n"


def test_closed_streams_do_not_keep_a_file_from_being_written(
    environment: dict[str, str], tmp_path: Path
) -> None:
    ended = shell(environment, tmp_path, f"driftcheck report {QUOTED} -o r.md <&- >&- 2>&-")

    assert ended.returncode == 0
    assert (tmp_path / "r.md").read_bytes() == (GOLDEN / "report.md").read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_a_full_standard_output_is_one_line(environment: dict[str, str], tmp_path: Path, name: str) -> None:
    ended = shell(environment, tmp_path, f"driftcheck report {QUOTED} -o {name}=- > /dev/full")

    assert ended.returncode == 1
    assert ended.stderr == b"error: standard output cannot be written: No space left on device\n"


def test_a_reader_that_goes_away_is_one_line(environment: dict[str, str], tmp_path: Path) -> None:
    large: Any = document(drifted(*(changed(["Tags", n], "a" * 99, "b" * 99) for n in range(5_000))))
    (tmp_path / "r.json").write_text(json.dumps(large))

    ended = shell(environment, tmp_path, "driftcheck report r.json -o json=- | head -c 10")

    assert (ended.returncode, ended.stdout) == (1, b'{\n  "forma')
    assert ended.stderr == b"error: standard output cannot be written: Broken pipe\n"


@pytest.mark.parametrize("place", ["/dev/stdout", "/dev/fd/1"])
def test_standard_output_can_be_named_as_a_file(run: Run, place: str) -> None:
    ended = run("report", RESULT, "-o", f"markdown={place}", "-q")

    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout == (GOLDEN / "report.md").read_text("utf-8")


def test_a_report_can_be_handed_to_another_program(environment: dict[str, str], tmp_path: Path) -> None:
    ended = shell(environment, tmp_path, f"driftcheck report {QUOTED} -q -o json=>(cat > copy.json); sleep 1")

    assert ended.returncode == 0
    assert json.loads((tmp_path / "copy.json").read_text()) == json.loads(RESULT.read_text())


@pytest.mark.parametrize(
    ("encoding", "shown"), [("utf-8", "é漢"), ("latin-1", "é\\u6f22"), ("ascii", "\\xe9\\u6f22")]
)
def test_text_is_written_as_the_terminal_takes_it(
    environment: dict[str, str], tmp_path: Path, encoding: str, shown: str
) -> None:
    (tmp_path / "r.json").write_text(json.dumps(document(drifted(changed(["RoleArn"], "é漢", "x")))))
    environment |= {"PYTHONIOENCODING": encoding}

    ended = shell(environment, tmp_path, "driftcheck report r.json")

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert f'"{shown}" -> "x"' in ended.stdout.decode(encoding)


@pytest.mark.parametrize("name", ["json", "markdown", "html", "junit", "sarif"])
def test_every_other_format_is_utf_8_whatever_the_locale(
    environment: dict[str, str], tmp_path: Path, name: str
) -> None:
    (tmp_path / "r.json").write_text(json.dumps(document(drifted(changed(["RoleArn"], "é漢", "x")))))
    environment |= {
        "PYTHONIOENCODING": "latin-1",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }

    to_stdout = shell(environment, tmp_path, f"driftcheck report r.json -o {name}=-")
    to_file = shell(environment, tmp_path, f"driftcheck report r.json -o {name}=out")

    assert (to_stdout.returncode, to_file.returncode) == (0, 0)
    assert to_stdout.stdout == (tmp_path / "out").read_bytes()
    text = to_stdout.stdout.decode("utf-8")
    assert "é漢" in text or "\\u00e9\\u6f22" in text


def test_permissions_and_links_are_kept(run: Run, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    shutil.copy(RESULT, tmp_path / "kept" / "r.md")
    (tmp_path / "kept" / "r.md").chmod(0o604)
    (tmp_path / "r.md").symlink_to(Path("kept", "r.md"))

    assert run("report", RESULT, "-o", "r.md").exit_code == 0

    assert (tmp_path / "r.md").readlink() == Path("kept", "r.md")
    assert (tmp_path / "kept" / "r.md").stat().st_mode & 0o777 == 0o604
    assert (tmp_path / "r.md").read_bytes() == (GOLDEN / "report.md").read_bytes()
