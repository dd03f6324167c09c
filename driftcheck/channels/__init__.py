"""The channels that a notice can take, a row for each, and what each of them has room for."""

from __future__ import annotations

import json
import os
from functools import cache, partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

from driftcheck import pool
from driftcheck.notices.delivery import Channel, NotTakenError
from driftcheck.notices.text import body, in_utf8, subject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from driftcheck.aws.outgoing import Bus
    from driftcheck.config import Notify
    from driftcheck.notices.entries import Event, Notice

CALL_LIMIT = 20.0
"""Seconds that one call to a channel may take."""

_MESSAGE_LIMIT = 250 * 1024
"""Bytes of an SNS message, of 256 KiB that it may have with all that belongs to it."""
_MOST_EVENTS, _EVENTS_LIMIT = 10, 256 * 1024
"""Of one PutEvents: how many, and their bytes, which have to be fewer."""
_TIME_SIZE = 14
"""Bytes that EventBridge counts for an event's time."""
Answer = TypeVar("Answer")

_SOURCE, _DETAIL_TYPE = "driftcheck", "Monitor Definition Change"

_TOO_MANY, _TROUBLE = 429, 500


def channels(notify: Notify) -> dict[str, Channel]:
    """The channels that are configured, by name. None of them is reached for before it is sent to."""
    found = []
    if notify.sns_topic_arn:
        found.append(Channel("sns", _whole, partial(_to_topic, notify.sns_topic_arn)))
    if notify.event_bus:
        found.append(Channel("eventbridge", _batches, partial(_to_bus, notify.event_bus)))
    found += [Channel(f"apprise-{name}", _whole, partial(_to_chat, name)) for name in notify.apprise_env]
    return {channel.name: channel for channel in found}


def _whole(_: Notice) -> list[list[int]]:
    return [[0]]


def _to_topic(arn: str, notice: Notice, _: Sequence[int], repeated: bool) -> Mapping[int, str]:
    from driftcheck.aws.outgoing import Topic

    text = body(notice, _MESSAGE_LIMIT, in_utf8, repeated=repeated)
    ids = [event["id"] for event in notice["events"]] or [notice["run"]["started_at"]]
    mark = sha256("\n".join(ids).encode()).hexdigest()

    def publish() -> None:
        Topic(arn, timeout=CALL_LIMIT).publish(subject(notice), text, mark)

    _of_aws("Publish", publish)
    return {}


def _to_bus(bus: str, notice: Notice, parts: Sequence[int], repeated: bool) -> Mapping[int, str]:
    entries = [_entry(notice["events"][part], repeated=repeated) for part in parts]
    refusals = _of_aws("PutEvents", lambda: _bus(bus).put(entries))
    return {part: why for part, why in zip(parts, refusals, strict=True) if why is not None}


@cache
def _bus(name: str) -> Bus:
    from driftcheck.aws.outgoing import Bus

    return Bus(name, timeout=CALL_LIMIT)


def _to_chat(variable: str, notice: Notice, _: Sequence[int], repeated: bool) -> Mapping[int, str]:
    url = os.environ.get(variable)
    if not url:
        raise NotTakenError(f"the environment variable {variable} is not set", passes=False)
    try:
        from driftcheck.channels.chat import Chat, NoAddressError
    except ImportError:
        raise NotTakenError(
            "Apprise is not installed: pip install 'driftcheck[notify]'", passes=False
        ) from None
    try:
        chat = Chat(url)
    except NoAddressError:
        raise NotTakenError(f"{variable} holds no URL that Apprise knows", passes=False) from None
    title = subject(notice)
    text = body(notice, chat.room(title), chat.size, repeated=repeated)
    try:
        refusal = pool.call(partial(chat.send, title, text), CALL_LIMIT)
    except pool.OverdueError:
        raise NotTakenError(f"no answer within {CALL_LIMIT:g} s", taken=None) from None
    except Exception as error:  # noqa: BLE001 - a plugin of Apprise may raise anything, with the URL in it
        raise NotTakenError(type(error).__name__, taken=None) from None
    if refusal is None:
        return {}
    if refusal.status is None:
        raise NotTakenError("no connection, or no answer", taken=None)
    raise NotTakenError(
        f"HTTP status {refusal.status}",
        taken=False if refusal.is_certain else None,
        passes=refusal.status >= _TROUBLE or refusal.status == _TOO_MANY,
    )


def _of_aws(operation: str, call: Callable[[], Answer]) -> Answer:
    from driftcheck.aws import unreadable
    from driftcheck.aws.outgoing import may_pass, was_taken

    try:
        return pool.call(call, CALL_LIMIT)
    except pool.OverdueError:
        raise NotTakenError(f"{operation}: no answer within {CALL_LIMIT:g} s", taken=None) from None
    except Exception as error:  # noqa: BLE001 - whatever keeps it from being sent is told, and tried again
        said = unreadable(operation, error)
        why = f"{said.code}: {said.message}"
        raise NotTakenError(why, taken=was_taken(error), passes=may_pass(error)) from None


def _entry(event: Event, *, repeated: bool) -> dict[str, Any]:
    arn = event["definition"]["arn"]
    detail: Event = {**event, "repeated": True} if repeated else event
    return {
        "Time": event["run"]["started_at"],
        "Source": _SOURCE,
        "DetailType": _DETAIL_TYPE,
        "Resources": [arn] if arn else [],
        "Detail": json.dumps(detail, separators=(",", ":")),
    }


def _batches(notice: Notice) -> list[list[int]]:
    batches: list[list[int]] = []
    size = _EVENTS_LIMIT
    for part, event in enumerate(notice["events"]):
        entry = _entry(event, repeated=True)
        of_entry = _TIME_SIZE + sum(
            in_utf8(text) for text in (_SOURCE, _DETAIL_TYPE, entry["Detail"], *entry["Resources"])
        )
        size += of_entry
        if size >= _EVENTS_LIMIT or len(batches[-1]) == _MOST_EVENTS:
            batches.append([])
            size = of_entry
        batches[-1].append(part)
    return batches
