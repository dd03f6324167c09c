"""One fleet checked whole, in shards and target by target; ``merge`` makes the same document of each."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.documents import GOLDEN, as_part, as_shard, document, drifted, golden_document, in_sync
from tests.functional.definitions import ACCOUNT, MODEL_BIAS, REGION, minimal, write_desired
from tests.functional.fleet import REGIONS, SIZE, build, without_times
from tests.functional.results import Result, check, held, valid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
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
    # shards start when they do
    assert [each for each in result.document if each != "last_started_at"] == list(whole.document)
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
        (
            [as_shard(document(), 1, 1), as_part(document())],
            "number of shards is 1 in 1.json and none in 2.json",
        ),
        ([as_part(document(in_sync()))] * 2, "a (prod) is in 1.json and again in 2.json"),
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


def of_two_checkouts(run: Run, folder: Path, change: Callable[[], object]) -> list[str]:
    """What merge says of two shards between which something changes; without that they go together."""
    for index in (1, 2):
        assert run("check", "--shard", f"{index}/2", "-o", f"{index}.json").exit_code in {0, 2}
    assert run("merge", "1.json", "2.json").exit_code in {0, 2}
    change()
    assert run("check", "--shard", "2/2", "-o", "2.json").exit_code in {0, 2}

    ended = run("merge", "1.json", "2.json", "-o", "json=-")

    assert (ended.exit_code, ended.stdout) == (1, "")
    return ended.stderr.splitlines()


PLACE = f'region = "{REGION}"\naccount = "{ACCOUNT}"\n'
CONTENTS = "the digest of target prod and of what files declare for it"


@pytest.mark.parametrize(
    ("toml", "declared"),
    [
        (("", ""), {"RoleArn": "arn:aws:iam::123456789012:role/other"}),
        (("", ""), {"lifecycle": {"ignore_changes": ["RoleArn"]}}),
        (("", ""), {"lifecycle": {"sensitive": ["RoleArn"]}}),
        ((f'account = "{ACCOUNT}"', ""), {}),
        ((PLACE, f'{PLACE}role_arn = "arn:aws:iam::{ACCOUNT}:role/x"\n'), {}),
        ((REGION, "us-east-1"), {}),
        (('bucket = "x"', 'bucket = "y"'), {}),
        (("[targets.prod]\n", '[redact]\nplain_keys = ["S3_KEY"]\n[targets.prod]\n'), {}),
    ],
    ids=["content", "ignore", "sensitive", "account", "role", "region", "variable", "plain_keys"],
)
def test_shards_of_checkouts_that_differ_are_refused(
    service: Service, run: Run, tmp_path: Path, toml: tuple[str, str], declared: dict[str, Any]
) -> None:
    definitions: list[Any] = [minimal(MODEL_BIAS, f"d{number}") for number in range(6)]
    definitions[0]["ModelBiasAppSpecification"]["Environment"] = {"BUCKET": "${var.bucket}"}
    for definition in definitions:
        service.create(MODEL_BIAS, definition)
    text = f'[targets.prod]\n{PLACE}[targets.prod.vars]\nbucket = "x"\n'

    def write(replaced: tuple[str, str], **more: Any) -> None:
        (tmp_path / "driftcheck.toml").write_text(text.replace(*replaced), "utf-8")
        write_desired(tmp_path, {MODEL_BIAS: [*definitions[:-1], definitions[-1] | more]}, target="prod")

    write(("", ""))
    lines = of_two_checkouts(run, tmp_path, lambda: write(toml, **declared))

    assert CONTENTS in lines[-1]
    assert lines[-1].endswith(": make both of the same files and driftcheck.toml")


def test_results_of_targets_from_checkouts_that_differ_are_refused(
    service: Service, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "driftcheck.toml").write_text(f"[targets.a]\n{PLACE}[targets.b]\n{PLACE}", "utf-8")
    moving = minimal(MODEL_BIAS, "moving")
    for target in ("a", "b"):
        declared = [minimal(MODEL_BIAS, f"of-{target}"), *([moving] if target == "b" else [])]
        write_desired(tmp_path, {MODEL_BIAS: declared}, f"{target}.yaml", target=target)
        service.create(MODEL_BIAS, minimal(MODEL_BIAS, f"of-{target}"))
    assert run("check", "--target", "a", "-o", "a.json").exit_code == 0
    # it is moved to the target that was checked, so nobody has looked at it
    write_desired(tmp_path, {MODEL_BIAS: [minimal(MODEL_BIAS, "of-a"), moving]}, "a.yaml", target="a")
    write_desired(tmp_path, {MODEL_BIAS: [minimal(MODEL_BIAS, "of-b")]}, "b.yaml", target="b")
    assert run("check", "--target", "b", "-o", "b.json").exit_code == 0

    ended = run("merge", "a.json", "b.json")

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert [line.partition(" is ")[0] for line in ended.stderr.splitlines()] == [
        f"error: the digest of target {target} and of what files declare for it" for target in ("a", "b")
    ]


def test_a_shard_of_last_week_is_refused_unless_that_is_allowed(
    service: Service, run: Run, tmp_path: Path
) -> None:
    write_desired(tmp_path, {MODEL_BIAS: [minimal(MODEL_BIAS, f"d{number}") for number in range(6)]})
    for number in range(6):
        service.create(MODEL_BIAS, minimal(MODEL_BIAS, f"d{number}"))
    for index in (1, 2):
        assert run("check", "--shard", f"{index}/2", "-o", f"{index}.json").exit_code == 0
    old = json.loads((tmp_path / "1.json").read_text("utf-8"))
    began = datetime.fromisoformat(old["started_at"]) - timedelta(days=6)
    save(tmp_path, "1.json", old | {"started_at": f"{began:%Y-%m-%dT%H:%M:%SZ}"})

    refused = run("merge", "1.json", "2.json")
    allowed = run("merge", "1.json", "2.json", "--max-age", "7d")

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.endswith("further apart than --max-age: run the older part again\n")
    assert (allowed.exit_code, allowed.stderr) == (0, "")
    assert "is no age" in run("merge", "1.json", "2.json", "--max-age", "7").stderr


def test_a_shard_from_which_entries_were_taken_is_refused(service: Service, run: Run, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_BIAS: [minimal(MODEL_BIAS, f"d{number}") for number in range(6)]})
    for index in (1, 2):
        assert run("check", "--shard", f"{index}/2", "-o", f"{index}.json").exit_code == 2
    cut = json.loads((tmp_path / "2.json").read_text("utf-8"))
    del cut["resources"][0]
    save(tmp_path, "2.json", cut)

    ended = run("merge", "1.json", "2.json")

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr == (
        "error: 2.json does not have the definitions and targets that it was written with: "
        "take the result as check wrote it\n"
    )


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
    ended = run("merge", *files(tmp_path, map(as_part, documents)), *options, "--quiet")

    assert (ended.exit_code, ended.stderr) == (code, "")
    assert ended.stdout


def test_a_merged_result_is_rendered_in_every_format(run: Run, tmp_path: Path) -> None:
    save(tmp_path, "one.json", as_part(golden_document()))

    ended = run("merge", "one.json", "-o", "text=-", "-o", "r.html", "-o", "r.md")

    assert ended.stdout == (GOLDEN / "report.txt").read_text("utf-8")
    assert (tmp_path / "r.md").read_text("utf-8") == (GOLDEN / "report.md").read_text("utf-8")
    assert ended.stderr.splitlines() == ["wrote r.html", "wrote r.md"]
    again = run("merge", "-", "-o", "json=-", stdin=(tmp_path / "one.json").read_text("utf-8"))
    assert valid(again.stdout)["targets"] == golden_document()["targets"]
