"""Airflow's task instance, as far as operators use it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.fakes.store import Store


class TaskInstance:
    """
    One try of a task.

    :param xcoms: where its XComs are, by their keys.
    :param first_poke: gives the time of the first poke of this try; without it the task instance cannot be asked for
        it, as in Airflow 2.11.
    """

    def __init__(
        self,
        task_id: str = "task",
        *,
        dag_id: str = "dag",
        run_id: str = "run",
        map_index: int = -1,
        try_number: int = 1,
        max_tries: int = 0,
        xcoms: Any = None,
        first_poke: Callable[[], datetime | None] | None = None,
    ) -> None:
        self.dag_id, self.run_id, self.task_id, self.map_index = dag_id, run_id, task_id, map_index
        self.try_number, self.max_tries = try_number, max_tries
        self.xcoms = Store() if xcoms is None else xcoms
        if first_poke is not None:
            self.get_first_reschedule_date = lambda context: first_poke()

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms.set(key, value)

    def xcom_pull(self, *, task_ids: str, key: str, map_indexes: int) -> Any:
        assert (task_ids, map_indexes) == (self.task_id, self.map_index)
        return self.xcoms.get(key)
