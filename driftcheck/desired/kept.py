"""Desired state as it is kept: JSON and marks, a few hundred bytes where the values are a hundred objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from driftcheck.desired.written import Written, parts
from driftcheck.model import Location

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterator

    from driftcheck.model import Json, Path

_encode = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode


# whoever looks at a definition does so several times in a row
@lru_cache(maxsize=64)
def _decoded(content: bytes) -> dict[str, Any]:
    return json.loads(content)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, eq=False)
class Packed(Mapping[str, "Json"]):
    """A definition's members as the JSON in ``content``, decoded whenever they are looked at."""

    content: bytes = field(repr=False)

    def __getitem__(self, name: str) -> Json:
        return _decoded(self.content)[name]  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[str]:
        return iter(_decoded(self.content))

    def __len__(self) -> int:
        return len(_decoded(self.content))


@dataclass(frozen=True, slots=True)
class Places:
    """Where a file declares each path of a definition; ``marks`` are those of ``Written``."""

    file: str
    packed: Packed
    marks: array[int] = field(repr=False)

    def __call__(self, path: Path) -> Location:
        """The place that declares a path, or the nearest member above it."""
        return Location(self.file, *Written(_decoded(self.packed.content), self.marks).mark(path))


def keep(properties: Mapping[str, Json], written: Written, file: str) -> tuple[Packed, Places]:
    """Members of a definition, which is ``written`` in a file, and where each of them stands there."""
    packed = Packed(_encode(properties).encode("ascii"))
    marks = written.marks[:1]
    for name, part in parts(written):
        if name in properties:
            marks += part.marks
    # an array that grew is longer than it needs to be, and a copy of it is not
    return packed, Places(file, packed, marks[:])
