"""What each channel has room for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from driftcheck.channels import channels
from driftcheck.channels.chat import Chat
from driftcheck.config import Notify
from driftcheck.notices.text import body, subject
from tests.documents import changed
from tests.unit.test_notices import a, night
from tests.unit.test_notices_text import last, many

if TYPE_CHECKING:
    from driftcheck.notices.entries import Notice


def batches(notice: Notice) -> list[list[int]]:
    rows = channels(Notify(event_bus="default"))
    return [[*batch] for batch in rows["eventbridge"].batches(notice)]


def test_channels_are_those_that_are_configured() -> None:
    assert channels(Notify()) == {}
    everything = Notify("arn:aws:sns:eu-west-1:123456789012:drift", "default", ("A", "B"))
    assert [*channels(everything)] == ["sns", "eventbridge", "apprise-A", "apprise-B"]
    assert [*channels(replace(everything, event_bus=None))] == ["sns", "apprise-A", "apprise-B"]


def test_ten_events_go_into_one_call() -> None:
    assert batches(many(23)) == [[*range(10)], [*range(10, 20)], [20, 21, 22]]


def test_large_events_go_alone() -> None:
    large = [changed(["Environment", f"K{number}"], "x" * 1024, "y" * 1024) for number in range(100)]
    resources = [{**a("drifted", name), "differences": large} for name in "abc"]
    notice = last(night(1, *resources, a("missing", "d"), a("missing", "e")))  # type: ignore[arg-type]

    assert batches(notice) == [[0, 1, 2], [3], [4]]
    assert all(150_000 < len(json.dumps(notice["events"][part])) < 256 * 1024 for part in (2, 3, 4))


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise imports it
@pytest.mark.parametrize(
    ("url", "limit"),
    [
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", 2000),
        ("tgram://123456789:abcdefghijklmnop/12345/", 4096),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", 35000),
    ],
    ids=["discord", "telegram", "slack"],
)
def test_a_text_fits_into_a_chat_once_it_is_escaped(url: str, limit: int) -> None:
    notice, chat = many(2000), Chat(url)

    text = body(notice, chat.room(subject(notice)), chat.size)

    assert chat.size(text) <= chat.room(subject(notice)) <= limit
    assert "2,000 drifted\n- ModelQualityJobDefinition definition-00000" in text
    assert text.endswith("not readable.\nTarget prod: account 123456789012, region eu-west-1\n")
