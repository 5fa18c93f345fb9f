"""Arguments that are known when a Dag is parsed, read as `execute` reads them, so that errors show at once.

A false alarm would break every Dag of the file, so only certain literals are checked (see `templates`). An empty
argument of a subclass is not, because the subclass may set it later. Nothing of a mapped task is, because it is made
when it runs, and `execute` checks everything then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from airflow_provider_cgc.client.errors.problem import as_sentence
from airflow_provider_cgc.compat import is_unmapped
from airflow_provider_cgc.exceptions import CgcBadInput, CgcInputRefused
from airflow_provider_cgc.jobs.submitting.items import listed
from airflow_provider_cgc.jobs.text import BadInput
from airflow_provider_cgc.templates import is_literal, marks_in_dag, without_last_newline

T = TypeVar("T")

PACKAGE = __name__.rpartition(".")[0]


class Literals:
    """The literal arguments of one operator, and all their problems."""

    def __init__(self, task: Any) -> None:
        self.problems: list[str] = []
        self._task = task
        self._marks = marks_in_dag(task)
        self._files = tuple(task.template_ext)
        self.is_subclass = not type(task).__module__.startswith(f"{PACKAGE}.")

    def known(self, *names: str) -> bool:
        """Return True if all of these arguments are literals."""
        return not is_unmapped(self._task) and all(self._is_known(getattr(self._task, name)) for name in names)

    def value(self, name: str) -> Any:
        """Return a known argument as the task will see it."""
        return without_last_newline(getattr(self._task, name))

    def read(self, name: str, reader: Callable[..., T]) -> T | None:
        """Return the result of `reader(value, where=name)`; None if the argument is not known, or is wrong."""
        if not self.known(name):
            return None
        return self.check(lambda: reader(self.value(name), where=name))

    def check(self, call: Callable[[], T]) -> T | None:
        """Return the result of `call`; None if it refuses its input, which then becomes one of the problems."""
        try:
            return call()
        except (CgcBadInput, BadInput) as error:
            self.problems.append(str(error))
            return None

    def refuse(self) -> None:
        """
        Refuse the operator if there are problems.

        :raises CgcInputRefused: with all of them.
        """
        if not self.problems:
            return
        about = f"{type(self._task).__name__} {self._task.task_id!r}"
        if len(self.problems) == 1:
            raise CgcInputRefused(f"{about}: {as_sentence(self.problems[0])}")
        raise CgcInputRefused("\n".join([f"{about}: {len(self.problems)} problems", *listed(self.problems)]))

    def _is_known(self, value: Any) -> bool:
        if not is_literal(value, marks=self._marks, files=self._files):
            return False
        return bool(value) or value is False or not self.is_subclass
