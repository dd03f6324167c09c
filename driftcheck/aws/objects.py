"""Objects of S3, in the name of the ambient credentials."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from driftcheck.aws import base_session, config
from driftcheck.memory import hold_size

if TYPE_CHECKING:
    from driftcheck.places import Prefix

_ATTEMPTS = 3


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
        try:
            answer = self._client.get_object(Bucket=self._prefix.bucket, Key=self._prefix.key(name))
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        hold_size(answer.get("ContentLength", inf))
        return answer["Body"].read()  # type: ignore[no-any-return]

    def put(self, name: str, content: bytes) -> None:
        """Replace an object, or make it: PutObject.

        Raises:
            BotoCoreError, ClientError: it is not written; what was there before still is.
        """
        self._client.put_object(Bucket=self._prefix.bucket, Key=self._prefix.key(name), Body=content)
