"""Causes: errors of one target that have one reason, told once.

Pure: the same errors always give the same causes, in the same order.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeAlias

from driftcheck.remedies import OPERATIONS, find_remedy, remedy_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from driftcheck.document.entries import Document, ErrorEntry
    from driftcheck.remedies import Remedy

Key: TypeAlias = tuple[str, str, str]
"""Kind, target and name of a definition."""

_Error: TypeAlias = tuple[Key | None, str]
"""Whose error it is, None for the target's own, and its message."""
_UNKNOWN: ErrorEntry = {"code": "Unknown", "message": "the result has no error"}
_MOST_MESSAGES = 3
"""Different messages of one code and remedy that are causes of their own; the rest are one more."""
_COMPARED = 200
"""Characters of a message that are compared: it was cut at its end."""
_READ = 2_000
"""Characters of a message that are looked at; a run cuts its own at 1,000."""
# What differs from one request to the next: ids, times, addresses, counts.
_VARIABLE = re.compile(r"\b(?:0x)?(?=[\w+/=-]*\d)[\w+/=-]+")
_WORD = re.compile(r"[\w-]+")
_UNLISTED = re.compile(r"(.*?: unmanaged )(\w+s(?:, \w+s)*)( are not looked for: .*)", re.DOTALL)
_ARN = re.compile(r"arn:[\w-]+:[\w-]*:[^\s\"',;]*")


@dataclass(frozen=True, slots=True)
class Cause:
    """What kept definitions of a target, or the target itself, from being read.

    ``message`` is the text of the first error, without the operation where they are of several. ``keys`` are
    the definitions, in the order of the errors. ``of_target`` tells that the target has the error itself.
    ``is_whole`` tells that no definition of the target was read.
    """

    target: str
    code: str
    message: str
    remedy: Remedy
    keys: Sequence[Key]
    of_target: bool
    is_whole: bool = False


def causes_of(document: Document) -> list[Cause]:
    """The causes of all errors of a document."""
    resources = document["resources"]
    errors = group_errors(
        chain(
            ((each["name"], None, each["error"]) for each in document["targets"] if each["error"]),
            (
                (each["target"], (each["kind"], each["target"], each["name"]), each["error"] or _UNKNOWN)
                for each in resources
                if each["status"] == "error"
            ),
        )
    )
    declared = Counter(each["target"] for each in resources if each["status"] != "unmanaged")
    return [replace(each, is_whole=len(each.keys) == declared[each.target] > 0) for each in errors]


def group_errors(errors: Iterable[tuple[str, Key | None, ErrorEntry]]) -> list[Cause]:
    """Group errors, each with its target and its definition (None: the target's own), by their causes.

    Causes are in the order of their targets, the one of the most definitions first.
    """
    found: dict[tuple[str, str, Remedy], dict[str, list[_Error]]] = {}
    # what differs by the name alone is looked at once: a fleet may have 100,000 of it
    known: dict[tuple[str, str, str | None], tuple[Remedy, str]] = {}
    for target, key, error in errors:
        code, message, profile = error["code"], error["message"], error.get("profile")
        unnamed = code, message.replace(key[2], "\0") if key and key[2] else message, profile
        if unnamed not in known:
            known[unnamed] = find_remedy(code, message, profile), _without_variables(message)
        remedy, text = known[unnamed]
        messages = found.setdefault((target, code, remedy), {})
        messages.setdefault(text, []).append((key, message))
    causes = [
        _cause(target, code, remedy, some)
        for (target, code, remedy), messages in found.items()
        for some in _few(_without_names(messages))
    ]
    return sorted(causes, key=lambda each: (each.target, -len(each.keys), each.code, each.message))


def join_operations(errors: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Join errors of one target, each a code and a message, that different operations met for one reason.

    The message of a joined one begins with all the operations: ``ListA, ListB: no permission``. The one of
    the most operations is first.
    """
    found: dict[tuple[str, ...], tuple[set[str], str]] = {}
    for code, message in sorted(errors):
        operations = match[1].split(", ") if (match := OPERATIONS.match(message)) else []
        text = message[match.end() :] if match else message
        remedy = remedy_text(find_remedy(code, f"{operations[0]}: {text}" if operations else text))
        is_refusal = any(operation in remedy for operation in operations)
        for operation in operations:
            remedy = remedy.replace(operation, "")
        key = (code, remedy) if is_refusal else (code, remedy, _without_variables(message))
        found.setdefault(key, (set(), text))[0].update(operations)
    ordered = sorted(found.items(), key=lambda each: (-len(each[1][0]), each[1][1], each[0]))
    return [
        (key[0], f"{', '.join(sorted(operations))}: {text}" if operations else text)
        for key, (operations, text) in ordered
    ]


def unlisted_text(target: str, kind: str, error: tuple[str, str]) -> str:
    """Warn that one kind could not be listed, in words that may be public: without the message of AWS."""
    code, message = error
    remedy = remedy_text(find_remedy(code, message))
    return f"{target}: unmanaged {kind}s are not looked for: {code}; {remedy}, or run with --no-unmanaged"


def join_unlisted(messages: Iterable[str]) -> list[str]:
    """Join warnings of ``unlisted_text`` that are of one target and reason, whatever their kinds."""
    found: dict[tuple[str, str], set[str]] = {}
    for message in messages:
        if match := _UNLISTED.fullmatch(message):
            start, kinds, rest = match.groups()
            form = start, rest.replace(_list_actions(kinds.split(", ")), "\0")
            found.setdefault(form, set()).update(kinds.split(", "))
        else:
            found.setdefault((message, ""), set())
    return sorted(
        f"{start}{', '.join(sorted(kinds))}{rest.replace(chr(0), _list_actions(sorted(kinds)))}"
        for (start, rest), kinds in found.items()
    )


def _list_actions(kinds: Iterable[str]) -> str:
    return ", ".join(f"`sagemaker:List{kind}`" for kind in kinds)


def _without_variables(message: str) -> str:
    """A message without what differs between the requests of one cause."""
    text = _ARN.sub("*", OPERATIONS.sub("", message[:_READ]))
    return _VARIABLE.sub("*", text)[:_COMPARED]


def _without_names(messages: Mapping[str, list[_Error]]) -> Iterable[list[_Error]]:
    """Put together what differs by the definition's name alone.

    A message that several definitions share does not hold a name, though one may be called as a word of it.
    """
    found: dict[str, list[_Error]] = {}
    for text, errors in messages.items():
        key, message = errors[0]
        if len(errors) == 1 and key is not None and (name := key[2].lower()) in message.lower():
            unnamed = _WORD.sub(lambda word: "*" if word[0].lower() == name else word[0], message[:_READ])
            found.setdefault(_without_variables(unnamed), []).extend(errors)
        else:
            found.setdefault(text, []).extend(errors)
    return found.values()


def _few(groups: Iterable[list[_Error]]) -> Iterator[list[_Error]]:
    ordered = iter(sorted(groups, key=len, reverse=True))
    yield from islice(ordered, _MOST_MESSAGES)
    if rest := list(chain.from_iterable(ordered)):
        yield rest


def _cause(target: str, code: str, remedy: Remedy, errors: Sequence[_Error]) -> Cause:
    return Cause(
        target,
        code,
        _told_message([message for _, message in errors]),
        remedy,
        [key for key, _ in errors if key is not None],
        any(key is None for key, _ in errors),
    )


def _told_message(messages: Sequence[str]) -> str:
    """The first message as AWS said it; it speaks for several operations without naming one of them."""
    operations = {match[0] if (match := OPERATIONS.match(message)) else "" for message in messages}
    return messages[0] if len(operations) == 1 else OPERATIONS.sub("", messages[0])
