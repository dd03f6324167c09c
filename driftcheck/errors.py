"""The one exception that reaches a user as a line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class DriftcheckError(Exception):
    """Something that the user can act on; the message says what is wrong, where, and what to do.

    ``lines`` holds one message per problem, for those that are found many at a time.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines: Sequence[str] = lines
