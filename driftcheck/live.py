"""What Describe answered, from the body's own bytes.

botocore's parser drops members that its service model does not have and lets values of other types pass,
so the answer is read here: modelled types or nothing, and what is unknown kept as it came.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from driftcheck.kinds import ARN, IDENTIFIER, MAY_LACK, TAGS, ListShape, MapShape, StructureShape, is_void
from driftcheck.model import Live

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftcheck.kinds import Kind, Shape
    from driftcheck.model import Json, Path

_CREATED = "CreationTime"
_MAX_BYTES = 4_000_000
"""Many times the longest true answer: a page of a List with 100 names and ARNs, of some 100 kB."""
_MAX_DEPTH = 64
"""The deepest member of any kind is the seventh from the top."""
_MAX_DIGITS = 18
"""What a 64-bit integer holds for certain; no member of any kind takes more."""
_MAX_EXACT = 2.0**53
"""Floats up to here are the integers that they look like."""
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
"""Half a pair, or a whole one; UTF-8 has it only as an escape."""
_AS_IT_IS: Mapping[str, type] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
}
"""The type of a value that JSON has in the modelled type already."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DamagedAnswerError(Exception):
    """The service answered with success, and what it answered cannot be trusted; one line says why."""


def read(kind: Kind, name: str, body: bytes) -> Live:
    """The definition that a Describe answer holds.

    Tags are no part of it: ListTags gives those, and only to a definition that declares some.

    Raises:
        DamagedAnswerError: it is no JSON object, is about another definition, lacks a member that the output
            shape requires, or has a value of a type that the member cannot have.
    """
    unknown: list[Path] = []
    answer = _object(body)
    answer.pop(TAGS, None)
    members = _typed(kind.answer, answer, (), unknown)
    if members.get(IDENTIFIER) != name:
        raise DamagedAnswerError(f"the answer is about {_named(members.get(IDENTIFIER))}, not about {name!r}")
    return Live(
        properties={
            key: value
            for key, value in members.items()
            if key != IDENTIFIER and key not in kind.server_assigned
        },
        arn=members[ARN],
        created_at=members[_CREATED],
        unknown=tuple(unknown),
    )


def read_answer(shape: StructureShape, body: bytes) -> dict[str, Any]:
    """The members of an answer to any other operation; times are in UTC.

    Raises:
        DamagedAnswerError: as for ``read``, whatever it is about.
    """
    return cast("dict[str, Any]", _typed(shape, _object(body), (), []))


def _object(body: bytes) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise DamagedAnswerError(f"the answer holds {constant}, which is no JSON")

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        answer = dict(members)
        if len(answer) != len(members):
            raise DamagedAnswerError("the answer names a member twice")
        return answer

    if len(body) > _MAX_BYTES:
        raise DamagedAnswerError(f"the answer is longer than {_MAX_BYTES:,} bytes")
    try:
        answer = json.loads(
            body.decode("utf-8"),  # json would guess at the encoding, and let half a surrogate pair pass
            parse_constant=refuse,
            parse_float=_finite,
            parse_int=_bounded,
            object_pairs_hook=pairs,
        )
    except (ValueError, RecursionError):
        raise DamagedAnswerError("the answer is no JSON") from None
    if not isinstance(answer, dict):
        raise DamagedAnswerError("the answer is no JSON object")
    # neither can be in most answers, and to look at each value takes longer than to parse them all
    if body.count(b"{") + body.count(b"[") > _MAX_DEPTH or _SURROGATE.search(body):
        _hold_together(answer, 1)
    return answer


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise DamagedAnswerError("the answer holds a number that is too large")
    return number


def _bounded(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise DamagedAnswerError("the answer holds a number that is too large")
    return int(text)


def _hold_together(value: Any, depth: int) -> None:
    """Refuse what no report could show, wherever it stands: what is not known is not looked at again."""
    if depth > _MAX_DEPTH:
        raise DamagedAnswerError(f"the answer is nested more than {_MAX_DEPTH} levels deep")
    match value:
        case str():
            if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
                raise DamagedAnswerError("the answer has half of a surrogate pair")
        case dict():
            for key, member in value.items():
                _hold_together(key, depth)
                _hold_together(member, depth + 1)
        case list():
            for member in value:
                _hold_together(member, depth + 1)


def _typed(shape: Shape, value: Any, path: Path, unknown: list[Path]) -> Any:
    """A value in the type of its shape; members that are null are absent, as botocore reads them.

    A structure without a member that its shape requires is damage, at any depth.
    """
    if type(value) is _AS_IT_IS.get(shape.type_name):
        return value
    if isinstance(shape, StructureShape):
        members = {}
        for key, member in _checked(value, dict, path).items():
            if member is None or is_void(shape, key, member):
                continue
            if key in shape.members:
                members[key] = _typed(shape.members[key], member, (*path, key), unknown)
            else:
                unknown.append((*path, key))
                members[key] = member
        for key in shape.required_members:
            if key not in members and (shape.name, key) not in MAY_LACK:
                raise DamagedAnswerError(f"the answer has no {_shown((*path, key))}")
        return members
    if isinstance(shape, MapShape):
        return {
            key: _typed(shape.value, member, (*path, key), unknown)
            for key, member in _checked(value, dict, path).items()
        }
    if isinstance(shape, ListShape):
        return [
            _typed(shape.member, member, (*path, index), unknown)
            for index, member in enumerate(_checked(value, list, path))
        ]
    return _scalar(shape.type_name, value, path)


def _scalar(type_name: str, value: Any, path: Path) -> Json | datetime:
    match type_name:
        case "boolean":
            return _checked(value, bool, path)  # type: ignore[no-any-return]
        case "integer" | "long":
            if isinstance(value, float) and value.is_integer() and abs(value) < _MAX_EXACT:
                value = int(value)
            return _checked(value, int, path)  # type: ignore[no-any-return]
        case "float" | "double":
            return float(value) if type(value) is int else _checked(value, float, path)
        case "timestamp":
            return _timestamp(value, path)
    return _checked(value, str, path)  # type: ignore[no-any-return]


def _checked(value: Any, wanted: type, path: Path) -> Any:
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise DamagedAnswerError(f"the answer has a value of the wrong type at {_shown(path)}")
    return value


def _timestamp(value: Any, path: Path) -> datetime:
    moment: datetime | None
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        else:
            moment = None if isinstance(value, bool) else datetime.fromtimestamp(value, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        moment = None
    if moment is None or moment < _EPOCH:
        raise DamagedAnswerError(f"the answer has no time at {_shown(path)}")
    return moment


def _named(name: object) -> str:
    return repr(name) if isinstance(name, str) else "no definition"


def _shown(path: Path) -> str:
    return ".".join(map(str, path)) or "its top"
