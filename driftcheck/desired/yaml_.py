"""YAML text to positioned nodes, through libyaml's events.

Events carry positions and unquoted text as it stands, so nothing is guessed (``NO`` is no boolean here),
and nothing is built that a hostile file could make large or recursive.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from driftcheck.desired.nodes import (
    MAX_DEPTH,
    MAX_VALUES,
    Mark,
    Node,
    Plain,
    SyntaxFaultError,
    duplicate,
    too_many,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_BREAKS = re.compile("[\x85\u2028\u2029]")
"""Line ends to YAML 1.1 and ordinary characters to YAML 1.2: no two parsers agree on them."""

MAX_ALIASED = 100_000
"""How many values a file may repeat through aliases; a long text counts as many."""

_TEXT = 64
"""Characters of a text that weigh as much as one more value."""


def parse(text: str) -> Node:
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
    composer = _Composer()
    try:
        for event in _events(text):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        raise SyntaxFaultError(_mark(at) if at else Mark(1, 1), _said(error)) from None
    except yaml.reader.ReaderError as error:
        found_at = error.position if isinstance(error.position, int) else 0
        raise SyntaxFaultError(_mark_at(text, found_at), f"not YAML: {error.reason}") from None
    if composer.root is None:
        raise SyntaxFaultError(Mark(1, 1), "the file is empty")
    composer.root.repeated = composer.repeated
    return composer.root


def _events(text: str) -> Iterator[yaml.Event]:
    return yaml.parse(text, Loader=_Loader)


@dataclass(slots=True)
class _Open:
    """A collection that is being read; ``key`` waits for its value."""

    node: Node
    anchor: str | None
    key: tuple[str, Mark] | None = None
    size: int = 1


@dataclass(slots=True)
class _Composer:
    root: Node | None = None
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Node, int]] = field(default_factory=dict)
    aliased: int = 0
    documents: int = 0
    values: int = 0
    repeated: list[tuple[Mark, str]] = field(default_factory=list)

    def take(self, event: Any) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    raise SyntaxFaultError(
                        _mark(event.start_mark), "a second document: a desired file holds one"
                    )
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.MappingStartEvent():
                self._start(event, {})
            case yaml.SequenceStartEvent():
                self._start(event, [])
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                done = self.stack.pop()
                self._keep(done.anchor, done.node, done.size)
                self._place(done.node, done.size)

    def _scalar(self, event: Any) -> None:
        mark = _mark(event.start_mark)
        _refuse_tag(event, mark)
        if self._awaits_key():
            self._key(event, mark)
            self._keep(event.anchor, Node(mark, event.value), 1 + len(event.value) // _TEXT)
            return
        plain = event.style is None or event.style == ""
        self._count(mark)
        node = Node(mark, Plain(event.value) if plain else event.value)
        size = 1 + len(event.value) // _TEXT
        self._keep(event.anchor, node, size)
        self._place(node, size)

    def _key(self, event: Any, mark: Mark) -> None:
        members = self.stack[-1].node.value
        key = event.value
        if event.style is None or event.style == "":
            if key == "<<":
                raise SyntaxFaultError(mark, "merge keys (<<) are not allowed: write the members out")
            if key in {"", "~"}:
                raise SyntaxFaultError(mark, "an empty key")
        if isinstance(members, dict) and key in members:
            self.repeated.append((mark, duplicate(key, members[key][0])))
        self.stack[-1].key = (key, mark)

    def _alias(self, event: Any) -> None:
        mark = _mark(event.start_mark)
        if self._awaits_key():
            raise SyntaxFaultError(mark, "an alias as a key is not allowed")
        if any(above.anchor == event.anchor for above in self.stack):
            raise SyntaxFaultError(mark, "an alias stands inside what it repeats")
        if event.anchor not in self.anchors:
            raise SyntaxFaultError(mark, "an alias has no anchor before it (quote a text that begins with *)")
        node, size = self.anchors[event.anchor]
        self.aliased += size
        if self.aliased > MAX_ALIASED:
            raise SyntaxFaultError(mark, f"aliases repeat more than {MAX_ALIASED:,} values")
        self._place(node, size)

    def _start(self, event: Any, value: Any) -> None:
        mark = _mark(event.start_mark)
        _refuse_tag(event, mark)
        if self._awaits_key():
            raise SyntaxFaultError(mark, "a key must be text, not a list or a mapping")
        if len(self.stack) >= MAX_DEPTH:
            raise SyntaxFaultError(mark, f"nested deeper than {MAX_DEPTH} levels")
        self._count(mark)
        self.stack.append(_Open(Node(mark, value), event.anchor))

    def _count(self, mark: Mark) -> None:
        self.values += 1
        if self.values > MAX_VALUES:
            raise too_many(mark)

    def _awaits_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].node.value, dict) and self.stack[-1].key is None

    def _keep(self, anchor: str | None, node: Node, size: int) -> None:
        if anchor is not None:
            self.anchors[anchor] = (node, size)

    def _place(self, node: Node, size: int) -> None:
        if not self.stack:
            self.root = node
            return
        above = self.stack[-1]
        above.size += size
        match above.node.value:
            case list() as elements:
                elements.append(node)
            case dict() as members if above.key is not None:
                key, mark = above.key
                members.setdefault(key, (mark, node))
                above.key = None


def _refuse_tag(event: Any, mark: Mark) -> None:
    if event.tag is not None:
        raise SyntaxFaultError(mark, "a tag (!...) is not allowed: quote a value to make it text")


def _mark(at: Any) -> Mark:
    return Mark(at.line + 1, at.column + 1)


def _mark_at(text: str, index: int) -> Mark:
    before = text[:index]
    return Mark(before.count("\n") + 1, index - before.rfind("\n"))


def _said(error: yaml.MarkedYAMLError) -> str:
    return "not YAML: " + ", ".join(part for part in (error.context, error.problem) if part)
