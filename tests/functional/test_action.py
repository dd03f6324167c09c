"""The steps of the GitHub Action and of the GitLab job, run by their shells as a runner would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.functional.definitions import MODEL_QUALITY, minimal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.functional.service import Service

pytestmark = pytest.mark.slow

TOP = Path(__file__).parents[2]
ACTION = yaml.safe_load((TOP / "action.yml").read_text("utf-8"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
GITLAB = yaml.safe_load((TOP / "ci" / "gitlab.yml").read_text("utf-8"))["driftcheck"]
SCRIPTS = Path(sys.executable).parent


@dataclass
class Runner:
    """A checkout and the folder of a job; ``outputs`` are those of the step ``check``.

    ``hook`` is what git has set where it runs the job.
    """

    checkout: Path
    folder: Path
    environment: dict[str, str]
    outputs: dict[str, str] = field(default_factory=dict)
    hook: dict[str, str] = field(default_factory=dict)

    def step(self, name: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Run one step of the Action with these inputs, and the defaults of the others."""
        step: dict[str, Any] = STEPS[name]
        known = {f"inputs.{key}": given["default"] for key, given in ACTION["inputs"].items()}
        known |= {f"inputs.{key.replace('_', '-')}": value for key, value in inputs.items()}
        known |= {f"steps.check.outputs.{key}": value for key, value in self.outputs.items()}
        known["github.action_path"] = str(TOP)
        output = self.folder / "output"
        output.write_text("")
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.checkout,
            env={
                **self.environment,
                "RUNNER_TEMP": str(self.folder),
                "GITHUB_OUTPUT": str(output),
                **{key: _filled(value, known) for key, value in step.get("env", {}).items()},
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        written = dict(line.split("=", 1) for line in output.read_text("utf-8").splitlines())
        self.outputs |= written if step.get("id") == "check" else {}
        return ran

    def job(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the script of the GitLab job, but for the line which installs driftcheck."""
        first, install, script = GITLAB["script"]
        assert install.startswith("python -I -m pip install ")
        return subprocess.run(
            ["sh", "-c", f"{first}\n{script}"],
            cwd=self.checkout,
            env={
                **self.environment,
                **{key: str(value) for key, value in GITLAB["variables"].items()},
                "CI_PROJECT_DIR": str(self.checkout),
                "TMPDIR": str(self.folder),
                **variables,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def _filled(value: str, known: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ (\S+) \}\}", lambda found: known[found[1]], value)


@pytest.fixture
def runner(tmp_path: Path, environment: dict[str, str]) -> Runner:
    """A runner that has driftcheck installed."""
    checkout, folder = tmp_path / "checkout", tmp_path / "temp"
    for path in (checkout / "desired", folder / "driftcheck" / "venv"):
        path.mkdir(parents=True)
    (folder / "driftcheck" / "venv" / "bin").symlink_to(SCRIPTS)
    search = f"{SCRIPTS}:{environment['PATH']}"
    return Runner(checkout, folder, {**environment, "PATH": search, "GIT_CONFIG_GLOBAL": "/dev/null"})


def declare(
    runner: Runner,
    service: Service,
    *,
    name: str = "churn",
    live: bool = True,
    drift: bool = False,
    at: str = "desired",
) -> None:
    definition = minimal(MODEL_QUALITY, name)
    path = runner.checkout / at / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(definition), "utf-8")
    if live:
        service.create(MODEL_QUALITY, definition)
    if drift:
        service.mutate(MODEL_QUALITY, name, ("RoleArn",), "arn:aws:iam::123456789012:role/other")


def test_every_step_is_one_that_is_tested() -> None:
    assert list(STEPS) == ["Install driftcheck", "Check", "Comment", "Exit as driftcheck did"]
    assert {key: step.get("if") for key, step in STEPS.items()} == {
        "Install driftcheck": None,
        "Check": None,
        "Comment": "steps.check.outputs.result != ''",
        "Exit as driftcheck did": "always() && steps.check.outputs.code != ''",
    }


@pytest.mark.parametrize("name", STEPS)
def test_no_input_is_a_part_of_a_script(name: str) -> None:
    """A ``${{ }}`` in a script would be run before a shell could quote it."""
    assert "${{" not in STEPS[name]["run"]


@pytest.mark.parametrize(
    ("live", "differs", "code", "drift"),
    [(True, False, "0", "false"), (True, True, "2", "true"), (False, False, "2", "true")],
    ids=["in sync", "drifted", "missing"],
)
def test_the_outputs_say_what_was_found(
    runner: Runner, service: Service, live: bool, differs: bool, code: str, drift: str
) -> None:
    declare(runner, service, live=live, drift=differs)

    checked = runner.step("Check")

    assert checked.returncode == 0, checked.stderr
    assert runner.outputs["code"] == code
    assert runner.outputs["drift"] == drift
    document = json.loads(Path(runner.outputs["result"]).read_text("utf-8"))
    assert [each["name"] for each in document["resources"]] == ["churn"]
    assert str(runner.step("Exit as driftcheck did").returncode) == code


def test_what_cannot_be_read_is_unknown(runner: Runner, service: Service) -> None:
    declare(runner, service)
    runner.environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"

    checked = runner.step("Check")

    assert checked.returncode == 0, checked.stderr
    assert (runner.outputs["code"], runner.outputs["drift"]) == ("1", "unknown")


def test_the_statuses_that_fail_are_chosen(runner: Runner, service: Service) -> None:
    declare(runner, service, drift=True)

    runner.step("Check", fail_on="missing")

    assert (runner.outputs["code"], runner.outputs["drift"]) == ("0", "true")


def test_a_wrong_input_fails_the_step(runner: Runner, service: Service) -> None:
    declare(runner, service)

    checked = runner.step("Check", fail_on="drifed")

    assert checked.returncode == 1
    assert "drifed" in checked.stderr
    assert "result" not in runner.outputs


def test_several_paths_with_blanks_and_dashes(runner: Runner, service: Service) -> None:
    declare(runner, service, at="a b")
    declare(runner, service, name="other", live=False, at="--version")

    checked = runner.step("Check", paths="a b\n\n--version\n")

    assert checked.returncode == 0, checked.stderr
    document = json.loads(Path(runner.outputs["result"]).read_text("utf-8"))
    assert [(each["name"], each["status"]) for each in document["resources"]] == [
        ("churn", "in_sync"),
        ("other", "missing"),
    ]


def test_an_input_is_never_a_command(runner: Runner, service: Service) -> None:
    declare(runner, service)

    for name in ("paths", "config", "base", "fail_on"):
        runner.step("Check", **{name: "$(touch hacked)`touch hacked`;touch hacked"})

    assert not (runner.checkout / "hacked").exists()


def test_nothing_in_the_checkout_is_imported(runner: Runner, service: Service) -> None:
    """Python looks for modules in the working directory first, unless it is told not to."""
    declare(runner, service)
    for name in ("json", "venv", "pip", "sys", "driftcheck", "typer"):
        (runner.checkout / f"{name}.py").write_text("open('hacked', 'w')\n", "utf-8")

    checked = runner.step("Check")
    runner.step("Comment", comment="true", token="a-token")

    assert (checked.returncode, runner.outputs["drift"]) == (0, "false"), checked.stderr
    assert not (runner.checkout / "hacked").exists()


@pytest.mark.parametrize("name", STEPS)
def test_every_python_is_isolated_from_the_checkout(name: str) -> None:
    assert re.findall(r'(?:python3|/python") (?!-I )\S+', STEPS[name]["run"]) == []


def test_the_configuration_is_read_where_there_is_one(runner: Runner, service: Service) -> None:
    declare(runner, service)
    (runner.checkout / "other.toml").write_text("[targets.prod]\nregio = 1\n", "utf-8")

    checked = runner.step("Check", config="other.toml")

    assert checked.returncode == 1
    assert "other.toml: error: unknown key `regio`" in checked.stderr


OTHER_ROLE = "arn:aws:iam::123456789012:role/other"


def commit(runner: Runner, *words: str) -> None:
    for command in (["add", "--all"], ["commit", "--quiet", "--message", "as it is"]):
        git(runner, *command)
    for word in words:
        git(runner, *word.split())


def git(runner: Runner, *words: str) -> str:
    settings = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    ran = subprocess.run(
        ["git", *settings, *words],
        cwd=runner.checkout,
        env=runner.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return ran.stdout.strip()


@pytest.fixture
def changed(runner: Runner, service: Service) -> Runner:
    """A checkout on a branch that declares another role than its base, which AWS has, and a target."""
    git(runner, "init", "--quiet")
    declare(runner, service)
    (runner.checkout / "driftcheck.toml").write_text("[targets.prod]\n", "utf-8")
    commit(runner, "switch --quiet --create change")
    desired = {**minimal(MODEL_QUALITY), "RoleArn": OTHER_ROLE}
    (runner.checkout / "desired" / "churn.json").write_text(json.dumps(desired), "utf-8")
    commit(runner)
    return runner


@pytest.mark.parametrize(("fail_on", "code"), [("new", "0"), ("drifted", "2")])
def test_a_change_is_compared_with_its_base(changed: Runner, fail_on: str, code: str) -> None:
    checked = changed.step("Check", base="main", fail_on=fail_on)

    assert checked.returncode == 0, checked.stderr
    assert changed.outputs["code"] == code
    document = json.loads(Path(changed.outputs["result"]).read_text("utf-8"))
    assert [each["change"] for each in document["base"]["declarations"]] == ["changed"]
    (difference,) = document["resources"][0]["differences"]
    assert (difference["origin"], difference["intended"]) == ("introduced", True)


def test_the_targets_are_those_of_the_base(changed: Runner) -> None:
    target = '[targets.prod]\nrole_arn = "arn:aws:iam::999999999999:role/mine"\n[targets.mine]\n'
    (changed.checkout / "driftcheck.toml").write_text(target, "utf-8")
    (changed.checkout / "desired" / "mine.yaml").write_text("version: 1\ntarget: mine\n", "utf-8")
    commit(changed)

    checked = changed.step("Check", base="main")

    assert changed.outputs["code"] == "1"
    assert "unknown target `mine`" in checked.stderr


def test_a_base_without_targets_gives_none(changed: Runner) -> None:
    git(changed, "switch", "--quiet", "main")
    (changed.checkout / "driftcheck.toml").unlink()
    commit(changed, "switch --quiet change", "rebase --quiet main")
    (changed.checkout / "driftcheck.toml").write_text("[targets.mine]\n", "utf-8")
    (changed.checkout / "desired" / "mine.yaml").write_text("version: 1\ntarget: mine\n", "utf-8")

    checked = changed.step("Check", base="main")

    assert changed.outputs["code"] == "1"
    assert "unknown target `mine`" in checked.stderr


@pytest.fixture(params=["action", "gitlab"])
def check_change(changed: Runner, request: pytest.FixtureRequest) -> Callable[[], tuple[int, str]]:
    """Check a change as one of the two does: the exit code, and what was said."""

    def check() -> tuple[int, str]:
        if request.param == "gitlab":
            base = git(changed, "rev-parse", "main")
            ran = changed.job(CI_MERGE_REQUEST_DIFF_BASE_SHA=base, DRIFTCHECK_COMMENT="false", **changed.hook)
            return ran.returncode, ran.stderr
        known = changed.environment
        changed.environment = {**known, **changed.hook}
        ran = changed.step("Check", base="main", fail_on="new")
        changed.environment = known
        return int(changed.outputs.get("code", ran.returncode)), ran.stderr

    return check


def test_the_repository_is_that_of_the_checkout(
    changed: Runner, check_change: Callable[[], tuple[int, str]]
) -> None:
    """Also where git has set another one, as it does for its hooks."""
    other = changed.folder / "other"
    other.mkdir()
    git(changed, "init", "--quiet", str(other))
    changed.hook = {"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other)}
    for_prod(changed)

    code, said = check_change()

    assert code == 0, said


def test_the_targets_of_the_base_are_read_or_the_job_fails(
    changed: Runner, check_change: Callable[[], tuple[int, str]]
) -> None:
    """In a partial clone git would fetch them, with programs that the repository names."""
    for_prod(changed)
    blob = git(changed, "rev-parse", "main:driftcheck.toml")
    (changed.checkout / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    ran = changed.folder / "ran"
    for name, value in {
        "remote.origin.url": f"file://{changed.checkout}",
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": f"touch {ran};",
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
    }.items():
        git(changed, "config", name, value)

    code, said = check_change()

    assert code == 1
    assert said.splitlines()[-1] == (
        "error: git cannot read driftcheck.toml in the base: if the clone is partial, clone without --filter"
    )
    assert not ran.exists()
    assert not (changed.checkout / "driftcheck.json").exists()


def for_prod(runner: Runner) -> None:
    """Declare for the target that the base has, and name another role in the change's own file."""
    git(runner, "switch", "--quiet", "main")
    (runner.checkout / "driftcheck.toml").write_text('[targets.prod]\nregion = "eu-west-1"\n', "utf-8")
    desired = {"version": 1, "target": "prod", "model_quality_job_definitions": [minimal(MODEL_QUALITY)]}
    (runner.checkout / "desired" / "churn.json").write_text(json.dumps(desired), "utf-8")
    commit(runner, "switch --quiet change", "reset --quiet --hard main")
    (runner.checkout / "driftcheck.toml").write_text("[targets.other]\n", "utf-8")
    commit(runner)


def test_what_is_invalid_leaves_a_result_to_comment_on(changed: Runner) -> None:
    (changed.checkout / "desired" / "churn.json").write_text("{", "utf-8")

    changed.step("Check", base="main")

    assert (changed.outputs["code"], changed.outputs["drift"]) == ("1", "unknown")
    document = json.loads(Path(changed.outputs["result"]).read_text("utf-8"))
    assert len(document["invalid"]) == 1


def test_without_a_comment_the_report_is_in_the_summary(runner: Runner, service: Service) -> None:
    declare(runner, service, drift=True)
    runner.step("Check")
    summary = runner.folder / "summary"
    runner.environment["GITHUB_STEP_SUMMARY"] = str(summary)

    told = runner.step("Comment")

    assert (told.returncode, told.stdout) == (0, "")
    assert "ModelQualityJobDefinition churn" in summary.read_text("utf-8")


def test_a_comment_that_cannot_be_made_fails_the_step(runner: Runner, service: Service) -> None:
    declare(runner, service)
    runner.step("Check")

    told = runner.step("Comment", comment="true", token="a-token")

    assert told.returncode == 1
    assert told.stderr.startswith("error: ")
    assert "a-token" not in told.stderr


@pytest.mark.parametrize(("fail_on", "code"), [("new", 0), ("drifted,missing", 2)])
def test_the_job_of_gitlab_exits_as_check_does(changed: Runner, fail_on: str, code: int) -> None:
    base = git(changed, "rev-parse", "main")

    ran = changed.job(
        CI_MERGE_REQUEST_DIFF_BASE_SHA=base, DRIFTCHECK_FAIL_ON=fail_on, DRIFTCHECK_COMMENT="false"
    )

    assert ran.returncode == code, ran.stderr
    assert "churn" in ran.stdout
    document = json.loads((changed.checkout / "driftcheck.json").read_text("utf-8"))
    assert document["base"]["commit"] == base
    assert (changed.checkout / "driftcheck.xml").exists()


@pytest.mark.parametrize("merged", [True, False])
def test_the_job_of_gitlab_compares_merged_results_with_the_target_branch(
    changed: Runner, merged: bool
) -> None:
    base = git(changed, "rev-parse", "main")
    git(changed, "checkout", "--quiet", "-b", "tip", "main")
    git(changed, "commit", "--quiet", "--allow-empty", "--message", "since then")
    tip = git(changed, "rev-parse", "tip")
    git(changed, "checkout", "--quiet", "-")
    if merged:
        git(changed, "merge", "--quiet", "--no-edit", "tip")

    ran = changed.job(
        CI_MERGE_REQUEST_DIFF_BASE_SHA=base,
        CI_MERGE_REQUEST_TARGET_BRANCH_SHA=tip,
        DRIFTCHECK_COMMENT="false",
    )

    assert ran.returncode == 0, ran.stderr
    document = json.loads((changed.checkout / "driftcheck.json").read_text("utf-8"))
    assert document["base"]["commit"] == (tip if merged else base)


def test_the_job_of_gitlab_fails_where_its_comment_cannot_be_made(changed: Runner) -> None:
    ran = changed.job(CI_MERGE_REQUEST_DIFF_BASE_SHA=git(changed, "rev-parse", "main"))

    assert ran.returncode == 1
    assert (changed.checkout / "driftcheck.json").exists()


def test_the_job_of_gitlab_takes_its_role_by_its_token(changed: Runner) -> None:
    """The token is in a file of its owner alone, outside of what is checked out, and does not stay."""
    stub(
        changed,
        'stat -c "%a %n" "$(dirname "$AWS_WEB_IDENTITY_TOKEN_FILE")"; cat "$AWS_WEB_IDENTITY_TOKEN_FILE"',
    )
    before = sorted(changed.folder.iterdir())

    ran = changed.job(
        CI_MERGE_REQUEST_DIFF_BASE_SHA=git(changed, "rev-parse", "main"),
        DRIFTCHECK_COMMENT="false",
        AWS_ROLE_ARN="arn:aws:iam::123456789012:role/driftcheck",
        DRIFTCHECK_ID_TOKEN="a-token",
    )

    mode, folder = ran.stdout.splitlines()[0].split()
    assert (mode, ran.stdout.splitlines()[1:]) == ("700", ["a-token"]), ran.stderr
    assert folder.startswith(str(changed.folder))
    assert sorted(changed.folder.iterdir()) == before


def stub(runner: Runner, script: str) -> None:
    """Put a shell script in driftcheck's place."""
    folder = runner.folder / "stub"
    folder.mkdir()
    (folder / "driftcheck").write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    (folder / "driftcheck").chmod(0o755)
    runner.environment["PATH"] = f"{folder}:{runner.environment['PATH']}"


def committed(place: Path, what: str, forged: str, outside: Path) -> None:
    """Something that stands in the place of one of the job's files."""
    match what:
        case "file":
            place.write_text(forged, "utf-8")
        case "link":
            place.symlink_to(outside)
        case "folder":
            (place / "inner").mkdir(parents=True)
        case "fifo":
            os.mkfifo(place)


@pytest.mark.parametrize("what", ["file", "link", "folder", "fifo"])
@pytest.mark.parametrize("early", [False, True])
def test_the_job_of_gitlab_shows_and_keeps_what_it_made_and_nothing_else(
    changed: Runner, what: str, early: bool
) -> None:
    forged = (TOP / "tests" / "golden" / "result.json").read_text("utf-8").replace("churn", "forged")
    outside = changed.folder / "outside"
    outside.write_text(forged, "utf-8")
    for name in ("driftcheck.json", "driftcheck.xml"):
        committed(changed.checkout / name, what, forged, outside)
    if what in ("file", "link"):
        git(changed, "add", "--all")
        git(changed, "commit", "--quiet", "--message", "forged")
    # `comment` calls a forge: shown is what it would be given
    real = SCRIPTS / "driftcheck"
    begin = "exit 1" if early else f'exec "{real}" "$@"'
    stub(changed, f'if [ "$1" = comment ]; then exec "{real}" comment --dry-run "$2"; fi\n{begin}')

    ran = changed.job(CI_MERGE_REQUEST_DIFF_BASE_SHA=git(changed, "rev-parse", "main"))

    assert "forged" not in ran.stdout
    assert outside.read_text("utf-8") == forged
    files = [changed.checkout / name for name in ("driftcheck.json", "driftcheck.xml")]
    if early:
        assert ran.returncode == 1
        assert "## " not in ran.stdout
        assert not any(os.path.lexists(file) for file in files)
    else:
        assert ran.returncode == 0, ran.stderr
        assert "## ✅ Valid" in ran.stdout
        assert all(file.is_file() and not file.is_symlink() for file in files)
        assert "forged" not in files[0].read_text("utf-8")
