"""The arguments of operators that start jobs: the reader of each, and the checks that need no request.

`Arguments.literals` checks the arguments that are known when the Dag is parsed, `Arguments.read` all of them when the
task runs; both use the same readers. Each kind of job adds its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from airflow_provider_cgc import storage
from airflow_provider_cgc.arguments import (
    check_count,
    connection_id,
    count_of,
    same_address,
    share_of,
    volume_of,
    whole_number,
)
from airflow_provider_cgc.exceptions import CgcBadInput
from airflow_provider_cgc.jobs.submitting.items import BadItems, Item, listed, parted, read_each
from airflow_provider_cgc.jobs.submitting.manifest import form_of, is_table
from airflow_provider_cgc.jobs.submitting.tolerance import Tolerance
from airflow_provider_cgc.jobs.text import BadInput
from airflow_provider_cgc.literals import Literals
from airflow_provider_cgc.operators.base import WHY_OTHERS, CgcSubmittingOperator

BOTH = "give either items or a manifest, not both"
FAILED_OF_NOTHING = "failed_only=True chooses from a manifest that an earlier run wrote; give manifest"
HIDDEN_FAILURES = (
    "with wait=False and failures tolerated, the returned ids would not show which items the platform refused; give it"
    " a manifest_path, whose address is returned instead"
)
UNVERIFIED = "with wait=False nothing can be verified, because no job has ended yet; drop verify, or wait=False"


def address_of(value: Any, *, where: str, conn_id: str | None = None) -> str:
    try:
        return storage.check_form(value, conn_id)
    except CgcBadInput as error:
        raise CgcBadInput(f"{where}: {error}") from None


def written(value: Any, *, where: str, conn_id: str | None) -> str:
    """Read the address of the manifest to write."""
    address = address_of(value, where=where, conn_id=conn_id)
    if is_table(address):
        raise CgcBadInput(f"{where} is {address!r}, but the manifest is JSON Lines; let it end in .jsonl")
    return address


class Arguments:
    """The arguments of one kind of operator."""

    READERS: ClassVar[Mapping[str, Callable[..., Any]]] = {
        "volume": volume_of,
        "max_failures": count_of,
        "max_failure_share": share_of,
        "expected_count": whole_number,
        "cgc_conn_id": connection_id,
    }
    """The readers of arguments that can be checked one by one."""
    WRITTEN: ClassVar[Mapping[str, Callable[..., str]]] = {"manifest_path": written}
    """The readers of the addresses of files that the task writes; these get the connection, too."""

    def check(self, item: Any) -> list[str]:
        """Return further problems of an item that was read."""
        return []

    def wrong_together(self, task: CgcSubmittingOperator, values: Mapping[str, Any]) -> list[str]:
        """Return the problems of arguments that are right one by one."""
        wrong = [HIDDEN_FAILURES] if _hides_failures(task, values) else []
        return [*wrong, *([UNVERIFIED] if task.verify is True and task.wait is False else [])]

    def judge(self, given: Literals, items: list[Any], values: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """Return the problems of literal items as a whole, and the problems of single ones, for which no job starts."""
        return [], []

    def read(self, task: CgcSubmittingOperator) -> dict[str, Any]:
        """
        Return the value of each argument that has a reader.

        :raises CgcBadInput: with everything that is wrong.
        """
        values: dict[str, Any] = {}
        problems = []
        for name, reader in self.READERS.items():
            try:
                values[name] = reader(getattr(task, name), where=f"{name} of task {task.task_id!r}")
            except (CgcBadInput, BadInput) as error:
                problems.append(str(error))
        for name, reader in self.WRITTEN.items():
            if address := getattr(task, name):
                try:
                    reader(address, where=f"{name} of task {task.task_id!r}", conn_id=task.manifest_conn_id)
                except CgcBadInput as error:
                    problems.append(str(error))
        if len(problems) > 1:
            raise CgcBadInput("\n".join([f"Task {task.task_id!r}: {len(problems)} problems", *listed(problems)]))
        if problems:
            raise CgcBadInput(problems[0])
        wrong = [BOTH] if task.items is not None and task.manifest is not None else []
        wrong += [FAILED_OF_NOTHING] if task.failed_only and task.items is not None and task.manifest is None else []
        wrong += self.wrong_together(task, values)
        if wrong:
            raise CgcBadInput(f"Task {task.task_id!r}: {'; '.join(wrong)}")
        return values

    def literals(self, task: CgcSubmittingOperator) -> Literals:
        """Read the arguments that are known when the Dag is parsed."""
        given = Literals(task)
        values = {name: given.read(name, reader) for name, reader in self.READERS.items()}
        if not given.is_subclass:
            given.problems += self.wrong_together(task, values)
        _read_sources(given, task)
        for name, reader in self.WRITTEN.items():
            if getattr(task, name) and given.known("manifest_conn_id"):
                given.read(name, partial(reader, conn_id=task.manifest_conn_id))
        if task.items is not None and task.manifest is None and given.known("items"):
            addresses, others = parted(storage.texts_in(given.value("items")))
            for address in addresses:
                given.check(partial(_manifest, address, where="items", task=task))
            if others or not addresses:
                items = given.check(lambda: read_each(others, where="items", read=task.item.read, check=self.check))
                if items is not None:
                    self._judge(given, task, items, values, alone=not addresses)
        return given

    def _judge(
        self,
        given: Literals,
        task: CgcSubmittingOperator,
        items: list[Item],
        values: Mapping[str, Any],
        *,
        alone: bool,
    ) -> None:
        if alone:
            given.check(
                lambda: check_count(
                    len(items),
                    what="item",
                    where="items",
                    why=WHY_OTHERS,
                    expected=values["expected_count"],
                    allow_empty=task.allow_empty,
                )
            )
        problems, unplaced = self.judge(given, items, values)
        given.problems += problems
        most, share = values["max_failures"], values["max_failure_share"]
        if not alone or most is None or not given.known("max_failure_share"):
            return
        if Tolerance(most, share).exceeded(len(unplaced), len(items)):
            given.problems += unplaced


def _read_sources(given: Literals, task: CgcSubmittingOperator) -> None:
    """Read the source of the items."""
    if task.items is not None and task.manifest is not None:
        given.problems.append(BOTH)
    if task.manifest is None and not given.is_subclass:
        if task.failed_only:
            given.problems.append(FAILED_OF_NOTHING)
        elif task.items is None:
            given.problems.append("neither items nor a manifest is given; give one of them")
    if task.manifest is not None:
        given.read("manifest", partial(_manifest, task=task, any_form=task.failed_only))


def _hides_failures(task: CgcSubmittingOperator, values: Mapping[str, Any]) -> bool:
    """Return True if a sensor that gets the ids would succeed although items failed: the ids do not show them."""
    return not (task.wait or task.manifest_path) and bool(values["max_failures"] or values["max_failure_share"])


def _manifest(value: Any, *, where: str, task: CgcSubmittingOperator, any_form: bool = False) -> str:
    address = address_of(value, where=where)
    if value == task.manifest_path:
        raise same_address(address, where=where)
    if not any_form:
        try:
            form_of(address)
        except BadItems as error:
            raise CgcBadInput(f"{where}: {error}") from None
    return address
