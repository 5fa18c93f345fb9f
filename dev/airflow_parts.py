"""The parts of an Airflow: how they are called, which process is which, and what Airflow says of their health."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

PARTS = ("scheduler", "dag-processor", "api-server", "triggerer")
STANDALONE = "standalone"
HEALTH_KEYS = {"scheduler": "scheduler", "dag-processor": "dag_processor", "triggerer": "triggerer"}


class ComponentDied(RuntimeError):
    """A component of Airflow ended by itself, or stopped to give signs of life."""

    def __init__(self, component: str, what: str, log: Path, last_lines: str) -> None:
        self.component, self.what, self.log = component, what, log
        super().__init__(f"Airflow's {component} died ({what}). The end of {log}:\n{last_lines}")


def component_names(components: Sequence[str], triggerers: int) -> tuple[str, ...]:
    """The components by name: several triggerers are triggerer-1, triggerer-2 ..., one is just that.

    :raises ValueError: for a component that Airflow does not have, or triggerers where none can be added.
    """
    names = tuple(components)
    if names != (STANDALONE,) and not set(names) <= set(PARTS):
        raise ValueError(f"components is ('{STANDALONE}',) or some of {PARTS}, not {names}")
    if triggerers == 1:
        return names
    if triggerers < 1 or "triggerer" not in names:
        raise ValueError(f"triggerers={triggerers} needs 'triggerer' among the components, which are {names}")
    several = tuple(f"triggerer-{number}" for number in range(1, triggerers + 1))
    return (*(name for name in names if name != "triggerer"), *several)


def part_called(name: str) -> str:
    """Find a component in `PARTS`: 'triggerer' for 'triggerer-2'."""
    return "triggerer" if name.startswith("triggerer-") else name


def called(part: str, names: Iterable[str]) -> list[str]:
    """Those of the components that are this part, or hold it in a standalone Airflow."""
    return [name for name in names if name == STANDALONE or part_called(name) == part]


def part_of(child: psutil.Process) -> str | None:
    """Find a child of `airflow standalone` in `PARTS`; None before its exec, and for a zombie."""
    try:
        words = " ".join(child.cmdline()).replace("api_server", "api-server").split()
    except psutil.Error:
        return None
    for command, argument in pairwise(words):
        if command.rsplit("/", 1)[-1] == "airflow" and argument in PARTS:
            return argument
    return None


def unwell(health: Mapping[str, Any]) -> list[str]:
    """The parts that `/monitor/health` does not call healthy."""
    return [part for part, key in HEALTH_KEYS.items() if (health.get(key) or {}).get("status") != "healthy"]


def silences(health: Mapping[str, Any]) -> dict[str, float]:
    """Seconds since the last heartbeat of each part that ever had one; of several triggerers, since anyone's."""
    beats = {part: (health.get(key) or {}).get(f"latest_{key}_heartbeat") for part, key in HEALTH_KEYS.items()}
    now = datetime.now(UTC)
    return {part: (now - datetime.fromisoformat(beat)).total_seconds() for part, beat in beats.items() if beat}
