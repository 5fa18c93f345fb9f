"""The port that a server of the demo gets."""

from __future__ import annotations

import socket

import pytest

from dev.ports import HIGHEST, NoFreePortError, free_port, is_free


@pytest.fixture
def busy_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_takes_a_free_port():
    assert free_port(8080, free=lambda port: True) == 8080


def test_takes_another_if_busy():
    """Take another port, below the kernel's own, if the preferred one is busy."""
    port = free_port(8080, free=lambda port: port != 8080)

    assert port != 8080
    assert port <= HIGHEST < 32768


def test_gives_no_port_twice():
    assert free_port(8793, taken=[8793], free=lambda port: True) != 8793


def test_no_free_port_is_told():
    with pytest.raises(NoFreePortError, match="No free port"):
        free_port(8080, free=lambda port: False)


def test_sees_one_address_only(busy_port):
    """See a server that listens on one address only."""
    assert not is_free(busy_port)


def test_port_is_free_afterwards():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]

    assert is_free(port)
