"""The tasks that are killed: of which kind of job, how they wait, what they remember, and the platform's lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.airflow.conftest import has_task_state_store
from tests.crash.exported import ExportTask
from tests.crash.imported import ImportTask
from tests.crash.scene import Platform, Task

Give = Callable[[type[Task], str, float, int], Platform]

MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}
RECORDS = {"none": (False, False), "manifest": (False, True)}
"""The memory of a task: a task state store or not, and a manifest or not."""
if has_task_state_store():
    RECORDS |= {"store": (True, False), "store and manifest": (True, True)}
EXPORTS: dict[str, dict[str, Any]] = {
    "copy": {},
    "move": {"items": 3, "arguments": {"copy_only": False}},
    "skip": {"items": 4, "there": 1, "arguments": {"if_exists": "skip"}},
    "unfit": {"items": 3, "unfit": True, "arguments": {"aliases": "skip", "max_failures": 1}},
}
IMPORTS: dict[str, dict[str, Any]] = {
    "import": {},
    "import skip": {"items": 4, "there": 1, "arguments": {"if_exists": "skip"}},
    "import overwrite": {"items": 4, "there": 1, "arguments": {"if_exists": "overwrite"}},
    "import rename": {"items": 4, "there": 1, "arguments": {"if_exists": "rename"}},
}
KINDS = {name: (ExportTask, how) for name, how in EXPORTS.items()}
KINDS |= {name: (ImportTask, how) for name, how in IMPORTS.items()}
LAG = 30.0
OLDER = 20_000


@dataclass(frozen=True)
class Scenario:
    """The run of a task, the tries before the one that is killed, and the jobs that each file must have in the end."""

    mode: str
    record: str
    order: str = "newest"
    lag: float = LAG
    older: int = 0
    kind: str = "copy"

    def task(self, give: Give, **values: Any) -> Task:
        store, manifest = RECORDS[self.record]
        of_kind, kind = KINDS[self.kind]
        arguments = MODES[self.mode] | kind.get("arguments", {}) | values.get("arguments", {})
        values = kind | values | {"arguments": arguments}
        return of_kind(give(of_kind, self.order, self.lag, self.older), store=store, manifest=manifest, **values)

    def __str__(self) -> str:
        older = f", {self.older} older" if self.older else ""
        kind = "" if self.kind == "copy" else f", {self.kind}"
        return f"{self.mode}, {self.record}, {self.order} first, lag {self.lag:g}{older}{kind}"


def named(scenarios: list[Scenario]) -> Any:
    return pytest.mark.parametrize("scenario", [pytest.param(one, id=str(one)) for one in scenarios])


ALL = [
    Scenario(mode, record, kind=kind)
    for kind in ("copy", "import")
    for mode in MODES
    for record in RECORDS
    if (mode, record) != ("reschedule", "none")  # is refused: nothing would remember from one poke to the next
]
IN_WORKER = [one for one in ALL if one.mode == "poke"]
OTHER_LISTS = [
    Scenario(mode, record, order, lag, kind=kind)
    for kind in ("copy", "import", "import rename")
    for mode, record, order, lag in (
        ("poke", "none", "oldest", LAG),
        ("poke", "manifest", "oldest", LAG),
        ("poke", "none", "oldest", 0.0),
        ("deferrable", "manifest", "oldest", LAG),
    )
]
OTHER_KINDS = [
    Scenario(mode, record, kind=kind)
    for kind in KINDS
    if kind not in ("copy", "import")
    for mode in MODES
    for record in RECORDS
    if "manifest" in record
]
LONG_LISTS = [
    Scenario("poke", record, order, LAG, OLDER, kind)
    for kind in ("copy", "import")
    for order in ("newest", "oldest")
    for record in ("none", "manifest")
]
