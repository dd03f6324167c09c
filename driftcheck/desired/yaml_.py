"""YAML text to a value with positions, through libyaml's events.

Events carry positions and unquoted text as it stands, so nothing is guessed (``NO`` is no boolean here),
and nothing is built that a hostile file could make large or recursive.
"""

from __future__ import annotations

import re
from array import array
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

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
    from collections.abc import Callable

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_BREAKS = re.compile("[\x85\u2028\u2029]")
"""Line ends to YAML 1.1 and ordinary characters to YAML 1.2: no two parsers agree on them."""

MAX_ALIASED = 100_000
"""How many values a file may repeat through aliases; a long text counts as many."""

_TEXT = 64
"""Characters of a text that weigh as much as one more value."""


_NO_KEYS = {
    "<<": "merge keys (<<) are not allowed: write the members out",
    **dict.fromkeys(("", "~"), "an empty key"),
}
"""What is wrong with a key that is written so, without quotes."""


_TAG = "a tag (!...) is not allowed: quote a value to make it text"

_SCALAR = yaml.ScalarEvent
_ALIAS = yaml.AliasEvent
_MAPPING = yaml.MappingStartEvent
_MAPPING_END = yaml.MappingEndEvent
_SEQUENCE = yaml.SequenceStartEvent
_SEQUENCE_END = yaml.SequenceEndEvent
_DOCUMENT = yaml.DocumentStartEvent


def parse(text: str) -> Written:
    """The one document of a YAML text.

    Raises:
        SyntaxFaultError: it is not YAML, or uses what a desired file may not: tags, merge keys, complex keys,
            several documents, deep nesting, recursion, or aliases that multiply.
    """
    if found := _BREAKS.search(text):
        escape = f"\\u{ord(found[0]):04x}"
        raise SyntaxFaultError(
            _mark_at(text, found.start()),
            f'a raw {escape} is ambiguous in YAML; write "{escape}" in double quotes',
        )
    try:
        return _compose(_Loader(text).get_event)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        raise SyntaxFaultError(_mark(at) if at else Mark(1, 1), _said(error)) from None
    except yaml.reader.ReaderError as error:
        found_at = error.position if isinstance(error.position, int) else 0
        raise SyntaxFaultError(_mark_at(text, found_at), f"not YAML: {error.reason}") from None


class _Anchored(NamedTuple):
    """What an alias repeats: a value, its own place, the marks in it, and how many values it counts for."""

    value: Any
    mark: int
    inside: array[int]
    weight: int


_NOTHING = array("Q")


# One loop that calls nothing for what is right: a call takes longer than libyaml takes to make the event.
def _compose(next_event: Callable[[], Any]) -> Written:  # noqa: C901, PLR0912, PLR0915
    top: list[Any] = []
    marks = array("Q")
    anchors: dict[str, _Anchored] = {}
    repeated: list[tuple[Mark, str]] = []
    values = weight = aliased = documents = 0
    # what is being read: a mapping, of which a key may wait for its value, or a list (``members`` is None)
    members: dict[str, Any] | None = None
    elements = top
    key: str | None = None
    # where the marks of a key end that its mapping has already, and which is not kept; -1 for any other
    kept = -1
    # what is around that, then its own anchor and mark, how many marks and what weight were before it, and
    # where the marks end that are kept
    stack: list[tuple[dict[str, Any] | None, list[Any], str | None, int, int, int, int]] = []
    while (event := next_event()) is not None:
        kind = type(event)
        if kind is _MAPPING_END or kind is _SEQUENCE_END:
            done = elements if members is None else members
            members, elements, anchor, mark, start, before, end = stack.pop()
            if anchor is not None:
                anchors[anchor] = _Anchored(done, mark, marks[start:], weight - before)
            if end >= 0:
                del marks[end:]
            continue
        at = event.start_mark
        mark = at.line + 1 << LINE | at.column + 1
        if members is not None and key is None:
            if kind is not _SCALAR or event.tag is not None or (event.value in _NO_KEYS and not event.style):
                raise _fault(mark, _no_key(event))
            key = event.value
            if key in members:
                first = Written(members, marks[stack[-1][4] - 1 :]).mark((key,))
                repeated.append((unpack(mark), duplicate(key, first)))
                kept = len(marks)
            marks.append(mark)
            if event.anchor is not None:
                anchors[event.anchor] = _Anchored(Quoted(key), mark, _NOTHING, 1 + len(key) // _TEXT)
            continue
        value: Any
        if kind is _SCALAR:
            if event.tag is not None:
                raise _fault(mark, _TAG)
            value = event.value
            heavy = 1 + len(value) // _TEXT
            if event.style:
                value = Quoted(value)
            if event.anchor is not None:
                anchors[event.anchor] = _Anchored(value, mark, _NOTHING, heavy)
            values += 1
            weight += heavy
        elif kind is _MAPPING or kind is _SEQUENCE:
            if event.tag is not None:
                raise _fault(mark, _TAG)
            if len(stack) >= MAX_DEPTH:
                raise _fault(mark, f"nested deeper than {MAX_DEPTH} levels")
            value = {} if kind is _MAPPING else []
            values += 1
        elif kind is _ALIAS:
            if any(event.anchor == around[2] for around in stack):
                raise _fault(mark, "an alias stands inside what it repeats")
            if event.anchor not in anchors:
                raise _fault(mark, "an alias has no anchor before it (quote a text that begins with *)")
            again = anchors[event.anchor]
            aliased += again.weight
            if aliased > MAX_ALIASED:
                raise _fault(mark, f"aliases repeat more than {MAX_ALIASED:,} values")
            value, mark = again.value, again.mark
            weight += again.weight
        else:
            documents += kind is _DOCUMENT
            if documents > 1:
                raise _fault(mark, "a second document: a desired file holds one")
            continue
        if values > MAX_VALUES:
            raise too_many(unpack(mark))
        if key is None:
            marks.append(mark)
            elements.append(value)
        elif members is not None:
            members.setdefault(key, value)
            key = None
        if kind is _ALIAS:
            marks.extend(again.inside)
        if kind is _MAPPING or kind is _SEQUENCE:
            stack.append((members, elements, event.anchor, mark, len(marks), weight, kept))
            weight += 1
            if kind is _MAPPING:
                members = value
            else:
                members, elements = None, value
        elif kept >= 0:
            del marks[kept:]
        kept = -1
    if not top:
        raise SyntaxFaultError(Mark(1, 1), "the file is empty")
    return Written(top[0], marks, repeated)


def _no_key(event: Any) -> str:
    if type(event) is _ALIAS:
        return "an alias as a key is not allowed"
    if event.tag is not None:
        return _TAG
    return _NO_KEYS[event.value] if type(event) is _SCALAR else "a key must be text, not a list or a mapping"


def _fault(mark: int, message: str) -> SyntaxFaultError:
    return SyntaxFaultError(unpack(mark), message)


def _mark(at: Any) -> Mark:
    return Mark(at.line + 1, at.column + 1)


def _mark_at(text: str, index: int) -> Mark:
    before = text[:index]
    return Mark(before.count("\n") + 1, index - before.rfind("\n"))


def _said(error: yaml.MarkedYAMLError) -> str:
    return "not YAML: " + ", ".join(part for part in (error.context, error.problem) if part)
