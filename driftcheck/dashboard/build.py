"""The site, from the store to where it is read: all of it, or what is otherwise since it was written."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from driftcheck.dashboard import links
from driftcheck.dashboard.pages import Site
from driftcheck.errors import DriftcheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta

    from driftcheck.dashboard.pages import Page
    from driftcheck.document.entries import Document
    from driftcheck.objects import Objects
    from driftcheck.store import Name, Store
    from driftcheck.store.derived import Derived

MANIFEST = "manifest.json"
"""What is in the site: written after everything else, so that what it leaves out is written again."""

_FORMAT = 1
_AT_A_TIME = 16
_OWN = re.compile(r"(definitions|runs)(/[A-Za-z0-9_-]*(\.[A-Za-z0-9]+)*)+\.html")
_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
}
_CACHE = {
    # their names have their digests in them
    "assets": "max-age=31536000, immutable",
    # another only where another version of driftcheck made it
    "runs": "max-age=86400",
}
_ALWAYS_ASK = "no-cache"


@dataclass(frozen=True, slots=True)
class Built:
    """How many pages the site has, how many of them were written, and how many others were deleted."""

    pages: int
    written: int
    deleted: int


def build(
    store: Store,
    derived: Derived,
    place: Objects,
    *,
    anew: bool,
    owner: str,
    every: timedelta | None = None,
) -> Built:
    """Write the site of a history, the front page after all that it leads to; nobody else does meanwhile.

    Args:
        store: where the runs' documents are read.
        derived: the history of all of them.
        place: where the site goes, which is nothing else's.
        anew: every page, not those alone that are made from something else than what is there; and pages
            that nothing leads to are deleted, whoever left them.
        owner: who writes, for others who would.
        every: how often a complete run is expected; None to tell it by the runs.

    Raises:
        PlaceError: something cannot be read or written; whatever the front page leads to is there.
        DriftcheckError: the place has a front page of something else.
    """
    with place.held(owner) as check:
        return _build(store, derived, place, anew=anew, every=every, check=check)


def _build(
    store: Store,
    derived: Derived,
    place: Objects,
    *,
    anew: bool,
    every: timedelta | None,
    check: Callable[[], None],
) -> Built:
    there = _manifest(place)
    site = Site(derived.history, [name.text for name in derived.names], every)
    for key, text in site.assets.items():
        if anew or key not in there:
            _put(place, key, text)
    made = dict.fromkeys(site.assets, "")
    news = []
    for page in _pages(site, store, derived.names):
        made[page.key] = page.digest
        if anew or there.get(page.key) != page.digest:
            news.append(page)
    # what is new leads to each other: until all of it is there, nothing that is read may lead to any
    news.sort(key=lambda page: page.key in there)
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        for start in range(0, len(news), _AT_A_TIME):
            check()
            texts = [(page.key, page.text()) for page in news[start : start + _AT_A_TIME]]
            for _ in pool.map(lambda each: _put(place, *each), texts):
                pass
    front = site.front()
    text = front.text()
    check()
    _put(place, front.key, text)
    # to list what is there also takes away what a kill left half written
    known = (
        {key for start in ("definitions/", "runs/") for key in place.names(start)} if anew else there.keys()
    )
    gone = [key for key in known - made.keys() if _OWN.fullmatch(key)]
    for key in sorted(gone):
        check()
        place.delete(key)
    _write(place, made)
    return Built(len(made) - len(site.assets) + 1, len(news) + 1, len(gone))


def _pages(site: Site, store: Store, names: list[Name]) -> Iterator[Page]:
    for name in names:
        # a document never changes: its name stands for what is in it
        yield site.run(name.text, partial(_read, store, name))
    yield from site.definitions()


def _read(store: Store, name: Name) -> Document:
    document = store.read(name)
    if document is None:
        raise DriftcheckError(f"error: {store.place}: the run {name} went away meanwhile: try again")
    return document


def _manifest(place: Objects) -> dict[str, str]:
    """The pages that are there, with the digests of what they are made from; claims a place that is new.

    What cannot be read counts as nothing: then all is written again.

    Raises:
        DriftcheckError: there is a front page, and it is not the dashboard's.
    """
    content = place.get(MANIFEST)
    if content is None:
        if place.get(links.FRONT) is not None:
            raise DriftcheckError(
                f"error: where the dashboard is to go is an {links.FRONT} of something else: "
                "give it a place of its own"
            )
        _write(place, {})
        return {}
    try:
        found = json.loads(content)
        pages = found["pages"]
        if found["format"] == _FORMAT and all(isinstance(digest, str) for digest in pages.values()):
            return dict(pages)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        pass
    return {}


def _write(place: Objects, pages: dict[str, str]) -> None:
    _put(place, MANIFEST, json.dumps({"format": _FORMAT, "pages": pages}, separators=(",", ":")))


def _put(place: Objects, key: str, text: str) -> None:
    folder, _, _ = key.partition("/")
    place.put(
        key,
        text.encode("utf-8", "backslashreplace"),
        kind=_KINDS[key.rpartition(".")[2]],
        cache=_CACHE.get(folder, _ALWAYS_ASK),
    )
