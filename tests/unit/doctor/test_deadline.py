"""The doctor waits for nothing that hangs, and hides no error."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

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
