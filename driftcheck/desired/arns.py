"""ARNs in desired files, held against the account and region of the files' targets.

Such an ARN is not compared with AWS. One of another place tells that the run looks in the wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from driftcheck.desired.faults import MAX_FAULTS
from driftcheck.kinds import ARN, known_partition
from driftcheck.model import Invalid, Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from driftcheck.kinds import Kind
    from driftcheck.model import Target

_FORM = re.compile(r"arn:([^:]*):sagemaker:([^:]*):([^:]*):([^/:]*)/(.*)", re.DOTALL)
_SAYABLE = re.compile(r"[A-Za-z0-9-]{1,63}")
_LOOK_ELSEWHERE = f"check the region and the credentials, or delete {ARN} from the file"
_CORRECT = f"correct {ARN}, or delete it from the file"
_MOST_TARGETS = 3


class Place(Protocol):
    """Where a target is; None for what is not known."""

    @property
    def region(self) -> str | None:
        """Such as ``eu-west-1``."""

    @property
    def account(self) -> str | None:
        """Its 12 digits."""


class Claim(NamedTuple):
    """The place that an ARN names, to be that of a target."""

    target: str
    partition: str
    region: str
    account: str


Undecided: TypeAlias = Mapping[tuple[Claim, ...], "list[Location]"]
"""Claims of which one has to hold, once more is known of their targets, and where files make them."""


class Known(NamedTuple):
    """A target's place as far as it is known."""

    region: str | None
    account: str | None


def known_place(target: Target, region: str | None) -> Known:
    """Give the place of a target in this region before it is reached."""
    role_account = target.role_arn.split(":")[4] if target.role_arn else None
    return Known(region, target.account or role_account)


def judge(
    kind: Kind, given: Iterable[tuple[str, str, str | None]], places: Mapping[str, Place]
) -> tuple[Claim, ...] | str:
    """Hold the ARN of a definition against its targets.

    Args:
        kind: the definition's.
        given: for each target its name, the ARN, and the definition's name; None where the file gives none.
        places: where the targets are, by name.

    Returns:
        The claims that are still undecided, none where the ARN fits a target; or how it fits none of them.
    """
    claims, unfit, remedy = [], [], _LOOK_ELSEWHERE
    for target, arn, name in given:
        parts = _FORM.fullmatch(arn)
        if parts is None:
            return f"{ARN} is not the ARN of a SageMaker resource: {_CORRECT}"
        claim = Claim(target, *(part.lower() for part in parts.groups()[:3]))
        place = places[target]
        another = [*_of_another_definition(parts, kind, name)]
        if wrong := [*another, *_unfit(claim, place)]:
            remedy = _CORRECT if another else remedy
            unfit.append(f"{', '.join(wrong)} (target `{target}`)")
        elif place.region is None or place.account is None:
            claims.append(claim)
        else:
            return ()
    return tuple(claims) or _message(unfit, remedy)


def misplaced(undecided: Undecided, places: Mapping[str, Place]) -> list[Invalid]:
    """Find the ARNs that fit none of their targets, now that more of these places is known."""
    found: list[tuple[Location, str]] = []
    for claims, locations in undecided.items():
        unfit = []
        for claim in claims:
            place = places.get(claim.target)
            if place is None or not (wrong := [*_unfit(claim, place)]):
                break
            unfit.append(f"{', '.join(wrong)} (target `{claim.target}`)")
        else:
            message = _message(unfit, _LOOK_ELSEWHERE)
            found += ((location, message) for location in locations)
    found.sort()
    faults = [Invalid(location, message) for location, message in found[:MAX_FAULTS]]
    if more := len(found) - len(faults):
        faults.append(Invalid(found[MAX_FAULTS][0].file, f"{more:,} more errors like these are left out"))
    return faults


def _message(unfit: list[str], remedy: str) -> str:
    more = f"; {len(unfit) - _MOST_TARGETS:,} more targets" if len(unfit) > _MOST_TARGETS else ""
    return f"{ARN} fits no target of this file: {'; '.join(unfit[:_MOST_TARGETS])}{more}: {remedy}"


def _of_another_definition(parts: re.Match[str], kind: Kind, name: str | None) -> Iterator[str]:
    if parts[4].lower() != kind.resource_type:
        yield f"resource type {_said(parts[4])} instead of {kind.resource_type}"
    # AWS writes names in lower case in ARNs
    if name is not None and parts[5].lower() != name.lower():
        yield "the name of another definition"


def _unfit(claim: Claim, place: Place) -> Iterator[str]:
    partition = known_partition(place.region or claim.region)
    for what, named, wanted in (
        ("partition", claim.partition, partition),
        ("region", claim.region, place.region),
        ("account", claim.account, place.account),
    ):
        if wanted is not None and named != wanted.lower():
            yield f"{what} {_said(named)} instead of {wanted}"


def _said(text: str) -> str:
    """Quote a part of an ARN; a text that is none may be a secret."""
    return text if _SAYABLE.fullmatch(text) else "(not valid)"
