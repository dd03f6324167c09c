"""The parts of GitHub's and GitLab's APIs that comments need, as an HTTP endpoint on 127.0.0.1.

It records every request, and fails as it is told to.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = "ghs_not-a-real-token"
BOT = "github-actions[bot]"
REPO = "acme/monitors"
NUMBER = 7
READ_ONLY = "Resource not accessible by integration"

Answer = tuple[int, Any, dict[str, str]]
"""Status, what becomes JSON (bytes as they are, None for an empty body), and headers."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Fault:
    """What goes wrong with the next ``times`` requests of a method whose path ends in ``path``.

    ``answer`` stands in place of the true one; ``does`` is whether the request is carried out all the same.
    Without an answer the connection is reset.
    """

    method: str
    path: str = ""
    answer: Answer | None = None
    does: bool = False
    times: int = 1


@dataclass
class Forge:
    """A forge with one request to comment on, running between ``with`` and its end.

    Attributes:
        kind: ``github`` or ``gitlab``.
        viewer: whose the token is.
        comments: the comments on the request, oldest first.
        pulls: GitHub's open pull requests, as its API shows them.
        faults: what goes wrong; the first row that fits decides.
        calls: every request, oldest first.
        strays: the requests that came to another port, as after a redirect.
    """

    kind: str
    viewer: str = BOT
    comments: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    strays: list[Call] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._next = 1_000
        self._servers = [self._serve(self._reply), self._serve(self._stray)]
        self.url, self.elsewhere = (
            f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers
        )
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    @property
    def api(self) -> str:
        """The address of the REST API."""
        return f"{self.url}/api/v3" if self.kind == "github" else f"{self.url}/api/v4"

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The method and path of the requests that would have changed something."""
        return [
            (call.method, call.path)
            for call in self.calls
            if call.method != "GET" and not call.path.endswith("/graphql")
        ]

    def fail(self, method: str, answer: Answer | None = None, **more: Any) -> None:
        """Add a fault."""
        self.faults.append(Fault(method, answer=answer, **more))

    def say(self, body: str, author: str = "somebody", *, system: bool = False) -> int:
        """Add a comment; its id."""
        self._next += 1
        self.comments.append({"id": self._next, "author": author, "body": body, "system": system})
        return self._next

    def bodies(self, author: str | None = None) -> list[str]:
        """The texts of the comments of an author, by default of the viewer."""
        return [each["body"] for each in self.comments if each["author"] == (author or self.viewer)]

    def _serve(self, reply: Any) -> ThreadingHTTPServer:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                content = self.rfile.read(length)
                parts = urlsplit(self.path)
                call = Call(
                    self.command,
                    unquote(parts.path),
                    {key: values[0] for key, values in parse_qs(parts.query).items()},
                    {key.lower(): value for key, value in self.headers.items()},
                    json.loads(content) if content else None,
                )
                answer = reply(call)
                if answer is None:
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.connection.close()
                    self.close_connection = True
                    return
                status, data, headers = answer
                body = data if isinstance(data, bytes) else b"" if data is None else json.dumps(data).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any  # noqa: N815 - the library's names

            def log_message(self, *_: object) -> None:
                pass

            def finish(self) -> None:
                with suppress(OSError):
                    super().finish()

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    def _stray(self, call: Call) -> Answer:
        self.strays.append(call)
        return 200, {}, {}

    def _reply(self, call: Call) -> Answer | None:
        with self._lock:
            self.calls.append(call)
            for fault in self.faults:
                if fault.times and fault.method == call.method and call.path.endswith(fault.path):
                    fault.times -= 1
                    if fault.does:
                        self._answer(call)
                    return fault.answer
            return self._answer(call)

    def _answer(self, call: Call) -> Answer:
        return self._github(call) if self.kind == "github" else self._gitlab(call)

    def _github(self, call: Call) -> Answer:  # noqa: PLR0911 - one for each endpoint
        if call.headers.get("authorization") != f"token {TOKEN}":
            return 401, {"message": "Bad credentials", "status": "401"}, {}
        if (call.method, call.path) == ("POST", "/api/graphql"):
            return 200, {"data": {"viewer": {"login": self.viewer}}}, {}
        found = re.fullmatch(rf"/api/v3/repos/{REPO}(/.*)", call.path, re.IGNORECASE)
        path = found[1] if found else ""
        match call.method, path.split("/")[1:]:
            case "GET", ["pulls"]:
                return self._page(call, [pull for pull in self.pulls if _is_asked_for(pull, call.query)])
            case "GET", ["issues", number, "comments"] if number == str(NUMBER):
                return self._page(call, [self._shown(each) for each in self.comments])
            case "POST", ["issues", number, "comments"] if number == str(NUMBER):
                return self._made(call, 65_536, 422)
            case _, ["issues", "comments", identity]:
                return self._changed(call, int(identity), "PATCH")
        return 404, {"message": "Not Found", "status": "404"}, {}

    def _gitlab(self, call: Call) -> Answer:
        if call.headers.get("private-token") != TOKEN:
            return 401, {"message": "401 Unauthorized"}, {}
        if (call.method, call.path) == ("GET", "/api/v4/user"):
            return 200, {"id": 5, "username": self.viewer}, {}
        notes = f"/api/v4/projects/{REPO}/merge_requests/{NUMBER}/notes"
        if call.path == notes and call.method == "GET":
            shown = [self._shown(each) for each in self.comments]
            return self._page(call, shown if call.query.get("sort") == "asc" else shown[::-1])
        if call.path == notes and call.method == "POST":
            return self._made(call, 1_000_000, 400)
        if call.path.startswith(f"{notes}/"):
            return self._changed(call, int(call.path.rpartition("/")[2]), "PUT")
        return 404, {"message": "404 Not found"}, {}

    def _page(self, call: Call, entries: list[Any]) -> Answer:
        size, page = min(int(call.query.get("per_page", 30)), 100), int(call.query.get("page", 1))
        rest = f"{self.url}{call.path}?per_page={size}&page={page + 1}"
        more = {"Link": f'<{rest}>; rel="next"'} if len(entries) > page * size else {}
        return 200, entries[(page - 1) * size : page * size], more

    def _made(self, call: Call, limit: int, status: int) -> Answer:
        if len(call.body["body"]) > limit:
            return status, {"message": "Validation Failed", "errors": [{"message": "Body is too long"}]}, {}
        self.say(call.body["body"], self.viewer)
        return 201, self._shown(self.comments[-1]), {}

    def _changed(self, call: Call, identity: int, update: str) -> Answer:
        for each in self.comments:
            if each["id"] == identity:
                if call.method == "DELETE":
                    self.comments.remove(each)
                    return 204, None, {}
                if call.method == update:
                    each["body"] = call.body["body"]
                    return 200, self._shown(each), {}
        return 404, {"message": "Not Found"}, {}

    def _shown(self, comment: Mapping[str, Any]) -> dict[str, Any]:
        if self.kind == "github":
            user = {"login": comment["author"], "type": "Bot" if "[bot]" in comment["author"] else "User"}
            return {
                "id": comment["id"],
                "body": comment["body"],
                "user": user if comment["author"] else None,
                "url": f"{self.elsewhere}/comments/{comment['id']}",
            }
        author = {"id": 5, "username": comment["author"]}
        return {key: comment[key] for key in ("id", "body", "system")} | {"author": author}


def _is_asked_for(pull: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    label = f"{pull['head']['repo']['full_name'].partition('/')[0]}:{pull['head']['ref']}"
    return pull["state"] == query.get("state", "open") and label == query.get("head", label)
