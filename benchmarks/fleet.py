"""The definitions that every benchmark reads: what a number's definition is, and the files that declare it.

Number 123 is named ``d000123``, its kind is one of the four in turn, and the endpoint answers what the files
declare. Only names are here at import: the rivals are measured from their start.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

KINDS = (
    "ModelQualityJobDefinition",
    "DataQualityJobDefinition",
    "ModelBiasJobDefinition",
    "ModelExplainabilityJobDefinition",
)
ACCOUNT, REGION = "123456789012", "eu-west-1"
PER_FILE = 1000
"""Definitions of one desired file."""

_NAME_HERE = "churn"
"""What stands in the tests' definition wherever the name is put."""


def name_of(number: int) -> str:
    return f"d{number:06d}"


def kind_of(number: int) -> str:
    return KINDS[number % len(KINDS)]


def access_key(account: str, letters: str = "AKIA") -> str:
    """The access key of an account: the endpoint reads the account from it."""
    return f"{letters}BENCH{account}"


def account_of(target: int) -> str:
    return f"{200_000_000_000 + target}"


def target_name(target: int) -> str:
    return f"t{target:03d}"


@cache
def template(kind: str) -> dict[str, Any]:
    """Every member that a kind has but its tags, with ``churn`` where the name belongs.

    Tags would be a second call for each. What driftcheck warns of is left out.
    """
    from tests.functional.definitions import full

    definition = full(kind, _NAME_HERE)
    del definition["Tags"]
    if "Quality" in kind:
        del definition[f"{kind.removesuffix('JobDefinition')}JobInput"]["EndpointInput"]["FeaturesAttribute"]
    return definition


def named(text: str, name: str) -> str:
    """A template's text as that of one definition."""
    return text.replace(_NAME_HERE, name)


def parts(text: bytes) -> list[bytes]:
    """A template's text cut where the name belongs."""
    return text.split(_NAME_HERE.encode())


def write_desired(folder: Path, definitions: int, *, targets: int = 0, suffix: str = ".yaml") -> Path:
    """Declare so many definitions in files of ``PER_FILE``, and give their folder.

    Args:
        folder: where ``desired/`` is made.
        definitions: how many in all; each target has an equal share.
        targets: how many of ``write_targets``; 0 is the ambient target alone.
        suffix: ``.yaml`` or ``.json``.
    """
    desired = folder / "desired"
    desired.mkdir(parents=True)
    for target in range(max(targets, 1)):
        share = range(definitions // max(targets, 1))
        for start in range(0, len(share), PER_FILE):
            head = {"target": target_name(target)} if targets else {}
            text = _file(share[start : start + PER_FILE], head, suffix)
            (desired / f"{target:03d}-{start:06d}{suffix}").write_text(text, encoding="utf-8")
    return desired


def write_targets(folder: Path, targets: int) -> Path:
    """A ``driftcheck.toml`` of so many targets, each reached through a role in an account of its own."""
    tables = (
        f"[targets.{target_name(target)}]\n"
        f'region = "{REGION}"\n'
        f'account = "{account_of(target)}"\n'
        f'role_arn = "arn:aws:iam::{account_of(target)}:role/driftcheck"\n'
        for target in range(targets)
    )
    path = folder / "driftcheck.toml"
    path.write_text("\n".join(tables), encoding="utf-8")
    return path


def _file(numbers: range, head: dict[str, str], suffix: str) -> str:
    import json

    from tests.functional.definitions import section

    entries = {kind: _entry(kind, suffix) for kind in KINDS}
    lists = {
        section(kind): [
            named(entries[kind], name_of(number)) for number in numbers if kind_of(number) == kind
        ]
        for kind in KINDS
    }
    if suffix == ".json":
        members = [json.dumps({"version": 1, **head})[1:-1]]
        members += [f'"{key}": [' + ",\n".join(some) + "]" for key, some in lists.items()]
        return "{" + ",\n".join(members) + "}\n"
    lines = ["version: 1", *(f"{key}: {value}" for key, value in head.items())]
    for key, some in lists.items():
        lines += [f"{key}:" if some else f"{key}: []", *some]
    return "\n".join(lines) + "\n"


@cache
def _entry(kind: str, suffix: str) -> str:
    """One element of a file's list."""
    import json

    import yaml

    if suffix == ".json":
        return json.dumps(template(kind), indent=1)
    return str(yaml.safe_dump([template(kind)], sort_keys=False)).rstrip("\n")
