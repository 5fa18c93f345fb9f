"""The cost of importing 10,000 objects below 1,500 prefixes: `python -m bench.imports`, on virtual time, 0.3 s a call.

The operators' own code and their trigger, each with a rate budget of its own, as in processes of their own; a stand-in
for Airflow's context, whose store takes 28 ms for a write, as Airflow's does. The platform grants 1,000 requests in 300
seconds, and its jobs take 10 minutes in the mean.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import os
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest import mock

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.emulator.controls.journal import Journal, RecordedRequest
from bench.cases import LIMIT
from bench.environment import environment
from bench.import_figures import WAYS, bars
from bench.lab import OVERHEAD, SEED, THROUGHPUT, durations, emulator_threads, slow_requests
from bench.meter import Meter, peak_memory
from dev.virtual_time import VirtualTime
from tests.fakes.slow_imports import slow_imports
from tests.fakes.store import Store
from tests.fakes.task_instance import TaskInstance

T = TypeVar("T")

OBJECTS, PREFIXES = 10_000, 1_500
VOLUME, PREFIX, PROJECT = "demo-lab/archive", "batch", "demo-lab/leftovers"
STORE_SECONDS = 0.028
STUCK = 300.0
"""Real seconds for which a worker may compute without a request, on a machine that is busy."""
SCRIPTS_PAUSE = 10.0
TOO_MANY = 429
CREATE, GET, FOLDER, EDIT = (
    "POST /v2/bulk/storage/imports/create",
    "POST /v2/bulk/storage/imports/get",
    "POST /v2/files",
    "POST /v2/bulk/files/edit",
)


class Counts(Journal):
    """Counts requests, and keeps none of their bodies, which would be taken for the worker's memory."""

    def _keep(self, request: RecordedRequest) -> None:
        """Keep nothing."""


class SlowStore(Store):
    """A task state store that takes its time."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        super().__init__()
        self._sleep = sleep

    def set(self, key: str, value: Any) -> None:
        self._sleep(STORE_SECONDS)
        super().set(key, value)


class Stage:
    """The platform with its objects, on virtual time; what is done on it is counted by the kind of request."""

    def __init__(self, objects: int, prefixes: int) -> None:
        self.time = VirtualTime()
        self.locations = locations(objects, prefixes)
        self._lengths = dict(zip(self.locations, durations(objects, seed=SEED), strict=True))
        self._exit = ExitStack()

    def __enter__(self) -> Stage:
        self.emulator = CgcEmulator(files=1, wall=self.time.clock, rate_limit=LIMIT)
        self.emulator.journal = Counts()
        enter = self._exit.enter_context
        enter(self.emulator)
        # No bytes move, but the jobs of all cases of the bench take as long.
        enter(slow_imports(self.emulator, slots=len(self.locations), throughput=THROUGHPUT))
        for location, seconds in self._lengths.items():
            self.emulator.put_objects([location], volume=VOLUME, size=round((seconds - OVERHEAD) * THROUGHPUT))
        enter(mock.patch("dev.virtual_time.STUCK", STUCK))
        enter(self.time.counts_pools())
        enter(slow_requests(self.time.sleep))
        return self

    def __exit__(self, *exception: object) -> None:
        self._exit.close()

    @contextmanager
    def counted(self) -> Iterator[Counter[str]]:
        """Count the requests meanwhile."""
        before, during = Counter(self._requests), Counter[str]()
        yield during
        during.update(Counter(self._requests) - before)

    @property
    def _requests(self) -> dict[str, int]:
        return dict(self.emulator.stats()["requests"])

    @property
    def threads(self) -> list[threading.Thread]:
        """The emulator's threads, whose CPU is nobody else's."""
        return emulator_threads()

    @property
    def refused(self) -> int:
        """The answers 429."""
        return int(self.emulator.stats()["statuses"].get("429", 0))

    def done(self) -> tuple[int, int]:
        """Count the aliases in the project, and those with metadata."""
        with self.emulator.world.open() as world:
            files = [
                file
                for file in world.files.values()
                if file.project == PROJECT and (file.location or "").startswith(PREFIX)
            ]
            return len(files), sum(bool(file.metadata) for file in files)


async def in_a_worker(work: Callable[[], T]) -> T:
    """Work in a thread that may sleep, as a process of its own: it knows nothing of the requests sent before."""
    forget_the_budget()
    with ThreadPoolExecutor(1, thread_name_prefix="worker") as worker:
        return await asyncio.get_running_loop().run_in_executor(worker, work)


def forget_the_budget() -> None:
    """Begin a new process."""
    from airflow_provider_cgc.client.http import budget

    budget._BUDGETS.clear()


class Ours:
    """The listing, the import, its trigger and its account."""

    def __init__(self, stage: Stage, folder: str) -> None:
        self.stage = stage
        self.folder = folder
        self.task = TaskInstance("import", dag_id="bench", max_tries=2)
        now = datetime.fromtimestamp(stage.time.clock(), UTC)
        self.context: Any = {
            "ti": self.task,
            "task_state_store": SlowStore(stage.time.sleep),
            "dag_run": SimpleNamespace(run_after=now, start_date=now),
        }

    async def run(self) -> dict[str, Any]:
        """Import everything; return the requests by the kind of request and of process."""
        from airflow.providers.common.compat.sdk import TaskDeferred

        from airflow_provider_cgc.operators.imports import CgcBulkImportOperator
        from airflow_provider_cgc.operators.volumes import CgcListVolumeOperator

        usual = {"volume": VOLUME, "cgc_conn_id": "cgc_default"}
        lister = CgcListVolumeOperator(
            task_id="objects", prefix=PREFIX, manifest_path=self._manifest("objects"), **usual
        )
        clock, began, slots = self.stage.time.clock, self.stage.time.clock(), []
        with self.stage.counted() as listing:
            uri = await in_a_worker(lambda: lister.execute(self.context))
        slots.append(clock() - began)
        operator = CgcBulkImportOperator(
            task_id="import",
            items=uri,
            project=PROJECT,
            metadata={"sample_id": "{folder}", "source": "{location}"},
            manifest_path=self._manifest("imports"),
            deferrable=True,
            **usual,
        )

        def start() -> TaskDeferred:
            try:
                operator.execute(self.context)
            except TaskDeferred as deferral:
                return deferral
            raise AssertionError("the import did not defer")

        with self.stage.counted() as sending:
            at = clock()
            deferral = await in_a_worker(start)
            slots.append(clock() - at)
        with self.stage.counted() as waiting:
            forget_the_budget()
            [event] = [one.payload async for one in deferral.trigger.run()]
        with self.stage.counted() as ending:
            at = clock()
            await in_a_worker(lambda: operator.resume_execution(deferral.method_name, {"event": event}, self.context))
            slots.append(clock() - at)
        told = (listing, sending, ending)
        everything = sum((*told, waiting), Counter[str]())
        return {
            "seconds": clock() - began,
            "slots": slots,
            "slot_requests": [counts.total() for counts in told],
            "requests": everything.total(),
            "polls": everything[GET],
            "creates": everything[CREATE],
            "folders": everything[FOLDER],
            "edits": everything[EDIT],
            "largest_xcom": max(len(json.dumps(value)) for value in self.task.xcoms.values()),
        }

    def _manifest(self, name: str) -> str:
        return f"file://{self.folder}/{name}.jsonl"

    @contextmanager
    def on_virtual_time(self) -> Iterator[None]:
        """Hand the virtual clock in wherever the wall clock is the default."""
        from airflow_provider_cgc.client import CgcClient
        from airflow_provider_cgc.jobs.submitting.attempt import Attempt
        from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger

        stage = self.stage
        clock, sleep = stage.time.clock, stage.time.sleep
        time = SimpleNamespace(time=clock, monotonic=clock, sleep=sleep)
        package = "airflow_provider_cgc"
        with ExitStack() as patches:
            enter = patches.enter_context
            enter(mock.patch.dict(os.environ, AIRFLOW_CONN_CGC_DEFAULT=stage.emulator.airflow_conn))
            enter(mock.patch(f"{package}.client.CgcClient", functools.partial(CgcClient, clock=clock, sleep=sleep)))
            enter(mock.patch.object(CgcJobsTrigger, "clock", staticmethod(clock)))
            enter(mock.patch.dict(Attempt.__init__.__kwdefaults__, clock=clock, sleep=sleep))
            for module in ("sensors.base", "sensors.wait", "operators.base"):
                enter(mock.patch(f"{package}.{module}.time", time))
            enter(mock.patch(f"{package}.xcom.read_xcom", lambda address: self.task.xcoms[address["key"]]))
            yield


def locations(objects: int, prefixes: int) -> list[str]:
    """A hundred folders with fourteen below each, if there are 1,500, and objects evenly among all."""
    outer = prefixes // 15
    folders = [f"f{first:03d}" for first in range(outer)]
    folders += [f"f{first:03d}/g{second:02d}" for first in range(outer) for second in range(14)]
    assert len(folders) == prefixes, "the prefixes are fifteen times the outermost ones"
    return [f"{PREFIX}/{folders[number % prefixes]}/file{number:05d}.bam" for number in range(objects)]


async def script(stage: Stage) -> dict[str, Any]:
    """
    Import as public scripts do: a POST for each object, a look at each job every 10 s, a PATCH of each file's metadata.

    It knows the objects, and makes no folders.
    """
    from bench.others import new_session, until_reset

    url, clock, sleep = stage.emulator.url, stage.time.clock, stage.time.sleep

    def run() -> None:
        with new_session(stage.emulator.token) as session:

            def send(method: str, path: str, body: Any = None) -> Any:
                while True:
                    response = session.request(method, f"{url}{path}", json=body, timeout=60)
                    if response.status_code != TOO_MANY:
                        response.raise_for_status()
                        return response.json()
                    sleep(until_reset(response, clock()))

            waiting: dict[str, str] = {}
            for location in stage.locations:
                source = {"volume": VOLUME, "location": location}
                job = send("POST", "/storage/imports", {"source": source, "destination": {"project": PROJECT}})
                waiting[job["id"]] = location
            while waiting:
                for job_id, location in list(waiting.items()):
                    job = send("GET", f"/storage/imports/{job_id}")
                    if job["state"] == "COMPLETED":
                        metadata = {"sample_id": location.split("/")[-2], "source": location}
                        send("PATCH", f"/files/{job['result']['id']}/metadata", metadata)
                        del waiting[job_id]
                if waiting:
                    sleep(SCRIPTS_PAUSE)

    began = clock()
    with stage.counted() as counts:
        await in_a_worker(run)
    return {
        "seconds": clock() - began,
        "slots": [clock() - began],
        "requests": counts.total(),
        "polls": counts["GET /v2/storage/imports/{id}"],
        "creates": counts["POST /v2/storage/imports"],
        "folders": 0,
        "edits": counts["PATCH /v2/files/{id}/metadata"],
    }


def measure(way: str, *, objects: int = OBJECTS, prefixes: int = PREFIXES) -> dict[str, Any]:
    """Import once in one way; what was measured, as plain JSON."""
    with tempfile.TemporaryDirectory() as folder, Stage(objects, prefixes) as stage, ExitStack() as patches:
        run: Coroutine[Any, Any, dict[str, Any]] = script(stage)
        if way == "ours":
            run.close()
            ours = Ours(stage, folder)
            patches.enter_context(ours.on_virtual_time())
            run = ours.run()
        meter = Meter()
        meter.start(leave_out=[*stage.threads, threading.current_thread()])
        result = stage.time.run(run)
        cpu, _ = meter.stop()
        imported, described = stage.done()
        measured = {"cpu": cpu, "memory": peak_memory(), "imported": imported, "described": described}
        return {"way": way, "objects": objects, "prefixes": prefixes, "refused": stage.refused, **measured, **result}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure in an Airflow home of its own and say what was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.imports", description=__doc__)
    parser.add_argument("--way", choices=WAYS, default="ours")
    options = parser.parse_args(arguments)
    out = os.dup(1)
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory(prefix="cgc-bench-") as home:
        os.environ.update(environment(Path(home)))
        result = measure(options.way)
    os.write(out, (json.dumps(result) + "\n").encode())
    promises = bars([result])
    for bar in promises:
        print(bar, file=sys.stderr)
    return 0 if all(bar.kept for bar in promises) else 1


if __name__ == "__main__":
    sys.exit(main())
