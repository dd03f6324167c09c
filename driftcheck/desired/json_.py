"""JSON text to positioned nodes, strictly: no NaN, nothing after the value, duplicate keys told."""

from __future__ import annotations

import re
from bisect import bisect_right
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any

from driftcheck.desired.nodes import (
    MAX_DEPTH,
    MAX_VALUES,
    Mark,
    Node,
    SyntaxFaultError,
    duplicate,
    too_many,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_BLANK = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z]+")
_WORDS: dict[str, Any] = {"null": None, "true": True, "false": False}


def parse(text: str) -> Node:
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
        self.repeated: list[tuple[Mark, str]] = []
        self.lines = [0, *(found.end() for found in re.finditer("\n", text))]

    def document(self) -> Node:
        self.blank()
        if self.at == len(self.text):
            raise self.fault("the file is empty")
        node = self.value(0)
        self.blank()
        if self.at != len(self.text):
            raise self.fault("not JSON: more text after the value")
        node.repeated = self.repeated
        return node

    def value(self, depth: int) -> Node:
        node = Node(self.mark(), None)
        self.values += 1
        if self.values > MAX_VALUES:
            raise too_many(node.mark)
        if depth > MAX_DEPTH:
            raise self.fault(f"nested deeper than {MAX_DEPTH} levels")
        match self.text[self.at : self.at + 1]:
            case "{":
                members: dict[str, tuple[Mark, Node]] = {}
                node.value = members
                self.items("}", lambda: self.member(members, depth + 1))
            case "[":
                elements: list[Node] = []
                node.value = elements
                self.items("]", lambda: elements.append(self.value(depth + 1)))
            case '"':
                node.value = self.string()
            case _:
                node.value = self.atom()
        return node

    def items(self, end: str, read: Callable[[], None]) -> None:
        self.at += 1
        self.blank()
        if self.takes(end):
            return
        while True:
            read()
            self.blank()
            if self.takes(end):
                return
            if not self.takes(","):
                raise self.fault(f"not JSON: expected ',' or {end!r}")
            self.blank()

    def member(self, members: dict[str, tuple[Mark, Node]], depth: int) -> None:
        mark = self.mark()
        if self.text[self.at : self.at + 1] != '"':
            raise self.fault("not JSON: expected a key in double quotes")
        key = self.string()
        if key in members:
            self.repeated.append((mark, duplicate(key, members[key][0])))
        self.blank()
        if not self.takes(":"):
            raise self.fault("not JSON: expected ':'")
        self.blank()
        members.setdefault(key, (mark, self.value(depth)))

    def string(self) -> str:
        mark = self.mark()
        try:
            value, self.at = scanstring(self.text, self.at + 1, True)
        except JSONDecodeError as error:
            self.at = error.pos
            raise self.fault(f"not JSON: {error.msg}") from None
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise SyntaxFaultError(mark, "half of a surrogate pair is not text")
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

    def mark(self) -> Mark:
        line = bisect_right(self.lines, self.at)
        return Mark(line, self.at - self.lines[line - 1] + 1)

    def fault(self, message: str) -> SyntaxFaultError:
        return SyntaxFaultError(self.mark(), message)
