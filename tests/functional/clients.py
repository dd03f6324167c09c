"""boto3 clients of the fake AWS that try once, and short ways to ask it."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.functional.cloud import ACCESS_KEY
from tests.functional.definitions import MODEL_QUALITY, REGION

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.functional.service import Service

SESSION = boto3.Session()


def client(service: Service, name: str = "sagemaker", key: str = ACCESS_KEY, region: str = REGION) -> Any:
    """A client that tries once and waits one second."""
    return SESSION.client(
        name,
        endpoint_url=service.url,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=1),
    )


def emulated(url: str, name: str = "s3", region: str = "us-east-1") -> Any:
    """A client of the emulator of AWS that listens there."""
    return SESSION.client(
        name,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def describe(sagemaker: Any, name: str = "churn") -> Any:
    """The answer to a Describe without what botocore adds to it."""
    answer = sagemaker.describe_model_quality_job_definition(JobDefinitionName=name)
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def raw_request(service: Service) -> urllib.request.Request:
    """A Describe as it goes over the wire, for what botocore does not tell of."""
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20261124/{REGION}/sagemaker/aws4_request",
        "X-Amz-Target": f"SageMaker.Describe{MODEL_QUALITY}",
    }
    return urllib.request.Request(service.url, b'{"JobDefinitionName": "churn"}', headers)


def code_of(call: Callable[[], object]) -> tuple[str, int]:
    """The error code and the HTTP status that a call is refused with."""
    with pytest.raises(ClientError) as caught:
        call()
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]
