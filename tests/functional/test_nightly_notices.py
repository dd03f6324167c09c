"""What a nightly run tells, to whom, and what becomes of it when they cannot be told."""

from __future__ import annotations

import json
import random
import re
from signal import SIGKILL
from time import sleep
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator

from driftcheck.notices import event_schema
from driftcheck.notices.text import REPEATED
from tests.functional.clients import emulated
from tests.functional.definitions import ACCOUNT, MODEL_QUALITY, REGION, minimal, write_desired
from tests.functional.emulator import Mailbox, mailbox
from tests.functional.faults import Refuse
from tests.functional.receiver import Does, Receiver
from tests.functional.test_nightly import KILL, moved, runs, start

pytestmark = pytest.mark.slow

__all__ = ["start"]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.functional.conftest import Launch, Outcome, Run
    from tests.functional.service import Service

NIGHTLY = ("nightly", "--store", "kept", "--quiet", "-o", "json=night.json")
OTHER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/other"
TOKEN = "T0kenInTheUrl"
SCHEMA = event_schema()


@pytest.fixture
def box(emulator: str) -> Mailbox:
    return mailbox(emulator)


@pytest.fixture
def chat() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def _fleet(service: Service, tmp_path: Path) -> None:
    write_desired(tmp_path, {MODEL_QUALITY: [minimal(MODEL_QUALITY, name) for name in ("churn", "fraud")]})
    for name in ("churn", "fraud"):
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))


@pytest.fixture(autouse=True)
def _chat_url(chat: Receiver, environment: dict[str, str]) -> None:
    environment["CHAT_URL"] = (
        f"json://user:{TOKEN}@{chat.url.removeprefix('http://')}/hook/{TOKEN}?password={TOKEN}"
    )


def configured(tmp_path: Path, **tables: dict[str, Any]) -> None:
    """Write driftcheck.toml with these tables of ``[nightly]``."""
    lines = []
    for name, table in tables.items():
        lines.append(f"[nightly.{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    (tmp_path / "driftcheck.toml").write_text("\n".join(lines), encoding="utf-8")


def to_chat(tmp_path: Path) -> None:
    configured(tmp_path, notify={"apprise_env": ["CHAT_URL"]})


def drift(service: Service, name: str = "churn") -> None:
    service.mutate(MODEL_QUALITY, name, ("RoleArn",), OTHER_ROLE)


def repair(service: Service, name: str = "churn") -> None:
    service.mutate(MODEL_QUALITY, name, ("RoleArn",), minimal(MODEL_QUALITY, name)["RoleArn"])


def messages(chat: Receiver) -> list[tuple[str, str]]:
    """The subject and the text of each message that the chat took since this was last asked."""
    found = [json.loads(each.body) for each in chat.taken]
    chat.taken.clear()
    return [(each["title"], each["message"]) for each in found]


def subjects(chat: Receiver) -> list[str]:
    return [subject for subject, _ in messages(chat)]


def silent(outcome: Outcome, code: int) -> None:
    """A run that had nothing to complain of."""
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (code, "", "")


def complained(outcome: Outcome, *lines: str) -> None:
    """A run that said these lines, gave no secret away and exited with 1."""
    assert TOKEN not in outcome.stderr + outcome.stdout
    assert outcome.stderr.splitlines() == [*lines]
    assert outcome.exit_code == 1


def test_all_channels_are_told_of_what_changed_and_of_nothing_else(
    service: Service, run: Run, tmp_path: Path, box: Mailbox, chat: Receiver
) -> None:
    configured(
        tmp_path,
        notify={"sns_topic_arn": box.topic, "event_bus": box.bus, "apprise_env": ["CHAT_URL"]},
    )
    there = {"AWS_ENDPOINT_URL_SNS": box.url, "AWS_ENDPOINT_URL_EVENTBRIDGE": box.url}
    silent(run(*NIGHTLY, env=there), 0)
    assert (box.published(), box.events(), messages(chat)) == ([], [], [])

    drift(service)
    service.delete(MODEL_QUALITY, "fraud")
    silent(run(*NIGHTLY, env=there), 2)

    document = json.loads((tmp_path / "night.json").read_text())
    ((subject, text),) = box.published()
    assert subject == "driftcheck: 1 missing, 1 drifted"
    assert re.fullmatch(
        r"driftcheck, run of .* UTC\n\n1 missing\n- ModelQualityJobDefinition fraud \(default\): [^\n]*\n"
        r"\n1 drifted\n- ModelQualityJobDefinition churn \(default\): created 2026-11-23 21:14:52 UTC; "
        r"1 difference: RoleArn; desired/desired.yaml:\d+\n"
        r"\nNow: 0 in sync, 1 drifted, 1 missing, 0 unmanaged, 0 not readable.\n"
        r"Target default: account 123456789012, region eu-west-1\n",
        text,
    )
    assert messages(chat) == [(subject, text.rstrip("\n"))]
    missing, drifted = box.events()
    assert [missing["detail"]["event"], drifted["detail"]["event"]] == ["missing", "drifted"]
    assert (drifted["source"], drifted["detail-type"]) == ("driftcheck", "Monitor Definition Change")
    assert drifted["resources"] == [drifted["detail"]["definition"]["arn"]]
    assert drifted["detail"]["run"]["started_at"] == document["started_at"]
    assert drifted["detail"]["differences"][0]["live"] == OTHER_ROLE
    for event in (missing, drifted):
        assert [*Draft202012Validator(SCHEMA).iter_errors(event["detail"])] == []

    silent(run(*NIGHTLY, env=there), 2)
    assert (box.published(), box.events(), messages(chat)) == ([], [], [])

    repair(service)
    silent(run(*NIGHTLY, env=there), 2)
    assert [subject for subject, _ in box.published()] == ["driftcheck: 1 repaired"]
    assert [event["detail"]["event"] for event in box.events()] == ["repaired"]
    assert subjects(chat) == ["driftcheck: 1 repaired"]
    assert service.writes == []


def test_a_list_that_is_refused_is_told_when_it_begins_and_when_it_is_over(
    service: Service, run: Run, tmp_path: Path, chat: Receiver
) -> None:
    to_chat(tmp_path)
    silent(run(*NIGHTLY), 0)
    told = []
    service.fail(Refuse(400, "AccessDeniedException", "no"), action="ListModelQuality*")
    for options, code in (((), 1), ((), 1), (("--no-unmanaged",), 0)):
        assert run(*NIGHTLY, *options).exit_code == code
        told.append(subjects(chat))
    service.faults.clear()
    for _ in range(2):
        silent(run(*NIGHTLY), 0)
        told.append(subjects(chat))

    assert told == [
        ["driftcheck: 1 target unreadable"],
        [],
        [],
        ["driftcheck: 1 target readable"],
        [],
    ]


def test_what_is_missing_where_a_target_moved_is_told_once_by_the_next_run(
    service: Service, run: Run, tmp_path: Path, chat: Receiver
) -> None:
    to_chat(tmp_path)
    silent(run(*NIGHTLY), 0)
    told = []
    # the service keeps the definitions of each region apart
    for region in ("us-east-1", "us-east-1", "us-east-1", REGION, REGION):
        run(*NIGHTLY, env={"AWS_REGION": region})
        told.append(subjects(chat))

    assert told == [
        ["driftcheck: 1 target moved"],
        ["driftcheck: 2 missing"],
        [],
        ["driftcheck: 1 target moved"],
        [],
    ]


def test_what_lasts_is_told_again_after_seven_days(
    service: Service, start: Callable[..., Outcome], tmp_path: Path, chat: Receiver
) -> None:
    to_chat(tmp_path)
    drift(service)
    told = {}
    for day in (0, 6, 7, 8, 15):
        start(moved(days=day), *NIGHTLY)
        told[day] = subjects(chat)

    assert told == {
        0: ["driftcheck: 1 drifted"],
        6: [],
        7: ["driftcheck: 1 still not in sync"],
        8: [],
        15: ["driftcheck: 1 still not in sync"],
    }


def test_a_run_of_a_clock_that_was_ahead_hides_nothing(
    service: Service, start: Callable[..., Outcome], run: Run, tmp_path: Path, chat: Receiver
) -> None:
    to_chat(tmp_path)
    run(*NIGHTLY)
    start(moved(days=30), *NIGHTLY)
    assert subjects(chat) == []

    drift(service)
    assert run(*NIGHTLY).exit_code == 2
    assert subjects(chat) == ["driftcheck: 1 drifted"]


FAILURES: list[tuple[list[Does], int, str]] = [
    ([500, 500, 503], 3, "HTTP status 503"),
    ([429, 429, 429], 3, "HTTP status 429"),
    ([404], 1, "HTTP status 404"),
    ([403], 1, "HTTP status 403"),
]


@pytest.mark.parametrize(
    ("script", "requests", "why"), FAILURES, ids=["trouble", "too many", "gone", "denied"]
)
def test_what_is_refused_is_told_and_sent_by_the_next_run(
    service: Service, run: Run, tmp_path: Path, chat: Receiver, script: list[Does], requests: int, why: str
) -> None:
    to_chat(tmp_path)
    drift(service)
    chat.script = [*script]

    complained(run(*NIGHTLY), f"error: notices: apprise-CHAT_URL: {why}; a notice waits for the next run")
    assert (len(chat.requests), messages(chat)) == (requests, [])
    assert runs(tmp_path / "kept")[0]["summary"]["drifted"] == 1
    repair(service)
    silent(run(*NIGHTLY), 0)

    sent = messages(chat)
    assert [subject for subject, _ in sent] == ["driftcheck: 1 drifted", "driftcheck: 1 repaired"]
    assert not any(REPEATED in text for _, text in sent)
    silent(run(*NIGHTLY), 0)
    assert messages(chat) == []


def test_a_fault_that_passes_is_none(service: Service, run: Run, tmp_path: Path, chat: Receiver) -> None:
    to_chat(tmp_path)
    drift(service)
    chat.script = [500]

    silent(run(*NIGHTLY), 2)

    ((_, text),) = messages(chat)
    assert REPEATED not in text


@pytest.mark.parametrize("does", ["lose", "reset", "hang"])
def test_what_got_no_answer_is_sent_again_as_what_it_may_be(
    service: Service, run: Run, tmp_path: Path, chat: Receiver, does: Does
) -> None:
    to_chat(tmp_path)
    drift(service)
    chat.script = [does]

    silent(run(*NIGHTLY), 2)

    assert [REPEATED in text for _, text in messages(chat)] == ([False, True] if does == "lose" else [True])


def test_nobody_who_listens_is_told_by_the_next_run(
    service: Service, run: Run, tmp_path: Path, chat: Receiver
) -> None:
    to_chat(tmp_path)
    drift(service)

    outcome = run(*NIGHTLY, env={"CHAT_URL": f"json://user:{TOKEN}@127.0.0.1:9/{TOKEN}"})
    complained(
        outcome,
        "error: notices: apprise-CHAT_URL: no connection, or no answer; a notice waits for the next run",
    )
    silent(run(*NIGHTLY), 2)
    assert subjects(chat) == ["driftcheck: 1 drifted"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (None, "the environment variable CHAT_URL is not set"),
        ("", "the environment variable CHAT_URL is not set"),
        (f"nonsense://{TOKEN}", "CHAT_URL holds no URL that Apprise knows"),
        (TOKEN, "CHAT_URL holds no URL that Apprise knows"),
    ],
    ids=["unset", "empty", "unknown", "no URL"],
)
def test_a_secret_that_cannot_be_used_costs_its_channel_alone(
    service: Service, run: Run, tmp_path: Path, url: str | None, why: str
) -> None:
    to_chat(tmp_path)
    drift(service)

    complained(
        run(*NIGHTLY, env={"CHAT_URL": url}),
        f"error: notices: apprise-CHAT_URL: {why}; a notice waits for the next run",
    )
    assert json.loads((tmp_path / "night.json").read_text())["summary"]["drifted"] == 1


def test_one_that_fails_leaves_the_others_theirs(
    service: Service, run: Run, tmp_path: Path, box: Mailbox, chat: Receiver
) -> None:
    configured(
        tmp_path,
        notify={"sns_topic_arn": f"{box.topic}-gone", "event_bus": box.bus, "apprise_env": ["CHAT_URL"]},
    )
    there = {"AWS_ENDPOINT_URL_SNS": box.url, "AWS_ENDPOINT_URL_EVENTBRIDGE": box.url}
    drift(service)

    outcome = run(*NIGHTLY, env=there)

    (line,) = outcome.stderr.splitlines()
    assert line.startswith("error: notices: sns: NotFound")
    assert outcome.exit_code == 1
    assert (len(box.events()), subjects(chat)) == (1, ["driftcheck: 1 drifted"])
    configured(
        tmp_path, notify={"sns_topic_arn": box.topic, "event_bus": box.bus, "apprise_env": ["CHAT_URL"]}
    )
    silent(run(*NIGHTLY, env=there), 2)
    assert [subject for subject, _ in box.published()] == ["driftcheck: 1 drifted"]
    assert (box.events(), subjects(chat)) == ([], [])


@pytest.mark.parametrize("does", [500, "reset", "lose"])
@pytest.mark.parametrize("channel", ["sns", "eventbridge"])
def test_aws_that_fails_for_a_while_is_asked_again(
    service: Service, run: Run, tmp_path: Path, box: Mailbox, channel: str, does: Does
) -> None:
    with Receiver(before=box.url, script=[does]) as aws:
        key, name = {"sns": ("sns_topic_arn", box.topic), "eventbridge": ("event_bus", box.bus)}[channel]
        configured(tmp_path, notify={key: name})
        drift(service)

        silent(run(*NIGHTLY, env={f"AWS_ENDPOINT_URL_{channel.upper()}": aws.url}), 2)

    if channel == "sns":
        repeated = [REPEATED in text for _, text in box.published()]
    else:
        repeated = [event["detail"].get("repeated", False) for event in box.events()]
    assert repeated == {500: [False], "reset": [True], "lose": [False, True]}[does]


def test_of_many_events_ten_go_at_a_time_and_none_is_lost(
    service: Service, run: Run, tmp_path: Path, box: Mailbox
) -> None:
    names = [f"d{number:02}" for number in range(25)]
    for name in names:
        service.create(MODEL_QUALITY, minimal(MODEL_QUALITY, name))
    with Receiver(before=box.url, script=[500, 500]) as aws:
        configured(tmp_path, notify={"event_bus": box.bus})
        silent(run(*NIGHTLY, env={"AWS_ENDPOINT_URL_EVENTBRIDGE": aws.url}), 0)
        sizes = [len(json.loads(request.body)["Entries"]) for request in aws.taken]

    assert sizes == [10, 10, 5]
    assert sorted(event["detail"]["definition"]["name"] for event in box.events()) == names


def test_who_is_added_later_is_told_first_of_all_that_lasts(
    service: Service, run: Run, tmp_path: Path, chat: Receiver
) -> None:
    drift(service)
    silent(run(*NIGHTLY), 2)
    silent(run(*NIGHTLY), 2)
    assert not (tmp_path / "kept" / "notices").exists()

    to_chat(tmp_path)
    silent(run(*NIGHTLY), 2)
    silent(run(*NIGHTLY), 2)

    assert subjects(chat) == ["driftcheck: 1 still not in sync"]


def test_a_history_that_is_derived_again_tells_nothing_again(
    service: Service, run: Run, tmp_path: Path, chat: Receiver
) -> None:
    to_chat(tmp_path)
    drift(service)
    run(*NIGHTLY)
    repair(service)
    run(*NIGHTLY)
    assert subjects(chat) == ["driftcheck: 1 drifted", "driftcheck: 1 repaired"]

    (tmp_path / "kept" / "derived" / "history.json").unlink()
    silent(run(*NIGHTLY), 0)

    assert messages(chat) == []


def test_a_store_on_s3_keeps_what_is_to_be_told_too(
    service: Service, run: Run, tmp_path: Path, emulator: str, chat: Receiver
) -> None:
    s3 = emulated(emulator, region=REGION)
    bucket = f"told-{uuid4().hex}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    on_s3 = ("nightly", "--store", f"s3://{bucket}/fleet", "--quiet", "-o", "json=night.json")
    there = {"AWS_ENDPOINT_URL_S3": emulator}
    to_chat(tmp_path)
    drift(service)
    chat.script = [500, 500, 500]

    failed = run(*on_s3, env=there)
    complained(failed, "error: notices: apprise-CHAT_URL: HTTP status 500; a notice waits for the next run")
    silent(run(*on_s3, env=there), 2)

    assert subjects(chat) == ["driftcheck: 1 drifted"]
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix="fleet/notices/")["Contents"]]
    assert keys == ["fleet/notices/told.json"]


def test_a_kill_at_any_moment_loses_nothing_and_repeats_nothing_unsaid(
    service: Service, launch: Launch, run: Run, tmp_path: Path, chat: Receiver
) -> None:
    to_chat(tmp_path)
    chance = random.Random(20261124)
    for night in range(12):
        (drift if night % 2 else repair)(service)
        process = launch(*NIGHTLY)
        if night % 3:
            try:
                # the moments after the check are those that matter
                service.calls.clear()
                service.wait_for(1, "Describe*", seconds=30)
                sleep(chance.uniform(0.0, 0.6))
            finally:
                process.process.kill()
        process.finish()
    silent(run(*NIGHTLY), 2)

    assert told_truly(tmp_path, chat) >= 4


@pytest.mark.slow
def test_a_kill_at_each_moment_of_writing_does_so_neither(
    service: Service, start: Callable[..., Outcome], tmp_path: Path, chat: Receiver
) -> None:
    to_chat(tmp_path)
    start("", *NIGHTLY)
    moments = range(1, 60, 4)
    for moment in moments:
        drift(service)
        outcome = start(KILL, str(moment), *NIGHTLY)
        repair(service)
        silent(start("", *NIGHTLY), 0)
        if outcome.exit_code != -SIGKILL:
            break

    assert outcome.exit_code == 2
    assert moment > 15
    assert told_truly(tmp_path, chat) > moments.index(moment)


def told_truly(tmp_path: Path, chat: Receiver) -> int:
    """Hold what the chat took against the runs in the store; gives how many changes there were.

    Each change is told, in order, and once; a repetition says that it may be one.
    """
    expected, before = [], "in_sync"
    for document in runs(tmp_path / "kept"):
        (status,) = {each["status"] for each in document["resources"] if each["name"] == "churn"}
        if status != before:
            at = document["started_at"].removesuffix("Z").replace("T", " ")
            what = "drifted" if status == "drifted" else "repaired"
            expected.append((f"driftcheck, run of {at} UTC", f"driftcheck: 1 {what}"))
        before = status
    said: list[tuple[str, str]] = []
    for subject, text in messages(chat):
        told = text.splitlines()[0], subject
        if told in said:
            assert REPEATED in text
        else:
            said.append(told)
    assert said == expected
    return len(expected)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"notify": {"sns": "x"}}, "unknown key `sns` in [nightly.notify]"),
        ({"notify": {"sns_topic_arn": "drift"}}, "`nightly.notify.sns_topic_arn` is no ARN of an SNS topic"),
        ({"notify": {"apprise_env": "CHAT_URL"}}, "`nightly.notify.apprise_env` must be a list"),
        ({"notify": {"apprise_env": [f"slack://{TOKEN}"]}}, "is no name of an environment variable"),
        ({"notify": {"apprise_env": ["A", "A"]}}, "`nightly.notify.apprise_env` names one twice"),
        ({"metrics": {"cloudwatch": "AWS/Mine"}}, "`nightly.metrics.cloudwatch` is no namespace"),
        (
            {"metrics": {"textfile": "a.txt"}},
            "`nightly.metrics.textfile` is no file whose name ends with .prom",
        ),
    ],
    ids=["unknown", "topic", "list", "secret", "twice", "namespace", "textfile"],
)
def test_what_the_configuration_cannot_say_is_refused_at_once(
    service: Service, run: Run, tmp_path: Path, table: dict[str, Any], why: str
) -> None:
    configured(tmp_path, **table)

    outcome = run(*NIGHTLY)

    assert outcome.exit_code == 1
    assert why in outcome.stderr
    assert TOKEN not in outcome.stderr
    assert service.calls == []
