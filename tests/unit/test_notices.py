"""What a run has to tell, from the history alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from driftcheck.history import History
from driftcheck.notices import event_schema, notice
from tests.documents import KIND, PROD, changed, document, in_sync

if TYPE_CHECKING:
    from driftcheck.document.entries import Document, ResourceEntry
    from driftcheck.notices.entries import Event, Notice

WEEK = timedelta(days=7)
SCHEMA = event_schema()


def at(day: int) -> str:
    return f"{datetime(2026, 10, 31, 2, 17, tzinfo=UTC) + timedelta(days=day):%Y-%m-%dT%H:%M:%SZ}"


def night(day: int, *resources: ResourceEntry, interrupted: bool = False, target: str = "prod") -> Document:
    run = document(*resources, targets=[{**PROD, "name": target}], interrupted=interrupted)
    return {**run, "started_at": at(day), "finished_at": at(day)}


def a(status: str = "in_sync", name: str = "a", live: str = "large", target: str = "prod") -> ResourceEntry:
    return {
        **in_sync(name),
        "target": target,
        "status": status,  # type: ignore[typeddict-item]
        "arn": f"arn:aws:sagemaker:eu-west-1:123456789012:model-quality-job-definition/{name}",
        "created_at": "2026-10-31T21:00:00Z",
        "differences": [changed(["Tags", 0, "Value"], "small", live)] if status == "drifted" else [],
        "error": {"code": "Timeout", "message": "slow"} if status == "error" else None,
    }


def told(*runs: Document, remind: timedelta = WEEK, first: bool = False) -> list[Notice | None]:
    """The notices of runs that follow one another; each event of them is as its schema has it."""
    history = History()
    notices = [notice(run, history, history.add(run), remind, first=first) for run in runs]
    validator = Draft202012Validator(SCHEMA)
    for each in notices:
        for event in each["events"] if each else ():
            assert [error.message for error in validator.iter_errors(json.loads(json.dumps(event)))] == []
    return notices


def said(found: Notice | None) -> list[tuple[str, str]]:
    return [(event["event"], event["definition"]["name"]) for event in found["events"]] if found else []


def only(found: Notice | None) -> Event:
    assert found is not None
    (event,) = found["events"]
    return event


def test_nothing_new_is_no_notice() -> None:
    assert [said(each) for each in told(night(1, a()), night(2, a()), night(3, a()))] == [[], [], []]
    assert [said(each) for each in told(night(1, a("drifted")), night(2, a("drifted")))] == [
        [("drifted", "a")],
        [],
    ]


def test_an_event_says_all_that_a_program_needs() -> None:
    event = only(told(night(1, a()), night(2, a("drifted")))[1])

    assert event == {
        "schema_version": "1.0",
        "id": "2026-11-02T02:17:00Z/ModelQualityJobDefinition/prod/a/drifted",
        "event": "drifted",
        "run": {"started_at": at(2), "driftcheck_version": "0.1.0"},
        "definition": {
            "kind": KIND,
            "target": "prod",
            "name": "a",
            "arn": "arn:aws:sagemaker:eu-west-1:123456789012:model-quality-job-definition/a",
            "account": "123456789012",
            "region": "eu-west-1",
            "source": a()["source"],
        },
        "status": "drifted",
        "before": None,
        "since": at(2),
        "until": None,
        "seconds": 0,
        "created_at": "2026-10-31T21:00:00Z",
        "differences": [
            {
                "path": ["Tags", 0, "Value"],
                "change": "changed",
                "desired": "small",
                "live": "large",
                "sensitive": False,
            }
        ],
        "differences_left_out": 0,
        "error": None,
    }


@pytest.mark.parametrize(
    ("before", "after", "event", "status", "days"),
    [
        ([a("drifted")], [a()], "repaired", "in_sync", 2),
        ([a("missing")], [a()], "repaired", "in_sync", 2),
        ([a("unmanaged")], [], "repaired", None, 2),
        ([a("drifted")], [], "removed", None, 2),
        ([a("error")], [a()], "readable", "in_sync", 2),
        ([a("drifted")], [a("drifted", live="huge")], "changed", "drifted", 2),
        ([a("drifted")], [a("missing")], "missing", "missing", 2),
        ([a("drifted")], [a("error")], "unreadable", "error", 0),
        ([a()], [a("missing")], "missing", "missing", 0),
        ([], [a("unmanaged")], "unmanaged", "unmanaged", 0),
    ],
    ids=[
        "drifted, repaired",
        "missing, repaired",
        "unmanaged, gone",
        "drifted, removed",
        "unreadable, readable",
        "drifted, changed",
        "drifted, missing",
        "drifted, unreadable",
        "in sync, missing",
        "new, unmanaged",
    ],
)
def test_each_change_says_how_long(
    before: list[ResourceEntry],
    after: list[ResourceEntry],
    event: str,
    status: str | None,
    days: int,
) -> None:
    found = only(told(night(1, *before), night(2, *before), night(3, *after))[2])

    assert (found["event"], found["status"], found["seconds"]) == (event, status, days * 86400)
    assert (found["until"], found["before"] is None) == (
        (at(3), False) if event in {"repaired", "removed", "readable"} else (None, True)
    )


def test_what_can_be_read_again_and_is_repaired_is_told_as_both() -> None:
    found = told(night(1, a("drifted")), night(2, a("error")), night(3, a()))[2]

    assert said(found) == [("readable", "a"), ("repaired", "a")]


def test_the_worst_comes_first() -> None:
    found = told(
        night(1, a(name="a"), a("drifted", "b"), a("drifted", "c"), a(name="d")),
        night(2, a("drifted", "a"), a(name="b"), a("missing", "c"), a("error", "d"), a("unmanaged", "e")),
    )[1]

    assert said(found) == [
        ("missing", "c"),
        ("drifted", "a"),
        ("unreadable", "d"),
        ("unmanaged", "e"),
        ("repaired", "b"),
    ]


def test_a_notice_says_what_else_is_still_not_in_sync() -> None:
    found = told(night(1, a("missing", "old")), night(3, a("missing", "old"), a("drifted", "new")))[1]

    assert found is not None
    assert said(found) == [("drifted", "new")]
    assert found["standing_count"] == 1
    assert found["standing"] == [
        {
            "kind": KIND,
            "target": "prod",
            "name": "old",
            "status": "missing",
            "since": at(1),
            "seconds": 2 * 86400,
        }
    ]


@pytest.mark.parametrize("status", ["drifted", "missing", "unmanaged", "error"])
def test_what_lasts_is_told_again_each_week(status: str) -> None:
    found = told(*(night(day, a(status)) for day in range(1, 24)))

    assert {day: each["events"][0]["event"] for day, each in enumerate(found, 1) if each} == {
        1: {"error": "unreadable"}.get(status, status),
        8: "reminder",
        15: "reminder",
        22: "reminder",
    }
    assert only(found[14])["seconds"] == 14 * 86400


def test_a_reminder_comes_with_the_first_run_after_its_time() -> None:
    cut: ResourceEntry = {**a("error"), "error": {"code": "Interrupted", "message": "over"}}
    runs = [night(1, a("drifted")), night(6, a("drifted")), night(9, cut, interrupted=True)]

    assert [said(each) for each in told(*runs, night(10, a("drifted")), night(11, a("drifted")))] == [
        [("drifted", "a")],
        [],
        [],
        [("reminder", "a")],
        [],
    ]


def test_a_reminder_is_of_what_was_told_last_and_says_since_when_it_is_not_in_sync() -> None:
    nights = [night(day, a("drifted", live="huge" if day > 4 else "large")) for day in range(1, 13)]

    found = told(*nights)

    assert [day for day, each in enumerate(found, 1) if each] == [1, 5, 12]
    assert only(found[11])["since"] == at(1)


def test_zero_is_never() -> None:
    found = told(*(night(day, a("drifted")) for day in range(1, 30)), remind=timedelta(0))

    assert [day for day, each in enumerate(found, 1) if each] == [1]


def test_each_target_has_its_own_week() -> None:
    nights = [
        night(day, a("drifted", target=target), target=target)
        for day in range(1, 10)
        for target in ("eu", "us")
    ]

    found = told(*nights)

    assert [only(each)["definition"]["target"] for each in found if each] == ["eu", "us", "eu", "us"]


def test_a_clock_that_jumps_tells_nothing_twice() -> None:
    # a year ahead, and back to the next night, which the store puts in its place
    found = told(night(1, a("drifted")), night(2, a("drifted")), night(366, a("drifted")))
    assert [said(each) for each in found] == [[("drifted", "a")], [], [("reminder", "a")]]


def test_a_run_that_was_cut_short_tells_what_it_read() -> None:
    cut: ResourceEntry = {**a("error", "b"), "error": {"code": "Interrupted", "message": "over"}}
    found = told(night(1, a(), a("missing", "b")), night(2, a("drifted"), cut, interrupted=True))[1]

    assert found is not None
    assert said(found) == [("drifted", "a")]
    assert [(each["name"], each["status"]) for each in found["standing"]] == [("b", "missing")]


def test_a_reminder_waits_for_a_run_that_reads_the_definition() -> None:
    cut: ResourceEntry = {**a("error"), "error": {"code": "DeadlineExceeded", "message": "over"}}
    nights = [night(1, a("drifted")), night(7, a("drifted"))]
    nights += [night(8, cut, interrupted=True), night(9, cut, interrupted=True), night(10, a("drifted"))]

    assert [said(each) for each in told(*nights)] == [[("drifted", "a")], [], [], [], [("reminder", "a")]]


def test_one_that_is_denied_for_ever_ends_no_notices_of_the_others() -> None:
    denied = a("error", "denied")
    found = told(night(1, a(), denied), night(2, a("drifted"), denied), night(3, a(), denied))

    assert [said(each) for each in found] == [
        [("unreadable", "denied")],
        [("drifted", "a")],
        [("repaired", "a")],
    ]


def test_what_is_told_first_is_all_that_lasts() -> None:
    history = History()
    for day in (1, 2):
        run = night(day, a("drifted"), a("missing", "b"))
        changes = history.add(run)

    assert notice(run, history, changes, WEEK) is None
    assert said(notice(run, history, changes, WEEK, first=True)) == [("reminder", "a"), ("reminder", "b")]


def test_differences_are_left_out_where_there_is_no_room() -> None:
    many = [changed(["Environment", f"K{number}"], "é" * 1024, "x" * 1024) for number in range(100)]
    run = night(1, {**a("drifted"), "differences": many})

    event = only(told(run)[0])

    assert len(json.dumps(event)) < 220 * 1024
    assert 0 < len(event["differences"]) < 100
    assert len(event["differences"]) + event["differences_left_out"] == 100


STATUSES = st.sampled_from(["in_sync", "drifted", "missing", "unmanaged", "error", "gone"])


@given(st.lists(st.lists(STATUSES, min_size=2, max_size=2), min_size=1, max_size=12))
def test_whoever_keeps_what_was_told_knows_what_is_so(nights: list[list[str]]) -> None:
    """The last thing told of a definition is what it is: no change is left out, none is made up."""
    runs = [
        night(day, *(a(status, name) for name, status in zip("ab", each, strict=True) if status != "gone"))
        for day, each in enumerate(nights, 1)
    ]
    known: dict[str, Any] = {}
    for found in told(*runs):
        events = sorted(found["events"], key=lambda event: event["event"] != "readable") if found else []
        for event in events:
            # a reminder of what cannot be read has its error beside what it was
            is_unread = event["event"] == "reminder" and event["error"] is not None
            known[event["definition"]["name"]] = "error" if is_unread else event["status"]

    for name, status in zip("ab", nights[-1], strict=True):
        # what was in sync from the start was never told of; what is gone either
        assert known.get(name) in ({status} if status not in {"in_sync", "gone"} else {"in_sync", None})


def denied(day: int, *resources: ResourceEntry, code: str = "AccessDeniedException") -> Document:
    """A run of which one list was refused."""
    run = night(day, *resources)
    run["targets"] = [{**PROD, "error": {"code": code, "message": f"ListX: {code}"}, "listed": []}]
    return run


def of_targets(found: Notice | None) -> list[tuple[str, str, str, str]]:
    """The event, target, begin and code of all that a notice tells of targets, and nothing else."""
    assert found is None or found["events"] == []
    return [
        (each["event"], each["target"], each["since"], each["error"]["code"])
        for each in (found["target_events"] if found else ())
    ]


def test_what_is_not_in_sync_where_a_target_moved_is_told_by_the_next_run_and_then_weekly() -> None:
    def there(day: int) -> Document:
        return {**night(day, a("drifted"), a("missing", "b")), "targets": [{**PROD, "region": "us-east-1"}]}

    found = told(night(1, a(), a(name="b")), *(there(day) for day in range(2, 11)))

    assert [said(each) for each in found[1:4]] == [[], [("missing", "b"), ("drifted", "a")], []]
    assert found[1] is not None
    assert {day: said(each)[0][0] for day, each in enumerate(found, 1) if said(each)} == {
        3: "missing",
        9: "reminder",
    }


def test_a_target_that_cannot_be_read_whole_is_told_when_it_begins_changes_lasts_a_week_and_ends() -> None:
    found = told(
        night(1, a()),
        denied(2, a()),
        denied(3, a()),
        denied(4, a(), code="ThrottlingException"),
        denied(5, a(), code="ThrottlingException"),
        denied(9, a(), code="ThrottlingException"),
        night(10, a()),
        night(11, a()),
    )

    assert [of_targets(each) for each in found] == [
        [],
        [("unreadable", "prod", at(2), "AccessDeniedException")],
        [],
        [("unreadable", "prod", at(2), "ThrottlingException")],
        [],
        [("reminder", "prod", at(2), "ThrottlingException")],
        [("readable", "prod", at(2), "ThrottlingException")],
        [],
    ]


def test_a_target_whose_lists_are_not_asked_for_has_not_become_readable() -> None:
    quiet = night(3, a())
    quiet["targets"] = [{**PROD, "listed": []}]

    found = told(night(1, a()), denied(2, a()), quiet, denied(4, a()), night(5, a()))

    assert [[each[0] for each in of_targets(every)] for every in found] == [
        [],
        ["unreadable"],
        [],
        [],
        ["readable"],
    ]


def test_a_kind_that_is_no_longer_listed_is_told_and_one_that_never_was_is_not() -> None:
    def refused(day: int) -> Document:
        run = night(day, a())
        run["targets"] = [{**PROD, "listed": [KIND]}]
        message = (
            "prod: unmanaged ModelBiasJobDefinitions are not looked for: AccessDeniedException; allow it"
        )
        run["warnings"] = [{"code": "unmanaged-not-looked-for", "message": message, "source": None}]
        return run

    lost = told(night(1, a()), refused(2), refused(3), night(4, a()))
    never = told(refused(1), refused(2))

    assert [[each[0] for each in of_targets(every)] for every in lost] == [
        [],
        ["unreadable"],
        [],
        ["readable"],
    ]
    assert never == [None, None]


def test_a_cause_that_definitions_have_too_is_told_once() -> None:
    error = {"code": "ExpiredToken", "message": "over"}
    run = night(2, {**a("error"), "error": error})  # type: ignore[typeddict-item]
    run["targets"] = [{**PROD, "error": error, "listed": []}]  # type: ignore[typeddict-item]

    begun, ended = told(night(1, a()), run, night(3, a()))[1:]

    assert begun is not None
    assert ended is not None
    assert (said(begun), begun["target_events"]) == ([("unreadable", "a")], [])
    assert (said(ended), ended["target_events"]) == ([("readable", "a")], [])


def test_what_had_drifted_and_cannot_be_read_stands_among_what_drifted_since_then() -> None:
    found = told(night(1, a("drifted")), night(2, a("error")), night(3, a("error"), a("missing", "b")))[2]

    assert found is not None
    (entry,) = found["standing"]
    assert (entry["status"], entry["since"], entry["unreadable_since"]) == ("drifted", at(1), at(2))
    assert found["counts"] == {"in_sync": 0, "drifted": 1, "missing": 1, "unmanaged": 0, "error": 0}
    assert (found["unread"], found["read"]) == (1, (1, 2))


def test_a_reminder_of_what_cannot_be_read_says_what_it_was_and_why_it_is_not_read() -> None:
    event = only(told(night(1, a("drifted")), night(2, a("error")), night(8, a("error")))[2])

    assert (event["event"], event["status"], event["since"]) == ("reminder", "drifted", at(1))
    assert event["error"] == {"code": "Timeout", "message": "slow"}
