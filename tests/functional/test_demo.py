"""The demo as a process: the report is of exactly what it changed, and nothing else is touched."""

from __future__ import annotations

import gzip
import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from driftcheck import demo
from driftcheck.errors import DriftcheckError
from tests.sites import broken, reached

if TYPE_CHECKING:
    from tests.functional.conftest import Launch, Run
    from tests.functional.service import Service

pytestmark = pytest.mark.slow

REPORTS = ("report.html", "report.md", "result.json")
VPC = {
    "SecurityGroupIds": ["sg-0a1b2c3d4e5f60718"],
    "Subnets": ["subnet-0a1b2c3d4e5f60718", "subnet-0f1e2d3c4b5a69788"],
}


def _written(file: Path) -> dict[str, Any]:
    return {each["name"]: each for each in json.loads(file.read_text("utf-8"))["resources"]}


def _earlier(tmp_path: Path) -> Path:
    """The folder as an earlier demo may have left it."""
    folder = tmp_path / "driftcheck-demo"
    folder.mkdir()
    (folder / ".gitignore").write_text(demo._MARK, "utf-8")
    return folder


def _differences(entries: list[dict[str, Any]]) -> list[tuple[str, str, Any, Any]]:
    return [(".".join(each["path"]), each["change"], each["desired"], each["live"]) for each in entries]


def test_the_demo_reports_what_it_changed(run: Run, tmp_path: Path) -> None:
    outcome = run("demo")

    assert (outcome.exit_code, outcome.stderr) == (0, "")
    found = _written(tmp_path / "driftcheck-demo" / "result.json")
    assert {name: each["status"] for name, each in found.items()} == {
        "churn-data-quality": "in_sync",
        "churn-model-quality": "drifted",
        "churn-model-quality-copy": "unmanaged",
        "credit-model-bias": "missing",
        "credit-model-explainability": "drifted",
        "delivery-time-model-quality": "in_sync",
        "invoice-data-quality": "in_sync",
    }
    instance = ("JobResources.ClusterConfig.InstanceType", "changed", "ml.m5.xlarge", "ml.m5.4xlarge")
    network = {
        "EnableInterContainerTrafficEncryption": True,
        "EnableNetworkIsolation": False,
        "VpcConfig": VPC,
    }
    build = ("ModelQualityAppSpecification.Environment.BUILD_ID", "changed", "0412", "0413")
    (changed,) = found["churn-model-quality"]["differences"]
    assert _differences([changed]) == [instance]
    assert _differences(found["credit-model-explainability"]["differences"]) == [
        ("NetworkConfig", "removed", network, None)
    ]
    assert _differences(found["delivery-time-model-quality"]["ignored"]) == [build]
    assert [name for name, each in found.items() if each["ignored"]] == ["delivery-time-model-quality"]
    # it points into the files that the demo used, and leaves none there that it did not use
    source = changed["source"]
    assert source["file"] == "driftcheck-demo/desired/churn-model-quality.yaml"
    line = (tmp_path / source["file"]).read_text("utf-8").splitlines()[source["line"] - 1]
    assert line.strip() == "InstanceType: ml.m5.xlarge"
    assert not (tmp_path / "driftcheck-demo/desired/support-topic-model-quality.yaml").exists()


def test_the_demo_tells_what_it_does_the_report_and_the_exit_code(run: Run) -> None:
    outcome = run("demo", "--folder", "here")

    before, _, after = outcome.stdout.partition("\n$ driftcheck check here/desired ")
    assert "  left out: support-topic-model-quality, which the emulator cannot hold\n" in before
    assert "  created: the 6 definitions of here/desired\n" in before
    for name in ("churn-model-quality", "credit-model-explainability", "credit-model-bias"):
        assert f"  {name}: " in before
    assert '~ JobResources.ClusterConfig.InstanceType = "ml.m5.xlarge" -> "ml.m5.4xlarge"' in after
    assert "\n  - NetworkConfig = {\n" in after
    assert "credit-model-bias (default) is missing" in after
    assert "churn-model-quality-copy (default) is unmanaged" in after
    assert after.endswith(
        "6 declared: 3 in sync, 2 drifted, 1 missing; 1 unmanaged. Coverage 86%.\n"
        "\n"
        "check exited with 2: everything was compared and there is drift.\n"
        "The same report as HTML, Markdown and JSON:\n"
        "  here/report.html\n"
        "  here/report.md\n"
        "  here/result.json\n"
    )


def test_the_demo_uses_nothing_of_the_users_own_aws(run: Run, service: Service, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("no [ configuration", "utf-8")
    (tmp_path / "driftcheck.toml").write_text("no = [ configuration", "utf-8")
    settings = {
        "AWS_PROFILE": "nobody",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_ENDPOINT_URL_SAGEMAKER": service.url,
        "NO_PROXY": None,
    }

    outcome = run("demo", env=settings)

    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert service.calls == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".home",
        "config",
        "driftcheck-demo",
        "driftcheck.toml",
    ]


def test_run_again_it_replaces_its_own_files_alone(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "driftcheck-demo"
    assert run("demo").exit_code == 0
    (folder / "notes.txt").write_text("mine", "utf-8")
    for name in (*REPORTS, "desired/churn-model-quality.yaml"):
        (folder / name).write_text("stale", "utf-8")

    assert run("demo").exit_code == 0

    assert (folder / "notes.txt").read_text("utf-8") == "mine"
    for name in (*REPORTS, "desired/churn-model-quality.yaml"):
        assert "churn-model-quality" in (folder / name).read_text("utf-8")


@pytest.mark.parametrize("own", ["desired/churn-model-quality.yaml", ".gitignore", "report.html"])
def test_a_folder_of_somebody_elses_is_left_as_it_is(run: Run, tmp_path: Path, own: str) -> None:
    folder = tmp_path / "mine"
    (folder / own).parent.mkdir(parents=True)
    (folder / own).write_text("mine", "utf-8")

    outcome = run("demo", "--folder", folder)

    assert outcome.exit_code == 1
    assert outcome.stderr == f"error: {folder} is not empty and not the demo's; --folder names another\n"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert [(path, path.read_text("utf-8")) for path in files] == [(folder / own, "mine")]


def test_a_desired_file_of_the_users_own_stops_it(run: Run, tmp_path: Path) -> None:
    own = _earlier(tmp_path) / "desired" / "own.yaml"
    own.parent.mkdir()
    own.write_text("version: 1\n", "utf-8")

    outcome = run("demo")

    assert outcome.exit_code == 1
    assert "driftcheck-demo/desired/own.yaml is not the demo's" in outcome.stderr
    assert own.read_text("utf-8") == "version: 1\n"


def test_a_folder_that_cannot_be_made_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    outcome = run("demo", "--folder", "file/below")

    assert outcome.exit_code == 1
    assert outcome.stderr == "error: file/below cannot be written: Not a directory\n"


def test_the_demo_fails_when_check_does(run: Run, tmp_path: Path) -> None:
    (_earlier(tmp_path) / "report.md").mkdir()

    outcome = run("demo")

    assert outcome.exit_code == 1
    assert "check exited with 1: something could not be compared.\n" in outcome.stdout
    assert outcome.stderr.endswith("error: the demo went wrong: check exited with 1, not with 2\n")


def test_the_demo_fails_when_check_finds_anything_else(tmp_path: Path) -> None:
    golden = Path(__file__).parents[1] / "golden" / "result.json"

    with pytest.raises(DriftcheckError) as caught:
        demo._verify(2, golden, {demo._DELETED: ("missing", [], [])})

    said = "\n".join(caught.value.lines)
    assert "credit-model-bias: expected ('missing', [], []), found None" in said
    assert "churn-model-quality: expected None, found ('drifted', " in said


def test_without_moto_it_says_what_to_install(run: Run, tmp_path: Path) -> None:
    (tmp_path / "moto.py").touch()

    outcome = run("demo", env={"PYTHONPATH": str(tmp_path)})

    assert outcome.exit_code == 1
    assert outcome.stderr == "error: the demo needs moto: pip install 'driftcheck[demo]'\n"
    assert not (tmp_path / "driftcheck-demo").exists()


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, "interrupted\n"), (signal.SIGTERM, 143, "terminated\n")],
)
def test_a_signal_ends_it_at_once(
    launch: Launch, tmp_path: Path, number: signal.Signals, code: int, said: str
) -> None:
    # it waits for a reader of this pipe, that is to say until the signal comes
    pipe = _earlier(tmp_path) / "desired" / "churn-model-quality.yaml"
    pipe.parent.mkdir()
    os.mkfifo(pipe)
    started = launch("demo")
    assert started.process.stdout is not None
    assert started.process.stdout.readline().startswith(b"Starting ")
    started.signal(number)

    outcome = started.finish()

    assert (outcome.exit_code, outcome.stderr) == (code, said)


def test_an_interrupt_while_a_class_is_made_ends_it_with_130(run: Run, tmp_path: Path) -> None:
    # the standard library makes dataclasses and named tuples with exec, also while modules are imported
    (tmp_path / "moto").mkdir()
    (tmp_path / "moto" / "__init__.py").touch()
    source = "import signal; signal.raise_signal(signal.SIGINT)"
    (tmp_path / "moto" / "server.py").write_text(f"exec({source!r})\n", "utf-8")

    outcome = run("demo", env={"PYTHONPATH": str(tmp_path)})

    assert (outcome.exit_code, outcome.stderr) == (130, "interrupted\n")


def test_ten_nights_are_kept_and_shown_at_their_times(run: Run, tmp_path: Path) -> None:
    outcome = run("demo", "--nights", "10", seconds=300)

    assert (outcome.exit_code, outcome.stderr) == (0, "")
    folder = tmp_path / "driftcheck-demo"
    runs = [
        json.loads(gzip.decompress(file.read_bytes()))
        for file in sorted((folder / "nights" / "store" / "runs").iterdir())
    ]
    starts = [datetime.fromisoformat(each["started_at"]) for each in runs]
    assert len(runs) == 9
    assert {f"{start:%H:%M}" for start in starts} == {"02:17"}
    assert (starts[-1] - starts[0]).days == 9
    assert [each["interrupted"] for each in runs] == [False, False, True, *[False] * 6]
    assert [each["complete"] for each in runs] == [each["summary"]["error"] == 0 for each in runs]
    assert timedelta(0) < datetime.now(UTC) - starts[-1] < timedelta(days=1, minutes=10)
    last = {
        (each["target"], each["name"]): each for each in runs[-1]["resources"] if each["status"] != "in_sync"
    }
    assert {key: each["status"] for key, each in last.items()} == {
        ("prod-eu", "credit-model-explainability"): "drifted",
        ("prod-eu", "renewal-model-quality"): "drifted",
        ("prod-us", "invoice-data-quality"): "drifted",
        ("prod-us", "receipt-data-quality"): "missing",
        ("prod-us", "upsell-model-quality-test"): "unmanaged",
    }
    # made on the emulator's clock, in the days before the runs
    created = datetime.fromisoformat(last["prod-us", "invoice-data-quality"]["created_at"])
    assert created < starts[5] < starts[-1] - timedelta(days=3)
    pages, wrong = reached(folder / "dashboard")
    assert wrong == []
    assert len([page for page in pages if page.startswith("runs/")]) == 9
    assert outcome.stdout.endswith(
        f"The dashboard, {len(pages)} pages:\n  driftcheck-demo/dashboard/index.html\n"
    )


def test_one_night_is_a_demo_too(run: Run, tmp_path: Path) -> None:
    first = run("demo", "--nights", "1")
    again = run("demo", "--nights", "1")

    assert (first.exit_code, first.stderr) == (again.exit_code, again.stderr) == (0, "")
    assert len(list((tmp_path / "driftcheck-demo" / "nights" / "store" / "runs").iterdir())) == 1
    assert broken(tmp_path / "driftcheck-demo" / "dashboard") == []


def test_the_nights_leave_a_folder_of_somebody_elses_as_it_is(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "nights").write_text("mine", "utf-8")

    outcome = run("demo", "--nights", "2", "--folder", "mine")

    assert outcome.exit_code == 1
    assert outcome.stderr == "error: mine is not empty and not the demo's; --folder names another\n"
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["nights"]
