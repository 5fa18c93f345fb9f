"""The doctor waits for nothing that hangs, and hides no error."""

from __future__ import annotations

import concurrent.futures
import subprocess
import sys
import threading
from concurrent.futures import Future

import pytest

from airflow_provider_cgc.doctor import deadline
from airflow_provider_cgc.doctor.deadline import TooSlow, within


def test_result_comes_back() -> None:
    assert within(60, lambda: 7) == 7


@pytest.mark.parametrize("error", [ValueError("no"), TimeoutError("its own"), KeyboardInterrupt()], ids=repr)
def test_error_comes_back(error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        within(60, fail)

    assert caught.value is error


def test_hanging_call_is_left() -> None:
    going_on = threading.Event()

    with pytest.raises(TooSlow):
        within(0.05, going_on.wait)

    going_on.set()


def test_last_moment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that ends just after its time is too slow, and no error escapes."""

    def call() -> int:
        started.wait(60)
        return 7

    def wait(futures: list[Future[int]], timeout: float) -> object:
        found = concurrent.futures.wait(futures, timeout)
        started.set()
        assert concurrent.futures.wait(futures, 60).done
        return found

    started = threading.Event()
    monkeypatch.setattr(deadline, "wait", wait)

    with pytest.raises(TooSlow):
        within(0.05, call)


def test_process_ends_all_the_same() -> None:
    """A call that hangs for ever does not keep the process alive."""
    code = (
        "import threading\n"
        "from airflow_provider_cgc.doctor.deadline import TooSlow, within\n"
        "try:\n"
        "    within(0.05, threading.Event().wait)\n"
        "except TooSlow:\n"
        "    print('left')\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == "left\n"
