from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from driftcheck.history import ChangeKind, History, dumps, loads
from tests.documents import PROD, as_part, changed, document, in_sync

if TYPE_CHECKING:
    from driftcheck.document.entries import DifferenceEntry, Document, ResourceEntry, TargetEntry

KEY = ("ModelQualityJobDefinition", "prod", "a")
SMALL, LARGE = "ml.m5.large", "ml.m5.4xlarge"
TYPE = ("JobResources", "ClusterConfig", "InstanceType")


def night(day: int, *resources: ResourceEntry, interrupted: bool = False, error: bool = False) -> Document:
    """The run of one night; with ``error`` its only target could not be read whole."""
    target: TargetEntry = {**PROD}
    if error:
        target |= {"error": {"code": "AccessDeniedException", "message": "no"}, "listed": []}
    run = document(*resources, targets=[target], interrupted=interrupted)
    return {**run, "started_at": at(day), "finished_at": f"2026-11-{day:02d}T02:18:00Z"}


def at(day: int) -> str:
    return f"2026-11-{day:02d}T02:17:00Z"


def a(status: str = "in_sync", live: str = LARGE, line: int = 3) -> ResourceEntry:
    differing: list[DifferenceEntry] = [
        {**changed(TYPE, SMALL, live), "source": {"file": "a.yaml", "line": line}}
    ]
    return {
        **in_sync("a"),
        "status": status,  # type: ignore[typeddict-item]
        "differences": differing if status == "drifted" else [],
        "created_at": "2026-10-01T08:00:00Z",
        "error": {"code": "Timeout", "message": "slow"} if status == "error" else None,
    }


def told(*runs: Document) -> tuple[History, list[list[ChangeKind]]]:
    history = History()
    return history, [[change.kind for change in history.add(run)] for run in runs]


def test_what_stays_as_it_is_is_no_change() -> None:
    _, kinds = told(night(1, a("drifted")), night(2, a("drifted")), night(3, a("drifted", line=9)))

    assert kinds == [[ChangeKind.DRIFTED], [], []]


@pytest.mark.parametrize("status", ["drifted", "missing", "unmanaged"])
def test_what_is_repaired_says_since_when_it_was_not(status: str) -> None:
    history = History()
    history.add(night(1, a()))
    history.add(night(2, a(status)))
    history.add(night(3, a(status)))

    (change,) = history.add(night(4, a()))

    assert (change.kind, change.key) == (ChangeKind.REPAIRED, KEY)
    assert (change.episode.status, change.episode.since, change.episode.until) == (status, at(2), at(4))
    assert history.courses[KEY].status == "in_sync"
    assert history.courses[KEY].out_of_sync_since is None
    assert not history.courses[KEY].episodes[0].is_gone


def test_a_drift_that_changes_lasts_since_its_beginning() -> None:
    history, kinds = told(
        night(1, a()),
        night(2, a("drifted")),
        night(3, a("drifted", live="ml.m5.xlarge")),
        night(4, a("missing")),
    )

    assert kinds == [[], [ChangeKind.DRIFTED], [ChangeKind.CHANGED], [ChangeKind.MISSING]]
    course = history.courses[KEY]
    assert course.out_of_sync_since == at(2)
    assert [course.out_of_sync_before(at(day)) for day in (1, 3, 4)] == [None, at(2), at(2)]
    assert [(each.status, each.since, each.until) for each in course.episodes] == [
        ("drifted", at(2), at(3)),
        ("drifted", at(3), at(4)),
        ("missing", at(4), None),
    ]


def test_a_second_drift_lasts_since_it_began() -> None:
    history, _ = told(night(1, a("drifted")), night(2, a()), night(3, a("drifted")))

    assert history.courses[KEY].out_of_sync_since == at(3)


def test_what_cannot_be_read_is_what_it_was() -> None:
    history, kinds = told(
        night(1, a("drifted")),
        night(2, a("error")),
        night(3, a("error")),
        night(4, a("drifted")),
        night(5, a()),
    )

    assert kinds == [
        [ChangeKind.DRIFTED],
        [ChangeKind.UNREADABLE],
        [],
        [ChangeKind.READABLE],
        [ChangeKind.REPAIRED],
    ]
    assert [(each.status, each.since, each.until) for each in history.courses[KEY].episodes] == [
        ("drifted", at(1), at(5)),
        ("error", at(2), at(4)),
    ]


def test_what_was_never_read_has_no_other_status() -> None:
    history, _ = told(night(1, a("error")))

    assert history.courses[KEY].status == "error"
    assert history.courses[KEY].out_of_sync_since is None


def test_what_drifted_while_it_could_not_be_read_is_told_when_it_can() -> None:
    _, kinds = told(night(1, a()), night(2, a("error")), night(3, a("drifted")))

    assert kinds[2] == [ChangeKind.DRIFTED, ChangeKind.READABLE]


@pytest.mark.parametrize("code", ["Interrupted", "DeadlineExceeded"])
def test_of_a_run_that_was_cut_short_what_was_read_counts_and_nothing_else(code: str) -> None:
    cut: ResourceEntry = {**a("error"), "error": {"code": code, "message": "over"}}
    b, c = {"name": "b"}, {"name": "c"}
    history, kinds = told(
        night(1, a("drifted"), {**a(), **b}),  # type: ignore[typeddict-item]
        night(2, cut, {**a("missing"), **b}, {**cut, **c}, interrupted=True),  # type: ignore[typeddict-item]
        night(3, a("drifted"), {**a("missing"), **b}, {**a(), **c}),  # type: ignore[typeddict-item]
    )

    assert kinds == [[ChangeKind.DRIFTED], [ChangeKind.MISSING], []]
    assert [run.complete for run in history.runs] == [True, False, True]
    assert [(run.read, run.declared) for run in history.runs] == [(2, 2), (1, 3), (3, 3)]
    assert history.courses[KEY].out_of_sync_since == at(1)
    assert history.courses[KEY[0], "prod", "c"].first == at(3)


def test_one_that_is_denied_for_ever_does_not_end_the_history_of_the_others() -> None:
    other = {**a("error"), "name": "denied"}
    history, kinds = told(
        night(1, a(), other),  # type: ignore[arg-type]
        night(2, a("drifted"), other),  # type: ignore[arg-type]
        night(3, a(), other),  # type: ignore[arg-type]
    )

    assert kinds == [[ChangeKind.UNREADABLE], [ChangeKind.DRIFTED], [ChangeKind.REPAIRED]]
    assert [run.complete for run in history.runs] == [False, False, False]


def test_what_is_unmanaged_is_not_gone_where_its_kind_was_not_listed() -> None:
    stray: ResourceEntry = {**a("unmanaged"), "source": None}
    bias: ResourceEntry = {**stray, "kind": "ModelBiasJobDefinition"}
    run = night(2)
    run["targets"][0]["listed"] = ["ModelBiasJobDefinition"]
    history, kinds = told(night(1, stray, bias), run, night(3))

    assert kinds == [[ChangeKind.UNMANAGED] * 2, [ChangeKind.REPAIRED], [ChangeKind.REPAIRED]]
    assert [run.targets["prod"].get("unmanaged", 0) for run in history.runs] == [2, 1, 0]
    assert [run.unlisted for run in history.runs] == [[], ["prod"], []]


def test_what_is_unmanaged_is_not_gone_where_that_is_undecided() -> None:
    stray: ResourceEntry = {**a("unmanaged"), "source": None}
    run = as_part(night(2))
    run["run"]["undecided"] = [{"resource": stray, "declared_for": ["other"]}]
    history, kinds = told(night(1, stray), run, night(3, stray))

    assert kinds == [[ChangeKind.UNMANAGED], [], []]
    assert [run.unlisted for run in history.runs] == [[], ["prod"], []]


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        ("in_sync", []),
        ("drifted", [ChangeKind.REMOVED]),
        ("missing", [ChangeKind.REMOVED]),
        ("unmanaged", [ChangeKind.REPAIRED]),
        ("error", [ChangeKind.REMOVED]),
    ],
)
def test_what_a_run_no_longer_speaks_of(status: str, kinds: list[ChangeKind]) -> None:
    history, found = told(night(1, a(status)), night(2), night(3))

    assert found[1:] == [kinds, []]
    assert not history.courses[KEY].is_there
    assert [episode.is_gone for episode in history.courses[KEY].episodes] == [True] * (status != "in_sync")
    assert history.courses[KEY].out_of_sync_since is None


def test_a_target_that_was_not_read_whole_says_nothing_of_what_exists_in_it() -> None:
    history, kinds = told(night(1, a("unmanaged")), night(2, error=True))

    assert kinds[1] == []
    assert history.courses[KEY].is_there
    assert [run.failures for run in history.runs] == [
        {},
        {"prod": {"code": "AccessDeniedException", "message": "no"}},
    ]


def test_what_no_file_declares_any_more_is_removed_whatever_was_read_of_its_target() -> None:
    history, kinds = told(night(1, a("drifted")), night(2, error=True))

    assert kinds[1] == [ChangeKind.REMOVED]
    assert not history.courses[KEY].is_there


def test_a_run_over_another_target_says_nothing_of_this_one() -> None:
    elsewhere = {**night(2), "targets": [{**PROD, "name": "test"}]}
    history, kinds = told(night(1, a("drifted")), elsewhere)  # type: ignore[arg-type]

    assert kinds[1] == []
    assert history.courses[KEY].is_there


def test_what_comes_back_is_there_again() -> None:
    history, kinds = told(night(1, a("drifted")), night(2), night(3, a("drifted")))

    assert kinds[2] == [ChangeKind.DRIFTED]
    assert history.courses[KEY].is_there
    assert history.courses[KEY].out_of_sync_since == at(3)


def test_runs_are_counted_by_status_and_by_target() -> None:
    history, _ = told(night(1, a("drifted"), {**a(), "name": "b", "target": "test"}))

    (run,) = history.runs
    assert run.counts == {"in_sync": 1, "drifted": 1, "missing": 0, "unmanaged": 0, "error": 0}
    assert run.targets == {"prod": {"drifted": 1}, "test": {"in_sync": 1}}
    assert history.last == at(1)


def test_a_history_can_be_kept() -> None:
    history, _ = told(night(1, a("drifted")), night(2, a("error")), night(3, a()), night(4, a("missing")))

    kept = loads(dumps(history))

    assert kept == history
    assert [change.kind for change in kept.add(night(5, a()))] == [ChangeKind.REPAIRED]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "1",
        '{"format": 3}',
        '{"format": 2, "runs": [], "courses": []}',
        '{"format": 3, "runs": [{"no": 1}], "courses": []}',
        '{"format": 3, "runs": [], "courses": [["a", "b"]]}',
    ],
)
def test_what_is_no_history(text: str) -> None:
    with pytest.raises(ValueError, match="no history"):
        loads(text)


def placed(document: Document, account: str | None, region: str | None = "eu-west-1") -> Document:
    return {**document, "targets": [{**PROD, "account": account, "region": region}]}


HERE, THERE = "123456789012", "210987654321"


def test_a_target_that_moved_begins_a_history_and_nothing_has_changed() -> None:
    history = History()
    history.add(placed(night(1, a("drifted")), HERE))

    assert history.add(placed(night(2, a("missing")), THERE)) == []

    assert history.runs[-1].moved == {"prod": (HERE, "eu-west-1")}
    assert [each.status for each in history.courses[KEY].episodes] == ["missing"]
    assert history.courses[KEY].first == at(2)
    # nobody was told that it was missing there
    assert history.add(placed(night(3, a()), THERE)) == []


def test_a_place_of_an_unknown_account_takes_up_no_history() -> None:
    history = History()
    history.add(placed(night(1, a()), THERE, "us-east-1"))
    history.add(placed(night(2, a()), HERE))

    assert history.add(placed(night(3, a("missing")), None, "us-east-1")) == []
    assert history.runs[-1].moved == {"prod": (HERE, "eu-west-1")}


def test_what_was_missing_while_the_account_was_not_known_is_not_repaired() -> None:
    history = History()
    history.add(placed(night(1, a()), HERE))

    assert history.add(placed(night(2, a("missing")), None, "us-east-1")) == []
    assert history.add(placed(night(3, a()), THERE, "us-east-1")) == []


def test_what_only_the_old_place_has_is_not_gone() -> None:
    history = History()
    history.add(placed(night(1, a("unmanaged")), HERE))

    assert history.add(placed(night(2), HERE, "us-east-1")) == []
    assert history.courses == {}


def test_a_target_that_comes_back_goes_on_where_it_was() -> None:
    history = History()
    history.add(placed(night(1, a("drifted")), HERE))
    history.add(placed(night(2, a("missing")), HERE, "us-east-1"))

    assert history.add(placed(night(3, a("drifted")), HERE)) == []
    assert history.courses[KEY].out_of_sync_since == at(1)
    (change,) = history.add(placed(night(4, a()), HERE))
    assert change.kind is ChangeKind.REPAIRED
    assert loads(dumps(history)) == history


@pytest.mark.parametrize("unknown", [(None, "eu-west-1"), (HERE, None), (None, None)])
def test_what_was_not_known_of_a_place_is_no_move(unknown: tuple[str | None, str | None]) -> None:
    history, kinds = told(
        placed(night(1, a()), *unknown),
        placed(night(2, a("missing")), HERE),
        placed(night(3, a("missing")), *unknown),
        placed(night(4, a("missing")), THERE),
    )

    assert kinds == [[], [ChangeKind.MISSING], [], []]
    assert [run.moved for run in history.runs] == [{}, {}, {}, {"prod": (HERE, "eu-west-1")}]


def test_a_run_that_read_nothing_of_a_target_has_moved_none() -> None:
    history, kinds = told(
        placed(night(1, a()), HERE),
        placed(night(2, a("error")), None, "us-east-1"),
        placed(night(3, a()), HERE),
    )

    assert kinds == [[], [ChangeKind.UNREADABLE], [ChangeKind.READABLE]]
    assert [run.moved for run in history.runs] == [{}, {}, {}]


def test_what_is_not_in_sync_where_a_target_moved_is_a_change_of_the_next_run_that_reads_it() -> None:
    history = History()
    other: dict[str, str] = {"name": "b"}
    history.add(placed(night(1, a()), HERE))
    assert history.add(placed(night(2, a("drifted"), {**a("missing"), **other}), THERE)) == []  # type: ignore[typeddict-item]

    changes = history.add(placed(night(3, a("drifted"), {**a("error"), **other}), THERE))  # type: ignore[typeddict-item]

    assert [(each.kind, each.key[2], each.episode.since) for each in changes] == [
        (ChangeKind.DRIFTED, "a", at(2)),
        (ChangeKind.UNREADABLE, "b", at(3)),
    ]
    changes = history.add(placed(night(4, a("drifted"), {**a("missing"), **other}), THERE))  # type: ignore[typeddict-item]
    assert [(each.kind, each.key[2], each.episode.since) for each in changes] == [
        (ChangeKind.MISSING, "b", at(2)),
        (ChangeKind.READABLE, "b", at(3)),
    ]
    assert history.add(placed(night(5, a("drifted"), {**a("missing"), **other}), THERE)) == []  # type: ignore[typeddict-item]
    assert loads(dumps(history)) == history


def failed(code: str, message: str = "no") -> ResourceEntry:
    return {**a("error"), "error": {"code": code, "message": message}}


def test_another_cause_is_a_change_and_the_latest_error_is_kept() -> None:
    history, kinds = told(
        night(1, failed("ExpiredToken")),
        night(2, failed("ExpiredToken", "other words")),
        night(3, failed("AccessDenied")),
        night(4, failed("AccessDenied")),
        night(5, a()),
    )

    assert kinds == [
        [ChangeKind.UNREADABLE],
        [],
        [ChangeKind.UNREADABLE],
        [],
        [ChangeKind.READABLE],
    ]
    (episode,) = history.courses[KEY].episodes
    assert (episode.since, episode.until) == (at(1), at(5))
    assert episode.error == {"code": "AccessDenied", "message": "no"}
    assert episode.codes == ((at(1), "ExpiredToken"), (at(3), "AccessDenied"))
    assert loads(dumps(history)) == history


def test_a_run_counts_what_is_known_and_what_of_that_cannot_be_read() -> None:
    b, c, d = ({"name": name} for name in "bcd")
    cut: ResourceEntry = failed("DeadlineExceeded")
    history, _ = told(
        night(1, a("drifted"), {**a(), **b}, {**a("unmanaged"), **d}),  # type: ignore[typeddict-item]
        night(2, failed("AccessDenied"), {**failed("AccessDenied"), **b}, {**a(), **c}),  # type: ignore[typeddict-item]
        night(3, cut, {**a(), **b}, {**cut, **c}, interrupted=True),  # type: ignore[typeddict-item]
    )

    assert [run.targets for run in history.runs] == [
        {"prod": {"drifted": 1, "in_sync": 1, "unmanaged": 1}},
        {"prod": {"drifted": 1, "error": 1, "in_sync": 1}},
        {"prod": {"drifted": 1, "in_sync": 2}},
    ]
    assert [run.unreadable for run in history.runs] == [{}, {"prod": 2}, {"prod": 1}]


def test_a_target_fails_until_a_run_lists_again_what_was_listed() -> None:
    history = History()
    quiet = night(4, a())
    quiet["targets"] = [{**PROD, "listed": []}]
    states = []
    for run in (night(1, a()), night(2, a(), error=True), night(3, a(), error=True), quiet, night(5, a())):
        history.add(run)
        failure = history.failures.get("prod")
        states.append(failure and (failure.since, failure.asked, failure.until))

    # night 4 asked for no lists, on purpose
    assert states == [
        None,
        (at(2), at(2), None),
        (at(2), at(3), None),
        (at(2), at(3), None),
        (at(2), at(3), at(5)),
    ]
    assert loads(dumps(history)) == history
