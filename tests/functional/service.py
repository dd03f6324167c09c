"""The fake AWS as an HTTP endpoint on 127.0.0.1, which records every request and fails as it is told to.

One thread runs it, and an answer that waits costs none.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Self, assert_never
from urllib.parse import parse_qs, unquote, urlsplit

from tests.functional import faults
from tests.functional.cloud import Cloud, Reply, refusal
from tests.functional.faults import Behaviour, Call, Fault, Mishap

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_READS = ("Describe", "List", "GetCallerIdentity", "AssumeRole", "GetObject")


@dataclass
class Service(Cloud):
    """The fake, running between ``with`` and its end.

    Attributes:
        latency: seconds before every answer.
        faults: what goes wrong; the first row that takes a call decides (``fail`` adds one).
        calls: every request, oldest first.
        strays: the first lines of the requests that followed a redirect.
        url: where it listens, from ``__enter__`` on.
    """

    latency: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    url: str = field(default="", init=False)
    _elsewhere: str = field(default="", init=False)

    def fail(self, does: Behaviour, **which: Any) -> None:
        """Add a row to ``faults``; ``which`` are the other fields of ``Fault``."""
        self.faults.append(Fault(does, **which))

    def called(self, action: str = "*") -> list[Call]:
        """The recorded calls of the actions that match an ``fnmatch`` pattern."""
        return [call for call in self.calls if fnmatchcase(call.action, action)]

    @property
    def writes(self) -> list[Call]:
        """The recorded calls of actions that would have changed something."""
        return [call for call in self.calls if not call.action.startswith(_READS)]

    def wait_for(self, count: int, action: str = "*", seconds: float = 20) -> None:
        """Return as soon as so many calls of the matching actions have come.

        Raises:
            TimeoutError: they did not come in that time.
        """
        deadline = time.monotonic() + seconds
        while len(self.called(action)) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.called(action))} of {count} calls of {action}")
            time.sleep(0.005)

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        if not ready.wait(10):
            raise TimeoutError("the service did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._converse, "127.0.0.1", 0, backlog=1024)
        elsewhere = await asyncio.start_server(self._stray, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._elsewhere = f"http://localhost:{elsewhere.sockets[0].getsockname()[1]}/"
        ready.set()
        await self._stop.wait()
        server.close()
        elsewhere.close()

    async def _stray(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.strays.append((await reader.readline()).decode("latin-1").strip())
        writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self._answer(await self._receive(reader, writer), writer)
        except (ConnectionError, EOFError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    async def _answer(self, call: Call, writer: asyncio.StreamWriter) -> None:
        self.calls.append(call)
        await asyncio.sleep(self.latency)
        for fault in self.faults:
            if not fault.takes(call):
                continue
            if not isinstance(fault.does, faults.Delay):
                await self._misbehave(fault.does, call, writer)
                return
            await asyncio.sleep(fault.does.seconds)
        await _send(self.reply(call), writer)

    async def _misbehave(self, does: Mishap, call: Call, writer: asyncio.StreamWriter) -> None:
        match does:
            case faults.Refuse():
                await _send(refusal(does, call), writer)
            case faults.Answer():
                await _send(Reply(does.status, does.encoded, does.content_type), writer)
            case faults.Redirect():
                await _send(Reply(does.status, b"", location=self._elsewhere), writer)
            case faults.Reset():
                if does.after_headers:
                    await _send_half(self.reply(call), writer)
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                raise ConnectionAbortedError
            case faults.Cut():
                await _send_half(self.reply(call), writer)
                raise ConnectionAbortedError
            case faults.Drip():
                await _drip(self.reply(call), does.seconds, writer)
            case faults.Boast():
                writer.write(self.reply(call).head(length=does.length))
                await writer.drain()
                await self._stop.wait()
            case faults.Hang():
                await self._stop.wait()
            case _:
                assert_never(does)

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Call:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *rest = head.split("\r\n")
        lines = (line.partition(":") for line in rest)
        headers = {key.lower(): value.strip() for key, _, value in lines}
        if headers.get("expect") == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        credential = _CREDENTIAL.search(headers.get("authorization", ""))
        access_key, region, service = credential.groups() if credential else ("", "", "")
        target = headers.get("x-amz-target")
        if service == "s3":
            method, url, _ = first.split(" ")
            path = unquote(urlsplit(url).path)
            parameters: dict[str, Any] = {"Object": path.removeprefix("/"), "Body": body}
            action = f"{method.capitalize()}Object"
        else:
            parameters = _form(body) if target is None else json.loads(body)
            action = parameters.get("Action", "") if target is None else target.removeprefix("SageMaker.")
        names = (parameters.get(key) for key in ("JobDefinitionName", "ResourceArn", "RoleArn", "Object"))
        return Call(
            action=action,
            is_sts=target is None and service != "s3",
            region=region,
            access_key=access_key,
            account=self.accounts.get(access_key, ""),
            name=next((name for name in names if isinstance(name, str)), ""),
            at=time.time(),
            parameters=parameters,
        )


def _form(body: bytes) -> dict[str, Any]:
    return {key: values[0] for key, values in parse_qs(body.decode(), keep_blank_values=True).items()}


async def _send(reply: Reply, writer: asyncio.StreamWriter) -> None:
    writer.write(reply.head() + reply.body)
    await writer.drain()


async def _send_half(reply: Reply, writer: asyncio.StreamWriter) -> None:
    writer.write(reply.head() + reply.body[: len(reply.body) // 2])
    await writer.drain()


async def _drip(reply: Reply, seconds: float, writer: asyncio.StreamWriter) -> None:
    writer.write(reply.head())
    for byte in reply.body:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(seconds)
