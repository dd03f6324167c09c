"""What ``check`` finds out about definitions of every kind, and the exit code that it says it with."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.definitions import ACCOUNT, KINDS, MODEL_QUALITY, REGION, full, minimal, write_desired
from tests.functional.faults import DENIED
from tests.functional.results import check, valid

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

OTHER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/other"
TYPES = {
    "ModelQualityJobDefinition": "model-quality-job-definition",
    "DataQualityJobDefinition": "data-quality-job-definition",
    "ModelBiasJobDefinition": "model-bias-job-definition",
    "ModelExplainabilityJobDefinition": "model-explainability-job-definition",
}


@pytest.fixture
def night(service: Service, tmp_path: Path) -> Path:
    """One definition of each kind in each status."""
    desired = {kind: [full(kind, name) for name in ("quiet", "moved", "gone", "locked")] for kind in KINDS}
    file = write_desired(tmp_path, desired)
    for kind in KINDS:
        for name in ("quiet", "moved", "locked", "Stray"):
            service.create(kind, full(kind, name))
        service.mutate(kind, "moved", ("RoleArn",), OTHER_ROLE)
    service.fail(DENIED, action="Describe*", name="locked")
    return file


def test_every_status_of_every_kind(service: Service, run: Run, night: Path) -> None:
    result = check(run, service)

    assert result.exit_code == 1
    found = {(each["kind"], each["name"]): each["status"] for each in result.document["resources"]}
    assert found == {
        (kind, name): status
        for kind in KINDS
        for name, status in {
            "quiet": "in_sync",
            "moved": "drifted",
            "gone": "missing",
            "locked": "error",
            "Stray": "unmanaged",
        }.items()
    }
    assert result.document["summary"] == {
        "declared": 16,
        "read": 12,
        "in_sync": 4,
        "drifted": 4,
        "missing": 4,
        "unmanaged": 4,
        "error": 4,
        "coverage": 0.75,
    }
    assert (result.document["complete"], result.document["interrupted"]) == (False, False)
    assert result.document["targets"] == [
        {"name": "default", "account": ACCOUNT, "region": REGION, "error": None, "listed": sorted(KINDS)}
    ]


def test_what_is_told_of_each(service: Service, run: Run, night: Path) -> None:
    result = check(run, service)

    lines = night.read_text("utf-8").splitlines()
    for each in result.document["resources"]:
        arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{TYPES[each['kind']]}/{each['name'].lower()}"
        seen = each["status"] in {"in_sync", "drifted", "unmanaged"}
        assert each["arn"] == (arn if seen else None)
        created_at = {"drifted": "2026-11-23T21:14:52Z"}.get(each["status"], "2026-11-20T08:00:00Z")
        assert each["created_at"] == (created_at if seen else None)
        if each["status"] == "unmanaged":
            assert each["source"] is None
            continue
        assert each["source"]["file"] == "desired/desired.yaml"
        assert lines[each["source"]["line"] - 1] == f"- JobDefinitionName: {each['name']}"
        if each["status"] == "drifted":
            (difference,) = each["differences"]
            line = lines[difference["source"]["line"] - 1]
            assert line == f"  RoleArn: {difference['desired']}"
            assert (difference["path"], difference["change"]) == (["RoleArn"], "changed")
            assert difference["live"] == OTHER_ROLE
            assert difference["sensitive"] is False
        if each["status"] == "error":
            assert each["error"]["code"] == "AccessDeniedException"
            assert "not authorized" in each["error"]["message"]


def test_definitions_are_sorted_by_kind_target_and_name(service: Service, run: Run, night: Path) -> None:
    first, second = check(run, service).document, check(run, service).document

    order = [(each["kind"], each["target"], each["name"]) for each in first["resources"]]
    assert order == sorted(order)
    assert second["resources"] == first["resources"]


@pytest.mark.parametrize(
    ("statuses", "args", "expected"),
    [
        ((), (), 0),
        (("drifted",), (), 2),
        (("missing",), (), 2),
        (("unmanaged",), (), 0),
        (("error",), (), 1),
        (("drifted", "missing", "unmanaged", "error"), (), 1),
        (("drifted",), ("--fail-on", "missing"), 0),
        (("drifted", "missing"), ("--fail-on", "none"), 0),
        (("drifted",), ("--fail-on", ""), 0),
        (("unmanaged",), ("--fail-on", "unmanaged"), 2),
        (("missing",), ("--fail-on", " drifted , missing "), 2),
        (("error",), ("--fail-on", "none"), 1),
        (("drifted",), ("--fail-on", "error"), 0),
    ],
)
def test_exit_codes(
    service: Service,
    run: Run,
    tmp_path: Path,
    statuses: tuple[str, ...],
    args: tuple[str, ...],
    expected: int,
) -> None:
    names = ["steady", *(status for status in statuses if status != "unmanaged")]
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in names]})
    for name in ("steady", *statuses):
        if name != "missing":
            service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))
    if "drifted" in statuses:
        service.mutate(MODEL_QUALITY, "drifted", ("RoleArn",), OTHER_ROLE)
    service.fail(DENIED, name="error")

    result = check(run, service, *args)

    assert result.statuses == {"steady": "in_sync", **{name: name for name in statuses}}
    assert result.exit_code == expected


@pytest.mark.parametrize("args", [("--fail-on", "drift"), ("--concurrency", "0"), ("--no-such-option",)])
def test_a_usage_error_exits_1_before_any_call(
    service: Service, run: Run, night: Path, args: tuple[str, ...]
) -> None:
    outcome = run("check", *args)

    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert "error: " in outcome.stderr
    assert service.calls == []


def test_no_unmanaged_makes_no_list_call(service: Service, run: Run, night: Path) -> None:
    result = check(run, service, "--no-unmanaged")

    assert result.document["summary"]["unmanaged"] == 0
    assert result.document["summary"]["coverage"] is None
    assert "Stray" not in result.statuses
    assert service.called("List*Definitions") == []
    assert len(service.called("Describe*")) == 16


def test_select_reads_what_it_names_alone(service: Service, run: Run, night: Path) -> None:
    result = check(run, service, "--select", "qui*", "--select", "gone")

    assert set(result.statuses) == {"quiet", "gone"}
    assert {call.name for call in service.called("Describe*")} == {"quiet", "gone"}
    assert result.exit_code == 2
    assert set(check(run, service, "--select", "[Sq]*").statuses) == {"quiet", "Stray"}


def test_every_output_in_one_run(service: Service, run: Run, night: Path, tmp_path: Path) -> None:
    names = ["r.txt", "r.json", "r.md", "r.html", "r.xml", "r.sarif"]
    outcome = run("check", *(part for name in names for part in ("-o", name)))

    assert outcome.exit_code == 1
    assert outcome.stdout == ""
    assert outcome.stderr.splitlines() == [f"wrote {name}" for name in names]
    assert all("moved" in (tmp_path / name).read_text("utf-8") for name in names)
    assert valid((tmp_path / "r.json").read_text("utf-8"))["summary"]["drifted"] == 4


def test_text_on_stdout_is_what_one_gets_unasked(service: Service, run: Run, night: Path) -> None:
    outcome = run("check")

    assert outcome.exit_code == 1
    assert outcome.stderr == ""
    assert "moved" in outcome.stdout
    assert re.search(r"\b4 drifted\b", outcome.stdout.splitlines()[-1])


def test_quiet_says_nothing_on_stderr(service: Service, run: Run, night: Path, tmp_path: Path) -> None:
    outcome = run("check", "--quiet", "-o", "r.md", "-o", "-")

    assert outcome.stderr == ""
    assert "moved" in outcome.stdout
    assert (tmp_path / "r.md").exists()


def test_the_answer_of_describe_is_a_desired_file(
    service: Service, run: Run, sagemaker: Any, tmp_path: Path
) -> None:
    service.create(MODEL_QUALITY, full(MODEL_QUALITY))
    answer = sagemaker.describe_model_quality_job_definition(JobDefinitionName="churn")
    del answer["ResponseMetadata"]
    answer["CreationTime"] = answer["CreationTime"].isoformat()
    (tmp_path / "desired").mkdir()
    (tmp_path / "desired" / "churn.json").write_text(json.dumps(answer), "utf-8")

    result = check(run, service)

    assert (result.exit_code, result.statuses) == (0, {"churn": "in_sync"})
    assert service.called("ListTags") == []


def test_nothing_declared_is_in_sync_and_what_exists_is_unmanaged(
    service: Service, run: Run, tmp_path: Path
) -> None:
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY))
    write_desired(tmp_path, {MODEL_QUALITY: []})

    result = check(run, service)

    assert (result.exit_code, result.statuses) == (0, {"churn": "unmanaged"})
    assert result.document["complete"] is True
    assert result.document["summary"]["coverage"] is None
