"""One file's value to the definitions that it declares, held against the schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from driftcheck.desired import faults, nodes
from driftcheck.kinds import IDENTIFIER, KINDS, Kind
from driftcheck.model import AMBIENT, Location
from driftcheck.schema import declared_schema, definition_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftcheck.desired.faults import Fault
    from driftcheck.desired.nodes import Mark, Node
    from driftcheck.model import Json, Path

MAX_DEFINITION = 10_000
"""Values in one definition, far above what AWS takes; the schema keeps every fault of one in memory."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """One definition in a file; ``wrong`` is what the schema finds in it, before its ``${...}`` are replaced.

    ``path`` leads to it from the top of the file; ``bare`` is the answer of a Describe operation, whose text
    is taken as it stands.
    """

    kind: Kind
    file: str
    node: Node
    path: Path
    value: dict[str, Any]
    bare: bool
    wrong: frozenset[Fault] = frozenset()

    def locate(self, path: Path) -> Location:
        """The place in the file that declares a path of this definition."""
        return Location(self.file, *nodes.find(self.node, path))

    def faults(self, value: Json) -> Iterator[Fault]:
        """What else is wrong with a definition once every ``${...}`` in it is replaced."""
        found = faults.find(_validator(self.kind), value, definition_schema(self.kind), final=True)
        known = {fault.path for fault in self.wrong}
        return (fault for fault in found if fault.path not in known)


@dataclass(slots=True)
class FileContent:
    """What one file declares, and everything that is wrong with it.

    ``targets`` are the names that it gives, with their paths; ``kinds`` those it has a list or object of.
    """

    file: str
    node: Node
    targets: list[tuple[Path, str]] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    declarations: list[Declaration] = field(default_factory=list)
    wrong: list[tuple[Location, str]] = field(default_factory=list)
    is_full: bool = False

    def fault(self, path: Path, message: str) -> None:
        """Record what is wrong at a path from the top of the file; beyond ``MAX_FAULTS``, only that it is."""
        self.fault_at(nodes.find(self.node, path), message)

    def fault_at(self, mark: Mark, message: str) -> None:
        """Record what is wrong at a place in the file, as ``fault`` does."""
        if len(self.wrong) < faults.MAX_FAULTS:
            self.wrong.append((Location(self.file, *mark), message))
        else:
            self.is_full = True


def read(file: str, node: Node) -> FileContent:
    """What a parsed file declares, and what the schema finds wrong with it."""
    content = FileContent(file, node)
    for mark, message in node.repeated:
        content.fault_at(mark, message)
    if isinstance(node.value, dict) and IDENTIFIER in node.value:
        _read_answer(content)
    else:
        _read_lists(content)
    return content


def _read_answer(content: FileContent) -> None:
    """A bare answer of Describe: one definition, for the ambient target."""
    content.targets.append(((), AMBIENT))
    kind = _kind_of(content.node)
    if kind is None:
        content.fault((), f"it has {IDENTIFIER}, but is the answer of no Describe…JobDefinition operation")
        return
    content.kinds.add(kind.name)
    _read_definition(content, kind, content.node, (), bare=True)


def _read_lists(content: FileContent) -> None:
    schema = _frame()
    value = nodes.resolve(_emptied(content.node), schema, {})
    for fault in faults.find(_validator(None), value, schema, final=True):
        content.fault(fault.path, fault.message)
    if not isinstance(value, dict) or not isinstance(content.node.value, dict):
        return
    content.targets = list(_target_names(value))
    for kind in KINDS.values():
        _, collection = content.node.value.get(kind.collection, (None, None))
        if collection is None or not isinstance(collection.value, list):
            continue
        content.kinds.add(kind.name)
        for index, node in enumerate(collection.value):
            # what comes after the last fault that is told is not worth the time
            if content.is_full:
                return
            _read_definition(content, kind, node, (kind.collection, index), bare=False)


def _emptied(node: Node) -> Node:
    """A file's node with its lists of definitions empty."""
    if not isinstance(node.value, dict):
        return node
    names = {kind.collection for kind in KINDS.values()}
    members = {
        name: (mark, nodes.Node(member.mark, []))
        if name in names and isinstance(member.value, list)
        else (mark, member)
        for name, (mark, member) in node.value.items()
    }
    return nodes.Node(node.mark, members)


def _read_definition(content: FileContent, kind: Kind, node: Node, path: Path, *, bare: bool) -> None:
    if nodes.is_larger(node, MAX_DEFINITION):
        content.fault(path, f"a definition of more than {MAX_DEFINITION:,} values")
        return
    schema = definition_schema(kind)
    value = nodes.resolve(node, schema, schema["$defs"])
    found = frozenset(faults.find(_validator(kind), value, schema, final=bare))
    for fault in found:
        content.fault((*path, *fault.path), fault.message)
    if isinstance(value, dict):
        content.declarations.append(Declaration(kind, content.file, node, path, value, bare, found))


def _target_names(value: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    match value:
        case {"targets": [*names]}:
            yield from (
                (("targets", index), name) for index, name in enumerate(names) if isinstance(name, str)
            )
        case {"target": str(name)}:
            yield ("target",), name
        case _ if not value.keys() & {"target", "targets"}:
            yield (), AMBIENT


def _kind_of(node: Node) -> Kind | None:
    """The one kind whose answer shares the most members with a bare object."""
    given = set(node.value) if isinstance(node.value, dict) else set()
    shared = {name: len(given & set(kind.answer.members)) for name, kind in KINDS.items()}
    best = [name for name, count in shared.items() if count == max(shared.values())]
    return KINDS[best[0]] if len(best) == 1 else None


@cache
def _frame() -> dict[str, Any]:
    """The schema of a file of the project's own format but for its definitions, which are read singly."""
    schema = declared_schema()
    lists = {kind.collection: {"type": "array"} for kind in KINDS.values()}
    return schema | {"properties": schema["properties"] | lists, "$defs": {}}


@cache
def _validator(kind: Kind | None) -> Any:
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(_frame() if kind is None else definition_schema(kind))
