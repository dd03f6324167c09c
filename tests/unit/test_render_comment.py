from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from driftcheck.document import loads
from driftcheck.render import render
from driftcheck.render.comment import Frame, fitted, link_of
from tests.changes import (
    COMMIT,
    TYPE,
    absent,
    against_base,
    declared,
    hostile_changes,
    invalid,
    leaf,
    many,
    of,
    rolled_out_later,
    undeclared,
)
from tests.documents import (
    as_shard,
    changed,
    document,
    drifted,
    golden_document,
    in_sync,
    source,
    unread,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

    from driftcheck.document.entries import Document

# Of GitHub's dialect what could act: it has autolinks without brackets too, which only text tokens can hold.
_PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_MARKER = "<!-- driftcheck:driftcheck -->"
_BLOCKS = {
    *("heading", "table", "thead", "tbody", "tr", "th", "td", "paragraph", "bullet_list", "list_item"),
    *(
        "blockquote",
        "inline",
        "text",
        "strong",
        "code_inline",
        "fence",
        "html_block",
        "html_inline",
        "softbreak",
    ),
}
_HTML = re.compile(
    r"<!-- driftcheck:driftcheck -->\n"
    r"|<!-- [0-9TZ:-]+ -->\n"
    r"|</details>\n"
    r"|<details>\n<summary>(Resolved|Drifted|Unmanaged)[a-z ]*: \d+ definitions?</summary>\n"
    r"|<details>\n<summary>Unmanaged: \d+ definitions? in AWS that no file declares</summary>\n"
    r"|<details>\n<summary>(\d+ warnings?|Targets)</summary>\n"
    r"|<details( open)?>\n<summary>(<b>[A-Z][a-z ]+</b> )?<code>[^<>]*</code>: [a-zA-Z0-9 ,;]+</summary>\n"
)
X = "`ModelQualityJobDefinition x (prod)`"
Y = "`ModelQualityJobDefinition y (prod)`"
OTHER = "`ModelQualityJobDefinition other (prod)`"
OLD_IS_THERE = "will be created on rollout; the former is still in AWS, to be deleted"
_INERT_TEXT = re.compile(r"[A-Za-z0-9 ,.:;()%+✅⚠️❌-]*")


def told(made: Document, frame: Frame = Frame(_MARKER), limit: int = 65_536) -> str:  # noqa: B008 - frozen
    text = fitted(made, frame, lambda text: len(text) <= limit)
    assert text is not None
    return text


def _tokens(markdown: str) -> Iterator[Token]:
    for token in _PARSER.parse(markdown):
        yield token
        yield from token.children or ()


def _of(markdown: str, kind: str) -> list[str]:
    return [token.content for token in _tokens(markdown) if token.type == kind]


def headline(made: Document) -> str:
    return next(line for line in told(made).splitlines() if line.startswith("#")).removeprefix("## ")


def counts(made: Document) -> dict[str, str]:
    names, _, numbers = [line for line in told(made).splitlines() if line.startswith("|")]
    pairs = zip(names.split("|"), numbers.split("|"), strict=True)
    return {name.strip(): number.strip(" *") for name, number in pairs if name.strip()}


def test_of_an_account_only_the_last_four_digits_are_told() -> None:
    made = document(
        in_sync(),
        warnings=[
            {"code": "target-moved", "message": "account 210987654321, 1234567890123 others", "source": None}
        ],
    )

    text = told(made)

    assert "account …9012, region eu-west-1" in text
    assert "account …4321, 1234567890123 others" in text
    assert "123456789012`" not in text
    assert "210987654321" not in text


def test_a_change_that_is_to_be_rolled_out_is_no_drift() -> None:
    assert told(rolled_out_later(), Frame(_MARKER, commit=COMMIT)) == (
        "<!-- driftcheck:driftcheck -->\n"
        "<!-- 2026-11-24T02:17:00Z -->\n"
        "\n"
        "## ✅ Valid: rollout will replace 1 definition\n"
        "\n"
        "Nothing unintended.\n"
        "\n"
        "| In this change | To roll out | Already so in AWS | Not intended | Resolved | Drifted before "
        "| Not compared |\n"
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| **1** | **1** | 0 | 0 | 0 | 0 | 0 |\n"
        "\n"
        "### This change\n"
        "\n"
        "`-` was declared, `+` is declared now, `!` is what AWS has instead.\n"
        "\n"
        "<details open>\n"
        "<summary><b>Changed</b> <code>ModelQualityJobDefinition churn (prod)</code>: "
        "will be replaced on rollout</summary>\n"
        "\n"
        "Declared in `desired/a.yaml:3`.\n"
        "\n"
        "```diff\n"
        "@@ JobResources.ClusterConfig.InstanceType @@ will change on rollout\n"
        '- "ml.m5.xlarge"\n'
        '+ "ml.m5.2xlarge"\n'
        "```\n"
        "\n"
        "</details>\n"
        "\n"
        "### Targets\n"
        "\n"
        "- `prod`: `account …9012, region eu-west-1`\n"
        "\n"
        "<sub>driftcheck `0.1.0`, checked 2026-11-24 02:17:09 UTC, commit `4f0c2d1`, "
        "against `main` at `4f0c2d1`</sub>\n"
    )


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (invalid("a", "b"), "❌ Invalid: 2 errors in the desired state"),
        (document(in_sync()), "✅ No drift. AWS matches everything that is declared"),
        (document(drifted(changed(["A"], 1, 2))), "❌ Drift: AWS differs from what is declared"),
        (document(unread("Denied", "no")), "⚠️ Not everything could be compared"),
        (document(), "⚠️ Nothing is declared"),
        (
            as_shard(document(in_sync()), 2, 8),
            "✅ No drift. AWS matches everything that is declared (shard 2 of 8)",
        ),
        (against_base(document(in_sync())), "✅ Valid: this change alters no definition"),
        (
            against_base(document(in_sync()), declared("changed", "a", leaf(TYPE, 1, 2, "done"))),
            "✅ Valid: AWS has this change already",
        ),
        (
            against_base(
                document(in_sync("b"), absent("new", "introduced", intended=True)),
                declared("added", "new", live="absent"),
                declared("removed", "old", live="present"),
                declared("changed", "b", leaf(TYPE, 1, 2, "pending")),
                declared("changed", "c", leaf(TYPE, 1, 2, "pending")),
            ),
            "✅ Valid: rollout will replace 2 definitions, create 1 and delete 1",
        ),
        (
            against_base(
                document(undeclared("old", "introduced", intended=True)),
                declared(
                    "renamed", "new", live="absent", was={"target": "prod", "name": "old", "source": None}
                ),
            ),
            "✅ Valid: rollout will create 1 definition and delete 1",
        ),
        (
            against_base(document(in_sync()), declared("changed", "a", leaf(TYPE, 1, 2, "diverged"))),
            "⚠️ Valid: rollout will replace 1 definition",
        ),
        (
            against_base(document(unread("Denied", "no")), declared("added", "a", live="unknown")),
            "⚠️ Valid, but not everything could be compared",
        ),
        (
            against_base(document(in_sync(), complete=False)),
            "⚠️ Incomplete: the run was stopped before everything was read",
        ),
        (
            against_base(document(drifted(of(changed(["A"], 1, 2), "introduced", intended=False)))),
            "❌ Not intended: 1 definition differs from AWS because of this change",
        ),
        (
            against_base(document(undeclared("x", "introduced", intended=False))),
            "❌ Not intended: 1 definition differs from AWS because of this change",
        ),
    ],
)
def test_the_headline_answers_in_one_look(made: Document, says: str) -> None:
    assert headline(made) == says


def test_what_is_not_intended_comes_first_and_what_had_drifted_before_is_folded() -> None:
    made = against_base(
        document(
            drifted(
                of(changed(["A"], 1, 2), "introduced", intended=False),
                of(changed(["B"], 3, 4), "existing"),
                of(changed(["C"], 5, 6), "introduced", intended=True),
                name="churn",
            ),
            absent("gone", "existing"),
        ),
        declared("changed", "churn", leaf(["C"], 6, 5, "pending")),
    )
    markdown = told(made)

    unintended, change, before = _of(markdown, "fence")
    assert unintended == "@@ A @@\n- 1\n+ 2\n"
    assert change == "@@ C @@ will change on rollout\n- 6\n+ 5\n"
    assert before == "@@ B @@\n- 3\n+ 4\n"
    assert "<summary>Drifted before this change: 2 definitions</summary>" in markdown
    assert "- `ModelQualityJobDefinition gone (prod)` is declared, and not in AWS\n" in markdown
    assert "2 definitions had drifted before this change." in markdown
    assert "Nothing unintended" not in markdown
    assert counts(made) == {
        "In this change": "1",
        "To roll out": "1",
        "Already so in AWS": "0",
        "Not intended": "1",
        "Resolved": "0",
        "Drifted before": "2",
        "Not compared": "0",
    }


@pytest.mark.parametrize(
    ("rollout", "says"),
    [
        ("pending", "will change on rollout"),
        ("done", "already so in AWS"),
        ("diverged", "somebody changed it in AWS: rollout overwrites that"),
        ("unknown", "not known whether AWS has it"),
    ],
)
def test_each_changed_leaf_says_what_aws_has(rollout: str, says: str) -> None:
    one = leaf(TYPE, "old", "new", "pending")
    one["rollout"] = rollout  # type: ignore[typeddict-item]
    markdown = told(against_base(document(in_sync()), declared("changed", "a", one)))

    (fence,) = _of(markdown, "fence")
    assert fence == f'@@ JobResources.ClusterConfig.InstanceType @@ {says}\n- "old"\n+ "new"\n'


def test_a_value_that_somebody_changed_in_aws_is_shown() -> None:
    live = of(changed(TYPE, "new", "hotfix"), "existing")
    made = against_base(
        document(drifted(live)), declared("changed", "a", leaf(TYPE, "old", "new", "diverged"))
    )

    assert '- "old"\n+ "new"\n! "hotfix"\n' in told(made)
    assert "**Somebody changed 1 value in AWS that this change sets too" in told(made)


@pytest.mark.parametrize(
    ("declaration", "line"),
    [
        (
            declared("added", "x", live="absent"),
            f"- **Added** {X}, declared in `desired/a.yaml:3`: will be created on rollout",
        ),
        (
            declared("added", "x"),
            f"- **Added** {X}, declared in `desired/a.yaml:3`: already so in AWS",
        ),
        (
            declared("added", "other"),
            f"- **Added** {OTHER}, declared in `desired/a.yaml:3`: AWS has one of this name, and it differs",
        ),
        (
            declared("removed", "y", was={"target": "prod", "name": "y", "source": source("d/x.yaml", 9)}),
            f"- **Removed** {Y}, before in `d/x.yaml:9`: still in AWS, to be deleted on rollout",
        ),
        (
            declared("removed", "x"),
            "- **Removed** `ModelQualityJobDefinition x (prod)`: still in AWS, to be deleted on rollout",
        ),
        (
            declared("removed", "x", live="absent"),
            "- **Removed** `ModelQualityJobDefinition x (prod)`: no longer in AWS",
        ),
        (
            declared("renamed", "x", live="absent", was={"target": "prod", "name": "old", "source": None}),
            f"- **Renamed** {X}, declared in `desired/a.yaml:3`, before `old (prod)`: {OLD_IS_THERE}",
        ),
        (
            declared(
                "moved",
                "x",
                was={"target": "prod", "name": "x", "source": {"file": "d/z.yaml", "line": 9}},
            ),
            f"- **Moved** {X}, declared in `desired/a.yaml:3`, before in `d/z.yaml:9`: already so in AWS",
        ),
    ],
    ids=[
        "to-create",
        "adopted",
        "differs",
        "to-delete-with-place",
        "to-delete",
        "deleted",
        "renamed",
        "moved",
    ],
)
def test_a_definition_without_changed_leaves_is_a_line(declaration: object, line: str) -> None:
    other = drifted(of(changed(["A"], 1, 2), "introduced", intended=False), name="other")
    made = against_base(
        document(
            undeclared("old", "introduced", intended=True),
            undeclared("y", "introduced", intended=True),
            other,
        ),
        declaration,  # type: ignore[arg-type]
    )

    assert f"{line}\n" in told(made)


def test_a_definition_that_is_gone_is_created_whatever_its_leaves_were() -> None:
    gone = declared("changed", "x", leaf(["A"], 1, 2, "diverged"), live="absent")
    made = against_base(document(absent("x", "existing")), gone)

    assert headline(made) == "✅ Valid: rollout will create 1 definition"
    assert _of(told(made), "fence") == ["@@ A @@\n- 1\n+ 2\n"]
    assert "Somebody changed" not in told(made)


def test_a_definition_that_is_added_shows_what_aws_has_otherwise() -> None:
    made = against_base(
        document(drifted(of(changed(["A"], 1, 2), "introduced", intended=True), name="x")),
        declared("added", "x"),
    )

    assert _of(told(made), "fence") == ["@@ A @@ will change on rollout\n+ 1\n! 2\n"]


def test_what_a_change_makes_differ_without_declaring_it_otherwise_is_not_left_out() -> None:
    made = against_base(
        document(
            drifted(of(changed(["A"], 1, 2), "introduced", intended=True), name="x"),
            undeclared("y", "introduced", intended=True),
        )
    )
    markdown = told(made)

    assert "<summary><b>Compared otherwise</b> <code>ModelQualityJobDefinition x (prod)</code>" in markdown
    assert "- **Compared otherwise** `ModelQualityJobDefinition y (prod)`" in markdown


def test_what_a_change_resolves_is_told() -> None:
    fixed = {**in_sync("x"), "resolved": [of(changed(["A"], 1, 2), "resolved")]}
    markdown = told(against_base(document(fixed)))  # type: ignore[arg-type]

    assert "<summary>Resolved by this change: 1 definition</summary>" in markdown
    assert _of(markdown, "fence") == ["@@ A @@\n- 1\n+ 2\n"]


def test_invalid_desired_state_lists_its_errors() -> None:
    markdown = told(invalid("unknown member `Imageuri`"))

    assert "Nothing was compared with AWS.\n" in markdown
    assert "- `desired/a.yaml:3`: `` unknown member `Imageuri` ``\n" in markdown


def test_a_base_that_could_not_be_read_is_said_and_leaves_the_drift() -> None:
    made = against_base(document(drifted(changed(["A"], 1, 2))))
    made["base"]["error"] = {"code": "BaseInvalid", "message": "desired/a.yaml:1: no @team"}
    markdown = told(made)

    assert headline(made) == "❌ Drift: AWS differs from what is declared"
    assert "- The base could not be read: `BaseInvalid: desired/a.yaml:1: no @team`\n" in markdown
    assert _of(markdown, "fence") == ["@@ A @@\n- 1\n+ 2\n"]


def test_a_document_of_the_golden_run_is_a_comment_too() -> None:
    assert headline(golden_document()) == "❌ Drift: AWS differs from what is declared"


def test_a_comment_made_by_a_forks_code_says_so() -> None:
    frame = Frame(_MARKER, is_foreign=True)
    assert told(document(in_sync()), frame).endswith(
        "**made by the code of a fork, which can make it say anything**</sub>\n"
    )


# --- it always fits

FIRST_DIFFERENCES = "the first differences of each definition are shown, and long values are cut"


@pytest.mark.parametrize(
    ("made", "note"),
    [
        (many(150, 1), ""),
        (many(60, 9, 200), FIRST_DIFFERENCES),
        (many(2_000, 3), "the first definitions of each section are shown"),
        (many(3, 3, 300_000, "漢"), FIRST_DIFFERENCES),
    ],
    ids=["all", "first differences", "first definitions", "long values"],
)
def test_ever_less_is_told_until_it_fits(made: Document, note: str) -> None:
    frame = Frame(_MARKER, link="https://ci.example.com/1")
    markdown = told(made, frame)

    assert len(markdown) <= 65_536
    expected = [f"> Too long to show in full: {note}; [the full report](https://ci.example.com/1)."] * bool(
        note
    )
    assert [line for line in markdown.splitlines() if line.startswith("> ")] == expected
    assert whole(markdown)


@pytest.mark.parametrize("letter", ["x", "漢", "🌈"])
def test_the_limit_is_met_to_the_character(letter: str) -> None:
    made = document(drifted(changed(["A"], letter, 2)))
    room = 65_536 - len(told(made))

    exact = told(document(drifted(changed(["A"], letter * (room + 1), 2))))
    longer = told(document(drifted(changed(["A"], letter * (room + 2), 2))))

    assert len(exact) == 65_536
    assert "Too long" not in exact
    assert "Too long to show in full: the first differences" in longer
    assert f"{letter * 199}…" in longer


def test_counts_alone_are_left_where_names_alone_are_too_long() -> None:
    made = document(drifted(changed(["A"], 1, 2)))
    markdown = told(made, Frame(_MARKER, link="https://ci.example.com/1"), limit=600)

    assert "> Too long to show in full: only the counts are shown; [the full report]" in markdown
    assert not {"fence", "bullet_list_open"} & {token.type for token in _tokens(markdown)}
    assert markdown.startswith(f"{_MARKER}\n")
    assert counts(made)["Drifted"] == "1"


def test_nothing_is_told_where_not_even_the_counts_fit() -> None:
    assert fitted(document(), Frame(_MARKER), lambda text: len(text) < 100) is None


def whole(markdown: str) -> bool:
    """Every fence is closed and every tag has its end: nothing is cut in the middle."""
    fences = [token for token in _tokens(markdown) if token.type == "fence"]
    lines = markdown.splitlines()
    closed = all(token.map and lines[token.map[1] - 1] == token.markup for token in fences)
    html = "".join(_of(markdown, "html_block"))
    return closed and all(
        html.count(f"<{tag}") == html.count(f"</{tag}") for tag in ("details", "summary", "code")
    )


# --- links


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ci.example.com/runs/1?a=b&c=d#e", "https://ci.example.com/runs/1?a=b&amp;c=d#e"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/"),
        ("https://e.example/a)b(c<d>`e`", "https://e.example/a%29b%28c%3Cd%3E%60e%60"),
        ("https://e.example/ö%20", "https://e.example/%C3%B6%20"),
    ],
)
def test_a_link_cannot_end_early(url: str, shown: str) -> None:
    assert link_of(url) == shown
    (opening,) = [token for token in _tokens(f"[x]({link_of(url)})") if token.type == "link_open"]
    assert str(opening.attrs["href"]).startswith(url.partition("?")[0][:17])


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "//e.example/", "https://", "data:text/html,x", "https://e.example/ x", ""),
        *(
            "https://e.example/\n",
            "https://user:password@e.example/",
            "https://e.example/?X-Amz-Signature=ab",
        ),
        "https://e.example/" + "x" * 2_000,
    ],
)
def test_a_link_is_refused_that_is_none_or_would_give_something_away(url: str) -> None:
    with pytest.raises(ValueError, match="it "):
        link_of(url)


# --- hostile texts


def _is_within(limit: int, text: str) -> bool:
    return len(text) <= limit


@given(hostile_changes())
def test_every_text_from_outside_is_inert(hostile: Document) -> None:
    loads(render(hostile, "json"), "r.json")
    for limit in (65_536, 1_500):
        markdown = fitted(hostile, Frame(_MARKER, commit=COMMIT), partial(_is_within, limit))
        if markdown is None:
            continue
        kinds = {token.type.removesuffix("_open").removesuffix("_close") for token in _tokens(markdown)}
        assert kinds <= _BLOCKS
        assert [block for block in _of(markdown, "html_block") if not _HTML.fullmatch(block)] == []
        assert _of(markdown, "html_inline") == ["<sub>", "</sub>"]
        assert whole(markdown)
        for fence in _of(markdown, "fence"):
            assert all(re.match(r"@@ |[-+!] ", line) for line in fence.splitlines())
        assert [text for text in _of(markdown, "text") if not _INERT_TEXT.fullmatch(text)] == []
        # GitLab obeys /commands, a build's log ::commands, where a line starts with one
        assert not [line for line in markdown.splitlines() if line.lstrip().startswith(("::", "/"))]
        for number, token in enumerate(_PARSER.parse(markdown)):
            if token.type == "tr_open":
                cells = [each.type for each in _PARSER.parse(markdown)[number:]]
                assert cells[: cells.index("tr_close")].count("inline") in (1, 6, 7)
