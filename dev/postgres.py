"""A throw-away Postgres server: made for one program, reached through a socket in its own folder, gone with it.

Knows nothing of Airflow. There is no password and no port: whoever may enter the folder, which is the server's user
and root, may do everything.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from dev import processes
from dev.processes import Component, describe_exit

DEBIAN = Path("/usr/lib/postgresql")
"""The servers on Debian and Ubuntu, by version; they are not on PATH there."""
PROGRAMS = ("initdb", "postgres", "pg_isready")
INITDB = ("--auth=trust", "--username=airflow", "--encoding=UTF8", "--locale=C", "--no-sync")
ASK = ("--quiet", "--username=airflow", "--dbname=postgres")
SETTINGS = {
    # The socket alone, so that no port can be taken.
    "listen_addresses": "",
    # An Airflow of five components and their children keeps many connections.
    "max_connections": "200",
    # Nothing here has to survive a power cut.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class PostgresMissingError(RuntimeError):
    """The server's programs are not installed."""


class PostgresDiedError(RuntimeError):
    """The server could not be made, or ended by itself."""


class Postgres:
    """A server of its own, with its messages in `log`; a context manager that leaves neither process nor folder.

    Root starts it as another user, because Postgres refuses root.
    """

    def __init__(self, *, log: Path) -> None:
        self.log = log.absolute()
        self._folder: Path | None = None
        self._server: Component | None = None

    def __enter__(self) -> Postgres:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The database as SQLAlchemy and Airflow take it."""
        return f"postgresql+psycopg2://airflow@/postgres?host={self.folder}"

    @property
    def folder(self) -> Path:
        """The folder of data and socket."""
        if self._folder is None:
            raise RuntimeError("This Postgres is not started.")
        return self._folder

    def start(self, patience: float = 60.0) -> None:
        """Make the database, start the server, and wait up to `patience` seconds for its first answer."""
        programs = find_programs()
        owner = server_owner()
        # Not below the caller's folder, which may be closed to the server's user, and for a short path: a socket's may
        # have no more than 100 characters or so.
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        if owner is not None:
            os.chown(self._folder, *owner)
        data = self._folder / "data"
        self._run("initdb", [programs / "initdb", *INITDB, "--pgdata", data], owner=owner).process.wait(patience)
        self._check()
        settings = {**SETTINGS, "unix_socket_directories": str(self._folder)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._run("postgres", [programs / "postgres", "-D", data, *options], owner=owner)
        deadline = time.monotonic() + patience
        while subprocess.run([programs / "pg_isready", *ASK, "--host", self._folder], check=False).returncode:
            self.check_alive()
            if time.monotonic() > deadline:
                raise TimeoutError(f"Postgres does not answer after {patience:.0f} s.\n{processes.tail(self.log)}")
            time.sleep(0.1)

    def check_alive(self) -> None:
        """Raise `PostgresDiedError` if the server ended."""
        if self._server is not None and self._server.exit_code is not None:
            what = describe_exit(self._server.exit_code)
            raise PostgresDiedError(f"Postgres died ({what}). The end of {self.log}:\n{self._server.tail()}")

    def stop(self, grace: float = 10.0) -> None:
        """End the server, which drops its connections, and delete the folder; may be called again."""
        server, self._server = self._server, None
        if server is not None:
            processes.end([server], grace=grace, first=signal.SIGINT)
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder)

    def _run(self, name: str, command: Iterable[str | Path], *, owner: tuple[int, int] | None) -> Component:
        # Without the user's own PG* variables, and with messages in English.
        env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        self._server = Component.start(
            name, [str(word) for word in command], env=env, home=self.folder, log=self.log, owner=owner
        )
        return self._server

    def _check(self) -> None:
        """Raise unless the command that was just waited for succeeded."""
        if self._server is not None and self._server.exit_code == 0:
            self._server = None
        self.check_alive()


def find_programs(debian: Path = DEBIAN) -> Path:
    """The folder of the newest server: Debian's, else the one that is on PATH."""
    folders = [folder / "bin" for folder in sorted(debian.glob("*"), key=_version, reverse=True)]
    if (on_path := shutil.which("initdb")) is not None:
        folders.append(Path(on_path).resolve().parent)
    for folder in folders:
        if all(os.access(folder / program, os.X_OK) for program in PROGRAMS):
            return folder
    raise PostgresMissingError(
        f"There is no Postgres server on this machine (looked for {', '.join(PROGRAMS)} in {debian}/*/bin and on PATH)."
        " On Debian and Ubuntu: apt-get install postgresql."
    )


def server_owner() -> tuple[int, int] | None:
    """The server's user and group id: root takes the package's own user, else nobody; None is us."""
    if os.geteuid() != 0:
        return None
    users = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = users.get("postgres") or users["nobody"]
    return user.pw_uid, user.pw_gid


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.name.split(".") if part.isdigit())
