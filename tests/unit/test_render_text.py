from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from hypothesis import given

from driftcheck.render import Style, render
from tests.documents import (
    GOLDEN,
    PROD,
    as_shard,
    changed,
    document,
    drifted,
    golden_document,
    hostile_documents,
    in_sync,
    unread,
)

if TYPE_CHECKING:
    from driftcheck.document.entries import DifferenceEntry, Document, TargetEntry


def test_the_golden_result_renders_to_the_golden_text() -> None:
    assert render(golden_document(), "text") == (GOLDEN / "report.txt").read_text("utf-8")


HERE = "Target prod: account 123456789012, region eu-west-1\n\n"


def test_in_sync_is_where_and_two_lines() -> None:
    assert render(document(in_sync("a"), in_sync("b")), "text") == (
        f"{HERE}No drift. AWS matches everything that is declared.\n2 declared: 2 in sync. Coverage 100%.\n"
    )


def test_a_shard_says_that_it_is_one_within_80_columns() -> None:
    assert render(as_shard(document(in_sync("a")), 2, 8), "text") == (
        f"{HERE}No drift. AWS matches everything that is declared (shard 2 of 8).\n"
        "1 declared: 1 in sync. Coverage 100%.\n"
    )
    assert render(as_shard(document(complete=False), 9999, 10000), "text").startswith(
        f"{HERE}Incomplete: the run was stopped before everything was read (shard 9999 of\n10000).\n"
    )


def test_nothing_declared_is_not_called_in_sync() -> None:
    assert render(document(), "text") == f"{HERE}Nothing is declared.\n0 declared. Coverage 100%.\n"


def test_an_unfinished_run_never_says_no_drift() -> None:
    text = render(document(in_sync(), complete=False), "text")
    assert text.startswith(f"{HERE}Incomplete: the run was stopped before everything was read.\n")
    assert "No drift" not in text


def test_a_lone_error_shows_its_message_and_no_legend() -> None:
    assert render(document(unread("ThrottlingException", "Rate exceeded")), "text") == (
        "! ModelQualityJobDefinition a (prod) could not be compared\n"
        "  declared in desired/a.yaml:3\n"
        "  | ThrottlingException: Rate exceeded\n"
        "  | What to do: run it again later, or with a longer `--timeout`;\n"
        "  | `--incremental` takes fewer calls\n"
        f"\n{HERE}"
        "Not everything could be compared.\n"
        "1 declared: 1 error. Coverage 100%.\n"
    )


def test_a_target_that_could_not_be_read_is_not_in_sync() -> None:
    target: TargetEntry = {**PROD, "error": {"code": "AccessDeniedException", "message": "no"}}
    text = render(document(in_sync(), targets=[target]), "text")
    assert text.startswith("! Target prod could not be read whole\n  | AccessDeniedException: no\n")
    assert "No drift" not in text


def test_each_target_is_told_once_with_its_place_and_what_is_not_known_of_it() -> None:
    unknown: TargetEntry = {"name": "default", "account": None, "region": None, "error": None}
    far: TargetEntry = {**PROD, "name": "x" * 60}
    text = render(document(in_sync(), in_sync("b"), targets=[unknown, PROD, far]), "text")
    assert text.startswith(
        "Target default: account not known, region not known\n"
        "Target prod: account 123456789012, region eu-west-1\n"
        f"Target {'x' * 60}: account\n"
        "  | 123456789012, region eu-west-1\n"
        "\n"
        "No drift."
    )


def test_values_too_long_for_a_line_stand_whole_and_aligned() -> None:
    old, new = "x" * 90 + "1", "x" * 90 + "2"
    lines = render(document(drifted(changed(["ImageUri"], old, new))), "text").splitlines()
    at = lines.index("  ~ ImageUri")
    assert lines[at + 1 : at + 3] == [f'       "{old}"', f'    -> "{new}"']
    assert [line for line in lines if len(line) > 80] == lines[at + 1 : at + 3]


def test_long_messages_wrap_at_80_columns_behind_a_mark() -> None:
    lines = render(document(unread("Code", "word " * 40 + ":: end")), "text").splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("  | ") for line in lines) == 3


def test_a_change_of_concealed_values_shows_neither() -> None:
    entry: DifferenceEntry = {
        **changed(["Environment", "KEY"], "(sensitive)", "(sensitive)"),
        "sensitive": True,
    }
    text = render(document(drifted(entry)), "text")
    assert "  ~ Environment.KEY = (sensitive)\n" in text


def test_without_color_there_is_no_escape_and_color_changes_nothing_else() -> None:
    plain = render(golden_document(), "text")
    colored = render(golden_document(), "text", Style(color=True))
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == plain
    assert "\x1b[33m~\x1b[0m JobResources" in colored
    assert "\x1b[1;31m! Target prod-us could not be read whole\x1b[0m\n" in colored


@given(hostile_documents())
def test_no_text_from_outside_acts_on_a_terminal_or_a_log(hostile: Document) -> None:
    text = render(hostile, "text")
    assert {unicodedata.category(char) for char in text if char not in "\n "}.isdisjoint(
        {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
    )
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]
    assert not re.search(r"##\w*\[", text)
    assert text.endswith(".\n")
