"""The kinds of job definition: one row each, and everything else asked of botocore's service model.

What botocore does not hold (defaults that the service fills in, lists that are sets) stands here as rows
by member name; their source is AWS's documentation and answers seen on the service.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore
from botocore import xform_name
from botocore.loaders import create_loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from driftcheck import __version__
from driftcheck.model import KIND_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftcheck.model import Json

__all__ = [
    "ABSENT_MEANS",
    "ARN",
    "AWS_TAGS",
    "IDENTIFIER",
    "KINDS",
    "MAY_LACK",
    "READ_WITH",
    "SETS",
    "TAGS",
    "Kind",
    "ListShape",
    "MapShape",
    "Shape",
    "StructureShape",
    "is_of_aws",
    "is_void",
    "known_partition",
    "loader",
    "partition",
    "tags_of_aws",
]

READ_WITH = f"driftcheck {__version__}, botocore {botocore.__version__}"
"""What decides how an answer is read: botocore's version is that of its service model."""

IDENTIFIER = "JobDefinitionName"
ARN = "JobDefinitionArn"
TAGS = "Tags"
AWS_TAGS = "aws-tags-not-compared"
"""The code of the warning that tags of AWS's own are declared; it is in every result, once."""

ABSENT_MEANS: Mapping[str, Json] = {
    "S3InputMode": "File",
    "S3DataDistributionType": "FullyReplicated",
    "S3UploadMode": "EndOfJob",
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
}
"""What the service fills in for a member that Create was not sent, by the member's name."""

SETS: Mapping[str, str | None] = {"SecurityGroupIds": None, "Subnets": None, TAGS: "Key"}
"""List members whose order means nothing; the value names the member that identifies an element."""

MAY_LACK = frozenset({("MonitoringJobDefinitionSummary", "EndpointName")})
"""Required members, by shape, that true answers lack: a definition with a batch input has no endpoint."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job definition; ``name`` is what its operations are named after."""

    name: str

    @property
    def collection(self) -> str:
        """The key of its list in a desired file: ``model_quality_job_definitions``."""
        return str(xform_name(self.name)) + "s"

    @property
    def resource_type(self) -> str:
        """The type in its ARN: ``model-quality-job-definition``."""
        return str(xform_name(self.name, "-"))

    @property
    def describe(self) -> str:
        """The operation that reads one."""
        return f"Describe{self.name}"

    @property
    def list(self) -> str:
        """The operation that names those that exist."""
        return f"List{self.name}s"

    @property
    def answer(self) -> StructureShape:
        """The shape that Describe returns."""
        return _members(self).answer

    @property
    def request(self) -> StructureShape:
        """The shape that Create takes, which is what a file declares."""
        return _members(self).request

    @property
    def server_assigned(self) -> frozenset[str]:
        """Members that Describe returns and Create does not take."""
        return _members(self).server_assigned


KINDS: Mapping[str, Kind] = {name: Kind(name) for name in KIND_NAMES}


def is_void(shape: StructureShape, member: str, value: object) -> bool:
    """Tell whether a member equals an absent one: a ``{}`` for an optional block that requires something."""
    if value != {} or member in shape.required_members:
        return False
    block = shape.members.get(member)
    return isinstance(block, StructureShape) and bool(block.required_members)


def is_of_aws(tag: object) -> bool:
    """Tell whether a tag is one of AWS's own, which nobody can set: its key begins with ``aws:``."""
    return isinstance(tag, dict) and str(tag.get("Key")).startswith("aws:")


def tags_of_aws(properties: Mapping[str, Any]) -> list[int]:
    """Give the indices of AWS's own among the tags of a definition, whose members may be anything."""
    tags = properties.get(TAGS)
    return [index for index, tag in enumerate(tags) if is_of_aws(tag)] if isinstance(tags, list) else []


@cache
def loader() -> Any:
    """The botocore data loader of this process: sessions that share it parse the service model once."""
    return create_loader()


@dataclass(frozen=True, slots=True)
class _Members:
    """What a kind asks of the service model; it is asked for each definition, and is always the same."""

    answer: StructureShape
    request: StructureShape
    server_assigned: frozenset[str]


@cache
def _members(kind: Kind) -> _Members:
    answer = _model().operation_model(kind.describe).output_shape
    request = _model().operation_model(f"Create{kind.name}").input_shape
    return _Members(answer, request, frozenset(answer.members) - frozenset(request.members))


@cache
def _model() -> ServiceModel:
    return ServiceModel(loader().load_service_model("sagemaker", "service-2"), "sagemaker")


def partition(region: str | None) -> str:
    """The partition of a region, ``aws`` where it cannot be told."""
    return known_partition(region) or "aws"


@cache
def known_partition(region: str | None) -> str | None:
    """The partition of a region; None where botocore knows no such region."""
    for each in loader().load_data("partitions")["partitions"]:
        if region and re.fullmatch(each["regionRegex"], region):
            return str(each["id"])
    return None
