"""A platform that answers a bulk get in each of the ways that nobody documented."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from airflow_provider_cgc.client import CgcClient

GET = "/bulk/storage/exports/get"
NOT_FOUND = {"status": 404, "code": 9008, "message": "Requested job does not exist."}
FOREIGN = {"status": 403, "code": 9005, "message": "Insufficient privileges to access the job."}


def job(job_id: str, state: str = "RUNNING") -> dict[str, Any]:
    return {"resource": {"id": job_id, "state": state}}


class Platform:
    """Answers a bulk get in one of the ways that nobody documented, and counts."""

    def __init__(
        self, known: set[str], *, unknown: str, shuffled: bool = False, foreign: set[str] | None = None
    ) -> None:
        self.known = known
        self.foreign = foreign or set()
        self.unknown = unknown
        self.shuffled = shuffled
        self.calls: list[list[str]] = []

    def __call__(self, request: Any, context: Any) -> Any:
        ids = request.json()["export_ids"]
        self.calls.append(ids)
        strange = [name for name in ids if name not in self.known]
        if strange and self.unknown == "404":
            context.status_code = 404
            return NOT_FOUND
        records = [self.record(name) for name in ids if name in self.known or self.unknown == "error"]
        if self.shuffled:
            random.Random(len(ids)).shuffle(records)
        return {"items": records}

    def record(self, name: str) -> dict[str, Any]:
        if name in self.known:
            return job(name)
        return {"error": FOREIGN if name in self.foreign else NOT_FOUND}


def ask(client: CgcClient, mock: Any, base: str, platform: Callable[..., Any], ids: list[str]) -> Any:
    mock.post(base + GET, json=platform)
    return client.exports.bulk_get(ids)
