"""The geometry of the charts, for SVG in the templates: numbers in, coordinates out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

from driftcheck.dashboard.links import run_page
from driftcheck.dashboard.outlook import OUT_OF_SYNC
from driftcheck.dashboard.times import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from driftcheck.dashboard.outlook import Day, Point, Span
    from driftcheck.document.entries import StatusName

WIDTH = HEIGHT = 1000.0
"""The units of a chart that is stretched to its place."""

_STEPS = (1, 2, 5)
_HOURS, _DAY = "%H:%M", "%-d %b"
_MOST_LABELS = 8
_LEAST_WIDTH = 12.0
_BROAD, _SHARE = 8.0, 0.86
"""Bars that are broad enough have a gap between them."""
_CELL, _GAP = 20, 3
_LEFT, _TOP = 30, 16
_WEEKS = 53
_WEEK = 7
_SUNDAY = 6
_MOST_IN_A_CELL = 99


@dataclass(frozen=True, slots=True)
class Label:
    """A text beside an axis, at so many per cent of it."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Trend:
    """Bars of what is out of sync over time, as one SVG path for each status, and the labels of the axes.

    ``levels`` run from the bottom, 0, up.
    """

    paths: Sequence[tuple[StatusName, str]]
    levels: Sequence[Label]
    times: Sequence[Label]


@dataclass(frozen=True, slots=True)
class Cell:
    """A day in the calendar, where it stands, how it is shown and what its number is."""

    x: int
    y: int
    tone: str
    text: str
    title: str
    page: str | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """Weeks as columns, from Monday down; ``months`` are the labels above, by x."""

    width: int
    height: int
    cells: Sequence[Cell]
    months: Sequence[tuple[int, str]]
    weekdays: Sequence[tuple[int, str]]
    cell: int = _CELL


@dataclass(frozen=True, slots=True)
class Bar:
    """A time on a line of ``WIDTH``."""

    x: float
    width: float
    status: StatusName


def trend(points: Sequence[Point], every: timedelta) -> Trend:
    """One bar for each run, as wide as ``every``; where no run was, there is a gap."""
    timed = [(at, point) for point in points if (at := moment(point.run.entry.started_at)) is not None]
    if not timed:
        return Trend((), (), ())
    start, end = timed[0][0], timed[-1][0] + every
    whole = (end - start).total_seconds()
    step = _step(max(point.out_of_sync for _, point in timed))
    top = step * max(ceil(max(point.out_of_sync for _, point in timed) / step), 1)
    paths: dict[StatusName, list[str]] = {status: [] for status in OUT_OF_SYNC}
    for (at, point), (following, _) in zip(timed, [*timed[1:], (end, None)], strict=True):
        x = WIDTH * (at - start).total_seconds() / whole
        width = WIDTH * min(following - at, every * 1.25).total_seconds() / whole
        if width > _BROAD:
            width *= _SHARE
        y = HEIGHT
        for status in OUT_OF_SYNC:
            if point.counts[status]:
                height = HEIGHT * point.counts[status] / top
                y -= height
                paths[status].append(f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h-{width:.1f}z")
    return Trend(
        [(status, "".join(parts)) for status, parts in paths.items() if parts],
        [Label(100 * level / top, f"{level:,}") for level in range(0, top + 1, step)],
        list(_times(start, end)),
    )


def _step(most: int) -> int:
    """The distance of at most five levels that are round numbers."""
    unit = 1
    while True:
        for factor in _STEPS:
            if unit * factor * 4 >= most:
                return unit * factor
        unit *= 10


def _times(start: datetime, end: datetime) -> Iterator[Label]:
    """The first of each month or some days or hours, whatever gives a readable number of labels."""
    whole = (end - start).total_seconds()
    candidates = (
        (_hours(start, end, 6), _HOURS),
        (_hours(start, end, 24), _DAY),
        (_hours(start, end, 24 * 7), _DAY),
        (_months(start, end, 1), "%b %Y"),
        (_months(start, end, 3), "%b %Y"),
        (_months(start, end, 12), "%Y"),
    )
    for moments, form in candidates:
        labels = [Label(100 * (at - start).total_seconds() / whole, _time(at, form)) for at in moments]
        if len(labels) <= _MOST_LABELS:
            yield from (label for label in labels if label.at < 95)  # noqa: PLR2004 - it would be cut off
            return


def _time(at: datetime, form: str) -> str:
    """A label; at midnight the day, so that hours are seen to be of two days."""
    return at.strftime(_DAY if form == _HOURS and not at.hour else form)


def _hours(start: datetime, end: datetime, hours: int) -> Iterator[datetime]:
    step = timedelta(hours=hours)
    if (end - start) / step > 2 * _MOST_LABELS:
        step = (end - start) / (2 * _MOST_LABELS)  # too many labels to be taken, and no more of them
    at = datetime(start.year, start.month, start.day, tzinfo=UTC)
    while at < end:
        if at >= start:
            yield at
        at += step


def _months(start: datetime, end: datetime, months: int) -> Iterator[datetime]:
    number = start.year * 12 + start.month - 1
    number -= number % months
    while (at := datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)) < end:
        if at >= start:
            yield at
        number += months


def calendar(days: Sequence[Day]) -> Calendar:
    """The last 53 weeks of these days."""
    shown = days[-_WEEKS * _WEEK + _SUNDAY :]
    cells: list[Cell] = []
    months: list[tuple[int, str]] = []
    first = shown[0].date.weekday() if shown else 0
    for number, day in enumerate(shown, first):
        x = _LEFT + number // _WEEK * (_CELL + _GAP)
        if not cells or day.date.day == 1:
            months.append((x, day.date.strftime("%b")))
        cells.append(_cell(day, x, _TOP + number % _WEEK * (_CELL + _GAP)))
    if len(months) > 1 and months[1][0] - months[0][0] < 2 * _CELL:
        del months[0]
    width = max((cell.x for cell in cells), default=_LEFT) + _CELL + 1
    weekdays = [
        (_TOP + number * (_CELL + _GAP) + _CELL // 2, text)
        for number, text in ((0, "Mon"), (2, "Wed"), (4, "Fri"))
    ]
    return Calendar(width, _TOP + _WEEK * (_CELL + _GAP), cells, months, weekdays)


def _cell(day: Day, x: int, y: int) -> Cell:
    page = run_page(day.run.name) if day.run else None
    title = f"{day.date}: {said_of(day)}"
    if day.point is None:
        return Cell(x, y, "cut" if day.runs else "none", "", title, page)
    count = day.point.out_of_sync
    tone = worst(day.point)
    if tone == "in_sync" and not _is_all_read(day):
        tone = "cut"
    return Cell(x, y, tone, str(count) if 0 < count <= _MOST_IN_A_CELL else "", title, page)


def _is_all_read(day: Day) -> bool:
    """Tell whether any run of the day was complete: nothing else can say that all was in sync."""
    return any(run.entry.complete for run in day.runs)


def worst(point: Point) -> str:
    """The status by which a day or a run is coloured."""
    return next((status for status in OUT_OF_SYNC if point.counts[status]), "in_sync")


def said_of(day: Day) -> str:
    """What a day's cell says, in words."""
    if day.point and day.point.out_of_sync:
        return f"{day.point.out_of_sync:,} not in sync"
    if not _is_all_read(day):
        return "no run was complete" if day.runs else "no run"
    return "all in sync"


def strip(spans: Sequence[Span], start: date | datetime | None, end: datetime | None) -> list[Bar]:
    """Times out of sync on a line from one moment to another; even the shortest is seen."""
    if not isinstance(start, datetime) or end is None or end <= start:
        return []
    whole = (end - start).total_seconds()
    bars = []
    for since, until, status in spans:
        first, last = moment(since), moment(until) if until else end
        if first is None or last is None:
            continue
        x = WIDTH * max((first - start).total_seconds(), 0.0) / whole
        width = max(WIDTH * (last - max(first, start)).total_seconds() / whole, _LEAST_WIDTH)
        x = min(x, WIDTH - width)
        bars.append(Bar(round(x, 1), round(width, 1), status))
    # what could not be read stands over what it was meanwhile
    return sorted(bars, key=lambda bar: bar.status == "error")
