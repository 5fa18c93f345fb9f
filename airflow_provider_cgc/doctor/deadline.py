"""A call that somebody waits for: what does not answer in time is left behind."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

__all__ = ["TooSlow", "within"]

T = TypeVar("T")


class TooSlow(Exception):
    """The call did not end in time; it goes on in the background, and does not keep the process alive."""


def within(seconds: float, call: Callable[[], T]) -> T:
    """
    Return the result of a call, or raise its exception.

    :raises TooSlow: if it takes longer. A database, a storage or the look-up of a name may take minutes, and nothing
        can end it before.
    """
    result: Future[T] = Future()
    # A daemon, because the threads of an executor are waited for when the process ends.
    Thread(target=_run, args=(call, result), daemon=True, name="cgc-doctor").start()
    if not wait([result], timeout=seconds).done:
        raise TooSlow
    return result.result()


def _run(call: Callable[[], T], result: Future[T]) -> None:
    try:
        result.set_result(call())
    except BaseException as error:  # noqa: BLE001  # raised again by whoever waits
        result.set_exception(error)
