"""``lifecycle.sensitive`` by kind and name: of one target or file, it holds in all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from driftcheck.desired import references

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftcheck.model import Address, PathPattern


@dataclass(slots=True)
class Masks:
    """What files call sensitive, whichever target they are for.

    ``named`` has the paths by kind and name. ``like`` has them by kind and a pattern of names, where files
    leave the name open: no target is known that a ``${...}`` in it could be replaced for, or it has none.
    """

    named: dict[tuple[str, str], tuple[PathPattern, ...]] = field(default_factory=dict)
    like: dict[tuple[str, re.Pattern[str]], tuple[PathPattern, ...]] = field(default_factory=dict)

    def add(self, kind: str, name: str, paths: Iterable[PathPattern]) -> None:
        """Add the paths of one definition."""
        self.named[kind, name] = _joined(self.named.get((kind, name), ()), paths)

    def add_open(self, kind: str, name: str | None, paths: Iterable[PathPattern]) -> None:
        """Add the paths of a definition whose name is not known, as far as it is written."""
        names = re.compile(references.pattern(name) if name is not None else ".*", re.DOTALL)
        self.like[kind, names] = _joined(self.like.get((kind, names), ()), paths)

    def join(self, other: Masks) -> None:
        """Add all that others call sensitive."""
        for (kind, name), paths in other.named.items():
            self.add(kind, name, paths)
        for (kind, names), paths in other.like.items():
            self.like[kind, names] = _joined(self.like.get((kind, names), ()), paths)

    def over(self, address: Address, paths: tuple[PathPattern, ...]) -> tuple[PathPattern, ...]:
        """The paths that are sensitive at an address: those given, and those of the same kind and name."""
        paths = _joined(paths, self.named.get((address.kind, address.name), ()))
        for (kind, names), more in self.like.items():
            if kind == address.kind and names.fullmatch(address.name):
                paths = _joined(paths, more)
        return paths


def _joined(paths: tuple[PathPattern, ...], more: Iterable[PathPattern]) -> tuple[PathPattern, ...]:
    return tuple(dict.fromkeys((*paths, *more)))
