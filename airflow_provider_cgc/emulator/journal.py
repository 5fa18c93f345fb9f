"""Knows what was asked: every request, counted and kept for the tests that judge a client's manners."""

from __future__ import annotations

import re
import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

KEPT_REQUESTS = 10_000

_TEMPLATES = (
    (re.compile(r"^/v2/(storage/volumes|projects)/[^/]+/[^/]+"), r"/v2/\1/{id}"),
    (re.compile(r"^/v2/(files|users|tasks|storage/exports|storage/imports)/[^/]+"), r"/v2/\1/{id}"),
)
_JOB_PATH = re.compile(r"^/v2/(?:tasks|storage/exports|storage/imports)/([^/]+)$")


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request as it came: `body` is parsed JSON, bare text or None; `status` is None without an answer."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: Any
    status: int | None
    wall: float
    user_agent: str

    @property
    def template(self) -> str:
        """The path with ids folded, as in the keys of the statistics."""
        return fold(self.path)


class Journal:
    """Counts requests by template and status, and keeps the newest of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._start()

    def add(self, request: RecordedRequest) -> None:
        """Record one request."""
        with self._lock:
            self._kept.append(request)
            self._requests[f"{request.method} {request.template}"] += 1
            self._statuses["dropped" if request.status is None else str(request.status)] += 1
            self._asked.update(_job_ids(request))

    def kept(self) -> list[RecordedRequest]:
        """The requests, newest last, at most the newest 10,000."""
        with self._lock:
            return list(self._kept)

    def stats(self) -> dict[str, Any]:
        """Requests by `METHOD /path`, answers by status, their number, and the most looks at one job id."""
        with self._lock:
            return {
                "requests": dict(self._requests),
                "statuses": dict(self._statuses),
                "total": sum(self._requests.values()),
                "max_per_id": max(self._asked.values(), default=0),
            }

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._start()

    def _start(self) -> None:
        self._kept: deque[RecordedRequest] = deque(maxlen=KEPT_REQUESTS)
        self._requests: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()


def fold(path: str) -> str:
    """`/v2/storage/exports/Qr7k...` as `/v2/storage/exports/{id}`."""
    for pattern, template in _TEMPLATES:
        if pattern.match(path):
            return pattern.sub(template, path)
    return path


def _job_ids(request: RecordedRequest) -> list[str]:
    single = _JOB_PATH.match(request.path)
    if single:
        return [single[1]]
    if not isinstance(request.body, dict):
        return []
    lists = (request.body.get(key) for key in ("export_ids", "import_ids", "task_ids"))
    return [job_id for ids in lists if isinstance(ids, list) for job_id in ids if isinstance(job_id, str)]
