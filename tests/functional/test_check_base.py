"""``check --base``: what a change introduces, resolves and finds, from real repositories."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.cloud import ABSENT
from tests.functional.conftest import Outcome
from tests.functional.definitions import (
    ACCOUNT,
    KINDS,
    MODEL_QUALITY,
    Definition,
    full,
    minimal,
    write_desired,
)
from tests.functional.faults import DENIED
from tests.functional.repository import ISOLATED, commit, git
from tests.functional.results import Result, check, held, valid

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

pytestmark = pytest.mark.slow

OLD = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
ROLE, OTHER_ROLE, THIRD_ROLE = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in "abc")


@pytest.fixture(autouse=True)
def _isolated(environment: dict[str, str]) -> None:
    environment |= ISOLATED


def model(name: str, role: str = ROLE, **members: Any) -> Definition:
    """A definition about which nothing is to be warned of."""
    stop = {"StoppingCondition": {"MaxRuntimeInSeconds": 1800}}
    return minimal(MODEL_QUALITY, name) | {"RoleArn": role} | stop | members


def write(folder: Path, *definitions: Definition, name: str = "desired.yaml", **extra: object) -> Path:
    return write_desired(folder, {MODEL_QUALITY: definitions}, name, **extra)


def origins(result: Result, name: str) -> list[tuple[str, str, bool | None]]:
    return [
        (".".join(map(str, each["path"])), each["origin"], each.get("intended"))
        for each in result.named(name)["differences"]
    ]


def of_status(result: Result) -> dict[str, tuple[Any, ...]]:
    """By name: the status, that of the base, the status's own origin, and whether that is intended."""
    return {
        each["name"]: (each["status"], each["base_status"], each["origin"], each.get("intended"))
        for each in result.document["resources"]
    }


def declarations(result: Result) -> dict[str, tuple[str, str | None, str]]:
    """By name: what became of it, its former name, and whether AWS has it."""
    return {
        each["name"]: (each["change"], each["was"] and each["was"]["name"], each["live"])
        for each in result.document["base"]["declarations"]
    }


def refused(ended: Outcome, service: Service) -> str:
    """The one line that a run ends with that called nobody."""
    assert (ended.exit_code, ended.stdout) == (1, ""), ended
    assert "Traceback" not in ended.stderr
    assert service.calls == []
    (line,) = ended.stderr.splitlines()
    return line


def change(service: Service, folder: Path) -> str:
    """A change of all sorts, in the working tree of a repository, over what AWS has; gives the merge base."""
    same, meant, drifted, taken = (model(name) for name in ("same", "meant", "drifted", "taken"))
    moved, old, gone = (model(name) for name in ("moved", "old", "gone"))
    old["JobResources"]["ClusterConfig"]["VolumeSizeInGB"] = 77
    write(folder, same, meant, drifted, taken, moved)
    write(folder, old, gone, name="more.yaml")
    base = commit(folder)
    for definition in (same, meant, drifted, taken, moved, old, gone):
        service.create(MODEL_QUALITY, definition, created_at=OLD)
    service.create(MODEL_QUALITY, model("stray"), created_at=OLD)
    for name in ("drifted", "taken"):
        service.mutate(MODEL_QUALITY, name, ("RoleArn",), OTHER_ROLE, recreated_at=OLD)
    new = full(KINDS[1], "new")
    write(folder, same, model("meant", THIRD_ROLE), drifted, model("taken", OTHER_ROLE))
    write(folder, old | {"JobDefinitionName": "new-name"}, moved, name="more.yaml")
    write_desired(folder, {KINDS[1]: [new]}, "new.yaml")
    return base


def test_a_change_is_told_from_what_was_before_it(service: Service, run: Run, tmp_path: Path) -> None:
    base = change(service, tmp_path)

    result = check(run, service, "--base", "HEAD")

    assert result.exit_code == 2
    document = result.document
    assert (document["base"]["ref"], document["base"]["commit"], document["base"]["error"]) == (
        "HEAD",
        base,
        None,
    )
    assert of_status(result) == {
        "same": ("in_sync", "in_sync", None, None),
        "meant": ("drifted", "in_sync", None, None),
        "drifted": ("drifted", "drifted", None, None),
        "taken": ("in_sync", "drifted", None, None),
        "moved": ("in_sync", "in_sync", None, None),
        "new": ("missing", None, "introduced", True),
        "new-name": ("missing", None, "introduced", True),
        "old": ("unmanaged", "in_sync", "introduced", True),
        "gone": ("unmanaged", "in_sync", "introduced", True),
        "stray": ("unmanaged", "unmanaged", "existing", None),
    }
    assert origins(result, "meant") == [("RoleArn", "introduced", True)]
    assert origins(result, "drifted") == [("RoleArn", "existing", None)]
    (resolved,) = result.named("taken")["resolved"]
    assert (resolved["path"], resolved["origin"]) == (["RoleArn"], "resolved")
    assert declarations(result) == {
        "meant": ("changed", None, "present"),
        "taken": ("changed", None, "present"),
        "moved": ("moved", "moved", "present"),
        "new": ("added", None, "absent"),
        "new-name": ("renamed", "old", "absent"),
        "gone": ("removed", "gone", "present"),
    }
    rollouts = {
        each["name"]: [(row["base"], row["desired"], row["rollout"]) for row in each["changes"]]
        for each in document["base"]["declarations"]
    }
    assert rollouts["meant"] == [(ROLE, THIRD_ROLE, "pending")]
    assert rollouts["taken"] == [(ROLE, OTHER_ROLE, "done")]
    # the counts are those of the head
    assert document["summary"] == {
        "declared": 7,
        "read": 7,
        "in_sync": 3,
        "drifted": 2,
        "missing": 2,
        "unmanaged": 3,
        "error": 0,
        "coverage": 0.7,
    }
    described = Counter(call.name for call in service.called("Describe*"))
    assert described == dict.fromkeys(set(of_status(result)) - {"stray"}, 1)
    assert len(service.called("List*")) == len(KINDS)


@pytest.mark.parametrize("suffix", ["txt", "md", "html", "xml", "sarif"])
def test_every_format_shows_it(service: Service, run: Run, tmp_path: Path, suffix: str) -> None:
    change(service, tmp_path)

    ended = run("check", "--base", "HEAD", "-o", f"report.{suffix}", "--quiet")

    assert (ended.exit_code, ended.stderr) == (2, "")
    text = (tmp_path / f"report.{suffix}").read_text("utf-8")
    for says in {
        "txt": [
            "# ModelQualityJobDefinition meant (default) will be replaced on rollout",
            "# ModelQualityJobDefinition drifted (default) has drifted",
            "    | existed before this change",
            "# Resolved by this change",
            "is renamed, was old",
            "Drift: AWS differed from what is declared before this change.",
        ],
        "md": ["will be replaced on rollout", "existed before this change", "### Resolved by this change"],
        "html": ["will be replaced on rollout", "existed before this change", "Resolved by this change"],
        "xml": ["will be replaced on rollout", "existed before this change", "Resolved by this change"],
        "sarif": ['"baselineState": "new"', '"baselineState": "unchanged"', "differs no more", '"rollout"'],
    }[suffix]:
        assert says in text
    if suffix == "txt":
        assert [line for line in text.splitlines() if len(line) > 80 and "arn:" not in line] == []


def test_the_base_is_where_the_branch_began(service: Service, run: Run, tmp_path: Path) -> None:
    write(tmp_path, model("a"))
    base = commit(tmp_path)
    git(tmp_path, "checkout", "--quiet", "-b", "pull")
    write(tmp_path, model("a"), model("b"))
    commit(tmp_path)
    git(tmp_path, "checkout", "--quiet", "main")
    write(tmp_path, model("a", OTHER_ROLE))
    commit(tmp_path)
    git(tmp_path, "checkout", "--quiet", "--detach", "pull")
    service.create(MODEL_QUALITY, model("a"))

    result = check(run, service, "--base", "main")

    assert result.document["base"]["commit"] == base
    assert declarations(result) == {"b": ("added", None, "absent")}
    assert of_status(result)["a"] == ("in_sync", "in_sync", None, None)


def test_the_working_tree_is_the_head_as_it_stands(service: Service, run: Run, tmp_path: Path) -> None:
    write(tmp_path, model("a"))
    commit(tmp_path)
    write(tmp_path, model("a", OTHER_ROLE))
    write(tmp_path, model("untracked"), name="untracked.yaml")
    service.create(MODEL_QUALITY, model("a"))

    result = check(run, service, "--base", "HEAD")

    assert declarations(result) == {"a": ("changed", None, "present"), "untracked": ("added", None, "absent")}


# What is declared for a definition `a` before and after, what AWS has, and how check then ends.
EXITS: dict[str, tuple[Any, Any, Any, dict[str, int]]] = {
    "in-sync": (model("a"), model("a"), model("a"), {"drifted,missing": 0}),
    "drifted-before": (model("a"), model("a"), model("a", OTHER_ROLE), {"drifted,missing": 0}),
    "intended": (model("a"), model("a", OTHER_ROLE), model("a"), {"drifted,missing": 0}),
    "rolled-out": (model("a"), model("a", OTHER_ROLE), model("a", OTHER_ROLE), {"drifted,missing": 0}),
    "over-drift": (model("a"), model("a", OTHER_ROLE), model("a", THIRD_ROLE), {"drifted,missing": 0}),
    "new": (None, model("a"), None, {"drifted,missing": 0}),
    "adopted": (None, model("a"), model("a"), {"drifted,missing": 0}),
    "adopted-and-other": (
        None,
        model("a"),
        model("a", OTHER_ROLE),
        {"drifted,missing": 2, "missing": 0, "none": 0, "drifted": 2},
    ),
    "rule-removed": (
        model("a", lifecycle={"ignore_changes": ["RoleArn"]}),
        model("a"),
        model("a", OTHER_ROLE),
        {"drifted,missing": 2, "missing": 0},
    ),
    "rule-added": (
        model("a"),
        model("a", lifecycle={"ignore_changes": ["RoleArn"]}),
        model("a", OTHER_ROLE),
        {"drifted,missing": 0},
    ),
    "missing-before": (model("a"), model("a"), None, {"drifted,missing": 0}),
    "removed": (model("a"), None, model("a"), {"drifted,missing,unmanaged": 0}),
}


@pytest.mark.parametrize("name", EXITS)
def test_fail_on_new_fails_on_what_is_introduced_and_not_intended(
    service: Service, run: Run, tmp_path: Path, name: str
) -> None:
    before, after, live, exits = EXITS[name]
    beside = model("beside")
    write(tmp_path, *filter(None, [before, beside]))
    commit(tmp_path)
    write(tmp_path, *filter(None, [after, beside]))
    for definition in filter(None, [live, beside]):
        service.create(MODEL_QUALITY, definition)

    for fail_on, code in exits.items():
        ended = run("check", "--base", "HEAD", "--fail-on-new", "--fail-on", fail_on, "--quiet")
        assert (ended.exit_code, ended.stderr) == (code, ""), ended.stdout


def test_fail_on_new_hides_no_error(service: Service, run: Run, tmp_path: Path) -> None:
    write(tmp_path, model("a"))
    commit(tmp_path)
    service.fail(DENIED, action="Describe*")

    ended = run("check", "--base", "HEAD", "--fail-on-new")

    assert ended.exit_code == 1
    assert "could not be compared" in ended.stdout


def test_with_a_base_that_cannot_be_used_nothing_is_known_to_be_old(
    service: Service, run: Run, tmp_path: Path
) -> None:
    write(tmp_path, model("a") | {"RoleArm": "x"})
    commit(tmp_path)
    write(tmp_path, model("a"))
    service.create(MODEL_QUALITY, model("a", OTHER_ROLE))

    result = check(run, service, "--base", "HEAD", "--fail-on-new")

    assert result.exit_code == 2
    error = result.document["base"]["error"]
    assert error["code"] == "InvalidBase"
    assert error["message"].startswith("desired/desired.yaml:")
    assert error["message"].endswith(": error: unknown member `RoleArm`: did you mean `RoleArn`?")
    assert result.document["base"]["declarations"] == []
    assert "base-not-compared" in result.warnings
    (difference,) = result.named("a")["differences"]
    assert "origin" not in difference
    assert "base_status" not in result.named("a")
    text = run("check", "--base", "HEAD").stdout
    assert "! Not compared with HEAD (merge base " in text
    assert "Drift: AWS differs from what is declared." in text


# -- what is no base


def _no_repository(_: Path) -> None:
    pass


def _no_commit(folder: Path) -> None:
    git(folder, "init", "--quiet")


def _unrelated(folder: Path) -> None:
    commit(folder)
    git(folder, "checkout", "--quiet", "--orphan", "other")
    commit(folder, "another beginning")


def _shallow(folder: Path) -> None:
    upstream = folder / ".home" / "upstream"
    upstream.mkdir(parents=True)
    for _ in range(3):
        commit(upstream)
    git(upstream, "checkout", "--quiet", "-b", "pull", "HEAD~1")
    commit(upstream, "pull")
    git(folder, "init", "--quiet")
    git(folder, "fetch", "--quiet", "--depth=1", f"file://{upstream}", "main:main", "pull:pull")
    git(folder, "checkout", "--quiet", "pull")


@pytest.mark.parametrize(
    ("prepare", "ref", "says"),
    [
        (_no_repository, "main", "error: --base: not a git repository"),
        (_no_commit, "main", "error: --base: there is no commit `main` here"),
        (commit, "mian", "error: --base: there is no commit `mian` here"),
        (commit, "", "error: --base: there is no commit `` here"),
        (commit, "HEAD:desired", "error: --base: there is no commit `HEAD:desired` here"),
        (commit, "main..HEAD", "error: --base: there is no commit `main..HEAD` here"),
        (commit, "^main", "error: --base: there is no commit `^main` here"),
        (commit, "--all", "error: --base: there is no commit `--all` here"),
        (commit, "-h", "error: --base: there is no commit `-h` here"),
        (commit, "--output=evil", "error: --base: there is no commit `--output=evil` here"),
        (commit, "main\n::error::x", "error: --base: there is no commit `main\\n::error::x` here"),
        (_unrelated, "main", "error: --base: `main` and HEAD have no commit in common"),
        (_shallow, "main", "with `fetch-depth: 0` in actions/checkout, `GIT_DEPTH: 0` in GitLab, or `git"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_is_no_base_is_one_line(
    service: Service, run: Run, tmp_path: Path, prepare: Callable[[Path], object], ref: str, says: str
) -> None:
    write(tmp_path, model("a"))
    prepare(tmp_path)

    assert says in refused(run("check", f"--base={ref}"), service)
    assert not (tmp_path / "evil").exists()


def test_without_git_it_is_one_line(service: Service, run: Run, tmp_path: Path) -> None:
    write(tmp_path, model("a"))

    ended = run("check", "--base", "main", env={"PATH": str(tmp_path)})

    assert (
        refused(ended, service) == "error: --base needs git, which cannot be run: No such file or directory"
    )


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--fail-on-new"], "it needs --base"),
        (["--base", "main", "--shard", "1/2"], "a shard has no base"),
        (["--base"], "requires an argument"),
    ],
)
def test_options_that_exclude_each_other(service: Service, run: Run, args: list[str], says: str) -> None:
    ended = run("check", *args)

    assert (ended.exit_code, ended.stdout, service.calls) == (1, "", [])
    assert says in ended.stderr.splitlines()[-1]


# -- which files


def check_in(folder: Path, environment: dict[str, str], service: Service, *args: str | Path) -> Result:
    ended = subprocess.run(
        [sys.executable, "-m", "driftcheck", "check", *map(str, args), "-o", "json=-"],
        cwd=folder,
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return held(Outcome(ended.returncode, ended.stdout.decode(), ended.stderr.decode()), service)


@pytest.mark.parametrize("where", [".", "ml", "ml/desired"])
@pytest.mark.parametrize("absolute", [False, True])
def test_paths_are_those_of_the_working_folder(
    service: Service, environment: dict[str, str], tmp_path: Path, where: str, absolute: bool
) -> None:
    desired = tmp_path / "ml" / "desired"
    write(tmp_path / "ml", model("a"), model("b"))
    write(tmp_path / "ml", model("c"), name="sub/c.yaml")
    write(tmp_path / "ml", model("hidden"), name=".hidden/h.yaml")
    write(tmp_path, model("elsewhere"))
    commit(tmp_path)
    write(tmp_path / "ml", model("a"))
    for name in "abc":
        service.create(MODEL_QUALITY, model(name))
    folder = tmp_path / where
    path = {".": "ml/desired", "ml": "desired", "ml/desired": "."}[where]

    result = check_in(folder, environment, service, desired if absolute else path, "--base", "HEAD")

    assert declarations(result) == {"b": ("removed", "b", "present")}
    assert of_status(result) == {
        "a": ("in_sync", "in_sync", None, None),
        "b": ("unmanaged", "in_sync", "introduced", True),
        "c": ("in_sync", "in_sync", None, None),
    }
    (gone,) = result.document["base"]["declarations"]
    # named as files of the working tree are
    assert gone["was"]["source"]["file"] == result.named("a")["source"]["file"]


def test_a_folder_that_the_base_has_not_is_all_new(service: Service, run: Run, tmp_path: Path) -> None:
    commit(tmp_path)
    write(tmp_path, model("a"))

    result = check(run, service, "--base", "HEAD")

    assert declarations(result) == {"a": ("added", None, "absent")}
    assert (result.exit_code, result.document["base"]["error"]) == (2, None)


def test_a_folder_that_neither_side_has_is_invalid(service: Service, run: Run, tmp_path: Path) -> None:
    commit(tmp_path)

    ended = run("check", "--base", "HEAD", "-o", "r.json")

    assert (ended.exit_code, ended.stdout, service.calls) == (1, "", [])
    assert "desired: error: cannot be read: No such file or directory" in ended.stderr
    document = valid((tmp_path / "r.json").read_text("utf-8"))
    assert document["invalid"] == [
        {"message": "desired: cannot be read: No such file or directory", "source": None}
    ]
    assert document["base"]["declarations"] == []


def test_file_names_may_be_any(service: Service, run: Run, tmp_path: Path) -> None:
    names = [
        b"new\nline.yaml",
        b"quo\"te'.yaml",
        b"tab\t.yaml",
        b"\xff\xfe.yaml",
        b" -n.yaml",
        b":(glob)*.yaml",
    ]
    folder = bytes(tmp_path) + b"/desired/"
    write(tmp_path, model("first"))
    for number, name in enumerate(names):
        content = json.dumps({"version": 1, "model_quality_job_definitions": [model(f"d-{number}")]})
        with open(folder + name, "w", encoding="utf-8") as file:  # noqa: PTH123 - a name that is no text
            file.write(content)
    commit(tmp_path)
    for number in range(len(names)):
        service.create(MODEL_QUALITY, model(f"d-{number}"))
    service.create(MODEL_QUALITY, model("first"))

    result = check(run, service, "--base", "HEAD")

    assert result.exit_code == 0
    assert result.document["base"] == {
        **result.document["base"],
        "error": None,
        "declarations": [],
    }
    assert len(result.statuses) == 7


def test_line_ends_of_the_working_tree_are_no_change(service: Service, run: Run, tmp_path: Path) -> None:
    file = write(tmp_path, model("a"))
    commit(tmp_path)
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    service.create(MODEL_QUALITY, model("a"))

    result = check(run, service, "--base", "HEAD")

    assert (result.exit_code, declarations(result)) == (0, {})


def _a_submodule(folder: Path) -> None:
    inner = folder / "desired" / "inner"
    inner.mkdir()
    commit(inner)


def _a_large_file(folder: Path) -> None:
    (folder / "desired" / "large.yaml").write_bytes(b"# " * 6_000_000)


def _a_link_to_nowhere(folder: Path) -> None:
    (folder / "desired" / "link.yaml").symlink_to("nowhere.yaml")


def _a_link_in_a_circle(folder: Path) -> None:
    (folder / "desired" / "link.yaml").symlink_to("link.yaml")


def _a_link_out(folder: Path) -> None:
    (folder / "desired" / "link.yaml").symlink_to("../../outside.yaml")


def _an_absolute_link(folder: Path) -> None:
    (folder / "desired" / "link.yaml").symlink_to("/etc/passwd")


def _a_link_to_a_folder(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "x.yaml").write_text("version: 1\n")
    (folder / "desired" / "link").symlink_to("../elsewhere")


def _no_text(folder: Path) -> None:
    (folder / "desired" / "latin.yaml").write_bytes(b"# caf\xe9\n")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_a_submodule, "desired/inner: error: it is in a submodule"),
        (_a_large_file, "desired/large.yaml: error: larger than 10 MB"),
        (_a_link_to_nowhere, "desired/link.yaml: error: cannot be read: the link leads nowhere"),
        (_a_link_in_a_circle, "desired/link.yaml: error: cannot be read: the link leads nowhere"),
        (_a_link_out, "desired/link.yaml: error: it leads out of the checkout"),
        (_an_absolute_link, "desired/link.yaml: error: it leads out of the checkout"),
        (_a_link_to_a_folder, "desired/link: error: a link to a folder is not followed"),
        (_no_text, "desired/latin.yaml:1:6: error: not UTF-8 text"),
    ],
)
def test_what_cannot_be_read_of_the_base_is_told_and_the_head_is_checked(
    service: Service, run: Run, tmp_path: Path, spoil: Callable[[Path], None], says: str
) -> None:
    write(tmp_path, model("a"))
    spoil(tmp_path)
    commit(tmp_path)
    git(tmp_path, "rm", "-r", "--quiet", "--cached", "desired")
    subprocess.run(["rm", "-rf", str(tmp_path / "desired")], check=True)
    write(tmp_path, model("a"))
    service.create(MODEL_QUALITY, model("a"))

    result = check(run, service, "--base", "HEAD")

    assert says in result.document["base"]["error"]["message"]
    assert (result.exit_code, result.statuses) == (0, {"a": "in_sync"})


def test_links_within_the_checkout_are_followed_in_both(service: Service, run: Run, tmp_path: Path) -> None:
    write(tmp_path / "shared", model("a"))
    folder = tmp_path / "desired"
    folder.mkdir()
    (folder / "one.yaml").symlink_to("two.yaml")
    (folder / "two.yaml").symlink_to("../shared/desired/desired.yaml")
    commit(tmp_path)
    service.create(MODEL_QUALITY, model("a"))

    result = check(run, service, "--base", "HEAD")
    assert (result.exit_code, declarations(result), result.document["base"]["error"]) == (0, {}, None)

    write(tmp_path / "shared", model("a", OTHER_ROLE))
    assert declarations(check(run, service, "--base", "HEAD")) == {"a": ("changed", None, "present")}


@pytest.mark.parametrize("spoil", [_a_link_out, _an_absolute_link])
def test_a_link_of_the_change_that_leads_out_is_not_opened(
    service: Service, run: Run, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    write(tmp_path, model("a"))
    commit(tmp_path)
    (tmp_path.parent / "outside.yaml").write_text("secret: value\n")
    spoil(tmp_path)

    line = refused(run("check", "--base", "HEAD"), service)

    assert line == "desired/link.yaml: error: it leads out of the checkout"


@pytest.mark.parametrize("place", ["file", "folder", "git"])
def test_paths_out_of_the_checkout_are_refused(
    service: Service, run: Run, tmp_path: Path, place: str
) -> None:
    outside = tmp_path.parent / f"outside-{place}"
    write(outside, model("a"))
    commit(tmp_path)
    (tmp_path / "link").symlink_to(outside / "desired")
    paths = {"file": str(outside / "desired" / "desired.yaml"), "folder": "link", "git": ".git/config"}

    line = refused(run("check", paths[place], "--base", "HEAD"), service)
    assert line == f"{paths[place]}: error: it leads out of the checkout"


# -- a change from nobody knows whom


def test_settings_of_the_repository_run_nothing(service: Service, run: Run, tmp_path: Path) -> None:
    (tmp_path / ".gitattributes").write_text("*.yaml diff=evil filter=evil\n")
    write(tmp_path, model("a"))
    commit(tmp_path)
    script = tmp_path / ".home" / "evil"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/.home/ran\ncat\n")
    script.chmod(0o755)
    for setting in (
        "core.fsmonitor",
        "diff.evil.textconv",
        "filter.evil.smudge",
        "filter.evil.clean",
        "core.pager",
        "core.sshCommand",
        "core.editor",
        "alias.ls-tree",
    ):
        value = f"!{script}" if setting.startswith("alias") else str(script)
        git(tmp_path, "config", setting, value)
    for hook in ("post-checkout", "post-index-change", "reference-transaction", "fsmonitor-watchman"):
        (tmp_path / ".git" / "hooks").mkdir(exist_ok=True)
        (tmp_path / ".git" / "hooks" / hook).symlink_to(script)
    service.create(MODEL_QUALITY, model("a"))

    result = check(run, service, "--base", "HEAD")

    assert result.exit_code == 0
    assert not (tmp_path / ".home" / "ran").exists()


def test_a_folder_in_the_form_of_a_repository_is_not_taken_for_one(
    service: Service, environment: dict[str, str], tmp_path: Path
) -> None:
    folder = write(tmp_path, model("a")).parent
    for part in ("objects", "refs/heads"):
        (folder / part).mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
    for part in ("objects", "refs/heads"):
        (folder / part / "keep").write_text("")
    commit(tmp_path)

    ended = subprocess.run(
        [sys.executable, "-m", "driftcheck", "check", ".", "--base", "HEAD"],
        cwd=folder,
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )

    said = refused(Outcome(ended.returncode, ended.stdout.decode(), ended.stderr.decode()), service)
    assert said.startswith("error: --base: cannot use bare repository")


CONFIG = '[targets.prod]\nregion = "eu-west-1"\n'


@pytest.mark.parametrize(
    "now", ['[targets.prod]\nrole_arn = "arn:aws:iam::123456789012:role/admin"\n', "link", CONFIG]
)
def test_credentials_are_not_for_the_change_to_choose(
    service: Service, run: Run, tmp_path: Path, now: str
) -> None:
    config = tmp_path / "driftcheck.toml"
    config.write_text(CONFIG)
    write(tmp_path, model("a"), target="prod")
    commit(tmp_path)
    service.create(MODEL_QUALITY, model("a"))
    if now == "link":
        (tmp_path / "other.toml").write_text(CONFIG)
        config.unlink()
        config.symlink_to("other.toml")
    else:
        config.write_text(now)

    ended = run("check", "--base", "HEAD", "--no-unmanaged", "--quiet")

    if now == CONFIG:
        assert (ended.exit_code, ended.stderr) == (0, "")
        return
    assert refused(ended, service) == (
        "driftcheck.toml: error: it names credentials, and is not what the merge base has: "
        "pass --config driftcheck.toml if you trust this change, or another one"
    )
    (tmp_path / "trusted.toml").write_text(CONFIG)
    assert run("check", "--base", "HEAD", "--config", "trusted.toml", "--no-unmanaged").exit_code == 0


def test_a_report_is_not_written_where_the_change_leads(service: Service, run: Run, tmp_path: Path) -> None:
    write(tmp_path, model("a"))
    commit(tmp_path)
    outside = tmp_path.parent / "outside.html"
    outside.write_text("mine")
    (tmp_path / "report.html").symlink_to(outside)
    (tmp_path / "reports").symlink_to(tmp_path.parent)

    for output in ("report.html", "reports/x.html"):
        line = refused(run("check", "--base", "HEAD", "-o", output), service)
        assert line == f"error: {output} leads out of the checkout"
    assert outside.read_text() == "mine"
    assert not (tmp_path.parent / "x.html").exists()


def test_state_that_the_change_brings_is_not_relied_on(service: Service, run: Run, tmp_path: Path) -> None:
    write(tmp_path, model("a"))
    commit(tmp_path)
    (tmp_path / ".driftcheck").mkdir()
    (tmp_path / ".driftcheck" / "default.state").write_text("forged")
    commit(tmp_path)

    line = refused(run("check", "--base", "HEAD~1", "--incremental"), service)

    assert line.startswith("error: .driftcheck is part of what is checked out")


def test_templates_that_the_change_brings_are_not_run(service: Service, run: Run, tmp_path: Path) -> None:
    write(tmp_path, model("a"))
    commit(tmp_path)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "report.md.j2").write_text(
        "{{ cycler.__init__.__globals__.os.mkdir('hacked') }}"
    )
    (tmp_path / "linked").symlink_to("templates")
    commit(tmp_path)

    for folder in ("templates", "linked"):
        line = refused(run("check", "--base", "HEAD~1", "--templates", folder, "-o", "r.md"), service)
        assert line.startswith(f"error: {folder} is part of what is checked out")
    assert not (tmp_path / "hacked").exists()


def test_state_that_is_committed_is_not_relied_on_without_a_base(
    service: Service, run: Run, tmp_path: Path
) -> None:
    write(tmp_path, model("a"))
    (tmp_path / ".driftcheck").mkdir()
    (tmp_path / ".driftcheck" / "default.state").write_text("forged")
    commit(tmp_path)

    for command in (["check", "--incremental"], ["nightly", "--store", "runs", "--incremental"]):
        line = refused(run(*command), service)
        assert line.startswith("error: .driftcheck is part of what is checked out")
    line = refused(run("state", "push", "s3://bucket/prefix"), service)
    assert line.startswith("error: .driftcheck is part of what is checked out")


def test_state_that_is_ignored_by_git_is_used(service: Service, run: Run, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text(".driftcheck\n")
    write(tmp_path, model("a"))
    commit(tmp_path)
    service.create(MODEL_QUALITY, model("a"), created_at=OLD)

    assert run("check", "--incremental").exit_code == 0
    service.calls.clear()
    assert run("check", "--incremental").exit_code == 0
    assert not service.called("Describe*")


def test_what_the_base_hides_stays_hidden(service: Service, run: Run, tmp_path: Path) -> None:
    path = "ModelQualityAppSpecification.Environment.DB_URL"
    old = model("a", lifecycle={"sensitive": [path]})
    old["ModelQualityAppSpecification"]["Environment"] = {"DB_URL": "first-value"}
    new = model("a")
    new["ModelQualityAppSpecification"]["Environment"] = {"DB_URL": "second-value"}
    live = deepcopy(old)
    live.pop("lifecycle")
    live["ModelQualityAppSpecification"]["Environment"]["DB_URL"] = "third-value"
    write(tmp_path, old)
    commit(tmp_path)
    write(tmp_path, new)
    service.create(MODEL_QUALITY, live, created_at=OLD)

    formats = [part for name in ("txt", "json", "md", "html", "xml", "sarif") for part in ("-o", f"r.{name}")]
    ended = run("check", "--base", "HEAD", "--incremental", "--state", "state", *formats)

    assert ended.exit_code == 2
    for file in (*tmp_path.glob("r.*"), *tmp_path.glob("state/*")):
        text = file.read_text("utf-8")
        assert not [value for value in ("first-value", "second-value", "third-value") if value in text]
    assert "(sensitive)" in (tmp_path / "r.json").read_text("utf-8")


SENSITIVE: dict[str, Any] = {"lifecycle": {"sensitive": ["ModelQualityAppSpecification.Environment.DB_URL"]}}
SAME_PLACE = f"""
[targets.a]
region = "eu-west-1"
account = "{ACCOUNT}"
[targets.b]
region = "eu-west-1"
[targets.c]
region = "eu-west-1"
role_arn = "arn:aws:iam::{ACCOUNT}:role/r"
"""


def with_url(url: str, name: str = "a", **members: Any) -> Definition:
    definition = model(name, **members)
    definition["ModelQualityAppSpecification"]["Environment"] = {"DB_URL": url}
    return definition


def is_masked(service: Service, run: Run, folder: Path, *args: str) -> bool:
    """Tell whether a difference at ``DB_URL`` is told and AWS's value is in no report, log or state."""
    service.create(MODEL_QUALITY, with_url("live-value"), created_at=OLD)
    formats = [part for name in ("txt", "json", "md", "html", "xml", "sarif") for part in ("-o", f"r.{name}")]
    ended = run("check", *args, "--incremental", "--state", "state", *formats)
    assert ended.exit_code == 2, ended
    comment = run("comment", "--dry-run", "r.json").stdout
    reports = [file.read_text("utf-8") for file in (*folder.glob("r.*"), *folder.glob("state/*"))]
    assert "DB_URL" in (folder / "r.json").read_text("utf-8")
    shown = [text for text in (ended.stdout, ended.stderr, comment, *reports) if "live-value" in text]
    return not shown


@pytest.mark.parametrize("asked", [(), ("--target", "{}")])
@pytest.mark.parametrize("also", [True, False])
@pytest.mark.parametrize(
    ("was", "now"),
    [("a", "b"), ("b", "a"), ("default", "b"), ("a", "default"), ("default", "c"), ("b", "c"), ("c", "b")],
)
def test_what_the_base_hides_in_one_target_is_hidden_in_all(
    service: Service, run: Run, tmp_path: Path, was: str, now: str, also: bool, asked: tuple[str, ...]
) -> None:
    (tmp_path / "driftcheck.toml").write_text(SAME_PLACE)
    former = write(tmp_path, with_url("first-value", **SENSITIVE), target=was)
    commit(tmp_path)
    if not also:
        former.unlink()
    write(tmp_path, with_url("guess"), name="other.yaml", target=now)

    options = [option.format(now) for option in asked]
    assert is_masked(service, run, tmp_path, "--base", "HEAD", *options)


@pytest.mark.parametrize(("then", "since"), [({}, SENSITIVE), (SENSITIVE, {})])
def test_what_the_branch_hid_when_a_change_began_or_hides_since_is_hidden(
    service: Service, run: Run, tmp_path: Path, then: dict[str, Any], since: dict[str, Any]
) -> None:
    write(tmp_path, with_url("first-value", **then))
    commit(tmp_path)
    write(tmp_path, with_url("first-value", **since))
    commit(tmp_path)
    git(tmp_path, "checkout", "--quiet", "-b", "change", "HEAD~1")
    write(tmp_path, with_url("guess"))
    commit(tmp_path)

    assert is_masked(service, run, tmp_path, "--base", "main")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("other.yaml", "x: 1\n"),
        ("other.yaml", "a: [\n"),
        ("a-before.yaml", "version: 1\ntarget: no-such-target\n"),
        ("large.yaml", "#" * 10_000_001),
        # it leads nowhere
        ("link.yaml", None),
    ],
)
def test_what_an_invalid_base_hides_is_hidden(
    service: Service, run: Run, tmp_path: Path, name: str, content: str | None
) -> None:
    write(tmp_path, with_url("first-value", **SENSITIVE))
    wrong = tmp_path / "desired" / name
    if content is None:
        wrong.symlink_to("nowhere.yaml")
    else:
        wrong.write_text(content)
    commit(tmp_path)
    wrong.unlink()
    write(tmp_path, with_url("guess"))

    assert is_masked(service, run, tmp_path, "--base", "HEAD")
    document = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert document["base"]["error"]["code"] == "InvalidBase"


def test_what_the_base_does_not_hide_is_shown(service: Service, run: Run, tmp_path: Path) -> None:
    write(tmp_path, with_url("first-value"), with_url("first-value", name="b", **SENSITIVE))
    commit(tmp_path)
    write(tmp_path, with_url("guess"))

    assert not is_masked(service, run, tmp_path, "--base", "HEAD")


def test_what_the_operator_unmasks_is_shown_of_both_sides(service: Service, run: Run, tmp_path: Path) -> None:
    sides = [model("a") for _ in range(2)]
    for side, value in zip(sides, ("first-value", "second-value"), strict=True):
        side["ModelQualityAppSpecification"]["Environment"] = {"S3_KEY": value, "API_KEY": "hunter2"}
    write(tmp_path, sides[0])
    commit(tmp_path)
    write(tmp_path, sides[1])
    service.create(MODEL_QUALITY, sides[0], created_at=OLD)
    (tmp_path.parent / "mine.toml").write_text('[redact]\nplain_keys = ["S3_KEY"]\n')
    # the change's own file is refused: it could unmask whatever it likes
    (tmp_path / "driftcheck.toml").write_text('[redact]\nplain_keys = ["API_KEY"]\n')

    assert "not what the merge base has" in refused(run("check", "--base", "HEAD"), service)
    ended = run("check", "--base", "HEAD", "--config", "../mine.toml", "-o", "r.json")

    assert ended.exit_code == 2
    (declaration,) = json.loads((tmp_path / "r.json").read_text("utf-8"))["base"]["declarations"]
    (change,) = declaration["changes"]
    assert (change["base"], change["desired"]) == ("first-value", "second-value")
    comment = run("comment", "--dry-run", "r.json").stdout
    assert "second-value" in comment
    assert "hunter2" not in comment


# -- what is read


def test_tags_are_read_once_if_either_side_declares_them(service: Service, run: Run, tmp_path: Path) -> None:
    tagged: dict[str, Any] = {"Tags": [{"Key": "team", "Value": "risk"}]}
    write(tmp_path, model("was", **tagged), model("is"), model("both", **tagged), model("neither"))
    commit(tmp_path)
    write(tmp_path, model("was"), model("is", **tagged), model("both", **tagged), model("neither"))
    for name in ("was", "is", "both", "neither"):
        service.create(MODEL_QUALITY, model(name, Tags=[{"Key": "team", "Value": "ops"}]))

    result = check(run, service, "--base", "HEAD")

    assert len(service.called("ListTags")) == 3
    assert result.statuses == {"was": "in_sync", "is": "drifted", "both": "drifted", "neither": "in_sync"}
    assert origins(result, "is") == [("Tags.0.Value", "introduced", True)]
    assert origins(result, "both") == [("Tags.0.Value", "existing", None)]
    assert [each["origin"] for each in result.named("was")["resolved"]] == ["resolved"]


TARGETS = f"""
[targets.one]
region = "eu-west-1"
account = "{ACCOUNT}"
[targets.two]
region = "us-east-1"
account = "{ACCOUNT}"
[targets.again]
region = "eu-west-1"
account = "{ACCOUNT}"
"""


@pytest.mark.parametrize("fails", [False, True])
def test_a_target_that_only_the_base_has_is_read_for_what_it_declares(
    service: Service, run: Run, tmp_path: Path, fails: bool
) -> None:
    (tmp_path / "driftcheck.toml").write_text(TARGETS)
    write(tmp_path, model("a"), target="two")
    commit(tmp_path)
    write(tmp_path, model("a"), target="one")
    service.create(MODEL_QUALITY, model("a"), region="us-east-1")
    service.create(MODEL_QUALITY, model("stray"), region="us-east-1")
    if fails:
        service.fail(DENIED, action="Describe*", region="us-east-1")

    result = check(run, service, "--base", "HEAD")

    assert [target["name"] for target in result.document["targets"]] == ["one"]
    assert of_status(result) == {"a": ("missing", None, "introduced", True)}
    (moved,) = result.document["base"]["declarations"]
    assert (moved["change"], moved["target"], moved["was"]["target"], moved["live"]) == (
        "moved",
        "one",
        "two",
        "absent",
    )
    assert {call.region for call in service.called("List*")} == {"eu-west-1"}
    assert len(service.called("Describe*")) == 2
    assert result.exit_code == 2


def test_what_moves_to_another_name_of_its_place_is_not_unmanaged_before(
    service: Service, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "driftcheck.toml").write_text(TARGETS)
    write(tmp_path, model("a"), model("b"), target="one")
    commit(tmp_path)
    write(tmp_path, model("b"), target="again")
    for name in "ab":
        service.create(MODEL_QUALITY, model(name))

    result = check(run, service, "--base", "HEAD")

    assert of_status(result)["a"] == ("unmanaged", None, "introduced", True)


def test_with_incremental_both_sides_are_compared_with_what_is_known(
    service: Service, run: Run, tmp_path: Path
) -> None:
    write(tmp_path, model("a"), model("b"), model("gone"))
    commit(tmp_path)
    write(tmp_path, model("a", OTHER_ROLE), model("b"))
    for name in ("a", "b", "gone"):
        service.create(MODEL_QUALITY, model(name), created_at=OLD)
    service.mutate(MODEL_QUALITY, "b", ("RoleArn",), THIRD_ROLE, recreated_at=OLD)
    args = ("--base", "HEAD", "--incremental", "--state", "state")
    first = check(run, service, *args)
    service.calls.clear()

    second = check(run, service, *args)

    assert service.called("Describe*") == []
    assert second.document["resources"] == first.document["resources"]
    assert second.document["base"] == first.document["base"]
    assert origins(second, "a") == [("RoleArn", "introduced", True)]
    assert origins(second, "b") == [("RoleArn", "existing", None)]
    assert declarations(second)["gone"] == ("removed", "gone", "present")


def test_without_looking_for_unmanaged_what_is_removed_is_still_told(
    service: Service, run: Run, tmp_path: Path
) -> None:
    write(tmp_path, model("a"), model("gone"), model("never"))
    commit(tmp_path)
    write(tmp_path, model("a"))
    for name in ("a", "gone"):
        service.create(MODEL_QUALITY, model(name))

    result = check(run, service, "--base", "HEAD", "--no-unmanaged")

    assert result.statuses == {"a": "in_sync"}
    assert declarations(result) == {
        "gone": ("removed", "gone", "present"),
        "never": ("removed", "never", "absent"),
    }
    assert service.called("List*") == []


def test_select_narrows_both_sides(service: Service, run: Run, tmp_path: Path) -> None:
    write(tmp_path, model("a-1"), model("b-1"))
    commit(tmp_path)
    write(tmp_path, model("a-1", OTHER_ROLE), model("c-1"))
    service.create(MODEL_QUALITY, model("a-1"))

    assert set(declarations(check(run, service, "--base", "HEAD", "--select", "a-*"))) == {"a-1"}
    # none of it is in the base
    assert set(declarations(check(run, service, "--base", "HEAD", "--select", "c-*"))) == {"c-1"}


def test_a_member_that_nobody_knows_was_there_before(service: Service, run: Run, tmp_path: Path) -> None:
    write(tmp_path, model("a"))
    commit(tmp_path)
    service.create(MODEL_QUALITY, model("a"))
    service.mutate(MODEL_QUALITY, "a", ("Novelty",), {"On": True})

    result = check(run, service, "--base", "HEAD")

    assert origins(result, "a") == [("Novelty", "existing", None)]
    service.mutate(MODEL_QUALITY, "a", ("Novelty",), ABSENT)


def test_the_comment_tells_what_the_result_does(service: Service, run: Run, tmp_path: Path) -> None:
    change(service, tmp_path)
    run("check", "--base", "main", "-o", "result.json")

    told = run("comment", "result.json", "--dry-run").stdout

    assert "\n## ✅ Valid: rollout will replace 1 definition, create 2 and delete 2\n" in told
    assert "\n| **6** | **4** | **2** | 0 | **1** | **1** | 0 |\n" in told
    assert "\nNothing unintended. 1 definition had drifted before this change.\n" in told
    assert f'@@ RoleArn @@ will change on rollout\n- "{ROLE}"\n+ "{THIRD_ROLE}"\n' in told
    assert f'@@ RoleArn @@ already so in AWS\n- "{ROLE}"\n+ "{OTHER_ROLE}"\n' in told
    lines = [line for line in told.splitlines() if line.startswith("- **")]
    assert [(line.split()[1], line.rpartition(": ")[2]) for line in lines] == [
        ("**Added**", "will be created on rollout"),
        ("**Removed**", "still in AWS, to be deleted on rollout"),
        ("**Moved**", "already so in AWS"),
        ("**Renamed**", "will be created on rollout; the former is still in AWS, to be deleted"),
    ]
    folded = [line for line in told.splitlines() if "summary" in line and "<code>" not in line]
    assert folded == [
        "<summary>Resolved by this change: 1 definition</summary>",
        "<summary>Drifted before this change: 1 definition</summary>",
        "<summary>Unmanaged before this change: 1 definition</summary>",
    ]


def test_the_comment_warns_of_what_aws_has_already_otherwise(
    service: Service, run: Run, tmp_path: Path
) -> None:
    write(tmp_path, model("same"))
    commit(tmp_path)
    for definition in (model("same"), model("adopted", OTHER_ROLE)):
        service.create(MODEL_QUALITY, definition, created_at=OLD)
    write(tmp_path, model("same"), model("adopted"))
    run("check", "--base", "main", "-o", "result.json")

    told = run("comment", "result.json", "--dry-run").stdout

    assert "\n## ❌ Not intended: 1 definition differs from AWS because of this change\n" in told
    assert f'@@ RoleArn @@\n- "{ROLE}"\n+ "{OTHER_ROLE}"\n' in told
    assert (
        "(default)`, declared in `desired/desired.yaml:25`: AWS has one of this name, and it differs\n"
        in told
    )


def test_an_arn_of_another_place_is_the_changes_error_and_not_that_of_its_base(
    service: Service, run: Run, tmp_path: Path
) -> None:
    elsewhere = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-quality-job-definition/a"
    write(tmp_path, model("a", JobDefinitionArn=elsewhere))
    commit(tmp_path)
    service.create(MODEL_QUALITY, model("a"))

    outcome = run("check", "--base", "HEAD")

    assert outcome.exit_code == 1
    assert "desired.yaml:25:3: error: JobDefinitionArn fits no target of this file" in outcome.stderr
    write(tmp_path, model("a"))
    result = check(run, service, "--base", "HEAD")
    assert (result.exit_code, result.document["base"]["error"], result.warnings) == (0, None, [])
