"""Our client on an emulator, and the requests that it costs there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_cgc.client import CgcClient
from airflow_provider_cgc.emulator import CgcEmulator

Connect = Callable[..., CgcClient]


def calls(cgc: CgcEmulator, call: str) -> int:
    return int(cgc.stats()["requests"].get(call, 0))


def export_items(cgc: CgcEmulator, count: int, folder: str = "run7") -> list[dict[str, Any]]:
    names = cgc.file_names
    return [
        {"file": name, "volume": cgc.volume, "location": f"{folder}/{names[name]}"} for name in cgc.file_ids[:count]
    ]
