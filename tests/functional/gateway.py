"""An endpoint in front of the emulator's S3, which passes calls on and answers some of them by hand."""

from __future__ import annotations

import http.client
import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


@dataclass(frozen=True, slots=True)
class By:
    """An answer by hand."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


PAGE = By(b"<html><body>Sign on to the network</body></html>", headers=(("Content-Type", "text/html"),))
"""What a proxy says in place of an answer."""
EMPTY_BODY = By()
EMPTY_RESULT = By(b"<ListBucketResult></ListBucketResult>", headers=(("Content-Type", "application/xml"),))
SLOW_DOWN = By(b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>", 503)
INTERNAL = By(b"<Error><Code>InternalError</Code><Message>We had one.</Message></Error>", 500)
DENIED = By(b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", 403)
MOVED = By(b"", 301)
"""A redirect that does not say to which region."""


def nothing_in(bucket: str, prefix: str) -> By:
    """A listing as S3 makes it, which names nothing."""
    text = (
        f"<ListBucketResult><Name>{bucket}</Name><Prefix>{prefix}</Prefix><KeyCount>0</KeyCount>"
        "<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>"
    )
    return By(text.encode(), headers=(("Content-Type", "application/xml"),))


@dataclass(slots=True)
class Rule:
    """What happens to the calls of an operation on keys that match: the next ``times``, or all of them.

    ``does`` is the answer, or what makes one of the true answer; None is a connection that is cut.
    """

    does: By | Callable[[By], By] | None
    operation: str
    key: str = "*"
    times: int | None = None
    skip: int = 0
    after: bool = False
    seen: int = field(default=0, init=False)


@dataclass
class Gateway:
    """The endpoint, running between ``with`` and its end; ``calls`` are operation and key, oldest first."""

    emulator: str
    rules: list[Rule] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    url: str = field(default="", init=False)

    def answer(self, operation: str, does: By | Callable[[By], By] | None, **which: object) -> None:
        """Add a rule; ``which`` are its other fields. With ``after``, the call is passed on all the same."""
        self.rules.append(Rule(does, operation, **which))  # type: ignore[arg-type]

    def __enter__(self) -> Self:
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                gateway._handle(self)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_one  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        operation, key = _operation(request)
        self.calls.append((operation, key))
        rule = self._rule(operation, key)
        passed = rule is None or rule.after or not (isinstance(rule.does, By) or rule.does is None)
        answer = self._pass_on(request, body) if passed else By()
        if rule is not None and rule.does is None:
            request.close_connection = True
            request.connection.close()
            return
        if rule is not None:
            answer = rule.does if isinstance(rule.does, By) else rule.does(answer)  # type: ignore[misc]
        request.send_response_only(answer.status)
        for name, value in answer.headers:
            request.send_header(name, value)
        if answer.status != 204 and "content-length" not in {name.lower() for name, _ in answer.headers}:
            request.send_header("Content-Length", str(len(answer.body)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(answer.body)

    def _rule(self, operation: str, key: str) -> Rule | None:
        for rule in self.rules:
            if fnmatchcase(operation, rule.operation) and fnmatchcase(key, rule.key):
                rule.seen += 1
                if rule.seen > rule.skip and (rule.times is None or rule.seen <= rule.skip + rule.times):
                    return rule
        return None

    def _pass_on(self, request: BaseHTTPRequestHandler, body: bytes) -> By:
        connection = http.client.HTTPConnection(urlsplit(self.emulator).netloc, timeout=30)
        try:
            connection.request(request.command, request.path, body, dict(request.headers.items()))
            answer = connection.getresponse()
            content = answer.read()
            headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
            if request.command == "HEAD":
                headers.append(("Content-Length", answer.getheader("Content-Length") or "0"))
            return By(content, answer.status, tuple(headers))
        finally:
            connection.close()


def _operation(request: BaseHTTPRequestHandler) -> tuple[str, str]:
    url = urlsplit(request.path)
    key = unquote(url.path).lstrip("/")
    if "list-type" in parse_qs(url.query):
        return "ListObjectsV2", f"{key.rstrip('/')}/{parse_qs(url.query).get('prefix', [''])[0]}"
    if request.command == "HEAD" and "/" not in key.rstrip("/"):
        return "HeadBucket", key
    if request.command == "PUT" and "x-amz-copy-source" in request.headers:
        return "CopyObject", key
    return f"{request.command.capitalize()}Object", key
