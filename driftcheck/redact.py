"""What may not be shown: sensitive paths and values, replaced before anything is rendered or logged."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from driftcheck.model import Json, Path, PathPattern

MASK = "(sensitive)"

_ENVIRONMENT = "Environment"

_SPEAKING_KEY = re.compile(
    r"""
      (?i: pass(?:word|wd|phrase|code) | pwd | secret | credential | token(?!i[sz])
         | (?:private|api|access) [_\-.\ ]* key )
    | (?i: (?<!by)(?<!com)(?<!sur)(?<!tres) pass (?![a-z]) )
    | [A-Za-z] (?: Pass | Creds? ) (?![a-z])
    | (?<![A-Za-z]) (?i: pw | creds? ) (?![A-Za-z])      # a word of its own: no POWER, no SACRED
    """,
    re.VERBOSE,
)

# Every alternative takes the whole secret, since it is also what is cut out of a message, and looks at no
# character more than a few times, since the text may be of any length.
_CREDENTIAL = re.compile(
    r"""
      (?<![A-Z0-9]) (?:AKIA|ASIA) [A-Z0-9]{16} (?![A-Z0-9])                # an AWS access key id
      # an AWS secret access key: forty characters of base64 of all three sorts, so no hexadecimal digest,
      # that are no path of directories
    | (?: ^ | (?<=[=\s"']) ) (?= [A-Za-z0-9/+]{40} (?: \Z | [\s"',;&] ) ) (?! /\w+/\w+/ | // )
      (?=[^A-Z]{0,39}[A-Z]) (?=[^a-z]{0,39}[a-z]) (?=[^0-9]{0,39}[0-9]) [A-Za-z0-9/+]{40}
    | (?<![A-Za-z0-9/+]) (?:IQoJb3|FwoGZX|FQoGZX) [A-Za-z0-9/+=%]{50,}     # an AWS session token
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY(?:\ BLOCK)?-----
      (?: (?!-----END) [\s\S] )* (?:-----END[A-Z ]*-----)?
    | (?<=[A-Za-z0-9+.\-]) ://[^/?\#\s]*@                                  # a URL with userinfo
    | (?<=[A-Za-z0-9+.\-]) ://[^/?\#\s@:\[]{1,99}:(?!\d*[/?\#])[^\s@]{1,200}@  # raw / ? # in its password
    | (?i: [?&] (?: X-Amz-Signature | X-Amz-Credential | X-Goog-Signature | X-Goog-Credential | Signature
                  | sig ) = [^&\s"'<>]* )
    | (?i: X-Amz-Security-Token \s*[:=]\s* [^&\s"'<>]* )
    | (?i: [?&;] (?: password | passwd | pwd | secret | access_token | api_?key | AccountKey )
           = [^&;\s"'<>]+ )
    | (?<![A-Za-z0-9]) (?: gh[pousr]_[A-Za-z0-9]{36,} | github_pat_\w{22,} | glpat-[\w\-]{20,}
                         | hf_[A-Za-z0-9]{30,} | xox[abeoprs]-[A-Za-z0-9\-]{10,} )
    | (?<![A-Za-z0-9\-_]) eyJ[\w\-]{8,}\.eyJ[\w\-]{8,}\.[\w\-]*            # a JSON Web Token
    | (?<![A-Za-z0-9]) withheld:[0-9a-f]{64}                               # what stands for one of these
    """,
    re.VERBOSE,
)

_LEAST = 8
"""Characters of a sensitive text that is looked for elsewhere too; a shorter one ("true") is anywhere."""


def is_sensitive(
    path: Path, value: Json, patterns: Iterable[PathPattern] = (), secrets: Iterable[str] = ()
) -> bool:
    """Tell whether the value at this path may not be shown: its place is sensitive, or it is itself."""
    if _is_sensitive_place(path, patterns):
        return True
    return isinstance(value, str) and (is_credential(value) or any(secret in value for secret in secrets))


def is_credential(text: str) -> bool:
    """Tell whether a text holds an access key, a token, or a URL with userinfo or a signature."""
    return bool(_CREDENTIAL.search(text))


def secrets_in(value: Json, patterns: Collection[PathPattern] = (), path: Path = ()) -> Iterator[str]:
    """The texts at sensitive paths of a value, which may stand at any other path of the other side.

    An environment key that was renamed, or an argument that moved, would show them otherwise.
    """
    match value:
        case dict():
            for key, member in value.items():
                yield from secrets_in(member, patterns, (*path, key))
        case list():
            for index, member in enumerate(value):
                yield from secrets_in(member, patterns, (*path, index))
        case str() if len(value) >= _LEAST and _is_sensitive_place(path, patterns):
            yield value


def masked(
    path: Path, value: Json, patterns: Collection[PathPattern] = (), secrets: Collection[str] = ()
) -> tuple[Json, bool]:
    """A value with everything sensitive in it replaced, and whether anything was.

    A block keeps its form; only the leaves that may not be shown are replaced: those at sensitive paths,
    those that are credentials, and those that hold one of ``secrets``.
    """
    if is_sensitive(path, value, patterns, secrets):
        return MASK, True
    match value:
        case dict():
            pairs = [(key, *masked((*path, key), member, patterns, secrets)) for key, member in value.items()]
            return {key: member for key, member, _ in pairs}, any(hidden for *_, hidden in pairs)
        case list():
            items = [masked((*path, index), member, patterns, secrets) for index, member in enumerate(value)]
            return [member for member, _ in items], any(hidden for _, hidden in items)
    return value, False


def masked_text(text: str) -> str:
    """A message of somebody else's, with the credentials in it replaced."""
    return _CREDENTIAL.sub(MASK, text)


def _is_sensitive_place(path: Path, patterns: Iterable[PathPattern]) -> bool:
    return any(_covers(pattern, path) for pattern in patterns) or _speaks_of_a_secret(path)


def _covers(pattern: PathPattern, path: Path) -> bool:
    """As ``pattern.covers``, at any index: live may have at another one what desired has at this one."""
    return len(path) >= len(pattern.steps) and all(
        step is None or step == key or (isinstance(step, int) and isinstance(key, int))
        for step, key in zip(pattern.steps, path, strict=False)
    )


def _speaks_of_a_secret(path: Path) -> bool:
    return any(
        name == _ENVIRONMENT and isinstance(key, str) and bool(_SPEAKING_KEY.search(key))
        for name, key in pairwise(path)
    )
