"""An AWS emulator on 127.0.0.1, and what the demo does there.

The emulator is moto. The only calls that create and delete definitions stand here, and they go nowhere else.
"""

from __future__ import annotations

import copy
import logging
import os
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from driftcheck.errors import DriftcheckError
from driftcheck.kinds import IDENTIFIER, TAGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from driftcheck.model import Address, Desired

HOST = "127.0.0.1"
REGION = "eu-west-1"
SECONDS = 120
_ASSIGNED = ("JobDefinitionName", "JobDefinitionArn", "CreationTime", "ResponseMetadata")


def is_held(client: Any, each: Desired) -> bool:
    """Create a definition, and tell whether the emulator gives back what it was sent; if not, it is gone."""
    try:
        arn = call(client, "Create", each.address, **each.properties)["JobDefinitionArn"]
    except ClientError:
        return False
    answer = call(client, "Describe", each.address)
    given = {name: value for name, value in answer.items() if name not in _ASSIGNED}
    if TAGS in each.properties:
        given[TAGS] = client.list_tags(ResourceArn=arn)[TAGS]
    if given == each.properties:
        return True
    call(client, "Delete", each.address)
    return False


def call(client: Any, verb: str, address: Address, **properties: Any) -> Any:
    """Create, Describe or Delete a definition."""
    operation = getattr(client, xform_name(f"{verb}{address.kind}"))
    return operation(**{IDENTIFIER: address.name}, **properties)


def edited(each: Desired, path: str, live: Any) -> tuple[dict[str, Any], Any]:
    """Properties with another value at a dotted path, or without it for None; and the former value."""
    properties: Any = copy.deepcopy(dict(each.properties))
    *above, last = path.split(".")
    at = properties
    for step in above:
        at = at[step]
    before = at.pop(last)
    if live is not None:
        at[last] = live
    return properties, before


def recreate(client: Any, address: Address, properties: dict[str, Any]) -> None:
    """Do what somebody does who changes a definition: delete it, and create it anew."""
    call(client, "Delete", address)
    call(client, "Create", address, **properties)


@contextmanager
def emulator() -> Iterator[Callable[[str], Any]]:
    """An emulator that runs until the end, in an environment that knows of no other AWS.

    What it gives makes a client of it, by region.

    Raises:
        DriftcheckError: moto is not there, or did not start.
    """
    ambient = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,  # moto reads it too
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": HOST,
        "no_proxy": HOST,
    }
    logging.disable()  # the emulator logs every request
    try:
        with _server() as url:
            os.environ["AWS_ENDPOINT_URL"] = url
            yield _client
    finally:
        logging.disable(logging.NOTSET)
        os.environ.clear()
        os.environ |= ambient


@contextmanager
def _server() -> Iterator[str]:
    try:
        from moto.server import ThreadedMotoServer
    except ImportError:
        raise DriftcheckError("error: the demo needs moto: pip install 'driftcheck[demo]'") from None
    server = ThreadedMotoServer(HOST, 0, verbose=False)
    starting = Thread(target=server.start, daemon=True)
    starting.start()
    starting.join(SECONDS)
    if starting.is_alive():
        raise DriftcheckError(f"error: the emulator did not start on {HOST}")
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def _client(region: str) -> Any:
    client = boto3.client("sagemaker", region_name=region, config=Config(retries={"total_max_attempts": 1}))
    if urlsplit(client.meta.endpoint_url).hostname != HOST:
        raise RuntimeError(f"the demo would write to {client.meta.endpoint_url}")
    return client
