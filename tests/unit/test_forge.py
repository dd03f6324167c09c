from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.errors import DriftcheckError
from driftcheck.forge import Clock, Comment, Plan, Wanted, comment, decide, marker, publish
from driftcheck.forge.faults import CallFailedError, pause, reason, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftcheck.forge.where import Run

NOW = 1_795_486_629.0  # 2026-11-24 02:17:09 UTC
MARKER = "<!-- driftcheck:driftcheck -->"


def body(text: str = "new", started: str = "2026-11-24T02:17:00Z") -> str:
    return f"{MARKER}\n<!-- {started} -->\n\n{text}\n"


WANTED = Wanted(MARKER, body(), "2026-11-24T02:17:00Z")
OLD = "2026-11-23T00:00:00Z"
REMAINING, RESET = "x-ratelimit-remaining", "x-ratelimit-reset"
NEWER = "2026-11-24T02:17:05Z"


@pytest.mark.parametrize(
    ("comments", "plan"),
    [
        ([], Plan(create=True)),
        ([Comment(1, "me", body())], Plan()),
        ([Comment(1, "me", body("old", OLD))], Plan(update=1)),
        ([Comment(1, "me", MARKER)], Plan(update=1)),
        ([Comment(1, "you", body()), Comment(2, "", body())], Plan(create=True)),
        ([Comment(1, "me", "x" + body())], Plan(create=True)),
        ([Comment(1, "me", body().replace("driftcheck -", "driftcheck2 -"))], Plan(create=True)),
        ([Comment(9, "me", body()), Comment(4, "me", body())], Plan(delete=(9,))),
        ([Comment(9, "me", body()), Comment(4, "me", body("old", OLD))], Plan(update=4, delete=(9,))),
        ([Comment(4, "me", body("newer", NEWER))], Plan(newer=True)),
        (
            [Comment(3, "me", body("old", OLD)), Comment(4, "me", body("newer", NEWER))],
            Plan(delete=(3,), newer=True),
        ),
        ([Comment(4, "me", body("x", "2026-11-24T02:28:00Z"))], Plan(update=4)),
        ([Comment(4, "me", body("x", "9999-99-99T99:99:99Z"))], Plan(update=4)),
        ([Comment(4, "me", body().replace("\n", "\r\n") + "\r\n")], Plan()),
    ],
    ids=[
        *("none", "the same", "outdated", "without a time", "of others", "within", "another id", "double"),
        *("outdated double", "newer", "newer double", "future", "no time", "line ends"),
    ],
)
def test_what_is_to_do(comments: list[Comment], plan: Plan) -> None:
    assert decide(comments, "me", WANTED, NOW) == plan
    assert decide(comments[::-1], "me", WANTED, NOW) == plan


@dataclass
class Fake:
    """A forge whose calls fail as they are told to, before or after they have done their work."""

    stored: list[Comment] = field(default_factory=list)
    failures: list[tuple[str, bool, CallFailedError]] = field(default_factory=list)
    hidden: int = 0
    name: str = "Forge"
    subject: str = "request 7"

    def _do(self, call: str, work: Callable[[], Comment | None]) -> Comment | None:
        if self.failures and self.failures[0][0] == call:
            _, does, failure = self.failures.pop(0)
            if does:
                work()
            raise failure
        return work()

    def settle(self, run: Run | None) -> None:
        pass

    def viewer(self) -> str:
        return "me"

    def comments(self) -> list[Comment]:
        self._do("comments", lambda: None)
        self.hidden -= 1
        return [] if self.hidden >= 0 else list(self.stored)

    def create(self, text: str) -> Comment:
        def work() -> Comment:
            self.stored.append(Comment(len(self.stored) + 1, "me", text))
            return self.stored[-1]

        made = self._do("create", work)
        assert made
        return made

    def update(self, number: int, text: str) -> Comment:
        def work() -> Comment:
            self.stored = [dataclasses.replace(c, body=text) if c.id == number else c for c in self.stored]
            return Comment(number, "me", text)

        made = self._do("update", work)
        assert made
        return made

    def delete(self, number: int) -> None:
        def work() -> None:
            self.stored = [each for each in self.stored if each.id != number]

        self._do("delete", work)


def clock() -> tuple[Clock, list[float]]:
    slept: list[float] = []
    return Clock(lambda: NOW, slept.append), slept


_OUTAGES = st.builds(CallFailedError, st.sampled_from((0, 500, 502, 503)), st.just("x"))


@given(
    st.lists(
        st.tuples(st.sampled_from(("comments", "create", "update", "delete")), st.booleans(), _OUTAGES),
        max_size=6,
    ),
    st.lists(st.sampled_from((("me", OLD), ("me", "2026-11-24T02:17:00Z"), ("you", OLD))), max_size=4),
)
def test_whatever_fails_there_is_never_a_second_one_nor_a_silent_failure(
    failures: list[tuple[str, bool, CallFailedError]], before: list[tuple[str, str]]
) -> None:
    there = [Comment(number, author, body("x", time)) for number, (author, time) in enumerate(before, 1)]
    fake = Fake(list(there), list(failures))
    mine = sum(author == "me" for author, _ in before)
    ticking, slept = clock()

    try:
        publish(fake, WANTED, None, ticking)
    except DriftcheckError:
        assert len([each for each in fake.stored if each.author == "me"]) <= max(mine, 1)
    else:
        assert [each.body for each in fake.stored if each.author == "me"] == [WANTED.body]
    assert [each for each in fake.stored if each.author == "you"] == [c for c in there if c.author == "you"]
    assert sum(slept) <= 60


def test_what_was_made_counts_although_the_list_does_not_show_it_yet() -> None:
    fake = Fake(hidden=2)

    assert publish(fake, WANTED, None, clock()[0]) == "created"
    assert len(fake.stored) == 1


def test_a_list_that_fails_after_the_creation_makes_no_second_one() -> None:
    @dataclass
    class Lossy(Fake):
        def create(self, text: str) -> Comment:
            self.failures.append(("comments", False, CallFailedError(502, "x")))
            return super().create(text)

    fake = Lossy(hidden=9)

    assert publish(fake, WANTED, None, clock()[0]) == "created"
    assert len(fake.stored) == 1


def test_an_answer_that_shows_no_comment_is_no_success() -> None:
    class Moved(Fake):
        def create(self, text: str) -> Comment:
            return Comment(1, "me", "Moved")

    with pytest.raises(DriftcheckError, match="does not show the comment that was sent"):
        publish(Moved(), WANTED, None, clock()[0])


def test_a_wait_that_is_too_long_is_not_begun() -> None:
    limit = CallFailedError(429, "slow down", {"retry-after": "61"})
    fake = Fake(failures=[("create", False, limit)])
    ticking, slept = clock()

    with pytest.raises(DriftcheckError, match="rate limit is used up for 61 seconds"):
        publish(fake, WANTED, None, ticking)
    assert slept == []


@pytest.mark.parametrize(
    ("status", "message", "headers", "seconds"),
    [
        (429, "", {"retry-after": "7"}, 7),
        (429, "", {"retry-after": "Tue, 24 Nov 2026 02:17:39 GMT"}, 30),
        (429, "", {"retry-after": "soon"}, 60),
        (429, "", {"retry-after": "nan"}, 60),
        (429, "", {"retry-after": "-5"}, 0),
        (429, "", {}, 60),
        (429, "", {"ratelimit-reset": str(int(NOW) + 20)}, 21),
        (403, "x", {REMAINING: "0", RESET: str(int(NOW) + 9)}, 10),
        (403, "x", {REMAINING: "0", RESET: "long ago"}, 60),
        (403, "You have exceeded a secondary rate limit", {REMAINING: "42", RESET: "1"}, 60),
        (403, "Resource not accessible by integration", {REMAINING: "4999"}, None),
        (401, "", {}, None),
        (404, "", {"retry-after": "1"}, None),
        (422, "", {}, None),
        (301, "", {}, None),
        (0, "reset", {}, 4),
        (500, "", {}, 4),
        (503, "", {"retry-after": "30"}, 30),
    ],
)  # fmt: skip
def test_how_long_to_wait(status: int, message: str, headers: dict[str, str], seconds: float | None) -> None:
    assert pause(CallFailedError(status, message, headers), 2, NOW) == seconds


def test_a_message_is_one_line_and_bounded() -> None:
    said = reason(
        CallFailedError(422, "one\ntwo\x1b[31m " + "x" * 1_000), "GitHub", "pull request 7 of a/{b}"
    )

    assert "\n" not in said
    assert len(said) < 500
    assert said.startswith("GitHub does not take the comment on pull request 7 of a/{b} (422: one two")


def test_what_an_exception_says_is_free_of_the_token() -> None:
    wrapped = ValueError("wrapped")
    wrapped.__cause__ = OSError("refused for secret-token")

    assert words(wrapped, "secret-token") == "OSError: refused for (token)"


@pytest.mark.parametrize("answer", [("1", "a", "b"), (1, None, "b"), (1, "a", None), (None, None, None)])
def test_an_answer_that_is_no_comment_is_refused(answer: tuple[object, object, object]) -> None:
    with pytest.raises(CallFailedError, match="no comment"):
        comment(*answer)


@pytest.mark.parametrize("name", ["a", "eu-west-1", "A_b.c", "x" * 64])
def test_a_marker_is_a_hidden_line(name: str) -> None:
    assert marker(name) == f"<!-- driftcheck:{name} -->"


@pytest.mark.parametrize("name", ["", "a b", "-->", "a--b", "a-", "é", "a\n", "x" * 65, "<"])
def test_a_name_that_could_end_the_marker_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name"):
        marker(name)
