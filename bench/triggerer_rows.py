"""Puts waits into Airflow's database as if workers had deferred them; run inside the box's environment.

A worker takes 0.65 s of CPU to defer one wait, so a thousand are written as the API server writes them
(airflow/api_fastapi/execution_api/routes/task_instances.py): a trigger's row, and the task instance that points at it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.models.dagbag import DBDagBag
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskmap import TaskMap
from airflow.models.trigger import Trigger
from airflow.sdk.serde import serialize
from airflow.triggers.base import BaseTrigger
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger
from bench.triggerer_probe import Alone, Asleep, LoopProbe

CONNECTION = "cgc_bench"
DAY = 86_400.0

MakeTrigger = Callable[[list[str], float], BaseTrigger]


def main(arguments: Sequence[str] | None = None) -> None:
    """Replace the deferred waits by those that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.triggerer_rows", description=__doc__)
    parser.add_argument("how", choices=WAITS)
    parser.add_argument("--batches", type=Path, required=True, help="JSON: the ids of each wait")
    parser.add_argument("--interval", type=float, required=True, help="seconds between two looks")
    parser.add_argument("--probe", type=Path, required=True, help="folder in which the probe writes")
    options = parser.parse_args(arguments)
    make = WAITS[options.how]
    with create_session() as session:
        wipe(session)
        batches = json.loads(options.batches.read_text())
        expand(session, len(batches))
        instances = {(one.task_id, one.map_index): one for one in session.scalars(select(TaskInstance))}
        put_off(session, instances["probe", -1], LoopProbe(folder=str(options.probe)))
        for index, ids in enumerate(batches if make else ()):
            put_off(session, instances["wait", index], make(ids, options.interval))


def expand(session: Session, count: int) -> None:
    """Make the mapped task instances, as the scheduler does when the list has come from upstream."""
    upstream = session.scalars(select(TaskInstance).where(TaskInstance.task_id == "batches")).one()
    if session.scalars(select(TaskMap)).first():
        return
    session.add(TaskMap.from_task_instance_xcom(upstream, range(count)))
    session.flush()
    dag = DBDagBag().get_latest_version_of_dag(upstream.dag_id, session=session)
    TaskMap.expand_mapped_task(dag.get_task("wait"), upstream.run_id, session=session)


def wipe(session: Session) -> None:
    """Let nothing be deferred."""
    session.execute(update(TaskInstance).values(trigger_id=None, state=TaskInstanceState.SCHEDULED, next_method=None))
    session.execute(delete(Trigger))


def put_off(session: Session, instance: TaskInstance, trigger: BaseTrigger) -> None:
    """Defer a task instance with a trigger."""
    classpath, kwargs = trigger.serialize()
    row = Trigger(classpath=classpath, kwargs={})
    row.encrypted_kwargs = json.dumps(serialize(kwargs))
    session.add(row)
    session.flush()
    instance.trigger_id = row.id
    instance.state = TaskInstanceState.DEFERRED
    instance.try_number = 1
    instance.start_date = datetime.now(UTC) - timedelta(minutes=1)
    instance.next_method = "execute_complete"
    instance.next_kwargs = {}


def ours(ids: list[str], interval: float) -> BaseTrigger:
    """The trigger of a mapped `CgcBulkExportSensor`."""
    now = time.time()
    return CgcJobsTrigger(
        kind=EXPORT.name,
        cgc_conn_id=CONNECTION,
        ids=ids,
        state=JobTracker.of(EXPORT, ids).to_json(),
        poke_interval=interval,
        deadline=now + DAY,
        first_look=now,
        not_before=now,
    )


def alone(ids: list[str], interval: float) -> BaseTrigger:
    """The same wait without sharing."""
    return Alone(cgc_conn_id=CONNECTION, ids=ids, poke_interval=interval)


def asleep(ids: list[str], interval: float) -> BaseTrigger:
    """A trigger that does nothing."""
    return Asleep()


WAITS: dict[str, MakeTrigger | None] = {"idle": None, "asleep": asleep, "shared": ours, "alone": alone}
"""The kinds of waits; none when idle."""

if __name__ == "__main__":
    main()
