"""The ambient credentials, region and endpoint: the variables that the AWS CLI reads, or none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.functional.cloud import ACCESS_KEY
from tests.functional.definitions import MODEL_QUALITY, minimal, write_desired
from tests.functional.faults import Hang
from tests.functional.results import check

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

NO_KEYS = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}


@pytest.fixture(autouse=True)
def _one_definition(service: Service, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY)]})
    for region in ("eu-west-1", "us-east-1", "ap-south-1"):
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY), region=region)


@pytest.mark.parametrize(
    ("variables", "config", "expected"),
    [
        ({"AWS_REGION": "us-east-1"}, "", "us-east-1"),
        ({"AWS_REGION": None, "AWS_DEFAULT_REGION": "us-east-1"}, "", "us-east-1"),
        ({"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "ap-south-1"}, "", "us-east-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-east-1"}, "", "us-east-1"),
        ({"AWS_REGION": None}, "[default]\nregion = us-east-1\n", "us-east-1"),
        ({"AWS_REGION": None, "AWS_PROFILE": "x"}, "[profile x]\nregion = us-east-1\n", "us-east-1"),
        ({"AWS_REGION": "us-east-1", "AWS_PROFILE": "x"}, "[profile x]\nregion = ap-south-1\n", "us-east-1"),
    ],
)
def test_where_the_region_comes_from(
    service: Service,
    run: Run,
    tmp_path: Path,
    variables: dict[str, str | None],
    config: str,
    expected: str,
) -> None:
    (tmp_path / ".home" / "config").write_text(config, "utf-8")

    result = check(run, service, env=variables)

    assert result.exit_code == 0
    assert {call.region for call in service.calls} == {expected}
    assert result.document["targets"][0]["region"] == expected


def test_a_profile_brings_credentials(service: Service, run: Run, tmp_path: Path) -> None:
    keys = f"[work]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = x\n"
    (tmp_path / ".home" / "credentials").write_text(keys, "utf-8")

    assert check(run, service, env={**NO_KEYS, "AWS_PROFILE": "work"}).exit_code == 0


def test_an_endpoint_of_sagemaker_alone(service: Service, run: Run) -> None:
    nobody = "http://127.0.0.1:9"
    env = {"AWS_ENDPOINT_URL": nobody, "AWS_ENDPOINT_URL_SAGEMAKER": service.url}

    assert check(run, service, env=env).exit_code == 0
    assert check(run, service, env={**env, "AWS_ENDPOINT_URL": None}).exit_code == 0


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"AWS_REGION": None}, "NoRegion"),
        (NO_KEYS, "NoCredentials"),
        ({"AWS_SECRET_ACCESS_KEY": None}, "PartialCredentials"),
        ({"AWS_PROFILE": "nobody"}, "ProfileNotFound"),
        ({"AWS_REGION": "not a region"}, "InvalidRegion"),
        ({"AWS_ENDPOINT_URL": "gopher//x"}, "ValueError"),
    ],
)
def test_a_target_that_cannot_be_reached_is_an_error_and_the_result_is_written(
    service: Service, run: Run, tmp_path: Path, variables: dict[str, str | None], code: str
) -> None:
    result = check(run, service, "-o", "r.md", env=variables, seconds=20)

    assert result.exit_code == 1
    assert result.errors == {"churn": code}
    assert result.target_error is not None
    assert result.target_error["code"] == code
    assert "cannot reach the target" in result.target_error["message"]
    assert code in (tmp_path / "r.md").read_text("utf-8")
    assert service.calls == []


def test_a_machine_without_credentials_or_an_answer_about_them_ends_in_time(
    service: Service, run: Run
) -> None:
    service.fail(Hang())
    env = {
        **NO_KEYS,
        "AWS_EC2_METADATA_DISABLED": None,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9/",
    }
    start = time.monotonic()

    result = check(run, service, env=env, seconds=20)

    assert time.monotonic() - start < 50
    assert result.errors == {"churn": "NoCredentials"}


def test_nobody_listens(service: Service, run: Run) -> None:
    start = time.monotonic()

    result = check(run, service, "--timeout", "5", env={"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})

    assert time.monotonic() - start < 50
    assert result.exit_code == 1
    assert result.errors["churn"] in {"EndpointConnection", "Timeout"}
    assert service.calls == []


def test_an_unknown_key_is_no_drift(service: Service, run: Run) -> None:
    result = check(run, service, env={"AWS_ACCESS_KEY_ID": "NOBODYNOBODYNOBODY"})

    assert result.exit_code == 1
    assert result.errors == {"churn": "UnrecognizedClientException"}
