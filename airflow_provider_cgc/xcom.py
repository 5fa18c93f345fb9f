"""Job ids in XCom: a list that is too long for a trigger's row, split into values that databases and UI can take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_cgc.compat import read_xcom
from airflow_provider_cgc.jobs.ids import parse_ids
from airflow_provider_cgc.patience import push_xcom

IN_ONE_VALUE = 1500
"""Ids of 32 characters in one XCom: less than the 64 KiB beyond which Airflow's own pages and stores complain."""


def push_ids(ti: Any, key: str, ids: Sequence[str]) -> dict[str, Any]:
    """Push a list under `key`, and the rest under `key_2` and so on; return the address to read it from."""
    parts = [list(ids[start : start + IN_ONE_VALUE]) for start in range(0, len(ids), IN_ONE_VALUE)] or [[]]
    for number, part in enumerate(parts, start=1):
        push_xcom(ti, _key(key, number), part)
    address = {
        "dag_id": ti.dag_id,
        "task_id": ti.task_id,
        "run_id": ti.run_id,
        "map_index": ti.map_index,
        "key": key,
    }
    return address | ({"parts": len(parts)} if len(parts) > 1 else {})


def read_ids(address: Mapping[str, Any]) -> list[str]:
    """
    Read the ids that `push_ids` has pushed.

    Blocking; on an event loop use `compat.in_thread`. Raises ValueError if a part is gone.
    """
    ids: list[str] = []
    for number in range(1, int(address.get("parts", 1)) + 1):
        part = read_xcom({**address, "key": _key(address["key"], number)})
        if part is None:
            raise ValueError(
                f"XCom {_key(address['key'], number)!r} of task {address['task_id']!r}, with ids that this task waits"
                " for, is gone; clear the task to wait again"
            )
        ids += parse_ids(part)
    return ids


def _key(key: str, number: int) -> str:
    return key if number == 1 else f"{key}_{number}"
