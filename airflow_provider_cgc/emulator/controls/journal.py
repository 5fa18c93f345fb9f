"""The journal: every request, counted and kept for the tests that judge a client's manners."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

KEPT_REQUESTS = 10_000
KEPT_BYTES = 64 * 2**20  # of bodies: 10,000 bulk gets of 100 ids are 36 MB

_TEMPLATES = (
    (re.compile(r"^/v2/(storage/volumes|projects)/[^/]+/[^/]+"), r"/v2/\1/{id}"),
    (re.compile(r"^/v2/(files|users|tasks|storage/exports|storage/imports)/[^/]+"), r"/v2/\1/{id}"),
)
_JOB_PATH = re.compile(r"^/v2/(?:tasks|storage/exports|storage/imports)/([^/]+)$")


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request as it came; `status` is None without an answer."""

    method: str
    path: str
    query: dict[str, list[str]]
    raw: bytes
    status: int | None
    wall: float
    user_agent: str

    @property
    def body(self) -> Any:
        """Parsed JSON, bare text or None; parsed anew each time, because thousands of parsed bodies fill a memory."""
        if not self.raw:
            return None
        try:
            return json.loads(self.raw)
        except ValueError:
            return self.raw.decode("utf-8", "replace")

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
        template, asked = request.template, _job_ids(request)
        with self._lock:
            self._keep(request)
            self._requests[f"{request.method} {template}"] += 1
            self._statuses["dropped" if request.status is None else str(request.status)] += 1
            self._asked.update(asked)

    def kept(self) -> list[RecordedRequest]:
        """Return the requests, newest last, at most the newest 10,000 with 64 MiB of bodies."""
        with self._lock:
            return list(self._kept)

    def stats(self) -> dict[str, Any]:
        """Count requests by `METHOD /path`, answers by status, all of them, and the most looks at one job id."""
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
        self._kept: deque[RecordedRequest] = deque()
        self._kept_bytes = 0
        self._requests: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()

    def _keep(self, request: RecordedRequest) -> None:
        self._kept.append(request)
        self._kept_bytes += len(request.raw)
        while len(self._kept) > KEPT_REQUESTS or self._kept_bytes > KEPT_BYTES:
            self._kept_bytes -= len(self._kept.popleft().raw)


def fold(path: str) -> str:
    """Return `/v2/storage/exports/Qr7k...` as `/v2/storage/exports/{id}`."""
    for pattern, template in _TEMPLATES:
        if pattern.match(path):
            return pattern.sub(template, path)
    return path


def _job_ids(request: RecordedRequest) -> list[str]:
    single = _JOB_PATH.match(request.path)
    if single:
        return [single[1]]
    body = request.body if request.path.endswith("/get") else None  # a create names no jobs
    if not isinstance(body, dict):
        return []
    lists = (ids for key, ids in body.items() if key.endswith("_ids") and key != "file_ids")
    return [job_id for ids in lists if isinstance(ids, list) for job_id in ids if isinstance(job_id, str)]
