"""A trigger that belongs to a task, as Airflow's triggerer would make and run it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger


def trigger_of(row: dict[str, Any], task_id: str = "wait") -> CgcJobsTrigger:
    trigger = CgcJobsTrigger(**row)
    trigger.task_instance = SimpleNamespace(dag_id="dag", task_id=task_id, run_id="run", map_index=-1, try_number=1)
    return trigger


async def event_of(trigger: CgcJobsTrigger) -> dict[str, Any]:
    async for event in trigger.run():
        return event.payload
    raise AssertionError("no event")
