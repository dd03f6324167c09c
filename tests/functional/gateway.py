"""Something on 127.0.0.1 between driftcheck and a service, which answers as rules say or passes on."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

HTML = b"<!DOCTYPE html>\n<html><body><h1>Bad Gateway</h1></body></html>"
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
_NO_CONTENT = 204


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def call(self) -> tuple[str, str]:
        """The operation and the key that it is to S3; a listing has its bucket and prefix as key."""
        url = urlsplit(self.path)
        query, key = parse_qs(url.query), unquote(url.path).lstrip("/")
        if "list-type" in query:
            return "ListObjectsV2", f"{key.rstrip('/')}/{query.get('prefix', [''])[0]}"
        if self.method == "HEAD" and "/" not in key.rstrip("/"):
            return "HeadBucket", key
        if self.method == "PUT" and any(name.lower() == "x-amz-copy-source" for name, _ in self.headers):
            return "CopyObject", key
        return f"{self.method.capitalize()}Object", key


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, or with ``resets`` none; ``passes`` lets the service have the request before."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    passes: bool = False
    resets: bool = False
    headers: tuple[tuple[str, str], ...] = ()


Does: TypeAlias = Reply | Callable[[Reply], Reply]
"""An answer, or what makes one of the service's."""


def page(status: int = 200) -> Reply:
    """A gateway's own page."""
    return Reply(status, HTML, "text/html; charset=utf-8")


def _fault(status: int, code: str) -> Reply:
    return Reply(
        status, f"<Error><Code>{code}</Code><Message>{code}: try later</Message></Error>".encode(), "text/xml"
    )


PAGE = page()
DENIED, SLOW_DOWN, INTERNAL = (
    _fault(403, "AccessDenied"),
    _fault(503, "SlowDown"),
    _fault(500, "InternalError"),
)
RESET, LOST = Reply(resets=True), Reply(passes=True, resets=True)
EMPTY_BODY = Reply(content_type="")
EMPTY_RESULT = Reply(body=b"<ListBucketResult></ListBucketResult>", content_type="application/xml")
MOVED = Reply(301, content_type="")
"""A redirect that does not say to which region."""


def nothing_in(bucket: str, prefix: str) -> Reply:
    """A listing as S3 makes it, which names nothing."""
    text = (
        f"<ListBucketResult><Name>{bucket}</Name><Prefix>{prefix}</Prefix><KeyCount>0</KeyCount>"
        "<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>"
    )
    return Reply(body=text.encode(), content_type="application/xml")


def cut(answer: Reply) -> Reply:
    """Half of an answer whose headers promise all of it."""
    length = (("Content-Length", str(len(answer.body))),)
    return Reply(answer.status, answer.body[: len(answer.body) // 2], "", headers=answer.headers + length)


@dataclass(slots=True)
class Rule:
    """The answer to calls of an S3 operation on keys that match: the next ``times``, or all of them."""

    does: Does
    operation: str
    key: str = "*"
    times: int | None = None
    seen: int = field(default=0, init=False)

    def holds(self, asked: Asked) -> bool:
        """Tell whether it is for this request, and count that."""
        operation, key = asked.call
        if not (fnmatchcase(operation, self.operation) and fnmatchcase(key, self.key)):
            return False
        self.seen += 1
        return self.times is None or self.seen <= self.times


@dataclass
class Gateway:
    """Running between ``with`` and its end; ``rule`` gives the answer to a request, None to pass it on.

    ``rules`` are asked after it, the first that holds answers. Where there is no service ``before`` which it
    stands, ``taken`` has what that would have got, and ``default`` is what it answers.
    """

    before: str | None = None
    rule: Callable[[Asked], Does | None] = lambda _: None
    default: Callable[[Asked], Reply] = lambda _: Reply(body=b"OK")
    rules: list[Rule] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    taken: list[Asked] = field(default_factory=list)
    url: str = ""

    def answer(self, operation: str, does: Does, *, key: str = "*", times: int | None = None) -> None:
        """Add a rule for an operation of S3."""
        self.rules.append(Rule(does, operation, key, times))

    def calls(self) -> list[tuple[str, str]]:
        """The operation and key of each call to S3, oldest first."""
        return [asked.call for asked in self.asked]

    def __enter__(self) -> Self:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # headers and body go out apart, and the client would wait 40 ms to acknowledge the first
            disable_nagle_algorithm = True

            def __getattr__(self, name: str) -> Callable[[], None]:
                if not name.startswith("do_"):
                    raise AttributeError(name)
                return lambda: outer._answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """Say nothing: a client that goes away is no fault of the test."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        asked = Asked(request.command, request.path, body, tuple(request.headers.items()))
        self.asked.append(asked)
        does = self.rule(asked)
        if does is None:
            does = next((rule.does for rule in self.rules if rule.holds(asked)), None)
        if isinstance(does, Reply):
            if does.passes:
                self._pass_on(asked)
            reply = does
        else:
            reply = self._pass_on(asked)
            reply = reply if does is None else does(reply)
        if reply.resets:
            request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            request.connection.close()
            request.close_connection = True
            return
        headers = [*reply.headers]
        names = {name.lower() for name, _ in headers}
        if reply.content_type and "content-type" not in names:
            headers.append(("Content-Type", reply.content_type))
        if reply.status != _NO_CONTENT and "content-length" not in names:
            headers.append(("Content-Length", str(len(reply.body))))
        request.send_response_only(reply.status)
        for name, value in headers:
            request.send_header(name, value)
            if name == "Content-Length" and int(value) > len(reply.body) and asked.method != "HEAD":
                request.close_connection = True  # what was promised never comes
        request.end_headers()
        if asked.method != "HEAD":
            request.wfile.write(reply.body)

    def _pass_on(self, asked: Asked) -> Reply:
        self.taken.append(asked)
        if self.before is None:
            return self.default(asked)
        connection = http.client.HTTPConnection(urlsplit(self.before).netloc, timeout=30)
        try:
            connection.request(asked.method, asked.path, asked.body, dict(asked.headers))
            answer = connection.getresponse()
            content = answer.read()
            headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
            if asked.method == "HEAD":
                headers.append(("Content-Length", answer.getheader("Content-Length") or "0"))
            return Reply(answer.status, content, "", headers=tuple(headers))
        finally:
            connection.close()
