"""The sidecar at a task's `metadata_path`: written beside it before anything is sent, and in its place at the end.

The lines are made while the platform shows the files, because some may be gone when the jobs have ended, hours later
and in another process. Until then they are in a file of their own, so that a file at `metadata_path` is complete.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_cgc import storage
from airflow_provider_cgc.exceptions import CgcBadInput
from airflow_provider_cgc.jobs.exports.sidecar import SETTLED, Line, key_of, line_of, on_the_volume
from airflow_provider_cgc.jobs.text import counted

if TYPE_CHECKING:
    from airflow_provider_cgc.jobs.exports.item import ExportKey
    from airflow_provider_cgc.jobs.exports.order import ExportOrder
    from airflow_provider_cgc.jobs.submitting.account import Account
    from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome

PLANNED_END = ".planned"
"""The end of the name of the file in which the lines wait for the end of the jobs."""


class TaskSidecar:
    """
    The sidecar of a task of one Dag run.

    :param address: its whole address.
    :param ti: Airflow's task instance.
    :param warn: takes a line to log.
    """

    def __init__(self, address: str, ti: Any, *, warn: Callable[[str], object]) -> None:
        self._address = address
        self._planned_at = f"{address}{PLANNED_END}"
        self._run = f"{ti.dag_id}/{ti.run_id}/"
        self._task = f"{self._run}{ti.task_id}/{ti.map_index}"
        self._warn = warn

    def check(self) -> None:
        """
        Make sure that it can be written, and is no other task's of the same Dag run.

        :raises CgcBadInput: if another file is there, or another task's sidecar; `BadPath` if it cannot be written.
        """
        storage.check(self._address)
        self._refuse_others(self._address)
        self._refuse_others(self._planned_at)
        if warning := storage.local_warning(self._address):
            self._warn(warning)

    def plan(self, order: ExportOrder, outcomes: Sequence[ItemOutcome]) -> None:
        """
        Keep the lines of all items until their jobs have ended.

        A file that the platform no longer shows keeps the line that an earlier attempt of this task has written.

        :param outcomes: the outcome of each item so far.
        :raises BadPath: if they cannot be written.
        """
        earlier = (self._mine(self._address) or {}) | (self._mine(self._planned_at) or {})
        lines: list[Line] = [{}]  # so that it names its task without a file, too
        for one in outcomes:
            key = cast("ExportKey | None", one.item.key())
            if key is None or one.state.failed or (one.state.ended_well and one.code is not None):
                continue  # it certainly gets no object
            line = line_of(key, order.keys[key], order.facts.files.get(key.file))
            if line["metadata"] is None:
                line |= earlier.get(key, {})
            lines.append(line | {SETTLED: one.state.ended_well and one.id is None})
        self._write(self._planned_at, lines)

    def finish(self, account: Account) -> str | None:
        """
        Write the lines of all files that are on the volume; return what cannot be known yet, in a sentence.

        :raises CgcBadInput: if another file is there; `BadPath` if it cannot be written.
        """
        self._refuse_others(self._address)
        planned = self._mine(self._planned_at)
        lines, unknown = on_the_volume(planned or {}, account)
        if planned is None or unknown:
            such = f" of {counted(len(unknown), 'exported file')}, such as {unknown[0].file}," if unknown else ""
            return (
                f"The metadata{such} cannot be written to {self._address}: {self._planned_at} is gone, or another task"
                " has overwritten it. Give each task a metadata_path of its own, and clear this task: it asks for the"
                " files again."
            )
        self._write(self._address, lines)
        self._tell(lines)
        self._remove_planned()
        return None

    def write_nothing(self) -> None:
        """
        Write an empty file for its readers: there is nothing to do.

        :raises CgcBadInput: as `check` does.
        """
        self.check()
        self._write(self._address, [])

    def _mine(self, address: str) -> dict[ExportKey, Line] | None:
        """Return the lines there by key; None if this task has written none."""
        lines = [line for line in _lines_at(address) if _task_of(line) == self._task]
        return {key_of(line): line for line in lines if "file" in line} if lines else None

    def _refuse_others(self, address: str) -> None:
        for other in map(_task_of, _lines_at(address)):
            if other != self._task and other.startswith(self._run):
                raise CgcBadInput(
                    f"metadata_path {self._address} is also that of another task of this Dag run,"
                    f" {other.removeprefix(self._run)}, and each task needs its own; put {{{{ ti.task_id }}}} and, for"
                    " mapped tasks, {{ ti.map_index }} into it."
                )

    def _write(self, address: str, lines: Iterable[Line]) -> None:
        task = {"task": {"id": self._task}}
        storage.write_lines(address, (json.dumps({**line, **task}) + "\n" for line in lines))

    def _tell(self, lines: Sequence[Line]) -> None:
        """Warn of lines in which something is missing."""
        unseen = [line for line in lines if line["metadata"] is None]
        odd = [line for line in lines if "other_metadata" in line]
        if unseen:
            self._warn(
                f"{self._address}: the platform does not show {counted(len(unseen), 'file')} any more, such as"
                f" {unseen[0]['file']}; their lines have null for metadata and tags, and an import sets none."
            )
        if odd:
            self._warn(
                f"{self._address}: {counted(len(odd), 'file')} {'has' if len(odd) == 1 else 'have'} metadata that is"
                f" no text, such as {next(iter(odd[0]['other_metadata']))!r} of {odd[0]['file']}; it is in the lines,"
                " and an import ignores it."
            )

    def _remove_planned(self) -> None:
        try:
            storage.remove(self._planned_at)
        except Exception as error:  # noqa: BLE001  # storages raise errors of every kind, and the work is done
            self._warn(f"{self._planned_at} is not needed any more, and could not be removed: {error}")


def _lines_at(address: str) -> list[Line]:
    """
    Return the lines of a sidecar; none if there is no file.

    :raises CgcBadInput: if it is another file; `BadPath` if it cannot be read.
    """
    if not storage.exists(address):
        return []
    try:
        return [_line(text) for text in storage.read_lines(address) if text.strip()]
    except (_OtherFileError, storage.NoText):
        raise CgcBadInput(
            f"The file at metadata_path {address} was not written by this operator as the metadata of exported files;"
            " give another path, or remove it."
        ) from None


class _OtherFileError(Exception):
    """A line was not written here."""


def _line(text: str) -> Line:
    try:
        line: Line = json.loads(text)
        key = key_of(line) if "file" in line else ()
        if all(isinstance(part, str) for part in (*key, line["task"]["id"])):
            return line
    except (ValueError, KeyError, TypeError, RecursionError):
        pass  # it is no JSON, or has not the keys of such a line
    raise _OtherFileError


def _task_of(line: Line) -> str:
    return str(line["task"]["id"])
