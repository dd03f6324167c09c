"""One file's value to the definitions that it declares, held against the schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from driftcheck.desired import faults
from driftcheck.desired.written import (
    Written,
    find,
    parts,
    resolve,
    shape,
    shape_of,
    unpack,
    without,
)
from driftcheck.kinds import IDENTIFIER, KINDS, Kind, ListShape, StructureShape, is_void
from driftcheck.model import AMBIENT, Location
from driftcheck.schema import declared_schema, definition_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from driftcheck.desired.faults import Fault
    from driftcheck.kinds import Shape
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
    written: Written
    path: Path
    value: dict[str, Any]
    bare: bool
    wrong: frozenset[Fault] = frozenset()

    def locate(self, path: Path) -> Location:
        """The place in the file that declares a path of this definition."""
        return Location(self.file, *self.written.mark(path))

    def faults(self, value: Json) -> Iterator[Fault]:
        """What else is wrong with a definition once every ``${...}`` in it is replaced."""
        found = faults.find(_validator(self.kind), value, definition_schema(self.kind), final=True)
        known = {fault.path for fault in self.wrong}
        return (fault for fault in found if fault.path not in known)


@dataclass(slots=True)
class FileContent:
    """What one file declares, and everything that is wrong with it, by its path from the top of the file.

    ``targets`` are the names that it gives, with their paths; ``kinds`` those it has a list or object of.
    """

    file: str
    written: Written
    targets: list[tuple[Path, str]] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    declarations: list[Declaration] = field(default_factory=list)
    wrong: list[tuple[Path, str]] = field(default_factory=list)
    is_full: bool = False

    def fault(self, path: Path, message: str) -> None:
        """Record what is wrong at a path; beyond ``MAX_FAULTS``, only that there is more."""
        if len(self.wrong) + len(self.written.repeated) < faults.MAX_FAULTS:
            self.wrong.append((path, message))
        else:
            self.is_full = True

    def located(self) -> list[tuple[Location, str]]:
        """What is wrong and where, from the top of the file to its end."""
        found = find(self.written, [path for path, _ in self.wrong])
        wrong = [(unpack(found[path]), message) for path, message in self.wrong]
        wrong += self.written.repeated[: faults.MAX_FAULTS]
        return sorted((Location(self.file, *mark), message) for mark, message in wrong)


def read(file: str, written: Written) -> FileContent:
    """What a parsed file declares, and what the schema finds wrong with it."""
    content = FileContent(file, written, is_full=len(written.repeated) > faults.MAX_FAULTS)
    if isinstance(written.value, dict) and IDENTIFIER in written.value:
        _read_answer(content)
    else:
        _read_lists(content)
    return content


def _read_answer(content: FileContent) -> None:
    """A bare answer of Describe: one definition, for the ambient target."""
    content.targets.append(((), AMBIENT))
    kind = _kind_of(content.written.value)
    if kind is None:
        content.fault((), f"it has {IDENTIFIER}, but is the answer of no Describe…JobDefinition operation")
        return
    content.kinds.add(kind.name)
    _read_definition(content, kind, content.written, (), bare=True)


def _read_lists(content: FileContent) -> None:
    schema = _frame()
    value = resolve(_emptied(content.written.value), shape(schema, {}))
    for fault in faults.find(_validator(None), value, schema, final=True):
        content.fault(fault.path, fault.message)
    if not isinstance(value, dict):
        return
    content.targets = list(_target_names(value))
    lists = {name: part for name, part in parts(content.written) if isinstance(part.value, list)}
    for kind in KINDS.values():
        if kind.collection not in lists:
            continue
        content.kinds.add(kind.name)
        for index, part in parts(lists[kind.collection]):
            # what comes after the last fault that is told is not worth the time
            if content.is_full:
                return
            _read_definition(content, kind, part, (kind.collection, index), bare=False)


def _emptied(value: Any) -> Any:
    """A file's value with its lists of definitions empty."""
    if not isinstance(value, dict):
        return value
    names = {kind.collection for kind in KINDS.values()}
    return {
        name: [] if name in names and isinstance(member, list) else member for name, member in value.items()
    }


def _read_definition(content: FileContent, kind: Kind, written: Written, path: Path, *, bare: bool) -> None:
    if len(written.marks) > MAX_DEFINITION:
        content.fault(path, f"a definition of more than {MAX_DEFINITION:,} values")
        return
    value, found = _held_to_schema(kind, written, final=bare)
    # a `{}` that equals an absent block lacks what its shape requires, so few are looked at twice.
    # Where more is wrong, it may be what somebody meant to fill in, and is told with the rest.
    if any(fault.absent for fault in found) and (void := list(_void(kind.request, value))):
        bare_of_void = without(written, void)
        value_of_rest, left = _held_to_schema(kind, bare_of_void, final=bare)
        if not left:
            written, value, found = bare_of_void, value_of_rest, left
    for fault in found:
        content.fault((*path, *fault.path), fault.message)
    if isinstance(value, dict):
        content.declarations.append(Declaration(kind, content.file, written, path, value, bare, found))


def _held_to_schema(kind: Kind, written: Written, *, final: bool) -> tuple[Json, frozenset[Fault]]:
    value = resolve(written.value, shape_of(kind))
    return value, frozenset(faults.find(_validator(kind), value, definition_schema(kind), final=final))


def _void(shape: Shape, value: Json, path: Path = ()) -> Iterator[Path]:
    """The paths of the blocks in a value that equal absent ones."""
    match value:
        case dict() if isinstance(shape, StructureShape):
            for name, member in value.items():
                if is_void(shape, name, member):
                    yield (*path, name)
                elif name in shape.members:
                    yield from _void(shape.members[name], member, (*path, name))
        case list() if isinstance(shape, ListShape):
            for index, element in enumerate(value):
                yield from _void(shape.member, element, (*path, index))


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


def _kind_of(value: Mapping[str, Any]) -> Kind | None:
    """The one kind whose answer shares the most members with a bare object."""
    shared = {name: len(value.keys() & set(kind.answer.members)) for name, kind in KINDS.items()}
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
