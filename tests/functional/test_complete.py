"""A run that did not read everything says so in every format, and is not complete; what it read counts."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from driftcheck.document import loads
from tests.documents import golden_document
from tests.functional.definitions import DATA_QUALITY, MODEL_QUALITY, minimal, write_desired
from tests.functional.faults import DENIED, EXPIRED
from tests.functional.results import check

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

NAMES = [f"d{number:03}" for number in range(160)]
OTHER_ROLE = "arn:aws:iam::123456789012:role/other"
NIGHTLY = ("nightly", "--store", "kept", "-o", "json=night.json", "--publish", "site", "--quiet")


def prepare(service: Service, folder: Path, names: list[str]) -> None:
    write_desired(folder, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in names]})
    for name in names:
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))


def test_a_run_that_read_144_of_160_says_so_in_every_format(
    service: Service, run: Run, tmp_path: Path
) -> None:
    prepare(service, tmp_path, NAMES)
    service.create(DATA_QUALITY, minimal(DATA_QUALITY, "stray"))
    service.fail(DENIED, action="Describe*", name="d00*")
    service.fail(DENIED, action="Describe*", name="d01[0-5]")
    files = ["r.json", "r.txt", "r.md", "r.html", "r.xml", "r.sarif"]

    outcome = run("check", *(part for file in files for part in ("-o", file)))

    assert outcome.exit_code == 1
    texts = {file: (tmp_path / file).read_text("utf-8") for file in files}
    document = json.loads(texts.pop("r.json"))
    assert document["format_version"] == "1.1"
    assert (document["complete"], document["interrupted"]) == (False, False)
    assert document["summary"] == {
        "declared": 160,
        "read": 144,
        "in_sync": 144,
        "drifted": 0,
        "missing": 0,
        "unmanaged": 1,
        "error": 16,
        "coverage": 144 / 145,
    }
    texts["comment"] = run("comment", "r.json", "--dry-run").stdout
    assert [name for name, text in texts.items() if "144 of 160 read" not in text] == []


@pytest.mark.parametrize("args", [(), ("--no-unmanaged",)])
def test_nothing_that_was_read_is_no_coverage(
    service: Service, run: Run, tmp_path: Path, args: tuple[str, ...]
) -> None:
    prepare(service, tmp_path, ["a", "b"])
    service.fail(EXPIRED)

    result = check(run, service, *args, "-o", "r.txt", "-o", "r.md", "-o", "r.html")

    assert result.exit_code == 1
    assert (result.document["complete"], result.document["interrupted"]) == (False, False)
    assert (result.document["summary"]["read"], result.document["summary"]["coverage"]) == (0, None)
    for file in ("r.txt", "r.md", "r.html"):
        text = (tmp_path / file).read_text("utf-8")
        assert "0 of 2 read" in text
        assert "not known" in text
        assert not re.search(r"(Coverage |\| |<dd>)100%", text)


def test_what_select_names_has_a_coverage_of_its_own(service: Service, run: Run, tmp_path: Path) -> None:
    prepare(service, tmp_path, ["a-one", "b-one"])
    for name in ("a-stray", "b-stray"):
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))

    summary = check(run, service, "--select", "a-*").document["summary"]

    assert (summary["read"], summary["unmanaged"], summary["coverage"]) == (1, 1, 0.5)


def test_a_target_that_is_not_reached_makes_a_run_incomplete_although_nothing_is_declared_for_it(
    service: Service, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "driftcheck.toml").write_text(
        '[targets.a]\nregion = "eu-west-1"\n[targets.b]\nregion = "eu-west-1"\nprofile = "nobody"\n', "utf-8"
    )
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, "one")]}, targets=["a"])
    write_desired(tmp_path, {MODEL_QUALITY: []}, name="b.yaml", targets=["b"])
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "one"))

    document = check(run, service).document

    assert document["complete"] is False
    assert (document["summary"]["read"], document["summary"]["error"]) == (1, 0)
    assert document["summary"]["coverage"] is None


ROLE = '[targets.prod]\nregion = "eu-west-1"\nrole_arn = "arn:aws:iam::123456789012:role/reader"\n'


@pytest.mark.parametrize("args", [(), ("--no-unmanaged",)])
@pytest.mark.parametrize(("toml", "target"), [("", ""), (ROLE, "target: prod\n")], ids=["ambient", "role"])
def test_a_target_of_which_no_call_was_answered_is_not_reached(
    service: Service, run: Run, tmp_path: Path, args: tuple[str, ...], toml: str, target: str
) -> None:
    (tmp_path / "driftcheck.toml").write_text(toml, "utf-8")
    (tmp_path / "desired").mkdir()
    (tmp_path / "desired/desired.yaml").write_text(f"version: 1\n{target}", "utf-8")
    for action in ("List*", "Describe*", "GetCallerIdentity"):
        service.fail(DENIED, action=action)

    result = check(run, service, *args)

    assert (result.exit_code, result.document["complete"]) == (1, False)
    (told,) = result.document["targets"]
    assert told["error"]["code"] == "AccessDeniedException"
    assert told["error"]["message"].startswith("cannot reach the target: GetCallerIdentity: ")


@pytest.mark.parametrize("answers", ["List*", "GetCallerIdentity"])
def test_one_answer_of_aws_is_enough_for_a_target_to_be_reached(
    service: Service, run: Run, tmp_path: Path, answers: str
) -> None:
    write_desired(tmp_path, {})
    for action in {"List*", "GetCallerIdentity"} - {answers}:
        service.fail(DENIED, action=action)

    result = check(run, service)

    assert (result.exit_code, result.document["complete"], result.target_error) == (0, True, None)


def test_that_a_definition_does_not_exist_is_an_answer(service: Service, run: Run, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY)]})
    service.fail(DENIED, action="GetCallerIdentity")

    result = check(run, service, "--no-unmanaged")

    assert (result.exit_code, result.document["complete"], result.target_error) == (2, True, None)


def test_a_night_without_any_answer_is_no_complete_one(service: Service, run: Run, tmp_path: Path) -> None:
    (tmp_path / "driftcheck.toml").write_text('[nightly.metrics]\ntextfile = "m.prom"\n', "utf-8")
    write_desired(tmp_path, {})
    service.fail(DENIED)

    outcome = run(*NIGHTLY)

    assert outcome.exit_code == 1
    assert json.loads((tmp_path / "night.json").read_text("utf-8"))["complete"] is False
    assert not re.search(r"(?m)^driftcheck_last_complete", (tmp_path / "m.prom").read_text("utf-8"))


@pytest.mark.parametrize("args", [(), ("--no-unmanaged",)])
def test_shards_say_together_what_one_run_says(
    service: Service, run: Run, tmp_path: Path, args: tuple[str, ...]
) -> None:
    prepare(service, tmp_path, NAMES[:20])
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "stray"))
    service.fail(DENIED, action="Describe*", name="d007")
    whole = check(run, service, *args).document
    for index in (1, 2):
        assert run("check", "--shard", f"{index}/2", *args, "-o", f"{index}.json").exit_code in {0, 1}

    merged = run("merge", "1.json", "2.json", "-o", "json=-").document()

    members = ("complete", "interrupted", "summary", "targets")
    assert {name: merged[name] for name in members} == {name: whole[name] for name in members}
    assert whole["summary"]["coverage"] == (None if args else 19 / 20)
    assert whole["complete"] is False


def test_one_that_is_denied_for_ever_ends_nothing_for_the_others(
    service: Service, run: Run, tmp_path: Path
) -> None:
    prepare(service, tmp_path, ["a", "denied"])
    service.fail(DENIED, action="Describe*", name="denied")
    assert run(*NIGHTLY).exit_code == 1
    service.mutate(MODEL_QUALITY, "a", ("RoleArn",), OTHER_ROLE)
    assert run(*NIGHTLY).exit_code == 1
    service.mutate(MODEL_QUALITY, "a", ("RoleArn",), minimal(MODEL_QUALITY)["RoleArn"])
    assert run(*NIGHTLY).exit_code == 1

    episodes = courses(tmp_path)["a"]["episodes"]
    assert [(each["status"], each["until"] is None) for each in episodes] == [("drifted", False)]
    page = (tmp_path / "site" / "definitions" / "default" / MODEL_QUALITY / "a.html").read_text("utf-8")
    assert "Repaired: in sync with the run of" in page
    front = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert "<h1>1 of 2 definitions could not be compared</h1>" in front
    assert "No run has been complete yet" in front
    assert "1 of 2 read" in front
    assert '<div id="alive" class="alive late"' in front


def test_a_night_without_an_answer_changes_nothing_that_is_known(
    service: Service, run: Run, tmp_path: Path
) -> None:
    prepare(service, tmp_path, ["a", "b"])
    service.mutate(MODEL_QUALITY, "a", ("RoleArn",), OTHER_ROLE)
    service.create(DATA_QUALITY, minimal(DATA_QUALITY, "stray"))
    assert run(*NIGHTLY).exit_code == 2
    before = courses(tmp_path)
    service.fail(EXPIRED)
    assert run(*NIGHTLY).exit_code == 1

    after = courses(tmp_path)
    assert after["a"]["episodes"][0] == before["a"]["episodes"][0]
    assert [each["status"] for each in after["b"]["episodes"]] == ["error"]
    assert (after["stray"]["is_there"], after["stray"]["episodes"]) == (True, before["stray"]["episodes"])
    front = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert "<strong>1 run since then not complete</strong>" in front
    assert "0 of 2 read" in front
    assert '<div id="alive" class="alive late"' in front


@pytest.mark.parametrize("how", ["denied", "not asked for"])
def test_what_is_unmanaged_is_not_gone_where_it_was_not_listed(
    service: Service, run: Run, tmp_path: Path, how: str
) -> None:
    prepare(service, tmp_path, ["a"])
    service.create(DATA_QUALITY, minimal(DATA_QUALITY, "stray"))
    assert run(*NIGHTLY).exit_code == 0
    args: tuple[str, ...] = ("--no-unmanaged",)
    if how == "denied":
        args = ()
        service.fail(DENIED, action="ListDataQuality*", times=1)

    assert run(*NIGHTLY, *args).exit_code == 0

    assert courses(tmp_path)["stray"]["episodes"][0]["until"] is None
    front = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert "<dt>coverage</dt><dd>not known</dd>" in front
    service.delete(DATA_QUALITY, "stray")
    assert run(*NIGHTLY).exit_code == 0
    assert courses(tmp_path)["stray"]["episodes"][0]["until"] is not None


def courses(folder: Path) -> dict[str, Any]:
    lines = (folder / "kept" / "derived" / "history.json").read_text("utf-8").splitlines()
    return {each[2]: each[3] for each in json.loads(lines[2])["courses"]}


OLD = {
    "format_version": "1.0",
    "complete": True,
    "summary": {
        "declared": 6,
        "in_sync": 2,
        "drifted": 2,
        "missing": 1,
        "unmanaged": 1,
        "error": 1,
        "coverage": 6 / 7,
    },
}


def old(**members: Any) -> dict[str, Any]:
    """The golden result as 0.1 wrote it."""
    made: Any = golden_document()
    del made["interrupted"]
    for target in made["targets"]:
        del target["listed"]
    return {**made, **OLD, **members}


def settled(**members: Any) -> tuple[Any, ...]:
    found = loads(json.dumps(old(**members)), "old.json")
    return found["complete"], found["interrupted"], found["summary"]["read"], found["summary"]["coverage"]


def test_a_result_of_0_1_is_read_with_the_meaning_of_today(run: Run, tmp_path: Path) -> None:
    # complete then was what is not interrupted now; a list of prod-us was denied
    assert settled() == (False, False, 5, None)
    assert settled(complete=False) == (False, True, 5, None)
    reached = [{**each, "error": None} for each in old()["targets"]]
    assert settled(targets=reached) == (False, False, 5, 5 / 6)
    resources = old()["resources"]
    late = [
        {**each, "error": {"code": "DeadlineExceeded", "message": "x"} if each["error"] else None}
        for each in resources
    ]
    assert settled(targets=reached, resources=late)[:2] == (False, True)
    read = [each for each in resources if not each["error"]]
    summary: Any = {**OLD["summary"], "declared": 5, "error": 0}  # type: ignore[dict-item]
    assert settled(targets=reached, resources=read, summary=summary) == (True, False, 5, 5 / 6)
    warned = [{"code": "unmanaged-not-looked-for", "message": "prod-eu: x", "source": None}]
    assert settled(targets=reached, resources=read, summary=summary, warnings=warned) == (
        *(True, False, 5, None),
    )

    (tmp_path / "old.json").write_text(json.dumps(old()), "utf-8")
    outcome = run("report", "old.json", "-o", "json=-")
    assert outcome.exit_code == 0
    assert outcome.document()["format_version"] == "1.1"
    assert "5 of 6 read" in run("report", "old.json").stdout
