"""Airflow's task state store, in memory."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any


class Store(dict[str, Any]):
    """
    JSON under keys; what is got is a copy.

    :param step: called before each call, and after each change.
    """

    def __init__(self, step: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.sets: list[str] = []
        """The keys that were set, in order."""
        self.step = step

    def get(self, key: str, default: Any = None) -> Any:
        self.step()
        return copy.deepcopy(self[key]) if key in self else default

    def set(self, key: str, value: Any) -> None:
        self.step()
        self[key] = json.loads(json.dumps(value))
        self.sets.append(key)
        self.step()

    def delete(self, key: str) -> None:
        self.step()
        self.pop(key, None)
        self.step()
