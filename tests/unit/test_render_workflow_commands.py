from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from driftcheck.render.workflow_commands import annotations_of
from tests.changes import absent, against_base, hostile_changes, invalid, of
from tests.documents import changed, document, drifted, in_sync, unread

if TYPE_CHECKING:
    from driftcheck.document.entries import Document

# level, its properties, and what it says: a line that GitHub's runner takes for nothing else
_COMMAND = re.compile(
    r"::(error|warning|notice) (file=[^:,\n]*,line=\d+,(col=\d+,)?)?title=driftcheck%3A [^:,\n]*::[^\r\n]*"
)


HERE = "::notice title=driftcheck%3A targets::prod: account …9012, region eu-west-1\n"


def levels(made: Document) -> list[str]:
    return [line.partition(" ")[0] for line in annotations_of(made).splitlines()]


def test_a_difference_stands_at_its_line() -> None:
    assert annotations_of(document(drifted(changed(["A"], "x: 50%", "y,z")))) == (
        "::error file=desired/a.yaml,line=7,title=driftcheck%3A drift::"
        'ModelQualityJobDefinition a (prod): A is declared as "x: 50%25", and "y,z" in AWS\n'
        f"{HERE}"
    )


def test_a_place_has_its_column_and_a_name_its_escapes() -> None:
    made = invalid("wrong")
    made["invalid"][0]["source"] = {"file": "a:b,c%d.yaml", "line": 2, "column": 5}

    assert annotations_of(made) == (
        f"::error file=a%3Ab%2Cc%25d.yaml,line=2,col=5,title=driftcheck%3A invalid::wrong\n{HERE}"
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("changed", "A is declared as 1, and 2 in AWS"),
        ("added", "A is 2 in AWS, and not declared"),
        ("removed", "A is declared as 1, and not in AWS"),
    ],
)
def test_what_it_says_of_each_change(change: str, says: str) -> None:
    one = changed(["A"], 1, 2)
    one["change"] = change  # type: ignore[typeddict-item]
    assert annotations_of(document(drifted(one))).endswith(f": {says}\n{HERE}")


def test_the_most_severe_come_first() -> None:
    made = against_base(
        document(
            drifted(
                of(changed(["A"], 1, 2), "introduced", intended=True),
                of(changed(["B"], 1, 2), "existing"),
                of(changed(["C"], 1, 2), "introduced", intended=False),
            ),
            unread("Denied", "no"),
            absent("x", "existing"),
            absent("y", "introduced", intended=True),
            in_sync("z"),
            targets=[{"name": "t", "account": None, "region": None, "error": {"code": "C", "message": "m"}}],
            warnings=[{"code": "rule", "message": "unused", "source": None}],
        )
    )
    titles = re.findall(r"::(\w+) .*?title=driftcheck%3A (.*?)::", annotations_of(made))

    assert titles == [
        ("error", "not complete"),
        ("error", "not compared"),
        ("error", "not compared"),
        ("error", "drift by this change%2C not intended"),
        ("warning", "drift before this change"),
        ("warning", "missing before this change"),
        ("warning", "rule"),
        ("notice", "to be rolled out"),
        ("notice", "to be rolled out"),
        ("notice", "targets"),
    ]


def test_there_are_at_most_ten_and_one_says_where() -> None:
    made = document(*(drifted(changed(["A"], 1, 2), name=f"d{each}") for each in range(30)), unread("C", "m"))

    assert levels(made) == ["::error"] * 9 + ["::notice"]
    assert annotations_of(made).endswith(HERE)
    assert annotations_of(made).splitlines()[0].endswith("::30 of 31 read")
    assert "not compared" in annotations_of(made).splitlines()[1]


def test_in_sync_has_none() -> None:
    assert annotations_of(document(in_sync())) == ""


@given(hostile_changes())
def test_each_line_is_one_command_whatever_the_texts_are(hostile: Document) -> None:
    text = annotations_of(hostile)

    assert text.isprintable() or text.replace("\n", "").isprintable()
    assert all(_COMMAND.fullmatch(line) for line in text.splitlines())
    assert len(text.splitlines()) <= 10
    assert "##[" not in text
