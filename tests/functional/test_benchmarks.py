"""What ``make bench`` measures against is what driftcheck takes for AWS."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from benchmarks.fleet import write_desired, write_targets
from benchmarks.rivals import Signer
from benchmarks.running import Served, driftcheck, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_the_generated_files_are_in_sync_with_the_endpoint(tmp_path: Path, suffix: str) -> None:
    desired = write_desired(tmp_path, 24, targets=2, suffix=suffix)
    targets = write_targets(tmp_path, 2)
    with Served(tmp_path) as served:
        served.play(definitions=12, rate=50, burst=5, latency=0.001)
        ran = run(
            [
                *driftcheck(),
                "check",
                str(desired),
                "--config",
                str(targets),
                "--fail-on=drifted,missing,unmanaged",
            ],
            served.environment(),
        )
        counters = served.counters()
    assert "24 in sync" in ran.stdout
    described = sum(count for action, count in counters["actions"].items() if action.startswith("Describe"))
    assert described - counters["refused"] <= 24 <= described
    assert counters["actions"]["AssumeRole"] >= 2


def test_the_limit_signs_as_botocore_does() -> None:
    body, target = b'{"JobDefinitionName":"d000001"}', "SageMaker.DescribeModelQualityJobDefinition"
    request = AWSRequest(
        "POST",
        "http://127.0.0.1:8080",
        headers={"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"},
        data=body,
    )
    SigV4Auth(Credentials("AKIA", "secret"), "sagemaker", "eu-west-1").add_auth(request)
    at = datetime.strptime(request.context["timestamp"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    ours = Signer("AKIA", "secret", "eu-west-1", "127.0.0.1:8080").request(target, body, at)
    assert f"\r\nAuthorization: {request.headers['Authorization']}\r\n".encode() in ours
