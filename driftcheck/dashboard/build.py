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
from driftcheck.places import UnfitError
from driftcheck.store import IDENTITY, RUNS, SITE_MARK
from driftcheck.store.derived import HISTORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta

    from driftcheck.dashboard.pages import Page
    from driftcheck.document.entries import Document
    from driftcheck.objects import Objects
    from driftcheck.store import Name, Store
    from driftcheck.store.derived import Derived

MANIFEST = SITE_MARK
"""What is in the site, and whose runs it shows.

It is written after everything else, so that what it leaves out is written again.
"""

_FORMAT = 1
_AT_A_TIME = 16
_RUN = re.compile(r"runs/(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(?:-\d+)?)\.html")
_OF_A_STORE = ((IDENTITY, "a store of runs"), (HISTORY, "a store of runs"))
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
    derive: Callable[[], Derived],
    place: Objects,
    *,
    anew: bool,
    owner: str,
    every: timedelta | None = None,
    replace: bool = False,
) -> Built:
    """Write the site of a history, the front page after all that it leads to; nobody else does meanwhile.

    Args:
        store: where the runs' documents are read.
        derive: gives the history of all of them, once nobody else writes the site.
        place: where the site goes, which is nothing else's.
        anew: every page, not those alone that are made from something else than what is there; and pages
            that nothing leads to are deleted, whoever left them.
        owner: who writes, for others who would.
        every: how often a complete run is expected; None to tell it by the runs.
        replace: put this store's runs in the place of another's.

    Raises:
        PlaceError: something cannot be read or written; whatever the front page leads to is there.
        OtherStoreError: the site shows the runs of another store; it is as it was, to its lock.
        DriftcheckError: the place has a front page of something else, or is a store.
    """
    if not replace:
        hold_own(store, place)
    with place.held(owner) as check:
        return _build(store, derive(), place, anew=anew, every=every, check=check, replace=replace)


class OtherStoreError(DriftcheckError):
    """A site shows the runs of another store."""


def hold_own(store: Store, place: Objects) -> None:
    """Make sure that a site is the store's, or nobody's yet; nothing of it is changed.

    One without an identity, as 0.1 made them, is the store's if its runs are there.

    Raises:
        PlaceError: it cannot be told.
        OtherStoreError: it shows the runs of another store.
        DriftcheckError: the place has a front page of something else, or is a store.
    """
    _hold_own(store, place, _manifest(place))


def _hold_own(store: Store, place: Objects, there: _Manifest) -> None:
    if there.store is not None:
        is_own = there.store == store.identity()
        whose = f"the store with the identity {there.store}"
    else:
        keys = there.pages if there.pages is not None else [*place.names(RUNS)]
        runs = {found[1] for key in keys if (found := _RUN.fullmatch(key))}
        names = [name.text for name in store.names()] if runs else []
        # older ones may have been deleted from the store since
        runs = {run for run in runs if not names or run >= names[0]} or runs
        is_own = 2 * len(runs.intersection(names)) >= len(runs)
        whose = "another store"
    if not is_own:
        raise OtherStoreError(
            f"error: {place}: the dashboard there shows the runs of {whose}, not of {store.place}: "
            "name another place, or replace it with --replace"
        )


def _build(
    store: Store,
    derived: Derived,
    place: Objects,
    *,
    anew: bool,
    every: timedelta | None,
    check: Callable[[], None],
    replace: bool,
) -> Built:
    owner, there, is_own = _claim(store, place, replace=replace)
    # a page of another store's run may have the same name
    anew = anew or not is_own
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
    _write(place, owner, made)
    return Built(len(made) - len(site.assets) + 1, len(news) + 1, len(gone))


def _claim(store: Store, place: Objects, *, replace: bool) -> tuple[str | None, dict[str, str], bool]:
    """Take the site for a store: its identity, the pages there, and whether they are known to be its own."""
    manifest = _manifest(place)
    if not replace:
        _hold_own(store, place, manifest)
    identity = store.identity()
    if not manifest.is_there:
        _write(place, identity, {})
    return identity, manifest.pages or {}, not replace or manifest.store == identity is not None


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


@dataclass(frozen=True, slots=True)
class _Manifest:
    """The pages that are there, with the digests of what they are made from; None where it cannot be read.

    ``store`` is the identity of the store whose runs they show; a site of 0.1 has none.
    """

    is_there: bool
    store: str | None
    pages: dict[str, str] | None


def _manifest(place: Objects) -> _Manifest:
    """What a site says of itself. What cannot be read counts as no page: then all is written again.

    Raises:
        DriftcheckError: there is a front page, and it is not the dashboard's, or there is a store.
    """
    try:
        content = place.get(MANIFEST)
    except UnfitError:
        return _Manifest(is_there=True, store=None, pages=None)
    if content is None:
        for name, what in ((links.FRONT, f"an {links.FRONT} of something else"), *_OF_A_STORE):
            if place.exists(name):
                raise DriftcheckError(
                    f"error: where the dashboard is to go is {what}: give it a place of its own"
                )
        return _Manifest(is_there=False, store=None, pages={})
    try:
        found = json.loads(content)
        pages, store = found["pages"], found.get("store")
        if (
            found["format"] == _FORMAT
            and isinstance(store, str | None)
            and all(isinstance(digest, str) for digest in pages.values())
        ):
            return _Manifest(is_there=True, store=store, pages=dict(pages))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        pass
    return _Manifest(is_there=True, store=None, pages=None)


def _write(place: Objects, store: str | None, pages: dict[str, str]) -> None:
    content = {"format": _FORMAT, "store": store, "pages": pages}
    _put(place, MANIFEST, json.dumps(content, separators=(",", ":")))


def _put(place: Objects, key: str, text: str) -> None:
    folder, _, _ = key.partition("/")
    place.put(
        key,
        text.encode("utf-8", "backslashreplace"),
        kind=_KINDS[key.rpartition(".")[2]],
        cache=_CACHE.get(folder, _ALWAYS_ASK),
    )
