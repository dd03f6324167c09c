"""The least IAM policy that a check of a desired state needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftcheck.kinds import KINDS, TAGS, partition
from driftcheck.places import Prefix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftcheck.desired import DesiredState
    from driftcheck.model import Target


def policy(
    state: DesiredState, *, unmanaged: bool = True, state_at: Path | Prefix | None = None
) -> dict[str, Any]:
    """An IAM policy document, read actions only, for the role or user that runs the check.

    Describe and ListTags are limited to the declared kinds in the targets' accounts and regions. List has no
    resource in IAM; it is left out unless ``unmanaged`` is asked for. sts:GetCallerIdentity needs no
    permission. A target's ``role_arn`` is assumed by the base credentials, which also read what is kept at
    ``state_at``; the other statements are for that role.
    """
    statements = [
        *_statement("DescribeDeclared", _describe(state)),
        *_statement("ReadTagsOfDeclared", _tags(state)),
        *_statement("FindUnmanaged", _list(state) if unmanaged else iter(())),
        *_statement("AssumeTargetRoles", _roles(state)),
        *_statement("ReadState", _objects(state, state_at) if isinstance(state_at, Prefix) else iter(())),
    ]
    return {"Version": "2012-10-17", "Statement": statements}


Grant = tuple[str, str]
"""An action and the resource that it is allowed on."""


def _statement(sid: str, grants: Iterator[Grant]) -> list[dict[str, Any]]:
    """One statement for each set of actions that share their resources."""
    resources: dict[str, set[str]] = {}
    for action, resource in grants:
        resources.setdefault(action, set()).add(resource)
    shared: dict[tuple[str, ...], list[str]] = {}
    for action, on in sorted(resources.items()):
        shared.setdefault(tuple(sorted(on)), []).append(action)
    return [
        {
            "Sid": sid if len(shared) == 1 else f"{sid}{number}",
            "Effect": "Allow",
            "Action": actions,
            "Resource": on[0] if len(on) == 1 else list(on),
        }
        for number, (on, actions) in enumerate(shared.items(), start=1)
    ]


def _describe(state: DesiredState) -> Iterator[Grant]:
    targets = {target.name: target for target in state.targets}
    for address in (desired.address for desired in state.definitions):
        kind = KINDS[address.kind]
        yield f"sagemaker:{kind.describe}", _arn(targets[address.target], kind.resource_type)


def _tags(state: DesiredState) -> Iterator[Grant]:
    targets = {target.name: target for target in state.targets}
    for desired in state.definitions:
        if TAGS in desired.properties:
            kind = KINDS[desired.address.kind]
            yield "sagemaker:ListTags", _arn(targets[desired.address.target], kind.resource_type)


def _list(state: DesiredState) -> Iterator[Grant]:
    if state.targets:
        yield from ((f"sagemaker:{kind.list}", "*") for kind in KINDS.values())


def _roles(state: DesiredState) -> Iterator[Grant]:
    yield from (("sts:AssumeRole", target.role_arn) for target in state.targets if target.role_arn)


def _objects(state: DesiredState, place: Prefix) -> Iterator[Grant]:
    """Reading what lies under a prefix; S3 says of nothing that it is absent to those who may not list."""
    region = next((target.region for target in state.targets if target.region), None)
    bucket = f"arn:{partition(region)}:s3:::{place.bucket}"
    yield "s3:GetObject", f"{bucket}/{place.key('*')}"
    yield "s3:ListBucket", bucket


def _arn(target: Target, resource_type: str) -> str:
    """All definitions of a type in a target; SageMaker writes names in lower case there."""
    account = target.account or (target.role_arn or "::::*").split(":")[4]
    return f"arn:{partition(target.region)}:sagemaker:{target.region or '*'}:{account}:{resource_type}/*"
