"""A webhook or a chat, through Apprise; its URL is a secret, and so is whatever Apprise says of it."""

from __future__ import annotations

import re

import apprise
from apprise.conversion import convert_between

_STATUS = re.compile(r"error=([0-9]{3})\b")
_TITLE_BREAK = 20
"""Characters, at most, between a subject and a text where a chat has no subjects."""


class NoAddressError(Exception):
    """The text is no URL that Apprise knows."""


class Chat:
    """One address, such as ``slack://…`` or ``jsons://example.com/hook``."""

    def __init__(self, url: str) -> None:
        """Prepare to send there.

        Raises:
            NoAddressError: Apprise does not know such a URL.
        """
        with apprise.LogCapture():  # type: ignore[no-untyped-call]
            found = apprise.Apprise.instantiate(url)
        if not isinstance(found, apprise.NotifyBase):
            raise NoAddressError
        self._address = found

    def size(self, text: str) -> int:
        """How many characters a text has there: what is markup is escaped, which makes it longer."""
        text_format = apprise.NotifyFormat.TEXT
        shown_as = self._address.resolve_format(text_format)
        return len(convert_between(text_format, shown_as, text))  # type: ignore[no-untyped-call]

    def room(self, subject: str) -> int:
        """The largest ``size`` that a text may have beside this subject."""
        taken = 0 if self._address.title_maxlen else self.size(subject) + _TITLE_BREAK
        return int(self._address.body_maxlen) - taken

    def send(self, subject: str, text: str) -> int | None:
        """Send, and return 0 where it was taken, the HTTP status of a refusal, or None without an answer."""
        everywhere = apprise.Apprise()
        everywhere.add(self._address)
        with apprise.LogCapture() as said:  # type: ignore[no-untyped-call]
            taken = everywhere.notify(body=text, title=subject, body_format=apprise.NotifyFormat.TEXT)
            found = _STATUS.search(said.getvalue())
        if taken:
            return 0
        return int(found[1]) if found else None
