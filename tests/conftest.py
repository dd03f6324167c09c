"""What holds for every test: only the loopback is reached, no AWS setting leaks in, runs repeat."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

hypothesis.settings.register_profile(
    "driftcheck",
    derandomize=True,
    deadline=None,
    max_examples=int(os.environ.get("HYPOTHESIS_MAX_EXAMPLES", "100")),
)
hypothesis.settings.load_profile("driftcheck")


# The interpreter does not trace what an audit hook runs; test_network_guard.py shows it at work.
def _is_loopback(host: object) -> bool:  # pragma: no cover
    if isinstance(host, bytes | bytearray):
        host = host.decode("idna")
    if host is None or host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _refuse_the_network(event: str, args: tuple[object, ...]) -> None:  # pragma: no cover
    if event in ("socket.connect", "socket.sendto"):
        address = args[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    else:
        return
    if not _is_loopback(host):
        raise PermissionError(f"a test tried to reach {host!r}: only this machine's loopback is allowed")


def pytest_configure() -> None:
    # An audit hook sees every connection of this process, whichever library makes it, and cannot be undone.
    sys.addaudithook(_refuse_the_network)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # apart from the rest: hundreds of examples take long where each line is counted, and show no other lines
    for item in items:
        is_made_up = isinstance(item, pytest.Function) and hypothesis.is_hypothesis_test(item.obj)
        if is_made_up or item.path.parent.name == "property":
            item.add_marker("law")


@pytest.fixture(scope="session", autouse=True)
def _no_ambient_aws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield
