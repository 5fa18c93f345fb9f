"""Sessions are ended whole."""

from __future__ import annotations

import os
import signal
import sys
import time

import psutil
import pytest

from dev import processes
from dev.processes import Component, describe_exit

# A leader whose child takes a group of its own (as Airflow's tasks do), and neither listens to SIGTERM.
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setpgid(0, 0)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def start(tmp_path):
    started = []

    def start(code):
        command = [sys.executable, "-c", code]
        component = Component.start("it", command, env=os.environ, home=tmp_path, log=tmp_path / "it.out")
        started.append(component)
        return component

    yield start
    processes.end(started, grace=0)


def wait_for(fact):
    deadline = time.monotonic() + 10
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_whole_session_ends(start):
    """A member with a process group of its own is ended too."""
    component = start(STUBBORN)
    wait_for(lambda: component.tail().count("ready") == 2)
    members = component.members()

    processes.end([component], grace=0.2)

    assert len(members) == 2
    assert not any(processes.is_alive(process) for process in members)
    assert component.exit_code == -signal.SIGKILL


def test_frozen_can_be_ended(start):
    component = start("import time; time.sleep(60)")
    processes.send(component.members(), signal.SIGSTOP)

    processes.end([component], grace=5)

    assert component.exit_code == -signal.SIGTERM


def test_leftovers_are_ended(start, tmp_path):
    """Leftovers of a killed program are ended at the next start."""
    component = start(STUBBORN)
    wait_for(lambda: component.tail().count("ready") == 2)

    count = processes.end_leftovers(tmp_path)

    assert count == 2
    assert component.members() == []


def test_recycled_id_is_left(start, tmp_path):
    """A process that got the id of a leftover is left alone."""
    component = start("import time; time.sleep(60)")
    later = psutil.Process(component.pid).create_time() + 100
    (tmp_path / processes.SESSIONS_FILE).write_text(f'{{"{component.pid}": {later}}}')

    assert processes.end_leftovers(tmp_path) == 0
    assert component.exit_code is None


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_unawaited_end_is_known():
    pid = os.fork()
    if pid == 0:
        os._exit(3)
    wait_for(lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)

    code = processes.zombie_exit_code(pid)

    os.waitpid(pid, 0)
    assert code == 3


@pytest.mark.parametrize(("code", "text"), [(1, "exit code 1"), (-9, "killed by SIGKILL"), (None, "exit code unknown")])
def test_exit_is_told_in_words(code, text):
    assert describe_exit(code) == text
