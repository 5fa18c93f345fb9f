"""Free TCP ports of this machine for servers that are started a moment later."""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Callable, Iterable, Iterator

# From 32768 on the kernel hands ports to outgoing connections, so one that is free now may be taken when the
# server starts.
LOWEST, HIGHEST = 18_000, 32_767


class NoFreePortError(RuntimeError):
    """Every candidate was busy."""


def is_free(port: int) -> bool:
    """True if a server could listen on `port` now, on all interfaces, IPv4 and (where there is one) IPv6."""
    if _answers("127.0.0.1", port) or _answers("::1", port):
        return False
    return _can_bind(socket.AF_INET, "0.0.0.0", port) and _can_bind(socket.AF_INET6, "::", port)


def free_port(preferred: int | None = None, *, taken: Iterable[int] = (), free: Callable[[int], bool] = is_free) -> int:
    """Return `preferred` if it is free, else some free port below 32768 that is not in `taken`."""
    excluded = set(taken)
    for port in _candidates(preferred):
        if port not in excluded and free(port):
            return port
    raise NoFreePortError(f"No free port between {LOWEST} and {HIGHEST}: end some servers and start again.")


def _candidates(preferred: int | None) -> Iterator[int]:
    if preferred is not None:
        yield preferred
    # At random, so that two programs that start together rarely choose the same one.
    yield from random.sample(range(LOWEST, HIGHEST + 1), 200)


def _answers(host: str, port: int) -> bool:
    # macOS lets a socket with SO_REUSEADDR bind a port on which another one listens: binding is not enough.
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False


def _can_bind(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        probe = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return True  # this machine has no such family: nobody listens there
    with probe:
        # As uvicorn does; without it a port is "busy" for a minute after its last server ended.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # IPv6 is switched off
        return True
