"""Commands that run in a session of their own: who is in it, why it ended, how to end all of it.

Knows nothing of Airflow. A session rather than a process group, because Airflow 3.3 gives each running task a
group of its own, and a group that is signalled would leave them behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

SESSIONS_FILE = "sessions.json"


class Component:
    """One command in a session of its own, with stdout and stderr in `log`."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log

    @classmethod
    def start(
        cls,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        home: Path,
        log: Path,
        owner: tuple[int, int] | None = None,
    ) -> Component:
        """Start `command` in `home`; a log that is there already is continued.

        `owner` is the user's and the group's id that root gives the command; None is whoever runs this.
        """
        identity: dict[str, Any] = {} if owner is None else {"user": owner[0], "group": owner[1], "extra_groups": []}
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                cwd=home,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **identity,
            )
        _remember(home, process.pid)
        return cls(name, process, log)

    @property
    def pid(self) -> int:
        """The leader's process id, which is also the id of its group and of its session."""
        return self.process.pid

    @property
    def exit_code(self) -> int | None:
        """None while the leader runs; minus the signal's number if a signal ended it."""
        return self.process.poll()

    def members(self) -> list[psutil.Process]:
        """Everything alive in the session, and what its members started elsewhere."""
        return members(self.pid)

    def tail(self, lines: int = 20) -> str:
        return tail(self.log, lines)


def members(session: int) -> list[psutil.Process]:
    """The living processes of a session, the leader first, then their descendants in other sessions."""
    found: dict[int, psutil.Process] = {}
    for pid in psutil.pids():
        with contextlib.suppress(psutil.Error, OSError):
            if os.getsid(pid) == session:
                process = psutil.Process(pid)
                for one in (process, *process.children(recursive=True)):
                    found.setdefault(one.pid, one)
    return sorted((one for one in found.values() if is_alive(one)), key=lambda one: one.pid != session)


def is_alive(process: psutil.Process) -> bool:
    """False for a zombie too: it holds nothing, and in a container nobody may ever collect it."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Signal each process that is still the one it was (psutil checks that its id was not used again)."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)


def end(
    components: Sequence[Component],
    *,
    grace: float,
    first: signal.Signals = signal.SIGTERM,
) -> None:
    """Ask the leaders to end, wait up to `grace` seconds, then kill whatever their sessions still hold.

    An exception in the meantime, such as a second Ctrl-C, shortens the wait and kills at once.
    """
    known = {process for component in components for process in component.members()}
    try:
        send(known, signal.SIGCONT)
        for component in components:
            if component.exit_code is None:
                component.process.send_signal(first)
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline and any(one.exit_code is None for one in components):
            known |= {process for component in components for process in component.members()}
            time.sleep(0.1)
    finally:
        kill([component.pid for component in components], known)
        for component in components:
            component.process.wait()


def kill(sessions: Sequence[int], known: Iterable[psutil.Process] = (), *, patience: float = 10.0) -> None:
    """SIGKILL the members of the sessions and the `known` processes until none is left.

    Raises if some are there after `patience` seconds.
    """
    left = set(known)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        # Again and again: a process may have forked between the look and the signal.
        for session in sessions:
            left.update(members(session))
        left = {process for process in left if is_alive(process)}
        if not left:
            return
        send(left, signal.SIGKILL)
        time.sleep(0.05)
    raise RuntimeError(f"Processes that do not end: {sorted(process.pid for process in left)}")


def end_leftovers(home: Path) -> int:
    """Kill the processes that an earlier program, killed itself, left running in `home`; return their number."""
    try:
        sessions: dict[str, float] = json.loads((home / SESSIONS_FILE).read_text())
    except (OSError, ValueError):
        return 0
    count = 0
    for session, created in sessions.items():
        left = members(int(session))
        # A member older than the session that we wrote down belongs to somebody who got the same id later.
        if left and all(process.create_time() >= created - 1 for process in left) and _is_ours(left, home):
            count += len(left)
            kill([int(session)], left)
    return count


def started_by_us(home: Path) -> list[psutil.Process]:
    """Our own children that lead a session in `home`: finds one whose start a signal interrupted."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error, OSError):
            if os.getsid(child.pid) == child.pid and Path(child.cwd()) == home.resolve():
                found.append(child)
    return found


def zombie_exit_code(pid: int) -> int | None:
    """Give the `Popen.returncode` of a process that its parent has not asked about yet; Linux only."""
    try:
        status = int(Path(f"/proc/{pid}/stat").read_text().rsplit(" ", 1)[1])
    except (OSError, ValueError, IndexError):
        return None
    return os.waitstatus_to_exitcode(status)


def describe_exit(code: int | None) -> str:
    """'exit code 1', 'killed by SIGKILL', or that nobody knows."""
    if code is None:
        return "exit code unknown"
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log file, each cut to 300 characters; empty if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 64_000))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(line[:300] for line in text.splitlines()[-lines:])


def _remember(home: Path, session: int) -> None:
    path = home / SESSIONS_FILE
    try:
        sessions = json.loads(path.read_text())
    except (OSError, ValueError):
        sessions = {}
    with contextlib.suppress(psutil.Error):
        sessions[str(session)] = psutil.Process(session).create_time()
    path.write_text(json.dumps(sessions))


def _is_ours(processes: Iterable[psutil.Process], home: Path) -> bool:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if Path(process.cwd()) == home.resolve():
                return True
    return False


if sys.platform == "win32":
    raise ImportError("Airflow does not run on Windows; use WSL.")
