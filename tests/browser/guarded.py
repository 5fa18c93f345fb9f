"""A second API server on an Airflow's database: below a path, as behind a proxy, and with users who log in."""

from __future__ import annotations

import json
import secrets
import time
from types import TracebackType

import requests

from dev import airflow_settings, processes
from dev.airflow_box import AirflowBox
from dev.ports import free_port
from dev.processes import Component

PATH = "/team/airflow"
VIEWER, NOBODY = "vera", "nobody"
ROLES = {VIEWER: "viewer", NOBODY: ""}
"""By name; the simple auth manager lets every role read XComs, and who has none may read nothing at all."""


class GuardedServer:
    """The server; a context manager."""

    def __init__(self, airflow: AirflowBox) -> None:
        self._home = airflow.home
        self._port = free_port(taken=[airflow.port])
        self.base_url = f"http://localhost:{self._port}{PATH}"
        passwords = airflow.home / "passwords.json"
        self._passwords = {name: secrets.token_urlsafe(8) for name in ROLES}
        passwords.write_text(json.dumps(self._passwords))
        self._env = airflow_settings.environment(
            airflow.home,
            dags_folder=airflow.dags_folder,
            # It starts no log servers.
            ports=(self._port, 0, 0),
            parallelism=1,
            extra={
                "AIRFLOW__API__BASE_URL": self.base_url,
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in ROLES.items()),
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            },
        )
        self._server: Component | None = None

    def __enter__(self) -> GuardedServer:
        command = [str(airflow_settings.airflow_command()), "api-server", "--apps", "core"]
        log = self._home / "logs" / "guarded.out"
        self._server = Component.start("guarded", command, env=self._env, home=self._home, log=log)
        try:
            self._wait_healthy()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            processes.end([self._server], grace=5)
            self._server = None

    def log_in(self, name: str) -> str:
        """The token of a user, as the login page puts it into the cookie `_token`."""
        answer = requests.post(
            f"{self.base_url}/auth/token",
            json={"username": name, "password": self._passwords[name]},
            timeout=60,
        )
        answer.raise_for_status()
        token: str = answer.json()["access_token"]
        return token

    def _wait_healthy(self, timeout: float = 120.0) -> None:
        deadline = time.monotonic() + timeout
        while not self._is_healthy():
            assert self._server is not None
            if self._server.exit_code is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The second API server does not answer:\n{self._server.tail()}")
            time.sleep(0.3)

    def _is_healthy(self) -> bool:
        try:
            return requests.get(f"{self.base_url}/api/v2/version", timeout=60).ok
        except requests.ConnectionError:
            return False
