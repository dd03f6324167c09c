"""What schedules a run each night: the files in ``deploy/`` and the workflow, done as they say."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.functional.clients import emulated
from tests.functional.definitions import ACCOUNT, MODEL_QUALITY, minimal, write_desired
from tests.functional.faults import DENIED

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.functional.conftest import Run
    from tests.functional.service import Service

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
HERE = Path(sys.executable).parent


@pytest.fixture(autouse=True)
def _fleet(service: Service, tmp_path: Path) -> None:
    """A definition that is in sync."""
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, "a")]})
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "a"))


@pytest.fixture
def shell(environment: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a line with the places that it names moved to a folder of the test's."""

    def ended(line: str, *shell: str, **env: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "lib").mkdir(exist_ok=True)
        places = {"/var/lib/driftcheck": "lib", "/srv/monitoring": ".", "/opt/driftcheck/bin": str(HERE)}
        for place, here in places.items():
            line = line.replace(place, here)
        return subprocess.run(
            [*(shell or ("/bin/sh", "-c")), line],
            cwd=tmp_path,
            env={**environment, "PATH": f"{HERE}{os.pathsep}{environment['PATH']}", **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return ended


def drift(service: Service) -> None:
    service.mutate(MODEL_QUALITY, "a", ("RoleArn",), f"arn:aws:iam::{ACCOUNT}:role/other")


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment]
    parser.read_string((DEPLOY / name).read_text("utf-8").replace("\\\n", " "))
    return parser


def test_the_cron_line_mails_what_went_wrong_and_nothing_else(
    service: Service, shell: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    *settings, line = [
        line for line in (DEPLOY / "driftcheck.cron").read_text("utf-8").splitlines() if line[0] != "#"
    ]
    assert all(re.fullmatch(r"[A-Z]+=\S+", setting) for setting in settings)
    *times, user, command = line.split(" ", 6)
    assert (times, user) == (["17", "2", "*", "*", "*"], "driftcheck")
    assert "%" not in command  # cron would end the command there

    in_sync = shell(command)
    assert (in_sync.returncode, in_sync.stdout, in_sync.stderr) == (0, "", "")
    drift(service)
    drifted = shell(command)
    assert (drifted.returncode, drifted.stdout, drifted.stderr) == (2, "", "")
    assert "role/other" in (tmp_path / "lib" / "report.html").read_text("utf-8")
    assert len(list((tmp_path / "lib" / "runs" / "runs").iterdir())) >= 1
    (tmp_path / "desired" / "desired.yaml").write_text("version: 2", "utf-8")
    failed = shell(command)
    assert failed.returncode == 1
    assert failed.stderr == "desired/desired.yaml:1:1: error: version: must be 1\n"


def test_the_service_takes_drift_for_a_success(
    service: Service, shell: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    found = unit("driftcheck.service")["Service"]
    assert found["SuccessExitStatus"].split() == ["2"]
    hours = int(found["TimeoutStartSec"].removesuffix("h"))
    command = shlex.split(found["ExecStart"])
    assert float(command[command.index("--deadline") + 1]) < hours * 3600
    drift(service)

    ended = shell(found["ExecStart"])

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert (tmp_path / "lib" / "report.html").exists()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_the_units_are_valid(tmp_path: Path) -> None:
    files = []
    for name in ("driftcheck.service", "driftcheck.timer"):
        text = (DEPLOY / name).read_text("utf-8").replace("/opt/driftcheck/bin/driftcheck", sys.executable)
        files.append(tmp_path / name)
        files[-1].write_text(text, "utf-8")

    verified = subprocess.run(
        ["systemd-analyze", "verify", *files], check=False, capture_output=True, text=True, timeout=60
    )
    when = unit("driftcheck.timer")["Timer"]["OnCalendar"]
    calendar = subprocess.run(
        ["systemd-analyze", "calendar", when], check=False, capture_output=True, text=True, timeout=60
    )

    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")
    assert calendar.returncode == 0
    assert "Normalized form: *-*-* 02:17:00 UTC" in calendar.stdout


class Template(yaml.SafeLoader):
    """Reads a template; what a function would give is the function's name and its argument."""


def _function(loader: Template, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    assert isinstance(node, yaml.SequenceNode)
    return {suffix: loader.construct_sequence(node, deep=True)}


Template.add_multi_constructor("!", _function)


def template() -> Any:
    return yaml.load((DEPLOY / "aws-nightly.yml").read_text("utf-8"), Template)


def statements(role: str) -> dict[str, Any]:
    """The statements of a role by their names; those with a condition as they are when it is met."""
    return {
        statement["Sid"]: statement
        for policy in template()["Resources"][role]["Properties"]["Policies"]
        for each in policy["PolicyDocument"]["Statement"]
        for statement in [each["If"][1] if "If" in each else each]
    }


def value(each: Any, parameters: dict[str, str]) -> str | None:
    """What CloudFormation makes of a value; a condition is met where the parameter of its name is given."""
    match each:
        case {"Ref": "AWS::NoValue"}:
            return None
        case {"Ref": str(name)}:
            return parameters[name]
        case {"Sub": str(text)}:
            return re.sub(r"\$\{([\w:]+)\}", lambda found: parameters[found[1]], text)
        case {"If": [str(condition), met, otherwise]}:
            is_met = condition.removeprefix("Has") in parameters
            return value(met if is_met else otherwise, parameters)
    assert isinstance(each, str)
    return each


def command(**parameters: str) -> list[str]:
    """What the task runs, for a stack with these parameters."""
    (container,) = template()["Resources"]["Task"]["Properties"]["ContainerDefinitions"]
    values = {"Keep": "400d", "Deadline": "14400", "Runs": "task-runs", **parameters}
    return [text for each in container["Command"] if (text := value(each, values)) is not None]


def test_the_task_reads_what_the_policy_of_check_lets_it_read(run: Run) -> None:
    printed = json.loads(run("iam-policy", ROOT / "desired").stdout)
    expected = {action for each in printed["Statement"] for action in each["Action"]}
    assert expected

    found = statements("TaskRole")

    read = {*found["DescribeDeclared"]["Action"], *found["FindUnmanaged"]["Action"]}
    assert read == expected
    # and IAM takes List on nothing narrower
    assert [name for name, each in found.items() if each["Resource"] == "*"] == [
        "FindUnmanaged",
        "PutMetrics",
    ]
    assert found["PutMetrics"]["Condition"] == {
        "StringEquals": {"cloudwatch:namespace": {"Ref": "MetricsNamespace"}}
    }


def test_the_task_writes_what_a_night_writes_and_nothing_else() -> None:
    actions = {
        action
        for each in statements("TaskRole").values()
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }

    assert {each for each in actions if not re.match(r"\w+:(Describe|List|Get)", each)} == {
        "s3:PutObject",
        "s3:DeleteObject",
        "sts:AssumeRole",
        "sns:Publish",
        "events:PutEvents",
        "cloudwatch:PutMetricData",
    }


def test_the_task_keeps_its_runs_and_describes_nothing_twice(
    service: Service, run: Run, environment: dict[str, str], emulator: str
) -> None:
    environment["AWS_ENDPOINT_URL_S3"] = emulator
    s3 = emulated(emulator)
    s3.create_bucket(Bucket="task-runs")

    first = run(*command())
    described = len(service.called("Describe*"))
    # the next task has another disk
    shutil.rmtree(Path(environment["HOME"]).parent / ".driftcheck")
    second = run(*command())

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert (described, len(service.called("Describe*"))) == (1, 1)
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="task-runs")["Contents"]]
    assert {key.split("/")[0] for key in keys} == {"nightly", "state"}
    assert sum(key.startswith("nightly/runs/") for key in keys) == 2
    assert all(json.loads(line)["level"] == "info" for line in second.stderr.splitlines())


def test_the_task_publishes_the_dashboard_where_the_stack_has_a_site(
    run: Run, environment: dict[str, str], emulator: str
) -> None:
    environment["AWS_ENDPOINT_URL_S3"] = emulator
    s3 = emulated(emulator)
    for bucket in ("task-runs", "task-site"):
        s3.create_bucket(Bucket=bucket)

    outcome = run(*command(Site="task-site/ops"))

    assert outcome.exit_code == 0
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="task-site")["Contents"]]
    assert "ops/index.html" in keys
    # what the role may write to is where the task writes
    (pattern,) = {
        value(each["Resource"], {"AWS::Partition": "aws", "Site": "task-site/ops"})
        for name, each in statements("TaskRole").items()
        if name == "PublishTheDashboard"
    }
    assert pattern == "arn:aws:s3:::task-site/ops/*"
    assert statements("TaskRole")["ListTheDashboard"]["Resource"] == {
        "Sub": [
            "arn:${AWS::Partition}:s3:::${Bucket}",
            {"Bucket": {"Select": [0, {"Split": ["/", {"Ref": "Site"}]}]}},
        ]
    }


def test_the_workflow_fails_for_what_went_wrong_and_not_for_drift(
    service: Service,
    shell: Callable[..., subprocess.CompletedProcess[str]],
    emulator: str,
    tmp_path: Path,
) -> None:
    workflow = yaml.safe_load((ROOT / "docs" / "ci" / "github-nightly.yml").read_text("utf-8"))
    (script,) = (
        step["run"] for step in workflow["jobs"]["nightly"]["steps"] if "nightly" in step.get("run", "")
    )
    env = {"AWS_ENDPOINT_URL_S3": emulator, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    emulated(emulator).create_bucket(Bucket="ml-drift-runs")
    bash = ("bash", "-e", "-o", "pipefail", "-c")
    drift(service)

    drifted = shell(script, *bash, **env)
    service.fail(DENIED)
    failed = shell(script, *bash, **env)

    assert (drifted.returncode, failed.returncode) == (0, 1)
    assert "role/other" in (tmp_path / "summary.md").read_text("utf-8")
    assert (tmp_path / "report.html").exists()
