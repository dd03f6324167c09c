"""What the dashboard says of a history: expected values are worked out by hand from the nights."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from driftcheck.dashboard import charts, outlook
from driftcheck.dashboard.links import definition_page, run_page, segment
from driftcheck.dashboard.outlook import Day, Point, Run
from driftcheck.dashboard.pages import Site
from driftcheck.dashboard.times import moment, seconds_between, span_text
from driftcheck.dashboard.words import said
from driftcheck.history import ChangeKind, Episode, History
from tests.documents import PROD, changed, document, in_sync

if TYPE_CHECKING:
    from driftcheck.document.entries import Document, ResourceEntry, TargetEntry

KEY = ("ModelQualityJobDefinition", "prod", "a")
TYPE = ("JobResources", "ClusterConfig", "InstanceType")


def at(day: int) -> str:
    return f"2026-11-{day:02d}T02:17:00Z"


def night(
    day: int,
    *resources: ResourceEntry,
    targets: tuple[str | TargetEntry, ...] = ("prod",),
    interrupted: bool = False,
    **members: Any,
) -> Document:
    made = document(
        *resources,
        targets=[each if isinstance(each, dict) else {**PROD, "name": each} for each in targets],
        interrupted=interrupted,
    )
    return {**made, "started_at": at(day), "finished_at": f"2026-11-{day:02d}T02:19:00Z", **members}  # type: ignore[typeddict-item]


def a(status: str = "in_sync", live: str = "ml.m5.4xlarge", **members: Any) -> ResourceEntry:
    differences = [changed(TYPE, "ml.m5.large", live)] if status == "drifted" else []
    error = {"code": "Timeout", "message": "slow"} if status == "error" else None
    return {**in_sync("a"), "status": status, "differences": differences, "error": error, **members}  # type: ignore[typeddict-item]


def told(*documents: Document) -> tuple[History, list[Run]]:
    history = History()
    for each in documents:
        history.add(each)
    return history, outlook.runs_of(history, [each["started_at"].replace(":", "-") for each in documents])


def counts(points: list[Point]) -> list[dict[str, int]]:
    return [dict(point.counts) for point in points]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("churn-model-quality", "churn-model-quality"),
        ("prod_eu", "prod_eu"),
        ("", ".empty"),
        (".", ".2e"),
        ("..", ".2e.2e"),
        ("../../etc/passwd", ".2e.2e.2f.2e.2e.2fetc.2fpasswd"),
        ("a.b", "a.2eb"),
        ("a/b", "a.2fb"),
        ("a%2fb", "a.252fb"),
        ("é", ".c3.a9"),
        ("\0", ".00"),
        ("\ud800", ".ed.a0.80"),
        ("A b", "A.20b"),
    ],
)
def test_a_part_of_an_address_is_safe_whatever_it_stands_for(text: str, part: str) -> None:
    assert segment(text) == part


def test_a_long_name_has_a_file_of_its_own() -> None:
    long, other = "a" * 300, "a" * 299 + "b"

    assert segment(long) != segment(other)
    assert len(segment(long)) == len(segment("/" * 300)) == 116
    assert segment("a" * 120) == "a" * 120


def test_pages_have_addresses_that_stay() -> None:
    assert definition_page(KEY) == "definitions/prod/ModelQualityJobDefinition/a.html"
    assert run_page("2026-11-24T02-17-00Z-2") == "runs/2026-11-24T02-17-00Z-2.html"


@pytest.mark.parametrize(
    ("time", "found"),
    [
        ("2026-11-24T02:17:00Z", datetime(2026, 11, 24, 2, 17, tzinfo=UTC)),
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026-99-99T02:17:00Z", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_a_time_that_there_is_none_of_is_none(time: str | None, found: datetime | None) -> None:
    assert moment(time) == found


@pytest.mark.parametrize(
    ("hours", "text"),
    [(0, "0 min"), (1.4, "84 min"), (1.5, "1 h"), (47.9, "47 h"), (48, "2 days"), (24 * 400, "400 days")],
)
def test_spans_are_told_in_one_unit(hours: float, text: str) -> None:
    assert span_text(3600 * hours) == text


def test_no_time_lasts_less_than_none() -> None:
    assert seconds_between(at(2), at(1)) == 0
    assert seconds_between(at(1), "soon") is None
    assert span_text(None) == ""


def test_what_is_out_of_sync_stands_first_and_the_longest_at_the_top() -> None:
    history, _ = told(
        night(1, a("drifted"), {**a(), "name": "b"}, {**a(), "name": "c"}),
        night(2, a("drifted", live="ml.m5.large"), {**a("missing"), "name": "b"}, {**a(), "name": "c"}),
    )

    found = outlook.standings(history)

    assert [(each.key[2], each.status, each.since) for each in found] == [
        ("a", "drifted", at(1)),
        ("b", "missing", at(2)),
        ("c", "in_sync", None),
    ]


@pytest.mark.parametrize("known", ["in_sync", "unmanaged"])
def test_what_cannot_be_read_is_an_error_whatever_else_was_known(known: str) -> None:
    history, _ = told(night(1, a(known)), night(2, a("error")))

    (found,) = outlook.standings(history)

    assert (found.status, found.since) == ("error", at(2))


def expired(code: str = "ExpiredToken") -> ResourceEntry:
    return {**a("error"), "error": {"code": code, "message": "no"}}


@pytest.mark.parametrize("known", ["drifted", "missing"])
def test_what_is_known_to_be_out_of_sync_stays_that_while_it_cannot_be_read(known: str) -> None:
    b = {"name": "b"}
    history, runs = told(
        night(1, a(known), {**a(), **b}),  # type: ignore[typeddict-item]
        night(2, expired(), {**expired(), **b}),  # type: ignore[typeddict-item]
        night(3, expired("AccessDeniedException"), {**a(), **b}),  # type: ignore[typeddict-item]
    )

    found = outlook.standings(history)
    site = Site(history, [run.name for run in runs])
    front, page = site.front().text(), next(iter(site.definitions())).text()

    assert [(each.key[2], each.status, each.since) for each in found] == [
        ("a", known, at(1)),
        ("b", "in_sync", None),
    ]
    assert "as last read, not readable since 2026-11-02: AccessDeniedException" in front
    assert "1 cannot be read now, and 1 of them is counted as when last read" in front
    assert "ExpiredToken" not in front.partition('id="told-title"')[0]
    now = page.partition('id="history-title"')[0]
    assert "AccessDeniedException" in now
    assert "ExpiredToken" not in page
    assert now.index('badge error"') < now.index(f'badge {known}"')
    assert [counts["error"] for counts in (point.counts for point in outlook.points(runs))] == [0, 1, 0]


def test_metrics_count_what_the_dashboard_counts() -> None:
    from driftcheck.metrics import metrics

    def every(first: ResourceEntry, second: ResourceEntry, others: ResourceEntry) -> list[ResourceEntry]:
        statuses = [first, second, others, others, others, others]
        return [{**each, "name": name} for each, name in zip(statuses, "abcdef", strict=True)]

    cut = expired("DeadlineExceeded")
    nights = [
        night(1, *every(a("drifted"), a(), a())),
        night(2, *every(expired(), expired(), a())),
        night(3, *every(cut, cut, cut), interrupted=True),
    ]
    history, _ = told(*nights)

    measured = {
        (metric.name, *(value for _, value in metric.labels)): metric.value
        for metric in metrics(nights[-1], history)
    }

    known = {"in_sync": 4, "drifted": 1, "missing": 0, "unmanaged": 0, "error": 1}
    assert {status: measured["Definitions", "prod", status] for status in known} == known
    assert measured["Unreadable", "prod"] == 2
    found = outlook.standings(history)
    assert {status: sum(each.status == status for each in found) for status in known} == known
    assert sum(each.unread is not None for each in found) == 2


def test_another_cause_is_an_event_too() -> None:
    nights = [night(1, a()), night(2, expired()), night(3, expired()), night(4, expired("AccessDenied"))]
    history = History()
    changes = [(each["started_at"], change.kind) for each in nights for change in history.add(each)]

    events = [(event.at, event.kind, said(event.episode)) for event in outlook.events(history.courses)]

    assert [event[:2] for event in events] == changes
    assert [event[2] for event in events] == ["ExpiredToken", "AccessDenied"]


def test_what_is_gone_stands_nowhere() -> None:
    history, _ = told(night(1, a("drifted")), night(2))

    assert outlook.standings(history) == []


def test_a_run_over_one_target_leaves_the_counts_of_the_others() -> None:
    test = {**a("missing"), "target": "test"}
    _, runs = told(
        night(1, a("drifted"), test, targets=("prod", "test")),  # type: ignore[arg-type]
        night(2, a()),
        night(3, interrupted=True),
        night(4, targets=("test",)),
    )

    points = outlook.points(runs)

    assert [point.run.entry.started_at for point in points] == [at(1), at(2), at(4)]
    assert counts(points) == [{"drifted": 1, "missing": 1}, {"in_sync": 1, "missing": 1}, {"in_sync": 1}]
    assert [point.out_of_sync for point in points] == [2, 1, 0]


def test_a_target_that_was_not_read_whole_is_told_until_it_is() -> None:
    denied = {"code": "AccessDeniedException", "message": "no"}
    failing = night(2, a(), targets=())
    failing["targets"] = [{**PROD, "error": denied}]  # type: ignore[typeddict-item]
    history, runs = told(night(1, a()), failing)

    (target,) = outlook.targets(runs, outlook.standings(history))
    assert (target.name, dict(target.counts), target.failure) == ("prod", {"in_sync": 1}, denied)

    history, runs = told(night(1, a()), failing, night(3, a()))
    (target,) = outlook.targets(runs, outlook.standings(history))
    assert target.failure is None


def test_days_without_a_run_are_days_too() -> None:
    _, runs = told(night(1, a()), night(3, interrupted=True), night(4, a("drifted")))

    days = outlook.days(runs, outlook.points(runs))

    assert [(day.date.day, day.point and day.point.out_of_sync, len(day.runs)) for day in days] == [
        (1, 0, 1),
        (2, None, 0),
        (3, None, 1),
        (4, 1, 1),
    ]
    assert [charts.said_of(day) for day in days] == [
        "all in sync",
        "no run",
        "no run was complete",
        "1 not in sync",
    ]


@pytest.mark.parametrize(
    ("days", "every", "expected", "overdue"),
    [
        ([1], None, timedelta(days=1), datetime(2026, 11, 2, 8, 17, tzinfo=UTC)),
        ([1, 2, 3, 5, 6], None, timedelta(days=1), datetime(2026, 11, 7, 8, 17, tzinfo=UTC)),
        ([1, 8, 15], None, timedelta(days=7), datetime(2026, 11, 23, 20, 17, tzinfo=UTC)),
        ([1, 2], timedelta(minutes=30), timedelta(minutes=30), datetime(2026, 11, 2, 3, 2, tzinfo=UTC)),
        ([], None, timedelta(days=1), None),
    ],
)
def test_a_run_is_overdue_a_quarter_later_than_it_is_expected(
    days: list[int], every: timedelta | None, expected: timedelta, overdue: datetime | None
) -> None:
    _, runs = told(*(night(day, a()) for day in days))

    assert outlook.due(runs, every) == (expected, overdue)


def test_a_clock_that_jumped_back_makes_no_gap() -> None:
    runs = [Run(str(day), told(night(day, a()))[1][0].entry) for day in (5, 3, 4)]

    expected, _ = outlook.due(runs)

    assert expected == timedelta(days=1)


def test_events_are_what_the_runs_told() -> None:
    nights = [
        night(1, a()),
        night(2, a("drifted")),
        night(3, a("drifted", live="ml.m5.xlarge")),
        night(4, a("missing")),
        night(5, a("error")),
        night(6, a("missing")),
        night(7, a()),
        night(8, a("drifted")),
        night(9),
        night(10, a("unmanaged")),
        night(11),
    ]
    history = History()
    changes = [(each["started_at"], change.kind) for each in nights for change in history.add(each)]

    events = [(event.at, event.kind) for event in outlook.events(history.courses)]

    assert sorted(events) == sorted(changes)
    assert len(events) == 10


def test_times_out_of_sync_are_counted_once_however_they_changed() -> None:
    history, _ = told(
        night(1, a("drifted")),
        night(2, a("missing")),
        night(3, a()),
        night(4, a("drifted")),
        night(5, a("error")),
        night(6, a("drifted")),
    )

    (found,) = outlook.recurrences(history)

    assert (found.times, found.seconds) == (2, 4 * 86_400)
    assert found.spans == [
        (at(1), at(2), "drifted"),
        (at(2), at(3), "missing"),
        (at(4), None, "drifted"),
        (at(5), at(6), "error"),
    ]


def test_what_was_always_in_sync_recurs_never() -> None:
    assert outlook.recurrences(told(night(1, a()), night(2, a("error")))[0]) == []


def test_the_trend_has_a_bar_for_each_run_and_a_gap_where_there_was_none() -> None:
    _, runs = told(
        night(1, a("drifted")), night(2, a()), night(4, a("missing"), {**a("drifted"), "name": "b"})
    )

    made = charts.trend(outlook.points(runs), timedelta(days=1))

    # four days are 1000 wide, 250 each and 86 % of it a bar; at most two are 1000 high
    assert made.paths == [
        ("drifted", "M0.0 500.0h215.0v500.0h-215.0zM750.0 500.0h215.0v500.0h-215.0z"),
        ("missing", "M750.0 0.0h215.0v500.0h-215.0z"),
    ]
    assert [(level.at, level.text) for level in made.levels] == [(0, "0"), (50, "1"), (100, "2")]


def test_a_trend_in_which_nothing_was_wrong_has_axes() -> None:
    _, runs = told(night(1, a()))

    made = charts.trend(outlook.points(runs), timedelta(days=1))

    assert made.paths == []
    assert [level.text for level in made.levels] == ["0", "1"]
    assert charts.trend([], timedelta(days=1)).levels == ()


@pytest.mark.parametrize(
    ("most", "levels"),
    [
        (1, ["0", "1"]),
        (7, ["0", "2", "4", "6", "8"]),
        (20, ["0", "5", "10", "15", "20"]),
        (21, ["0", "10", "20", "30"]),
        (9_999, ["0", "5,000", "10,000"]),
    ],
)
def test_levels_are_round_numbers(most: int, levels: list[str]) -> None:
    run = told(night(1, a()))[1][0]

    made = charts.trend(
        [Point(run, {"drifted": most, "missing": 0, "error": 0, "unmanaged": 0})], timedelta(1)
    )

    assert [level.text for level in made.levels] == levels


@pytest.mark.parametrize(
    ("first", "count", "texts"),
    [
        (date(2026, 11, 1), 2, ["06:00", "12:00", "18:00", "2 Nov", "06:00", "12:00", "18:00"]),
        (date(2026, 11, 1), 4, ["2 Nov", "3 Nov", "4 Nov"]),
        (date(2026, 10, 5), 30, ["12 Oct", "19 Oct", "26 Oct", "2 Nov"]),
        (date(2026, 1, 15), 200, ["Feb 2026", "Mar 2026", "Apr 2026", "May 2026", "Jun 2026", "Jul 2026"]),
        (date(2025, 11, 24), 365, ["Jan 2026", "Apr 2026", "Jul 2026", "Oct 2026"]),
        (date(2020, 2, 1), 2500, ["2021", "2022", "2023", "2024", "2025", "2026"]),
    ],
)
def test_times_are_told_at_a_readable_distance(first: date, count: int, texts: list[str]) -> None:
    run = told(night(1, a()))[1][0]
    start = datetime(first.year, first.month, first.day, 2, 17, tzinfo=UTC)
    ends = [start, start + timedelta(days=count - 1)]
    entries = [
        Run("x", type(run.entry)(f"{end:%Y-%m-%dT%H:%M:%SZ}", "", True, False, {}, {})) for end in ends
    ]
    points = [Point(each, dict.fromkeys(outlook.OUT_OF_SYNC, 0)) for each in entries]

    found = [label.text for label in charts.trend(points, timedelta(days=1)).times]

    assert found == texts


def test_the_calendar_has_weeks_as_columns_from_monday_down() -> None:
    # 2026-11-01 is a Sunday
    _, runs = told(night(1, a("drifted")), night(2, a()), night(4, interrupted=True))
    days = outlook.days(runs, outlook.points(runs))

    made = charts.calendar(days)

    assert [(cell.x, cell.y, cell.tone, cell.text) for cell in made.cells] == [
        (30, 16 + 6 * 23, "drifted", "1"),
        (53, 16, "in_sync", ""),
        (53, 16 + 23, "none", ""),
        (53, 16 + 46, "cut", ""),
    ]
    assert [cell.page for cell in made.cells] == [
        run_page("2026-11-01T02-17-00Z"),
        run_page("2026-11-02T02-17-00Z"),
        None,
        run_page("2026-11-04T02-17-00Z"),
    ]
    assert made.cells[0].title == "2026-11-01: 1 not in sync"
    assert (made.width, made.height) == (53 + 21, 16 + 7 * 23)


@pytest.mark.parametrize("count", [0, 1, 366, 371, 400, 1000])
def test_the_calendar_never_has_more_than_53_weeks(count: int) -> None:
    start = date(2024, 2, 29)
    made = charts.calendar([Day(start + timedelta(days=number), None, []) for number in range(count)])

    assert {(cell.x - 30) // 23 for cell in made.cells} <= set(range(53))
    assert len({(cell.x, cell.y) for cell in made.cells}) == len(made.cells) == min(count, len(made.cells))
    assert len(made.cells) >= min(count, 365)


def test_the_shortest_time_on_a_line_is_seen() -> None:
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)

    bars = charts.strip(
        [
            ("2026-01-01T00:00:00Z", "2026-07-02T12:00:00Z", "drifted"),
            ("2026-12-31T23:00:00Z", None, "missing"),
            ("soon", None, "missing"),
        ],
        start,
        end,
    )

    assert [(bar.x, bar.width, bar.status) for bar in bars] == [
        (0.0, 500.0, "drifted"),
        (988.0, 12.0, "missing"),
    ]
    assert charts.strip([], start, start) == charts.strip([], None, None) == []


@pytest.mark.parametrize(
    ("change", "desired", "live", "sensitive", "text"),
    [
        ("changed", "a", "b", False, 'X = "a" → "b"'),
        ("added", None, 1, False, "+ X = 1"),
        ("removed", {"a": 1}, None, False, "\N{MINUS SIGN} X = {…}"),
        ("added", None, [1], False, "+ X = […]"),
        ("added", None, [], False, "+ X = []"),
        ("changed", "(sensitive)", "(sensitive)", True, "X = (sensitive) → (sensitive)"),
        ("changed", "a" * 99, "b", False, f'X = "{"a" * 58}… → "b"'),
    ],
)
def test_a_difference_is_told_on_one_line(
    change: Any, desired: Any, live: Any, sensitive: bool, text: str
) -> None:
    entry = {**changed(["X"], desired, live), "change": change, "sensitive": sensitive}

    assert said(Episode("drifted", at(1), differences=(entry,))) == text  # type: ignore[arg-type]


def test_what_is_wrong_without_a_difference_is_told_too() -> None:
    two = (changed(["X"], 1, 2), changed(["Y"], 1, 2))

    assert said(Episode("drifted", at(1), differences=two)) == "X = 1 → 2 and 1 more"
    assert said(Episode("error", at(1), error={"code": "Timeout", "message": "slow"})) == "Timeout"
    assert said(Episode("missing", at(1))) == "declared, and not there"
    assert said(Episode("unmanaged", at(1))) == "there, and no file declares it"
    assert said(None) == said(Episode("drifted", at(1))) == ""


def test_every_change_has_words() -> None:
    from driftcheck.dashboard.words import BECAME

    assert set(BECAME) == set(ChangeKind)


def test_a_target_says_where_it_is_and_where_it_was() -> None:
    far: TargetEntry = {**PROD, "region": "us-east-1"}
    history, runs = told(night(1, a()), night(2, a("missing"), targets=(far,)))

    (target,) = outlook.targets(runs, outlook.standings(history))

    assert target.place == ("123456789012", "us-east-1")
    assert target.moved == (runs[1], ("123456789012", "eu-west-1"))


def test_what_is_found_where_a_target_is_for_the_first_time_is_no_latest_change() -> None:
    far: TargetEntry = {**PROD, "region": "us-east-1"}
    history, runs = told(
        night(1, a()), night(2, a("missing"), targets=(far,)), night(3, a("drifted"), targets=(far,))
    )

    text = Site(history, [run.name for run in runs]).front().text()

    assert "went missing" not in text
    assert text.count("drifts otherwise") + text.count('<span class="became">drifted</span>') == 1
    assert "account 123456789012, region us-east-1" in text
    assert "before: account 123456789012, region eu-west-1" in text


def test_the_latest_changes_say_how_many_more_there_are() -> None:
    failing: list[ResourceEntry] = [{**expired(), "name": f"m{number:03}"} for number in range(160)]
    history, runs = told(night(1, a()), night(2, *failing))

    latest = Site(history, [run.name for run in runs]).front().text().partition('id="told-title"')[2]

    assert latest.partition("</section>")[0].count('<span class="became">could not be read</span>') == 8
    assert "<li>and 152 more</li>" in latest.partition("</section>")[0]
