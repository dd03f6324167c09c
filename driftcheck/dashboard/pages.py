"""The pages of the site as text: the history and the documents in, HTML out, through the templates."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from driftcheck import __version__
from driftcheck.dashboard import links, outlook
from driftcheck.dashboard.front import front
from driftcheck.dashboard.times import seconds_between, span_text
from driftcheck.dashboard.words import BECAME, said
from driftcheck.history import is_move
from driftcheck.render import Style
from driftcheck.render.html import DEFINITION, context
from driftcheck.render.templates_ import filler, fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import timedelta

    from driftcheck.dashboard.outlook import Event
    from driftcheck.document.entries import Document, ResourceEntry
    from driftcheck.history import Course, Episode, History, Key

_MOST_DEFINITIONS = 1000
"""Definitions that the page of one run shows at most."""
_MOST_EVENTS = 200
"""What one run found otherwise, as far as its page tells it."""
_ASSETS = {
    "site": ("dashboard/site.css", "css"),
    "front": ("dashboard/front.js", "js"),
    "report": ("report.js", "js"),
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its key in the site, a digest of all that it is made from, and how to make its text."""

    key: str
    digest: str
    text: Callable[[], str]


@dataclass(frozen=True, slots=True)
class _Told:
    """One episode on a definition's page.

    ``before`` is the start of the last run before it that read the definition, None where there is none;
    ``since_page`` and ``until_page`` are the pages of the runs that found its beginning and its end, None
    where the store has them no longer.
    """

    episode: Episode
    before: str | None
    follows: bool
    ended: str
    lasted: str
    since_page: str | None
    until_page: str | None


class Site:
    """All pages of a history; each is made when it is asked for."""

    def __init__(self, history: History, names: Sequence[str], every: timedelta | None = None) -> None:
        """Take a history and the names of the documents that it is derived from, in the order of its runs.

        ``every`` is how often a complete run is expected, None to derive it from the runs.
        """
        self._history = history
        self._runs = outlook.runs_of(history, names)
        self._every = every
        self._fill = filler(Style())
        self._made_by = f"{__version__} {fingerprint()}"
        self._pages = {run.entry.started_at: links.run_page(run.name) for run in self._runs}
        self._events: defaultdict[str, list[Event]] = defaultdict(list)
        # where a target is for the first time, what is found there has not changed
        moved = {(run.started_at, target) for run in history.runs for target in run.moved}
        for event in outlook.events(history.courses):
            is_first = history.courses[event.key].first == event.at
            if not (is_first and (event.at, event.key[1]) in moved):
                self._events[event.at].append(event)
        self._looked_at: defaultdict[str, list[str]] = defaultdict(list)
        for run in self._runs:
            for target in () if run.entry.interrupted else run.entry.targets:
                unknown = None, None
                here = history.places.get(target, unknown)
                if not is_move(run.entry.places.get(target, unknown), here):
                    self._looked_at[target].append(run.entry.started_at)
        self.assets: dict[str, str] = {}
        self._links: dict[str, str] = {}
        for name, (template, suffix) in _ASSETS.items():
            text = self._fill(template, {})
            self._links[name] = f"assets/{name}-{_sha256(text)[:16]}.{suffix}"
            self.assets[self._links[name]] = text

    def front(self) -> Page:
        """The front page, which changes with every run."""
        told = sorted(
            (event for some in self._events.values() for event in some),
            key=lambda event: (event.at, BECAME[event.kind][0] != "in_sync"),
            reverse=True,
        )

        def text() -> str:
            return self._page("index", front(self._history, self._runs, told, self._every), "")

        # nothing that it is made from is worth comparing: it tells of the last run
        return Page(links.FRONT, "", text)

    def definitions(self) -> Iterator[Page]:
        """A page for each definition that the history knows of."""
        for key, course in self._history.courses.items():
            yield self._definition(key, course)
        # pages of earlier runs lead to what only another place of a target has
        gone = {
            key: replace(course, is_there=False)
            for courses in self._history.elsewhere.values()
            for key, course in courses.items()
            if key not in self._history.courses
        }
        for key, course in gone.items():
            yield self._definition(key, course)

    def run(self, name: str, load: Callable[[], Document]) -> Page:
        """The page of the run whose document has that name, which is loaded for the text alone."""

        def text() -> str:
            document = load()
            told = sorted(self._events[document["started_at"]], key=lambda event: event.key)
            return self._page("run", _run_values(document, told, self._history.courses), "../")

        return Page(links.run_page(name), self._digest(name), text)

    def _definition(self, key: Key, course: Course) -> Page:
        told = [self._told(key, course, number) for number in range(len(course.episodes))]
        kind, target, name = key
        unread = course.lasting(unreadable=True)
        # what every night changes, when it was last seen, is left to the front page
        shown = {
            "kind": kind,
            "target": target,
            "name": name,
            "arn": course.arn,
            "created_at": course.created_at,
            "source": course.source,
            "is_there": course.is_there,
            "status": course.status,
            "out_of_sync_since": course.out_of_sync_since,
            "unreadable_since": unread.since if unread else None,
            "error": unread.error if unread else None,
            "seen": course.seen if unread else None,
        }

        def text() -> str:
            return self._page(
                "definition", {"shown": shown, "told": told[::-1], "become": BECAME}, "../../../"
            )

        digest = self._digest(json.dumps([shown, [asdict(each) for each in told]]))
        return Page(links.definition_page(key), digest, text)

    def _told(self, key: Key, course: Course, number: int) -> _Told:
        episode = course.episodes[number]
        others = [each for each in course.episodes if (each.status == "error") is (episode.status == "error")]
        lasted = seconds_between(episode.since, episode.until)
        return _Told(
            episode,
            self._read_before(key, course, episode.since),
            follows=any(each.until == episode.since and each.status == episode.status for each in others),
            ended=_ended(episode, {each.since for each in others}),
            lasted=span_text(lasted),
            since_page=self._pages.get(episode.since),
            until_page=self._pages.get(episode.until or ""),
        )

    def _read_before(self, key: Key, course: Course, since: str) -> str | None:
        """The start of the last run before a time that read a definition, None where there is none."""
        unread = {each.until: each.since for each in course.episodes if each.status == "error"}
        since = unread.get(since, since)
        looked_at = self._looked_at[key[1]]
        place = bisect_left(looked_at, since)
        return looked_at[place - 1] if place and looked_at[place - 1] >= course.first else None

    def _page(self, template: str, values: Mapping[str, object], top: str) -> str:
        """Fill in a template; ``top`` leads from the page to the top of the site."""
        given = {
            **DEFINITION,
            "top": top,
            "assets": self._links,
            "front": links.FRONT,
            "definition_page": links.definition_page,
            "run_pages": self._pages,
            "said": said,
            "span_text": span_text,
            "lasted": lambda since, until: span_text(seconds_between(since, until)),
            "version": __version__,
            **values,
        }
        return self._fill(f"dashboard/{template}.html.j2", given)

    def _digest(self, *inputs: str) -> str:
        return _sha256("\0".join((self._made_by, *inputs)))[:16]


def _run_values(
    document: Document, told: Sequence[Event], courses: Mapping[Key, Course]
) -> dict[str, object]:
    def history_page(resource: ResourceEntry) -> str | None:
        key = resource["kind"], resource["target"], resource["name"]
        # the history does not know what only a run that was cut short spoke of
        return links.definition_page(key) if key in courses else None

    looked_into = [
        resource
        for resource in document["resources"]
        if resource["status"] != "in_sync" or resource["ignored"]
    ]
    values = context(document, looked_into)
    shown = values["resources"][:_MOST_DEFINITIONS]
    return {
        **context(document, shown),
        "found": len(looked_into),
        "history_page": history_page,
        "told": told[:_MOST_EVENTS],
        "untold": max(len(told) - _MOST_EVENTS, 0),
        "become": BECAME,
    }


def _ended(episode: Episode, starts: set[str]) -> str:
    """How an episode ended, empty while it lasts."""
    if episode.until is None:
        return ""
    if episode.until in starts:
        return "otherwise"
    if episode.is_gone:
        return "gone"
    return "readable" if episode.status == "error" else "repaired"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
