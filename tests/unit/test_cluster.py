"""What a task holds, and what the tasks of one target know of it together."""

from __future__ import annotations

import pickle
import zlib
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from driftcheck import __version__, cluster
from driftcheck.cluster.worker import seal
from driftcheck.desired import load
from driftcheck.fetch import Limits
from driftcheck.kinds import READ_WITH
from driftcheck.model import TargetReading, Unreadable
from driftcheck.sharding import tasks
from tests.unit.declared import TARGETS, with_environment, written

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT, OTHER = "123456789012", "210987654321"
LATE, EARLY = Unreadable("Late", "b: too late"), Unreadable("Early", "a: too early")


def test_a_task_has_what_a_worker_needs_and_no_more(tmp_path: Path) -> None:
    file = written(
        tmp_path, with_environment(PASSWORD="hunter2", BUCKET="${var.bucket}"), targets=["prod-eu", "prod-us"]
    )
    ((task,), _) = tasks(load([file], TARGETS), unmanaged=False)

    limits = Limits(4, 5, 6)
    call = seal(task, limits, 3, date(2026, 11, 24), b"key")

    assert call.made_by == READ_WITH
    assert READ_WITH.startswith(f"driftcheck {__version__}, botocore ")
    content = zlib.decompress(call.content)
    for word in (b"hunter2", b"prod-us", b"ml-us"):
        assert word not in content
    sent, *rest = pickle.loads(content)
    assert rest == [limits, 3, date(2026, 11, 24), b"key"]
    (desired,) = sent.state.definitions
    assert (desired.address, desired.location) == (
        task.state.definitions[0].address,
        task.state.definitions[0].location,
    )
    environment = desired.properties["ModelQualityAppSpecification"]["Environment"]
    assert environment["BUCKET"] == "ml-eu"
    assert environment["PASSWORD"].startswith("withheld:")
    assert sent.state.targets[0].variables == {}


@pytest.mark.parametrize(
    ("readings", "known"),
    [
        ([(None, None, None)], (None, None, None)),
        ([(None, "eu-west-1", None), (ACCOUNT, "eu-west-1", None)], (ACCOUNT, "eu-west-1", None)),
        ([(ACCOUNT, None, LATE), (ACCOUNT, "eu-west-1", EARLY)], (ACCOUNT, "eu-west-1", EARLY)),
        (
            [(ACCOUNT, "eu-west-1", None), (OTHER, "eu-west-1", None)],
            (
                ACCOUNT,
                "eu-west-1",
                Unreadable("WorkersDisagree", f"workers read it in different accounts: {ACCOUNT}, {OTHER}"),
            ),
        ),
        (
            [(ACCOUNT, "us-east-1", None), (ACCOUNT, "eu-west-1", None)],
            (
                ACCOUNT,
                "us-east-1",
                Unreadable("WorkersDisagree", "workers read it in different regions: eu-west-1, us-east-1"),
            ),
        ),
    ],
    ids=["nothing", "one-knows", "errors", "accounts", "regions"],
)
def test_what_tasks_know_of_a_target_is_put_together(
    readings: list[tuple[str | None, str | None, Unreadable | None]],
    known: tuple[str | None, str | None, Unreadable | None],
) -> None:
    found = cluster._one([TargetReading("prod", *each) for each in readings])

    assert (found.account, found.region, found.error) == known
    assert found.is_reached is (known[2] is None or known[2].code != "WorkersDisagree")


def test_a_kind_is_listed_where_any_task_listed_it_and_a_target_reached_where_all_tasks_were_answered() -> (
    None
):
    one = TargetReading("prod", ACCOUNT, "eu-west-1", None, frozenset({"A", "B"}))
    two = TargetReading("prod", ACCOUNT, "eu-west-1", LATE, frozenset(), is_reached=False)

    assert cluster._one([one, one]).is_reached
    assert cluster._one([two, one]).listed == {"A", "B"}
    assert not cluster._one([two, one]).is_reached
    assert cluster._one([one, replace(one, listed=frozenset())]).listed == {"A", "B"}
