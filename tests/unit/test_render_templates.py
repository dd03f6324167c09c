from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from driftcheck.errors import DriftcheckError
from driftcheck.render import Style
from driftcheck.render.templates_ import render_template

if TYPE_CHECKING:
    from pathlib import Path


def test_a_template_of_the_operators_own_comes_first_and_the_others_stay(tmp_path: Path) -> None:
    built_in = render_template("report.css", Style())
    tmp_path.joinpath("report.html.j2").write_text("{% include 'report.css' %}own")

    assert render_template("report.html.j2", Style(templates=tmp_path)) == f"{built_in}own"


def test_html_is_escaped_and_what_would_hide_is_shown(tmp_path: Path) -> None:
    tmp_path.joinpath("report.html.j2").write_text("<p>{{ text }}</p>{% set p %}<b>\n</b>{% endset %}{{ p }}")

    text = render_template("report.html.j2", Style(templates=tmp_path), text="<i>&\"'\u202e\x1b\n")

    assert text == "<p>&lt;i&gt;&amp;&#34;&#39;\\u202e\\x1b\\n</p><b>\n</b>"


def test_what_is_not_html_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.joinpath("report.md.j2").write_text("# {{ text }}\n")

    assert render_template("report.md.j2", Style(templates=tmp_path), text="<i>\n") == "# <i>\n\n"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (b"<p>\n{% if %}", "template report.html.j2:2: Expected an expression, got 'end of statement block'"),
        (b"<p>\n\n{{ nothing.here }}", "template report.html.j2:3: 'nothing' is undefined"),
        (b"{{ document.nothing }}", "template report.html.j2:1: 'dict object' has no attribute 'nothing'"),
        (b"{{ 1 + 'a' }}", "template report.html.j2:1: unsupported operand type(s) for +: 'int' and 'str'"),
        (b"\n{{ 1 / 0 }}", "template report.html.j2:2: division by zero"),
        (
            b"{% include 'nowhere.css' %}",
            "template report.html.j2:1: 'nowhere.css' not found in search paths: ",
        ),
        (b"\xff", "template report.html.j2: cannot be read as UTF-8 text: "),
    ],
)
def test_a_broken_template_is_named_in_one_line(tmp_path: Path, template: bytes, message: str) -> None:
    tmp_path.joinpath("report.html.j2").write_bytes(template)

    with pytest.raises(DriftcheckError) as raised:
        render_template("report.html.j2", Style(templates=tmp_path), document={"complete": True})

    (line,) = raised.value.lines
    assert line.startswith(message)
    assert "\n" not in line


def test_a_template_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DriftcheckError, match="not a folder of templates"):
        render_template("report.html.j2", Style(templates=tmp_path / "nowhere"))
