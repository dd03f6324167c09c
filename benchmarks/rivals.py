"""What driftcheck is measured against: programs that describe definitions and do nothing else.

Run: ``python -m benchmarks.rivals NAME --definitions N [--workers W] [--retries MODE] [--part I/N]``, in an
environment that names the endpoint, the region and the credentials. It prints the number of calls that ended
in an error. Each imports what it needs alone, for it is measured from its start.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmarks.fleet import kind_of, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_MAX_ATTEMPTS = 10
"""As many as driftcheck makes."""
_TYPE = "application/x-amz-json-1.1"
_SIGNED = "content-type;host;x-amz-date;x-amz-target"


@dataclass(frozen=True, slots=True)
class Work:
    """What a rival is to do: these numbers, so many at a time, with this retry mode of botocore."""

    numbers: Sequence[int]
    workers: int
    retries: str


def boto3_loop(work: Work) -> int:
    """One call after another, as a first script does it."""
    client = _client(work)
    return sum(_describe(client, number) for number in work.numbers)


def boto3_pool(work: Work) -> int:
    """Threads that share a client: what boto3 gives."""
    client = _client(work)
    with ThreadPoolExecutor(work.workers) as pool:
        return sum(pool.map(lambda number: _describe(client, number), work.numbers))


def boto3_processes(work: Work) -> int:
    """Two processes of such threads, which share the calls."""
    command = [sys.executable, "-m", "benchmarks.rivals", "boto3-pool", f"--workers={work.workers // 2}"]
    command += [f"--definitions={len(work.numbers)}"]
    parts = [
        subprocess.Popen([*command, f"--part={part}/2"], stdout=subprocess.PIPE, text=True) for part in (0, 1)
    ]
    return sum(int(part.communicate()[0]) for part in parts)


def aiobotocore(work: Work) -> int:
    """Botocore's own parts on asyncio: serialising, signing and parsing are the same code."""
    from aiobotocore.session import get_session
    from botocore.config import Config
    from botocore.exceptions import ClientError

    async def run() -> int:
        config = Config(max_pool_connections=work.workers)
        errors, numbers = 0, iter(work.numbers)
        async with get_session().create_client("sagemaker", config=config) as client:

            async def worker() -> None:
                nonlocal errors
                for number in numbers:
                    try:
                        await getattr(client, _method(number))(JobDefinitionName=name_of(number))
                    except ClientError:
                        errors += 1

            await asyncio.gather(*(worker() for _ in range(work.workers)))
        return errors

    return asyncio.run(run())


def urllib3_pool(work: Work) -> int:
    """Threads on urllib3, signed by botocore: boto3 without its models, its parsers and its events."""
    import urllib3
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    here = Here.read()
    signer = SigV4Auth(Credentials(here.key, here.secret), "sagemaker", here.region)
    http = urllib3.PoolManager(maxsize=work.workers, block=True)

    def describe(number: int) -> bool:
        request = AWSRequest(
            "POST",
            here.url,
            headers={"X-Amz-Target": _target(number), "Content-Type": _TYPE},
            data=_body(number),
        )
        signer.add_auth(request)
        answer = http.request("POST", here.url, body=request.data, headers=dict(request.headers.items()))
        return answer.status != 200 or "JobDefinitionArn" not in json.loads(answer.data)

    with ThreadPoolExecutor(work.workers) as pool:
        return sum(pool.map(describe, work.numbers))


def limit(work: Work) -> int:
    """One thread, nothing but asyncio's sockets: sign, send, parse the JSON."""
    return asyncio.run(_limit(work))


async def _limit(work: Work) -> int:
    here, loop = Here.read(), asyncio.get_running_loop()
    signer = Signer(here.key, here.secret, here.region, here.host)
    address = urlsplit(here.url)
    numbers, done = iter(work.numbers), [loop.create_future() for _ in range(work.workers)]
    for future in done:
        exchange = partial(_Exchange, signer, numbers, future)
        await loop.create_connection(exchange, address.hostname or "", address.port or 80)
    return sum(await asyncio.gather(*done))


class _Exchange(asyncio.Protocol):
    """One connection that asks for the next number as soon as it is answered."""

    def __init__(self, signer: Signer, numbers: Iterator[int], done: asyncio.Future[int]) -> None:
        self._signer, self._numbers, self._done = signer, numbers, done
        self._left, self._errors = b"", 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or ConnectionError("closed by the endpoint"))

    def data_received(self, data: bytes) -> None:
        data = self._left + data
        head, between, body = data.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if not between or len(body) < int(length):
            self._left = data
            return
        self._left = b""
        if b" 200 " not in head[:16] or "JobDefinitionArn" not in json.loads(body):
            self._errors += 1
        self._ask()

    def _ask(self) -> None:
        number = next(self._numbers, None)
        if number is not None:
            self._transport.write(self._signer.request(_target(number), _body(number), datetime.now(UTC)))
            return
        self._done.set_result(self._errors)
        self._transport.close()


class Signer:
    """Signature Version 4 of a call, the day's signing key made once; the tests hold it to botocore's."""

    def __init__(self, key: str, secret: str, region: str, host: str) -> None:
        """Sign for this access key, region and host."""
        self._key, self._secret, self._region, self._host = key, secret, region, host
        self._day, self._signing_key = "", b""

    def request(self, target: str, body: bytes, at: datetime) -> bytes:
        """The whole HTTP request."""
        date = f"{at:%Y%m%dT%H%M%SZ}"
        scope = f"{date[:8]}/{self._region}/sagemaker/aws4_request"
        if self._day != date[:8]:
            self._day, self._signing_key = date[:8], f"AWS4{self._secret}".encode()
            for part in scope.split("/"):
                self._signing_key = hmac.digest(self._signing_key, part.encode(), "sha256")
        headers = f"content-type:{_TYPE}\nhost:{self._host}\nx-amz-date:{date}\nx-amz-target:{target}\n"
        canonical = f"POST\n/\n\n{headers}\n{_SIGNED}\n{hashlib.sha256(body).hexdigest()}"
        text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._signing_key, text.encode(), "sha256").hex()
        head = (
            f"POST / HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: {_TYPE}\r\nX-Amz-Date: {date}\r\n"
            f"X-Amz-Target: {target}\r\nContent-Length: {len(body)}\r\nAuthorization: AWS4-HMAC-SHA256 "
            f"Credential={self._key}/{scope}, SignedHeaders={_SIGNED}, Signature={signature}\r\n\r\n"
        )
        return head.encode() + body


@dataclass(frozen=True, slots=True)
class Here:
    """Where and as whom: what boto3 reads from the environment by itself."""

    url: str
    region: str
    key: str
    secret: str

    @classmethod
    def read(cls) -> Here:
        """From the environment."""
        names = ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        return cls(*(os.environ[name] for name in names))

    @property
    def host(self) -> str:
        """The value of the header."""
        return urlsplit(self.url).netloc


def _client(work: Work) -> Any:
    import boto3
    from botocore.config import Config

    retries = {"mode": work.retries, "total_max_attempts": _MAX_ATTEMPTS}
    return boto3.client("sagemaker", config=Config(max_pool_connections=work.workers, retries=retries))


def _describe(client: Any, number: int) -> bool:
    """Describe one; True when it ended in an error."""
    from botocore.exceptions import ClientError

    try:
        getattr(client, _method(number))(JobDefinitionName=name_of(number))
    except ClientError:
        return True
    return False


def _method(number: int) -> str:
    words = kind_of(number).removesuffix("JobDefinition").replace("Model", "Model_").replace("Data", "Data_")
    return f"describe_{words.lower()}_job_definition"


def _target(number: int) -> str:
    return f"SageMaker.Describe{kind_of(number)}"


def _body(number: int) -> bytes:
    return b'{"JobDefinitionName":"%b"}' % name_of(number).encode()


RIVALS: dict[str, Callable[[Work], int]] = {
    "boto3-loop": boto3_loop,
    "boto3-pool": boto3_pool,
    "boto3-processes": boto3_processes,
    "aiobotocore": aiobotocore,
    "urllib3-pool": urllib3_pool,
    "limit": limit,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rivals")
    parser.add_argument("name", choices=RIVALS)
    parser.add_argument("--definitions", type=int, required=True)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--retries", choices=("standard", "adaptive"), default="standard")
    parser.add_argument("--part", default="0/1")
    given = parser.parse_args()
    part, of = map(int, given.part.split("/"))
    work = Work(range(part, given.definitions, of), given.workers, given.retries)
    print(RIVALS[given.name](work))


if __name__ == "__main__":
    main()
