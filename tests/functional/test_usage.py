"""The command line itself: usage errors, help, version, completion, and what is imported for them."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

COMMANDS = (
    *("check", "validate", "nightly", "report", "merge", "dashboard", "comment", "schema"),
    *("iam-policy", "state", "history", "demo"),
)
HEAVY = [
    "boto3",
    "botocore",
    "deepdiff",
    "distributed",
    "jinja2",
    "yaml",
    "jsonschema_rs",
    "moto",
    "rich",
    "github",
    "gitlab",
]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["chek"], "No such command 'chek'"),
        (["--verison"], "No such option: --verison"),
        (["check", "--bogus"], "No such option: --bogus"),
        (["check", "--output"], "requires an argument"),
        (["check", "-o", "x.pdf"], "cannot be told from its suffix"),
        (["check", "-o", "pdf=x"], "unknown format `pdf`"),
        (["check", "-o", "a.json", "-o", "html=a.json"], "two reports go to a.json"),
        (["check", "--concurrency", "0"], "--concurrency"),
        (["check", "--concurrency", "many"], "--concurrency"),
        (["check", "--timeout", "0"], "--timeout"),
        (["check", "--timeout", "nan"], "--timeout"),
        (["check", "--timeout", "inf"], "--timeout"),
        (["check", "--deadline", "-1"], "--deadline"),
        (["check", "--fail-on", "drifed"], "unknown status `drifed`: did you mean `drifted`?"),
        (["check", "--templates", "absent"], "--templates"),
        (["check", "--shard", "0/8"], "0/8: shards count from 1 to as many as there are"),
        (["check", "--shard", "9/8"], "9/8: shards count from 1 to as many as there are"),
        (["check", "--shard", "2/0"], "2/0: shards count from 1 to as many as there are"),
        (["check", "--shard", "1/10001"], "at most 10,000"),
        (["check", "--shard", "2"], "2: write a shard as 2/8"),
        (["check", "--shard", "a/b"], "a/b: write a shard as 2/8"),
        (["check", "--shard", "-1/8"], "-1/8: write a shard as 2/8"),
        (["check", "--shard", "1/2/3"], "1/2/3: write a shard as 2/8"),
        (["check", "--shard", "\u0661/\u0662"], "write a shard as 2/8"),
        (["check", "--shard", "auto"], "auto, where AWS_BATCH_JOB_ARRAY_INDEX is ``"),
        (
            ["check", "--dask", "scheduler:8786"],
            "`scheduler:8786` is no address: write it as tcp://HOST:PORT",
        ),
        (["check", "--dask", "tcp://scheduler"], "`tcp://scheduler` is no address"),
        (["check", "--dask", "tcp://:8786"], "`tcp://:8786` is no address"),
        (["check", "--dask", "tcp://scheduler:port"], "`tcp://scheduler:port` is no address"),
        (["check", "--dask", "tcp://[scheduler:8786"], "`tcp://[scheduler:8786` is no address"),
        (["check", "--dask", "http://scheduler:8786"], "`http://scheduler:8786` is no address"),
        (["check", "--dask", "tcp://me:key@scheduler:8786"], "(sensitive)scheduler:8786` is no address"),
        (["check", "--dask", "tcp://scheduler:8786/x"], "`tcp://scheduler:8786/x` is no address"),
        (["check", "--dask", ""], "`` is no address"),
        (["check", "--dask", "tcp://a:1", "--shard", "1/2"], "goes without --base, --shard and"),
        (["check", "--dask", "tcp://a:1", "--incremental"], "goes without --base, --shard and"),
        (["check", "--dask", "tcp://a:1", "--base", "main"], "goes without --base, --shard and"),
        (["validate", "-o", "x.json"], "No such option: -o"),
        (["report"], "Missing argument"),
        (["report", "a.json", "b.json"], "unexpected extra argument"),
        (["report", "a.json", "-o", "a"], "cannot be told"),
        (["merge"], "Missing argument"),
        (["merge", "a.json", "--fail-on", "x"], "unknown status `x`"),
        (["merge", "a.json", "-o", "a"], "cannot be told"),
        (["merge", "absent.json"], "absent.json: error: cannot be read: No such file"),
        (["schema", "x"], "unexpected extra argument"),
        (["iam-policy", "--bogus"], "No such option"),
        (["state", "--bogus"], "No such option"),
        (["check", "--config", "absent.toml"], "absent.toml: error: cannot be read: No such file"),
        (["check", "--target", "qa"], "error: unknown target `qa`"),
        (["check", "absent"], "absent: error: cannot be read: No such file"),
        (["validate"], "desired: error: cannot be read: No such file"),
    ],
)
def test_a_usage_error_is_one_or_two_lines_and_exits_1(
    run: Run, service: Service, args: list[str], says: str
) -> None:
    ended = run(*args)

    assert ended.exit_code == 1
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    assert 1 <= len(lines) <= 2
    assert says in lines[-1]
    assert "error: " in lines[-1]
    assert service.calls == []


def test_no_command_at_all_shows_the_help_and_exits_1(run: Run) -> None:
    ended = run()

    assert (ended.exit_code, ended.stdout) == (1, "")
    for command in COMMANDS:
        assert f"\n  {command} " in ended.stderr
    assert "\\n" not in ended.stderr


@pytest.mark.parametrize("args", [["--help"], ["-h"]])
def test_help_names_every_command_and_the_exit_codes(run: Run, args: list[str]) -> None:
    ended = run(*args)

    assert (ended.exit_code, ended.stderr) == (0, "")
    for command in COMMANDS:
        assert f"\n  {command} " in ended.stdout
    assert "Exit codes: 0 in sync, 2 drift, 1 anything else" in ended.stdout
    assert (
        "..." not in ended.stdout.partition("Commands:")[2]
    )  # each is told what it does in a whole sentence


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run: Run, command: str) -> None:
    ended = run(command, "--help")

    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"Usage: driftcheck {command} ")
    assert "[[" not in ended.stdout


def test_the_version_is_on_standard_output(run: Run) -> None:
    ended = run("--version")

    assert (ended.exit_code, ended.stdout, ended.stderr) == (0, "driftcheck 0.1.0\n", "")


@pytest.mark.parametrize("args", [["--version"], ["--help"], ["check", "--help"], ["--bogus"]])
def test_only_the_command_line_library_is_imported_for_it(
    environment: dict[str, str], args: list[str]
) -> None:
    program = (
        "import sys; sys.argv[1:] = sys.argv[1].split(); import driftcheck.cli as cli\n"
        "try: cli.main()\n"
        "finally: print('imported', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, " ".join(args)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    imported = ended.stdout.rpartition("imported ")[2].split()
    assert {"typer", "driftcheck"} <= set(imported)
    assert not set(HEAVY) & set(imported)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_be_given_completion(run: Run, shell: str) -> None:
    ended = run(env={"_DRIFTCHECK_COMPLETE": f"source_{shell}"})

    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "_DRIFTCHECK_COMPLETE" in ended.stdout


@pytest.mark.parametrize(
    ("words", "at", "offers"),
    [
        ("driftcheck val", 1, {"validate"}),
        ("driftcheck ", 1, set(COMMANDS)),
        ("driftcheck check --conc", 2, {"--concurrency"}),
    ],
)
def test_completion_offers_what_can_be_written(run: Run, words: str, at: int, offers: set[str]) -> None:
    ended = run(
        env={"_DRIFTCHECK_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(at)},
    )

    assert (ended.exit_code, ended.stderr) == (0, "")
    assert set(ended.stdout.split()) == offers


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["schema"], ["check", "--help"]])
def test_a_full_disk_under_standard_output_is_one_line(environment: dict[str, str], args: list[str]) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        ended = subprocess.run(
            [sys.executable, "-m", "driftcheck", *args],
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )

    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: standard output")
    assert line.endswith("No space left on device")


def test_an_interrupt_while_it_starts_shows_no_traceback(run: Run, tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import signal; signal.raise_signal(signal.SIGINT)\n", "utf-8")

    outcome = run("validate", env={"PYTHONPATH": str(tmp_path)})

    # ended by the signal itself, which a shell tells as 130
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (-signal.SIGINT, "", "")
