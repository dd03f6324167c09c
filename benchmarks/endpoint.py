"""SageMaker and STS on 127.0.0.1, fast enough never to be what a benchmark measures.

Run: ``python -m benchmarks.endpoint [--definitions N] [--latency SECONDS] [--rate CALLS --burst CALLS]
[--faults SHARE] [--session SECONDS]``. It prints its URL, and ends when its standard input does.

Answers are computed from the name (``benchmarks.fleet``), so that 100,000 definitions cost nothing. The
account is read from the access key, the region from the signature's scope; the signature itself is not
checked. ``GET /_/counters`` tells what was called, ``POST /_/reset`` starts anew with full buckets, and
``POST /_/settings`` takes any of ``Settings`` as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from time import monotonic, process_time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from benchmarks.fleet import KINDS, access_key, name_of, parts, template
from tests.functional.definitions import section

if TYPE_CHECKING:
    from collections.abc import Callable

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TARGET = re.compile(rb"\r\nx-amz-target: *SageMaker\.(\w+)", re.IGNORECASE)
_CREDENTIAL = re.compile(rb"Credential=(\w+)/\d+/([\w-]+)/")
_NAME = re.compile(r"d(\d{6})")
_CREATED = 1_700_000_000
"""When number 0 was created, in seconds since 1970; each later number a second after the one before it."""
_JSON, _XML = b"application/x-amz-json-1.1", b"text/xml"
_LIST_PARAMETERS = {"MaxResults", "NextToken", "SortOrder"}
_PHRASES = {
    200: b"OK",
    400: b"Bad Request",
    403: b"Forbidden",
    404: b"Not Found",
    500: b"Internal Server Error",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the endpoint plays.

    Attributes:
        definitions: how many exist in every account and region, over all four kinds.
        latency: seconds before each answer.
        rate: SageMaker calls a second that each (account, region) admits; 0 is any number.
        burst: calls that it admits at once.
        faults: share of SageMaker calls that end in HTTP 500.
        session: seconds that the credentials of an assumed role last.
    """

    definitions: int = 1000
    latency: float = 0.0
    rate: float = 0.0
    burst: float = 20.0
    faults: float = 0.0
    session: float = 3600.0


@dataclass(slots=True)
class Place:
    """One (account, region): its bucket, what was called, and each kind's answer but for the name."""

    tokens: float
    at: float
    calls: int = 0
    refused: int = 0
    failed: int = 0
    first: float | None = None
    last: float | None = None
    """When the first call came and when the last one was admitted, in ``monotonic`` seconds."""
    actions: dict[str, int] = field(default_factory=dict)
    answers: dict[str, list[bytes]] = field(default_factory=dict)

    def admits(self, now: float, settings: Settings) -> bool:
        """Take a token, if there is one."""
        self.tokens = min(settings.burst, self.tokens + (now - self.at) * settings.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Endpoint:
    """The state behind all connections."""

    def __init__(self, settings: Settings) -> None:
        """Play by these settings, until others come."""
        self.settings = settings
        self.places: dict[tuple[str, str], Place] = {}
        self.connections = 0
        self._cpu = process_time()
        self._random = random.Random(0)
        self._actions: dict[str, Callable[[Place, tuple[str, str], dict[str, Any]], bytes]] = {
            "ListTags": lambda _place, _key, _arguments: reply(200, b'{"Tags":[]}')
        }
        for offset, kind in enumerate(KINDS):
            self._actions[f"Describe{kind}"] = self._describing(kind, offset)
            self._actions[f"List{kind}s"] = self._listing(kind, offset)

    def answer(self, head: bytes, body: bytes) -> bytes:
        """The whole HTTP answer to a request."""
        if b" /_/" in head[:32]:
            return self._control(head, body)
        credential = _CREDENTIAL.search(head)
        if credential is None:
            return refusal(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        key = (credential[1][-12:].decode(), credential[2].decode())
        place = self.places.get(key)
        if place is None:
            place = self.places[key] = Place(tokens=self.settings.burst, at=monotonic())
        target = _TARGET.search(head)
        if target is None:
            return self._sts(place, key[0], body)
        return self._sagemaker(target[1].decode(), place, key, body)

    def _sagemaker(self, action: str, place: Place, key: tuple[str, str], body: bytes) -> bytes:
        now = monotonic()
        place.calls += 1
        place.actions[action] = place.actions.get(action, 0) + 1
        if place.first is None:
            place.first = now
        if self.settings.rate and not place.admits(now, self.settings):
            place.refused += 1
            return refusal(400, "ThrottlingException", "Rate exceeded")
        place.last = now
        if self.settings.faults and self._random.random() < self.settings.faults:
            place.failed += 1
            return refusal(500, "InternalFailure", "The request processing has failed")
        known = self._actions.get(action)
        if known is None:
            return refusal(403, "AccessDeniedException", f"not authorized to perform: sagemaker:{action}")
        return known(place, key, json.loads(body))

    def _describing(
        self, kind: str, offset: int
    ) -> Callable[[Place, tuple[str, str], dict[str, Any]], bytes]:
        body = json.dumps(template(kind), separators=(",", ":"))[:-1]
        resource = section(kind)[:-1].replace("_", "-")

        def describe(place: Place, key: tuple[str, str], arguments: dict[str, Any]) -> bytes:
            name = arguments["JobDefinitionName"]
            number = self._number(name, offset)
            if number is None:
                return refusal(400, "ResourceNotFound", f"Could not find {resource} {name}.")
            answer = place.answers.get(kind)
            if answer is None:
                arn = f"arn:aws:sagemaker:{key[1]}:{key[0]}:{resource}/churn"
                answer = place.answers[kind] = parts(f'{body},"JobDefinitionArn":"{arn}",'.encode())
            return reply(200, name.encode().join(answer) + b'"CreationTime":%d.25}' % (_CREATED + number))

        return describe

    def _listing(self, kind: str, offset: int) -> Callable[[Place, tuple[str, str], dict[str, Any]], bytes]:
        resource = section(kind)[:-1].replace("_", "-")

        def page(_place: Place, key: tuple[str, str], arguments: dict[str, Any]) -> bytes:
            if not arguments.keys() <= _LIST_PARAMETERS:
                return refusal(400, "ValidationException", "only MaxResults, NextToken and SortOrder here")
            numbers = range(offset, self.settings.definitions, len(KINDS))
            if arguments.get("SortOrder") != "Ascending":
                numbers = numbers[::-1]
            start, size = int(arguments.get("NextToken", 0)), min(100, arguments.get("MaxResults", 10))
            summaries = ",".join(
                f'{{"MonitoringJobDefinitionName":"{name_of(number)}","MonitoringJobDefinitionArn":'
                f'"arn:aws:sagemaker:{key[1]}:{key[0]}:{resource}/{name_of(number)}",'
                f'"EndpointName":"{name_of(number)}-prod","CreationTime":{_CREATED + number}.25}}'
                for number in numbers[start : start + size]
            )
            more = f',"NextToken":"{start + size}"' if start + size < len(numbers) else ""
            return reply(200, f'{{"JobDefinitionSummaries":[{summaries}]{more}}}'.encode())

        return page

    def _number(self, name: str, offset: int) -> int | None:
        found = _NAME.fullmatch(name)
        number = int(found[1]) if found else -1
        exists = 0 <= number < self.settings.definitions and number % len(KINDS) == offset
        return number if exists else None

    def _sts(self, place: Place, account: str, body: bytes) -> bytes:
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        action = form.get("Action", "")
        place.actions[action] = place.actions.get(action, 0) + 1
        if action == "GetCallerIdentity":
            arn = f"arn:aws:iam::{account}:user/driftcheck"
            return _xml(action, f"<UserId>BENCH</UserId><Account>{account}</Account><Arn>{arn}</Arn>")
        if action == "AssumeRole":
            owner, session = form["RoleArn"].split(":")[4], form["RoleSessionName"]
            until = datetime.now(UTC) + timedelta(seconds=self.settings.session)
            return _xml(
                action,
                f"<Credentials><AccessKeyId>{access_key(owner, 'ASIA')}</AccessKeyId>"
                "<SecretAccessKey>benchmark</SecretAccessKey><SessionToken>benchmark</SessionToken>"
                f"<Expiration>{until:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>"
                f"<AssumedRoleUser><AssumedRoleId>AROABENCH:{session}</AssumedRoleId>"
                f"<Arn>arn:aws:sts::{owner}:assumed-role/driftcheck/{session}</Arn></AssumedRoleUser>",
            )
        error = f"<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{action}</Message></Error>"
        return reply(403, f"<ErrorResponse>{error}</ErrorResponse>".encode(), _XML)

    def _control(self, head: bytes, body: bytes) -> bytes:
        match head.split(b" ", 2)[:2]:
            case [b"GET", b"/_/counters"]:
                return reply(200, json.dumps(self.counters()).encode())
            case [b"POST", b"/_/reset"]:
                self.places.clear()
                self.connections = 0
                self._cpu = process_time()
                self._random.seed(0)
                return reply(200, b"{}")
            case [b"POST", b"/_/settings"]:
                self.settings = replace(self.settings, **json.loads(body))
                return reply(200, json.dumps(asdict(self.settings)).encode())
        return reply(404, b"{}")

    def counters(self) -> dict[str, Any]:
        """What was called since the last reset, and the seconds of CPU that answering took.

        By action, STS is counted too.
        """
        actions: dict[str, int] = {}
        for place in self.places.values():
            for action, count in place.actions.items():
                actions[action] = actions.get(action, 0) + count
        firsts = [place.first for place in self.places.values() if place.first is not None]
        lasts = [place.last for place in self.places.values() if place.last is not None]
        return {
            "calls": sum(place.calls for place in self.places.values()),
            "refused": sum(place.refused for place in self.places.values()),
            "failed": sum(place.failed for place in self.places.values()),
            "connections": self.connections,
            "cpu": process_time() - self._cpu,
            "first": min(firsts, default=None),
            "last": max(lasts, default=None),
            "actions": actions,
            "places": {
                f"{account}/{region}": {
                    "calls": place.calls,
                    "refused": place.refused,
                    "failed": place.failed,
                    "first": place.first,
                    "last": place.last,
                }
                for (account, region), place in self.places.items()
            },
        }


class _Connection(asyncio.Protocol):
    """One client's connection; requests may come in pieces, or several at once."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._left = b""
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._endpoint.connections += 1

    def data_received(self, data: bytes) -> None:
        if self._left:
            data = self._left + data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            head = data[:end]
            length = _LENGTH.search(head)
            stop = end + 4 + (int(length[1]) if length else 0)
            if len(data) < stop:
                break
            answer = self._endpoint.answer(head, data[end + 4 : stop])
            data = data[stop:]
            latency = self._endpoint.settings.latency
            if latency:
                self._loop.call_later(latency, self._transport.write, answer)
            else:
                self._transport.write(answer)
        self._left = data


def reply(status: int, body: bytes, content_type: bytes = _JSON) -> bytes:
    """An HTTP answer as it is sent."""
    return (
        b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\nx-amzn-RequestId: benchmark\r\nContent-Length: %d\r\n\r\n%b"
        % (status, _PHRASES[status], content_type, len(body), body)
    )


def refusal(status: int, code: str, message: str) -> bytes:
    """An error of SageMaker's protocol."""
    return reply(status, json.dumps({"__type": code, "message": message}).encode())


def _xml(action: str, result: str) -> bytes:
    text = (
        f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>{result}'
        f"</{action}Result><ResponseMetadata><RequestId>benchmark</RequestId></ResponseMetadata>"
        f"</{action}Response>"
    )
    return reply(200, text.encode(), _XML)


async def _serve(settings: Settings) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    endpoint = Endpoint(settings)
    server = await loop.create_server(lambda: _Connection(endpoint), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    # whoever started it holds the other end of this pipe: no endpoint outlives its benchmark
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.endpoint")
    for each in fields(Settings):
        parser.add_argument(f"--{each.name}", type=type(each.default), default=each.default)
    asyncio.run(_serve(Settings(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
