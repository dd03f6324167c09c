"""Digests of what is declared, by which the results of one run know each other."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

from driftcheck.desired.kept import Packed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from driftcheck.model import Desired, Target


def of_targets(targets: Iterable[Target], definitions: Iterable[Desired]) -> dict[str, str]:
    """A digest for each target: of how it is reached, and of all that is declared for it.

    It is the same on any machine, wherever the files are and in whatever order they are read.
    """
    found = {
        target.name: sha256(
            repr(
                (target.region, target.account, target.role_arn, target.profile, target.external_id)
            ).encode()
        )
        for target in targets
    }
    for desired in sorted(definitions, key=lambda each: (each.address.kind, each.address.name)):
        found[desired.address.target].update(repr(_declared(desired)).encode())
    return {name: digest.hexdigest()[:16] for name, digest in found.items()}


def with_options(found: Mapping[str, str], *options: object) -> dict[str, str]:
    """The digests with what the operator's options make of the same declarations."""
    return {name: sha256(repr((digest, options)).encode()).hexdigest()[:16] for name, digest in found.items()}


def _declared(desired: Desired) -> tuple[object, ...]:
    properties = desired.properties
    content = properties.content if isinstance(properties, Packed) else json.dumps(dict(properties)).encode()
    return (
        desired.address.kind,
        desired.address.name,
        content,
        [(rule.pattern.text, rule.reason, rule.until and rule.until.isoformat()) for rule in desired.ignore],
        [pattern.text for pattern in desired.sensitive],
    )
