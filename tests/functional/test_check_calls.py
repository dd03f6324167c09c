"""How many calls a run made is what the service counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.functional.definitions import MODEL_QUALITY, minimal, write_desired
from tests.functional.faults import Behaviour, Refuse
from tests.functional.results import check

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

NAMES = ("a", "b", "c")
# four kinds are listed
CALLS = len(NAMES) + 4
THROTTLED = Refuse(400, "ThrottlingException", "Rate exceeded")
BROKEN = Refuse(503, "ServiceUnavailable", "Try later")


@pytest.fixture(autouse=True)
def _three(service: Service, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in NAMES]})
    for name in NAMES:
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))


@pytest.mark.parametrize(
    ("does", "made", "throttled"),
    [(None, CALLS, 0), (THROTTLED, CALLS + 2, 2), (BROKEN, CALLS + 2, 0)],
    ids=["all answered", "two refused for the rate", "two that failed"],
)
def test_every_request_is_counted(
    service: Service, run: Run, does: Behaviour | None, made: int, throttled: int
) -> None:
    if does is not None:
        service.fail(does, action="Describe*", name="b", times=2)

    result = check(run, service)

    assert (result.exit_code, len(service.calls)) == (0, made)
    assert result.document["calls"] == {"made": made, "throttled": throttled}
