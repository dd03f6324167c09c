"""A notice as people read it: it says what matters, always fits, and nothing in it acts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.history import History
from driftcheck.notices import notice
from driftcheck.notices.text import REPEATED, age_text, body, in_utf8, subject
from tests.documents import PROD, changed, document, in_sync
from tests.unit.test_notices import a, at, night

if TYPE_CHECKING:
    from driftcheck.document.entries import Document, ErrorEntry, ResourceEntry, TargetEntry
    from driftcheck.notices.entries import Notice


def last(*runs: Document) -> Notice:
    history = History()
    found = [notice(run, history, history.add(run), timedelta(days=7)) for run in runs][-1]
    assert found is not None
    return found


def many(count: int) -> Notice:
    return last(night(1, *(a("drifted", f"definition-{number:05}") for number in range(count))))


def test_a_notice_reads_as_a_person_would_say_it() -> None:
    before = [a(name="churn"), a("drifted", "fraud"), a("missing", "old"), a(name="slow")]
    after = [a("drifted", "churn"), a(name="fraud"), a("missing", "old"), a("error", "slow")]

    found = last(night(1, *before), night(2, *before), night(4, *after, a("unmanaged", "new")))

    assert subject(found) == "driftcheck: 1 drifted, 1 unreadable, 1 unmanaged, 1 repaired"
    assert body(found, 10_000) == (
        "driftcheck, run of 2026-11-04 02:17:00 UTC\n"
        "\n"
        "1 drifted\n"
        "- ModelQualityJobDefinition churn (prod): created 2026-10-31 21:00:00 UTC; "
        "1 difference: Tags[0].Value; desired/a.yaml:3\n"
        "\n"
        "1 cannot be read\n"
        "- ModelQualityJobDefinition slow (prod): Timeout: slow; what to do: run it again, with a longer "
        "--timeout or a lower --concurrency; desired/a.yaml:3\n"
        "\n"
        "1 unmanaged\n"
        "- ModelQualityJobDefinition new (prod): desired/a.yaml:3\n"
        "\n"
        "1 repaired\n"
        "- ModelQualityJobDefinition fraud (prod): was drifted for 3 d\n"
        "\n"
        "1 more not in sync, as before; the longest first\n"
        "- ModelQualityJobDefinition old (prod): missing for 3 d, since 2026-11-01 02:17:00 UTC\n"
        "\n"
        "Now: 1 in sync, 1 drifted, 1 missing, 1 unmanaged, 1 not readable.\n"
        "3 of 4 read: the run is not complete.\n"
        "Target prod: account 123456789012, region eu-west-1\n"
    )


def test_a_target_that_moved_is_told_and_nothing_of_what_is_missing_there() -> None:
    far: TargetEntry = {**PROD, "account": None, "region": "us-east-1"}
    there: Document = {**document(a("missing"), a("missing", "b"), targets=[far]), "started_at": at(2)}

    found = last(night(1, a(), a("drifted", "b")), there)

    assert subject(found) == "driftcheck: 1 target moved"
    assert body(found, 10_000) == (
        "driftcheck, run of 2026-11-02 02:17:00 UTC\n"
        "\n"
        "1 target moved; each place has a history of its own\n"
        "- prod: was account 123456789012, region eu-west-1, is account not known, region us-east-1\n"
        "\n"
        "Now: 0 in sync, 0 drifted, 2 missing, 0 unmanaged, 0 not readable.\n"
        "Target prod: account not known, region us-east-1\n"
    )


def test_a_notice_of_0_1_has_no_places() -> None:
    found = last(night(1, a("drifted")))
    del found["targets"], found["moved"]

    assert body(found, 10_000).endswith("0 not readable.\n")


def test_a_repetition_says_so() -> None:
    text = body(many(1), 10_000, repeated=True)

    assert text.splitlines()[1] == REPEATED


@pytest.mark.parametrize(("limit", "named"), [(10**9, 5000), (256 * 1024, 1000), (4096, 10), (500, 1)])
def test_as_many_are_named_as_there_is_room_for(limit: int, named: int) -> None:
    text = body(many(5000), limit, in_utf8)

    assert in_utf8(text) <= limit
    assert "5,000 drifted\n" in text
    assert text.count("- ModelQuality") == named
    assert (f"- and {5000 - named:,} more\n" in text) is (named < 5000)
    assert text.endswith(
        "Now: 0 in sync, 5,000 drifted, 0 missing, 0 unmanaged, 0 not readable.\n"
        "Target prod: account 123456789012, region eu-west-1\n"
    )


@given(st.integers(min_value=0, max_value=3000), st.booleans())
def test_any_limit_holds(limit: int, in_bytes: bool) -> None:
    run = night(1, {**a("drifted", "é" * 60), "differences": [changed(["Tags", 0, "é" * 90], "x", "y")]})

    size = in_utf8 if in_bytes else len
    assert size(body(last(run), limit, size)) <= limit


def hostile(text: str) -> ResourceEntry:
    return {
        **in_sync(text),
        "status": "drifted",
        "target": "prod",
        "source": {"file": text, "line": 1},
        "differences": [changed(["Tags", 0, text], text, text)],
        "error": {"code": text, "message": text},
    }


@given(st.text(max_size=60) | st.sampled_from(["@everyone", "<!channel>", "[x](https://example.com)", "`a`"]))
def test_nothing_in_it_acts(text: str) -> None:
    found = last(night(1, hostile(text), hostile(text + "2")))

    said = body(found, 100_000)

    assert not {*"@<`"} & {*said}
    assert "](" not in said
    assert all(line.isprintable() for line in said.split("\n"))
    assert len(said.split("\n")) == 9
    assert subject(found) == "driftcheck: 2 drifted"


def test_no_value_is_in_it() -> None:
    run = night(1, {**a("drifted"), "differences": [changed(["Tags", 0, "Value"], "w4nted", "f0und")]})

    said = body(last(run), 100_000)

    assert "w4nted" not in said
    assert "f0und" not in said


def test_the_subject_is_short_ascii() -> None:
    count = 1200
    before = [a("in_sync", f"d{number}") for number in range(9 * count)]
    sorts = ["missing", "drifted", "error", "in_sync"]
    after = [a(sorts[number % 4], f"d{number}") for number in range(8 * count)]
    run = night(2, *after, *(a("unmanaged", f"u{number}") for number in range(count)))

    found = subject(last(night(1, *before), run))

    assert found == "driftcheck: 2400 missing, 2400 drifted, 2400 unreadable, 1200 unmanaged"
    assert found.isascii()
    assert len(found) < 100


def test_a_subject_of_everything_is_cut_at_its_end() -> None:
    kinds = ("missing", "drifted", "changed", "unreadable", "unmanaged", "reminder", "removed", "repaired")
    one = many(1)
    events = [{**one["events"][0], "event": kind} for kind in kinds for _ in range(300)]

    found = subject({**one, "events": events})  # type: ignore[typeddict-item]

    assert len(found) == 99
    assert found.endswith("...")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 min"),
        (119 * 60, "119 min"),
        (7200, "2 h"),
        (172799, "47 h"),
        (172800, "2 d"),
        (10**8, "1157 d"),
    ],
)
def test_an_age_is_in_one_unit(seconds: int, text: str) -> None:
    assert age_text(seconds) == text


def unreadable(name: str) -> ResourceEntry:
    error: ErrorEntry = {
        "code": "SSOTokenLoad",
        "message": "cannot reach the target: Error loading SSO Token",
        "profile": "prod",
    }
    return {**a("error", name), "error": error}


def test_one_cause_is_one_line_and_counts_all_its_definitions() -> None:
    before = [a(name=f"churn-{number:03}") for number in range(500)]
    after = [unreadable(f"churn-{number:03}") for number in range(500)]

    text = body(last(night(1, *before), night(2, *after)), 10_000)

    assert text == (
        "driftcheck, run of 2026-11-02 02:17:00 UTC\n"
        "\n"
        "500 cannot be read\n"
        "- 500 definitions in prod: SSOTokenLoad: cannot reach the target: Error loading SSO Token; "
        "what to do: sign in: aws sso login --profile prod; churn-000, churn-001, churn-002 and 497 more\n"
        "\n"
        "Now: 0 in sync, 0 drifted, 0 missing, 0 unmanaged, 500 not readable.\n"
        "0 of 500 read: the run is not complete.\n"
        "Target prod: account 123456789012, region eu-west-1\n"
    )


def test_what_stays_unreadable_is_one_line_beside_what_stays_drifted() -> None:
    lasting = [a("drifted", "fraud"), *(unreadable(f"churn-{number:03}") for number in range(500))]

    text = body(last(night(1, *lasting), night(2, *lasting, a("missing", "new"))), 10_000)

    assert "501 more not in sync, as before; the longest first\n" in text
    assert text.count("- 500 definitions in prod: error for 24 h, since 2026-11-01 02:17:00 UTC\n") == 1
    assert text.count("- ModelQualityJobDefinition ") == 2
    assert "- and" not in text


def test_a_target_that_cannot_be_read_whole_is_one_line_with_what_to_do() -> None:
    error: ErrorEntry = {"code": "AccessDeniedException", "message": "ListModelBiasJobDefinitions: no"}
    failing = night(2, a())
    failing["targets"] = [{**PROD, "error": error, "listed": []}]

    begun, ended = last(night(1, a()), failing), last(night(1, a()), failing, night(4, a()))

    assert subject(begun) == "driftcheck: 1 target unreadable"
    assert body(begun, 10_000) == (
        "driftcheck, run of 2026-11-02 02:17:00 UTC\n"
        "\n"
        "1 target cannot be read whole\n"
        "- Target prod: AccessDeniedException: ListModelBiasJobDefinitions: no; what to do: allow "
        "sagemaker:ListModelBiasJobDefinitions: driftcheck iam-policy prints the policy\n"
        "\n"
        "Now: 1 in sync, 0 drifted, 0 missing, 0 unmanaged, 0 not readable.\n"
        "Target prod: account 123456789012, region eu-west-1; "
        "not read whole since 2026-11-02 02:17:00 UTC: AccessDeniedException\n"
    )
    assert subject(ended) == "driftcheck: 1 target readable"
    assert "1 target can be read whole again\n- Target prod: could not be read whole for 2 d\n" in body(
        ended, 10_000
    )


def test_another_cause_is_said_to_be_one() -> None:
    expired: ResourceEntry = {**a("error"), "error": {"code": "ExpiredToken", "message": "over"}}

    text = body(last(night(1, expired), night(2, a("error"))), 10_000)

    assert (
        "- ModelQualityJobDefinition a (prod): not readable for 24 h, now by another cause; Timeout: slow"
        in text
    )


def test_what_had_drifted_and_cannot_be_read_is_said_to_be_both() -> None:
    text = body(
        last(night(1, a("drifted")), night(2, a("error")), night(3, a("error"), a("missing", "b"))), 10_000
    )

    assert (
        "1 more not in sync, as before; the longest first\n"
        "- ModelQualityJobDefinition a (prod): drifted for 2 d, since 2026-11-01 02:17:00 UTC; "
        "as last read, not readable since 2026-11-02 02:17:00 UTC\n"
        "\n"
        "As last read: 0 in sync, 1 drifted, 1 missing, 0 unmanaged, 0 not readable.\n"
        "Of those not in sync, 1 cannot be read now.\n"
        "1 of 2 read: the run is not complete.\n"
    ) in text


def test_a_run_that_was_cut_short_says_what_is_known() -> None:
    cut: ResourceEntry = {**a("error"), "error": {"code": "DeadlineExceeded", "message": "over"}}

    text = body(last(night(1, a()), night(2, cut, a("missing", "b"), interrupted=True)), 10_000)

    assert (
        "As last read: 1 in sync, 0 drifted, 1 missing, 0 unmanaged, 0 not readable.\n"
        "1 of 2 read: the run is not complete.\n"
    ) in text
