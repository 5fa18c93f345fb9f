"""The server: a thread that is switched on and off, for this machine only."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn

from airflow_provider_cgc.emulator.controls.actions import Controls
from airflow_provider_cgc.emulator.controls.journal import Journal
from airflow_provider_cgc.emulator.state import lab as seeds
from airflow_provider_cgc.emulator.state.catalog import built_in, read_manifest
from airflow_provider_cgc.emulator.state.clock import Clock
from airflow_provider_cgc.emulator.state.queue import SLOTS, THROUGHPUT
from airflow_provider_cgc.emulator.state.world import World
from airflow_provider_cgc.emulator.web.app import make_app
from airflow_provider_cgc.emulator.web.gate import LineProtocol

HOST = "127.0.0.1"
TOKEN = "0123456789abcdef0123456789abcdef"  # noqa: S105  the emulator's, it opens nothing else


class CgcEmulator(Controls):
    """A CGC that fits in a test.

    .. code-block:: python

        with CgcEmulator(speed=60) as emulator:
            requests.get(emulator.url + "/user", headers={"X-SBG-Auth-Token": emulator.token})

    :param port: of 127.0.0.1; 0 takes a free one.
    :param manifest: a TSV of files in place of the built-in ones.
    :param files: how many files of the catalogue to load, None for all.
    :param speed: platform seconds per wall second.
    :param wall: the wall clock, epoch seconds; the rate limit's windows follow it.
    :param seed: of job ids and of faults with a probability.
    :param rate_limit: requests per user in 300 seconds.
    :param token: of the default user.
    :param slots: how many jobs run at a time.
    :param throughput: of each job, bytes per platform second.
    :raises ValueError: if the catalogue has fewer `files`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        manifest: str | Path | None = None,
        files: int | None = None,
        speed: float = 1.0,
        wall: Callable[[], float] = time.time,
        seed: int = 0,
        rate_limit: int = 1000,
        token: str = TOKEN,
        slots: int = SLOTS,
        throughput: float = THROUGHPUT,
    ) -> None:
        catalogue = built_in() if manifest is None else read_manifest(manifest)
        if files is not None and not 0 <= files <= len(catalogue):
            raise ValueError(
                f"files is {files}, and the catalogue has {len(catalogue)}; give a 'manifest' with more, or use "
                "add_files() of the emulator"
            )
        world = World(
            catalogue[:files],
            clock=Clock(wall, speed=speed),
            token=token,
            seed=seed,
            rate_limit=rate_limit,
            slots=slots,
            throughput=throughput,
        )
        super().__init__(world, Journal())
        self._port = port
        self._server: _Server | None = None

    def start(self) -> CgcEmulator:
        """Serve from now on.

        :raises OSError: if the port is taken.
        """
        if self._server is not None:
            raise RuntimeError("this emulator serves already")
        self._server = _Server(self, self._port)
        return self

    def stop(self) -> None:
        """Serve no more; connections are closed."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> CgcEmulator:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The base URL of the API, which ends in `/v2`."""
        if self._server is None:
            raise RuntimeError("this emulator does not serve; use it as a context manager")
        return f"http://{HOST}:{self._server.port}/v2"

    @property
    def token(self) -> str:
        """The default user's token."""
        return self.world.token

    @property
    def connection(self) -> dict[str, Any]:
        """An Airflow connection to this emulator."""
        extra = {"platform": "other", "project": self.project}
        return {"conn_type": "cgc", "host": self.url, "password": self.token, "extra": extra}

    @property
    def airflow_conn(self) -> str:
        """That connection as JSON, for an `AIRFLOW_CONN_...` variable."""
        return json.dumps(self.connection)

    @property
    def clock(self) -> Clock:
        """The platform's clock."""
        return self.world.clock

    @property
    def file_ids(self) -> list[str]:
        """The ids of the catalogue's files, in its order."""
        return list(self.world.lab.catalogue)

    @property
    def file_names(self) -> dict[str, str]:
        """The names of the catalogue's files by id."""
        return {file_id: self.world.lab.files[file_id].name for file_id in self.world.lab.catalogue}

    @property
    def locations(self) -> list[str]:
        """The locations of the objects on the volume that is only read: what can be imported."""
        return list(self.world.lab.locations)

    @property
    def folder_id(self) -> str:
        """A folder of the project, the first."""
        return self.world.lab.folder

    @property
    def alias_id(self) -> str:
        """A file whose bytes lie on a volume: it cannot be exported."""
        return self.world.lab.alias

    @property
    def archived_id(self) -> str:
        """An archived file: no field tells, but it cannot be exported."""
        return self.world.lab.archived

    project = seeds.PROJECT
    other_project = seeds.OTHER_PROJECT
    unwritable_project = seeds.NOT_OUR_PROJECT
    volume = seeds.RESULTS
    read_only_volume = seeds.READ_ONLY
    inactive_volume = seeds.INACTIVE
    other_region_volume = seeds.OTHER_REGION
    unwritable_volume = seeds.NOT_OURS


class _Server:
    """uvicorn in a thread, on a socket opened first, so that a taken port is known before anything starts."""

    def __init__(self, controls: Controls, port: int) -> None:
        self._gate = make_app(controls)
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            self._gate,
            http=LineProtocol,
            loop="asyncio",
            lifespan="off",
            ws="none",
            log_config=None,  # logging is the host's; a bug in a route still shows as "uvicorn.error"
            access_log=False,
            date_header=False,  # the gate writes the platform's own time
            server_header=False,
            # As long as usual on the web: a client that polls every few seconds must not meet a line just closed.
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
        self._uvicorn = _PromptServer(config)
        self._thread = threading.Thread(
            target=self._uvicorn.run,
            kwargs={"sockets": [self._socket]},
            name=f"cgc-emulator-{self.port}",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        self._gate.closing = True
        self._uvicorn.should_exit = True
        self._thread.join()
        self._socket.close()


class _PromptServer(uvicorn.Server):
    """uvicorn that stops at once: a test suite stops hundreds."""

    async def main_loop(self) -> None:
        """Look often whether to stop."""
        while not self.should_exit:
            await asyncio.sleep(0.01)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End as uvicorn's own does, as soon as every answer under way is out: it always waits 0.1 s.

        Connections are closed whatever happens. There is no lifespan to end, and `_Server.stop` closes the socket.
        """
        for server in self.servers:
            server.close()
        connections, asked_to_end = self.server_state.connections, set[object]()
        deadline = time.monotonic() + (self.config.timeout_graceful_shutdown or 0)
        while True:
            await asyncio.sleep(0)  # whoever was accepted a moment ago is there now
            for connection in connections - asked_to_end:
                connection.shutdown()
                asked_to_end.add(connection)
            if not (connections or self.server_state.tasks) or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.002)
        for task in self.server_state.tasks:
            task.cancel()
        for connection in list(connections):
            connection.transport.abort()
        await asyncio.sleep(0)


def _listen(port: int) -> socket.socket:
    # asyncio sends small packets at once only on a socket that names its protocol; else each answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # A port that was in use a moment ago may be taken again; one that is listened on may not.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener
