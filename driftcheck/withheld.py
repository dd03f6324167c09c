"""Definitions without their sensitive texts, for a machine that compares them and need not know them.

A keyed digest stands for each such text. The machine that reads live finds the text again where live has it;
where live does not, the two differ there, whatever the text is.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from driftcheck.compare import shown
from driftcheck.model import Live, Location
from driftcheck.redact import is_sensitive, secrets_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftcheck.model import Desired, Finding, Path, PropertyDifference, Reading


def withhold(desired: Desired, key: bytes) -> Desired:
    """The same definition with ``withheld:DIGEST`` for each sensitive text, and without its places."""
    properties = dict(desired.properties)
    secrets = set(secrets_in(properties, desired.sensitive, plain_keys=desired.plain_keys))

    def kept(path: Path, text: str) -> str:
        hidden = is_sensitive(path, text, desired.sensitive, secrets, desired.plain_keys)
        return _digest(key, text) if hidden else text

    return replace(desired, properties=_each_text(properties, kept), locate=_nowhere)


def found_again(desired: Desired, reading: Reading, key: bytes) -> Desired:
    """The same definition with those texts that live has too."""
    if not isinstance(reading, Live):
        return desired
    known: dict[str, str] = {}

    def note(_: Path, text: str) -> str:
        return known.setdefault(_digest(key, text), text)

    _each_text(dict(reading.properties), note)
    return replace(
        desired, properties=_each_text(dict(desired.properties), lambda _, text: known.get(text, text))
    )


def told(finding: Finding, desired: Desired) -> Finding:
    """What was found without the sensitive texts of a definition, as it would have been with them.

    Live may have one of them within a longer text, which may then not be shown either.
    """
    if not finding.differences and not finding.ignored:
        return finding
    secrets = set(secrets_in(dict(desired.properties), desired.sensitive, plain_keys=desired.plain_keys))

    def whole(difference: PropertyDifference) -> PropertyDifference:
        return shown(desired, difference, secrets)

    return replace(
        finding,
        differences=tuple(map(whole, finding.differences)),
        ignored=tuple(replace(each, difference=whole(each.difference)) for each in finding.ignored),
    )


def _digest(key: bytes, text: str) -> str:
    return f"withheld:{hmac.digest(key, text.encode(), 'sha256').hex()}"


def _each_text(value: Any, change: Callable[[Path, str], str], path: Path = ()) -> Any:
    match value:
        case dict():
            return {name: _each_text(member, change, (*path, name)) for name, member in value.items()}
        case list():
            return [_each_text(member, change, (*path, index)) for index, member in enumerate(value)]
        case str():
            return change(path, value)
    return value


def _nowhere(_: Path) -> Location:
    return Location("", 0, 0)
