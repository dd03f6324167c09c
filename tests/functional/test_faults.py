"""The fake AWS fails as it is told to, and only where it is told to."""

from __future__ import annotations

import math
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, IncompleteRead
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError, ReadTimeoutError

from tests.functional.clients import client, code_of, describe, raw_request
from tests.functional.definitions import (
    ACCOUNT,
    MODEL_QUALITY,
    REGION,
    minimal,
)
from tests.functional.faults import (
    BAD_GATEWAY,
    DENIED,
    EXPIRED,
    INTERNAL,
    THROTTLED,
    Answer,
    Behaviour,
    Bucket,
    Cut,
    Delay,
    Drip,
    Hang,
    Redirect,
    Reset,
)
from tests.functional.service import Service


@pytest.mark.parametrize(
    ("does", "expected"),
    [
        (THROTTLED, ("ThrottlingException", 400)),
        (EXPIRED, ("ExpiredTokenException", 400)),
        (DENIED, ("AccessDeniedException", 400)),
        (INTERNAL, ("InternalFailure", 500)),
        (BAD_GATEWAY, ("503", 503)),
        (Redirect(301), ("301", 301)),
        (Redirect(307), ("307", 307)),
    ],
)
def test_a_refusal_has_its_code_and_status(
    service: Service, sagemaker: Any, does: Behaviour, expected: tuple[str, int]
) -> None:
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY))
    service.fail(does)
    assert code_of(lambda: describe(sagemaker)) == expected
    assert service.strays == []


def test_following_a_redirect_leaves_a_trace(service: Service) -> None:
    service.fail(Redirect(302))
    with pytest.raises((OSError, HTTPException)):
        urllib.request.urlopen(raw_request(service), timeout=2)
    assert service.strays == ["GET / HTTP/1.1"]


def test_a_cut_body_ends_early(service: Service) -> None:
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY))
    whole = urllib.request.urlopen(raw_request(service), timeout=2).read()
    service.fail(Cut())
    with urllib.request.urlopen(raw_request(service), timeout=2) as answer:
        assert answer.headers["Content-Length"] == str(len(whole))
        with pytest.raises(IncompleteRead) as caught:
            answer.read()
    assert caught.value.partial == whole[: len(whole) // 2]


@pytest.mark.parametrize(
    ("does", "expected"),
    [
        (Reset(), ConnectionClosedError),
        (Reset(after_headers=True), HTTPClientError),
        (Hang(), ReadTimeoutError),
        (Drip(1.5), ReadTimeoutError),
        (Delay(1.5), ReadTimeoutError),
    ],
)
def test_a_broken_answer_is_broken(
    service: Service, sagemaker: Any, does: Behaviour, expected: type[Exception]
) -> None:
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY))
    service.fail(does, times=1)
    with pytest.raises(expected):
        describe(sagemaker)
    assert describe(sagemaker)["JobDefinitionName"] == "churn"


def test_dripping_goes_on_below_the_time_limit_of_a_read(service: Service, sagemaker: Any) -> None:
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY))
    service.fail(Drip(0.0005))
    start = time.monotonic()
    assert describe(sagemaker)["JobDefinitionName"] == "churn"
    assert time.monotonic() - start > 0.4


def test_an_answer_can_be_any_text_or_value(service: Service, sagemaker: Any) -> None:
    service.fail(Answer({"JobDefinitionName": "somebody-else", "RoleArn": None}), times=1)
    service.fail(
        Answer('{"ModelQualityJobInput": {"EndpointInput": {"ProbabilityThresholdAttribute": NaN}}}')
    )
    assert describe(sagemaker) == {"JobDefinitionName": "somebody-else"}
    service.faults.clear()
    service.fail(Answer(b"<html>"))
    with urllib.request.urlopen(raw_request(service), timeout=2) as answer:
        assert answer.read() == b"<html>"


def test_an_answer_can_hold_what_json_does_not(service: Service, sagemaker: Any) -> None:
    service.fail(
        Answer('{"ModelQualityJobInput": {"EndpointInput": {"ProbabilityThresholdAttribute": NaN}}}')
    )
    threshold = describe(sagemaker)["ModelQualityJobInput"]["EndpointInput"]["ProbabilityThresholdAttribute"]
    assert math.isnan(threshold)


def test_a_fault_takes_only_the_calls_that_its_row_names(service: Service, sagemaker: Any) -> None:
    for name in ("churn", "fraud"):
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name), region="us-east-1")
    service.fail(DENIED, action="Describe*", name="fr*", region=REGION, account=ACCOUNT)
    assert code_of(lambda: describe(sagemaker, "fraud")) == ("AccessDeniedException", 400)
    assert describe(sagemaker, "churn")["JobDefinitionName"] == "churn"
    assert describe(client(service, region="us-east-1"), "fraud")["JobDefinitionName"] == "fraud"
    assert len(sagemaker.list_model_quality_job_definitions()["JobDefinitionSummaries"]) == 2


def test_a_fault_can_begin_late_and_end(service: Service, sagemaker: Any) -> None:
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY))
    service.fail(EXPIRED, skip=1, times=2)
    outcomes = []
    for _ in range(4):
        try:
            outcomes.append(describe(sagemaker)["JobDefinitionName"])
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])
    assert outcomes == ["churn", "ExpiredTokenException", "ExpiredTokenException", "churn"]


def test_faults_reach_sts_in_its_own_protocol(service: Service) -> None:
    service.fail(EXPIRED, action="GetCallerIdentity")
    assert code_of(client(service, "sts").get_caller_identity) == ("ExpiredTokenException", 400)


def test_the_bucket_is_one_for_each_region_and_fills_up_again(service: Service, sagemaker: Any) -> None:
    for region in (REGION, "us-east-1"):
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY), region=region)
    service.bucket = Bucket(capacity=2, per_second=0)
    describe(sagemaker)
    describe(sagemaker)
    assert code_of(lambda: describe(sagemaker)) == ("ThrottlingException", 400)
    assert describe(client(service, region="us-east-1"))["JobDefinitionName"] == "churn"
    service.bucket.per_second = 1000
    time.sleep(0.01)
    assert describe(sagemaker)["JobDefinitionName"] == "churn"


def test_waiting_answers_do_not_hold_each_other_up(service: Service, sagemaker: Any) -> None:
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY))
    service.latency = 0.2
    start = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: describe(sagemaker), range(8)))
    assert len(answers) == 8
    assert 0.2 <= time.monotonic() - start < 8 * 0.2


def test_it_stops_at_once_with_requests_pending() -> None:
    with ThreadPoolExecutor(1) as pool:
        with Service() as service:
            service.fail(Hang())
            pending = pool.submit(describe, client(service))
            service.wait_for(1)
            start = time.monotonic()
        assert time.monotonic() - start < 25
        with pytest.raises(HTTPClientError):
            pending.result(5)


def test_waiting_for_calls_that_do_not_come_ends(service: Service) -> None:
    with pytest.raises(TimeoutError, match="0 of 1 calls"):
        service.wait_for(1, seconds=0.05)
