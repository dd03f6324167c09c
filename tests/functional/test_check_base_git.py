"""``check --base`` where git could give a wrong base, or run a program: clones, hooks, submodules."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.definitions import MODEL_QUALITY, write_desired
from tests.functional.faults import DENIED
from tests.functional.repository import ISOLATED, commit, git
from tests.functional.results import check
from tests.functional.test_check_base import (
    OTHER_ROLE,
    check_in,
    declarations,
    model,
    of_status,
    origins,
    refused,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _isolated(environment: dict[str, str]) -> None:
    environment |= ISOLATED


def scripted(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def refused_in(folder: Path, environment: dict[str, str], service: Service, *args: str) -> str:
    ended = ran(folder, environment, *args)
    assert (ended.returncode, ended.stdout, service.calls) == (1, "", []), ended
    (line,) = ended.stderr.splitlines()
    return line


def ran(folder: Path, environment: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "driftcheck", "check", *args],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


# -- an environment that git made for another repository


@pytest.fixture(params=[False, True], ids=["", "of a bare repository"])
def worktree(service: Service, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A folder ``ml`` of a linked working tree, whose files are as in its base and in AWS."""
    repository = tmp_path / "repository"
    repository.mkdir()
    write(repository / "ml", model("a"))
    commit(repository)
    if request.param:
        git(tmp_path, "clone", "--quiet", "--bare", repository, "bare.git")
        repository = tmp_path / "bare.git"
    git(repository, "worktree", "add", "--quiet", tmp_path / "worktree", "-b", "change")
    service.create(MODEL_QUALITY, model("a"))
    return tmp_path / "worktree" / "ml"


def _of_a_hook(worktree: Path) -> dict[str, str]:
    return {"GIT_DIR": git(worktree, "rev-parse", "--absolute-git-dir")}


def _of_a_commit(worktree: Path) -> dict[str, str]:
    index = git(worktree, "rev-parse", "--path-format=absolute", "--git-path", "index")
    return _of_a_hook(worktree) | {"GIT_INDEX_FILE": f"{index}.lock", "GIT_PREFIX": "ml/"}


def _of_another_repository(worktree: Path) -> dict[str, str]:
    other = worktree.parent.parent / "other"
    other.mkdir()
    commit(other)
    return {
        "GIT_DIR": str(other / ".git"),
        "GIT_COMMON_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_OBJECT_DIRECTORY": str(other / ".git" / "objects"),
        "GIT_SHALLOW_FILE": str(other / "none"),
        "GIT_GRAFT_FILE": str(other / "none"),
    }


def _of_pathspecs(_: Path) -> dict[str, str]:
    return {"GIT_ICASE_PATHSPECS": "1", "GIT_GLOB_PATHSPECS": "1"}


@pytest.mark.parametrize("made", [_of_a_hook, _of_a_commit, _of_another_repository, _of_pathspecs])
def test_the_repository_is_that_of_the_working_folder(
    service: Service,
    environment: dict[str, str],
    worktree: Path,
    made: Callable[[Path], dict[str, str]],
) -> None:
    result = check_in(worktree, environment | made(worktree), service, "--base", "main")

    assert (result.exit_code, declarations(result)) == (0, {})
    assert of_status(result) == {"a": ("in_sync", "in_sync", None, None)}


def test_a_safe_directory_of_the_environment_counts(
    service: Service, environment: dict[str, str], worktree: Path
) -> None:
    environment |= {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    line = refused_in(worktree, environment, service, "--base", "main")
    assert line.startswith("error: --base: detected dubious ownership in repository")

    for safe in (
        {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"},
        {"GIT_CONFIG_PARAMETERS": "'safe.directory'='*'"},
    ):
        result = check_in(worktree, environment | safe, service, "--base", "main")
        assert (result.exit_code, declarations(result)) == (0, {})


def test_what_is_pushed_can_be_the_base_while_a_hook_decides_on_it(
    service: Service, environment: dict[str, str], tmp_path: Path
) -> None:
    server, client = tmp_path / "server", tmp_path / "client"
    for name in ("a", "b"):
        service.create(MODEL_QUALITY, model(name))
    server.mkdir()
    write(server, model("a"))
    commit(server)
    git(server, "config", "receive.denyCurrentBranch", "ignore")
    git(tmp_path, "clone", "--quiet", f"file://{server}", client)
    write(client, model("a"), model("b"))
    pushed = commit(client)
    # its objects are nowhere but in the quarantine
    scripted(
        server / ".git" / "hooks" / "pre-receive",
        f"cd {server}\nread old new ref\n"
        f"exec {sys.executable} -m driftcheck check --base $new -o {tmp_path}/r.json",
    )

    ended = subprocess.run(
        ["git", "push", "--quiet", "origin", "main"],
        cwd=client,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert ended.returncode == 0, ended.stderr
    assert f'"ref": "{pushed}"' in (tmp_path / "r.json").read_text("utf-8")


# -- history that is not all there


def history(upstream: Path, service: Service) -> None:
    """Two branches that began at 50 GB and are joined, further back, by older branches of 20 GB.

    ``main`` has merged one of these long after, and ``change`` the other; AWS has 20 GB.
    """
    small, large = model("a"), model("a", OTHER_ROLE)
    upstream.mkdir(parents=True)
    write(upstream, small)
    commit(upstream, "A")
    for name in ("old-1", "old-2"):
        git(upstream, "branch", name)
    steps(upstream, "main", 3)
    write(upstream, large)
    commit(upstream, "main: another role")
    git(upstream, "checkout", "--quiet", "-b", "change")
    steps(upstream, "change", 3)
    for name in ("old-1", "old-2"):
        git(upstream, "checkout", "--quiet", name)
        steps(upstream, name, 1)
    for name, old in (("change", "old-1"), ("main", "old-2")):
        git(upstream, "checkout", "--quiet", name)
        steps(upstream, f"{name}-late", 3 if name == "main" else 0)
        git(upstream, "merge", "--quiet", "--no-edit", old)
        steps(upstream, f"{name}-last", 1)
    service.create(MODEL_QUALITY, small)


def steps(folder: Path, name: str, count: int) -> None:
    for number in range(count):
        (folder / f"{name}-{number}").write_text("")
        commit(folder, f"{name} {number}")


def cloned(tmp_path: Path, *options: str, branch: str = "change") -> Path:
    clone = tmp_path / "clone"
    upstream = f"file://{tmp_path}/upstream"
    git(tmp_path, "clone", "--quiet", "--no-single-branch", "-b", branch, *options, upstream, clone)
    return clone


def test_a_later_merge_base_may_be_cut_off(
    service: Service, environment: dict[str, str], tmp_path: Path
) -> None:
    history(tmp_path / "upstream", service)
    clone = cloned(tmp_path, "--depth=4")
    found = git(clone, "merge-base", "origin/main", "HEAD")
    # the test tests something: there is one, and it is not the right one
    assert git(clone, "log", "-1", "--format=%s", found) == "A"

    line = refused_in(clone, environment, service, "--base", "origin/main")

    assert line.startswith(
        "error: --base: the clone is shallow: the history of `origin/main` and of HEAD is cut"
    )
    assert f"so a later merge base than {found[:12]} may be missing: fetch more" in line
    git(clone, "fetch", "--quiet", "--unshallow")
    result = check_in(clone, environment, service, "--base", "origin/main")
    assert (result.exit_code, origins(result, "a")) == (2, [("RoleArn", "existing", None)])


def test_a_shallow_clone_will_do_where_nothing_can_be_hidden(
    service: Service, environment: dict[str, str], tmp_path: Path
) -> None:
    upstream = tmp_path / "upstream"
    upstream.mkdir()
    write(upstream, model("a"))
    steps(upstream, "main", 3)
    git(upstream, "checkout", "--quiet", "-b", "change")
    write(upstream, model("a", OTHER_ROLE))
    commit(upstream)
    steps(upstream, "change", 1)
    git(upstream, "checkout", "--quiet", "main")
    steps(upstream, "main-late", 1)
    # as the checkout that GitHub makes of a pull request
    git(upstream, "checkout", "--quiet", "-b", "merged")
    git(upstream, "merge", "--quiet", "--no-edit", "change")
    service.create(MODEL_QUALITY, model("a"))

    # the merge with both parents: the base ref is itself the merge base
    clone = cloned(tmp_path, "--depth=2", branch="merged")
    result = check_in(clone, environment, service, "--base", "HEAD^1")
    assert declarations(result) == {"a": ("changed", None, "present")}
    assert result.document["base"]["commit"] == git(upstream, "rev-parse", "main")
    # what is cut off lies behind the merge base
    shutil.rmtree(clone)
    clone = cloned(tmp_path, "--depth=4")
    assert git(clone, "rev-parse", "--is-shallow-repository") == "true"
    result = check_in(clone, environment, service, "--base", "origin/main")
    assert declarations(result) == {"a": ("changed", None, "present")}
    assert result.document["base"]["commit"] == git(upstream, "merge-base", "main", "change")
    # a branch on which nothing is committed yet
    git(clone, "checkout", "--quiet", "--detach", "origin/main")
    result = check_in(clone, environment, service, "--base", "HEAD")
    assert declarations(result) == {}


@pytest.mark.parametrize("differ", [False, True])
def test_of_several_merge_bases_none_is_taken_by_chance(
    service: Service, run: Run, tmp_path: Path, differ: bool
) -> None:
    write(tmp_path, model("a"))
    commit(tmp_path)
    git(tmp_path, "checkout", "--quiet", "-b", "change")
    steps(tmp_path, "change", 1)
    of_change = git(tmp_path, "rev-parse", "HEAD")
    git(tmp_path, "checkout", "--quiet", "main")
    if differ:
        write(tmp_path, model("a", OTHER_ROLE))
    steps(tmp_path, "main", 1)
    of_main = git(tmp_path, "rev-parse", "HEAD")
    git(tmp_path, "merge", "--quiet", "--no-edit", of_change)
    git(tmp_path, "checkout", "--quiet", "change")
    git(tmp_path, "merge", "--quiet", "--no-edit", of_main)
    service.create(MODEL_QUALITY, model("a"))

    if not differ:
        result = check(run, service, "--base", "main")
        assert (result.exit_code, declarations(result)) == (0, {})
        return
    line = refused(run("check", "--base", "main"), service)
    assert (
        "error: --base: `main` and HEAD have several merge bases, whose desired files differ: merge" in line
    )
    assert of_main[:12] in line
    assert of_change[:12] in line
    # as the line says
    result = check(run, service, "--base", of_change[:12])
    assert declarations(result) == {"a": ("changed", None, "present")}


# -- programs that the repository names


def partial(tmp_path: Path, service: Service, what: str) -> Path:
    """A clone that lacks what its base declares."""
    upstream = tmp_path / "upstream"
    upstream.mkdir()
    write(upstream, model("a"))
    commit(upstream)
    git(upstream, "config", "uploadpack.allowFilter", "true")
    git(upstream, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(upstream, "branch", "base")
    write(upstream, model("a", OTHER_ROLE))
    commit(upstream)
    service.create(MODEL_QUALITY, model("a"))
    clone = cloned(tmp_path, f"--filter={what}", branch="main")
    assert git(clone, "rev-list", "--objects", "--missing=print", "origin/base").count("\n?")
    return clone


def traps(tmp_path: Path) -> Path:
    """A program that leaves a file ``ran``, with its own name in it."""
    return scripted(tmp_path / "traps" / "evil", f'echo "$0 $*" >> {tmp_path}/ran\nexit 1')


def without_no_lazy_fetch(environment: dict[str, str], tmp_path: Path) -> None:
    """As git before 2.45, which knows no GIT_NO_LAZY_FETCH."""
    real = shutil.which("git")
    scripted(tmp_path / "bin" / "git", f'unset GIT_NO_LAZY_FETCH\nexec {real} "$@"')
    environment["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{environment['PATH']}"


REMOTES = {
    "uploadpack": {"remote.origin.uploadpack": "TRAP"},
    "ssh": {"remote.origin.url": "ssh://127.0.0.1:9/x", "core.sshCommand": "TRAP"},
    "ext": {"remote.origin.url": "ext::TRAP", "protocol.ext.allow": "always", "protocol.allow": "always"},
    "vcs": {"remote.origin.vcs": "trap"},
    "helper": {"remote.origin.url": "trap::x", "protocol.allow": "always"},
    "proxy": {"remote.origin.url": "git://127.0.0.1:9/x", "core.gitProxy": "TRAP"},
    "rewritten": {"url.ext::TRAP .insteadOf": "file://", "protocol.ext.allow": "always"},
}


@pytest.mark.parametrize(
    ("name", "old", "what"),
    [*((name, True, "blob:none") for name in REMOTES), ("ssh", False, "blob:none"), ("ssh", True, "tree:0")],
)
def test_a_partial_clone_fetches_nothing_and_runs_nothing(
    service: Service, environment: dict[str, str], tmp_path: Path, name: str, old: bool, what: str
) -> None:
    clone = partial(tmp_path, service, what)
    trap = traps(tmp_path)
    (trap.parent / "git-remote-trap").symlink_to(trap)
    environment["PATH"] = f"{environment['PATH']}{os.pathsep}{trap.parent}"
    if old:
        without_no_lazy_fetch(environment, tmp_path)
    for key, value in REMOTES[name].items():
        git(clone, "config", key.replace("TRAP", str(trap)), value.replace("TRAP", str(trap)))

    line = refused_in(clone, environment, service, "--base", "origin/base")

    # an old git starts a helper, and which of the two says its reason last is not known
    reasons = ("error: --base: could not fetch ", "error: --base: transport 'trap' not allowed")
    assert line.startswith(reasons if old else reasons[:1])
    assert line.endswith(
        ": the clone is partial, and nothing is fetched here: get what it lacks with "
        "`git fetch --refetch --no-filter`, or clone without --filter"
    )
    assert not (tmp_path / "ran").exists()
    # the test tests something: git itself runs it
    usual = {key: value for key, value in environment.items() if key != "GIT_ALLOW_PROTOCOL"}
    shown = ["git", "cat-file", "-e", "origin/base:desired/desired.yaml"]
    subprocess.run(shown, cwd=clone, env=usual, capture_output=True, check=False, timeout=60)
    assert (tmp_path / "ran").exists()


def test_a_partial_clone_will_do_once_it_lacks_nothing(
    service: Service, environment: dict[str, str], tmp_path: Path
) -> None:
    clone = partial(tmp_path, service, "blob:none")

    # as the message says
    git(clone, "fetch", "--quiet", "--refetch", "--no-filter")

    result = check_in(clone, environment, service, "--base", "origin/base")
    assert declarations(result) == {"a": ("changed", None, "present")}


def test_a_commit_that_a_partial_clone_lacks_is_not_fetched(
    service: Service, environment: dict[str, str], tmp_path: Path
) -> None:
    clone = partial(tmp_path, service, "blob:none")
    trap = traps(tmp_path)
    git(clone, "config", "remote.origin.uploadpack", str(trap))
    without_no_lazy_fetch(environment, tmp_path)

    line = refused_in(clone, environment, service, "--base", "1" * 40)

    assert line.startswith(f"error: --base: there is no commit `{'1' * 40}` here")
    assert not (tmp_path / "ran").exists()


SETTINGS = (
    *("core.fsmonitor", "core.pager", "core.editor", "core.askPass", "core.sshCommand", "core.gitProxy"),
    *("core.alternateRefsCommand", "credential.helper", "diff.external", "interactive.diffFilter"),
    *("diff.evil.textconv", "diff.evil.command", "filter.evil.smudge", "filter.evil.clean"),
    *("filter.evil.process", "merge.evil.driver", "gpg.program", "gpg.ssh.program", "gpg.x509.program"),
    *(
        "pager.ls-tree",
        "pager.ls-files",
        "pager.cat-file",
        "pager.rev-parse",
        "pager.rev-list",
        "pager.config",
    ),
    *("uploadpack.packObjectsHook", "sequence.editor", "tar.tar.command", "trailer.evil.command"),
)
SWITCHES = {
    "log.showSignature": "true",
    "filter.evil.required": "true",
    "submodule.recurse": "true",
    "submodule.desired.update": "!TRAP",
    "core.untrackedCache": "true",
    "feature.manyFiles": "true",
    "gc.auto": "1",
}
COMMANDS = ("ls-tree", "ls-files", "cat-file", "rev-parse", "rev-list", "merge-base", "config")


@pytest.mark.parametrize("given", ["repository", "environment"])
@pytest.mark.parametrize("shallow", [False, True])
def test_no_setting_hook_or_attribute_runs_a_program(
    service: Service, environment: dict[str, str], tmp_path: Path, shallow: bool, given: str
) -> None:
    upstream = tmp_path / "upstream"
    upstream.mkdir()
    steps(upstream, "main", 3)
    (upstream / ".gitattributes").write_text("* diff=evil filter=evil merge=evil text\n")
    (upstream / "driftcheck.toml").write_text('[targets.default]\nregion = "eu-west-1"\n')
    write(upstream, model("a"))
    commit(upstream)
    service.create(MODEL_QUALITY, model("a"))
    clone = cloned(tmp_path, *(["--depth=2"] if shallow else []), branch="main")
    trap = traps(tmp_path)
    settings = {key: str(trap) for key in SETTINGS} | {f"alias.{name}": f"!{trap}" for name in COMMANDS}
    settings |= {key: value.replace("TRAP", str(trap)) for key, value in SWITCHES.items()}
    hooks = clone / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in (
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "fsmonitor-watchman",
        "pre-auto-gc",
    ):
        (hooks / hook).symlink_to(trap)
    if given == "environment":
        environment["GIT_CONFIG_COUNT"] = str(len(settings))
        for number, (key, value) in enumerate(settings.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    else:
        settings["core.hooksPath"] = str(hooks)
        for key, value in settings.items():
            git(clone, "config", key, value)
    # what git believes of the working tree is out of date, so a command that looks at it would run filters
    for path in clone.glob("desired/*"):
        os.utime(path, (0, 0))

    result = check_in(clone, environment, service, "--base", "origin/main", "--no-unmanaged")

    assert (result.exit_code, declarations(result)) == (0, {})
    assert not (tmp_path / "ran").exists()


# -- what a change removes


def _nothing(folder: Path) -> None:
    shutil.rmtree(folder / "desired")


def _an_empty_folder(folder: Path) -> None:
    _nothing(folder)
    (folder / "desired").mkdir()


def _a_folder_of_other_files(folder: Path) -> None:
    _an_empty_folder(folder)
    (folder / "desired" / "README.md").write_text("Nothing is monitored any more.\n")


def _a_file_without_definitions(folder: Path) -> None:
    _an_empty_folder(folder)
    (folder / "desired" / "none.yaml").write_text("version: 1\n")


@pytest.mark.parametrize(
    "left", [_nothing, _an_empty_folder, _a_folder_of_other_files, _a_file_without_definitions]
)
@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("path", [None, "desired", "desired/desired.yaml"])
def test_a_change_may_remove_all_that_is_declared(
    service: Service,
    run: Run,
    tmp_path: Path,
    left: Callable[[Path], None],
    committed: bool,
    path: str | None,
) -> None:
    write(tmp_path, model("a"), model("gone"))
    commit(tmp_path)
    git(tmp_path, "checkout", "--quiet", "-b", "change")
    service.create(MODEL_QUALITY, model("a", OTHER_ROLE))
    left(tmp_path)
    if committed:
        commit(tmp_path)

    result = check(run, service, *([path] if path else []), "--base", "main", "--fail-on-new")

    assert declarations(result) == {
        "a": ("removed", "a", "present"),
        "gone": ("removed", "gone", "absent"),
    }
    assert of_status(result) == {"a": ("unmanaged", "drifted", "introduced", True)}
    assert (result.exit_code, result.document["summary"]["declared"]) == (0, 0)
    assert [each["name"] for each in result.document["targets"]] == ["default"]


def _linked(links: dict[str, str], at: str) -> Callable[[Path], None]:
    """A layout in which ``desired/desired.yaml`` leads to ``at`` over links, which are by what they say."""

    def lay(folder: Path) -> None:
        for each in ("desired", "conf", "lnk", "deep", "one", "a"):
            if (folder / each).is_symlink():
                (folder / each).unlink()
            else:
                shutil.rmtree(folder / each, ignore_errors=True)
        write(folder, model("a"))
        for name in ("conf", "a/b"):
            (folder / name).mkdir(parents=True)
            (folder / name / "README").write_text("kept")
        if at != "desired/desired.yaml":
            (folder / "desired" / "desired.yaml").rename(folder / at)
        for name, text in links.items():
            if name == "desired":
                (folder / "desired").rmdir()
            (folder / name).symlink_to(text)

    return lay


LAYOUTS = {
    "plain": _linked({}, "desired/desired.yaml"),
    "folder": _linked({"desired": "conf"}, "conf/desired.yaml"),
    "chain": _linked({"desired": "one", "one": "./a/b/../../lnk/", "lnk": "conf"}, "conf/desired.yaml"),
    "file": _linked({"desired/desired.yaml": "../conf/x.yaml"}, "conf/x.yaml"),
    "file over a folder": _linked({"lnk": "conf", "desired/desired.yaml": "../lnk/x.yaml"}, "conf/x.yaml"),
    # a step up is one from where the link leads
    "up": _linked({"deep": "a/b", "desired/desired.yaml": "../deep/../x.yaml"}, "a/x.yaml"),
}


@pytest.mark.parametrize(
    ("was", "now"),
    dict.fromkeys(pair for each in LAYOUTS for pair in (("plain", each), (each, "plain"), (each, each))),
)
def test_links_of_the_base_are_followed_as_on_disk(
    service: Service, run: Run, tmp_path: Path, was: str, now: str
) -> None:
    LAYOUTS[was](tmp_path)
    commit(tmp_path)
    LAYOUTS[now](tmp_path)
    service.create(MODEL_QUALITY, model("a", OTHER_ROLE))
    way = tmp_path.with_name(f"{tmp_path.name}-way")
    way.symlink_to(tmp_path.name)

    for path in (
        "desired",
        "desired/desired.yaml",
        "./a/../desired/desired.yaml",
        f"../{way.name}/desired/desired.yaml",
        str(tmp_path / "desired" / "desired.yaml"),
    ):
        result = check(run, service, path, "--base", "HEAD", "--fail-on-new")

        assert result.exit_code == 0, path
        assert of_status(result) == {"a": ("drifted", "drifted", None, None)}
        assert (result.document["base"]["declarations"], result.document["base"]["error"]) == ([], None)


@pytest.mark.parametrize(
    ("links", "why"),
    [
        ({"lnk": "..", "desired/x.yaml": "../lnk/x.yaml"}, "it leads out of the checkout"),
        ({"desired/x.yaml": "../conf/../../x.yaml"}, "it leads out of the checkout"),
        ({"lnk": "/etc", "desired/x.yaml": "../lnk/passwd"}, "it leads out of the checkout"),
        ({"lnk": "one", "one": "lnk", "desired/x.yaml": "../lnk/x.yaml"}, "the link leads nowhere"),
        ({"desired/x.yaml": "../conf/README/x.yaml"}, "the link leads nowhere"),
        ({"lnk": "conf", "desired/x.yaml": "../lnk/none.yaml"}, "the link leads nowhere"),
        ({"lnk": "conf", "desired/x.yaml": "../lnk"}, "a link to a folder is not followed"),
    ],
)
def test_links_of_the_base_that_lead_to_no_file_of_it_are_wrong(
    service: Service, run: Run, tmp_path: Path, links: dict[str, str], why: str
) -> None:
    _linked(links, "desired/desired.yaml")(tmp_path)
    commit(tmp_path)
    LAYOUTS["plain"](tmp_path)

    error = check(run, service, "--base", "HEAD").document["base"]["error"]

    assert (error["code"], error["message"].partition(": ")[0]) == ("InvalidBase", "desired/x.yaml")
    assert why in error["message"]


def test_a_folder_that_becomes_a_link_hides_no_rule_of_the_base(
    service: Service, run: Run, tmp_path: Path
) -> None:
    rules: dict[str, Any] = {"lifecycle": {"sensitive": ["RoleArn"]}}
    write(tmp_path, model("a", **rules))
    commit(tmp_path)
    (tmp_path / "desired").rename(tmp_path / "conf")
    (tmp_path / "desired").symlink_to("conf")
    write(tmp_path, model("a"))
    service.create(MODEL_QUALITY, model("a", OTHER_ROLE))

    result = check(run, service, "desired/desired.yaml", "--base", "HEAD")

    assert [each["live"] for each in result.named("a")["differences"]] == ["(sensitive)"]


def test_one_of_several_paths_may_be_removed(service: Service, run: Run, tmp_path: Path) -> None:
    write(tmp_path / "one", model("a"))
    write(tmp_path / "two", model("b"))
    commit(tmp_path)
    shutil.rmtree(tmp_path / "one")
    service.create(MODEL_QUALITY, model("b"))

    result = check(run, service, "one", "two", "--base", "HEAD", "--no-unmanaged")

    assert (result.exit_code, result.statuses) == (0, {"b": "in_sync"})
    assert declarations(result) == {"a": ("removed", "a", "absent")}
    line = refused_after(run, service, "one", "three", "two", "--base", "HEAD")
    assert line == "three: error: cannot be read: No such file or directory"


def refused_after(run: Run, service: Service, *args: str) -> str:
    service.calls.clear()
    return refused(run("check", *args), service)


@pytest.mark.parametrize("option", ["--target", "--select"])
def test_what_is_asked_for_may_be_removed(service: Service, run: Run, tmp_path: Path, option: str) -> None:
    (tmp_path / "driftcheck.toml").write_text('[targets.one]\nregion = "eu-west-1"\n[targets.two]\n')
    write(tmp_path, model("a-1"), target="one")
    write(tmp_path, model("b-1"), target="two", name="two.yaml")
    commit(tmp_path)
    (tmp_path / "desired" / "desired.yaml").unlink()
    value, other = {"--target": ("one", "three"), "--select": ("a-*", "c-*")}[option]

    result = check(run, service, option, value, "--base", "HEAD", "--no-unmanaged")

    assert (result.exit_code, declarations(result)) == (0, {"a-1": ("removed", "a-1", "absent")})
    assert refused_after(run, service, option, other, "--base", "HEAD").startswith("error: ")


@pytest.mark.parametrize("unmanaged", ["--unmanaged", "--no-unmanaged"])
@pytest.mark.parametrize("left", [_nothing, _a_file_without_definitions])
def test_where_all_is_removed_and_nothing_could_be_read_it_is_an_error(
    service: Service, run: Run, tmp_path: Path, left: Callable[[Path], None], unmanaged: str
) -> None:
    write(tmp_path, model("a"))
    commit(tmp_path)
    left(tmp_path)
    service.fail(DENIED, action="Describe*")
    service.fail(DENIED, action="List*")

    result = check(run, service, "--base", "HEAD", "--fail-on-new", unmanaged)

    assert result.exit_code == 1
    assert declarations(result) == {"a": ("removed", "a", "unknown")}


def test_a_base_that_cannot_be_used_excuses_no_missing_path(
    service: Service, run: Run, tmp_path: Path
) -> None:
    write(tmp_path, model("a") | {"RoleArm": "x"})
    commit(tmp_path)
    _nothing(tmp_path)

    line = refused(run("check", "--base", "HEAD"), service)

    assert line == "desired: error: cannot be read: No such file or directory"


def _a_link_to_nowhere(folder: Path) -> None:
    _nothing(folder)
    (folder / "desired").symlink_to("nowhere")


def _no_desired_files_before(folder: Path) -> None:
    (folder / "desired" / "desired.yaml").rename(folder / "desired" / "README.md")
    commit(folder)
    git(folder, "branch", "--force", "base")
    _nothing(folder)


def _never_checked_out(folder: Path) -> None:
    _nothing(folder)
    (folder / ".git" / "index").unlink()


@pytest.mark.parametrize("left", [_a_link_to_nowhere, _no_desired_files_before, _never_checked_out])
def test_what_is_not_removed_is_still_wrong(
    service: Service, run: Run, tmp_path: Path, left: Callable[[Path], None]
) -> None:
    write(tmp_path, model("a"))
    commit(tmp_path)
    git(tmp_path, "branch", "base")
    left(tmp_path)

    line = refused(run("check", "--base", "base"), service)

    assert line == "desired: error: cannot be read: No such file or directory"


@pytest.mark.parametrize(
    ("kept", "left_out"),
    [
        ("elsewhere", "desired/desired.yaml: error: a sparse checkout leaves it and 2 more out"),
        ("desired/sub", "desired/other/c.yaml: error: a sparse checkout leaves it out"),
    ],
)
def test_what_a_sparse_checkout_leaves_out_is_not_removed(
    service: Service, run: Run, tmp_path: Path, kept: str, left_out: str
) -> None:
    write(tmp_path, model("a"))
    write_desired(tmp_path, {MODEL_QUALITY: [model("b")]}, "sub/b.yaml")
    write(tmp_path, model("c"), name="other/c.yaml")
    write(tmp_path / "elsewhere", model("d"))
    commit(tmp_path)
    git(tmp_path, "sparse-checkout", "set", kept)

    line = refused(run("check", "--base", "HEAD"), service)

    assert line == (
        f"{left_out}, and --base would say that the change removes it: "
        "run `git sparse-checkout add` with its folder"
    )
    git(tmp_path, "sparse-checkout", "set", "desired")
    for name in "abc":
        service.create(MODEL_QUALITY, model(name))
    result = check(run, service, "--base", "HEAD")
    assert (result.exit_code, declarations(result)) == (0, {})


# -- what is in another repository

SUBMODULE = "it is in a submodule: what that holds is in another repository"
NESTED = "it is a working tree of its own: what that holds is in another repository, or on another branch"


def base_error(service: Service, run: Run, *args: str) -> str:
    """What is wrong with the base; the head is checked all the same."""
    result = check(run, service, *args, "--no-unmanaged")
    assert (result.exit_code, result.statuses) == (0, {"a": "in_sync"})
    assert "base-not-compared" in result.warnings
    return str(result.document["base"]["error"]["message"])


@pytest.mark.parametrize(
    ("place", "path", "named"),
    [
        ("desired", "desired", "desired"),
        ("x/desired", "x", "x/desired"),
        ("x", "x/desired", "x/desired"),
        ("x", "link", "link"),
        ("x", "link.yaml", "link.yaml"),
    ],
)
def test_a_submodule_is_another_repository(
    service: Service, run: Run, tmp_path: Path, place: str, path: str, named: str
) -> None:
    other = tmp_path / ".home" / "other"
    other.mkdir(parents=True)
    write(other, model("a"))
    if place != "x":
        (other / "desired" / "desired.yaml").rename(other / "desired.yaml")
    commit(other)
    commit(tmp_path)
    git(tmp_path, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", f"file://{other}", place)
    if path == "link":
        (tmp_path / "link").symlink_to("x/desired")
    if path == "link.yaml":
        (tmp_path / "link.yaml").symlink_to("x/desired/desired.yaml")
    commit(tmp_path)
    service.create(MODEL_QUALITY, model("a"))

    assert base_error(service, run, path, "--base", "HEAD") == f"{named}: error: {SUBMODULE}"


def _a_repository(folder: Path, place: str) -> None:
    (folder / place).mkdir(parents=True)
    write(folder / place, model("a"))
    commit(folder / place)


def _a_working_tree(folder: Path, place: str) -> None:
    write(folder, model("a"))
    git(folder, "checkout", "--quiet", "-b", "data")
    commit(folder)
    git(folder, "checkout", "--quiet", "main")
    git(folder, "worktree", "add", "--quiet", place, "data")


@pytest.mark.parametrize("made", [_a_repository, _a_working_tree])
@pytest.mark.parametrize(
    ("place", "path", "named"),
    [
        ("x", "x", "x"),
        ("x", "x/desired", "x/desired"),
        ("x", "x/desired/desired.yaml", "x/desired/desired.yaml"),
        ("y/x", "y", "y/x"),
        ("x", "link", "link"),
    ],
)
def test_a_repository_or_working_tree_in_the_checkout_has_a_base_of_its_own(
    service: Service,
    run: Run,
    tmp_path: Path,
    made: Callable[[Path, str], None],
    place: str,
    path: str,
    named: str,
) -> None:
    commit(tmp_path)
    made(tmp_path, place)
    (tmp_path / "link").symlink_to("x/desired")
    service.create(MODEL_QUALITY, model("a"))

    assert base_error(service, run, path, "--base", "HEAD") == f"{named}: error: {NESTED}"


def test_state_in_a_submodule_is_not_relied_on(service: Service, run: Run, tmp_path: Path) -> None:
    write(tmp_path, model("a"))
    commit(tmp_path)
    (tmp_path / "x").mkdir()
    commit(tmp_path / "x")
    commit(tmp_path)

    line = refused(run("check", "--base", "HEAD~1", "--incremental", "--state", "x/state"), service)

    assert line.startswith("error: x/state is part of what is checked out")


def test_in_such_a_working_tree_its_own_base_counts(
    service: Service, environment: dict[str, str], tmp_path: Path
) -> None:
    commit(tmp_path)
    _a_repository(tmp_path, "x")
    service.create(MODEL_QUALITY, model("a"))

    result = check_in(tmp_path / "x", environment, service, "--base", "HEAD", "--no-unmanaged")

    assert (result.exit_code, declarations(result)) == (0, {})
