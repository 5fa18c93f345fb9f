"""One thing for all who need it on one event loop: made for the first of them, closed when the last one leaves."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar


class Closable(Protocol):
    """What can be shared."""

    def close(self) -> object:
        """End it."""


T = TypeVar("T", bound=Closable)


@dataclass(slots=True)
class _Shared:
    thing: Any
    users: int = 0


_SHARED: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, _Shared]] = weakref.WeakKeyDictionary()


@contextmanager
def shared(key: Hashable, make: Callable[[], T]) -> Iterator[T]:
    """Return what everyone with the same `key` on this event loop shares."""
    known = _SHARED.setdefault(asyncio.get_running_loop(), {})
    if key not in known:
        known[key] = _Shared(make())
    one = known[key]
    one.users += 1
    try:
        yield one.thing
    finally:
        one.users -= 1
        if not one.users:
            del known[key]
            one.thing.close()
