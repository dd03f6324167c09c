"""What is told to AWS: SNS, EventBridge and CloudWatch, in the name of the ambient credentials.

Every call is made once: whether it may be made again is for the caller to say, who has to know whether it
was taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from driftcheck.aws import answers, base_session, config, is_throttled

if TYPE_CHECKING:
    from collections.abc import Sequence

_BAD_REQUEST, _TROUBLE = 400, 500
_REFUSALS = frozenset({500, 501, 503})
"""By RFC 9110 the request was not fulfilled; any other 5xx, such as a gateway's, does not say so."""
_ARN_REGION = 3


class Topic:
    """An SNS topic."""

    def __init__(self, arn: str, *, timeout: float) -> None:
        """Prepare for calls of at most ``timeout`` seconds each."""
        self._arn = arn
        self._client = _client("sns", arn, timeout)

    def publish(self, subject: str, text: str, mark: str) -> None:
        """Publish a message. A FIFO topic drops one whose ``mark`` it had in the last five minutes.

        Raises:
            BotoCoreError, ClientError, ResponseParserError: it is not known to be taken; see ``was_taken``.
        """
        fifo: dict[str, str] = {}
        if self._arn.endswith(".fifo"):
            fifo = {"MessageGroupId": "driftcheck", "MessageDeduplicationId": mark}
        answers.read(self._client.publish, TopicArn=self._arn, Subject=subject, Message=text, **fifo)


class Bus:
    """An EventBridge event bus, by its name or ARN."""

    def __init__(self, name: str, *, timeout: float) -> None:
        """Prepare for calls of at most ``timeout`` seconds each."""
        self._name = name
        self._client = _client("events", name, timeout)

    def put(self, entries: Sequence[dict[str, Any]]) -> list[str | None]:
        """Put at most ten events; for each the reason for which it was not taken, or None.

        Raises:
            BotoCoreError, ClientError, ResponseParserError: none is known to be taken; see ``was_taken``.
        """
        named = [{**entry, "EventBusName": self._name} for entry in entries]
        found = answers.read(self._client.put_events, Entries=named)["Entries"]
        if len(found) != len(named):
            raise ResponseParserError(f"the answer has {len(found)} entries for {len(named)} events")
        if not all(each.get("EventId") or each.get("ErrorCode") for each in found):
            raise ResponseParserError("the answer has an entry with neither an EventId nor an ErrorCode")
        return [
            f"{each['ErrorCode']}: {each.get('ErrorMessage')}" if each.get("ErrorCode") else None
            for each in found
        ]


def put_metrics(namespace: str, metrics: Sequence[dict[str, Any]], *, timeout: float) -> None:
    """Put at most a thousand metrics, each a member of ``MetricData``.

    Raises:
        BotoCoreError, ClientError, ResponseParserError: they are not known to be taken.
    """
    client = _client("cloudwatch", namespace, timeout, attempts=3)
    answers.read(client.put_metric_data, Namespace=namespace, MetricData=metrics)


def was_taken(error: Exception) -> bool | None:
    """Tell whether the service has taken a call that failed; None where nobody knows.

    Only an answer of the service that refuses it, or a connection that was never made, says that it did not.
    """
    if isinstance(error, ClientError):
        return False if _is_refusal(error) else None
    if isinstance(error, SSLError):
        return False if "CERTIFICATE_VERIFY_FAILED" in str(error) else None
    if isinstance(error, ResponseParserError | HTTPClientError | IncompleteReadError):
        return None
    return False


def _is_refusal(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if _BAD_REQUEST <= status < _TROUBLE:
        return True
    return status in _REFUSALS and not _is_page(error.response)


def may_pass(error: Exception) -> bool:
    """Tell whether a call that failed may succeed a moment later."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= _TROUBLE or is_throttled(error)
    return isinstance(error, HTTPClientError | EndpointConnectionError | ConnectionClosedError)


def _is_page(answer: Any) -> bool:
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return "html" in headers.get("content-type", "").lower()


def _client(service: str, name: str, timeout: float, attempts: int = 1) -> Any:
    core, region = base_session()
    parts = name.split(":")
    if parts[0] == "arn" and len(parts) > _ARN_REGION:
        region = parts[_ARN_REGION]
    return core.create_client(service, region_name=region, config=config(timeout, 1, attempts=attempts))
