"""``driftcheck.toml``: the operator's targets, trusted."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from driftcheck.errors import DriftcheckError, did_you_mean
from driftcheck.model import AMBIENT, Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
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
        },
        "nightly": {
            "type": "object",
            "properties": {
                "ping": _TEXT,
                "every": _TEXT | {"pattern": "^[1-9][0-9]{0,4}[smhdw]$"},
                "notify": {
                    "type": "object",
                    "properties": {
                        "sns_topic_arn": _TEXT
                        | {"pattern": r"^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+$"},
                        "event_bus": _TEXT
                        | {"pattern": "^(arn:[a-z-]+:events:[a-z0-9:-]+/)?[A-Za-z0-9_./-]+$"},
                        "apprise_env": {
                            "type": "array",
                            "items": _TEXT | {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
                            "uniqueItems": True,
                        },
                    },
                    "additionalProperties": False,
                },
                "metrics": {
                    "type": "object",
                    "properties": {
                        "cloudwatch": _TEXT | {"pattern": "^(?!AWS/)[A-Za-z0-9_./#-]{1,255}$"},
                        "textfile": _TEXT | {"pattern": r"\.prom$"},
                    },
                    "additionalProperties": False,
                },
            },
            "additionalProperties": False,
        },
        "redact": {
            "type": "object",
            "properties": {"plain_keys": {"type": "array", "items": _TEXT, "uniqueItems": True}},
            "additionalProperties": False,
        },
        "s3": {
            "type": "object",
            "properties": {
                "sse": {"enum": ["AES256", "aws:kms", "aws:kms:dsse"]},
                "sse_kms_key_id": _TEXT,
            },
            "dependentRequired": {"sse_kms_key_id": ["sse"]},
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
_TYPES = {"object": "a table", "array": "a list", "string": "a string"}
_MEANING = {
    "region": "region, such as eu-west-1",
    "account": "account: 12 digits",
    "role_arn": "ARN of an IAM role, such as arn:aws:iam::123456789012:role/driftcheck",
    "sns_topic_arn": "ARN of an SNS topic, such as arn:aws:sns:eu-west-1:123456789012:drift",
    "event_bus": "name or ARN of an event bus, such as default",
    "apprise_env": "name of an environment variable, such as CHAT_URL: the URL in it is a secret",
    "cloudwatch": "namespace of CloudWatch, such as driftcheck",
    "every": "time between two runs, such as 24h",
    "sse": "encryption of S3: write AES256, aws:kms or aws:kms:dsse",
    "textfile": "file whose name ends with .prom, as Prometheus' textfile collector reads them",
}


_WEB = re.compile(r"https?://[^\s/]\S*")
_AGE = re.compile(r"([0-9]{1,5})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PUT_OBJECT = {"sse": "ServerSideEncryption", "sse_kms_key_id": "SSEKMSKeyId"}
_VARIABLE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Notify:
    """Where notices go: the ARN of an SNS topic, the name or ARN of an event bus, and Apprise.

    ``apprise_env`` are environment variables, each of which holds one of Apprise's URLs, a secret.
    """

    sns_topic_arn: str | None = None
    event_bus: str | None = None
    apprise_env: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Publish:
    """Where metrics go: a namespace of CloudWatch, and a file for Prometheus' textfile collector."""

    cloudwatch: str | None = None
    textfile: str | None = None


@dataclass(frozen=True, slots=True)
class Nightly:
    """What ``[nightly]`` says: ``ping`` is the URL that is told of the start and the end of a run."""

    ping: str | None = None
    notify: Notify = Notify()
    metrics: Publish = Publish()


def load(path: Path | None, default: Path) -> Targets:
    """The targets of a configuration file, by name; ``default`` is read when none is named and it exists.

    Raises:
        DriftcheckError: the file cannot be read, is no TOML, or says what it cannot.
    """
    tables = _read(path, default).get("targets", {})
    return {name: _target(name, table) for name, table in tables.items()}


def nightly(path: Path | None, default: Path) -> Nightly:
    """What the same file says of the nightly run; ``${env:NAME}`` stands for a variable of the environment.

    Raises:
        DriftcheckError: as ``load``, or a variable is not set. No value is in a message: it may be a secret.
    """
    table = _read(path, default).get("nightly", {})
    ping = table.get("ping")
    if ping is not None:
        ping = expanded(ping, "[nightly] ping", path or default)
        if not _WEB.fullmatch(ping):
            raise DriftcheckError(f"{path or default}: error: [nightly] ping is no http or https URL")
    notify = {**table.get("notify", {})}
    notify["apprise_env"] = tuple(notify.get("apprise_env", ()))
    return Nightly(ping, Notify(**notify), Publish(**table.get("metrics", {})))


def every(path: Path | None, default: Path) -> timedelta | None:
    """How often the same file says that runs are expected; None to tell it by the runs that were.

    Raises:
        DriftcheckError: as ``load``.
    """
    said = _read(path, default).get("nightly", {}).get("every")
    return None if said is None else age(said)


def encryption(path: Path | None, default: Path) -> tuple[tuple[str, str], ...]:
    """How the same file has S3 encrypt what is put there: arguments of PutObject, none for the bucket's way.

    Raises:
        DriftcheckError: as ``load``.
    """
    return tuple((_PUT_OBJECT[key], value) for key, value in _read(path, default).get("s3", {}).items())


def plain_keys(path: Path | None, default: Path) -> frozenset[str]:
    """Environment keys that the same file says speak of no secret.

    Raises:
        DriftcheckError: as ``load``.
    """
    return frozenset(_read(path, default).get("redact", {}).get("plain_keys", ()))


def age(text: str) -> timedelta:
    """The time that a text such as ``12h`` or ``7d`` names.

    Raises:
        ValueError: it names none.
    """
    found = _AGE.fullmatch(text)
    if found is None:
        raise ValueError(f"`{text}` is no age: write it as 12h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def expanded(text: str, where: str, file: Path) -> str:
    """A text of the file with ``${env:NAME}`` replaced; ``where`` is what a message calls its place.

    Raises:
        DriftcheckError: a variable is not set.
    """
    for name in _VARIABLE.findall(text):
        if name not in os.environ:
            raise DriftcheckError(f"{file}: error: {where}: the environment variable {name} is not set")
    return _VARIABLE.sub(lambda found: os.environ[found[1]], text)


def _read(path: Path | None, default: Path) -> dict[str, Any]:
    if path is None and not os.path.lexists(default):
        return {}
    file = path or default
    try:
        content = tomllib.loads(file.read_bytes().decode("utf-8"))
    except OSError as error:
        raise DriftcheckError(f"{file}: error: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DriftcheckError(f"{file}: error: not UTF-8 text") from None
    except (ValueError, RecursionError) as error:
        raise DriftcheckError(f"{file}: error: not TOML: {error}") from None
    if faults := _faults(content):
        raise DriftcheckError(*(f"{file}: error: {fault}" for fault in faults))
    return content


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

    errors = Draft202012Validator(_SCHEMA).iter_errors(_as_json(content))
    return sorted(fault for error in errors for fault in _said(error))


def _as_json(value: Any) -> Any:
    """A value of TOML with what JSON has no type for as null, which no key here takes."""
    match value:
        case dict():
            return {key: _as_json(member) for key, member in value.items()}
        case list():
            return [_as_json(element) for element in value]
        case str() | bool():
            return value
        case int() if abs(value) < 1 << 63:
            return value
    return None


def _at(path: Iterable[str]) -> dict[str, Any]:
    """What the schema says of the table at a path."""
    table = _SCHEMA
    for step in path:
        known = table.get("properties", {})
        table = known[step] if step in known else table["additionalProperties"]
    return table


def _said(error: Any) -> Iterator[str]:
    """What is wrong, without the value: a key in the wrong place may hold a secret."""
    path = list(error.instance_path)
    where = ".".join(map(str, path))
    place, found = (f" in [{where}]" if where else ""), error.kind
    match found.name:
        case "additionalProperties":
            for name in found.value:
                yield f"unknown key `{name}`{place}{did_you_mean(name, _at(path)['properties'])}"
        case "dependentRequired" | "required":
            for key, (needed,) in _at(path)["dependentRequired"].items():
                yield f"{key} needs {needed}{place}"
        case "type":
            yield f"`{where}` must be {_TYPES[found.value[0]]}"
        case "uniqueItems":
            yield f"`{where}` names one twice"
        case "propertyNames":
            yield f"`{found.value.instance}`{place} is no name: use letters, digits, _ and -"
        case "minLength":
            yield f"`{where}` is empty"
        case _:
            key = next(step for step in reversed(path) if isinstance(step, str))
            yield f"`{where}` is no {_MEANING[key]}"
