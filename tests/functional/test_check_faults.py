"""The service throttles, breaks down or hangs: an error for what it touched, in time, right for the rest."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.cloud import Paging
from tests.functional.definitions import ACCOUNT, MODEL_QUALITY, REGION, minimal, write_desired
from tests.functional.faults import (
    BAD_GATEWAY,
    DENIED,
    EXPIRED,
    INTERNAL,
    THROTTLED,
    UNKNOWN_KEY,
    Answer,
    Behaviour,
    Bucket,
    Cut,
    Delay,
    Drip,
    Hang,
    Redirect,
    Refuse,
    Reset,
)
from tests.functional.results import check

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

pytestmark = pytest.mark.slow

GOOD = {"steady": "in_sync", "moved": "drifted", "gone": "missing"}


def prepare(service: Service, folder: Path, others: Iterable[str] = (), targets: Sequence[str] = ()) -> None:
    """Three definitions whose statuses are ``GOOD``, and others that would be in sync."""
    names = [*GOOD, *others]
    definitions = [minimal(MODEL_QUALITY, name) for name in names]
    extra: dict[str, Any] = {"targets": targets} if targets else {}
    write_desired(folder, {MODEL_QUALITY: definitions}, **extra)
    for name in names:
        if name != "gone":
            service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))
    service.mutate(MODEL_QUALITY, "moved", ("RoleArn",), f"arn:aws:iam::{ACCOUNT}:role/other")


def prepare_two_targets(service: Service, folder: Path) -> None:
    """Forty definitions that are in sync in each of two targets: ``a`` in us-east-1, ``b`` in eu-west-1."""
    (folder / "driftcheck.toml").write_text(
        '[targets.a]\nregion = "us-east-1"\n[targets.b]\nregion = "eu-west-1"\n', "utf-8"
    )
    definitions = [minimal(MODEL_QUALITY, f"d{number:02}") for number in range(40)]
    write_desired(folder, {MODEL_QUALITY: definitions}, targets=["a", "b"])
    for definition in definitions:
        for region in ("us-east-1", "eu-west-1"):
            service.create(MODEL_QUALITY, definition, region=region)


@pytest.mark.parametrize(
    "does",
    [
        THROTTLED,
        INTERNAL,
        BAD_GATEWAY,
        Refuse(503, "ServiceUnavailable", "later"),
        Reset(),
        Cut(),
        Reset(True),
    ],
)
def test_what_passes_is_tried_again(service: Service, run: Run, tmp_path: Path, does: Behaviour) -> None:
    prepare(service, tmp_path)
    service.fail(does, times=3)

    result = check(run, service)

    assert (result.exit_code, result.statuses) == (2, GOOD)
    assert result.target_error is None


def test_what_lasts_is_an_error_with_what_the_service_said(
    service: Service, run: Run, tmp_path: Path
) -> None:
    lasting: dict[str, tuple[Behaviour, str]] = {
        "throttled": (THROTTLED, "ThrottlingException"),
        "limited": (Refuse(400, "RequestLimitExceeded", "no"), "RequestLimitExceeded"),
        "too-many": (Answer("slow down", 429, "text/plain"), "429"),
        "internal": (INTERNAL, "InternalFailure"),
        "gateway": (BAD_GATEWAY, "503"),
        "denied": (DENIED, "AccessDeniedException"),
        "expired": (EXPIRED, "ExpiredTokenException"),
        "unknown-key": (UNKNOWN_KEY, "UnrecognizedClientException"),
        "invalid": (Refuse(400, "ValidationException", "no"), "ValidationException"),
        "not-found-else": (Refuse(404, "ResourceNotFoundException", "no"), "ResourceNotFoundException"),
        "moved-away": (Redirect(307), "307"),
        "moved-for-good": (Redirect(301), "301"),
        "reset": (Reset(), "ConnectionClosed"),
        "reset-midway": (Reset(True), ""),
        "cut": (Cut(), ""),
    }
    prepare(service, tmp_path, lasting)
    for name, (does, _) in lasting.items():
        service.fail(does, name=name)
    start = time.monotonic()

    result = check(run, service, "--timeout", "8")

    assert time.monotonic() - start < 50
    assert result.exit_code == 1
    assert result.statuses == GOOD | dict.fromkeys(lasting, "error")
    assert {name: code for name, code in result.errors.items() if lasting[name][1]} == {
        name: code for name, (_, code) in lasting.items() if code
    }
    assert result.target_error is None
    message = result.named("throttled")["error"]["message"]
    assert message.startswith("DescribeModelQualityJobDefinition: Rate exceeded (after ")


def test_everything_throttled_to_the_end(service: Service, run: Run, tmp_path: Path) -> None:
    prepare(service, tmp_path)
    service.bucket = Bucket(capacity=1, per_second=0)
    start = time.monotonic()

    result = check(run, service, "--timeout", "10", "--no-unmanaged")

    assert time.monotonic() - start < 50
    assert result.exit_code == 1
    errors = set(result.errors.values())
    assert "ThrottlingException" in errors
    # a call that waits for its turn to the end was not sent again
    assert errors <= {"ThrottlingException", "Timeout"}
    assert len(result.errors) >= 2


def test_a_low_rate_takes_time_and_ends_right(service: Service, run: Run, tmp_path: Path) -> None:
    many = [f"d{number:02}" for number in range(60)]
    prepare(service, tmp_path, many)
    service.bucket = Bucket(capacity=10, per_second=10)

    result = check(run, service)

    assert (result.exit_code, result.statuses) == (2, GOOD | dict.fromkeys(many, "in_sync"))
    assert len(service.calls) > 60 + 3 + 4


def test_a_rate_that_is_found_is_kept(service: Service, run: Run, tmp_path: Path) -> None:
    many = [f"d{number:03}" for number in range(300)]
    prepare(service, tmp_path, many)
    service.bucket = Bucket(capacity=40, per_second=40)

    result = check(run, service)

    assert (result.exit_code, result.statuses) == (2, GOOD | dict.fromkeys(many, "in_sync"))
    # each definition once; the lists, of which one has four pages; the rest was refused
    needed = len(many) + len(GOOD) + 4 + 3
    assert len(service.calls) - needed <= 0.1 * needed


def test_a_target_that_is_throttled_leaves_the_other_alone(
    service: Service, run: Run, tmp_path: Path
) -> None:
    prepare_two_targets(service, tmp_path)
    service.fail(THROTTLED, region="us-east-1", times=12)

    result = check(run, service, "--concurrency", "4")

    assert result.exit_code == 0
    last = {
        region: max(call.at for call in service.calls if call.region == region)
        for region in ("us-east-1", REGION)
    }
    assert last[REGION] < last["us-east-1"]


def test_a_role_that_cannot_be_assumed_at_once_is_assumed_later(
    service: Service, run: Run, tmp_path: Path
) -> None:
    prepare(service, tmp_path, targets=["prod"])
    role = f"arn:aws:iam::{ACCOUNT}:role/driftcheck"
    (tmp_path / "driftcheck.toml").write_text(
        f'[targets.prod]\nregion = "{REGION}"\nrole_arn = "{role}"\n', "utf-8"
    )
    service.fail(Refuse(400, "Throttling", "Rate exceeded"), action="AssumeRole", times=2)

    result = check(run, service)

    assert (result.exit_code, result.statuses) == (2, GOOD)
    assert len(service.called("AssumeRole")) == 3


@pytest.mark.parametrize("does", [BAD_GATEWAY, Reset()])
def test_trouble_that_passes_costs_a_large_run_nothing(
    service: Service, run: Run, tmp_path: Path, does: Behaviour
) -> None:
    many = [f"d{number:02}" for number in range(60)]
    prepare(service, tmp_path, many)
    for name in many:
        service.fail(does, name=name, times=2)

    result = check(run, service)

    assert (result.exit_code, result.statuses) == (2, GOOD | dict.fromkeys(many, "in_sync"))


@pytest.mark.parametrize("does", [Hang(), Drip(0.5), Delay(60)])
def test_an_answer_that_does_not_come_is_waited_for_so_long(
    service: Service, run: Run, tmp_path: Path, does: Behaviour
) -> None:
    prepare(service, tmp_path, ["slow", "slow-too"])
    service.fail(does, name="slow*")
    start = time.monotonic()

    result = check(run, service, "--timeout", "3")

    assert time.monotonic() - start < 25
    assert result.exit_code == 1
    assert result.statuses == GOOD | {"slow": "error", "slow-too": "error"}
    assert set(result.errors.values()) <= {"Timeout", "ReadTimeout"}
    assert result.target_error is None


def test_dripping_that_ends_in_time_is_an_answer(service: Service, run: Run, tmp_path: Path) -> None:
    prepare(service, tmp_path, ["slow"])
    service.fail(Drip(0.001), name="slow")

    assert check(run, service, "--timeout", "10").statuses == GOOD | {"slow": "in_sync"}


def test_calls_that_are_given_up_make_room_and_are_not_sent_again(
    service: Service, run: Run, tmp_path: Path
) -> None:
    slow = [f"slow-{number}" for number in range(2)]
    prepare(service, tmp_path, slow)
    service.fail(Hang(), name="slow-*")

    result = check(run, service, "--timeout", "3", "--concurrency", "1", "--no-unmanaged")

    assert result.statuses == GOOD | dict.fromkeys(slow, "error")
    assert len(service.called("Describe*")) == 5


def test_a_target_that_hangs_leaves_the_other_its_share(service: Service, run: Run, tmp_path: Path) -> None:
    prepare_two_targets(service, tmp_path)
    service.fail(Hang(), region="us-east-1")

    result = check(run, service, "--concurrency", "4", "--timeout", "20", "--deadline", "6")

    found = {(each["target"], each["status"]) for each in result.document["resources"]}
    assert found == {("a", "error"), ("b", "in_sync")}
    errors = {each["name"]: each["error"] and each["error"]["code"] for each in result.document["targets"]}
    assert errors == {"a": "DeadlineExceeded", "b": None}


def test_credentials_that_expire_midway_leave_what_was_read(
    service: Service, run: Run, tmp_path: Path
) -> None:
    many = [f"d{number:02}" for number in range(30)]
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in many]})
    for name in many:
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))
    service.fail(EXPIRED, action="Describe*", skip=12)

    result = check(run, service)

    assert result.exit_code == 1
    counts = result.document["summary"]
    assert (counts["in_sync"], counts["error"]) == (12, 18)
    assert set(result.errors.values()) == {"ExpiredTokenException"}


def test_the_deadline_ends_the_run(service: Service, run: Run, tmp_path: Path) -> None:
    many = [f"d{number:02}" for number in range(40)]
    prepare(service, tmp_path, many)
    service.fail(Delay(1.5), action="Describe*", name="d*")
    start = time.monotonic()

    result = check(run, service, "--deadline", "6", "--concurrency", "2", "-o", "r.md")

    assert time.monotonic() - start < 25
    assert result.exit_code == 1
    assert {name: result.statuses[name] for name in GOOD} == GOOD
    read = [name for name in many if result.statuses[name] == "in_sync"]
    assert 1 <= len(read) < 10
    assert result.errors == {name: "DeadlineExceeded" for name in many if name not in read}
    assert (result.document["complete"], result.document["interrupted"]) == (False, True)
    assert f"{len(GOOD) + len(read)} of {len(GOOD) + 40} read" in (tmp_path / "r.md").read_text("utf-8")


def test_pages_of_a_call_that_was_given_up_are_not_asked_for(
    service: Service, run: Run, tmp_path: Path
) -> None:
    tags = [{"Key": f"k{number}", "Value": "v"} for number in range(20)]
    declared = [{**minimal(MODEL_QUALITY, name), "Tags": tags} for name in ("first", "second")]
    write_desired(tmp_path, {MODEL_QUALITY: declared})
    for definition in declared:
        service.create(MODEL_QUALITY, definition)
    service.tag_paging = Paging(size=1)
    service.fail(Delay(0.7), action="ListTags")

    result = check(run, service, "--timeout", "3", "--concurrency", "1", "--no-unmanaged")

    assert result.errors == {"first": "Timeout", "second": "Timeout"}
    # one every 0.7 s for 3 s, and none in the 3 s that the other took
    assert 1 <= sum(call.name.endswith("/first") for call in service.called("ListTags")) <= 5
