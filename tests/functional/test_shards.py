"""One fleet checked whole, in shards and target by target; ``merge`` makes the same document of each."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.documents import GOLDEN, as_shard, document, drifted, golden_document, in_sync
from tests.functional.definitions import MODEL_BIAS, minimal, write_desired
from tests.functional.fleet import REGIONS, SIZE, build, without_times
from tests.functional.results import Result, check, held, valid

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

pytestmark = pytest.mark.slow


@pytest.fixture
def fleet(service: Service, tmp_path: Path) -> int:
    """A fleet of every status; gives how many definitions are declared."""
    build(service, tmp_path)
    return SIZE


def merge(run: Run, service: Service, *args: str | Path) -> Result:
    return held(run("merge", *args, "-o", "json=-"), service)


def calls(service: Service, action: str) -> Counter[tuple[str, ...]]:
    return Counter((call.action, call.region, call.name) for call in service.called(action))


def save(folder: Path, name: str, document: Any) -> str:
    (folder / name).write_text(json.dumps(document), "utf-8")
    return name


def test_three_shards_make_the_document_of_a_whole_run_with_the_same_calls(
    service: Service, run: Run, tmp_path: Path, fleet: int
) -> None:
    whole = check(run, service)
    seen = {action: calls(service, action) for action in ("Describe*", "ListTags", "List*Definitions")}
    service.calls.clear()

    shards = []
    for index, part in enumerate(("1/3", "2/3", "auto"), 1):
        batch = {"AWS_BATCH_JOB_ARRAY_INDEX": "2", "AWS_BATCH_JOB_ARRAY_SIZE": "3"}
        ended = run("check", "--shard", part, "-o", f"{index}.json", env=batch)
        assert ended.exit_code in {0, 1, 2}
        shards.append(valid((tmp_path / f"{index}.json").read_text("utf-8")))
    result = merge(run, service, "2.json", "3.json", "1.json")

    assert without_times(result.document) == without_times(whole.document)
    assert list(result.document) == list(whole.document)
    assert result.exit_code == whole.exit_code == 1
    assert result.document["started_at"] == min(each["started_at"] for each in shards)
    assert result.document["finished_at"] == max(each["finished_at"] for each in shards)
    assert {action: calls(service, action) for action in seen} == seen
    assert all(count == 1 for count in seen["List*Definitions"].values())
    assert len(seen["List*Definitions"]) == 4 * len(REGIONS)
    assert [(each["shard"]["index"], each["shard"]["count"]) for each in shards] == [(1, 3), (2, 3), (3, 3)]
    assert all(each["resources"] for each in shards)
    # and the fleet was one to learn something from
    summary = whole.document["summary"]
    assert summary["declared"] == fleet
    assert all(summary[status] for status in ("in_sync", "drifted", "missing", "unmanaged", "error"))
    assert set(whole.warnings) == {
        "ignore-rule-expired",
        "ignore-rule-unused",
        "unknown-member",
        "unmanaged-not-looked-for",
    }
    assert any(each["ignored"] for each in whole.document["resources"])
    assert [bool(each["error"]) for each in whole.document["targets"]] == [True, False, False]


def test_a_matrix_of_targets_makes_the_document_of_a_whole_run(
    service: Service, run: Run, tmp_path: Path, fleet: int
) -> None:
    whole = check(run, service)
    for target in REGIONS:
        run("check", "--target", target, "-o", f"{target}.json")

    result = merge(run, service, *(f"{target}.json" for target in REGIONS))

    assert without_times(result.document) == without_times(whole.document)
    # the rule for RoleArn hid something in `eu` alone
    alone = json.loads((tmp_path / "us.json").read_text("utf-8"))
    said = [each["message"] for each in alone["warnings"]]
    assert "us-churn: the rule RoleArn of ignore_changes hid nothing in this run" in said
    assert not any("churn: the rule RoleArn" in each["message"] for each in result.document["warnings"])
    assert whole.document["summary"]["declared"] == fleet


def test_without_the_unmanaged_the_shards_are_a_whole_run_too(
    service: Service, run: Run, tmp_path: Path, fleet: int
) -> None:
    options = ("--no-unmanaged", "--select", "d0*", "--select", "eu-*")
    whole = check(run, service, *options)
    for index in range(1, 6):
        run("check", *options, "--shard", f"{index}/5", "-o", f"{index}.json")

    result = merge(run, service, *(f"{index}.json" for index in range(1, 6)))

    assert without_times(result.document) == without_times(whole.document)
    assert 0 < whole.document["summary"]["declared"] < fleet
    assert len(service.called("List*Definitions")) == 0


def test_a_shard_with_nothing_to_do_is_an_empty_result_and_calls_nobody(
    service: Service, run: Run, tmp_path: Path
) -> None:
    write_desired(tmp_path, {MODEL_BIAS: [minimal(MODEL_BIAS)]})
    service.create(MODEL_BIAS, minimal(MODEL_BIAS))

    results = [check(run, service, "--no-unmanaged", "--shard", f"{index}/2") for index in (1, 2)]

    assert [each.exit_code for each in results] == [0, 0]
    empty, busy = sorted(results, key=lambda each: each.document["summary"]["declared"])
    assert (empty.document["targets"], empty.document["resources"]) == ([], [])
    assert busy.statuses == {"churn": "in_sync"}
    assert len(service.calls) == 1


def test_all_files_are_validated_in_every_shard(service: Service, run: Run, tmp_path: Path) -> None:
    wrong = [{**minimal(MODEL_BIAS, f"d{number}"), "RoleArn": "nonsense"} for number in range(9)]
    write_desired(tmp_path, {MODEL_BIAS: wrong})

    said = [run("check", "--shard", f"{index}/2") for index in (1, 2)]

    assert [each.exit_code for each in said] == [1, 1]
    assert said[0].stderr == said[1].stderr
    assert said[0].stderr.count(": error: RoleArn: must have") == 9
    assert service.calls == []


@pytest.mark.parametrize(
    ("index", "size"),
    [("8", "8"), ("-1", "8"), ("0", None), (None, "8"), ("", ""), ("x", "8"), ("0", "0"), ("0", "10001")],
)
def test_what_batch_does_not_set_is_a_usage_error(
    service: Service, run: Run, index: str | None, size: str | None
) -> None:
    batch = {"AWS_BATCH_JOB_ARRAY_INDEX": index, "AWS_BATCH_JOB_ARRAY_SIZE": size}

    ended = run("check", "--shard", "auto", env=batch)

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert f"AWS_BATCH_JOB_ARRAY_INDEX is `{index or ''}`" in ended.stderr.splitlines()[-1]
    assert service.calls == []


def files(folder: Path, documents: Iterable[Any]) -> list[str]:
    return [save(folder, f"{number}.json", each) for number, each in enumerate(documents, 1)]


@pytest.mark.parametrize(
    ("documents", "says"),
    [
        ([as_shard(document(), 2, 3), as_shard(document(), 3, 3)], "error: of 3 shards, 1 is missing"),
        ([as_shard(document(), 1, 1)] * 2, "error: shard 1 of 1 is in 1.json and again in 2.json"),
        ([as_shard(document(), 1, 1), document()], "the number of shards is 1 in 1.json and none in 2.json"),
        ([document(in_sync())] * 2, "a (prod) is in 1.json and again in 2.json"),
        (
            [document(), {**document(), "complete": "yes"}],
            "2.json: error: not a driftcheck result: at /complete",
        ),
        ([document(), {**document(), "format_version": "2.0"}], "2.json: error: format version '2.0'"),
    ],
)
def test_a_gap_is_one_line_and_no_report(run: Run, tmp_path: Path, documents: list[Any], says: str) -> None:
    ended = run("merge", *files(tmp_path, documents), "-o", "json=-", "-o", "r.md")

    assert (ended.exit_code, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert says in line
    assert not (tmp_path / "r.md").exists()


@pytest.mark.parametrize(
    ("documents", "options", "code"),
    [
        ([document(in_sync()), document(in_sync("b"))], [], 0),
        ([document(in_sync()), document(drifted(name="b"))], [], 2),
        ([document(in_sync()), document(drifted(name="b"))], ["--fail-on", "missing"], 0),
        ([document(in_sync()), document(drifted(name="b"), interrupted=True)], [], 1),
        ([golden_document()], [], 1),
    ],
)
def test_the_exit_code_is_that_of_check(
    run: Run, tmp_path: Path, documents: list[Any], options: list[str], code: int
) -> None:
    ended = run("merge", *files(tmp_path, documents), *options, "--quiet")

    assert (ended.exit_code, ended.stderr) == (code, "")
    assert ended.stdout


def test_a_merged_result_is_rendered_in_every_format(run: Run, tmp_path: Path) -> None:
    save(tmp_path, "one.json", golden_document())

    ended = run("merge", "one.json", "-o", "text=-", "-o", "r.html", "-o", "r.md")

    assert ended.stdout == (GOLDEN / "report.txt").read_text("utf-8")
    assert (tmp_path / "r.md").read_text("utf-8") == (GOLDEN / "report.md").read_text("utf-8")
    assert ended.stderr.splitlines() == ["wrote r.html", "wrote r.md"]
    again = run("merge", "-", "-o", "json=-", stdin=(tmp_path / "one.json").read_text("utf-8"))
    assert valid(again.stdout)["targets"] == golden_document()["targets"]
