"""Processes of ``driftcheck`` that begin with the libraries it uses loaded: half of what a short one takes.

The standard library's fork server has imported those, and nothing of driftcheck. Each process has arguments,
a folder, an environment, streams and an exit code of its own, as one that is started anew.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

_LIBRARIES = (
    "apprise",
    "boto3",
    "botocore.auth",
    "botocore.parsers",
    "botocore.retries.standard",
    "botocore.retryhandler",
    "coverage",
    "deepdiff",
    "encodings.idna",
    "github",
    "gitlab",
    "jinja2",
    "jsonschema_rs",
    "pydantic.type_adapter",
    "pydantic.types",
    "tomllib",
    "typer",
    "yaml",
)
_READ_AT_START = ("PYTHON", "LANG", "LC_", "TERM", "_", "FORCE_COLOR", "NO_COLOR", "DASK")
"""What variables begin with that an interpreter or a library reads when it starts."""

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__, *_LIBRARIES])


def is_fit(env: Mapping[str, str]) -> bool:
    """Tell whether a process in this environment does the same as one that is started anew."""
    usual = {"LANG": "C.UTF-8"}
    return all(usual.get(name) == value for name, value in env.items() if name.startswith(_READ_AT_START))


def run(
    args: Sequence[str], folder: Path, env: Mapping[str, str], stdin: bytes, seconds: float
) -> tuple[int, bytes, bytes]:
    """Run ``driftcheck`` in a folder to its end: its exit code, and what it wrote.

    Raises:
        subprocess.TimeoutExpired: it took longer than ``seconds``, and was killed.
    """
    (given, give), (get_out, out), (get_err, err) = (_context.Pipe(duplex=False) for _ in range(3))
    process = _context.Process(target=_main, args=(args, folder, dict(env), (given, out, err)))
    process.start()
    for end in (given, out, err):
        end.close()
    with ThreadPoolExecutor(3) as streams:
        streams.submit(_write, give, stdin)
        written = [streams.submit(_read, end) for end in (get_out, get_err)]
        process.join(seconds)
        code = process.exitcode
        if code is None:
            process.kill()
            raise subprocess.TimeoutExpired(["driftcheck", *args], seconds)
        process.close()
        return code, written[0].result(), written[1].result()


def _write(end: Connection, content: bytes) -> None:
    with end, suppress(BrokenPipeError), open(end.fileno(), "wb", closefd=False) as stream:
        stream.write(content)


def _read(end: Connection) -> bytes:
    with end, open(end.fileno(), "rb", closefd=False) as stream:
        return stream.read()


def _main(args: Sequence[str], folder: Path, env: Mapping[str, str], ends: Sequence[Connection]) -> None:
    for number, end in enumerate(ends):
        os.dup2(end.fileno(), number)
        end.close()
    sys.stdin = os.fdopen(0, "r", encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    sys.path[0] = os.fspath(folder)
    sys.argv = ["driftcheck", *args]
    coverage: Any = None
    if any(name.startswith("COVERAGE_") for name in env):
        import coverage as library

        coverage = library.process_startup()
    try:
        runpy.run_module("driftcheck", run_name="__main__", alter_sys=True)
    finally:
        if coverage is not None:
            coverage.stop()
            coverage.save()
