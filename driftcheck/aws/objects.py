"""Objects of S3, in the name of the ambient credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from driftcheck.aws import answers, base_session, config
from driftcheck.memory import hold_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftcheck.places import Prefix

_ATTEMPTS = 3
_NO_CONTENT, _NOT_FOUND, _CONFLICT, _PRECONDITION_FAILED = 204, 404, 409, 412
_CONFLICTS = 5
"""How often a write that another one crosses is made again."""


@dataclass(frozen=True, slots=True)
class Version:
    """What an object holds, and the tag that another content would not have."""

    content: bytes
    etag: str


class Objects:
    """Reads and writes what lies under a prefix; its methods may be called from any thread.

    Whatever they raise is one of ``answers.FAULTS``, or UnusableError for what is too large.
    """

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
        self._client.meta.events.register("before-call.s3.HeadBucket", _follow_no_redirect)

    def get(self, name: str) -> bytes | None:
        """The content of an object, None where there is none: GetObject, and nothing else.

        Raises:
            UnusableError: it is larger than any state.
            BotoCoreError, ClientError, ResponseParserError: there is no trustworthy answer.
        """
        found = self.look(name)
        return None if found is None else found.content

    def look(self, name: str) -> Version | None:
        """As ``get``, with what a later ``put`` can hold the object to."""
        try:
            answer = self._call("get_object", Key=self._prefix.key(name))
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        hold_size(answer["ContentLength"])
        return Version(answers.read(answer["Body"].read), answer["ETag"])

    def exists(self, name: str) -> bool:
        """Tell whether there is an object: HeadObject.

        Raises:
            BotoCoreError, ClientError, ResponseParserError: there is no trustworthy answer.
        """
        try:
            self._call("head_object", Key=self._prefix.key(name))
        except ClientError as error:
            if _status(error) == _NOT_FOUND:
                return False
            raise
        return True

    def put(self, name: str, content: bytes, **how: str) -> str:
        """Replace an object, or make it: PutObject, with further arguments of it. Gives the tag that it has.

        Raises:
            BotoCoreError, ClientError, ResponseParserError: it is not known to be written.
        """
        how |= self._prefix.sse
        answer = self._call("put_object", Key=self._prefix.key(name), Body=content, **how)
        return str(answer["ETag"])

    def put_if(self, name: str, content: bytes, before: Version | None, **how: str) -> str | None:
        """As ``put``, if the object still is what it was: ``before``, or absent; None if it is not.

        Raises:
            BotoCoreError, ClientError, ResponseParserError: as ``put``.
        """
        condition = {"IfNoneMatch": "*"} if before is None else {"IfMatch": before.etag}
        for attempt in range(1, _CONFLICTS + 1):
            try:
                return self.put(name, content, **condition, **how)
            except ClientError as error:
                if _status(error) == _CONFLICT and attempt < _CONFLICTS:
                    continue
                if _status(error) != _PRECONDITION_FAILED and error.response["Error"]["Code"] != "NoSuchKey":
                    raise
                # an answer that was lost is asked for again, and finds the object that it has made
                found = self.look(name)
                return found.etag if found is not None and found.content == content else None
        raise AssertionError("the last attempt returns or raises")

    def copy(self, name: str, to: str) -> bool | None:
        """Copy an object to a name that is free, in S3: CopyObject. None where there is no such object.

        False where something has that name.

        Raises:
            BotoCoreError, ClientError, ResponseParserError: it is not known to be copied.
        """
        # not every service that speaks S3's protocol keeps the condition
        if self.exists(to):
            return False
        try:
            self._call(
                "copy_object",
                Key=self._prefix.key(to),
                CopySource={"Bucket": self._prefix.bucket, "Key": self._prefix.key(name)},
                IfNoneMatch="*",
                **dict(self._prefix.sse),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            if _status(error) == _PRECONDITION_FAILED:
                return False
            raise
        return True

    def names(self, start: str) -> Iterator[str]:
        """The names that begin so: ListObjectsV2, a page at a time.

        Raises:
            BotoCoreError, ClientError, ResponseParserError: there is no trustworthy answer.
        """
        prefix = self._prefix.key(start)
        more: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", Prefix=prefix, **more)
            keys = [str(each["Key"]) for each in page.get("Contents", ())]
            if page.get("KeyCount", len(keys)) != len(keys) or not all(
                key.startswith(prefix) for key in keys
            ):
                raise ResponseParserError(f"the answer is not about what begins with {prefix}")
            for key in keys:
                yield key.removeprefix(self._prefix.prefix)
            if not page["IsTruncated"]:
                return
            token = page.get("NextContinuationToken")
            if not token or {"ContinuationToken": token} == more:
                raise ResponseParserError("the answer does not say where the next page begins")
            more = {"ContinuationToken": token}

    def delete(self, name: str) -> None:
        """Take an object away, if it is there: DeleteObject.

        Raises:
            BotoCoreError, ClientError, ResponseParserError: it may still be there.
        """
        answer = self._call("delete_object", Key=self._prefix.key(name))
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        if status != _NO_CONTENT:
            raise ResponseParserError(f"HTTP status {status} is no answer to this call")

    def _call(self, operation: str, **arguments: Any) -> Any:
        return answers.read(getattr(self._client, operation), Bucket=self._prefix.bucket, **arguments)


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"].get("HTTPStatusCode", 0))


def _follow_no_redirect(context: dict[str, Any], **_: Any) -> None:
    """Keep botocore, which asks HeadBucket for a region, from asking HeadBucket where that is redirected."""
    context.setdefault("s3_redirect", {})["redirected"] = True
