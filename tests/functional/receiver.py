"""A webhook on 127.0.0.1 that does as it is told, and may stand before another service."""

from __future__ import annotations

import socket
import struct
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, Self, TypeAlias

Does: TypeAlias = "int | Literal['hang', 'reset', 'lose']"
"""What becomes of one request: an HTTP status, no answer, or a reset; ``lose`` takes it and then resets."""


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    method: str
    path: str
    body: bytes


@dataclass
class Receiver:
    """Running between ``with`` and its end.

    ``script`` is what becomes of the next requests; when it is empty, each is taken: passed on to the service
    at ``before``, if there is one. ``requests`` are all, ``taken`` those that were.
    """

    before: str | None = None
    script: list[Does] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)
    taken: list[Received] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> Self:
        self._lock, self._stop = threading.Lock(), threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                outer.receive(self)

            def do_GET(self) -> None:
                outer.receive(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def receive(self, request: BaseHTTPRequestHandler) -> None:
        """Record a request and do what the script says."""
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        received = Received(request.command, request.path, body)
        with self._lock:
            self.requests.append(received)
            does = self.script.pop(0) if self.script else None
            if does in {None, "lose"}:
                self.taken.append(received)
        match does:
            case "hang":
                self._stop.wait(60)
                request.close_connection = True
            case "reset":
                self._reset(request)
            case "lose":
                self._passed_on(request, body)
                self._reset(request)
            case int():
                self._answer(request, does, b"")
            case _:
                self._answer(request, *self._passed_on(request, body))

    def _passed_on(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        if self.before is None:
            return 200, b"OK"
        headers = {key: value for key, value in request.headers.items() if key.lower() != "host"}
        sent = urllib.request.Request(
            self.before + request.path,
            body,
            headers | {"Host": request.headers["Host"]},
            method=request.command,
        )
        try:
            with urllib.request.urlopen(sent, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    @staticmethod
    def _answer(request: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    @staticmethod
    def _reset(request: BaseHTTPRequestHandler) -> None:
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.connection.close()
        request.close_connection = True
