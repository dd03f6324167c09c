from __future__ import annotations

import re
from base64 import b64decode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from driftcheck.document import loads
from driftcheck.render import Style, render
from driftcheck.render.html import anchor, chart, console_link, fragment, headline, value_lines
from tests.documents import as_shard, in_sync
from tests.documents import document as small_document

if TYPE_CHECKING:
    from driftcheck.document.entries import Document, Summary

GOLDEN = Path(__file__).parents[1] / "golden"
VOID = {"meta", "link", "input"}
HOSTILE = "</script></style>\"'><img src=x onerror=alert(1)>&\u202e\x1b"
ESCAPED = "&lt;/script&gt;&lt;/style&gt;"


class Page(HTMLParser):
    """A page taken apart: its elements with their attributes, in order; every element has to be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in ("style", "script"):
            self.inline[self._open[-1]] = self.inline.get(self._open[-1], "") + data


@pytest.fixture
def document() -> Document:
    return loads(GOLDEN.joinpath("result.json").read_bytes(), "result.json")


def counted(**counts: int) -> Summary:
    summary: Summary = {
        "declared": 0,
        "read": 0,
        "in_sync": 0,
        "drifted": 0,
        "missing": 0,
        "unmanaged": 0,
        "error": 0,
        "coverage": 1.0,
    }
    summary.update(counts)  # type: ignore[typeddict-item]
    return summary


def test_the_report_is_the_golden_one(document: Document) -> None:
    assert render(document, "html") == GOLDEN.joinpath("report.html").read_text(encoding="utf-8")


def test_the_same_result_gives_the_same_bytes(document: Document) -> None:
    assert render(document, "html").encode() == render(document, "html").encode()


def test_the_page_is_well_formed_and_what_needs_a_look_stands_first(document: Document) -> None:
    page = Page(render(document, "html"))

    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert ids[-7:] == [
        "ModelQualityJobDefinition/prod-eu/churn-model-quality",
        "ModelQualityJobDefinition/prod-eu/fraud-model-quality",
        "DataQualityJobDefinition/prod-eu/churn-data-quality",
        "ModelQualityJobDefinition/prod-us/churn-model-quality",
        "ModelQualityJobDefinition/prod-eu/old-experiment",
        "ModelBiasJobDefinition/prod-eu/credit-model-bias",
        "ModelQualityJobDefinition/prod-eu/price-model-quality",
    ]


def test_nothing_inline_acts_or_styles_outside_the_policy(document: Document) -> None:
    page = Page(render(document, "html"))

    for _, attributes in page.elements:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
    links = [attributes["href"] or "" for tag, attributes in page.elements if tag in ("a", "link")]
    assert {
        re.match("(#|data:,|https://eu-west-1.console.aws.amazon.com/)", link) is None for link in links
    } == {False}
    assert not [attributes for _, attributes in page.elements if "src" in attributes]


def test_the_policy_allows_just_the_style_and_the_script_of_the_page(document: Document) -> None:
    page = Page(render(document, "html"))

    (policy,) = [
        attributes["content"] or ""
        for _, attributes in page.elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    allowed = dict(directive.strip().split(" ", 1) for directive in policy.split(";"))
    assert set(allowed) == {"default-src", "style-src", "script-src", "img-src", "base-uri", "form-action"}
    assert allowed["default-src"] == allowed["base-uri"] == allowed["form-action"] == "'none'"
    for kind in ("style", "script"):
        (digest,) = re.findall("^'sha256-(.+)'$", allowed[f"{kind}-src"])
        assert b64decode(digest) == sha256(page.inline[kind].encode()).digest()


def test_every_hostile_text_is_escaped(document: Document) -> None:
    def hostile(value: Any) -> Any:
        if isinstance(value, dict):
            kept = ("status", "change", "started_at", "finished_at", "created_at", "kind")
            return {key: member if key in kept else hostile(member) for key, member in value.items()}
        if isinstance(value, list):
            return [hostile(member) for member in value]
        return HOSTILE if isinstance(value, str) else value

    document = hostile(document)
    plain = Page(render(loads(GOLDEN.joinpath("result.json").read_bytes(), "result.json"), "html"))
    text = render(document, "html")

    assert "<img" not in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert text.count(ESCAPED) > 50
    tags = {tag for tag, _ in Page(text).elements}
    assert tags <= {tag for tag, _ in plain.elements}


def test_incomplete_and_unreadable_results_say_so_at_the_top(document: Document) -> None:
    document["interrupted"] = True

    top = render(document, "html").split('<section aria-labelledby="summary-title">')[0]

    assert "<strong>Incomplete:</strong> the run was interrupted" in top
    assert (
        "<strong>Not everything could be compared:</strong>\n1 definition and 1 target in error; 5 of 6 read."
        in top
    )


def test_a_result_without_anything_is_still_a_page(document: Document) -> None:
    document["resources"], document["targets"], document["warnings"] = [], [], []
    document["summary"], document["complete"] = counted(), True

    text = render(document, "html")

    assert "<h1>Nothing is declared</h1>" in text
    assert "banner" not in Page(text).inline["script"]
    assert '<p class="banner">' not in text
    assert Page(text).elements[0][0] == "html"


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ((6, 3, 2, 1, 0), "2 of 6 definitions have drifted, 1 is missing"),
        ((1, 0, 1, 0, 0), "1 of 1 definition has drifted"),
        ((9, 6, 0, 3, 0), "3 of 9 definitions are missing"),
        ((3, 1, 0, 0, 2), "2 of 3 definitions could not be compared"),
        ((9, 0, 1, 2, 6), "1 of 9 definitions has drifted, 2 are missing, 6 could not be compared"),
        ((4, 4, 0, 0, 0), "All 4 definitions are in sync"),
        ((1, 1, 0, 0, 0), "The one declared definition is in sync"),
        ((0, 0, 0, 0, 0), "Nothing is declared"),
    ],
)
def test_the_headline_counts_what_was_found(
    document: Document, counts: tuple[int, int, int, int, int], sentence: str
) -> None:
    document["targets"][1]["error"], document["complete"] = None, not counts[4]
    names = ("declared", "in_sync", "drifted", "missing", "error")
    document["summary"] = counted(**dict(zip(names, counts, strict=True)))

    assert headline(document) == sentence


def test_the_headline_says_which_part_of_a_run_it_is_of() -> None:
    assert headline(as_shard(small_document(in_sync()), 2, 8)) == (
        "The one declared definition is in sync (shard 2 of 8)"
    )


@pytest.mark.parametrize("complete", [True, False])
def test_the_headline_never_says_in_sync_where_something_was_not_read(
    document: Document, complete: bool
) -> None:
    document["summary"] = counted(declared=2, in_sync=2)
    document["complete"] = complete
    if not complete:
        document["targets"][1]["error"] = None

    assert headline(document) == "No drift was found, but not everything could be compared"


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_a_definition_is_linked_in_the_console_of_its_partition(
    partition: str, region: str, host: str
) -> None:
    arn = f"arn:{partition}:sagemaker:{region}:123456789012:model-quality-job-definition/churn"

    assert console_link(arn) == (
        f"https://{host}/go/view?arn="
        f"arn%3A{partition}%3Asagemaker%3A{region}%3A123456789012%3Amodel-quality-job-definition%2Fchurn"
    )


@pytest.mark.parametrize(
    "arn",
    [
        None,
        "",
        "javascript:alert(1)",
        "arn:aws:s3:eu-west-1:123456789012:model-quality-job-definition/churn",
        "arn:aws:sagemaker:evil.example/x:123456789012:model-quality-job-definition/churn",
        "arn:aws:sagemaker:eu-west-1:12345678901:model-quality-job-definition/churn",
        "arn:aws:sagemaker:eu-west-1:\u0661\u0662\u0663456789012:model-quality-job-definition/churn",
        "arn:aws:sagemaker:eu-west-1:123456789012:model-quality-job-definition/churn\n",
        "arn:aws:sagemaker:eu-west-1:123456789012:model-quality-job-definition/churn?x=y",
        "arn:aws-iso:sagemaker:us-iso-east-1:123456789012:model-quality-job-definition/churn",
    ],
)
def test_nothing_else_leads_anywhere(arn: str | None) -> None:
    assert console_link(arn) is None


def test_a_link_to_a_definition_is_its_id_percent_encoded() -> None:
    resource = in_sync("churn")
    resource["target"] = 'eu 100%/"ü"#\u202e'

    assert anchor(resource) == 'ModelQualityJobDefinition/eu 100%/"ü"#\\u202e/churn'
    assert fragment(resource) == "#ModelQualityJobDefinition/eu%20100%25/%22%C3%BC%22%23%5Cu202e/churn"


@pytest.mark.parametrize(
    ("value", "sensitive", "lines"),
    [
        ("1", False, ['"1"']),
        (1.5, False, ["1.5"]),
        (None, False, ["null"]),
        ("two\nlines", False, ['"two\\nlines"']),
        ("(sensitive)", True, ["(sensitive)"]),
        ("(sensitive)", False, ['"(sensitive)"']),
        ({}, False, ["{}"]),
        ({"a": ["ü"]}, False, ["{", '  "a": [', '    "ü"', "  ]", "}"]),
        ({"a": "(sensitive)", "b": 1}, True, ["{", '  "a": (sensitive),', '  "b": 1', "}"]),
    ],
)
def test_a_value_is_json_with_what_is_concealed_unquoted(
    value: Any, sensitive: bool, lines: list[str]
) -> None:
    assert value_lines(value, sensitive) == lines


def test_the_chart_shares_its_width_by_count() -> None:
    assert chart(counted(in_sync=50, drifted=25, error=25)) == [
        ("drifted", 0.0, 250.0),
        ("error", 250.0, 250.0),
        ("in_sync", 500.0, 500.0),
    ]


def test_one_of_ten_thousand_is_still_seen_in_the_chart() -> None:
    assert chart(counted(in_sync=9999, drifted=1)) == [("drifted", 0.0, 11.9), ("in_sync", 11.9, 988.1)]


def test_a_style_of_the_operators_own_is_let_through_by_the_policy(
    document: Document, tmp_path: Path
) -> None:
    tmp_path.joinpath("report.css").write_text("h1 { color: teal; }")

    page = Page(render(document, "html", Style(templates=tmp_path)))

    assert page.inline["style"] == "h1 { color: teal; }"
    # printf 'h1 { color: teal; }' | openssl dgst -sha256 -binary | base64
    assert "nFO+7jRf1ZIlUMcloyjb5y7kpUuLNCRn4FtqcZbO2I0=" in str(page.elements)
