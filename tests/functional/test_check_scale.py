"""Many definitions: all of them right, and never more calls at a time than were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.functional.definitions import ACCOUNT, KINDS, MODEL_QUALITY, minimal, write_desired
from tests.functional.results import check
from tests.functional.service import Service

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.faults import Call

pytestmark = pytest.mark.slow


class CountingService(Service):
    """The fake, which counts how many calls it has not answered yet."""

    open_now = 0
    most = 0

    async def _answer(self, call: Call, writer: asyncio.StreamWriter) -> None:
        self.open_now += 1
        self.most = max(self.most, self.open_now)
        try:
            await super()._answer(call, writer)
        finally:
            self.open_now -= 1


@pytest.fixture
def service() -> Iterator[CountingService]:
    with CountingService() as running:
        yield running


def test_a_thousand_definitions(service: CountingService, run: Run, tmp_path: Path) -> None:
    expected = {}
    definitions: dict[str, list[dict[str, object]]] = {}
    for number in range(1000):
        kind, name = KINDS[number % 4], f"d{number:04}"
        definitions.setdefault(kind, []).append(minimal(kind, name))
        expected[name] = "in_sync"
        if number % 100 == 7:
            expected[name] = "missing"
            continue
        service.create(kind, minimal(kind, name))
        if number % 50 == 3:
            expected[name] = "drifted"
            service.mutate(kind, name, ("RoleArn",), f"arn:aws:iam::{ACCOUNT}:role/other")
    for number in range(250):
        expected[f"stray{number:04}"] = "unmanaged"
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, f"stray{number:04}"))
    write_desired(tmp_path, definitions, name="desired.json")
    service.latency = 0.05

    result = check(run, service, "--concurrency", "16")

    assert result.exit_code == 2
    assert result.statuses == expected
    assert len(service.called("Describe*")) == 1000
    assert 12 <= service.most <= 16


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_calls_at_a_time_than_asked_for(
    service: CountingService, run: Run, tmp_path: Path, concurrency: int
) -> None:
    (tmp_path / "driftcheck.toml").write_text(
        f'[targets.a]\nregion = "us-east-1"\naccount = "{ACCOUNT}"\n[targets.b]\nregion = "eu-west-1"\n',
        "utf-8",
    )
    tags = [{"Key": "team", "Value": "risk"}]
    definitions = [{**minimal(MODEL_QUALITY, f"d{number}"), "Tags": tags} for number in range(12)]
    write_desired(tmp_path, {MODEL_QUALITY: definitions}, targets=["a", "b"])
    for definition in definitions:
        for region in ("us-east-1", "eu-west-1"):
            service.create(MODEL_QUALITY, definition, region=region)
    service.latency = 0.01

    result = check(run, service, "--concurrency", str(concurrency))

    assert result.exit_code == 0
    assert service.most == concurrency
    assert len(service.calls) == 1 + 2 * (4 + 12 + 12)
