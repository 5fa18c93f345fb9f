"""The second client: a person's script that uses the same token, evenly, and shares the user's requests."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import requests

from bench.cases import WINDOW
from bench.lab import OTHER_AGENT, Lab

TIMEOUT = 60.0


class SecondClient:
    """
    Sends a request every so often, whatever is answered.

    :param per_window: requests in 300 seconds.
    """

    def __init__(self, lab: Lab, per_window: int) -> None:
        self._lab = lab
        self._pause = WINDOW / per_window
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="second-client")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"X-SBG-Auth-Token": lab.emulator.token, "User-Agent": OTHER_AGENT})
        self.thread: threading.Thread = self._pool.submit(threading.current_thread).result()

    async def run(self) -> None:
        """Go on until cancelled."""
        due = asyncio.get_running_loop().time()
        while True:
            await asyncio.get_running_loop().run_in_executor(self._pool, self._ask)
            due += self._pause
            await asyncio.sleep(due - asyncio.get_running_loop().time())

    def close(self) -> None:
        """Let the thread go."""
        self._pool.shutdown(wait=True)
        self._session.close()

    def _ask(self) -> None:
        self._session.get(f"{self._lab.emulator.url}/user", timeout=TIMEOUT)
