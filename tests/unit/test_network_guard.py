from __future__ import annotations

import socket

import pytest


def test_a_connection_that_leaves_this_machine_is_refused() -> None:
    # 192.0.2.1 is reserved for documentation and belongs to nobody.
    with socket.socket() as client, pytest.raises(PermissionError, match=r"192\.0\.2\.1"):
        client.connect(("192.0.2.1", 443))


def test_the_name_of_another_machine_is_not_looked_up() -> None:
    with pytest.raises(PermissionError, match=r"sagemaker\.invalid"):
        socket.getaddrinfo("sagemaker.invalid", 443)


def test_a_server_on_the_loopback_is_reached() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5) as client,
    ):
        connection, address = server.accept()
        connection.close()

        assert address == client.getsockname()
