"""A trigger that belongs to a task, as Airflow's triggerer would make and run it."""

from __future__ import annotations

from typing import Any

from airflow.triggers.base import TriggerEvent

from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger
from tests.fakes.task_instance import TaskInstance

HOUR = 3600.0


def trigger_of(row: dict[str, Any], task_id: str = "wait") -> CgcJobsTrigger:
    trigger = CgcJobsTrigger(**row)
    trigger.task_instance = TaskInstance(task_id)
    return trigger


async def event_of(trigger: CgcJobsTrigger) -> dict[str, Any]:
    async for event in trigger.run():
        return event.payload
    raise AssertionError("no event")


async def events_of(trigger: CgcJobsTrigger) -> list[TriggerEvent]:
    return [event async for event in trigger.run()]
