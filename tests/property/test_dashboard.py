"""Whatever documents say, the dashboard's pages have its templates' elements and lead to each other."""

from __future__ import annotations

import json
import posixpath
import re
from functools import partial
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftcheck.dashboard.links import definition_page, segment
from driftcheck.dashboard.pages import Site
from driftcheck.history import History
from tests.documents import hostile_documents, hostile_text

if TYPE_CHECKING:
    from driftcheck.document.entries import Document

pytestmark = pytest.mark.slow

TIMES = ("2026-11-22T02:17:00Z", "2026-11-23T02:17:00Z", "2026-11-24T02:17:00Z")
ELEMENTS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "link",
        "body",
        "header",
        "main",
        "footer",
        "nav",
        "section",
        "article",
    ),
    *("div", "h1", "h2", "h3", "p", "a", "code", "pre", "span", "strong", "br", "ul", "li", "dl", "dt", "dd"),
    *(
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "time",
        "details",
        "summary",
        "script",
        "noscript",
    ),
    *("form", "label", "input", "select", "option", "button", "svg", "rect", "path", "text", "g"),
}
SAFE = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text of its data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.data = ""
        self._is_data = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._is_data = tag == "script" and dict(attrs).get("id") == "data"

    def handle_data(self, data: str) -> None:
        if self._is_data:
            self.data += data

    def handle_endtag(self, tag: str) -> None:
        self._is_data = False


@settings(max_examples=25)  # a whole site each
@given(st.lists(hostile_documents(), min_size=1, max_size=3))
def test_no_text_of_a_document_is_anything_but_text(documents: list[Document]) -> None:
    history = History()
    runs = documents[: len(TIMES)]
    for run, time in zip(runs, TIMES, strict=False):
        run["started_at"] = time
        history.add(run)
    names = [run["started_at"].replace(":", "-") for run in runs]
    site = Site(history, names)
    pages = {page.key: page.text() for page in (*site.definitions(), site.front())}
    for name, run in zip(names, runs, strict=True):
        page = site.run(name, partial(dict, run))  # type: ignore[arg-type]
        pages[page.key] = page.text()

    for key, text in pages.items():
        assert SAFE.fullmatch(key)
        assert ".." not in key.split("/")
        assert all(char.isprintable() or char == "\n" for char in text)
        elements = Elements(text)
        assert {tag for tag, _ in elements.found} <= ELEMENTS
        for _, attributes in elements.found:
            assert not [name for name in attributes if name == "style" or name.startswith("on")]
            for link in (attributes.get("href"), attributes.get("src")):
                address = urlsplit(link or "")
                if address.scheme:
                    assert link == "data:,"
                elif address.path:
                    to = posixpath.normpath(posixpath.join(posixpath.dirname(key), unquote(address.path)))
                    assert to in pages or to in site.assets, (key, link)
        if key == "index.html":
            rows = json.loads(elements.data)["rows"]
            assert len(rows) == sum(course.is_there for course in history.courses.values())


@given(hostile_text | st.text(), hostile_text | st.text())
def test_different_texts_have_different_addresses(one: str, other: str) -> None:
    assert (segment(one) == segment(other)) is (one == other)
    assert SAFE.fullmatch(definition_page((one, other, one)))
    assert len(segment(one)) <= 120
