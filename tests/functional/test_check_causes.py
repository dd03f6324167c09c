"""What keeps many definitions from being read, told once with what to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tests.functional.definitions import ACCOUNT, MODEL_QUALITY, minimal, write_desired
from tests.functional.faults import EXPIRED, Refuse
from tests.functional.results import check

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

pytestmark = pytest.mark.slow

MANY = 200
NAMES = [f"churn-{number}" for number in range(MANY)]
NO_KEYS = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
ALL = ("-o", "r.txt", "-o", "r.md", "-o", "r.html", "-o", "r.xml", "-o", "r.sarif")
PUBLIC = ("r.comment", "r.annotations")
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/checker/ann@example.com"
ACTION = "sagemaker:DescribeModelQualityJobDefinition"


@pytest.fixture(autouse=True)
def _fleet(service: Service, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in NAMES]})
    for name in NAMES:
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))


def reports(run: Run, tmp_path: Path) -> dict[str, str]:
    """Each report by its file's name, the comment and the annotations of the same result among them."""
    actions = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    assert run("report", "r.json", *ALL, "--quiet").exit_code == 0
    found = {name: (tmp_path / name).read_text("utf-8") for name in ALL[1::2]}
    found["r.comment"] = run("comment", "r.json", "--dry-run").stdout
    found["r.annotations"] = run("comment", "r.json", env=actions).stdout
    return found


def test_no_credentials_are_told_once_in_every_format(service: Service, run: Run, tmp_path: Path) -> None:
    result = check(run, service, "-o", "r.json", env=NO_KEYS)

    assert result.exit_code == 1
    assert result.errors == dict.fromkeys(NAMES, "NoCredentials")
    found = reports(run, tmp_path)
    for name, text in found.items():
        assert text.count("All 200 definitions in ") in {1, 2} if name == "r.xml" else 1, name
        assert text.count("AWS_PROFILE") == 1, name
        assert text.count("Unable to locate credentials") == (
            0 if name in PUBLIC else 2 if name == "r.xml" else 1
        )
    assert len(found["r.txt"].splitlines()) <= 12
    assert len(found["r.md"].splitlines()) < 20
    assert [line.split("::")[1] for line in found["r.annotations"].splitlines()] == [
        "error title=driftcheck%3A not complete",
        "error title=driftcheck%3A not compared",
        "notice title=driftcheck%3A targets",
    ]


def test_a_denied_role_is_told_once_and_not_named_in_public(
    service: Service, run: Run, tmp_path: Path
) -> None:
    for name in NAMES:
        resource = f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:model-quality-job-definition/{name}"
        message = (
            f"User: {SESSION} is not authorized to perform: {ACTION} on resource: {resource} "
            f"because no identity-based policy allows the {ACTION} action"
        )
        service.fail(Refuse(400, "AccessDeniedException", message), name=name)
    denied = f"User: {SESSION} is not authorized to perform: sagemaker:ListModelBiasJobDefinitions"
    service.fail(Refuse(400, "AccessDeniedException", denied), action="ListModelBiasJobDefinitions")

    result = check(run, service, "-o", "r.json")

    assert result.exit_code == 1
    assert all(name in result.named(name)["error"]["message"] for name in NAMES)
    found = reports(run, tmp_path)
    assert f"  | What to do: allow `{ACTION}`:\n" in found["r.txt"]
    for name, text in found.items():
        assert ACTION in text, name
        assert (SESSION not in text and ACCOUNT not in text) is (name in PUBLIC), name
    assert "AccessDeniedException" in found["r.comment"]
    assert len(found["r.txt"].splitlines()) < 30


def test_an_expired_session_names_the_profile_to_sign_in_with(
    service: Service, run: Run, tmp_path: Path
) -> None:
    service.fail(EXPIRED)
    (tmp_path / ".home" / "credentials").write_text("[work]\naws_access_key_id=a\naws_secret_access_key=b\n")

    result = check(run, service, "-o", "r.json", env={**NO_KEYS, "AWS_PROFILE": "work"})

    assert result.exit_code == 1
    assert result.named("churn-0")["error"]["profile"] == "work"
    for name, text in reports(run, tmp_path).items():
        assert "aws sso login --profile work" in text, name


def test_every_definition_stays_a_case_and_a_place(service: Service, run: Run, tmp_path: Path) -> None:
    check(run, service, "-o", "r.json", env={"AWS_REGION": None})

    found = reports(run, tmp_path)
    cases = ET.fromstring(found["r.xml"]).findall(".//testcase")
    assert {case.get("name") for case in cases} == {*NAMES, "target default: NoRegion", "run"}
    assert {case[0].get("message") for case in cases[1:-1]} == {"not compared: see target default: NoRegion"}
    (sarif,) = json.loads(found["r.sarif"])["runs"]
    (error,) = sarif["results"]
    names = [each["fullyQualifiedName"] for each in error["locations"][0]["logicalLocations"]]
    assert names == [f"default/ModelQualityJobDefinition/{name}" for name in sorted(NAMES)]
    assert sarif["invocations"][0]["executionSuccessful"] is False
    assert found["r.html"].count("<article ") == MANY
    assert found["r.html"].count('<a href="#cause-1">') == MANY + 1


def test_the_error_stream_has_no_line_for_each_definition(run: Run) -> None:
    ended = run("check", env=NO_KEYS)

    assert ended.stderr == ""


MFA = (
    "[profile mfa]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = src\n"
    "mfa_serial = arn:aws:iam::111111111111:mfa/u\n"
    "[profile src]\naws_access_key_id = AKIA111111111111TEST\naws_secret_access_key = x\n"
)
KEYS = "aws_access_key_id = AKIA111111111111TEST\naws_secret_access_key = x\n"


SSO = (
    "[profile mfa]\nsso_session = s\nsso_account_id = 111111111111\nsso_role_name = r\n"
    "[sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://x.awsapps.com/start\n"
)
WEB_IDENTITY = (
    "[profile mfa]\nrole_arn = arn:aws:iam::111111111111:role/x\nweb_identity_token_file = /nowhere/token\n"
)


@pytest.mark.parametrize(
    ("config", "code", "remedy"),
    [
        (MFA, "MfaWithoutTerminal", "aws configure export-credentials --profile mfa --format env"),
        ("[profile mfa]\ncredential_process = /nowhere/at-all\n", "CredentialRetrieval", "~/.aws/config"),
        ("[profile mfa]\ncredential_process = false\n", "CredentialRetrieval", "credential_process"),
        ("[profile mfa]\ncredential_process = echo hello\n", "CredentialRetrieval", "~/.aws/config"),
        ("[profile other]\n", "ProfileNotFound", "aws configure list-profiles"),
        ("[profile mfa]\naws_access_key_id = a\n", "PartialCredentials", "aws_secret_access_key"),
        (SSO, "SSOTokenLoad", "aws sso login --profile mfa"),
        (WEB_IDENTITY, "CredentialRetrieval", "~/.aws/config"),
    ],
)
def test_a_profile_without_credentials_is_one_line_with_what_to_do(
    service: Service, run: Run, tmp_path: Path, config: str, code: str, remedy: str
) -> None:
    (tmp_path / ".home" / "config").write_text(config, "utf-8")

    ended = run(
        "check", "-o", "text=-", "-o", "r.json", "--quiet", env={**NO_KEYS, "AWS_PROFILE": "mfa"}, stdin=""
    )

    assert (ended.exit_code, ended.stderr) == (1, "")
    assert {each["error"]["code"] for each in json.loads((tmp_path / "r.json").read_text())["resources"]} == {
        code
    }
    assert ended.stdout.count("All 200 definitions in default could not be compared\n") == 1
    assert remedy in ended.stdout
    assert len(ended.stdout.splitlines()) <= 12
    assert service.calls == []


def test_a_profile_that_assumes_a_role_takes_the_region_of_the_environment(
    service: Service, run: Run, tmp_path: Path
) -> None:
    config = f"[profile x]\nrole_arn = arn:aws:iam::{ACCOUNT}:role/x\nsource_profile = y\n[profile y]\n{KEYS}"
    (tmp_path / ".home" / "config").write_text(config, "utf-8")

    result = check(run, service, env={**NO_KEYS, "AWS_PROFILE": "x"})

    assert "NoRegion" not in result.errors.values()
    assert {call.region for call in service.called("AssumeRole")} == {"eu-west-1"}
