"""Times of result documents as moments, and spans of time as text."""

from __future__ import annotations

from datetime import UTC, datetime

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


def moment(time: str | None) -> datetime | None:
    """The moment that a document's time names; None where there is none, as for the 32nd of a month."""
    try:
        found = datetime.fromisoformat(time or "")
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def seconds_between(since: str | None, until: str | None) -> float | None:
    """Seconds from one time to a later one; None where either is none."""
    first, last = moment(since), moment(until)
    return None if first is None or last is None else max((last - first).total_seconds(), 0.0)


def span_text(seconds: float | None) -> str:
    """A span of time for a reader: ``25 min``, ``9 h``, ``3 days``; the page's script says it alike."""
    if seconds is None:
        return ""
    if seconds < 1.5 * _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR:.0f} h"
    return f"{seconds // _DAY:.0f} days"
