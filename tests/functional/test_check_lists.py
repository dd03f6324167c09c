"""What exists and no file declares: the pages of List, and what becomes of a list that fails."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.cloud import Paging
from tests.functional.definitions import ACCOUNT, DATA_QUALITY, KINDS, MODEL_QUALITY, minimal, write_desired
from tests.functional.faults import DENIED, EXPIRED, INTERNAL, Answer, Behaviour, Delay, Hang, Refuse
from tests.functional.results import check

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Run
    from tests.functional.service import Service

DECLARED = [f"declared-{number}" for number in range(3)]
STRAY = [f"stray-{number:03}" for number in range(7)]
RIGHT = dict.fromkeys(DECLARED, "in_sync")
FROM_FIVE = base64.b64encode(b"from 05").decode()
"""Another token than the fake's own for the same place."""
ALL = RIGHT | dict.fromkeys(STRAY, "unmanaged")


@pytest.fixture(autouse=True)
def _ten_definitions(service: Service, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in DECLARED]})
    for name in (*DECLARED, *STRAY):
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))


@pytest.mark.parametrize("paging", [Paging(), Paging(size=1), Paging(size=4), Paging(empty_first=True)])
def test_every_page_is_read(service: Service, run: Run, paging: Paging) -> None:
    service.paging = paging

    result = check(run, service, "--fail-on", "unmanaged")

    assert (result.exit_code, result.statuses) == (2, ALL)
    assert result.document["summary"]["coverage"] == 0.3
    assert {call.parameters["MaxResults"] for call in service.called("List*")} == {100}


def test_an_empty_page_in_the_middle_is_not_the_last(service: Service, run: Run) -> None:
    service.paging = Paging(size=5)
    service.fail(
        Answer({"JobDefinitionSummaries": [], "NextToken": FROM_FIVE}),
        action="ListModelQuality*",
        skip=1,
        times=1,
    )

    assert check(run, service).statuses == ALL
    assert len(service.called("ListModelQuality*")) == 3


def test_a_page_that_names_one_again_counts_it_once(service: Service, run: Run) -> None:
    service.paging = Paging(size=5)
    service.fail(
        Answer(
            {
                "JobDefinitionSummaries": [
                    {
                        "MonitoringJobDefinitionName": name,
                        "MonitoringJobDefinitionArn": f"arn:aws:sagemaker:::x/{name}",
                        "CreationTime": 1763625600,
                    }
                    for name in ("stray-000", "stray-000", "declared-0")
                ],
                "NextToken": FROM_FIVE,
            }
        ),
        action="ListModelQuality*",
        skip=1,
        times=1,
    )

    result = check(run, service)

    assert result.statuses == ALL
    assert result.document["summary"]["unmanaged"] == 7


def test_a_token_that_repeats_ends_in_an_error_of_the_target(service: Service, run: Run) -> None:
    service.paging = Paging(size=5, repeats=True)

    result = check(run, service)

    assert result.exit_code == 1
    assert result.target_error is not None
    assert result.target_error["code"] == "EndlessList"
    assert {name: result.statuses[name] for name in DECLARED} == RIGHT
    assert len(service.calls) < 20


def test_pages_that_never_end_and_name_nothing_new(service: Service, run: Run) -> None:
    for number in range(200):
        body = {"JobDefinitionSummaries": [], "NextToken": f"token-{number}"}
        service.fail(Answer(body), action="ListModelQuality*", times=1)

    result = check(run, service)

    assert result.exit_code == 1
    assert result.target_error is not None
    assert result.target_error["code"] == "EndlessList"
    assert {name: result.statuses[name] for name in DECLARED} == RIGHT


@pytest.mark.parametrize(
    ("does", "code"),
    [
        (DENIED, "AccessDeniedException"),
        (EXPIRED, "ExpiredTokenException"),
        (Answer(b"<html>"), "DamagedAnswer"),
        (Answer({}), "DamagedAnswer"),
        (Answer({"JobDefinitionSummaries": None}), "DamagedAnswer"),
        (Answer({"JobDefinitionSummaries": {}}), "DamagedAnswer"),
        (Answer({"JobDefinitionSummaries": [{"CreationTime": 1}]}), "DamagedAnswer"),
        (Answer({"JobDefinitionSummaries": [{"MonitoringJobDefinitionName": None}]}), "DamagedAnswer"),
        (
            Answer(
                '{"JobDefinitionSummaries": [{"MonitoringJobDefinitionName": "a",'
                '"CreationTime": "0001-01-01T00:00:00+10:00"}]}'
            ),
            "DamagedAnswer",
        ),
    ],
)
def test_a_list_of_a_declared_kind_that_fails_is_an_error_of_the_target(
    service: Service, run: Run, does: Behaviour, code: str
) -> None:
    service.fail(does, action="ListModelQuality*")

    result = check(run, service)

    assert result.exit_code == 1
    assert result.statuses == RIGHT
    assert result.target_error is not None
    assert result.target_error["code"] == code
    assert "ListModelQualityJobDefinitions" in result.target_error["message"]
    # all that is declared was read, and what else exists is not known
    assert (result.document["complete"], result.document["summary"]["coverage"]) == (True, None)
    assert MODEL_QUALITY not in result.document["targets"][0]["listed"]


@pytest.mark.parametrize(("drifted", "expected"), [(False, 0), (True, 2)])
def test_a_list_of_another_kind_that_is_denied_is_a_warning(
    service: Service, run: Run, drifted: bool, expected: int
) -> None:
    service.fail(DENIED, action="ListDataQuality*")
    if drifted:
        service.mutate(MODEL_QUALITY, "declared-0", ("RoleArn",), "arn:aws:iam::123456789012:role/other")

    result = check(run, service)

    assert result.exit_code == expected
    assert result.target_error is None
    assert result.warnings == ["unmanaged-not-looked-for"]
    (warning,) = result.document["warnings"]
    assert DATA_QUALITY in warning["message"]
    assert (result.document["complete"], result.document["summary"]["coverage"]) == (True, None)
    assert result.document["targets"][0]["listed"] == sorted({*KINDS} - {DATA_QUALITY})
    assert {name: result.statuses[name] for name in STRAY} == dict.fromkeys(STRAY, "unmanaged")


@pytest.mark.parametrize("does", [DENIED, Refuse(400, "ValidationException", "no")])
def test_of_several_lists_that_fail_every_run_tells_the_same(
    service: Service, run: Run, does: Behaviour
) -> None:
    service.fail(Delay(0.5), action="ListDataQuality*")
    service.fail(does, action="List*")

    document = check(run, service).document

    said = [each["message"] for each in document["warnings"]]
    assert said == sorted(said)
    error = document["targets"][0]["error"]
    assert DATA_QUALITY in (said[0] if does == DENIED else error["message"])


LISTS = [f"sagemaker:List{kind}s" for kind in sorted(KINDS)]


def deny_lists(service: Service) -> None:
    """Every List is refused as AWS does it, with its own action in the message."""
    for action in LISTS:
        user = f"arn:aws:sts::{ACCOUNT}:assumed-role/checker/ann"
        says = (
            f"User: {user} is not authorized to perform: {action} because no identity-based policy allows it"
        )
        service.fail(Refuse(400, "AccessDeniedException", says), action=action.split(":")[1])


def test_one_line_names_every_list_that_is_denied_of_kinds_that_files_declare(
    service: Service, run: Run, tmp_path: Path
) -> None:
    write_desired(tmp_path, {kind: [] for kind in KINDS if kind != MODEL_QUALITY}, name="none.yaml")
    deny_lists(service)

    text = " ".join(run("check").stdout.split()).replace("| ", "")

    assert text.count("What to do:") == 1
    actions = ", ".join(f"`{action}`" for action in LISTS)
    assert f"What to do: allow {actions}: `driftcheck iam-policy` prints the policy" in text
    assert "unmanaged-not-looked-for" not in text
    for index in (1, 2, 3):
        run("check", "--shard", f"{index}/3", "-o", f"{index}.json")
    merged = " ".join(run("merge", "1.json", "2.json", "3.json").stdout.split()).replace("| ", "")
    assert f"What to do: allow {actions}: `driftcheck iam-policy` prints the policy" in merged


def test_kinds_that_no_file_declares_and_that_may_not_be_listed_are_one_warning(
    service: Service, run: Run
) -> None:
    deny_lists(service)

    result = check(run, service)

    others = sorted({*KINDS} - {MODEL_QUALITY})
    actions = ", ".join(f"`sagemaker:List{kind}s`" for kind in others)
    kinds = ", ".join(f"{kind}s" for kind in others)
    says = (
        f"default: unmanaged {kinds} are not looked for: AccessDeniedException; "
        f"allow {actions}: `driftcheck iam-policy` prints the policy, or run with --no-unmanaged"
    )
    assert [each["message"] for each in result.document["warnings"]] == [says]
    for index in (1, 2, 3):
        run("check", "--shard", f"{index}/3", "-o", f"{index}.json")
    merged = run("merge", "1.json", "2.json", "3.json", "-o", "json=-").document()
    assert [each["message"] for each in merged["warnings"]] == [says]


def test_an_empty_list_in_a_file_declares_its_kind(service: Service, run: Run, tmp_path: Path) -> None:
    write_desired(tmp_path, {DATA_QUALITY: []}, name="none.yaml")
    service.fail(DENIED, action="ListDataQuality*")

    assert check(run, service).exit_code == 1


@pytest.mark.parametrize(("does", "code"), [(INTERNAL, "InternalFailure"), (Hang(), "Timeout")])
def test_a_list_of_another_kind_that_fails_otherwise_is_an_error_of_the_target(
    service: Service, run: Run, does: Behaviour, code: str
) -> None:
    service.fail(does, action="ListModelBias*")

    result = check(run, service, "--timeout", "3")

    assert result.exit_code == 1
    assert result.statuses == ALL
    assert result.target_error is not None
    assert result.target_error["code"] in {code, f"Read{code}"}


def test_definitions_of_batch_transforms_are_listed_without_an_endpoint(
    service: Service, run: Run, sagemaker: Any
) -> None:
    service.create(DATA_QUALITY, minimal(DATA_QUALITY, "batch", "batch"))

    assert check(run, service).statuses["batch"] == "unmanaged"


@pytest.mark.parametrize("command", [("check",), ("nightly", "--store", "kept")])
def test_to_fail_on_what_is_not_looked_for_is_a_usage_error(
    service: Service, run: Run, command: tuple[str, ...]
) -> None:
    ended = run(*command, "--no-unmanaged", "--fail-on", "drifted,unmanaged")

    assert (ended.exit_code, ended.stdout, service.calls) == (1, "", [])
    assert "nothing unmanaged is looked for with --no-unmanaged" in ended.stderr


def test_merge_fails_on_nothing_that_its_parts_have_not_looked_for(run: Run) -> None:
    assert run("check", "--no-unmanaged", "-o", "part.json").exit_code == 0

    ended = run("merge", "part.json", "--fail-on", "unmanaged")

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "part.json: nothing unmanaged is looked for with --no-unmanaged" in ended.stderr
    assert run("merge", "part.json").exit_code == 0


def test_to_fail_on_unmanaged_every_kind_has_to_be_listed(service: Service, run: Run) -> None:
    service.fail(DENIED, action="ListModelBias*")

    assert run("check", "-o", "part.json").exit_code == 0
    failing = ("--fail-on", "unmanaged", "-o", "text=-")
    for ended in (run("check", *failing), run("merge", "part.json", *failing)):
        assert ended.exit_code == 1
        assert "7 unmanaged" in ended.stdout
        assert "error: --fail-on unmanaged: what exists could not be listed whole" in ended.stderr
    assert run("nightly", "--store", "kept", *failing).exit_code == 1
    assert run("check", "--fail-on", "none").exit_code == 0


def test_a_shard_fails_on_unmanaged_by_the_kinds_that_are_its_own(service: Service, run: Run) -> None:
    shards = ("1/3", "2/3", "3/3")
    options = ("--fail-on", "unmanaged", "--quiet")

    codes = [run("check", "--shard", shard, *options).exit_code for shard in shards]

    assert sorted(codes) == [0, 0, 2]
    service.fail(DENIED, action="ListModelBias*")
    codes = [run("check", "--shard", shard, *options).exit_code for shard in shards]
    assert codes.count(1) == 1
