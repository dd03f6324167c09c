"""``driftcheck.toml``: the operator's targets, trusted."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from driftcheck.errors import DriftcheckError, did_you_mean
from driftcheck.model import AMBIENT, Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Targets = dict[str, Target]

_TEXT = {"type": "string", "minLength": 1}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "targets": {
            "type": "object",
            "propertyNames": {"pattern": r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$"},
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "region": _TEXT | {"pattern": "^[a-z0-9-]+$"},
                    "account": _TEXT | {"pattern": "^[0-9]{12}$"},
                    "profile": _TEXT,
                    "role_arn": _TEXT | {"pattern": "^arn:[a-z-]+:iam::[0-9]{12}:role/.+$"},
                    "external_id": _TEXT,
                    "vars": {
                        "type": "object",
                        "propertyNames": {"pattern": r"^[A-Za-z0-9_][A-Za-z0-9_\-]*$"},
                        "additionalProperties": {"type": "string"},
                    },
                },
                "dependentRequired": {"external_id": ["role_arn"]},
                "additionalProperties": False,
            },
        }
    },
    "additionalProperties": False,
}


def load(path: Path | None, default: Path) -> Targets:
    """The targets of a configuration file, by name; ``default`` is read when none is named and it exists.

    Raises:
        DriftcheckError: the file cannot be read, is no TOML, or says what no target has.
    """
    if path is None and not default.exists():
        return {}
    file = path or default
    try:
        content = tomllib.loads(file.read_bytes().decode("utf-8"))
    except OSError as error:
        raise DriftcheckError(f"{file}: error: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DriftcheckError(f"{file}: error: not UTF-8 text") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise DriftcheckError(f"{file}: error: not TOML: {error}") from None
    if faults := _faults(content):
        raise DriftcheckError(*(f"{file}: error: {fault}" for fault in faults))
    return {name: _target(name, table) for name, table in content.get("targets", {}).items()}


def choose(targets: Targets, names: Iterable[str]) -> None:
    """Check that every name is a target's, or that of the ambient one.

    Raises:
        DriftcheckError: one is not; with the nearest that is.
    """
    for name in names:
        if name not in targets and name != AMBIENT:
            raise DriftcheckError(f"error: unknown target `{name}`{did_you_mean(name, targets)}")


def _target(name: str, table: Mapping[str, Any]) -> Target:
    return Target(
        name,
        region=table.get("region"),
        account=table.get("account"),
        profile=table.get("profile"),
        role_arn=table.get("role_arn"),
        external_id=table.get("external_id"),
        variables=table.get("vars", {}),
    )


def _faults(content: dict[str, Any]) -> list[str]:
    from jsonschema_rs import Draft202012Validator

    return [_fault(error) for error in Draft202012Validator(_SCHEMA).iter_errors(content)]


def _fault(error: Any) -> str:
    where = ".".join(str(step) for step in error.instance_path)
    if error.kind.name == "additionalProperties":
        table = _SCHEMA["properties"]["targets"]["additionalProperties"] if error.instance_path else _SCHEMA
        name = error.kind.value[0]
        place = f" in [{where}]" if where else ""
        return f"unknown key `{name}`{place}{did_you_mean(name, table['properties'])}"
    return f"`{where}`: {error.message[:200]}"
