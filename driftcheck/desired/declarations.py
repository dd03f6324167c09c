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
    from driftcheck.desired.nodes import Node
    from driftcheck.model import Json, Path


@dataclass(frozen=True, slots=True)
class Declaration:
    """One definition in a file, of the right shape but for its ``${...}``.

    ``path`` leads to it from the top of the file; ``bare`` is the answer of a Describe operation, whose text
    is taken as it stands.
    """

    kind: Kind
    file: str
    node: Node
    path: Path
    value: dict[str, Any]
    bare: bool

    def locate(self, path: Path) -> Location:
        """The place in the file that declares a path of this definition."""
        return Location(self.file, *nodes.find(self.node, path))

    def faults(self, value: Json) -> Iterator[Fault]:
        """What is wrong with a definition once every ``${...}`` in it is replaced."""
        return faults.find(_validator(self.kind), value, definition_schema(self.kind), final=True)


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

    def fault(self, path: Path, message: str) -> None:
        """Record what is wrong at a path from the top of the file."""
        self.wrong.append((Location(self.file, *nodes.find(self.node, path)), message))


def read(file: str, node: Node) -> FileContent:
    """What a parsed file declares; a definition with a fault is left out of ``declarations``."""
    content = FileContent(file, node)
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
    schema = definition_schema(kind)
    value = nodes.resolve(content.node, schema, schema["$defs"])
    found = list(faults.find(_validator(kind), value, schema, final=True))
    for fault in found:
        content.fault(*fault)
    if isinstance(value, dict) and not found:
        content.declarations.append(Declaration(kind, content.file, content.node, (), value, bare=True))


def _read_lists(content: FileContent) -> None:
    schema = declared_schema()
    value = nodes.resolve(content.node, schema, schema["$defs"])
    broken: set[Path] = set()
    for fault in faults.find(_validator(None), value, schema, final=False):
        content.fault(*fault)
        broken |= {fault.path[:1], fault.path[:2]}
    if not isinstance(value, dict):
        return
    content.targets = list(_target_names(value))
    for kind in KINDS.values():
        collection = value.get(kind.collection)
        if not isinstance(collection, list):
            continue
        content.kinds.add(kind.name)
        for index, definition in enumerate(collection):
            path = (kind.collection, index)
            if path not in broken and isinstance(definition, dict):
                node = _element(content.node, *path)
                content.declarations.append(
                    Declaration(kind, content.file, node, path, definition, bare=False)
                )


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


def _element(node: Node, collection: str, index: int) -> Node:
    match node.value:
        case dict() as members if isinstance(elements := members[collection][1].value, list):
            element: Node = elements[index]
            return element
    raise TypeError(collection)


def _kind_of(node: Node) -> Kind | None:
    """The one kind whose answer shares the most members with a bare object."""
    given = set(node.value) if isinstance(node.value, dict) else set()
    shared = {name: len(given & set(kind.answer.members)) for name, kind in KINDS.items()}
    best = [name for name, count in shared.items() if count == max(shared.values())]
    return KINDS[best[0]] if len(best) == 1 else None


@cache
def _validator(kind: Kind | None) -> Any:
    from jsonschema_rs import Draft202012Validator

    return Draft202012Validator(declared_schema() if kind is None else definition_schema(kind))
