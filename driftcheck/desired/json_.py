"""JSON text to a value with positions, strictly: no NaN, nothing after the value, duplicate keys told."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any

from driftcheck.desired.written import (
    LINE,
    MAX_DEPTH,
    MAX_VALUES,
    Mark,
    Quoted,
    SyntaxFaultError,
    Written,
    duplicate,
    too_many,
    unpack,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_STRING = re.compile(r'"([^"\\\x00-\x1f]*)"')
"""A text without escapes, which most are."""

_KEY = re.compile(_STRING.pattern + r"[ \t\n\r]*:[ \t\n\r]*")
_COMMA = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")

_BLANK = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z]+")
_WORDS: dict[str, Any] = {"null": None, "true": True, "false": False}


def parse(text: str) -> Written:
    """The value of a JSON text.

    Raises:
        SyntaxFaultError: it is not JSON, or nests too deep.
    """
    return _Reader(text).document()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.values = 0
        self.marks = array("Q")
        self.repeated: list[tuple[Mark, str]] = []
        self.lines = [0, *(found.end() for found in re.finditer("\n", text))]

    def document(self) -> Written:
        self.blank()
        if self.at == len(self.text):
            raise self.fault("the file is empty")
        self.marks.append(self.mark())
        value = self.value(0)
        self.blank()
        if self.at != len(self.text):
            raise self.fault("not JSON: more text after the value")
        return Written(value, self.marks, self.repeated)

    def value(self, depth: int) -> Any:
        self.values += 1
        if self.values > MAX_VALUES:
            raise too_many(unpack(self.mark()))
        if depth > MAX_DEPTH:
            raise self.fault(f"nested deeper than {MAX_DEPTH} levels")
        match self.text[self.at : self.at + 1]:
            case '"':
                return Quoted(self.string())
            case "{":
                return self.members(depth + 1)
            case "[":
                elements: list[Any] = []
                for _ in self.items("]"):
                    self.marks.append(self.mark())
                    elements.append(self.value(depth + 1))
                return elements
            case _:
                return self.atom()

    def members(self, depth: int) -> dict[str, Any]:
        start = len(self.marks) - 1
        members: dict[str, Any] = {}
        for _ in self.items("}"):
            mark = self.mark()
            key = self.key()
            kept = len(self.marks)
            self.marks.append(mark)
            value = self.value(depth)
            if key in members:
                del self.marks[kept:]
                first = Written(members, self.marks[start:]).mark((key,))
                self.repeated.append((unpack(mark), duplicate(key, first)))
            members.setdefault(key, value)
        return members

    def key(self) -> str:
        """Read a key and the colon after it."""
        if simple := _KEY.match(self.text, self.at):
            self.at = simple.end()
            return simple[1]
        if self.text[self.at : self.at + 1] != '"':
            raise self.fault("not JSON: expected a key in double quotes")
        key = self.string()
        self.blank()
        if not self.takes(":"):
            raise self.fault("not JSON: expected ':'")
        self.blank()
        return key

    def items(self, end: str) -> Iterator[None]:
        """Stop at each item of a collection, which is read before the next one is asked for."""
        self.at += 1
        self.blank()
        if self.takes(end):
            return
        while True:
            yield
            if comma := _COMMA.match(self.text, self.at):
                self.at = comma.end()
                continue
            self.blank()
            if self.takes(end):
                return
            raise self.fault(f"not JSON: expected ',' or {end!r}")

    def string(self) -> str:
        if simple := _STRING.match(self.text, self.at):
            self.at = simple.end()
            return simple[1]
        mark = self.mark()
        try:
            value, self.at = scanstring(self.text, self.at + 1, True)
        except JSONDecodeError as error:
            self.at = error.pos
            raise self.fault(f"not JSON: {error.msg}") from None
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise SyntaxFaultError(unpack(mark), "half of a surrogate pair is not text")
        return str(value)

    def atom(self) -> Any:
        if number := _NUMBER.match(self.text, self.at):
            digits = number[0]
            value = float(digits) if number[2] or number[3] or len(digits) > 19 else int(digits)  # noqa: PLR2004
            if value in (float("inf"), float("-inf")):
                raise self.fault("too large a number")
            self.at = number.end()
            return value
        word = _WORD.match(self.text, self.at)
        if word is None or word[0] not in _WORDS:
            raise self.fault("not JSON: expected a value (text stands in double quotes)")
        self.at = word.end()
        return _WORDS[word[0]]

    def blank(self) -> None:
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def takes(self, character: str) -> bool:
        taken = self.text.startswith(character, self.at)
        self.at += taken
        return taken

    def mark(self) -> int:
        line = bisect_right(self.lines, self.at)
        return line << LINE | self.at - self.lines[line - 1] + 1

    def fault(self, message: str) -> SyntaxFaultError:
        return SyntaxFaultError(unpack(self.mark()), message)
