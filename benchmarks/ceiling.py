"""How many calls a second the endpoint answers, asked by a client that costs next to nothing.

``wrk`` where it is installed; else this module as a process: sockets kept open, each asked in turn before any
is read. Its own cost is in that figure, so that the ceiling is no lower.

Run: ``python -m benchmarks.ceiling URL [SECONDS]``.
"""

from __future__ import annotations

import re
import shutil
import socket
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks.fleet import ACCOUNT, REGION, access_key, kind_of, name_of
from benchmarks.rivals import Signer
from benchmarks.running import run

if TYPE_CHECKING:
    from benchmarks.running import Served

_CONNECTIONS = 16


def measure(served: Served, seconds: int) -> tuple[str, float]:
    """The client's name, and calls a second."""
    wrk = shutil.which("wrk")
    if wrk is None:
        command = [sys.executable, "-m", "benchmarks.ceiling", served.url, str(seconds)]
        return "sockets in Python", float(run(command, served.environment()).stdout)
    head, _, body = _request(served.url).decode().partition("\r\n\r\n")
    headers = [line.split(": ", 1) for line in head.split("\r\n")[1:]]
    lines = ['wrk.method = "POST"', f"wrk.body = '{body}'"]
    lines += [f'wrk.headers["{key}"] = "{value}"' for key, value in headers if key != "Content-Length"]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "describe.lua")
        script.write_text("\n".join(lines), encoding="utf-8")
        command = [wrk, "-t1", f"-c{_CONNECTIONS}", f"-d{seconds}s", "-s", str(script), served.url]
        said = run(command, served.environment()).stdout
    found = re.search(r"Requests/sec: *([\d.]+)", said)
    return "wrk", float(found[1]) if found else 0.0


def _request(url: str) -> bytes:
    signer = Signer(access_key(ACCOUNT), "benchmark", REGION, urlsplit(url).netloc)
    body = b'{"JobDefinitionName":"%b"}' % name_of(0).encode()
    return signer.request(f"SageMaker.Describe{kind_of(0)}", body, datetime.now(UTC))


def main(url: str, seconds: float) -> None:
    address, request = urlsplit(url), _request(url)
    sockets = [socket.create_connection((address.hostname, address.port), 10) for _ in range(_CONNECTIONS)]
    sockets[0].sendall(request)
    size = len(sockets[0].recv(1 << 16))
    calls, start = 0, time.perf_counter()
    while time.perf_counter() < start + seconds:
        for each in sockets:
            each.sendall(request)
        for each in sockets:
            left = size
            while left > 0:
                left -= len(each.recv(1 << 16)) or left
        calls += len(sockets)
    print(calls / (time.perf_counter() - start))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 3)
