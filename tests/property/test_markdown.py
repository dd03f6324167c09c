"""Markdown as the forges read it: cmark-gfm (GitHub's) and comrak (GitLab's) make of it what was meant."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import cmarkgfm
import comrak
import pytest
from cmarkgfm.cmark import Options
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.document import loads
from driftcheck.render import render
from driftcheck.render.comment import Frame, fitted
from driftcheck.render.markdown import code, fence, html_code
from tests.changes import hostile_changes
from tests.documents import (
    RUNS,
    changed,
    document,
    drifted,
    hostile_documents,
    hostile_reviews,
    hostile_text,
    source,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftcheck.document.entries import (
        DifferenceEntry,
        Document,
        ErrorEntry,
        IgnoredEntry,
        ResourceEntry,
    )

_ATTACK = " @team #1 ![p](https://e.example/p.png) [a](https://e.example) <b>x</b> | https://e.example \\"
_INERT_TEXT = re.compile(r"[^\x00-\x09\x0b-\x1f@#<>\[\]|`_~/\\]*")
_ELEMENTS = {
    *("h2", "h3", "p", "ul", "li", "blockquote", "table", "thead", "tbody", "tr", "th", "td"),
    *("details", "summary", "code", "pre", "strong", "b", "sub"),
}
_UNTOUCHED = re.compile(r"`{81}")


def _cmark_gfm(text: str) -> str:
    extensions = ["table", "autolink", "strikethrough", "tasklist"]
    options = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
    return str(cmarkgfm.markdown_to_html_with_extensions(text, options=options, extensions=extensions))


def _comrak(text: str) -> str:
    extensions = comrak.ExtensionOptions()
    for name in ("autolink", "table", "strikethrough", "tasklist", "footnotes", "math_dollars", "shortcodes"):
        setattr(extensions, name, True)
    rendering = comrak.RenderOptions()
    rendering.unsafe_ = True
    return comrak.render_markdown(text, extension_options=extensions, render_options=rendering)


PARSERS: dict[str, Callable[[str], str]] = {"cmark-gfm": _cmark_gfm, "comrak": _comrak}


class _Reader(HTMLParser):
    """The elements of a page, and its texts in and outside of code; what is outside can be live."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: set[str] = set()
        self.codes: list[str] = []
        self.outside = ""
        self.comments: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.elements.add(tag)
        self.open.append(tag)
        if tag == "code":
            self.codes.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "code" in self.open:
            self.codes[-1] += data
        else:
            self.outside += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def _assert_inert(markdown: str, comments: int = 0) -> None:
    assert not _UNTOUCHED.search(markdown)
    for name, to_html in PARSERS.items():
        page = _Reader(to_html(markdown))
        assert page.open == [], name
        assert page.elements <= _ELEMENTS, name
        assert _INERT_TEXT.fullmatch(page.outside), (name, page.outside)
        assert len(page.comments) == comments, name


def _comment(made: Document, limit: int = 65_536) -> str | None:
    return fitted(made, Frame("<!-- driftcheck:x -->", commit="0" * 40), lambda text: len(text) <= limit)


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("length", RUNS)
def test_a_text_with_a_run_of_backticks_is_shown_and_inert(parser: str, length: int) -> None:
    run = "`" * length
    text = f"{run}{_ATTACK}{run}{_ATTACK} {run[:-1]}x"
    # every eightieth of a run is written as in JSON
    shown = text.replace("`" * 80, "`" * 79 + "\\u0060")
    markdown = f"- x {code(text)} y\n\n{fence([text, text], 'diff')}\n\n<details>\n{html_code(text)}"

    page = _Reader(PARSERS[parser](markdown))

    assert page.codes == [shown, f"{shown}\n{shown}\n", shown]
    assert page.elements <= {"ul", "li", "p", "pre", "code", "details"}
    assert "".join(page.outside.split()) == "xy"
    assert not _UNTOUCHED.search(markdown)


def test_the_parsers_are_those_that_know_the_limit() -> None:
    for to_html in PARSERS.values():
        assert "<img" not in to_html(f"{'`' * 80}![p](q){'`' * 80}")
        assert "<img" in to_html(f"{'`' * 81}![p](q){'`' * 81}")


def test_values_that_differ_are_never_shown_alike() -> None:
    assert len({code(text) for text in ("`" * 80, "`" * 81, "`" * 79 + "\\\\u0060", "(80 backticks)")}) == 4


def _everywhere(text: str) -> Document:
    """A document that has one text wherever a text is free."""
    said = f"{text}{_ATTACK}{text}"
    where = source(said)
    error: ErrorEntry = {"code": said, "message": said}
    difference: DifferenceEntry = {**changed(["Environment", said], {said: [said]}, said), "source": where}
    rule: IgnoredEntry = {**difference, "rule": said, "reason": said, "until": said, "rule_source": where}
    resource: ResourceEntry = {**drifted(difference, name=said), "target": said, "source": where}
    resource["ignored"] = [rule]
    made = document(
        resource,
        {**resource, "status": "error", "differences": [], "error": error},
        {**resource, "status": "missing", "differences": []},
        {**resource, "status": "unmanaged", "differences": []},
        targets=[{"name": said, "account": None, "region": said, "error": error}],
        warnings=[{"code": said, "message": said, "source": where}],
    )
    return {**made, "driftcheck_version": said}


@pytest.mark.parametrize("length", RUNS)
def test_a_run_of_any_length_in_any_text_of_a_report_and_of_a_comment_is_inert(length: int) -> None:
    made = _everywhere("`" * length)
    for limit in (1_000_000, 20_000, 4_000, 1_500):
        if (text := _comment(made, limit)) is not None:
            _assert_inert(text, comments=2)
    _assert_inert(render(made, "markdown"))
    saved = loads(render(made, "json"), "r.json")
    assert render(saved, "markdown") == render(made, "markdown")


@given(st.lists(hostile_text.map(lambda text: re.sub(r"[\x00\r\n]", "", text)), min_size=1))
def test_code_of_any_text_is_code(texts: list[str]) -> None:
    markdown = "\n\n".join((*(f"- {code(text)}" for text in texts), fence(texts, "diff")))
    for to_html in PARSERS.values():
        page = _Reader(to_html(markdown))
        assert len(page.codes) == len(texts) + 1
        assert page.outside.split() == []
    for text in texts:
        assert escape(text.replace("`" * 80, "`" * 79 + "\\u0060")) in html_code(text)


@given(hostile_documents())
def test_a_report_of_any_document_is_inert(made: Document) -> None:
    _assert_inert(render(made, "markdown"))


@given(hostile_reviews())
def test_a_report_of_any_change_is_inert(made: Document) -> None:
    _assert_inert(render(made, "markdown"))


@given(hostile_changes(), st.sampled_from((65_536, 4_000, 1_500)))
def test_a_comment_of_any_change_is_inert(made: Document, limit: int) -> None:
    if (text := _comment(made, limit)) is not None:
        _assert_inert(text, comments=2)
