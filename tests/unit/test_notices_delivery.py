"""The outbox: whatever a run dies of, each part is taken, and a repetition says that it is one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from driftcheck.notices.delivery import PAUSES, Channel, Delivery, NotTakenError
from driftcheck.notices.outbox import Kept as Entry
from driftcheck.notices.outbox import Outbox, Told
from driftcheck.places import PlaceError, UnfitError
from tests.unit.test_notices_text import many

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from driftcheck.notices.entries import Notice

RUN, NEXT = "2026-11-24T02-17-00Z", "2026-11-25T02-17-00Z"


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("driftcheck.places", "driftcheck.notices.outbox"):
        monkeypatch.setattr(f"{module}.PAUSES", (0.0, 0.0))


class KilledError(BaseException):
    """The process is gone."""


@dataclass
class Kept:
    """Objects in memory; a process may die before or after it writes one: ``dies_at`` says when.

    ``misread`` has what the next readings of an object give, and ``listings`` the next lists.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    misread: dict[str, list[bytes | PlaceError | None]] = field(default_factory=dict)
    listings: list[list[str]] = field(default_factory=list)
    dies_at: int | None = None
    moments: int = 0

    def moment(self) -> None:
        self.moments += 1
        if self.moments == self.dies_at:
            raise KilledError

    def get(self, name: str) -> bytes | None:
        if name in self.objects and (answers := self.misread.get(name)):
            answer = answers.pop(0)
            if isinstance(answer, PlaceError):
                raise answer
            return answer
        return self.objects.get(name)

    def put(self, name: str, content: bytes, *, only_new: bool = False, kind: str = "") -> bool:
        self.moment()
        if only_new and name in self.objects:
            return False
        self.objects[name] = content
        self.moment()
        return True

    def names(self, start: str = "") -> Iterator[str]:
        listed = self.listings.pop(0) if self.listings else [*self.objects]
        yield from [name for name in listed if name.startswith(start)]

    def exists(self, name: str) -> bool:
        return name in self.objects

    def move(self, name: str, to: str) -> bool | None:
        if name not in self.objects:
            return None
        if to in self.objects:
            return False
        self.moment()
        self.objects[to] = self.objects[name]
        self.moment()
        del self.objects[name]
        return True

    def delete(self, name: str) -> None:
        self.moment()
        self.objects.pop(name, None)
        self.moment()


@dataclass
class Receiver:
    """A channel that takes parts two at a time, and does as ``answers`` say, one for each call."""

    kept: Kept
    answers: list[NotTakenError | dict[int, str]] = field(default_factory=list)
    taken: list[tuple[str, int, bool]] = field(default_factory=list)
    calls: int = 0

    def send(self, notice: Notice, parts: Sequence[int], repeated: bool) -> Mapping[int, str]:
        self.calls += 1
        self.kept.moment()
        answer = self.answers.pop(0) if self.answers else {}
        refused = [*answer] if isinstance(answer, dict) else []
        if not isinstance(answer, NotTakenError) or answer.taken is None:
            taken = [part for part in parts if part not in refused]
            self.taken += [(notice["events"][part]["id"], part, repeated) for part in taken]
        self.kept.moment()
        if isinstance(answer, NotTakenError):
            raise answer
        return answer

    def channel(self, name: str) -> Channel:
        def batches(notice: Notice) -> list[list[int]]:
            parts = [*range(len(notice["events"]))]
            return [parts[at : at + 2] for at in range(0, len(parts), 2)]

        return Channel(name, batches, self.send)


def opened(kept: Kept, run: str | None = None) -> Outbox:
    """The outbox of a night whose run that is; each night before it left its records whole."""
    outbox = Outbox(kept, own=run, is_kept=True)
    outbox.load()
    outbox.is_sure = True
    outbox.told = outbox.told or Told()
    return outbox


def deliver(kept: Kept, **receivers: Receiver) -> list[str]:
    channels = {name: receiver.channel(name) for name, receiver in receivers.items()}
    return Delivery(opened(kept, "later"), channels, lambda _: True).go()


def with_notice(kept: Kept, *channels: str, run: str = RUN, events: int = 5) -> Kept:
    """Objects with the notice of a run whose night ended before it sent anything."""
    outbox = opened(kept, run)
    assert outbox.told is not None
    outbox.add(run, Entry(many(events), [*channels]))
    outbox.told.runs.add(run)
    outbox.finish({})
    return kept


def test_what_was_taken_is_gone_and_is_not_sent_again() -> None:
    kept = with_notice(Kept(), "a")
    receiver = Receiver(kept)

    assert [deliver(kept, a=receiver), deliver(kept, a=receiver)] == [[], []]

    assert [(part, repeated) for _, part, repeated in receiver.taken] == [(each, False) for each in range(5)]
    assert [*kept.objects] == ["notices/told.json"]


def test_a_run_is_kept_once() -> None:
    kept = with_notice(Kept(), "a")
    with_notice(kept, "a", events=1)

    receiver = Receiver(kept)
    deliver(kept, a=receiver)

    assert len(receiver.taken) == 5
    assert opened(kept).told == Told({RUN}, last="later")


def test_one_that_fails_leaves_the_others_theirs_and_is_tried_again_by_the_next_run() -> None:
    kept = with_notice(Kept(), "bad", "good")
    failing = [NotTakenError("no") for _ in range(3)]
    bad, good = Receiver(kept, [*failing]), Receiver(kept)

    faults = deliver(kept, bad=bad, good=good)

    assert faults == ["error: notices: bad: no; a notice waits for the next run"]
    assert (bad.calls, len(bad.taken), len(good.taken)) == (1 + len(PAUSES), 0, 5)
    with_notice(kept, "bad", "good", run=NEXT, events=1)
    assert deliver(kept, bad=bad, good=good) == []
    assert [part for _, part, _ in bad.taken] == [0, 1, 2, 3, 4, 0]
    assert not any(repeated for *_, repeated in bad.taken)
    assert len(good.taken) == 6


def test_a_channel_that_fails_is_not_asked_for_each_notice() -> None:
    kept = with_notice(with_notice(Kept(), "a"), "a", run=NEXT)
    receiver = Receiver(kept, [NotTakenError("no", passes=False)] * 9)

    assert deliver(kept, a=receiver) == ["error: notices: a: no; 2 notices wait for the next run"]
    assert receiver.calls == 1


def test_only_what_was_refused_is_sent_again() -> None:
    kept = with_notice(Kept(), "a", events=4)
    receiver = Receiver(kept, [{1: "Throttled: slow"}])

    assert deliver(kept, a=receiver) == []

    assert sorted(part for _, part, _ in receiver.taken) == [0, 1, 2, 3]
    assert not any(repeated for *_, repeated in receiver.taken)


def test_what_got_no_answer_is_sent_again_and_says_so() -> None:
    kept = with_notice(Kept(), "a", events=2)
    receiver = Receiver(kept, [NotTakenError("no answer", taken=None), NotTakenError("refused")])

    assert deliver(kept, a=receiver) == []

    assert [(part, repeated) for _, part, repeated in receiver.taken] == [
        (0, False),
        (1, False),
        (0, True),
        (1, True),
    ]


def test_doubt_outlasts_a_refusal_and_the_run() -> None:
    kept = with_notice(Kept(), "a", events=1)
    receiver = Receiver(kept, [NotTakenError("no answer", taken=None), *[NotTakenError("no")] * 2])
    assert deliver(kept, a=receiver) == ["error: notices: a: no; a notice waits for the next run"]

    assert deliver(kept, a=receiver) == []

    assert [repeated for *_, repeated in receiver.taken] == [False, True]


def test_there_is_an_end_to_the_time_for_trying_again() -> None:
    kept = with_notice(Kept(), "a")
    receiver = Receiver(kept, [NotTakenError("no")] * 9)

    Delivery(opened(kept), {"a": receiver.channel("a")}, lambda _: False).go()

    assert receiver.calls == 1


def test_a_channel_that_is_gone_is_told_of_once() -> None:
    kept = with_notice(Kept(), "gone")

    assert [deliver(kept), deliver(kept)] == [
        [f"error: notices: gone is no longer a channel: the notice of {RUN} is not sent there"],
        [],
    ]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"notice": {"format": 9}, "channels": []}'])
def test_a_damaged_notice_is_set_aside_and_told(content: bytes) -> None:
    kept = with_notice(with_notice(Kept(), "a"), "a", run=NEXT, events=1)
    kept.objects[f"notices/{RUN}.json"] = content
    receiver = Receiver(kept)

    assert deliver(kept, a=receiver) == [
        f"error: notices: notices/{RUN}.json is damaged, and is set aside: what it told is lost"
    ]
    assert kept.objects[f"aside/notice-{RUN}.json"] == content
    assert len(receiver.taken) == 1


@pytest.mark.parametrize("name", ["told", RUN, f"{RUN}.a"])
@pytest.mark.parametrize("answer", [b"<html>", None])
def test_what_is_read_wrong_once_is_read_again(name: str, answer: bytes | None) -> None:
    kept = with_notice(Kept(), "a", "b", events=1)
    receivers = {"a": Receiver(kept, [NotTakenError("no", passes=False)]), "b": Receiver(kept)}
    assert deliver(kept, **receivers) == ["error: notices: a: no; a notice waits for the next run"]
    kept.misread[f"notices/{name}.json"] = [answer]

    assert deliver(kept, **receivers) == []

    for receiver in receivers.values():
        assert [(part, repeated) for _, part, repeated in receiver.taken] == [(0, False)]
    assert [*kept.objects] == ["notices/told.json"]


@pytest.mark.parametrize("name", ["told", RUN])
def test_what_is_no_regular_file_is_moved_unread_and_told_once(name: str) -> None:
    kept = with_notice(Kept(), "a", events=1)
    key = f"notices/{name}.json"
    before = kept.objects[key]
    odd = UnfitError(key, "it is not a regular file")
    kept.misread[key] = [odd] * 2
    receiver = Receiver(kept)

    (fault,) = deliver(kept, a=receiver)

    assert fault.startswith(f"error: notices: {key} is damaged, ")
    assert before in {content for name, content in kept.objects.items() if name.startswith("aside/")}
    assert deliver(kept, a=receiver) == []


def test_a_listing_that_lacks_a_notice_deletes_no_mark_of_it() -> None:
    kept = with_notice(Kept(), "a", "b", events=1)
    bad, good = Receiver(kept, [NotTakenError("no", passes=False)]), Receiver(kept)
    deliver(kept, a=bad, b=good)
    kept.listings = [[name for name in kept.objects if name != f"notices/{RUN}.json"]]

    assert deliver(kept, a=bad, b=good) == []
    assert len(bad.taken) == 0
    assert deliver(kept, a=bad, b=good) == []

    assert [repeated for *_, repeated in bad.taken] == [False]
    assert len(good.taken) == 1


def test_a_listing_that_lacks_what_was_just_read_is_none() -> None:
    kept = with_notice(Kept(), "a", events=1)
    kept.listings = [[]] * 6
    receiver = Receiver(kept)
    before = {**kept.objects}

    faults = deliver(kept, a=receiver)

    assert faults == ["error: notices/: the listing lacks notices/told.json, which is there"]
    assert (kept.objects, receiver.taken) == (before, [])


@pytest.mark.parametrize("content", [b"", b"{}", b'{"pending": [99], "doubtful": []}', b'{"pending": 3}'])
def test_where_nobody_knows_what_was_sent_all_is_sent_as_a_repetition(content: bytes) -> None:
    kept = with_notice(Kept(), "a", events=2)
    kept.objects[f"notices/{RUN}.a.json"] = content
    receiver = Receiver(kept)

    assert deliver(kept, a=receiver) == []
    assert [(part, repeated) for _, part, repeated in receiver.taken] == [(0, True), (1, True)]


def moments() -> int:
    """How many moments there are in a round of two channels, at each of which a process may die."""
    kept = Kept()
    with_notice(kept, "a", "b", events=3)
    deliver(kept, a=Receiver(kept), b=Receiver(kept))
    return kept.moments


@pytest.mark.parametrize("dies_at", range(1, moments() + 1))
def test_a_kill_at_any_moment_loses_nothing_and_repeats_nothing_unsaid(dies_at: int) -> None:
    kept = Kept(dies_at=dies_at)
    receivers = {name: Receiver(kept) for name in ("a", "b")}

    def night(once: Callable[[], None]) -> bool:
        try:
            once()
            deliver(kept, **receivers)
        except KilledError:
            return False
        return True

    # a run that was killed before it noted its notice derives it again
    def first() -> None:
        if (told := opened(kept).told) is None or RUN not in told.runs:
            with_notice(kept, "a", "b", events=3)

    nights = [night(first), night(first), night(first)]

    assert nights == [False, True, True]
    for receiver in receivers.values():
        times = Counter(part for _, part, _ in receiver.taken)
        assert {*times} == {0, 1, 2}
        assert all(
            repeated
            for at, (_, part, repeated) in enumerate(receiver.taken)
            if part in {each for _, each, _ in receiver.taken[:at]}
        )
        # one call was under way at most
        assert sum(times.values()) - 3 <= 2
    assert [*kept.objects] == ["notices/told.json"]
