"""A run tells where it looked, and refuses files that are of another place."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.cloud import ACCESS_KEY
from tests.functional.definitions import ACCOUNT, KINDS, MODEL_QUALITY, REGION, minimal, write_desired
from tests.functional.faults import Hang, Refuse
from tests.functional.results import check

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

OTHER = "us-east-1"
STRANGER = "210987654321"
RESOURCE_TYPES = dict(
    zip(
        KINDS,
        (
            "model-quality-job-definition",
            "data-quality-job-definition",
            "model-bias-job-definition",
            "model-explainability-job-definition",
        ),
        strict=True,
    )
)


def arn(name: str = "churn", kind: str = MODEL_QUALITY, **parts: str) -> str:
    place = {"partition": "aws", "region": REGION, "account": ACCOUNT, **parts}
    return "arn:{partition}:sagemaker:{region}:{account}:".format(**place) + f"{RESOURCE_TYPES[kind]}/{name}"


def definition(name: str) -> dict[str, Any]:
    return {**minimal(MODEL_QUALITY, name), "StoppingCondition": {"MaxRuntimeInSeconds": 1800}}


def answer(folder: Path, name: str = "churn", **members: Any) -> Path:
    """A desired file as Describe answered it."""
    content = {"JobDefinitionArn": arn(name), "CreationTime": 1763625600.5, **definition(name)}
    file = folder / "desired" / f"{name}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({**content, **members}, indent=2))
    return file


def place(result: Any) -> tuple[str | None, str | None]:
    (target,) = result.document["targets"]
    return target["account"], target["region"]


# the ambient account


def test_an_arn_that_was_described_names_the_account_without_a_call_to_sts(
    service: Service, run: Run, tmp_path: Path
) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY)]})
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY))

    result = check(run, service, "--no-unmanaged")

    assert place(result) == (ACCOUNT, REGION)
    assert service.called("GetCallerIdentity") == []


def test_an_arn_that_was_listed_names_it_too(service: Service, run: Run, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, "gone")]})
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "other"))

    result = check(run, service)

    assert place(result) == (ACCOUNT, REGION)
    assert service.called("GetCallerIdentity") == []


def test_where_no_arn_was_read_sts_names_the_account(service: Service, run: Run, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in "abcdef"]})

    result = check(run, service, env={"AWS_REGION": OTHER})

    assert (result.exit_code, result.document["summary"]["missing"]) == (2, 6)
    assert place(result) == (ACCOUNT, OTHER)
    assert len(service.called("GetCallerIdentity")) == 1


def test_a_wrong_region_is_in_the_text_within_80_columns(service: Service, run: Run, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY)]})

    outcome = run("check", env={"AWS_REGION": OTHER})

    assert outcome.stdout.endswith(
        "\n\n"
        "Target default: account 123456789012, region us-east-1\n"
        "\n"
        "Drift: AWS differs from what is declared.\n"
        "The only definition does not exist in account 123456789012, region us-east-1:\n"
        "  are account and region right?\n"
        "1 declared: 1 missing. Coverage 100%.\n"
    )


def test_denied_definitions_say_whose_credentials_were_used(
    service: Service, run: Run, tmp_path: Path
) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY)]})
    service.fail(Refuse(400, "AccessDeniedException", "no"), action="Describe*")
    service.fail(Refuse(400, "AccessDeniedException", "no"), action="List*")

    result = check(run, service)

    assert (result.exit_code, place(result)) == (1, (ACCOUNT, REGION))


@pytest.mark.parametrize(
    "does", [Refuse(403, "AccessDenied", "no"), Refuse(404, "NotFound", "no"), Hang()], ids=str
)
def test_sts_that_does_not_answer_leaves_the_account_unknown_and_changes_nothing_else(
    service: Service, run: Run, tmp_path: Path, does: Any
) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY)]})
    service.fail(does, action="GetCallerIdentity")

    result = check(run, service, "--timeout", "1")

    assert (result.exit_code, result.statuses) == (2, {"churn": "missing"})
    assert (place(result), result.warnings, result.target_error) == ((None, REGION), [], None)
    assert result.stderr == ""


def test_a_target_that_is_not_reached_still_has_its_region(
    service: Service, run: Run, tmp_path: Path
) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY)]})

    result = check(run, service, env={"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None})

    assert (result.exit_code, place(result)) == (1, (None, REGION))


@pytest.mark.parametrize("form", ["text", "markdown", "html", "junit", "sarif"])
def test_every_format_names_the_account_and_the_region(
    service: Service, run: Run, tmp_path: Path, form: str
) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY)]})

    stdout = run("check", "-o", f"{form}=-", env={"AWS_REGION": OTHER}).stdout

    assert ACCOUNT in stdout
    assert OTHER in stdout


# files of another place


def test_a_region_that_no_file_is_of_is_an_error_at_its_line_before_aws_is_asked(
    service: Service, run: Run, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        answer(tmp_path, name)
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))

    outcome = run("check", env={"AWS_REGION": None, "AWS_DEFAULT_REGION": OTHER})

    assert (outcome.exit_code, outcome.stdout, service.calls) == (1, "", [])
    assert outcome.stderr.splitlines() == [
        f"desired/{name}.json:2:3: error: JobDefinitionArn fits no target of this file: "
        "region eu-west-1 instead of us-east-1 (target `default`): "
        "check the region and the credentials, or delete JobDefinitionArn from the file"
        for name in ("a", "b")
    ]


def test_an_account_that_no_file_is_of_is_an_error_and_nothing_is_called_missing(
    service: Service, run: Run, tmp_path: Path
) -> None:
    service.accounts["STRANGERKEY"] = STRANGER
    for name in ("a", "b"):
        answer(tmp_path, name)
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))

    outcome = run(
        "check", "-o", "json=r.json", "-o", "text=-", "--quiet", env={"AWS_ACCESS_KEY_ID": "STRANGERKEY"}
    )

    says = "account 123456789012 instead of 210987654321 (target `default`)"
    assert outcome.exit_code == 1
    assert [line.partition(": error: ")[0] for line in outcome.stderr.splitlines()] == [
        "desired/a.json:2:3",
        "desired/b.json:2:3",
    ]
    assert outcome.stderr.count(says) == 2
    assert "missing" not in outcome.stdout + outcome.stderr
    document = json.loads((tmp_path / "r.json").read_text())
    assert (document["complete"], document["resources"], len(document["invalid"])) == (False, [], 2)
    assert [(each["account"], each["region"]) for each in document["targets"]] == [(STRANGER, REGION)]


def test_an_account_that_an_answer_names_is_held_against_the_files(
    service: Service, run: Run, tmp_path: Path
) -> None:
    service.accounts["STRANGERKEY"] = STRANGER
    answer(tmp_path)
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY), account=STRANGER)

    outcome = run("check", env={"AWS_ACCESS_KEY_ID": "STRANGERKEY"})

    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert "account 123456789012 instead of 210987654321" in outcome.stderr
    assert service.called("GetCallerIdentity") == []


def test_an_account_that_nobody_tells_fits(service: Service, run: Run, tmp_path: Path) -> None:
    service.accounts["STRANGERKEY"] = STRANGER
    answer(tmp_path)
    service.fail(Refuse(403, "AccessDenied", "no"), action="GetCallerIdentity")

    result = check(run, service, env={"AWS_ACCESS_KEY_ID": "STRANGERKEY"})

    assert (result.exit_code, result.statuses) == (2, {"churn": "missing"})


def test_files_of_this_place_are_compared(service: Service, run: Run, tmp_path: Path) -> None:
    answer(tmp_path, "Churn-EU", JobDefinitionArn=arn("churn-eu"))
    service.create(MODEL_QUALITY, definition("Churn-EU"))

    result = check(run, service)

    assert (result.exit_code, result.statuses) == (0, {"Churn-EU": "in_sync"})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (arn(partition="aws-cn"), "partition aws-cn instead of aws"),
        (arn(kind=KINDS[1]), "resource type data-quality-job-definition instead of model-quality-job-"),
        (arn("other"), "the name of another definition"),
        ("churn", "is not the ARN of a SageMaker resource"),
        (arn(region="x y"), "region (not valid) instead of eu-west-1"),
    ],
    ids=["partition", "kind", "name", "no ARN", "no region"],
)
def test_each_part_of_an_arn_is_held_against_the_target(
    service: Service, run: Run, tmp_path: Path, given: str, says: str
) -> None:
    answer(tmp_path, JobDefinitionArn=given)

    outcome = run("check")

    assert (outcome.exit_code, service.calls) == (1, [])
    assert outcome.stderr.startswith("desired/churn.json:2:3: error: JobDefinitionArn ")
    assert says in outcome.stderr


def test_all_errors_come_in_one_run(service: Service, run: Run, tmp_path: Path) -> None:
    answer(tmp_path, RoleArm="x")

    stderr = run("check", env={"AWS_REGION": OTHER}).stderr

    assert "unknown member `RoleArm`" in stderr
    assert "region eu-west-1 instead of us-east-1" in stderr


TARGETS = f"""
[targets.eu]
region = "{REGION}"
account = "{ACCOUNT}"
[targets.us]
region = "{OTHER}"
account = "{ACCOUNT}"
"""


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        (arn(), True),
        (arn(region=OTHER), True),
        ("arn:aws:sagemaker:${target.region}:${target.account}:model-quality-job-definition/churn", True),
        (arn(region="eu-central-1"), False),
        (arn(account=STRANGER), False),
    ],
    ids=["the first's", "the second's", "each its own", "another region's", "another account's"],
)
@pytest.mark.parametrize("narrowed", [[], ["--target", "us"]], ids=["all", "one"])
def test_an_arn_has_to_fit_one_of_the_files_targets(
    service: Service, run: Run, tmp_path: Path, given: str, fits: bool, narrowed: list[str]
) -> None:
    (tmp_path / "driftcheck.toml").write_text(TARGETS)
    definition = {**minimal(MODEL_QUALITY), "JobDefinitionArn": given}
    write_desired(tmp_path, {MODEL_QUALITY: [definition]}, targets=["eu", "us"])
    for region in (REGION, OTHER):
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY), region=region)

    outcome = run("check", *narrowed)

    assert outcome.exit_code == (0 if fits else 1), outcome.stderr
    assert ("fits no target of this file" in outcome.stderr) is not fits


# validate

NO_REGION = {"AWS_REGION": None, "AWS_DEFAULT_REGION": None}
NO_KEYS = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
PROFILES = f"[profile here]\nregion = {REGION}\n[profile there]\nregion = {OTHER}\n"


@pytest.mark.parametrize(
    ("env", "toml", "is_told"),
    [
        ({}, "", False),
        ({"AWS_REGION": OTHER}, "", True),
        ({"AWS_REGION": None, "AWS_DEFAULT_REGION": OTHER}, "", True),
        ({**NO_REGION, "AWS_PROFILE": "here"}, "", False),
        ({**NO_REGION, "AWS_PROFILE": "there"}, "", True),
        ({"AWS_REGION": OTHER, "AWS_PROFILE": "here"}, "", True),
        (NO_REGION, "", False),
        ({"AWS_REGION": OTHER}, f'[targets.default]\nregion = "{REGION}"\n', False),
        ({}, f'[targets.default]\nregion = "{OTHER}"\n', True),
        (NO_REGION, '[targets.default]\nprofile = "there"\n', True),
    ],
)
def test_validate_warns_where_check_will_refuse(
    service: Service, run: Run, tmp_path: Path, env: dict[str, str | None], toml: str, is_told: bool
) -> None:
    answer(tmp_path)
    (tmp_path / "driftcheck.toml").write_text(toml)
    (tmp_path / ".home" / "config").write_text(PROFILES)

    outcome = run("validate", env={**NO_KEYS, **env})

    says = f"warning: JobDefinitionArn fits no target of this file: region {REGION} instead of {OTHER}"
    assert outcome.exit_code == 0
    assert (says in outcome.stderr) is is_told, outcome.stderr
    assert service.calls == []


@pytest.mark.parametrize(
    ("env", "with_arn", "is_loaded"),
    [({}, True, False), (NO_REGION, False, False), (NO_REGION, True, True)],
    ids=["the environment names the region", "no file has an ARN", "a profile may name it"],
)
def test_validate_loads_boto3_only_to_ask_a_profile(
    tmp_path: Path, environment: dict[str, str], env: dict[str, None], with_arn: bool, is_loaded: bool
) -> None:
    answer(tmp_path) if with_arn else write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY)]})
    code = (
        "import sys; from driftcheck.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: print('boto3' in sys.modules)"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code, "validate"],
        cwd=tmp_path,
        env={name: value for name, value in environment.items() if name not in env},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.stdout.splitlines()[-1] == str(is_loaded), ended.stderr


def test_validate_warns_of_what_cannot_fit_and_takes_what_it_cannot_know(
    service: Service, run: Run, tmp_path: Path
) -> None:
    answer(tmp_path, "a", JobDefinitionArn=arn("a", region=OTHER, account=STRANGER))
    answer(tmp_path, "b", JobDefinitionArn=arn("b", partition="aws-cn"))

    outcome = run("validate", env=NO_REGION)

    assert (outcome.exit_code, outcome.stdout) == (0, "Valid: 2 definitions, 1 target, 1 warning.\n")
    (line,) = outcome.stderr.splitlines()
    assert line.startswith("desired/b.json:2:3: warning: JobDefinitionArn fits no target of this file: ")
    assert service.calls == []


def test_validate_knows_what_driftcheck_toml_says(run: Run, tmp_path: Path) -> None:
    (tmp_path / "driftcheck.toml").write_text(TARGETS)
    definition = {**minimal(MODEL_QUALITY), "JobDefinitionArn": arn(account=STRANGER)}
    write_desired(tmp_path, {MODEL_QUALITY: [definition]}, target="eu")

    outcome = run("validate")

    assert outcome.exit_code == 0
    assert ": warning: JobDefinitionArn fits no target of this file: account 210987654321" in outcome.stderr


def test_shards_of_the_wrong_account_are_invalid_too(service: Service, run: Run, tmp_path: Path) -> None:
    service.accounts["STRANGERKEY"] = STRANGER
    for name in "abcd":
        answer(tmp_path, name)
    env = {"AWS_ACCESS_KEY_ID": "STRANGERKEY"}

    outcome = run("check", "--shard", "1/2", env=env)

    assert outcome.exit_code == 1
    assert "account 123456789012 instead of 210987654321" in outcome.stderr
    assert ACCESS_KEY not in outcome.stderr
