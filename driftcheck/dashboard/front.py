"""The values of the front page, as its template asks for them."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from driftcheck.causes import group_errors
from driftcheck.dashboard import charts, links, outlook
from driftcheck.dashboard.outlook import OUT_OF_SYNC
from driftcheck.dashboard.times import moment, span_text
from driftcheck.dashboard.words import BECAME, said_now
from driftcheck.document import counted
from driftcheck.render.common import percent, place_text, visible
from driftcheck.render.html import STATUSES, chart, outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import timedelta

    from driftcheck.causes import Cause
    from driftcheck.dashboard.outlook import Event, Point, Run, Standing, TargetStanding
    from driftcheck.document.entries import Summary
    from driftcheck.history import History

_MOST_RUNS = 400
_MOST_LISTED = 10
_MOST_EVENTS = 8
_MOST_PLAIN = 200
"""Definitions that are on the page without a script."""
_WEEK, _MONTH = 7, 30


def front(
    history: History, runs: Sequence[Run], told: Sequence[Event], every: timedelta | None
) -> dict[str, object]:
    """All values of the front page; ``told`` is what became of definitions, the latest first."""
    found = outlook.standings(history)
    made = outlook.points(runs)
    wrong = [each for each in found if each.status != "in_sync"]
    causes = _causes(found, targets := outlook.targets(runs, found))
    expected, overdue = outlook.due(runs, every)
    last = next((run for run in reversed(runs) if run.entry.complete), None)
    summary = _summary(found, is_listed=all(each.is_listed for each in targets))
    is_whole = bool(runs) and runs[-1].entry.complete and not any(each.failure for each in targets)
    worst = next((status for status in OUT_OF_SYNC if summary[status]), "in_sync")
    starts = [at for run in runs if (at := moment(run.entry.started_at)) is not None]
    recurring = [each for each in outlook.recurrences(history) if each.times > 1]
    days = outlook.days(runs, made)
    return {
        "headline": outcome(summary, whole=is_whole) if found or last else "No run has been complete yet",
        "tone": "error" if worst == "in_sync" and not is_whole else worst,
        "is_whole": is_whole,
        "summary": summary,
        "unread": sum(each.unread is not None for each in found),
        "unread_known": sum(each.unread is not None and each.status != "error" for each in found),
        "targets": targets,
        "causes": causes[:_MOST_LISTED],
        "count_causes": len(causes),
        "wheres": Counter(each.key[1] for each in wrong).most_common(3),
        "last": last,
        "after": [run for run in runs if last is None or run.entry.started_at > last.entry.started_at],
        "expected": span_text(expected.total_seconds()),
        "overdue": overdue.strftime("%Y-%m-%dT%H:%M:%SZ") if overdue else None,
        "wrong": wrong[:_MOST_LISTED],
        "count_wrong": len(wrong),
        "plain": wrong[:_MOST_PLAIN],
        "points": made[-_MOST_RUNS:][::-1],
        "trend": charts.trend(made[-_MOST_RUNS:], expected),
        "better": _better(made),
        "days": days[-371:][::-1],
        "calendar": charts.calendar(days),
        "said_of": charts.said_of,
        "told": told[:_MOST_EVENTS],
        "untold": Counter(each.at for each in told[_MOST_EVENTS:]),
        "recurring": [
            (each, charts.strip(each.spans, min(starts, default=None), max(starts, default=None)))
            for each in recurring[:_MOST_LISTED]
        ],
        "count_recurring": len(recurring),
        "first": min((run.entry.started_at for run in runs), default=None),
        "run_page": lambda run: links.run_page(run.name),
        "become": BECAME,
        "said_now": said_now,
        "chart": chart,
        "percent": percent,
        "place_text": place_text,
        "kinds": sorted({each.key[0] for each in found}),
        "count": len(found),
        "data": _data(found, causes),
    }


def _summary(found: Sequence[Standing], *, is_listed: bool) -> Summary:
    """Count definitions by what is known of them; what cannot be read now is not covered."""
    now = counted((each.status if each.unread is None else "error" for each in found), is_listed=is_listed)
    known = counted((each.status for each in found), is_listed=is_listed)
    return {**known, "read": now["read"], "coverage": now["coverage"]}


def _causes(found: Iterable[Standing], targets: Iterable[TargetStanding]) -> list[Cause]:
    """What keeps targets and definitions from being read."""
    failures = ((each.name, None, each.failure) for each in targets if each.failure)
    errors = (
        (each.key[1], each.key, each.unread.error)
        for each in found
        if each.unread is not None and each.unread.error
    )
    return group_errors([*failures, *errors])


def _better(made: Sequence[Point]) -> list[tuple[str, int]]:
    """How many more are out of sync than some time ago: (that time, the difference)."""
    if not made or (now := moment(made[-1].run.entry.started_at)) is None:
        return []
    said = []
    for days, text in ((_WEEK, "a week ago"), (_MONTH, "30 days ago")):
        earlier = [
            point
            for point in made
            if (at := moment(point.run.entry.started_at)) is not None and (now - at).days >= days
        ]
        if earlier:
            said.append((text, made[-1].out_of_sync - earlier[-1].out_of_sync))
    return said


def _data(found: Sequence[Standing], causes: Sequence[Cause]) -> str:
    """All definitions, as JSON in a form that is small: the page's script makes rows of it.

    A row is name, number of the kind, of the target and of the status, since when it is out of sync, and what
    is wrong: a text, or the number of an error, which is its code and message. The last part of its address
    follows where that is not its name. Nothing in it ends a script.
    """
    kinds, targets = ({each.key[at]: None for each in found} for at in (0, 1))
    numbers = [{key: number for number, key in enumerate(keys)} for keys in (kinds, targets)]
    statuses = {status: number for number, (status, _, _) in enumerate(STATUSES)}
    errors = {key: number for number, cause in enumerate(causes) for key in cause.keys}
    rows = []
    for each in found:
        kind, target, name = each.key
        row: list[str | int] = [
            visible(name),
            numbers[0][kind],
            numbers[1][target],
            statuses[each.status],
            each.since or "",
            errors[each.key]
            if each.status == "error" and each.key in errors
            else visible(said_now(each.episode, each.unread)),
        ]
        if (part := links.segment(name)) != row[0]:
            row.append(part)
        rows.append(row)
    made = {
        "kinds": [[visible(kind), links.segment(kind)] for kind in kinds],
        "targets": [[visible(target), links.segment(target)] for target in targets],
        "statuses": [[status, mark, label] for status, mark, label in STATUSES],
        "errors": [[visible(cause.code), visible(cause.message)] for cause in causes],
        "rows": rows,
    }
    text = json.dumps(made, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
