"""What may not be shown: sensitive paths and values, replaced before anything is rendered or logged."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftcheck.model import Json, Path, PathPattern

MASK = "(sensitive)"

_ENVIRONMENT = "Environment"

_SPEAKING_KEY = re.compile(
    r"pass(word|wd|phrase)|(?<![a-z])pwd(?![a-z])|secret|credential|token(?!i[sz])"
    r"|(private|api|access)[_\-. ]?key",
    re.IGNORECASE,
)

_CREDENTIAL = re.compile(
    r"""
      (?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])          # an AWS access key id
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----
    | [A-Za-z][A-Za-z0-9+.\-]*://[^/?\#\s@]*@                       # a URL with userinfo
    | [?&](?:X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token|Signature|sig|X-Goog-Signature)=
    | (?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,}|glpat-[\w\-]{20,})
    | (?<![A-Za-z0-9\-_])eyJ[\w\-]{8,}\.eyJ[\w\-]{8,}\.[\w\-]+      # a JSON Web Token
    """,
    re.VERBOSE | re.IGNORECASE,
)

_SECRET_KEY = re.compile(r"(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])(?=[^0-9]*[0-9])[A-Za-z0-9/+]{40}")
"""An AWS secret access key: forty characters of base64 of all three sorts, so no hexadecimal digest."""


def is_sensitive(path: Path, value: Json, patterns: Iterable[PathPattern] = ()) -> bool:
    """Tell whether the value at this path may not be shown: its place is sensitive, or it is itself."""
    return (
        any(pattern.covers(path) for pattern in patterns)
        or _speaks_of_a_secret(path)
        or (isinstance(value, str) and is_credential(value))
    )


def is_credential(text: str) -> bool:
    """Tell whether a text holds an access key, a token, or a URL with userinfo or a signature."""
    return bool(_CREDENTIAL.search(text)) or bool(_SECRET_KEY.fullmatch(text))


def masked(path: Path, value: Json, patterns: tuple[PathPattern, ...] = ()) -> tuple[Json, bool]:
    """A value with everything sensitive in it replaced, and whether anything was.

    A block keeps its form; only the leaves that may not be shown are replaced.
    """
    if is_sensitive(path, value, patterns):
        return MASK, True
    match value:
        case dict():
            pairs = [(key, *masked((*path, key), member, patterns)) for key, member in value.items()]
            return {key: member for key, member, _ in pairs}, any(hidden for *_, hidden in pairs)
        case list():
            items = [masked((*path, index), member, patterns) for index, member in enumerate(value)]
            return [member for member, _ in items], any(hidden for _, hidden in items)
    return value, False


def masked_text(text: str) -> str:
    """A message of somebody else's, with the credentials in it replaced."""
    return _CREDENTIAL.sub(MASK, text)


def _speaks_of_a_secret(path: Path) -> bool:
    return any(
        name == _ENVIRONMENT and isinstance(key, str) and bool(_SPEAKING_KEY.search(key))
        for name, key in pairwise(path)
    )
