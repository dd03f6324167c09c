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
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.exceptions import ConnectTimeoutError as NoConnectionError
from botocore.parsers import ResponseParserError

from driftcheck.aws import base_session, config, is_throttled

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNREACHED = (EndpointConnectionError, NoConnectionError, ProxyConnectionError, SSLError)
_GATEWAY_TIMEOUT, _TROUBLE = 504, 500
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
            BotoCoreError, ClientError: it is not known to be taken; see ``was_taken``.
        """
        fifo: dict[str, str] = {}
        if self._arn.endswith(".fifo"):
            fifo = {"MessageGroupId": "driftcheck", "MessageDeduplicationId": mark}
        self._client.publish(TopicArn=self._arn, Subject=subject, Message=text, **fifo)


class Bus:
    """An EventBridge event bus, by its name or ARN."""

    def __init__(self, name: str, *, timeout: float) -> None:
        """Prepare for calls of at most ``timeout`` seconds each."""
        self._name = name
        self._client = _client("events", name, timeout)

    def put(self, entries: Sequence[dict[str, Any]]) -> list[str | None]:
        """Put at most ten events; for each the reason for which it was not taken, or None.

        Raises:
            BotoCoreError, ClientError: none is known to be taken; see ``was_taken``.
        """
        named = [{**entry, "EventBusName": self._name} for entry in entries]
        answer = self._client.put_events(Entries=named)
        return [
            None if "EventId" in each else f"{each.get('ErrorCode')}: {each.get('ErrorMessage')}"
            for each in answer["Entries"]
        ]


def put_metrics(namespace: str, metrics: Sequence[dict[str, Any]], *, timeout: float) -> None:
    """Put at most a thousand metrics, each a member of ``MetricData``.

    Raises:
        BotoCoreError, ClientError: they are not known to be taken.
    """
    _client("cloudwatch", namespace, timeout, attempts=3).put_metric_data(
        Namespace=namespace, MetricData=metrics
    )


def was_taken(error: Exception) -> bool | None:
    """Tell of a call that failed whether the service has taken it; None where nobody knows."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return None if status == _GATEWAY_TIMEOUT else False
    if isinstance(error, ConnectionClosedError | ReadTimeoutError | ResponseParserError):
        return None
    return None if isinstance(error, HTTPClientError) and not isinstance(error, _UNREACHED) else False


def may_pass(error: Exception) -> bool:
    """Tell of a call that failed whether it may succeed a moment later."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= _TROUBLE or is_throttled(error)
    return isinstance(error, HTTPClientError | EndpointConnectionError | ConnectionClosedError)


def _client(service: str, name: str, timeout: float, attempts: int = 1) -> Any:
    core, region = base_session()
    parts = name.split(":")
    if parts[0] == "arn" and len(parts) > _ARN_REGION:
        region = parts[_ARN_REGION]
    return core.create_client(service, region_name=region, config=config(timeout, 1, attempts=attempts))
