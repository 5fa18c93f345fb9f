"""Which port a server of the demo gets."""

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


def test_takes_the_preferred_port_when_it_is_free():
    assert free_port(8080, free=lambda port: True) == 8080


def test_takes_another_port_below_the_kernels_own_when_the_preferred_one_is_busy():
    port = free_port(8080, free=lambda port: port != 8080)

    assert port != 8080
    assert port <= HIGHEST < 32768


def test_gives_no_port_twice():
    assert free_port(8793, taken=[8793], free=lambda port: True) != 8793


def test_says_so_when_there_is_no_free_port():
    with pytest.raises(NoFreePortError, match="No free port"):
        free_port(8080, free=lambda port: False)


def test_sees_a_server_that_listens_on_one_address_only(busy_port):
    assert not is_free(busy_port)


def test_a_port_is_free_again_as_soon_as_its_server_ended():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]

    assert is_free(port)
