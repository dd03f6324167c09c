from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftcheck.render.common import block_lines, counts_text, path_text, percent, value_text, visible
from tests.documents import document, hostile_values, in_sync

if TYPE_CHECKING:
    from driftcheck.model import Json

ANY_TEXT = st.text(st.characters())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, é and 漢", "plain text, é and 漢"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\u202eright to left", r"\u202eright to left"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x7f\x9b", r"\x7f\x9b"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("no-break\u00a0space", r"no-break\xa0space"),
        ("line\u2028paragraph\u2029", r"line\u2028paragraph\u2029"),
        ("blank \u3164 and variation \ufe0f", r"blank \u3164 and variation \ufe0f"),
        ("tag \U000e0041", r"tag \U000e0041"),
        ("surrogate \ud800", r"surrogate \ud800"),
        ("##[error]x", r"#\x23[error]x"),
        ("say ##vso[task.setvariable]x", r"say #\x23vso[task.setvariable]x"),
        ("## a heading [x]", "## a heading [x]"),
    ],
)
def test_what_acts_or_hides_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_line_feeds_are_kept_on_demand_and_nothing_else() -> None:
    assert visible("a\nb\r\n\x1b", newline=True) == "a\nb\\r\n\\x1b"


@given(ANY_TEXT)
def test_no_control_format_or_separator_character_stays(text: str) -> None:
    kept = {unicodedata.category(char) for char in visible(text) if char != " "}
    assert not kept & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (["JobResources", "ClusterConfig", "InstanceType"], "JobResources.ClusterConfig.InstanceType"),
        (["Tags", 0, "Value"], "Tags[0].Value"),
        (["App", "Environment", "a.b"], 'App.Environment["a.b"]'),
        (["App", "Environment", "BUILD-ID_2"], "App.Environment.BUILD-ID_2"),
        (["Environment", '"\\'], r'Environment["\"\\"]'),
        (["Environment", "*"], 'Environment["*"]'),
        (["Environment", ""], 'Environment[""]'),
        (["Environment", "a\u202e\x7f\n"], r'Environment["a\u202e\u007f\n"]'),
    ],
)
def test_a_path_is_written_as_under_ignore_changes(path: list[str | int], shown: str) -> None:
    assert path_text(path) == shown


def test_a_value_is_json_on_one_line() -> None:
    assert value_text({"a": [1, 2.5, True, None, "é\n"]}) == '{"a": [1, 2.5, true, null, "é\\n"]}'


@given(hostile_values)
def test_the_text_of_a_value_reads_back_as_that_value(value: Json) -> None:
    text = value_text(value)
    assert json.loads(text) == value
    assert visible(text) == text


def test_a_concealed_value_is_unquoted_and_one_that_only_looks_so_is_not() -> None:
    assert value_text("(sensitive)", sensitive=True) == "(sensitive)"
    assert value_text("(sensitive)") == '"(sensitive)"'


def test_a_block_is_nested_lines() -> None:
    value: Json = {"Vpc": {"Subnets": ["s-1", "s-2"], "None": []}, "a.b": {}}
    assert block_lines(value, label="NetworkConfig") == [
        "NetworkConfig = {",
        "  Vpc = {",
        "    Subnets = [",
        '      "s-1"',
        '      "s-2"',
        "    ]",
        "    None = []",
        "  }",
        '  "a.b" = {}',
        "}",
    ]


def test_counts_leave_out_what_is_zero() -> None:
    assert counts_text(document(in_sync())) == "1 declared: 1 in sync. Coverage 100%."
    assert counts_text(document()) == "0 declared. Coverage not known."


@pytest.mark.parametrize(
    ("share", "shown"), [(1, "100%"), (0.9999, "99%"), (0.8571, "86%"), (0.0, "0%"), (None, "not known")]
)
def test_coverage_is_100_per_cent_only_when_nothing_is_unmanaged(share: float | None, shown: str) -> None:
    assert percent(share) == shown
