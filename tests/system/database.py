"""A look into the database and the files of a running Airflow, past its API: what is stored, as text."""

from __future__ import annotations

import configparser
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from cryptography.fernet import Fernet


class Database:
    """The SQLite database of the Airflow in `home`."""

    def __init__(self, home: Path) -> None:
        self._home = home

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """Connect; what was changed is committed at the end."""
        with closing(sqlite3.connect(self._home / "airflow.db", timeout=60)) as connection, connection:
            yield connection

    def triggers(self, dag_id: str) -> dict[str, str]:
        """The stored arguments of each deferred task's trigger, by task id; Airflow leaves them in plain text."""
        query = (
            "SELECT ti.task_id, trigger.kwargs FROM trigger JOIN task_instance ti ON ti.trigger_id = trigger.id"
            " WHERE ti.dag_id = ?"
        )
        with self.open() as connection:
            return dict(connection.execute(query, [dag_id]))

    def all_triggers(self) -> Iterator[str]:
        """Every stored trigger."""
        with self.open() as connection:
            yield from (kwargs for (kwargs,) in connection.execute("SELECT kwargs FROM trigger"))

    def rename_trigger_class(self, dag_id: str, task_id: str, classpath: str) -> None:
        """Let a deferred task's trigger be of a class that another release had."""
        with self.open() as connection:
            changed = connection.execute(
                "UPDATE trigger SET classpath = ? WHERE id IN"
                " (SELECT trigger_id FROM task_instance WHERE dag_id = ? AND task_id = ?)",
                [classpath, dag_id, task_id],
            ).rowcount
        assert changed == 1, f"{dag_id}.{task_id} is not deferred"

    def tables(self) -> list[str]:
        """The names of all tables."""
        with self.open() as connection:
            return [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def rows(self, table: str) -> Iterator[str]:
        """Every row of a table as text, binary columns byte by byte."""
        with self.open() as connection:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield " ".join(one.decode("latin-1") if isinstance(one, bytes) else str(one) for one in row)

    def password(self, conn_id: str) -> str:
        """A connection's password, decrypted with the key that Airflow made for itself."""
        config = configparser.ConfigParser(interpolation=None)
        config.read(self._home / "airflow.cfg")
        with self.open() as connection:
            (stored,) = connection.execute("SELECT password FROM connection WHERE conn_id = ?", [conn_id]).fetchone()
        return Fernet(config["core"]["fernet_key"]).decrypt(stored.encode()).decode()
