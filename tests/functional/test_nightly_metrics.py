"""What a nightly run measured, in a file for Prometheus and in CloudWatch."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGTERM
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.functional.clients import emulated
from tests.functional.definitions import MODEL_QUALITY, REGION, minimal, write_desired
from tests.functional.faults import EXPIRED, Hang, Refuse
from tests.functional.receiver import Receiver
from tests.functional.test_nightly import moved, start
from tests.functional.test_nightly_notices import NIGHTLY, configured, drift, silent

pytestmark = pytest.mark.slow

__all__ = ["start"]

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.functional.conftest import Launch, Outcome, Run
    from tests.functional.service import Service

DAY = 86400
DOCUMENTED = (Path(__file__).parents[2] / "docs" / "notices.md").read_text("utf-8")


@pytest.fixture(autouse=True)
def _fleet(service: Service, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in ("churn", "fraud")]})
    for name in ("churn", "fraud"):
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))


def read(file: Path) -> dict[tuple[str, ...], float]:
    """The samples of a textfile: the name, the target and the status, and the value."""
    return {
        (sample.name, *(sample.labels[label] for label in ("target", "status") if label in sample.labels)): (
            sample.value
        )
        for family in text_string_to_metric_families(file.read_text("utf-8"))
        for sample in family.samples
    }


def seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


def test_a_textfile_says_what_there_is_and_what_it_cost(
    service: Service, start: Callable[..., Outcome], run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "node" / "driftcheck.prom"
    file.parent.mkdir()
    configured(tmp_path, metrics={"textfile": "node/driftcheck.prom"})
    drift(service)
    silent(run(*NIGHTLY), 2)
    assert read(file)["driftcheck_oldest_drift_age_seconds", "default"] == 0
    first = json.loads((tmp_path / "night.json").read_text())
    service.fail(Refuse(400, "ThrottlingException", "Rate exceeded"), action="Describe*", times=1)
    service.calls.clear()

    silent(start(moved(days=3), *NIGHTLY), 2)

    document = json.loads((tmp_path / "night.json").read_text())
    age = seconds(document["started_at"]) - seconds(first["started_at"])
    assert 3 * DAY <= age < 3 * DAY + 600
    assert read(file) == {
        ("driftcheck_definitions", "default", "in_sync"): 1,
        ("driftcheck_definitions", "default", "drifted"): 1,
        ("driftcheck_definitions", "default", "missing"): 0,
        ("driftcheck_definitions", "default", "unmanaged"): 0,
        ("driftcheck_definitions", "default", "error"): 0,
        ("driftcheck_unreadable", "default"): 0,
        ("driftcheck_oldest_drift_age_seconds", "default"): age,
        ("driftcheck_duration_seconds",): seconds(document["finished_at"]) - seconds(document["started_at"]),
        ("driftcheck_api_calls",): len(service.calls),
        ("driftcheck_throttled_calls",): 1,
        ("driftcheck_last_complete_run_timestamp_seconds",): seconds(document["started_at"]),
        ("driftcheck_last_run_timestamp_seconds",): seconds(document["started_at"]),
    }
    assert [each.name for each in file.parent.iterdir()] == ["driftcheck.prom"]


def test_cloudwatch_has_the_same(service: Service, run: Run, tmp_path: Path, emulator: str) -> None:
    configured(tmp_path, metrics={"cloudwatch": "driftcheck"})
    drift(service)

    silent(run(*NIGHTLY, env={"AWS_ENDPOINT_URL_CLOUDWATCH": emulator}), 2)

    document = json.loads((tmp_path / "night.json").read_text())
    assert stored(emulator, "driftcheck") == {
        ("Definitions", "default", "in_sync"): (1, "Count"),
        ("Definitions", "default", "drifted"): (1, "Count"),
        ("Definitions", "default", "missing"): (0, "Count"),
        ("Definitions", "default", "unmanaged"): (0, "Count"),
        ("Definitions", "default", "error"): (0, "Count"),
        ("Unreadable", "default"): (0, "Count"),
        ("OldestDriftAge", "default"): (0, "Seconds"),
        ("Duration",): (seconds(document["finished_at"]) - seconds(document["started_at"]), "Seconds"),
        ("ApiCalls",): (document["calls"]["made"], "Count"),
        ("ThrottledCalls",): (0, "Count"),
        ("LastCompleteRun",): (seconds(document["started_at"]), "None"),
        ("LastRun",): (seconds(document["started_at"]), "None"),
    }


def stored(url: str, namespace: str) -> dict[tuple[str, ...], tuple[float, str]]:
    """What CloudWatch has: the name and the values of the dimensions, and the value with its unit."""
    cloudwatch, found = emulated(url, "cloudwatch", REGION), {}
    now = datetime.now(UTC)
    for metric in cloudwatch.list_metrics(Namespace=namespace)["Metrics"]:
        (point,) = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=metric["MetricName"],
            Dimensions=metric["Dimensions"],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=7200,
            Statistics=["Maximum"],
        )["Datapoints"]
        values = [each["Value"] for each in metric["Dimensions"]]
        found[metric["MetricName"], *values] = point["Maximum"], point["Unit"]
    return found


def test_many_targets_take_several_calls(run: Run, tmp_path: Path, emulator: str) -> None:
    names = [f"t{number:03}" for number in range(120)]
    lines = [f'[targets.{name}]\nregion = "eu-west-1"\n' for name in names]
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, "churn")]}, targets=names)
    configured(tmp_path, metrics={"cloudwatch": "many"})
    toml = tmp_path / "driftcheck.toml"
    toml.write_text("".join(lines) + toml.read_text())

    with Receiver(before=emulator) as cloudwatch:
        run(*NIGHTLY, "--no-unmanaged", env={"AWS_ENDPOINT_URL_CLOUDWATCH": cloudwatch.url})

        assert len(cloudwatch.taken) == 2
    paginator = emulated(emulator, "cloudwatch", REGION).get_paginator("list_metrics")
    found = [each for page in paginator.paginate(Namespace="many") for each in page["Metrics"]]
    assert len(found) == 120 * 7 + 5


@pytest.mark.parametrize("does", [[500] * 9, [403]], ids=["trouble", "denied"])
def test_what_cannot_be_published_is_told_and_nothing_else_suffers(
    service: Service, run: Run, tmp_path: Path, does: list[Any]
) -> None:
    drift(service)
    with Receiver(script=does) as cloudwatch:
        configured(tmp_path, metrics={"cloudwatch": "driftcheck", "textfile": "gone/driftcheck.prom"})

        outcome = run(*NIGHTLY, env={"AWS_ENDPOINT_URL_CLOUDWATCH": cloudwatch.url})

    first, second = outcome.stderr.splitlines()
    assert first == "error: gone/driftcheck.prom cannot be written: No such file or directory"
    assert second.startswith("error: metrics: CloudWatch: ")
    assert outcome.exit_code == 1
    assert json.loads((tmp_path / "night.json").read_text())["summary"]["drifted"] == 1


def test_a_run_that_is_terminated_counts_what_it_read_and_says_when_the_last_whole_one_was(
    service: Service, run: Run, launch: Launch, tmp_path: Path
) -> None:
    configured(tmp_path, metrics={"textfile": "driftcheck.prom"})
    run(*NIGHTLY)
    whole = json.loads((tmp_path / "night.json").read_text())
    service.fail(Hang(), action="Describe*", name="fraud")
    service.calls.clear()
    # one call at a time: when the second is made, the first is answered and read
    process = launch(*NIGHTLY, "--concurrency", "1")
    service.wait_for(2, "Describe*")
    process.signal(SIGTERM)

    assert process.finish().exit_code == 143

    found = read(tmp_path / "driftcheck.prom")
    cut = json.loads((tmp_path / "night.json").read_text())
    assert (cut["complete"], cut["interrupted"], cut["summary"]["read"]) == (False, True, 1)
    # what was not read because the run was cut short is as it was
    assert found["driftcheck_definitions", "default", "in_sync"] == 2
    assert found["driftcheck_definitions", "default", "error"] == 0
    assert found["driftcheck_unreadable", "default"] == 0
    assert found["driftcheck_last_complete_run_timestamp_seconds",] == seconds(whole["started_at"])
    assert found["driftcheck_last_run_timestamp_seconds",] == seconds(cut["started_at"])
    assert cut["started_at"] > whole["started_at"]


@pytest.mark.parametrize("is_first", [True, False])
def test_a_night_that_reads_nothing_is_no_complete_one_and_the_alert_fires(
    service: Service, start: Callable[..., Outcome], run: Run, tmp_path: Path, is_first: bool
) -> None:
    configured(tmp_path, metrics={"textfile": "driftcheck.prom"})
    if not is_first:
        drift(service)
        run(*NIGHTLY)
        whole = json.loads((tmp_path / "night.json").read_text())
    service.fail(EXPIRED)

    assert start(moved(days=2), *NIGHTLY).exit_code == 1

    lost, found = json.loads((tmp_path / "night.json").read_text()), read(tmp_path / "driftcheck.prom")
    assert (lost["complete"], lost["interrupted"]) == (False, False)
    assert (lost["summary"]["read"], lost["summary"]["coverage"]) == (0, None)
    # churn drifted on the first night, if there was one, and an error does not change that
    assert found["driftcheck_definitions", "default", "drifted"] == (not is_first)
    assert found["driftcheck_definitions", "default", "error"] == 1 + is_first
    assert found["driftcheck_definitions", "default", "in_sync"] == 0
    assert found["driftcheck_unreadable", "default"] == 2
    assert found["driftcheck_last_run_timestamp_seconds",] == seconds(lost["started_at"])
    last = found.get(("driftcheck_last_complete_run_timestamp_seconds",))
    assert last == (None if is_first else seconds(whole["started_at"]))
    assert fires(last, now=seconds(lost["started_at"]))
    if not is_first:
        # it drifted on the first night, and nothing says that it does no more
        assert 2 * DAY <= found["driftcheck_oldest_drift_age_seconds", "default"] < 2 * DAY + 600
        assert not fires(last, now=seconds(whole["finished_at"]))


def test_what_is_known_to_be_unmanaged_is_so_until_a_run_lists_again(
    service: Service, run: Run, tmp_path: Path
) -> None:
    configured(tmp_path, metrics={"textfile": "driftcheck.prom"})
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "stray"))
    known = []
    for options in ((), ("--no-unmanaged",), ()):
        silent(run(*NIGHTLY, *options), 0)
        reported = json.loads((tmp_path / "night.json").read_text())["summary"]["unmanaged"]
        known.append(
            (read(tmp_path / "driftcheck.prom")["driftcheck_definitions", "default", "unmanaged"], reported)
        )
        if options:
            service.delete(MODEL_QUALITY, "stray")

    assert known == [(1, 1), (1, 0), (0, 0)]


def fires(last: float | None, now: float) -> bool:
    """Tell whether the documented alert fires, as Prometheus evaluates the two sides of its ``or``."""
    (alert,) = re.findall(r"alert: DriftcheckIsNotRunning\n\s*expr: >-\n((?: {10,}.*\n)+)", DOCUMENTED)
    name = "driftcheck_last_complete_run_timestamp_seconds"
    assert " ".join(alert.split()) == f"time() - {name} > 26 * 3600 or absent({name})"
    return last is None or now - last > 26 * 3600
