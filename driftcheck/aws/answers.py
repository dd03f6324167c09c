"""Answers of AWS's services: what each must contain, and one error for those that are none.

botocore takes whatever a proxy sends with status 200 for an answer without members, and what its parsers
stumble over ends in errors of their own.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError, ResponseParserFactory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FAULTS = (BotoCoreError, ClientError, ResponseParserError)
"""What a call raises that got no trustworthy answer."""

_FIRST_ERROR = 301
_REQUEST_ID = "x-amzn-requestid"
_NO_MEMBERS = {b"{}", b"\xa0", b"\xbf\xff"}
"""An empty map in JSON, and in CBOR: of known and of unknown length."""
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "AssumeRoleResponse": tuple(
        f"Credentials.{member}" for member in ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
    ),
    "CopyObjectOutput": ("CopyObjectResult.ETag",),
    "GetObjectOutput": ("ETag", "ContentLength"),
    "HeadObjectOutput": ("ETag",),
    "ListObjectsV2Output": ("Name", "IsTruncated"),
    "PublishResponse": ("MessageId",),
    "PutEventsResponse": ("Entries",),
    "PutObjectOutput": ("ETag",),
}
"""What a true answer always has, by the name of its shape. SageMaker's are read in ``live``."""


class ParserFactory(ResponseParserFactory):  # type: ignore[misc]
    """botocore's parsers, for answers that hold what they must."""

    def create_parser(self, protocol_name: str) -> _Parser:
        """The parser for a protocol."""
        return _Parser(super().create_parser(protocol_name))


class _Parser:
    def __init__(self, parser: Any) -> None:
        self._parser = parser

    def parse(self, response: dict[str, Any], shape: Any) -> Any:
        """The members of an answer.

        Raises:
            ResponseParserError: it is none, though its status says success.
        """
        status = response["status_code"]
        try:
            answer = self._parser.parse(response, shape)
        except Exception as error:
            if status < _FIRST_ERROR:
                raise damaged(error) from error
            # the second look at an error is for the members of its shape alone
            return {} if shape is not None and shape.metadata.get("exception") else _error(response)
        if status < _FIRST_ERROR:
            _hold_complete(answer, response, shape)
        return answer


def damaged(error: Exception) -> ResponseParserError:
    """The error of an answer that a library could not read."""
    text = str(error) if isinstance(error, ResponseParserError) else f"{type(error).__name__}: {error}"
    return ResponseParserError(f"the answer cannot be read: {' '.join(text.split())}")


def read(call: Callable[..., Any], **arguments: Any) -> Any:
    """Make a call; whatever a library stumbles over in its answer is a damaged answer.

    Raises:
        BotoCoreError, ClientError, ResponseParserError: there is no trustworthy answer.
    """
    try:
        return call(**arguments)
    except FAULTS:
        raise
    except Exception as error:
        raise damaged(error) from error


def _hold_complete(answer: Any, response: Mapping[str, Any], shape: Any) -> None:
    if shape is None:
        names = {name.lower() for name in response["headers"]}
        if _REQUEST_ID not in names and response["body"].strip() not in _NO_MEMBERS:
            raise ResponseParserError("the answer is not from AWS: it has no request ID")
        return
    for path in _REQUIRED.get(shape.name, ()):
        value = answer
        for member in path.split("."):
            value = value.get(member) if isinstance(value, dict) else None
        if value is None or value == "":
            raise ResponseParserError(f"the answer has no {path}")


def _error(response: Mapping[str, Any]) -> dict[str, Any]:
    """An error answer as botocore tells of one whose body says nothing."""
    status = response["status_code"]
    names = {each.value: each.phrase for each in HTTPStatus}
    headers = {name.lower(): value for name, value in response["headers"].items()}
    return {
        "Error": {"Code": str(status), "Message": names.get(status, "")},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
    }
