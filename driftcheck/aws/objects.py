"""Objects of S3, in the name of the ambient credentials."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from driftcheck.aws import base_session, config
from driftcheck.memory import hold_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftcheck.places import Prefix

_ATTEMPTS = 3
_CONFLICT, _PRECONDITION_FAILED = 409, 412
_CONFLICTS = 5
"""How often a write that another one crosses is made again."""


@dataclass(frozen=True, slots=True)
class Version:
    """What an object holds, and the tag that another content would not have."""

    content: bytes
    etag: str


class Objects:
    """Reads and writes what lies under a prefix; its methods may be called from any thread."""

    def __init__(self, prefix: Prefix, *, timeout: float, concurrency: int) -> None:
        """Prepare for calls of at most ``timeout`` seconds each, ``concurrency`` at a time.

        Raises:
            BotoCoreError: the settings cannot be used.
        """
        core, region = base_session()
        self._prefix = prefix
        self._client: Any = core.create_client(
            "s3", region_name=region, config=config(timeout, concurrency, attempts=_ATTEMPTS)
        )

    def get(self, name: str) -> bytes | None:
        """The content of an object, None where there is none: GetObject, and nothing else.

        Raises:
            UnusableError: it is larger than any state.
            BotoCoreError, ClientError: there is no trustworthy answer.
        """
        found = self.look(name)
        return None if found is None else found.content

    def look(self, name: str) -> Version | None:
        """As ``get``, with what a later ``put`` can hold the object to."""
        try:
            answer = self._client.get_object(Bucket=self._prefix.bucket, Key=self._prefix.key(name))
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        hold_size(answer.get("ContentLength", inf))
        return Version(answer["Body"].read(), answer.get("ETag", ""))

    def put(self, name: str, content: bytes, **how: str) -> str:
        """Replace an object, or make it: PutObject, with further arguments of it. Gives the tag that it has.

        Raises:
            BotoCoreError, ClientError: it is not written; what was there before still is.
        """
        how |= self._prefix.sse
        answer = self._client.put_object(
            Bucket=self._prefix.bucket, Key=self._prefix.key(name), Body=content, **how
        )
        return str(answer.get("ETag", ""))

    def put_if(self, name: str, content: bytes, before: Version | None, **how: str) -> str | None:
        """As ``put``, if the object still is what it was: ``before``, or absent; None if it is not.

        Raises:
            BotoCoreError, ClientError: as ``put``.
        """
        condition = {"IfNoneMatch": "*"} if before is None else {"IfMatch": before.etag}
        for attempt in range(1, _CONFLICTS + 1):
            try:
                return self.put(name, content, **condition, **how)
            except ClientError as error:
                status = error.response["ResponseMetadata"].get("HTTPStatusCode")
                if status == _CONFLICT and attempt < _CONFLICTS:
                    continue
                if status != _PRECONDITION_FAILED and error.response["Error"]["Code"] != "NoSuchKey":
                    raise
                # an answer that was lost is asked for again, and finds the object that it has made
                found = self.look(name)
                return found.etag if found is not None and found.content == content else None
        raise AssertionError("the last attempt returns or raises")

    def names(self, start: str) -> Iterator[str]:
        """The names that begin so: ListObjectsV2, a page at a time.

        Raises:
            BotoCoreError, ClientError: there is no trustworthy answer.
        """
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._prefix.bucket, Prefix=self._prefix.key(start)
        )
        for page in pages:
            for each in page.get("Contents", ()):
                yield each["Key"].removeprefix(self._prefix.prefix)

    def delete(self, name: str) -> None:
        """Take an object away, if it is there: DeleteObject.

        Raises:
            BotoCoreError, ClientError: it may still be there.
        """
        self._client.delete_object(Bucket=self._prefix.bucket, Key=self._prefix.key(name))
