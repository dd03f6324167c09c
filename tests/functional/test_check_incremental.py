"""``check --incremental``: what was not recreated is not described again, and nothing is missed for it."""

from __future__ import annotations

import json
import os
import re
import signal
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.cloud import ABSENT
from tests.functional.definitions import ACCOUNT, KINDS, MODEL_QUALITY, minimal, write_desired
from tests.functional.faults import DENIED, INTERNAL, Answer, Hang
from tests.functional.results import Result, check, held

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.conftest import Launch, Run
    from tests.functional.service import Service

pytestmark = pytest.mark.slow

OLD = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
OTHER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/other"
INCREMENTAL = ("--incremental", "--state", "state")
BIAS = "ModelBiasJobDefinition"


@pytest.fixture(autouse=True)
def _fleet(service: Service, tmp_path: Path) -> None:
    """Four definitions of two kinds: three as declared, one that is gone."""
    declared: dict[str, list[dict[str, Any]]] = {
        MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in ("a", "b", "gone")],
        BIAS: [minimal(BIAS, "a-bias")],
    }
    write_desired(tmp_path, declared)
    for kind, definitions in declared.items():
        for definition in definitions:
            if definition["JobDefinitionName"] != "gone":
                service.create(kind, definition, created_at=OLD)


def again(run: Run, service: Service, *args: str, **env: str) -> tuple[Result, list[str]]:
    """A further run, and the names that it described."""
    service.calls.clear()
    result = check(run, service, *INCREMENTAL, *args, env=env)
    return result, sorted(call.name for call in service.called("Describe*"))


def resources(result: Result) -> Any:
    return result.document["resources"]


def test_what_list_shows_unchanged_is_not_described_again(service: Service, run: Run) -> None:
    first, described = again(run, service)
    assert (first.exit_code, described) == (2, ["a", "a-bias", "b", "gone"])

    second, described = again(run, service)

    # what List does not show is confirmed
    assert described == ["gone"]
    assert len(service.called("List*")) == len(KINDS)
    assert resources(second) == resources(first)
    assert (second.exit_code, second.warnings) == (2, [])


def test_without_looking_for_unmanaged_the_declared_kinds_alone_are_listed(
    service: Service, run: Run
) -> None:
    again(run, service)
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "stray"))

    result, described = again(run, service, "--no-unmanaged")

    assert described == ["gone"]
    assert sorted(call.action for call in service.called("List*")) == [
        f"List{BIAS}s",
        f"List{MODEL_QUALITY}s",
    ]
    assert "stray" not in result.statuses


def test_what_was_recreated_is_described(service: Service, run: Run) -> None:
    again(run, service)
    service.mutate(MODEL_QUALITY, "b", ("RoleArn",), OTHER_ROLE, recreated_at=OLD + timedelta(hours=1))

    result, described = again(run, service)

    assert described == ["b", "gone"]
    assert result.statuses == {"a": "in_sync", "b": "drifted", "gone": "missing", "a-bias": "in_sync"}
    # and is known from then on, drifted as it is
    result, described = again(run, service)
    assert (result.statuses["b"], described) == ("drifted", ["gone"])
    assert [path for path, *_ in result.changes("b")] == [("RoleArn",)]


def test_what_was_recreated_as_it_was_is_in_sync_with_its_new_time(service: Service, run: Run) -> None:
    again(run, service)
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "b"), created_at=OLD + timedelta(seconds=1))

    result, described = again(run, service)

    assert described == ["b", "gone"]
    assert result.statuses["b"] == "in_sync"
    assert result.named("b")["created_at"] == f"{OLD + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"


def test_what_was_described_soon_after_its_creation_is_described_again(service: Service, run: Run) -> None:
    # recreated within the second of its creation, it would show the same time with other content
    just = datetime.now(UTC) - timedelta(minutes=1)
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "b"), created_at=just)
    again(run, service)
    service.mutate(MODEL_QUALITY, "b", ("RoleArn",), OTHER_ROLE, recreated_at=just)

    result, described = again(run, service)

    assert described == ["b", "gone"]
    assert result.statuses["b"] == "drifted"


def test_what_was_deleted_is_missing_and_what_came_back_is_described(service: Service, run: Run) -> None:
    again(run, service)
    service.delete(MODEL_QUALITY, "a")
    service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, "gone"), created_at=OLD)

    result, described = again(run, service)

    assert described == ["a", "gone"]
    assert (result.statuses["a"], result.statuses["gone"]) == ("missing", "in_sync")


def test_what_was_deleted_and_list_still_shows_is_as_it_was_until_the_age_is_over(
    service: Service, run: Run
) -> None:
    again(run, service)
    call = next(call for call in reversed(service.calls) if call.action == f"List{MODEL_QUALITY}s")
    before = service.reply(call)
    service.delete(MODEL_QUALITY, "b")
    service.fail(Answer(before.body), action=f"List{MODEL_QUALITY}s")

    lagging, described = again(run, service)
    assert (lagging.statuses["b"], "b" in described) == ("in_sync", False)
    over, described = again(run, service, "--max-age", "0s")
    assert (over.statuses["b"], "b" in described) == ("missing", True)

    service.faults.clear()
    assert again(run, service)[0].statuses["b"] == "missing"


def test_changed_files_are_compared_with_what_is_known(service: Service, run: Run, tmp_path: Path) -> None:
    again(run, service)
    file = tmp_path / "desired" / "desired.yaml"
    file.write_text(re.sub(r"VolumeSizeInGB: \d+", "VolumeSizeInGB: 77", file.read_text("utf-8")), "utf-8")

    result, described = again(run, service)

    assert described == ["gone"]
    assert result.statuses["a"] == result.statuses["b"] == "drifted"
    ((path, change, desired, _),) = result.changes("a")
    assert (path[-1], change, desired) == ("VolumeSizeInGB", "changed", 77)


def test_tags_are_read_in_every_run(service: Service, run: Run, tmp_path: Path) -> None:
    tagged = {**minimal(MODEL_QUALITY, "a"), "Tags": [{"Key": "team", "Value": "risk"}]}
    write_desired(tmp_path, {MODEL_QUALITY: [tagged]})
    service.create(MODEL_QUALITY, tagged, created_at=OLD)
    assert again(run, service)[0].statuses["a"] == "in_sync"
    service.mutate(MODEL_QUALITY, "a", ("Tags",), [{"Key": "team", "Value": "ops"}], recreated_at=OLD)

    result, described = again(run, service)

    assert described == []
    assert result.statuses["a"] == "drifted"


def test_another_account_behind_the_same_name_is_described(service: Service, run: Run) -> None:
    again(run, service)
    other = "210987654321"
    service.accounts["AKIAOTHEROTHEROTHER1"] = other
    for name in ("a", "b"):
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name), account=other, created_at=OLD)
    service.mutate(MODEL_QUALITY, "a", ("RoleArn",), OTHER_ROLE, account=other, recreated_at=OLD)

    result, described = again(run, service, AWS_ACCESS_KEY_ID="AKIAOTHEROTHEROTHER1")

    assert described == ["a", "a-bias", "b", "gone"]
    assert result.statuses == {"a": "drifted", "b": "in_sync", "gone": "missing", "a-bias": "missing"}


@pytest.mark.parametrize("fault", [DENIED, INTERNAL, Answer("{}")])
def test_where_list_fails_everything_is_described(service: Service, run: Run, fault: Any) -> None:
    again(run, service)
    service.fail(fault, action=f"List{MODEL_QUALITY}s")

    result, described = again(run, service, "--timeout", "3")

    assert described == ["a", "b", "gone"]
    assert result.statuses == {"a": "in_sync", "b": "in_sync", "gone": "missing", "a-bias": "in_sync"}


def test_an_interrupt_while_lists_are_read_leaves_a_result(
    service: Service, run: Run, launch: Launch
) -> None:
    again(run, service)
    service.calls.clear()
    service.fail(Hang(), action=f"List{MODEL_QUALITY}s")
    running = launch("check", *INCREMENTAL, "-o", "json=-")
    service.wait_for(len(KINDS), "List*")
    running.signal(signal.SIGINT)

    result = held(running.finish(), service)

    assert (result.exit_code, result.document["complete"]) == (130, False)
    assert {name: result.statuses[name] for name in ("a", "b", "gone")} == dict.fromkeys(
        ("a", "b", "gone"), "error"
    )
    assert {result.errors[name] for name in ("a", "b", "gone")} == {"Interrupted"}
    # what was known still is
    service.faults.clear()
    assert again(run, service)[1] == ["gone"]


def test_a_deadline_while_lists_are_read_leaves_a_result(service: Service, run: Run) -> None:
    again(run, service)
    service.fail(Hang(), action=f"List{MODEL_QUALITY}s")

    result, described = again(run, service, "--deadline", "3")

    assert (result.exit_code, described) == (1, [])
    assert result.statuses == {"a": "error", "b": "error", "gone": "error", "a-bias": "in_sync"}
    assert set(result.errors.values()) == {"DeadlineExceeded"}


def _cut(text: str) -> str:
    return text[: len(text) // 2]


def _altered(text: str) -> str:
    return text.replace("role", "rule")


def _of_another_version(text: str) -> str:
    return text.replace('"made_by": "driftcheck', '"made_by": "driftcheck 0.0.1')


def _aged(text: str) -> str:
    return re.sub(r'"since": "\d+', '"since": "2020', text)


def _emptied(_: str) -> str:
    return ""


def _hollow(_: str) -> str:
    return "{}\n[]"


@pytest.mark.parametrize("spoil", [_cut, _altered, _of_another_version, _aged, _emptied, _hollow])
def test_state_that_cannot_be_relied_on_is_not_used(
    service: Service, run: Run, tmp_path: Path, spoil: Any
) -> None:
    again(run, service)
    file = tmp_path / "state" / "default.state"
    spoilt = spoil(file.read_text("utf-8"))
    assert spoilt != file.read_text("utf-8")
    file.write_text(spoilt, "utf-8")

    result, described = again(run, service)

    assert described == ["a", "a-bias", "b", "gone"]
    assert result.warnings == ["state-not-used"]
    # it is replaced
    assert again(run, service)[1] == ["gone"]


def test_state_is_used_up_to_its_age(service: Service, run: Run, tmp_path: Path) -> None:
    again(run, service)
    file = tmp_path / "state" / "default.state"
    since = datetime.now(UTC) - timedelta(hours=5)
    text = re.sub(r'"since": "[^"]+"', f'"since": "{since.isoformat()}"', file.read_text("utf-8"))
    file.write_text(text, "utf-8")

    assert again(run, service, "--max-age", "6h")[1] == ["gone"]
    # a run that describes little does not make what is known any younger
    assert again(run, service, "--max-age", "4h")[1] == ["a", "a-bias", "b", "gone"]


def test_nothing_sensitive_is_kept(service: Service, run: Run, tmp_path: Path) -> None:
    secret = minimal(MODEL_QUALITY, "a")
    secret["ModelQualityAppSpecification"]["Environment"] = {"DB_PASSWORD": "correct horse"}
    write_desired(tmp_path, {MODEL_QUALITY: [secret, minimal(MODEL_QUALITY, "b")]})
    service.create(MODEL_QUALITY, secret, created_at=OLD)
    again(run, service)

    assert "correct horse" not in (tmp_path / "state" / "default.state").read_text("utf-8")
    result, described = again(run, service)
    assert (described, result.statuses["a"]) == (["a"], "in_sync")


@pytest.mark.parametrize("what", ["fifo", "device"])
def test_state_that_is_no_file_is_not_read(service: Service, run: Run, tmp_path: Path, what: str) -> None:
    (tmp_path / "state").mkdir()
    state = tmp_path / "state" / "default.state"
    if what == "fifo":
        os.mkfifo(state)
    else:
        state.symlink_to("/dev/zero")

    result = check(run, service, *INCREMENTAL)

    assert "state-not-used" in result.warnings
    assert "it is not a regular file" in str(result.document["warnings"])


def test_what_became_sensitive_is_in_the_state_no_more(service: Service, run: Run, tmp_path: Path) -> None:
    environment = ("ModelQualityAppSpecification", "Environment")
    declared = [minimal(MODEL_QUALITY, name) for name in ("a", "b", "moved")]
    for definition, key in zip(declared, ("DB_URL", "S3_KEY", "OTHER"), strict=True):
        live = {key: f"hidden-{definition['JobDefinitionName']}"}
        definition[environment[0]]["Environment"] = live
    declared[2][environment[0]]["Environment"] = {"DB_URL": "hidden-moved"}
    write_desired(tmp_path, {MODEL_QUALITY: declared})
    configuration = tmp_path / "driftcheck.toml"
    configuration.write_text('[redact]\nplain_keys = ["S3_KEY"]\n', "utf-8")
    for definition in declared:
        service.create(MODEL_QUALITY, definition, created_at=OLD)
    service.mutate(MODEL_QUALITY, "moved", environment, {"OTHER": "hidden-moved"}, recreated_at=OLD)

    def known() -> list[str]:
        text = (tmp_path / "state" / "default.state").read_text("utf-8")
        return sorted(set(re.findall("hidden-[a-z]+", text)))

    again(run, service)
    assert known() == ["hidden-a", "hidden-b", "hidden-moved"]
    for definition in (declared[0], declared[2]):
        definition["lifecycle"] = {"sensitive": [".".join((*environment, "DB_URL"))]}
    write_desired(tmp_path, {MODEL_QUALITY: declared})
    # a run of a part knows the rules of the rest; what stands at another path takes both sides to tell
    again(run, service, "--select", "b")
    assert known() == ["hidden-b", "hidden-moved"]
    again(run, service)
    assert known() == ["hidden-b"]
    configuration.write_text("", "utf-8")
    result, _ = again(run, service)
    assert known() == []
    statuses = {name: result.statuses[name] for name in ("a", "b", "moved")}
    assert statuses == {"a": "in_sync", "b": "in_sync", "moved": "drifted"}


def test_a_run_of_a_part_keeps_what_is_known_of_the_rest(service: Service, run: Run) -> None:
    again(run, service)
    assert again(run, service, "--select", "b")[1] == []
    assert again(run, service)[1] == ["gone"]


def test_an_unknown_member_is_told_of_in_every_run(service: Service, run: Run) -> None:
    service.mutate(MODEL_QUALITY, "a", ("Novelty",), {"On": True}, recreated_at=OLD)
    first, _ = again(run, service)
    second, described = again(run, service)

    assert described == ["gone"]
    assert "unknown-member" in second.warnings
    assert second.document["warnings"] == first.document["warnings"]
    service.mutate(MODEL_QUALITY, "a", ("Novelty",), ABSENT, recreated_at=OLD + timedelta(hours=1))
    assert again(run, service)[0].statuses["a"] == "in_sync"


def test_a_state_that_cannot_be_written_is_told_and_the_result_is_there(
    service: Service, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "state" / "default.state").mkdir(parents=True)

    outcome = run("check", *INCREMENTAL, "-o", "json=-", "-o", "r.json")

    assert outcome.exit_code == 1
    assert "default.state cannot be written" in outcome.stderr
    assert json.loads((tmp_path / "r.json").read_text("utf-8"))["summary"]["in_sync"] == 3


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--incremental", "--state", "desired/desired.yaml"), "--state"),
        (("--max-age", "a while"), "`a while` is no age"),
    ],
)
def test_what_is_no_state(service: Service, run: Run, args: tuple[str, ...], says: str) -> None:
    outcome = run("check", *args)

    assert outcome.exit_code == 1
    assert says in outcome.stderr
    assert service.calls == []


def test_shards_in_one_folder_keep_a_file_each(service: Service, run: Run, tmp_path: Path) -> None:
    for number in ("1/2", "2/2"):
        again(run, service, "--shard", number)
    described = [name for number in ("1/2", "2/2") for name in again(run, service, "--shard", number)[1]]

    assert described == ["gone"]
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == [
        "default.1-of-2.state",
        "default.2-of-2.state",
    ]
