"""A real Airflow 3 in a folder of its own: started, asked, disturbed and ended by a program."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import psutil

from dev import airflow_parts, airflow_settings, processes
from dev.airflow_api import AirflowApi
from dev.airflow_parts import PARTS, STANDALONE, ComponentDied, called
from dev.ports import free_port
from dev.postgres import Postgres
from dev.processes import Component, describe_exit

__all__ = ["PARTS", "AirflowBox", "ComponentDied", "DagNotReadyError"]

FINISHED = ("success", "failed")


class DagNotReadyError(RuntimeError):
    """A Dag file cannot be imported, or its Dag did not appear in time."""


class AirflowBox:
    """An Airflow whose database, logs and settings are in `home`; a context manager that leaves no process.

    `components` is `("standalone",)`, or those of `PARTS` that shall run, each of which can then be stopped
    and started by itself. `port` is the API server's; without it 8080 if free, else another below 32768.
    `env` is added to the components' environment. `stale_after` is how many seconds without a heartbeat mean
    death. Everyone on this machine may use its API as an admin.

    `database` is "sqlite", or "postgres" for a server of its own, which two `triggerers` need; these are then the
    components triggerer-1, triggerer-2 and so on.
    """

    def __init__(
        self,
        home: Path,
        *,
        dags_folder: Path,
        env: Mapping[str, str] | None = None,
        components: Sequence[str] = ("standalone",),
        parallelism: int = 4,
        port: int | None = None,
        stale_after: float = 90.0,
        database: Literal["sqlite", "postgres"] = "sqlite",
        triggerers: int = 1,
    ) -> None:
        if triggerers > 1 and database == "sqlite":
            raise ValueError("Airflow runs several triggerers on a database that locks rows: database='postgres'")
        self.components = airflow_parts.component_names(components, triggerers)
        self.home = home.absolute()
        self.dags_folder = dags_folder.absolute()
        self.port = port or 0
        self._wanted_port = port
        self._extra_env = dict(env or {})
        self._parallelism = parallelism
        self._stale_after = stale_after
        self._env: dict[str, str] = {}
        self._own_env: dict[str, dict[str, str]] = {}
        self._postgres = Postgres(log=self._logs / "postgres.out") if database == "postgres" else None
        self._running: dict[str, Component] = {}
        self._parts: dict[str, psutil.Process] = {}  # of standalone
        self._frozen: set[str] = set()
        self._heartbeats_from: float | None = None
        self._api: AirflowApi | None = None

    def __enter__(self) -> AirflowBox:
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
    def api(self) -> AirflowApi:
        if self._api is None:
            raise RuntimeError("This Airflow is not started.")
        return self._api

    @property
    def base_url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def database_url(self) -> str:
        """Its database's URL, for SQLAlchemy."""
        return self._env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]

    # --- its life

    def start(self) -> None:
        """Prepare the folder and start the components; `wait_healthy` tells when they work."""
        airflow_settings.check_version(airflow_settings.installed_version())
        self._logs.mkdir(parents=True, exist_ok=True)
        processes.end_leftovers(self.home)
        airflow_settings.write_config(self.home)
        self.port = self._wanted_port or free_port(8080)
        worker_logs = free_port(8793, taken=[self.port])
        trigger_logs = free_port(8794, taken=[self.port, worker_logs])
        taken = [self.port, worker_logs, trigger_logs]
        for name in called("triggerer", self.components)[1:]:
            taken.append(free_port(taken=taken))
            self._own_env[name] = {airflow_settings.TRIGGER_LOG_PORT: str(taken[-1])}
        if self._postgres is not None:
            self._postgres.start()
        self._env = airflow_settings.environment(
            self.home,
            dags_folder=self.dags_folder,
            ports=(self.port, worker_logs, trigger_logs),
            database=None if self._postgres is None else self._postgres.url,
            parallelism=self._parallelism,
            extra=self._extra_env,
        )
        self._api = AirflowApi(self.base_url, while_waiting=self.check_alive)
        if self.components != (STANDALONE,):
            self._migrate()
        for name in self.components:
            self.start_component(name)

    def wait_healthy(self, timeout: float = 180.0) -> None:
        """Wait up to `timeout` seconds for all components; raises at once if one dies."""
        deadline = time.monotonic() + timeout
        while missing := self._unhealthy():
            self.check_alive()
            if time.monotonic() > deadline:
                tails = "\n".join(f"--- {one.log}\n{one.tail(10)}" for one in self._running.values())
                raise TimeoutError(f"Not healthy after {timeout:.0f} s: {', '.join(missing)}.\n{tails}")
            time.sleep(0.5)
        self._watch_heartbeats_in(0)

    def check_alive(self) -> None:
        """Raise `ComponentDied` if a component that should run does not; costs milliseconds."""
        for component in self._running.values():
            code = component.exit_code
            if code is not None:
                raise ComponentDied(component.name, describe_exit(code), component.log, component.tail())
        if standalone := self._running.get(STANDALONE):
            self._check_parts(standalone)
        if self._postgres is not None:
            self._postgres.check_alive()
        if self._heartbeats_from is not None and time.monotonic() >= self._heartbeats_from:
            self._watch_heartbeats_in(10)
            self._check_heartbeats()

    def stop(self, grace: float = 5.0) -> None:
        """End every process, after `grace` seconds by force. May be called again, and before `start`."""
        self._heartbeats_from = None
        components, self._running = list(self._running.values()), {}
        self._parts.clear()
        self._frozen.clear()
        # `airflow standalone` ends its components on SIGINT only.
        first = signal.SIGINT if self.components == (STANDALONE,) else signal.SIGTERM
        try:
            processes.end(components, grace=grace, first=first)
        finally:
            # One whose start was interrupted between the fork and our note of it.
            for process in processes.started_by_us(self.home):
                processes.kill([process.pid], [process])
            if self._postgres is not None:
                self._postgres.stop()
        if self._api is not None:
            self._api.close()

    # --- its components

    def start_component(self, name: str) -> None:
        """Start one of `components` that does not run."""
        if name not in self.components or name in self._running:
            raise ValueError(f"{name} is not one of {self.components}, or runs already.")
        self._run(name, airflow_parts.part_called(name))
        self._forgive_silence()

    def stop_component(self, name: str, number: signal.Signals = signal.SIGTERM, grace: float = 20.0) -> None:
        """End one component as a deployment does: signal its main process, after `grace` s kill the rest.

        SIGKILL goes to the whole session at once, as if its machine was lost: a scheduler's running tasks
        die with it.
        """
        component = self._component(name)
        del self._running[name]
        self._frozen.discard(name)
        if number is signal.SIGKILL:
            processes.kill([component.pid], component.members())
        processes.end([component], grace=grace, first=number)

    def pids(self, name: str) -> list[int]:
        """The processes of a component, its main one first; of a part of standalone too."""
        return [process.pid for process in self._members(name)]

    def freeze(self, name: str, *, main_only: bool = False) -> None:
        """SIGSTOP a component: all its processes, or the main one only.

        With `main_only` a scheduler's running tasks go on and nobody hears of their end.
        """
        everyone = self._members(name)
        self._frozen.add(name)
        processes.send(everyone[:1] if main_only else everyone, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Send SIGCONT to the frozen processes."""
        processes.send(self._members(name), signal.SIGCONT)
        self._frozen.discard(name)
        self._forgive_silence()

    # --- its Dags

    def wait_for_dag(self, dag_id: str, timeout: float = 120.0, grace: float = 15.0) -> None:
        """Wait up to `timeout` s until the Dag is parsed; an import error is raised with its text.

        While the Dag is not there, another file's error may have come first: that is given `grace` seconds.
        """
        deadline = time.monotonic() + timeout
        patience: float | None = None
        while True:
            self.check_alive()
            dag = self.api.dag(dag_id)
            if dag is not None and not dag.get("has_import_errors"):
                return
            now = time.monotonic()
            if errors := self.api.import_errors():
                patience = patience or now + grace
                if dag is not None or now > patience:
                    texts = "\n".join(f"{one['filename']}:\n{one['stack_trace']}" for one in errors)
                    raise DagNotReadyError(f"The Dag {dag_id} is not there; files that fail to import:\n{texts}")
            if now > deadline:
                raise DagNotReadyError(
                    f"The Dag {dag_id} did not appear in {timeout:.0f} s. Is it in {self.dags_folder}?"
                )
            time.sleep(1)

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None, run_id: str | None = None) -> str:
        """Unpause the Dag, start a run and return its id."""
        return self.api.trigger(dag_id, conf, run_id)

    def wait_run(
        self,
        dag_id: str,
        run_id: str,
        timeout: float,
        on_poll: Callable[[dict[str, Any]], None] | None = None,
        *,
        every: float = 2.0,
    ) -> str:
        """Wait up to `timeout` s for the end of a run and return its state.

        `on_poll` gets the run every `every` seconds, and what it raises ends the wait; so does a component
        that dies.
        """
        deadline = time.monotonic() + timeout
        while True:
            self.check_alive()
            run = self.api.dag_run(dag_id, run_id)
            if on_poll is not None:
                on_poll(run)
            state = str(run["state"])
            if state in FINISHED:
                return state
            if time.monotonic() > deadline:
                states = sorted(
                    f"{one['task_id']}[{one['map_index']}] {one['state']}"
                    for one in self.task_instances(dag_id, run_id)
                )
                raise TimeoutError(f"{dag_id} {run_id} is {state} after {timeout:.0f} s: {', '.join(states)}")
            time.sleep(every)

    def dag_run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        return self.api.dag_run(dag_id, run_id)

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return self.api.task_instances(dag_id, run_id)

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str, map_index: int = -1) -> Any:
        """The value as it is stored, None if there is none."""
        return self.api.xcom(dag_id, run_id, task_id, key, map_index)

    def task_log(self, dag_id: str, run_id: str, task_id: str, try_number: int, map_index: int = -1) -> str:
        return self.api.task_log(dag_id, run_id, task_id, try_number, map_index)

    def clear(self, dag_id: str, run_id: str, task_ids: Sequence[str]) -> None:
        self.api.clear(dag_id, run_id, task_ids)

    def run_url(self, dag_id: str, run_id: str) -> str:
        return self.api.run_url(dag_id, run_id)

    # --- its command

    def command(self, *arguments: str, timeout: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run `airflow` with these arguments in this Airflow's environment, and give its end and its output."""
        return subprocess.run(
            [str(airflow_settings.airflow_command()), *arguments],
            cwd=self.home,
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    # --- helpers

    @property
    def _logs(self) -> Path:
        return self.home / "logs"

    def _run(self, name: str, *arguments: str) -> Component:
        command = [str(airflow_settings.airflow_command()), *arguments]
        log = self._logs / f"{name}.out"
        env = {**self._env, **self._own_env.get(name, {})}
        component = Component.start(name, command, env=env, home=self.home, log=log)
        self._running[name] = component
        return component

    def _migrate(self, timeout: float = 180.0) -> None:
        component = self._run("db-migrate", "db", "migrate")
        component.process.wait(timeout)
        del self._running["db-migrate"]
        if code := component.exit_code:
            raise ComponentDied("db migrate", describe_exit(code), component.log, component.tail())

    def _component(self, name: str) -> Component:
        if name not in self._running:
            raise ValueError(f"{name} does not run; running: {', '.join(self._running) or 'nothing'}.")
        return self._running[name]

    def _members(self, name: str) -> list[psutil.Process]:
        standalone = self._running.get(STANDALONE)
        if standalone is None or name == STANDALONE:
            return self._component(name).members()
        self._check_parts(standalone)
        if name not in self._parts:
            raise ValueError(f"{name} does not run; running: {', '.join(self._parts) or 'nothing'}.")
        part = self._parts[name]
        return [part, *(child for child in part.children(recursive=True) if processes.is_alive(child))]

    def _check_parts(self, standalone: Component) -> None:
        """Raise if a part of `airflow standalone` ended, which itself then goes on as if nothing happened."""
        for child in psutil.Process(standalone.pid).children():
            if (name := airflow_parts.part_of(child)) is not None:
                self._parts.setdefault(name, child)
        for name, process in self._parts.items():
            if not processes.is_alive(process):
                what = describe_exit(processes.zombie_exit_code(process.pid))
                raise ComponentDied(name, what, standalone.log, self._part_tail(standalone, name))

    def _part_tail(self, standalone: Component, name: str) -> str:
        time.sleep(0.3)  # standalone copies its parts' output with a delay of 0.1 s
        own = [line for line in standalone.tail(2000).splitlines() if line.startswith(f"{name} ")]
        return "\n".join(own[-20:]) or standalone.tail()

    def _unhealthy(self) -> list[str]:
        if not called("api-server", self._running):
            return []
        health = self.api.health()
        if health is None:
            return ["api-server"]
        missing = [part for part in airflow_parts.unwell(health) if called(part, self._running)]
        triggerers = called("triggerer", self._running)
        # The word of one healthy triggerer stands for all of them.
        if len(triggerers) > 1 and not missing and self.api.alive("TriggererJob") < len(triggerers):
            missing += triggerers
        return missing

    def _forgive_silence(self) -> None:
        if self._heartbeats_from is not None:
            self._watch_heartbeats_in(self._stale_after)

    def _watch_heartbeats_in(self, seconds: float) -> None:
        self._heartbeats_from = time.monotonic() + seconds

    def _check_heartbeats(self) -> None:
        """Raise for a component whose process is there but which hangs, or whose inner loop ended."""
        health = self.api.health() if "api-server" not in self._frozen else None
        for part, seconds in airflow_parts.silences(health or {}).items():
            able = [name for name in called(part, self._running) if not {name, part} & self._frozen]
            if able and seconds > self._stale_after:
                component = self._running[able[0]]
                what = f"no heartbeat for {seconds:.0f} s"
                raise ComponentDied(part, what, component.log, component.tail())
