"""Whatever fails while notices are kept and sent: each is told once, or again with a word that it may be."""

from __future__ import annotations

import json
import os
import random
from functools import partial
from typing import TYPE_CHECKING

import pytest

from driftcheck.cli.telling import NotHeldError
from tests.functional import gateway as by_hand
from tests.functional.gateway import LOST, RESET, Asked, Does, Gateway, Reply, page
from tests.functional.nights import (
    BUCKET,
    NAMES,
    PUBLISHED,
    Nights,
    assert_told_truly,
    drift,
    repair,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.functional.service import Service

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),  # Apprise imports it
]

NIGHTS, SEEDS = int(os.environ.get("DRIFTCHECK_NIGHTS", "12")), (20261124,)
"""How many nights each store has, and what draws their faults: raise them for a longer search."""


@pytest.mark.parametrize("count", [1, 3])
def test_runs_that_cannot_be_named_as_told_are_not_told_again(
    service: Service, nights: Nights, count: int
) -> None:
    assert nights.run() == 0
    drift(service)
    nights.faults.refused = [("put", "notices/told.json")]
    for _ in range(count):
        assert nights.run() == 1
        assert "notices/told.json cannot be put" in nights.said
    nights.faults.refused = []
    assert nights.run() == 2

    assert nights.marks() == {"churn began one": [False]}
    assert [repeated for _, repeated in nights.texts()] == [False]
    kept = [path.name for path in (nights.folder / "kept" / "notices").iterdir()]
    assert kept == ["told.json"]


def test_a_new_store_that_cannot_say_what_was_told_tells_it_once(service: Service, nights: Nights) -> None:
    drift(service)
    nights.faults.refused = [("put", "notices/told.json")]

    assert [nights.run(), nights.run(), nights.run()] == [1, 1, 1]

    assert nights.marks() == {"churn began one": [False]}


@pytest.mark.parametrize("refused", ["notices/*", "notices/2*Z.json"])
def test_what_cannot_be_recorded_is_sent_and_says_that_it_may_come_again(
    service: Service, nights: Nights, refused: str
) -> None:
    assert nights.run() == 0
    drift(service)
    nights.faults.refused = [("put", refused)]
    assert [nights.run(), nights.run()] == [1, 1]
    assert "is sent without a record" in nights.said
    nights.faults.refused = []
    assert nights.run() == 2
    assert nights.run() == 2

    assert nights.marks() == {"churn began one": [True, True, True]}
    assert [repeated for _, repeated in nights.texts()] == [True, True, True]


def test_a_part_whose_mark_cannot_be_written_is_sent_as_what_may_come_again(
    service: Service, nights: Nights
) -> None:
    assert nights.run() == 0
    drift(service)
    nights.faults.refused = [("put", "notices/*Z.*.json")]
    assert nights.run() == 1
    nights.faults.refused = []
    assert nights.run() == 2

    assert nights.marks()["churn began one"][0]
    assert_told_truly(nights.marks())


def test_a_record_of_what_waits_is_not_believed_after_a_night_without_records(
    service: Service, nights: Nights
) -> None:
    assert nights.run() == 0
    drift(service)
    nights.bus.rule = lambda _: Reply(500)
    assert nights.run() == 1
    nights.bus.rule = lambda _: None
    nights.faults.refused = [("put", "notices/*"), ("delete", "notices/*")]
    assert nights.run() == 1
    nights.faults.refused = []
    assert nights.run() == 2

    assert nights.marks() == {"churn began one": [True, True]}


@pytest.mark.parametrize("operation", ["get", "names"])
def test_notices_that_cannot_be_read_for_a_night_are_told_by_the_next(
    service: Service, nights: Nights, operation: str
) -> None:
    assert nights.run() == 0
    drift(service)
    nights.faults.refused = [(operation, "notices/*")]
    assert nights.run() == 1
    nights.faults.refused = []
    assert nights.run() == 2

    assert "churn began one" in nights.marks()
    assert_told_truly(nights.marks())


def test_a_run_that_is_away_for_a_night_makes_nothing_new(service: Service, nights: Nights) -> None:
    assert nights.run() == 0
    drift(service)
    assert nights.run() == 2
    away = nights.documents()[-1]
    content = away.read_bytes()
    away.unlink()
    assert nights.run() == 2
    away.write_bytes(content)
    assert [nights.run(), nights.run()] == [2, 2]

    # the night without it could not know that this was told
    assert nights.marks() == {"churn began one": [False, True]}


def test_what_was_hidden_by_a_run_that_was_away_is_told_once_it_is_back(
    service: Service, nights: Nights
) -> None:
    drift(service)
    assert nights.run() == 2
    repair(service)
    assert nights.run() == 0
    away = nights.documents()[-1]
    content = away.read_bytes()
    away.unlink()
    drift(service)
    assert nights.run() == 2
    assert nights.marks() == {"churn began one": [False], "churn ended one": [False]}
    away.write_bytes(content)
    assert [nights.run(), nights.run()] == [2, 2]

    assert nights.marks() == {"churn began one": [False, True], "churn ended one": [False]}


def test_a_drift_of_a_night_that_cannot_be_kept_is_told(service: Service, nights: Nights) -> None:
    assert nights.run() == 0
    drift(service)
    nights.faults.refused = [("put", "runs/*")]
    assert nights.run() == 1
    nights.faults.refused = []
    repair(service)
    assert nights.run() == 0
    assert nights.marks() == {"churn began one": [False]}

    drift(service, role="two")
    nights.faults.refused = [("put", "runs/*")]
    assert nights.run() == 1
    nights.faults.refused = []
    assert nights.run() == 2
    assert nights.marks() == {"churn began one": [False], "churn began two": [False, True]}


def test_a_drift_of_a_night_that_leaves_nothing_is_told(service: Service, nights: Nights) -> None:
    assert nights.run() == 0
    drift(service)
    # a full disk has room for what is empty
    nights.faults.refused = [("put", "runs/*"), ("put", "notices/2*"), ("put", "notices/told.json")]
    assert nights.run() == 1
    nights.faults.refused = []
    assert [nights.run(), nights.run()] == [2, 2]

    assert nights.marks() == {"churn began one": [True, True]}


def test_a_night_that_cannot_derive_leaves_what_an_earlier_one_may_have_sent_in_doubt(
    service: Service, nights: Nights
) -> None:
    assert nights.run() == 0
    drift(service)
    nights.faults.refused = [("put", "runs/*"), ("put", "notices/2*"), ("put", "notices/told.json")]
    assert nights.run() == 1
    nights.faults.refused = [("get", "derived/*")]
    assert nights.run() == 1
    nights.faults.refused = []
    assert [nights.run(), nights.run()] == [2, 2]

    assert nights.marks() == {"churn began one": [True, True]}


def test_a_lock_that_is_lost_sends_nothing(
    service: Service, nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert nights.run() == 0
    drift(service)

    def lost(*_: object) -> None:
        raise NotHeldError("error: the lock was lost")

    with monkeypatch.context() as patch:
        patch.setattr("driftcheck.cli.telling._Held._ensure_held", lost)
        assert nights.run() == 1
    assert nights.events() == []
    assert nights.run() == 2
    assert "churn began one" in nights.marks()


def test_a_store_of_an_earlier_version_is_told_of_what_is_new_alone(service: Service, nights: Nights) -> None:
    drift(service)
    assert nights.run() == 2
    told_json = nights.folder / "kept" / "notices" / "told.json"
    told_json.write_text(json.dumps({"runs": json.loads(told_json.read_text())["runs"]}), encoding="utf-8")
    drift(service, "fraud", "two")
    assert nights.run() == 2

    assert nights.marks() == {"churn began one": [False], "fraud began two": [False]}


@pytest.mark.parametrize("content", ["", "{", "[" * 200_000, '{"runs": 7}', '{"runs": [], "gaps": 1}'])
def test_a_damaged_list_of_what_was_told_is_said_and_tells_nothing_as_new(
    service: Service, nights: Nights, content: str
) -> None:
    drift(service)
    assert nights.run() == 2
    (nights.folder / "kept" / "notices" / "told.json").write_text(content, encoding="utf-8")

    assert nights.run() == 1
    assert nights.said == (
        "error: notices: notices/told.json is damaged, set aside as aside/told.json, "
        "and written again from what else is known\n"
    )
    assert nights.run() == 2

    assert [event["event"] for event in nights.events()] == ["drifted", "reminder"]


def test_metrics_that_a_web_page_answers_are_not_taken_for_published(nights: Nights) -> None:
    (nights.folder / "driftcheck.toml").write_text(
        '[nightly.metrics]\ncloudwatch = "driftcheck"\n', encoding="utf-8"
    )
    with Gateway(default=lambda _: page(200)) as cloudwatch:
        nights.environment["AWS_ENDPOINT_URL_CLOUDWATCH"] = cloudwatch.url
        assert nights.run() == 1

    assert nights.said.startswith("error: metrics: CloudWatch: DamagedAnswer: PutMetricData: the answer ")


ANSWERS = {
    "none": b'{"FailedEntryCount": 0, "Entries": []}',
    "more": b'{"Entries": [{"EventId": "1"}, {"EventId": "2"}]}',
    "absent": b"{}",
    "null": b'{"Entries": null}',
    "no object": b"[]",
    "nothing": b"null",
    "odd entry": b'{"Entries": [{}]}',
    "odd entries": b'{"Entries": {"EventId": "1"}}',
    "number": b'{"Entries": [7]}',
    "cut": b'{"FailedEntryCount": 0, "Entr',
    "deep": b"[" * 200_000,
    "page": b"<html><body>hello</body></html>",
    "empty": b"",
}


@pytest.mark.parametrize("body", ANSWERS.values(), ids=[*ANSWERS])
def test_an_answer_of_eventbridge_that_says_nothing_leaves_its_events_open(
    service: Service, nights: Nights, body: bytes
) -> None:
    drift(service)
    nights.bus.rule = lambda _: Reply(body=body, passes=True)
    assert nights.run() == 1
    assert "error: notices: eventbridge: DamagedAnswer: PutEvents: the answer " in nights.said
    nights.bus.rule = lambda _: None
    assert [nights.run(), nights.run()] == [2, 2]

    assert nights.marks() == {"churn began one": [False, True]}
    for where in ("chat", "topic"):
        assert [repeated for _, repeated in nights.texts(where)] == [False]


UNSAID = {
    "cut": Reply(body=PUBLISHED.body[:60], content_type="text/xml", passes=True),
    "other": Reply(body=b"<Other/>", content_type="text/xml", passes=True),
    "page": Reply(body=b"<html><body>hello</body></html>", content_type="text/html", passes=True),
    "empty": Reply(passes=True),
    "502": Reply(502, b"<html><body>Bad Gateway</body></html>", "text/html", passes=True),
    "504": Reply(504, page(504).body, "text/html", passes=True),
    "503 page": Reply(503, page(503).body, "text/html", passes=True),
    "520": Reply(520, b"", passes=True),
    "dropped": LOST,
}


@pytest.mark.parametrize("reply", UNSAID.values(), ids=[*UNSAID])
def test_a_topic_that_took_it_and_could_not_say_so_gets_it_again_with_a_word(
    service: Service, nights: Nights, reply: Reply
) -> None:
    drift(service)
    once = [reply]
    nights.topic.rule = lambda _: once.pop() if once else None
    nights.run()
    assert nights.run() == 2

    (first, mark), (second, again) = nights.texts("topic")
    assert (first, mark, again) == (second, False, True)
    assert nights.marks() == {"churn began one": [False]}


@pytest.mark.parametrize("status", [502, 504, 520, 524])
def test_a_webhook_behind_a_gateway_that_gave_up_gets_it_again_with_a_word(
    service: Service, nights: Nights, status: int
) -> None:
    drift(service)
    once = [Reply(status, page(status).body, "text/html", passes=True)]
    nights.chat.rule = lambda _: once.pop() if once else None

    assert [nights.run(), nights.run()] == [2, 2]

    assert [repeated for _, repeated in nights.texts()] == [False, True]


def test_a_page_in_place_of_a_refusal_is_none(service: Service, nights: Nights) -> None:
    drift(service)
    once = [Reply(503, page(503).body, "text/html", passes=True)]
    nights.chat.rule = lambda _: once.pop() if once else None

    assert nights.run() == 2

    assert [repeated for _, repeated in nights.texts()] == [False, True]


STORE_FAULTS: list[list[tuple[str, str]]] = [
    [("put", "notices/told.json")],
    [("put", "notices/*")],
    [("put", "notices/2*Z.json")],
    [("put", "notices/*Z.*.json")],
    [("delete", "notices/*")],
    [("put", "notices/*"), ("delete", "notices/*")],
    [("get", "notices/told.json")],
    [("get", "notices/*")],
    [("names", "notices/")],
    [("put", "runs/*")],
    [("put", "derived/*")],
    [("get", "derived/*")],
    [("get", "runs/*")],
    [("put", "runs/*"), ("put", "notices/2*"), ("put", "notices/told.json"), ("put", "derived/*")],
]
CHANNEL_FAULTS = [
    Reply(500),
    Reply(403, b"{}"),
    RESET,
    LOST,
    page(502),
    Reply(504, page(504).body, "text/html", passes=True),
    Reply(body=b'{"Entries": []}', passes=True),
    Reply(body=b"<html>", passes=True),
]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("place", ["kept", f"s3://{BUCKET}/fleet"], ids=["folder", "S3"])
def test_of_many_nights_each_drift_is_told_once_or_again_with_a_word(
    service: Service, nights: Nights, seed: int, place: str
) -> None:
    nights.site = place.replace("kept", "site").replace("fleet", "site")
    chance = random.Random(seed)
    roles: dict[str, str | None] = dict.fromkeys(NAMES)
    drifts: set[str] = set()
    trail = []
    for night in range(NIGHTS):
        is_calm = night >= NIGHTS - 2
        if not is_calm:
            change(service, roles, chance, night)
        drifts |= {f"{name} began {role}" for name, role in roles.items() if role}
        fault = "none" if is_calm else chance.choice(FAULTS)
        put_back = strike(nights, fault, chance)
        code = nights.run()
        trail.append(f"{nights.at:%m-%d} {fault} {nights.faults.refused} {code} {roles} {nights.said}")
        if code is None:
            nights.free()
        put_back()
        if night % 5 == 0 or is_calm:
            # whatever the front page leads to is there, after a kill too
            assert nights.broken() == [], trail
    assert nights.run() in {0, 2}

    marks = nights.marks()
    assert drifts - marks.keys() == set(), trail
    assert_told_truly(marks)
    for where in ("chat", "topic"):
        seen: set[str] = set()
        for first, repeated in nights.texts(where):
            assert repeated or first not in seen, (where, first, trail)
            seen.add(first)
        assert len(seen) > NIGHTS / 4
    nights.assert_whole()


def change(service: Service, roles: dict[str, str | None], chance: random.Random, night: int) -> None:
    """Let some definitions drift, each time otherwise, or be repaired."""
    for name, role in roles.items():
        if chance.random() < 0.4:
            roles[name] = None if role and chance.random() < 0.5 else f"{name}-{night}"
            if new := roles[name]:
                drift(service, name, new)
            else:
                repair(service, name)


FAULTS = ["none", "store", "channel", "both", "kill", "away", "answers", "damage"]
STRANGE: list[Does] = [
    by_hand.PAGE,
    by_hand.EMPTY_BODY,
    by_hand.EMPTY_RESULT,
    by_hand.nothing_in(BUCKET, "fleet/runs/"),
    by_hand.SLOW_DOWN,
    by_hand.INTERNAL,
    by_hand.DENIED,
    by_hand.MOVED,
    RESET,
    by_hand.cut,
]
OPERATIONS = ["GetObject", "HeadObject", "PutObject", "DeleteObject", "ListObjectsV2", "*"]


def strike(nights: Nights, fault: str, chance: random.Random) -> Callable[[], object]:
    """Set up what goes wrong in a night; what is given undoes what the next one shall not have."""
    # of a night that can leave no trace, and that no channel hears of, nobody can know
    possible = STORE_FAULTS[: None if fault == "store" else -1]
    nights.faults.refused = chance.choice(possible) if fault in {"store", "both"} else []
    # its document is kept by the first write: of a night that left none, nobody can know
    nights.faults.kill_in = chance.randint(2, 20) if fault == "kill" else None
    for channel in (nights.bus, nights.topic, nights.chat):
        is_bad = fault in {"channel", "both"}
        script = [chance.choice(CHANNEL_FAULTS) for _ in range(chance.randint(0, 4))] if is_bad else []
        channel.rule = partial(next_of, script)
    if nights.gateway is not None:
        nights.gateway.rules.clear()
        if fault == "answers":
            times = chance.choice([1, 2, 5, None])
            nights.gateway.answer(chance.choice(OPERATIONS), chance.choice(STRANGE), times=times)
    if fault == "damage" and nights.runs():
        nights.put("derived/history.json", chance.choice([b"", b"[" * 200_000, b"{}\n[]\n{}\n"]))
    return taken_away(nights) if fault == "away" else lambda: None


def next_of(script: list[Reply], _: Asked) -> Reply | None:
    return script.pop() if script else None


def taken_away(nights: Nights) -> Callable[[], object]:
    """Take the last run's document away; what is given puts it back."""
    if not (runs := nights.runs()):
        return lambda: None
    name = max(runs)
    nights.delete(name)
    return partial(nights.put, name, runs[name])
