"""What the pages say of an episode or an event, in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftcheck.history import ChangeKind
from driftcheck.render.common import path_text, value_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftcheck.document.entries import DifferenceEntry, StatusName
    from driftcheck.history import Episode
    from driftcheck.model import Json

_LONGEST = 60

BECAME: Mapping[ChangeKind, tuple[StatusName, str]] = {
    ChangeKind.DRIFTED: ("drifted", "drifted"),
    ChangeKind.CHANGED: ("drifted", "drifts otherwise"),
    ChangeKind.MISSING: ("missing", "went missing"),
    ChangeKind.UNMANAGED: ("unmanaged", "appeared, and no file declares it"),
    ChangeKind.REPAIRED: ("in_sync", "was repaired"),
    ChangeKind.REMOVED: ("in_sync", "is no longer declared"),
    ChangeKind.UNREADABLE: ("error", "could not be read"),
    ChangeKind.READABLE: ("in_sync", "can be read again"),
}
"""What became of a definition: the status whose colour it has, and the words."""


def said_now(episode: Episode | None, unread: Episode | None) -> str:
    """Tell what is wrong now, on one line; ``unread`` is the time in which it cannot be read."""
    known = said(episode)
    if unread is None or unread is episode:
        return known
    code = unread.error["code"] if unread.error else ""
    return f"{known}{'; ' * bool(known)}as last read, not readable since {unread.since[:10]}: {code}"


def said(episode: Episode | None) -> str:
    """What is wrong, on one line: the first difference, or the code of what kept it from being read."""
    if episode is None:
        return ""
    if episode.error is not None:
        return episode.error["code"]
    if episode.status == "missing":
        return "declared, and not there"
    if episode.status == "unmanaged":
        return "there, and no file declares it"
    if not episode.differences:
        return ""
    more = len(episode.differences) - 1
    return _difference(episode.differences[0]) + (f" and {more} more" if more else "")


def _difference(difference: DifferenceEntry) -> str:
    path, sensitive = path_text(difference["path"]), difference["sensitive"]
    desired, live = (_short(difference[side], sensitive) for side in ("desired", "live"))
    if difference["change"] == "added":
        return f"+ {path} = {live}"
    if difference["change"] == "removed":
        return f"\N{MINUS SIGN} {path} = {desired}"
    return f"{path} = {desired} \N{RIGHTWARDS ARROW} {live}"


def _short(value: Json, sensitive: bool) -> str:
    if isinstance(value, dict | list) and value:
        return "{\N{HORIZONTAL ELLIPSIS}}" if isinstance(value, dict) else "[\N{HORIZONTAL ELLIPSIS}]"
    text = value_text(value, sensitive=sensitive)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
