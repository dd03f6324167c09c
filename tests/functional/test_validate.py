"""``validate``, and ``check`` with the same files: offline, everything at once, hostile files and names."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.functional.definitions import KINDS, full, minimal, section, write_desired

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.functional.conftest import Outcome, Run
    from tests.functional.service import Service

MODEL_QUALITY = KINDS[0]
LIST = section(MODEL_QUALITY)
OFFLINE = dict.fromkeys(
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL", "HOME")
)


def is_refused(ended: Outcome, says: str, lines: int = 1) -> None:
    assert ended.exit_code == 1, ended
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) == lines, ended.stderr[:2_000]
    assert says in ended.stderr
    assert len(ended.stderr) < 2_000


def test_it_needs_no_credentials_and_makes_no_call(run: Run, service: Service, tmp_path: Path) -> None:
    write_desired(tmp_path, {kind: [full(kind), full(kind, "other")] for kind in KINDS[2:]})

    ended = run("validate", env=OFFLINE)

    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout == "Valid: 4 definitions, 1 target, 0 warnings.\n"
    assert service.calls == []


def test_warnings_are_told_and_exit_0(run: Run, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY)]})

    ended = run("validate")
    quiet = run("validate", "--quiet")

    assert (ended.exit_code, ended.stdout) == (0, "Valid: 1 definition, 1 target, 1 warning.\n")
    assert ended.stderr == (
        "desired/desired.yaml:3:3: warning: MaxRuntimeInSeconds is 3600 (the service's default): "
        "an hourly schedule allows this kind 1800 seconds at most\n"
    )
    assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (0, "", "")


@pytest.mark.parametrize("command", ["validate", "check", "iam-policy"])
def test_every_error_of_every_file_is_told_in_one_run(
    run: Run, service: Service, tmp_path: Path, command: str
) -> None:
    first = minimal(MODEL_QUALITY) | {"RoleArm": "hunter2"}
    first["JobResources"]["ClusterConfig"]["InstanceTyp"] = first["JobResources"]["ClusterConfig"].pop(
        "InstanceType"
    )
    write_desired(tmp_path, {MODEL_QUALITY: [first]}, "a.json")
    (tmp_path / "desired" / "b.yaml").write_text("version: 1\nversion: 1\ntargt: x\ntargt: y\n")
    (tmp_path / "desired" / "c.yaml").write_text(f"version: 1\ntarget: prod\n{LIST}: []\n")

    ended = run(command)

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr.splitlines() == [
        (
            "desired/a.json:32:11: error: unknown member `InstanceTyp`: did you mean `InstanceType`? "
            "(in JobResources.ClusterConfig)"
        ),
        "desired/a.json:36:7: error: unknown member `RoleArm`: did you mean `RoleArn`?",
        "desired/b.yaml:2:1: error: duplicate key 'version', first on line 1",
        "desired/b.yaml:3:1: error: unknown member `targt`: did you mean `target`?",
        "desired/b.yaml:4:1: error: duplicate key 'targt', first on line 3",
        "desired/c.yaml:2:1: error: unknown target `prod`: driftcheck.toml has no such target",
    ]
    assert service.calls == []


HEAD = f"version: 1\n{LIST}:\n"
HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty": ("x.yaml", lambda: b"", ":1:1: error: the file is empty"),
    "duplicate": ("x.yaml", lambda: b"version: 1\nversion: 1\n", ":2:1: error: duplicate key"),
    "tag": ("x.yaml", lambda: b"version: !!python/name:os.system 1\n", ":1:10: error: a tag"),
    "merge": ("x.yaml", lambda: b"a: &a {}\n<<: *a\n", ":2:1: error: merge keys"),
    "complex-key": ("x.yaml", lambda: b"? {a: 1}\n: 1\n", ":1:3: error: a key must be text"),
    "documents": ("x.yaml", lambda: b"version: 1\n---\nversion: 1\n", ":2:1: error: a second document"),
    "recursion": ("x.yaml", lambda: b"a: &a [*a]\n", ":1:8: error: an alias stands inside"),
    "aliases": (
        "x.yaml",
        lambda: (
            b"a0: &a0 [x]\n"
            + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 30))
        ),
        "error: aliases repeat more than",
    ),
    "long-aliases": (
        "x.yaml",
        lambda: b"a: &a '" + b"x" * 5_000_000 + b"'\nb: [" + b"*a," * 50_000 + b"]\n",
        "error: aliases repeat more than",
    ),
    "deep-flow": ("x.yaml", lambda: b"[" * 9_000_000, "nest"),
    "deep-block": ("x.yaml", lambda: b"- " * 4_000_000, "nested deeper than 64 levels"),
    "deep-json": ("x.json", lambda: b'{"a":' * 1_500_000, "nested deeper than 64 levels"),
    "large": ("x.yaml", lambda: b"# " * 10_000_000, ": error: larger than 10 MB"),
    "large-json": ("x.json", lambda: b" " * 20_000_000, ": error: larger than 10 MB"),
    "many": ("x.yaml", lambda: b"- 1\n" * 2_400_000, "more than 500,000 values"),
    "many-json": ("x.json", lambda: b"[" + b"0," * 4_000_000 + b"0]", "more than 500,000 values"),
    "digits": (
        "x.json",
        lambda: b'{"version": ' + b"1" * 9_000_000 + b"}",
        ":1:13: error: too large a number",
    ),
    "latin-1": ("x.yaml", lambda: b"a: 1\nb: caf\xe9\n", ":2:7: error: not UTF-8 text"),
    "utf-16": ("x.json", lambda: '{"version": 1}'.encode("utf-16"), ":1:1: error: not UTF-8 text"),
    "nul": ("x.yaml", lambda: b"version: 1\0\n", ":1:11: error: not YAML"),
    "tab": ("x.yaml", lambda: b"version:\n\t1\n", ":2:1: error: not YAML"),
    "surrogate": ("x.json", lambda: b'{"a": "\\udc00"}', ":1:7: error: half of a surrogate pair"),
    "nan": ("x.json", lambda: b'{"version": NaN}', ":1:13: error: not JSON"),
    "infinity": ("x.json", lambda: b'{"version": 1e999}', ":1:13: error: too large a number"),
    "cut": ("x.json", lambda: b'{"version": 1, ', ":1:16: error: not JSON"),
    "list": ("x.yaml", lambda: b"- version: 1\n", ":1:1: error: must be a mapping, is a list"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_one_line_in_bounded_time_and_memory(
    environment: dict[str, str], service: Service, tmp_path: Path, case: str
) -> None:
    name, content, says = HOSTILE[case]
    (tmp_path / "desired").mkdir()
    (tmp_path / "desired" / name).write_bytes(content())

    # a gigabyte of addresses, of which the interpreter and its libraries take a part before anything is read
    done = subprocess.run(
        [sys.executable, "-m", "driftcheck", "check"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=False,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)),
    )

    assert (done.returncode, done.stdout) == (1, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(f"desired/{name}:")
    assert says in line
    assert len(line) < 300
    assert service.calls == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("with space.yaml", "desired/with space.yaml:1:1: error: "),
        ("é漢.yaml", "desired/é漢.yaml:1:1: error: "),
        ("a\nb.yaml", "desired/a\\nb.yaml:1:1: error: "),
        ("\x1b[31m\x07.yaml", "desired/\\x1b[31m\\x07.yaml:1:1: error: "),
        ("##[group]x.yaml", "desired/#\\x23[group]x.yaml:1:1: error: "),
        ("\udcff.yaml", "desired/\\udcff.yaml:1:1: error: "),
    ],
)
def test_a_hostile_file_name_is_shown_harmless(run: Run, tmp_path: Path, name: str, shown: str) -> None:
    (tmp_path / "desired").mkdir()
    (tmp_path / "desired" / name).touch()

    is_refused(run("validate"), f"{shown}the file is empty")


def test_no_line_begins_a_workflow_command(run: Run, tmp_path: Path) -> None:
    (tmp_path / "::error file=x::pwned.yaml").touch()

    ended = run("validate", "::error file=x::pwned.yaml")

    is_refused(ended, "::error file=x::pwned.yaml:1:1: error: the file is empty")
    assert not ended.stderr.startswith("::")


@pytest.mark.parametrize("make", ["folder", "link", "loop", "empty-folder"])
def test_what_cannot_be_read_is_named(run: Run, service: Service, tmp_path: Path, make: str) -> None:
    folder = tmp_path / "desired"
    folder.mkdir()
    if make == "folder":
        (folder / "x.yaml").mkdir()
    elif make == "link":
        (folder / "x.yaml").symlink_to("nowhere")
    elif make == "loop":
        (folder / "x.yaml").symlink_to("x.yaml")

    ended = run("check")

    is_refused(ended, "desired")
    assert service.calls == []


def test_a_secret_in_the_wrong_place_is_not_printed(run: Run, tmp_path: Path) -> None:
    definition = minimal(MODEL_QUALITY) | {"Tags": "hunter2", "RoleArn": "hunter2", "Passwort": "hunter2"}
    definition["ModelQualityAppSpecification"]["Environment"] = {"A=hunter2": "x", "B": ["hunter2"]}
    definition["JobResources"]["ClusterConfig"]["InstanceType"] = "hunter2"
    write_desired(tmp_path, {MODEL_QUALITY: [definition]})

    ended = run("validate")

    assert ended.exit_code == 1
    assert len(ended.stderr.splitlines()) >= 6
    assert "hunter2" not in ended.stderr


@pytest.mark.parametrize("encoding", ["C", "latin-1"])
def test_texts_beyond_the_locale_do_no_harm(run: Run, tmp_path: Path, encoding: str) -> None:
    (tmp_path / "desired").mkdir()
    (tmp_path / "desired" / "漢.yaml").write_text("version: 1\n漢字: 1\n", encoding="utf-8")
    env: dict[str, str | None] = (
        {"PYTHONIOENCODING": "ascii"} if encoding == "C" else {"PYTHONIOENCODING": "latin-1"}
    )

    ended = run(
        "validate", env={**env, "LC_ALL": "C", "LANG": None, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    )

    assert ended.exit_code == 1
    assert "Traceback" not in ended.stderr
    assert ended.stderr.endswith(".yaml:2:1: error: unknown member\n")


def test_a_whole_file_of_real_size_is_read(run: Run, tmp_path: Path) -> None:
    content = {"version": 1, LIST: [full(MODEL_QUALITY, f"churn-{number}") for number in range(2_000)]}
    (tmp_path / "desired").mkdir()
    (tmp_path / "desired" / "all.json").write_text(json.dumps(content))

    ended = run("validate", seconds=180)

    assert ended.stdout == "Valid: 2,000 definitions, 1 target, 2,000 warnings.\n"
