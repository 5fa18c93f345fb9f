"""The provider as it is used: the sensor makes the row, the trigger waits on the shared poller; all of it real code."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_cgc import client
from airflow_provider_cgc.client.endpoints.records import BULK_LIMIT
from airflow_provider_cgc.hooks.cgc import PATIENCE, CgcHook
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger
from bench.cases import Case
from bench.lab import Lab
from tests.fakes.store import Store
from tests.fakes.task_instance import TaskInstance

Row = dict[str, Any]
"""A trigger's arguments, as Airflow stores them while a task is deferred."""


class Ours:
    """
    One sensor for each wait, and from its row one trigger; after a restart another trigger from the same row.

    Where a worker looks once before it defers, that look is part of the wait. One at more than a hundred jobs takes no
    virtual time: it uses threads of its own, which the virtual clock does not know.
    """

    on_a_loop = True

    def __init__(self, lab: Lab, case: Case) -> None:
        self._lab = lab
        self._case = case
        self._xcoms: dict[str, Store] = {}
        self._rows: dict[int, Row] = {}
        self._exit = ExitStack()

    def prepare(self, waits: list[list[str]]) -> None:
        """Let mapped tasks defer: their workers ask for nothing, and are not what is measured."""
        self._exit.enter_context(self._on_virtual_time())
        if self._case.mapped:
            for number, ids in enumerate(waits):
                self._rows[number] = self._row(number, ids)

    def begin(self, waits: list[list[str]]) -> None:
        """Let the workers of large waits look once and defer."""
        for number, ids in enumerate(waits):
            if number not in self._rows and len(ids) > BULK_LIMIT:
                self._rows[number] = self._row(number, ids)

    async def wait(self, number: int, ids: list[str]) -> None:
        """Run the trigger to its event."""
        if number not in self._rows:
            row = await asyncio.get_running_loop().run_in_executor(None, self._row, number, ids)
            self._rows[number] = row
        trigger = CgcJobsTrigger(**self._rows[number])
        events = [event async for event in trigger.run()]
        payload: Mapping[str, Any] = events[0].payload
        if payload["outcome"] != "completed":
            raise AssertionError(f"wait {number} ended otherwise than its jobs did: {payload}")

    def renew(self) -> None:
        """Nothing is left to renew: the poller went with its last waiter."""

    def close(self) -> None:
        """Leave nothing of this round to the next one."""
        self._rows.clear()
        self._exit.close()

    def _row(self, number: int, ids: list[str]) -> Row:
        """Run the sensor in its worker up to the point where it defers."""
        sensor = CgcBulkExportSensor(
            task_id=f"wait_{number}", export_ids=ids, deferrable=True, poke_interval=self._case.interval
        )
        xcoms = self._xcoms[sensor.task_id] = Store()
        map_index = number if self._case.mapped else -1
        ti = TaskInstance(sensor.task_id, map_index=map_index, xcoms=xcoms)
        try:
            sensor.execute({"ti": ti})
        except TaskDeferred as deferred:
            _, row = deferred.trigger.serialize()
            return dict(row)
        finally:
            # As the end of the worker's process does.
            sensor._connection().close()
            sensor._current = sensor._made = None
        raise AssertionError(f"wait {number} did not defer")

    def _read_xcom(self, address: Mapping[str, Any]) -> Any:
        return self._xcoms[address["task_id"]][address["key"]]

    @contextmanager
    def _on_virtual_time(self) -> Iterator[None]:
        """Hand the virtual clock in wherever the wall clock is the default, and note what the tracker learns."""
        lab, take = self._lab, JobTracker.take
        time = SimpleNamespace(time=lab.time.clock, monotonic=lab.time.clock, sleep=lab.time.sleep)

        def take_and_note(tracker: JobTracker, records: Any, now: float, **how: Any) -> None:
            take(tracker, records, now, **how)
            for record in records:
                if record.resource is not None and record.resource.done:
                    lab.saw(record.id)

        def virtual_client(settings: client.Settings, patience: float = 0) -> client.CgcClient:
            return client.CgcClient(settings, patience=patience, clock=lab.time.clock, sleep=lab.time.sleep)

        def get_conn(hook: CgcHook, patience: float = PATIENCE) -> client.CgcClient:
            if patience not in hook._clients:
                hook._clients[patience] = virtual_client(hook.settings, patience)
            return hook._clients[patience]

        with (
            mock.patch.dict(os.environ, AIRFLOW_CONN_CGC_DEFAULT=lab.emulator.airflow_conn),
            mock.patch.object(JobTracker, "take", take_and_note),
            mock.patch.object(CgcJobsTrigger, "clock", staticmethod(lab.time.clock)),
            mock.patch("airflow_provider_cgc.triggers.jobs._client_of", virtual_client),
            mock.patch("airflow_provider_cgc.xcom.read_xcom", self._read_xcom),
            mock.patch.object(CgcHook, "get_conn", get_conn),
            mock.patch("airflow_provider_cgc.sensors.base.time", time),
            mock.patch("airflow_provider_cgc.sensors.wait.time", time),
        ):
            yield
