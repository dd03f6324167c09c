from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from driftcheck.render import render
from driftcheck.render.markdown import code
from tests.documents import (
    GOLDEN,
    as_shard,
    changed,
    document,
    drifted,
    golden_document,
    hostile_documents,
    hostile_reviews,
    hostile_text,
    in_sync,
    unread,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

    from driftcheck.document.entries import Document

# Of GitHub's dialect what could act: it has autolinks without brackets too, which only text tokens can hold.
_PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_OPENING = re.compile(r"<details>\n<summary><code>[^<>]*</code>: \d+ (?:difference|change)s?</summary>\n")
_BLOCKS = {"heading", "table", "thead", "tbody", "tr", "th", "td", "paragraph", "bullet_list", "list_item"}
_INERT_TEXT = re.compile(r"[A-Za-z0-9 ,.:()%+-]*")


def _tokens(markdown: str) -> Iterator[Token]:
    for token in _PARSER.parse(markdown):
        yield token
        yield from token.children or ()


def _kinds(markdown: str) -> set[str]:
    return {token.type.removesuffix("_open").removesuffix("_close") for token in _tokens(markdown)}


def _of(markdown: str, kind: str) -> list[str]:
    return [token.content for token in _tokens(markdown) if token.type == kind]


def test_a_shard_says_that_it_is_one() -> None:
    text = render(as_shard(document(in_sync()), 2, 8), "markdown")

    assert text.startswith("## No drift. AWS matches everything that is declared (shard 2 of 8).\n")


def test_the_golden_result_renders_to_the_golden_markdown() -> None:
    assert render(golden_document(), "markdown") == (GOLDEN / "report.md").read_text("utf-8")


def test_a_drifted_definition_is_a_collapsible_with_a_diff() -> None:
    difference = changed(["JobResources", "ClusterConfig", "InstanceCount"], 1, 2)
    markdown = render(document(drifted(difference, name="churn")), "markdown")
    assert markdown.startswith("## Drift: AWS differs from what is declared.\n")
    assert _of(markdown, "html_block") == [
        "<details>\n<summary><code>ModelQualityJobDefinition churn (prod)</code>: 1 difference</summary>\n",
        "</details>\n",
    ]
    assert _of(markdown, "fence") == ["@@ JobResources.ClusterConfig.InstanceCount @@\n- 1\n+ 2\n"]


def test_in_sync_is_a_verdict_a_table_and_a_footer() -> None:
    assert render(document(in_sync()), "markdown") == (
        "## No drift. AWS matches everything that is declared.\n"
        "\n"
        "| Declared | In sync | Drifted | Missing | Error | Unmanaged | Coverage |\n"
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| 1 | 1 | 0 | 0 | 0 | 0 | 100% |\n"
        "\n"
        "### Targets\n"
        "\n"
        "- target `prod`: `account 123456789012, region eu-west-1`\n"
        "\n"
        "driftcheck `0.1.0`, 2026-11-24 02:17:00 UTC to 2026-11-24 02:17:09 UTC\n"
    )


@pytest.mark.parametrize(
    ("made", "heading"),
    [
        (document(), "## Nothing is declared.\n"),
        (document(in_sync(), complete=False), "## Incomplete: the run was stopped before everything"),
        (document(unread("Throttled", "slow")), "## Not everything could be compared.\n"),
    ],
)
def test_the_heading_says_no_more_than_is_known(made: Document, heading: str) -> None:
    assert render(made, "markdown").startswith(heading)


def test_an_error_is_listed_with_its_message() -> None:
    markdown = render(document(unread("Throttled", "slow @team")), "markdown")
    assert (
        "### Could not be compared\n\n"
        "- `ModelQualityJobDefinition a (prod)`, declared in `desired/a.yaml:3`: `Throttled: slow @team`. "
        "What to do: run it again later, or with a longer `--timeout`; `--incremental` takes fewer calls\n"
    ) in markdown


def test_a_fence_is_longer_than_the_backticks_in_it() -> None:
    value = "`````\n</details> @team"
    markdown = render(document(drifted(changed(["Environment", "A"], "x", value))), "markdown")
    (fence,) = [token for token in _tokens(markdown) if token.type == "fence"]
    assert (fence.markup, fence.info) == ("``````", "diff")
    assert fence.content == '@@ Environment.A @@\n- "x"\n+ "`````\\n</details> @team"\n'


@given(hostile_text.map(lambda text: re.sub(r"[\x00\r\n]", "", text)))
def test_a_code_span_shows_exactly_its_text(text: str) -> None:
    assert [token.type for token in _tokens(f"- x {code(text)} y")].count("code_inline") == 1
    (shown,) = _of(f"- x {code(text)} y", "code_inline")
    # every eightieth backtick of a run is written as in JSON
    text = text.replace("`" * 80, "`" * 79 + "\\u0060")
    assert shown == text or (not text.strip(" ") and not shown.strip(" "))


@given(hostile_documents())
def test_every_text_from_outside_is_inert(hostile: Document) -> None:
    markdown = render(hostile, "markdown")
    drifts = hostile["summary"]["drifted"]
    assert _kinds(markdown) <= {*_BLOCKS, "inline", "text", "strong", "code_inline", "fence", "html_block"}
    blocks = _of(markdown, "html_block")
    assert len(blocks) == 2 * drifts
    assert all(_OPENING.fullmatch(opening) for opening in blocks[::2])
    assert all(closing == "</details>\n" for closing in blocks[1::2])
    fences = _of(markdown, "fence")
    assert len(fences) == drifts
    assert all(re.match(r"@@ |[-+] ", line) for fence in fences for line in fence.splitlines())
    assert [text for text in _of(markdown, "text") if not _INERT_TEXT.fullmatch(text)] == []
    assert not [line for line in markdown.splitlines() if line.lstrip().startswith("::")]


@given(hostile_reviews())
def test_every_text_of_a_change_is_inert(hostile: Document) -> None:
    markdown = render(hostile, "markdown")
    assert _kinds(markdown) <= {*_BLOCKS, "inline", "text", "strong", "code_inline", "fence", "html_block"}
    blocks = _of(markdown, "html_block")
    assert len(blocks) % 2 == 0
    assert all(_OPENING.fullmatch(opening) for opening in blocks[::2])
    assert all(closing == "</details>\n" for closing in blocks[1::2])
    fences = _of(markdown, "fence")
    assert all(re.match(r"@@ |[-+] ", line) for fence in fences for line in fence.splitlines())
    assert [text for text in _of(markdown, "text") if not _INERT_TEXT.fullmatch(text)] == []
    assert not [line for line in markdown.splitlines() if line.lstrip().startswith("::")]
