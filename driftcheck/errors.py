"""The one exception that reaches a user as a line of text, and what its messages have in common."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class DriftcheckError(Exception):
    """Something that the user can act on; the message says what is wrong, where, and what to do.

    ``lines`` holds one message per problem, for those that are found many at a time.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines: Sequence[str] = lines


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``: did you mean `X`?`` with the nearest known name, or nothing where none is near."""
    names = {candidate.lower(): candidate for candidate in known}
    nearest = get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    return f": did you mean `{names[nearest[0]]}`?" if nearest else ""
