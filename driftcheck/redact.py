"""What may not be shown: sensitive paths and values, replaced before anything is rendered or logged."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from itertools import islice, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from driftcheck.model import Json, Path, PathPattern

MASK = "(sensitive)"

_ENVIRONMENT = "Environment"

# A name speaks of a secret by a text anywhere in it, or by a word of it: DB_PASS, dbPass, DBPass, PATs.
_SPEAKING_TEXT = re.compile(
    r"(?i)passw|pass(?:phrase|code)|pwd|secret|credential|token(?!i[sz])|webhook"
    r"|(?:private|api|access)[_\-. ]*key"
)
_WORD = re.compile(r"[A-Z]+s?(?![a-z])|[A-Z]?[a-z]+")
_LETTERS = re.compile(r"[a-z]+")
# How the name of a secret goes on, in one word with it: KEYFILE, HMACKEYV1, KEYB64.
_SUFFIX = (
    "(?:b|backup|base|data|dev|file|hex|id|json|live|material|new|next|old|pair|path|pem|primary|prod|secondary|staging"
    "|str|string|tab|test|text|txt|uri|url|v|version)?"
)
# Of the words of a name in lower case, joined by an underscore. What is a setting and no secret is named by
# the word that follows: AUTH_MODE, COOKIE_DOMAIN.
_SPEAKING_WORD = re.compile(
    rf"""
    (?<![a-z]) (?:
      (?! (?:by|com|over|sur|tres|under) pass (?![a-z]) ) [a-z]* pass {_SUFFIX}
    | (?! (?:don|flun|hoc|joc|lac|malar|mon|tur|turn|whis) keys? {_SUFFIX} (?![a-z]) )
      [a-z]* keys? {_SUFFIX}                                                    # SIGNINGKEY, and not KEYBOARD
    | (?! (?:com|ex|s) pats? (?![a-z]) ) [a-z]* pats? {_SUFFIX}                 # GITHUBPAT, and not COMPAT
    | (?! (?:mas)? sacred (?![a-z]) ) [a-z]* creds? {_SUFFIX}
    | [a-z]* (?: pw | ps+w | ps+wr?d ) {_SUFFIX} | pword
    | jwts? | jw[ek] | bearer | authorization | psks? | [kd]eks? | t?otps? | salts? | toks? | pfx
    | [a-z]* auth (?: n | z | entication )? (?: header | str | string | data | value | code )?
      (?! _ (?: audience | backend | client_id | database | db | disabled? | domain | enabled? | endpoint
              | host | issuer | mechanism | method | mode | name | plugin | port | provider | region
              | required? | scheme | scopes? | server | service | source | timeout | types? | ur[il] | user
              | username | version ) (?![a-z]) )
    | cookies?
      (?! _ (?: age | consent | domain | enabled | http | httponly | jar | lifetime | max | name | path
              | policy | same | samesite | secure | ttl ) (?![a-z]) )
    | session_?ids?
    | dsns? | conn(?:ection)?_?str(?:ing)?s?             # these mostly hold a password, whatever their form
    | [a-z]* (?:account|adls|azure|blob|container|queue|storage) sas | sas (?:key|ur[il])?
    | (?:admin|card|device|login|sim|user)? pin (?:code)?
      (?= \Z | _ (?: b | base | code | file | hash | number | value | v ) (?![a-z]) )   # and not PIN_MEMORY
    | (?<!ca_) (?<!cert_) (?<!certs_) (?<!certificate_) (?<!public_) (?<!chain_) (?<!bundle_) (?<!root_)
      (?: client | priv | private | server )? pem
    ) (?![a-z])
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
    | (?<![A-Za-z0-9\-]) (?i: X-Amz-Signature | X-Goog-Signature ) = [^&\s"'<>]+
    | jdbc:oracle:[a-z0-9]{1,9}:[^/@\s]{1,99}/[^@\s]{1,200}@
      # curl's user:password, and no docker's uid:gid
    | (?<![^\s"'=]) (?: -u | --user | --proxy-user ) (?: [=\s"',\\]{1,9} | (?<=u) ) (?! \d+:\d+ (?!\S) )
      [^:\s"'=,/]{1,200} : [^\s"',]+
    | (?<![A-Za-z]) (?i: login \s{1,9} \S{1,200} \s{1,9} password ) \s{1,9} \S+     # netrc
      # what follows the scheme of an Authorization header, and is no word, as in "basic monitoring"
    | (?<![A-Za-z]) (?i:basic) [ ]+ (?= [A-Za-z0-9+/]* (?: [0-9=] | [a-z][A-Z] ) )
      [A-Za-z0-9+/]{6,} =* (?![\w.\-])
    | (?<![A-Za-z]) (?i:bearer) [ ]+
      (?: (?= [A-Za-z_.~+/\-]* [0-9] ) [\w.~+/\-]{4,} | [\w.~+/\-]{20,} ) =*
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

# Addresses that whoever knows them may write to: of chats, alerts, automations and heartbeats. Apprise
# (BSD-2-Clause) has most of them as destinations.
_ADDRESS = re.compile(
    r"""
    (?: (?<![a-z0-9\-]) (?:
        hooks\.slack(?:-gov)?\.com | discord(?:app)?\.com/api/ (?:v\d+/)? webhooks
      | media\.guilded\.gg/webhooks
      | webhook\.office(?:365)?\.com | outlook\.office(?:365)?\.com/webhook | chat\.googleapis\.com/v1/spaces
      | open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot | hooks\.chime\.aws/incomingwebhooks
      | (?:webexapis|api\.ciscospark)\.com/v1/webhooks/incoming | api\.flock\.com/hooks/sendmessage
      | ryver\.com/application/webhook | hooks\.zapier\.com
      | hook\.(?:[a-z0-9]{1,9}\.)?(?:make|integromat)\.com
      | webhook\.site | pipedream\.net | maker\.ifttt\.com/ (?: use | [^\s"'<>]{0,200} with/key )
      | events\.(?:eu\.)?pagerduty\.com/ (?:integration|x-ere) | api\.pagertree\.com/integration
      | alert\.victorops\.com/integrations | api\.squadcast\.com/v\d+/incidents | api\.spike\.sh/v1/alerts
      | connect\.signl4\.com/webhook | api\.chanify\.net/v1/sender | api\.day\.app | sctapi\.ftqq\.com
      | api\.pushcut\.io | hc-ping\.com | hchk\.io | healthchecks\.io/ping | nosnch\.in
      | cronitor\.link | cronitor\.io/(?:p|ping) | ping\.checklyhq\.com | heartbeat\.uptimerobot\.com
      | uptime\.betterstack\.com/api/v1/heartbeat | betteruptime\.com/api/v1/heartbeat
      | api\.honeybadger\.io/v1/check_in
      ) / [^\s"'<>]+
    | (?<![a-z0-9\-]) api\.telegram\.org/bot [^\s"'<>/]+
    | (?<![a-z0-9\-]) notica\.us/\? [^\s"'<>]+
    # Mattermost, Rocket.Chat, n8n, Uptime Kuma, Healthchecks, Grafana and what else has a host of one's own
    | (?<=http) s? :// [^/\s"'<>]{1,200} / (?:[\w.\-]{1,99}/){0,9}?
      (?: (?: (?:web)? hooks? (?:-test)? | ping | heartbeat | push | incoming | integrations/v\d ) /
          (?: (?! (?:archive|blob|commit|raw|tree) / ) [\w.\-]{1,99} / )?
        | (?: secret | token | api[_\-]?key | key ) / )
      (?= [a-z0-9]{20} | [a-z_\-]{0,40}\d ) [\w\-]{16,} [^\s"'<>]*
    # the same as Apprise writes them
    | (?<![a-z0-9\-]) (?: bark | discord | flock | gchat | guilded | ifttt | matrix | mmosts? | msteams
        | ntfys? | pagerduty | pbul | pover | rockets? | ryver | slack | tgram | workflows? ) :// [^\s"'<>]+
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)

# The name of a value within a text: in a query or a connection string, as an option of a command, as a member
# of JSON, which may itself stand in JSON, of YAML, TOML or XML. A path has none: `s3://bucket/join_key=7/`
# assigns nothing.
_NAME = re.compile(
    r"""
      (?: \A | (?<=[\s,;?&\#|'"({\[]) ) (?P<option>--?)? (?P<name>[A-Za-z_][\w.\-]{0,99})
      (?: [ \t]{0,20} (?: =>? | := ) (?![=~]) [ \t]{0,20}
        | : (?! // | \d{1,9} (?: [:,)\s/] | \Z ) ) (?=\S)  # no line in a file: key.py:7
        | (?(option) (?: [\s\\]{1,99} | \\{0,9} ["'] \s{0,9} , \s{0,9} )
                     (?! \\{0,9} ["']? (?: -- | -[A-Za-z] (?![^\s"']) ) )
                   | (?!) ) )
    | \\{0,9}["'] (?P<member>[A-Za-z_][\w.\-\ ]{0,99}) \\{0,9}["'] \s{0,9} (?: : | =>? (?![=~]) ) \s{0,9}
    | [{,"'(\[] \s{0,9} (?P<flow>[A-Za-z_][\w.\-]{0,99}) \s{0,9} : \s{1,9}
    | (?: \A | (?<=[\s"'=]) ) / (?P<slash>[A-Za-z_][\w.\-]{0,99}) : [ ]?
    | < (?P<element>[A-Za-z_][\w.\-]{0,99}) (?: \s [^<>]{0,200} )? > (?!<)
    """,
    re.VERBOSE,
)
# In a line of a file, such as YAML, properties or headers; only of values, since messages begin so.
_NAME_OF_LINE = re.compile(
    r"""
    (?: ^ [ \t]{0,99} (?: -[ ] )? | (?<=[\s,;|&]) (?=\S{1,101}:\S) ) (?P<name>[A-Za-z_][\w.\-]{0,99})
    [ \t]{0,9} : (?! // | \d{1,5}/ )
    """,
    re.VERBOSE | re.MULTILINE,
)
# A name and its value as two members, elements or attributes: {"Name": "DB_PASSWORD", "Value": "..."}.
_NAMING = re.compile(
    r"""
    (?<!\w) (?: \w{0,40}(?:name|key) | field | header | id | k | n | param | parameter | variable )
    \\{0,9}["']? \s{0,9} (?: [:=] | > ) \s{0,9} \\{0,9}["']? (?P<name>[a-z_][\w.\-]{0,99}) (?![\w.\-])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_VALUED = re.compile(
    r"""(?<!\w) (?: \w{0,40}value | val | v ) \\{0,9}["']? \s{0,9} (?: [:=] | > ) \s{0,9}""",
    re.VERBOSE | re.IGNORECASE,
)
# A value may begin on the next line, as a block of YAML does.
_BEFORE_VALUE = re.compile(r"(?:[ \t]{0,9}[|>]?[+\-\d]{0,2}\r?\n(?=[ \t]))?[ \t]{0,99}")
_VALUE = re.compile(
    r"""
      "(?:[^"\\]|\\.)*"? | \\{1,9}"[^"]*" | '[^']*' | [\[{] \s* [^\]}\s] [\s\S]*
    | \\{0,9}["']? (?: \\[ ] | [^\s&;,"'<>}\]] )+
    """,
    re.VERBOSE | re.DOTALL,
)
# Printable ASCII and ends of lines as JSON, YAML and addresses may write them.
_ESCAPE = re.compile(
    r"""
      \\{1,9} (?: u00([2-7][0-9A-Fa-f]) | x([2-7][0-9A-Fa-f]) | U000000([2-7][0-9A-Fa-f])
                 | u000[aAdD] | [nr] )
    | %([2-7][0-9A-Fa-f]) | %0[aAdD]
    """,
    re.VERBOSE,
)
_DEPTH = 4
_NO_SECRET = re.compile(r"""\\{0,9}["']?(?:[{\[]|null|none|true|false|\\{0,9})["']?""", re.IGNORECASE)
_COUNTABLE, _COUNT = re.compile(r"(?i)tokens|keys"), re.compile(r"\d{1,19}")
_OPTION = re.compile(r"--?([A-Za-z][\w.\-]{0,99})")
# `-p` is not among them: it is a port or a path as often
_USER_OPTION = re.compile(r"-u|--user|--proxy-user")
_USER_AND_PASSWORD = re.compile(r"(?!\d+:\d+\Z)[^:/\s]+:.+")

RULES = sha256(
    "\n".join(value.pattern for value in list(globals().values()) if isinstance(value, re.Pattern)).encode()
).hexdigest()[:16]
"""Digest of the rules in this module."""

_NAME_SIGN = re.compile("""[=\"':<{-]""")
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
    return any(
        _CREDENTIAL.search(each)
        or ("/" in each and _ADDRESS.search(each))
        # most texts have none of what stands about a name
        or (_NAME_SIGN.search(each) and _named(each, _NAME, plain_keys))
        or (":" in each and _named(each, _NAME_OF_LINE, plain_keys))
        or _paired(each, plain_keys)
        for each in _readings(text)
    )


def _readings(text: str, end_of_line: str = "\n") -> Iterator[str]:
    r"""Yield the text, then how it reads without its escapes (``pass\u0077ord``, ``api%5Fkey``)."""
    yield text
    for _ in range(_DEPTH):
        if "\\" not in text and "%" not in text:
            return
        resolved = _ESCAPE.sub(
            lambda each: chr(int(each[each.lastindex], 16)) if each.lastindex else end_of_line, text
        )
        if resolved == text:
            return
        yield (text := resolved)


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
    masked = _masked_text(text)
    # one that shows only when its escapes are resolved is shown so, without it
    for resolved in islice(_readings(masked, " "), 1, None):
        if (shown := _masked_text(resolved)) != resolved:
            masked = shown
    return masked


def _masked_text(text: str) -> str:
    text = _ADDRESS.sub(MASK, _CREDENTIAL.sub(MASK, text))
    end, parts = 0, []
    for start, stop in sorted((*_named(text, _NAME), *_paired(text, _NONE))):
        if start >= end:
            parts += [text[end:start], MASK]
            end = stop
    return "".join((*parts, text[end:]))


def _named(text: str, names: re.Pattern[str], plain_keys: frozenset[str] = _NONE) -> list[tuple[int, int]]:
    """The places of the values in a text whose names speak of a secret."""
    found: list[tuple[int, int]] = []
    for each in names.finditer(text):
        name = each[each.lastgroup or 0]
        if name in plain_keys or not _speaks(name) or (found and each.end() < found[-1][1]):
            continue
        value = _value_from(text, each.end())
        if value is None or _NO_SECRET.fullmatch(value[0]) or _counts(name, value[0]):
            continue
        found.append(value.span())
    return found


def _value_from(text: str, start: int) -> re.Match[str] | None:
    before = _BEFORE_VALUE.match(text, start)
    return _VALUE.match(text, before.end() if before else start)


def _paired(text: str, plain_keys: frozenset[str]) -> list[tuple[int, int]]:
    """The places of all values that stand beside names, if a name speaks of a secret."""
    if not _VALUED.search(text):
        return []
    names = (each["name"] for each in _NAMING.finditer(text))
    if not any(name not in plain_keys and _speaks(name) for name in names):
        return []
    found: list[tuple[int, int]] = []
    end = 0
    for each in _VALUED.finditer(text):
        if each.end() >= end and (value := _value_from(text, each.end())):
            end = value.end()
            if not _NO_SECRET.fullmatch(value[0]):
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
        and (
            (
                (named := _OPTION.fullmatch(option))
                and named[1] not in plain_keys
                and _speaks(named[1])
                and not _counts(named[1], value)
            )
            or (_USER_OPTION.fullmatch(option) and _USER_AND_PASSWORD.fullmatch(value))
        )
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
    return bool(
        _SPEAKING_TEXT.search(name)
        or _SPEAKING_WORD.search("_".join(_WORD.findall(name)).lower())
        or _SPEAKING_WORD.search("_".join(_LETTERS.findall(name.lower())))
    )
