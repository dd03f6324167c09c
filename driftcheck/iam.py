"""The least IAM policy that a check of a desired state needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftcheck.kinds import KINDS, TAGS, partition
from driftcheck.model import AMBIENT, Target
from driftcheck.places import Prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from driftcheck.desired import DesiredState


def policy(
    state: DesiredState,
    *,
    unmanaged: bool = True,
    state_at: Path | Prefix | None = None,
    region_of: Callable[[str | None], str | None] = lambda _: None,
) -> dict[str, Any]:
    """An IAM policy document, read actions only, for the role or user that runs the check.

    Describe and ListTags are limited to the declared kinds in the targets' accounts and regions. List has no
    resource in IAM; it is left out unless ``unmanaged`` is asked for. sts:GetCallerIdentity needs no
    permission. A target's ``role_arn`` is assumed by the base credentials, which also read what is kept at
    ``state_at``; the other statements are for that role.

    ``region_of`` gives the region that a profile names, or the ambient settings for None: it decides the
    partition of a target that has no region. The policy is for any region of it.
    """
    partitions = {target.name: _partition(target, region_of) for target in state.targets}
    statements = [
        *_statement("DescribeDeclared", _describe(state, partitions)),
        *_statement("ReadTagsOfDeclared", _tags(state, partitions)),
        *_statement("FindUnmanaged", _list(state) if unmanaged else iter(())),
        *_statement("AssumeTargetRoles", _roles(state)),
        *_statement(
            "ReadState", _objects(state, state_at, region_of) if isinstance(state_at, Prefix) else iter(())
        ),
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


def _describe(state: DesiredState, partitions: Mapping[str, str]) -> Iterator[Grant]:
    targets = {target.name: target for target in state.targets}
    for address in (desired.address for desired in state.definitions):
        kind = KINDS[address.kind]
        target = targets[address.target]
        yield f"sagemaker:{kind.describe}", _arn(partitions[target.name], target, kind.resource_type)


def _tags(state: DesiredState, partitions: Mapping[str, str]) -> Iterator[Grant]:
    targets = {target.name: target for target in state.targets}
    for desired in state.definitions:
        if TAGS in desired.properties:
            kind = KINDS[desired.address.kind]
            target = targets[desired.address.target]
            yield "sagemaker:ListTags", _arn(partitions[target.name], target, kind.resource_type)


def _list(state: DesiredState) -> Iterator[Grant]:
    if state.targets:
        yield from ((f"sagemaker:{kind.list}", "*") for kind in KINDS.values())


def _roles(state: DesiredState) -> Iterator[Grant]:
    yield from (("sts:AssumeRole", target.role_arn) for target in state.targets if target.role_arn)


def _objects(
    state: DesiredState, place: Prefix, region_of: Callable[[str | None], str | None]
) -> Iterator[Grant]:
    """Reading what lies under a prefix; S3 says of nothing that it is absent to those who may not list."""
    # it is read with the ambient credentials, which targets without a profile are reached with too
    ambient = [target for target in state.targets if not target.profile]
    tell = [*ambient, Target(AMBIENT, region_of(None)), *state.targets]
    first = next((target for target in tell if target.region or target.role_arn), Target(AMBIENT))
    bucket_in = _partition(first, region_of)
    bucket = f"arn:{bucket_in}:s3:::{place.bucket}"
    yield "s3:GetObject", f"{bucket}/{place.key('*')}"
    yield "s3:ListBucket", bucket


def _partition(target: Target, region_of: Callable[[str | None], str | None]) -> str:
    if target.role_arn and not target.region:
        return target.role_arn.split(":")[1]
    return partition(target.region or region_of(target.profile))


def _arn(in_partition: str, target: Target, resource_type: str) -> str:
    """All definitions of a type in a target; SageMaker writes names in lower case there."""
    region, account = target.region or "*", target.known_account or "*"
    return f"arn:{in_partition}:sagemaker:{region}:{account}:{resource_type}/*"
