"""A look into the Postgres database of an Airflow with several triggerers: who holds which wait, and what happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy

from dev.airflow_box import AirflowBox

Wait = tuple[str, int]
"""A task's id and map index."""


class Triggerers:
    """The triggerers and triggers in the database of this Airflow."""

    def __init__(self, airflow: AirflowBox) -> None:
        self._engine = sqlalchemy.create_engine(airflow.database_url)

    @contextmanager
    def open(self) -> Iterator[Triggerers]:
        """Close the connections in the end: the server waits for nobody."""
        try:
            yield self
        finally:
            self._engine.dispose()

    def holders(self, dag_id: str) -> dict[Wait, int | None]:
        """The triggerer, by its job's id, that each deferred task is given to; None is nobody yet."""
        query = (
            "SELECT ti.task_id, ti.map_index, trigger.triggerer_id FROM task_instance ti"
            " JOIN trigger ON trigger.id = ti.trigger_id WHERE ti.dag_id = :dag_id AND ti.state = 'deferred'"
        )
        return {(task, index): holder for task, index, holder in self._ask(query, dag_id=dag_id)}

    def stored(self) -> int:
        """The number of stored triggers, whosever they are."""
        return int(self._ask("SELECT count(*) FROM trigger")[0][0])

    def events(self, dag_id: str) -> Counter[tuple[str, int, str]]:
        """The number of Airflow's notes on each event of each task, such as that it is running."""
        query = "SELECT task_id, map_index, event FROM log WHERE dag_id = :dag_id AND task_id IS NOT NULL"
        return Counter((task, index, event) for task, index, event in self._ask(query, dag_id=dag_id))

    def _ask(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sqlalchemy.text(query), values)]
