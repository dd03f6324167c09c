"""What the fake AWS holds and how it answers a call: SageMaker's job definitions, tags, STS and S3.

It answers as the service does (defaults filled in, pages, error codes) and refuses what would change it.
"""

from __future__ import annotations

import base64
import binascii
import copy
import hashlib
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from math import inf
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from tests.functional import faults
from tests.functional.definitions import ACCOUNT, KINDS, REGION, Definition, section
from tests.functional.faults import Bucket, Call, Refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

ACCESS_KEY = "TESTINGTESTINGTESTING"
"""An access key of ``ACCOUNT`` that every cloud knows; nothing checks its secret."""

CREATED_AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
RECREATED_AT = datetime(2026, 11, 23, 21, 14, 52, tzinfo=UTC)

ABSENT: Final = object()
"""For ``Cloud.mutate``: the member goes away."""

_REPEATED_TOKEN = "bmV2ZXIgZW5kaW5n"
_LIST_PARAMETERS = {"MaxResults", "NextToken", "NameContains", "EndpointName", "SortBy", "SortOrder"}


@dataclass(frozen=True, slots=True)
class Paging:
    """How a list is cut into pages.

    At most ``size`` entries whatever is asked for; an empty page with a token before the first; or the first
    page for ever, with the same token.
    """

    size: int = 100
    empty_first: bool = False
    repeats: bool = False


@dataclass(slots=True)
class _Stored:
    arn: str
    created_at: float
    members: Definition
    tags: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: str = "application/x-amz-json-1.1"
    location: str | None = None
    etag: str | None = None

    def head(self, length: int | None = None) -> bytes:
        """The status line and the headers, with another length than the body's if one is given."""
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body) if length is None else length}",
            f"x-amzn-RequestId: {uuid.UUID(int=self.status)}",
        ]
        if self.location is not None:
            lines.append(f"Location: {self.location}")
        if self.etag is not None:
            lines.append(f'ETag: "{self.etag}"')
        return "\r\n".join([*lines, "\r\n"]).encode()


class _RefusedError(Exception):
    def __init__(self, refuse: Refuse) -> None:
        super().__init__(refuse.code)
        self.refuse = refuse


@dataclass
class Cloud:
    """Definitions by account, region, kind and name, and the calls that read them.

    Attributes:
        bucket: the rate at which SageMaker's calls are let through; None is any rate.
        paging: how the List actions page; ``tag_paging`` is that of ListTags.
        accounts: the account of each access key that it knows; ``AssumeRole`` adds those it gives out.
        external_ids: the ExternalId that a role's ARN asks for.
        lifetime: how long the credentials of a role are said to live; ``taken_for`` are the seconds for which
            they really are taken.
        objects: what lies on S3, by bucket and key, as in ``bucket/a/key``; ``buckets`` are those that exist.
    """

    bucket: Bucket | None = None
    paging: Paging = Paging()
    tag_paging: Paging = Paging(size=50)
    accounts: dict[str, str] = field(default_factory=lambda: {ACCESS_KEY: ACCOUNT})
    external_ids: dict[str, str] = field(default_factory=dict)
    lifetime: timedelta = timedelta(hours=1)
    taken_for: float = inf
    buckets: set[str] = field(default_factory=lambda: {"states"})
    objects: dict[str, bytes] = field(default_factory=dict)
    _expiries: dict[str, float] = field(default_factory=dict, init=False)
    _definitions: dict[tuple[str, str, str, str], _Stored] = field(default_factory=dict, init=False)

    def create(
        self,
        kind: str,
        definition: Definition,
        *,
        account: str = ACCOUNT,
        region: str = REGION,
        created_at: datetime = CREATED_AT,
    ) -> str:
        """Store what Create would store of this input, defaults filled in; gives the ARN."""
        members = copy.deepcopy(definition)
        tags = members.pop("Tags", [])
        _fill_in(kind, members)
        name = members["JobDefinitionName"]
        resource_type = section(kind)[:-1].replace("_", "-")
        arn = f"arn:aws:sagemaker:{region}:{account}:{resource_type}/{name.lower()}"
        self._definitions[account, region, kind, name] = _Stored(arn, created_at.timestamp(), members, tags)
        return arn

    def mutate(
        self,
        kind: str,
        name: str,
        path: Sequence[str | int],
        value: Any,
        *,
        account: str = ACCOUNT,
        region: str = REGION,
        recreated_at: datetime = RECREATED_AT,
    ) -> None:
        """Put a value (or ``ABSENT``) at a path of a stored definition, as if it had been made anew.

        Nothing checks it: any member, name or type is stored. ``("Tags",)`` sets the tags.
        """
        stored = self._definitions[account, region, kind, name]
        stored.created_at = recreated_at.timestamp()
        if tuple(path) == ("Tags",):
            stored.tags = copy.deepcopy(value)
            return
        at: Any = stored.members
        for step in path[:-1]:
            at = at[step]
        if value is ABSENT:
            del at[path[-1]]
        elif isinstance(at, list) and path[-1] == len(at):
            at.append(copy.deepcopy(value))
        else:
            at[path[-1]] = copy.deepcopy(value)

    def delete(self, kind: str, name: str, *, account: str = ACCOUNT, region: str = REGION) -> None:
        """Forget a definition."""
        del self._definitions[account, region, kind, name]

    def reply(self, call: Call) -> Reply:
        """The true answer to a call."""
        try:
            if call.is_sts:
                return self._sts(call)
            if call.is_s3:
                return self._s3(call)
            return Reply(200, json.dumps(self._sagemaker(call)).encode())
        except _RefusedError as refused:
            return refusal(refused.refuse, call)

    def _sagemaker(self, call: Call) -> Definition:
        if not call.account:
            raise _RefusedError(faults.UNKNOWN_KEY)
        if time.monotonic() > self._expiries.get(call.access_key, inf):
            raise _RefusedError(faults.EXPIRED)
        if self.bucket is not None and not self.bucket.admits(call):
            raise _RefusedError(faults.THROTTLED)
        for kind in KINDS:
            if call.action == f"Describe{kind}":
                return self._describe(kind, call)
            if call.action == f"List{kind}s":
                return self._list(kind, call)
        if call.action == "ListTags":
            return self._list_tags(call)
        raise _RefusedError(faults.DENIED)

    def _describe(self, kind: str, call: Call) -> Definition:
        stored = self._definitions.get((call.account, call.region, kind, call.name))
        if stored is None:
            raise _RefusedError(
                Refuse(400, "ResourceNotFound", f"Could not find {section(kind)[:-1]} {call.name}.")
            )
        assigned = {"JobDefinitionArn": stored.arn, "CreationTime": stored.created_at}
        return {"JobDefinitionName": call.name, **assigned, **stored.members}

    def _list(self, kind: str, call: Call) -> Definition:
        if not call.parameters.keys() <= _LIST_PARAMETERS:
            raise _invalid(f"not a parameter here: {sorted(call.parameters.keys() - _LIST_PARAMETERS)}")
        summaries = [
            _summary(name, stored)
            for (account, region, its_kind, name), stored in list(self._definitions.items())
            if (account, region, its_kind) == (call.account, call.region, kind)
            and call.parameters.get("NameContains", "") in name
        ]
        endpoint = call.parameters.get("EndpointName")
        if endpoint is not None:
            summaries = [summary for summary in summaries if summary.get("EndpointName") == endpoint]
        by = "MonitoringJobDefinitionName" if call.parameters.get("SortBy") == "Name" else "CreationTime"
        summaries.sort(key=lambda summary: summary["MonitoringJobDefinitionName"])
        summaries.sort(key=lambda s: s[by], reverse=call.parameters.get("SortOrder") != "Ascending")
        return _page("JobDefinitionSummaries", summaries, self.paging, call, default=10, most=100)

    def _list_tags(self, call: Call) -> Definition:
        for stored in list(self._definitions.values()):
            owner, region = stored.arn.split(":")[4], stored.arn.split(":")[3]
            if (stored.arn, owner, region) == (call.name, call.account, call.region):
                return _page("Tags", stored.tags, self.tag_paging, call, default=50)
        raise _invalid(f"Could not find a resource with the ARN {call.name}")

    def _sts(self, call: Call) -> Reply:
        if not call.account:
            refuse = Refuse(403, "InvalidClientTokenId", faults.UNKNOWN_KEY.message)
            raise _RefusedError(refuse)
        if call.action == "GetCallerIdentity":
            arn = f"arn:aws:iam::{call.account}:user/driftcheck"
            return _xml(call.action, {"UserId": call.access_key, "Account": call.account, "Arn": arn})
        if call.action == "AssumeRole" and self.external_ids.get(call.name) in (
            None,
            call.parameters.get("ExternalId"),
        ):
            return self._assume_role(call)
        denied = f"User is not authorized to perform: sts:{call.action} on resource: {call.name}"
        raise _RefusedError(Refuse(403, "AccessDenied", denied))

    def _s3(self, call: Call) -> Reply:
        if not call.account:
            raise _RefusedError(
                Refuse(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist")
            )
        if call.name.partition("/")[0] not in self.buckets:
            raise _RefusedError(Refuse(404, "NoSuchBucket", "The specified bucket does not exist"))
        if call.action == "PutObject":
            self.objects[call.name] = call.parameters["Body"]
            return Reply(200, b"", "application/xml", etag=_etag(call.parameters["Body"]))
        if call.action == "GetObject" and call.name in self.objects:
            content = self.objects[call.name]
            return Reply(200, content, "binary/octet-stream", etag=_etag(content))
        raise _RefusedError(Refuse(404, "NoSuchKey", "The specified key does not exist."))

    def _assume_role(self, call: Call) -> Reply:
        account, role = call.name.split(":")[4], call.name.rpartition("/")[2]
        key = f"ASSUMEDROLEKEY{len(self.accounts):04}"
        self.accounts[key] = account
        self._expiries[key] = time.monotonic() + self.taken_for
        session = call.parameters["RoleSessionName"]
        return _xml(
            "AssumeRole",
            {
                "Credentials": {
                    "AccessKeyId": key,
                    "SecretAccessKey": "testing",
                    "SessionToken": "testing",
                    "Expiration": f"{datetime.now(UTC) + self.lifetime:%Y-%m-%dT%H:%M:%SZ}",
                },
                "AssumedRoleUser": {
                    "AssumedRoleId": f"AROATESTING:{session}",
                    "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
                },
            },
        )


def _etag(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _fill_in(kind: str, members: Definition) -> None:
    prefix = kind.removesuffix("JobDefinition")
    for block in ("EndpointInput", "BatchTransformInput"):
        if block in members[f"{prefix}JobInput"]:
            members[f"{prefix}JobInput"][block].setdefault("S3InputMode", "File")
            members[f"{prefix}JobInput"][block].setdefault("S3DataDistributionType", "FullyReplicated")
    for output in members[f"{prefix}JobOutputConfig"]["MonitoringOutputs"]:
        output["S3Output"].setdefault("S3UploadMode", "EndOfJob")
    members.setdefault("StoppingCondition", {"MaxRuntimeInSeconds": 3600})


def _summary(name: str, stored: _Stored) -> Definition:
    summary: Definition = {
        "MonitoringJobDefinitionName": name,
        "MonitoringJobDefinitionArn": stored.arn,
        "CreationTime": stored.created_at,
    }
    for block in stored.members.values():
        match block:
            case {"EndpointInput": {"EndpointName": endpoint}}:
                summary["EndpointName"] = endpoint
    return summary


def _page(
    member: str, items: list[Any], paging: Paging, call: Call, *, default: int, most: int | None = None
) -> Definition:
    asked = call.parameters.get("MaxResults", default)
    if most is not None and not 1 <= asked <= most:
        raise _invalid(f"MaxResults must be between 1 and {most}")
    size = min(paging.size, asked)
    if paging.repeats:
        return {member: items[:size], "NextToken": _REPEATED_TOKEN}
    token = call.parameters.get("NextToken")
    if token is None and paging.empty_first:
        return {member: [], "NextToken": base64.b64encode(b"from 0").decode()}
    try:
        start = 0 if token is None else int(base64.b64decode(token, validate=True).removeprefix(b"from "))
    except (binascii.Error, ValueError):
        raise _invalid("Invalid pagination token") from None
    page: Definition = {member: items[start : start + size]}
    if start + size < len(items):
        page["NextToken"] = base64.b64encode(f"from {start + size}".encode()).decode()
    return page


def _invalid(message: str) -> _RefusedError:
    return _RefusedError(Refuse(400, "ValidationException", message))


def refusal(refuse: Refuse, call: Call) -> Reply:
    """The error in the protocol of the call."""
    if call.is_s3:
        error = _elements({"Code": refuse.code, "Message": refuse.message})
        return Reply(refuse.status, f"<Error>{error}</Error>".encode(), "application/xml")
    if not call.is_sts:
        body = json.dumps({"__type": refuse.code, "Message": refuse.message})
        return Reply(refuse.status, body.encode())
    content = {"Type": "Sender", "Code": refuse.code, "Message": refuse.message}
    text = f"<ErrorResponse>{_elements({'Error': content, 'RequestId': 'testing'})}</ErrorResponse>"
    return Reply(refuse.status, text.encode(), "text/xml")


def _xml(action: str, result: Definition) -> Reply:
    namespace = "https://sts.amazonaws.com/doc/2011-06-15/"
    content = _elements({f"{action}Result": result, "ResponseMetadata": {"RequestId": "testing"}})
    text = f'<{action}Response xmlns="{namespace}">{content}</{action}Response>'
    return Reply(200, text.encode(), "text/xml")


def _elements(content: Definition) -> str:
    return "".join(
        f"<{key}>{_elements(value) if isinstance(value, dict) else escape(value)}</{key}>"
        for key, value in content.items()
    )
