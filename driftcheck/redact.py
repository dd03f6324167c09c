"""What may not be shown: sensitive paths and values, replaced before anything is rendered or logged."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from driftcheck.model import Json, Path, PathPattern

MASK = "(sensitive)"

_ENVIRONMENT = "Environment"

# A name speaks of a secret by a text anywhere in it, or by a word of it: DB_PASS, dbPass, DBPass, PATs.
_SPEAKING_TEXT = re.compile(
    r"(?i)pass(?:word|wd|phrase|code)|pwd|secret|credential|token(?!i[sz])|(?:private|api|access)[_\-. ]*key"
)
_WORD = re.compile(r"[A-Z]+s?(?![a-z])|[A-Z]?[a-z]+")
_SPEAKING_WORD = re.compile(
    r"""
      (?! (?:by|com|over|sur|tres|under) pass \Z ) [a-z]* pass
    | (?! (?:don|flun|hoc|joc|lac|mon|tur|whis) keys? \Z ) [a-z]* keys?   # SIGNINGKEY, and not KEYBOARD
    | keys? (?: data | file | id | pair )
    | pw | pats? | creds? | jwts? | bearer | authorization | webhooks?
    """,
    re.VERBOSE,
)

# The shapes are those that the issuers document. detect-secrets (Apache-2.0) keeps such a list too, and is
# not used: without its entropy plugins it knew 24 of the 43 credentials that tests/unit/test_redact.py began
# with, it reads lines of source and not values, takes 95 ms to import, and brings requests.
# Every alternative takes the whole secret, since it is also what is cut out of a message, and looks at no
# character more than a few times, since the text may be of any length.
_CREDENTIAL = re.compile(
    r"""
      (?<![A-Z0-9]) (?:AKIA|ASIA|ABIA|ACCA) [A-Z0-9]{16} (?![A-Z0-9])      # an AWS access key id
      # an AWS secret access key: forty characters of base64 of all three sorts, so no hexadecimal digest,
      # that are no path of directories
    | (?: ^ | (?<=[=\s"']) ) (?= [A-Za-z0-9/+]{40} (?: \Z | [\s"',;&] ) ) (?! /\w+/\w+/ | // )
      (?=[^A-Z]{0,39}[A-Z]) (?=[^a-z]{0,39}[a-z]) (?=[^0-9]{0,39}[0-9]) [A-Za-z0-9/+]{40}
    | (?<![A-Za-z0-9/+]) (?:IQoJb3|FwoGZX|FQoGZX) [A-Za-z0-9/+=%]{50,}     # an AWS session token
    | -----BEGIN\ [A-Z0-9 ]*PRIVATE\ KEY(?:\ BLOCK)?-----
      (?: (?!-----END) [\s\S] )* (?:-----END[A-Z0-9 ]*-----)?
    | PuTTY-User-Key-File-\d: [\s\S]*
    | AGE-SECRET-KEY-1[A-Z0-9]{20,}
    | (?<=[A-Za-z0-9+.\-]) ://[^/?\#\s]*@                                  # a URL with userinfo
    | (?<=[A-Za-z0-9+.\-]) ://[^/?\#\s@:\[]{1,99}:(?!\d*[/?\#])[^\s@]{1,200}@  # raw / ? # in its password
    | (?i: [?&] (?: X-Amz-Signature | X-Amz-Credential | X-Goog-Signature | X-Goog-Credential | Signature
                  | sig ) = [^&\s"'<>]* )
    | (?i: X-Amz-Security-Token \s*[:=]\s* [^&\s"'<>]* )
      # what follows the scheme of an Authorization header, and is no word, as in "basic monitoring"
    | (?<![A-Za-z]) (?i:basic) [ ]+ (?= [A-Za-z0-9+/]* (?: [0-9=] | [a-z][A-Z] ) )
      [A-Za-z0-9+/]{6,} =* (?![\w.\-])
    | (?<![A-Za-z]) (?i:bearer) [ ]+
      (?: (?= [A-Za-z_.~+/\-]* [0-9] ) [\w.~+/\-]{4,} | [\w.~+/\-]{20,} ) =*
      # addresses of chats, where whoever knows one may write
    | (?<![A-Za-z0-9]) (?=[acdhowACDHOW]) (?i: hooks\.slack(?:-gov)?\.com/ [^\s"'<>]+
         | discord(?:app)?\.com/api/ (?:v\d+/)? webhooks/ [^\s"'<>]+
         | webhook\.office(?:365)?\.com/ [^\s"'<>]+ | outlook\.office(?:365)?\.com/webhook/ [^\s"'<>]+
         | chat\.googleapis\.com/v1/spaces/ [^\s"'<>]+
         | api\.telegram\.org/bot [^\s"'<>/]+
         | hooks\.zapier\.com/ [^\s"'<>]+
         | open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot/ [^\s"'<>]+
         | https?://[^/\s"'<>]{1,200}/hooks/ [a-z0-9]{20,} [a-z0-9/]* )    # Mattermost, Rocket.Chat
      # tokens that begin with the name of their sort
    | (?<![A-Za-z0-9]) (?=[aAdghknpNprsSlPxGyw0-9]) (?:
          gh[pousr]_[A-Za-z0-9]{20,} | github_pat_\w{20,}
        | gl(?:agent|cbt|dt|ffct|ft|imt|oas|pat|ptt|rt|rtr|soat|wt)-[\w\-.]{16,}
        | hf_[A-Za-z0-9]{30,} | xox[abceoprs](?:\.xox[a-z])?-[A-Za-z0-9\-]{10,} | xapp-[A-Za-z0-9\-]{10,}
        | sk-(?:proj|ant-[a-z0-9]+|svcacct|admin|or-v1)-[\w\-]{16,} | sk-[A-Za-z0-9]{20,}
        | [prs]k_(?:live|test)_[A-Za-z0-9]{10,} | whsec_[A-Za-z0-9+/=]{16,} | gsk_[A-Za-z0-9]{20,}
        | AIza[\w\-]{30,} | ya29\.[\w\-]{20,} | GOCSPX-[\w\-]{20,}
        | npm_[A-Za-z0-9]{20,} | pypi-(?=[\w\-]{0,40}[A-Z])[\w\-]{16,} | rubygems_[0-9a-f]{40,}
        | dckr_[a-z]{3}_[\w\-]{20,} | dapi[0-9a-f]{32} | do[opr]_v1_[0-9a-f]{40,} | glsa_\w{30,}
        | hv[brs]\.[\w\-]{20,} | SG\.[\w\-]{16,}\.[\w\-]{16,} | shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}
        | sq0[a-z]{3}-[\w\-]{20,} | NRAK-[A-Z0-9]{20,} | PMAK-[0-9a-f\-]{20,} | lin_api_\w{20,}
        | ATATT3[\w\-=]{20,} | sntry[su]_[\w=+/]{20,} | xkeysib-[\w\-]{32,} | pul-[0-9a-f]{40}
        | key-[0-9a-f]{32} | \d{8,10}:AA[\w\-]{30,} )
    | (?<![A-Za-z0-9\-_]) eyJ[\w\-]{8,}\.(?:eyJ)?[\w\-]{8,}\.[\w\-.]*      # a JSON Web Token
    | (?<![A-Za-z0-9]) withheld:[0-9a-f]{64}                               # what stands for one of these
    """,
    re.VERBOSE,
)

# The name of a value within a text: in a query or a connection string, as an option of a command, as a member
# of JSON, which may itself stand in JSON. A path has none: `s3://bucket/join_key=7/` assigns nothing.
_NAME = re.compile(
    r"""
      (?: \A | (?<=[\s,;?&\#|'"({\[]) ) (?P<option>--?)? (?P<name>[A-Za-z_][\w.\-]{0,99})
      (?: [ ]?=[ ]? (?!=) | (?(option) [ ]+ (?!-) | (?!) ) )
    | \\{0,9}["'] (?P<member>[A-Za-z_][\w.\-\ ]{0,99}) \\{0,9}["'] \s{0,9} : \s{0,9}
    """,
    re.VERBOSE,
)
# In a line of a file, such as properties or headers; only of values, since messages begin so.
_NAME_OF_LINE = re.compile(r"(?m)^[ \t]{0,99}(?:- )?(?P<name>[A-Za-z_][\w.\-]{0,99})[ \t]{0,9}:[ \t]{1,9}")
_VALUE = re.compile(
    r"""\\{0,9}"[^"]*" | '[^']*' | [\[{] \s* [^\]}\s] [\s\S]* | \\{0,9}["']? [^\s&;,"'<>}\]]+""", re.VERBOSE
)
_NO_SECRET = re.compile(r"""\\{0,9}["']?(?:[{\[]|null|none|true|false|\\{0,9})["']?""", re.IGNORECASE)
_COUNTABLE, _COUNT = re.compile(r"(?i)tokens|keys"), re.compile(r"\d{1,19}")
_OPTION = re.compile(r"--?([A-Za-z][\w.\-]{0,99})")

RULES = sha256(
    "\n".join(
        each.pattern
        for each in (_SPEAKING_TEXT, _WORD, _SPEAKING_WORD, _CREDENTIAL, _NAME, _NAME_OF_LINE, _VALUE)
    ).encode()
).hexdigest()[:16]
"""Digest of the rules in this module."""

_NAME_SIGN = re.compile("""[=\"'-]""")
_SHORT = 256
_NONE: frozenset[str] = frozenset()

_LEAST = 8
"""Characters of a sensitive text that is looked for elsewhere too; a shorter one ("true") is anywhere."""


def is_sensitive(
    path: Path,
    value: Json,
    patterns: Iterable[PathPattern] = (),
    secrets: Iterable[str] = (),
    plain_keys: frozenset[str] = _NONE,
) -> bool:
    """Tell whether the value at this path may not be shown: its place is sensitive, or it is itself."""
    if _is_sensitive_place(path, patterns, plain_keys):
        return True
    return isinstance(value, str) and (
        is_credential(value, plain_keys) or any(_holds(value, secret) for secret in secrets)
    )


def is_credential(text: str, plain_keys: frozenset[str] = _NONE) -> bool:
    """Tell whether a text is or holds a credential, or a value under a name that speaks of one.

    ``plain_keys`` are names that do not.
    """
    # what definitions have in common, such as a role or an image, is judged once
    return (_judge if len(text) <= _SHORT else _judge.__wrapped__)(text, plain_keys)


@lru_cache(maxsize=4096)
def _judge(text: str, plain_keys: frozenset[str]) -> bool:
    return bool(
        _CREDENTIAL.search(text)
        # most texts have none of what stands about a name
        or (_NAME_SIGN.search(text) and _named(text, _NAME, plain_keys))
        or ((": " in text or ":\t" in text) and _named(text, _NAME_OF_LINE, plain_keys))
    )


def secrets_in(
    value: Json,
    patterns: Collection[PathPattern] = (),
    path: Path = (),
    plain_keys: frozenset[str] = _NONE,
) -> Iterator[str]:
    """The texts at sensitive paths of a value, which may stand at any other path of the other side.

    An environment key that was renamed, or an argument that moved, would show them otherwise.
    """
    match value:
        case dict():
            for key, member in value.items():
                yield from secrets_in(member, patterns, (*path, key), plain_keys)
        case list():
            yield from _arguments(value, plain_keys).values()
            for index, member in enumerate(value):
                yield from secrets_in(member, patterns, (*path, index), plain_keys)
        case str() if len(value) >= _LEAST and _is_sensitive_place(path, patterns, plain_keys):
            yield value


def masked(
    path: Path,
    value: Json,
    patterns: Collection[PathPattern] = (),
    secrets: Collection[str] = (),
    plain_keys: frozenset[str] = _NONE,
) -> tuple[Json, bool]:
    """A value with everything sensitive in it replaced, and whether anything was.

    A block keeps its form; only the leaves that may not be shown are replaced: those at sensitive paths,
    those that are credentials, and those that hold one of ``secrets``. ``plain_keys`` are names that speak of
    no secret, whatever they sound like.
    """
    if is_sensitive(path, value, patterns, secrets, plain_keys):
        return MASK, True
    match value:
        case dict():
            pairs = [
                (key, *masked((*path, key), member, patterns, secrets, plain_keys))
                for key, member in value.items()
            ]
            return {key: member for key, member, _ in pairs}, any(hidden for *_, hidden in pairs)
        case list():
            arguments = _arguments(value, plain_keys)
            items = [
                (MASK, True)
                if index in arguments
                else masked((*path, index), member, patterns, secrets, plain_keys)
                for index, member in enumerate(value)
            ]
            return [member for member, _ in items], any(hidden for _, hidden in items)
    return value, False


def masked_text(text: str) -> str:
    """A message of somebody else's, with the credentials in it replaced."""
    text = _CREDENTIAL.sub(MASK, text)
    end, parts = 0, []
    for start, stop in _named(text, _NAME):
        parts += [text[end:start], MASK]
        end = stop
    return "".join((*parts, text[end:]))


def _named(text: str, names: re.Pattern[str], plain_keys: frozenset[str] = _NONE) -> list[tuple[int, int]]:
    """The places of the values in a text whose names speak of a secret."""
    found: list[tuple[int, int]] = []
    for each in names.finditer(text):
        name = each["name"] or each["member"]
        if name in plain_keys or not _speaks(name) or (found and each.end() < found[-1][1]):
            continue
        value = _VALUE.match(text, each.end())
        if value is None or _NO_SECRET.fullmatch(value[0]) or _counts(name, value[0]):
            continue
        found.append(value.span())
    return found


def _arguments(items: list[Json], plain_keys: frozenset[str]) -> dict[int, str]:
    """The elements that follow an option whose name speaks of a secret, by index: ``--password``, ``x``."""
    return {
        index: value
        for index, (option, value) in enumerate(pairwise(items), start=1)
        if isinstance(option, str)
        and isinstance(value, str)
        and value
        and not value.startswith("--")
        and (named := _OPTION.fullmatch(option))
        and named[1] not in plain_keys
        and _speaks(named[1])
        and not _counts(named[1], value)
    }


def _counts(name: str, value: str) -> bool:
    """Tell whether it is a number of things, as in ``max_tokens=512``."""
    return bool(_COUNTABLE.search(name) and _COUNT.fullmatch(value))


def _holds(text: str, secret: str) -> bool:
    return secret in text if len(secret) >= _LEAST else secret == text


def _is_sensitive_place(path: Path, patterns: Iterable[PathPattern], plain_keys: frozenset[str]) -> bool:
    return any(_covers(pattern, path) for pattern in patterns) or any(
        name == _ENVIRONMENT and isinstance(key, str) and key not in plain_keys and _speaks(key)
        for name, key in pairwise(path)
    )


def _covers(pattern: PathPattern, path: Path) -> bool:
    """As ``pattern.covers``, at any index: live may have at another one what desired has at this one."""
    return len(path) >= len(pattern.steps) and all(
        step is None or step == key or (isinstance(step, int) and isinstance(key, int))
        for step, key in zip(pattern.steps, path, strict=False)
    )


@lru_cache(maxsize=4096)
def _speaks(name: str) -> bool:
    """Tell whether a name speaks of a secret."""
    return bool(_SPEAKING_TEXT.search(name)) or any(
        _SPEAKING_WORD.fullmatch(word.lower()) for word in _WORD.findall(name)
    )
