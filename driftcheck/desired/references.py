"""``${var.NAME}``, ``${target.region}`` and ``${target.account}`` in desired strings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from driftcheck.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from driftcheck.model import Json, Path, Target

_REFERENCE = re.compile(r"\$(?P<escaped>\$\{)|\$\{(?P<name>\s*[A-Za-z_][\w\-]*(?:\.[\w\-]+)+\s*)\}", re.ASCII)
"""A dotted name in ``${}``; ``$${`` stands for a literal ``${``, and ``${PLAIN}`` is a program's own."""


def may_be_in(value: dict[str, Any] | list[Any]) -> bool:
    """Tell whether any string in a value has to be looked at: it holds a ``${``."""
    for each in value.values() if isinstance(value, dict) else value:
        if ("${" in each) if isinstance(each, str) else isinstance(each, (dict, list)) and may_be_in(each):
            return True
    return False


def known(target: Target, *, declared: bool) -> Mapping[str, str | None]:
    """What a target's references stand for; None where the target is declared without it."""
    if not declared:
        return {}
    return {
        "target.region": target.region,
        "target.account": target.account,
        **{f"var.{name}": text for name, text in target.variables.items()},
    }


def replace(
    value: Json, values: Mapping[str, str | None], path: Path, fault: Callable[[Path, str], None]
) -> Json:
    """A value with the references in its strings replaced; ``fault`` takes those that stand for nothing."""
    match value:
        case str() if "${" in value:
            return _REFERENCE.sub(lambda found: _text(found, values, path, fault), value)
        case dict():
            return {key: replace(member, values, (*path, key), fault) for key, member in value.items()}
        case list():
            return [replace(member, values, (*path, index), fault) for index, member in enumerate(value)]
    return value


def pattern(text: str) -> str:
    """A regular expression of all that a text may be, whatever its references stand for."""
    parts, end = [], 0
    for found in _REFERENCE.finditer(text):
        parts += [re.escape(text[end : found.start()]), re.escape("${") if found["escaped"] else ".*"]
        end = found.end()
    return "".join([*parts, re.escape(text[end:])])


def _text(
    found: re.Match[str],
    values: Mapping[str, str | None],
    path: Path,
    fault: Callable[[Path, str], None],
) -> str:
    if found["escaped"]:
        return "${"
    name = found["name"].strip()
    if (text := values.get(name)) is not None:
        return text
    if name in values:
        fault(path, f"`${{{name}}}`: driftcheck.toml does not say this target's {name.partition('.')[2]}")
    elif not values:
        fault(path, f"`${{{name}}}` needs a target of driftcheck.toml, and this file is for none")
    else:
        fault(path, f"`${{{name}}}` stands for nothing in driftcheck.toml{_nearest(name, values)}")
    return ""


def _nearest(name: str, values: Mapping[str, str | None]) -> str:
    """The reference that was meant; a literal ``${a.b}`` is written with another dollar sign before it."""
    return did_you_mean(name, values) or "; for the text itself, write `$${`"
