"""Where reports go: ``-o`` read, and files replaced whole or not at all."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from driftcheck.errors import DriftcheckError
from driftcheck.outputs import Output, parse, try_out, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("spec", "output"),
    [
        ("-", Output("text", "-")),
        ("json=-", Output("json", "-")),
        ("a.txt", Output("text", "a.txt")),
        ("out/a.json", Output("json", "out/a.json")),
        ("a.md", Output("markdown", "a.md")),
        ("a.html", Output("html", "a.html")),
        ("a.xml", Output("junit", "a.xml")),
        ("a.sarif", Output("sarif", "a.sarif")),
        ("markdown=a.txt", Output("markdown", "a.txt")),
        ("html=a=b", Output("html", "a=b")),
        ("out-1=2.json", Output("json", "out-1=2.json")),
        ("text=/dev/null", Output("text", "/dev/null")),
    ],
)
def test_an_output_is_a_format_and_a_file(spec: str, output: Output) -> None:
    assert parse([spec]) == [output]


def test_without_outputs_text_goes_to_standard_output() -> None:
    assert parse([]) == [Output("text", "-")]


def test_several_outputs_stay_in_their_order() -> None:
    assert parse(["a.json", "-", "a.md"]) == [
        Output("json", "a.json"),
        Output("text", "-"),
        Output("markdown", "a.md"),
    ]


@pytest.mark.parametrize(
    ("specs", "says"),
    [
        (["pdf=a"], "unknown format `pdf`"),
        (["jsn=a"], "unknown format `jsn`: did you mean `json`?"),
        (["JSON=a"], "unknown format `JSON`: did you mean `json`?"),
        (["a.pdf"], "the format of `a.pdf` cannot be told from its suffix: write one of text=a.pdf, "),
        (["a"], "the format of `a` cannot be told"),
        ([""], "cannot be told"),
        (["json"], "`json` is a format: add the file, as in json=FILE"),
        (["json="], "`json` is a format: add the file, as in json=FILE"),
        (["-", "text=-"], "two reports go to -"),
        (["json=-", "html=-"], "two reports go to -"),
        (["a.json", "b.json", "text=a.json"], "two reports go to a.json"),
        (["a.json", "html=./x/../a.json"], "two reports go to ./x/../a.json"),
    ],
)
def test_an_output_that_cannot_be_meant_is_refused(specs: list[str], says: str) -> None:
    with pytest.raises(ValueError, match=r"`|two") as caught:
        parse(specs)

    assert str(caught.value).startswith(says) or says in str(caught.value)


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    plain, file = tmp_path / "plain", tmp_path / "a.json"
    plain.touch()

    write(Output("json", str(file)), "{}\n")

    assert file.read_text() == "{}\n"
    assert file.stat().st_mode == plain.stat().st_mode


def test_a_file_is_replaced_by_another_with_its_permissions(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("old")
    file.chmod(0o640)
    before = file.stat().st_ino

    with file.open() as reader:
        write(Output("json", str(file)), "new")
        assert reader.read() == "old"  # who has it open reads the old one, whole

    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new", 0o640)
    assert file.stat().st_ino != before
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    file, link = tmp_path / "kept" / "a.json", tmp_path / "latest.json"
    file.write_text("old")
    link.symlink_to("kept/a.json")

    write(Output("json", str(link)), "new")

    assert link.is_symlink()
    assert file.read_text() == "new"
    assert not [each for each in tmp_path.rglob("*") if each.name.endswith(".tmp")]


@pytest.mark.parametrize("name", ["absent/a.json", "folder", "a.json/b.json", "x" * 300])
def test_what_cannot_be_written_is_told_before_and_after(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.json").write_text("old")
    before = sorted(tmp_path.iterdir())
    output = Output("json", str(tmp_path / name))

    with pytest.raises(DriftcheckError) as tried:
        try_out([output])
    with pytest.raises(DriftcheckError) as written:
        write(output, "new")

    assert str(tried.value) == str(written.value)
    assert str(tried.value).startswith(f"error: {output.file} cannot be written: ")

    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "a.json").read_text() == "old"


def test_trying_out_leaves_everything_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("old")

    try_out(
        [Output("json", str(file)), Output("text", str(tmp_path / "new.txt")), Output("text", "/dev/null")]
    )

    assert list(tmp_path.iterdir()) == [file]
    assert file.read_text() == "old"


def test_a_full_disk_is_an_error() -> None:
    with pytest.raises(DriftcheckError) as caught:
        write(Output("text", "/dev/full"), "x")

    assert str(caught.value) == "error: /dev/full cannot be written: No space left on device"


def test_a_pipe_gets_the_report_and_no_end_before_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    output = Output("json", str(pipe))

    try_out([output])
    write(output, "{}\n")

    assert os.read(reader, 100) == b"{}\n"
    os.close(reader)
    assert pipe.is_fifo()


def test_half_a_surrogate_pair_is_written_as_its_escape(tmp_path: Path) -> None:
    write(Output("text", str(tmp_path / "a.txt")), "a\ud800é")

    assert (tmp_path / "a.txt").read_bytes() == b"a\\ud800\xc3\xa9"
