"""A webhook or a chat, through Apprise; its URL is a secret, and so is whatever Apprise says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import apprise
from apprise.conversion import convert_between

_STATUS = re.compile(r"error=([0-9]{3})\b")
_PAGE = re.compile(r"Response Details:\s*b?[\'\"]?\s*(?:\\[rnt])*\s*<(?:!doctype\s+)?html", re.IGNORECASE)
_REFUSALS = frozenset({500, 501, 503})
"""By RFC 9110 the request was not fulfilled; any other 5xx, such as a gateway's, does not say so."""
_TROUBLE = 500
_DEBUG = 10
"""The level at which Apprise tells the bodies of answers."""
_TITLE_BREAK = 20
"""Characters, at most, between a subject and a text where a chat has no subjects."""


class NoAddressError(Exception):
    """The text is no URL that Apprise knows."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An attempt that failed: the HTTP status, if there was one, and whether that says "not taken"."""

    status: int | None
    is_certain: bool


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
        found.retry = 0  # how often, and with which words, is for the caller to say
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

    def send(self, subject: str, text: str) -> Refusal | None:
        """Send, and return None where it was taken."""
        everywhere = apprise.Apprise()
        everywhere.add(self._address)
        with apprise.LogCapture(level=_DEBUG) as said:  # type: ignore[no-untyped-call]
            taken = everywhere.notify(body=text, title=subject, body_format=apprise.NotifyFormat.TEXT)
            log = said.getvalue()
        if taken:
            return None
        statuses = [int(each) for each in _STATUS.findall(log)]
        if not statuses:
            return Refusal(None, is_certain=False)
        # of an address with several receivers, one may have taken what another refused
        is_alone = len(statuses) == 1 and len(self._address) <= 1
        is_refused = statuses[0] < _TROUBLE or (statuses[0] in _REFUSALS and not _PAGE.search(log))
        return Refusal(statuses[0], is_alone and is_refused)
