"""Something on 127.0.0.1 between driftcheck and a service, which answers as a rule says or passes on."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

HTML = b"<!DOCTYPE html>\n<html><body><h1>Bad Gateway</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, or with ``resets`` none; ``passes`` lets the service have the request before."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    passes: bool = False
    resets: bool = False


def page(status: int) -> Reply:
    """A gateway's own page."""
    return Reply(status, HTML, "text/html; charset=utf-8")


DENIED = Reply(403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", "text/xml")
RESET, LOST = Reply(resets=True), Reply(passes=True, resets=True)


@dataclass
class Gateway:
    """Running between ``with`` and its end; ``rule`` gives the answer to a request, None to pass it on.

    Where there is no service ``before`` which it stands, ``taken`` has what that would have got, and
    ``default`` is what it answers.
    """

    before: str | None = None
    rule: Callable[[Asked], Reply | None] = lambda _: None
    default: Callable[[Asked], Reply] = lambda _: Reply(body=b"OK")
    taken: list[Asked] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> Self:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def __getattr__(self, name: str) -> Callable[[], None]:
                if not name.startswith("do_"):
                    raise AttributeError(name)
                return lambda: outer._answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
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
        asked = Asked(request.command, request.path, body)
        reply = self.rule(asked)
        headers: list[tuple[str, str]] = []
        if reply is None or reply.passes:
            found, headers = self._passed_on(request, asked)
            reply = found if reply is None else reply
        if reply.resets:
            request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            request.connection.close()
            request.close_connection = True
            return
        request.send_response(reply.status)
        for key, value in headers or [("Content-Type", reply.content_type)]:
            request.send_header(key, value)
        if not headers:
            request.send_header("Content-Length", str(len(reply.body)))
        request.end_headers()
        request.wfile.write(reply.body)

    def _passed_on(
        self, request: BaseHTTPRequestHandler, asked: Asked
    ) -> tuple[Reply, list[tuple[str, str]]]:
        self.taken.append(asked)
        if self.before is None:
            return self.default(asked), []
        connection = http.client.HTTPConnection(urlsplit(self.before).netloc, timeout=30)
        try:
            connection.request(asked.method, asked.path, asked.body, dict(request.headers.items()))
            answer = connection.getresponse()
            content = answer.read()
            left_out = {"transfer-encoding", "connection", "server", "date"}
            headers = [(key, value) for key, value in answer.getheaders() if key.lower() not in left_out]
            if asked.method != "HEAD" and not any(key.lower() == "content-length" for key, _ in headers):
                headers.append(("Content-Length", str(len(content))))
            return Reply(answer.status, content), headers
        finally:
            connection.close()
