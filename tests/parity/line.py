"""The client's end of the line: slow on demand, and watched for what a process has asked and got to know."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from airflow_provider_cgc.client.errors import CgcError
from airflow_provider_cgc.client.http.request import Request
from airflow_provider_cgc.client.http.wire import Wire
from dev.virtual_time import VirtualTime
from tests.parity.kinds import Kind

ENDED = ("COMPLETED", "FAILED")
MOST_CALLS = 24
"""Requests that a hundred ids cost at most in one look, whatever the platform answers."""


@dataclass(eq=False)
class Process:
    """
    The knowledge of one process of Airflow; one that is gone sends nothing.

    `ended` are the jobs that have ended, `asked_to_wait` tells until when the platform did not want to be asked for an
    id, and `spent_until` until when Airflow's share is used up, by token: that two are of one user it cannot know.
    """

    ended: set[str] = field(default_factory=set)
    asked_to_wait: dict[str, float] = field(default_factory=dict)
    spent_until: dict[str, float] = field(default_factory=dict)
    gone: bool = False

    def successor(self) -> Process:
        """A process that is handed what this one knows of the jobs."""
        return Process(set(self.ended), dict(self.asked_to_wait))


@dataclass(eq=False)
class Line:
    """
    The traffic on the line in one scene; times are epoch seconds.

    `begun` has every request, `first_answer` when the platform first said anything about an id, `finished` when a job
    ended by the platform's own word, and `troubles` the answers that were none. Three are for complaints: `asked_again`
    has the ids that a process asked for although it knew that they had ended, `unbidden` when one asked although
    Airflow's share was used up, and `early` when one asked although the platform had asked it to wait.
    """

    time: VirtualTime
    kind: Kind
    process: Process = field(default_factory=Process)
    delays: deque[float] = field(default_factory=deque)
    """Seconds that the next answers take."""
    begun: list[str] = field(default_factory=list)
    first_answer: dict[str, float] = field(default_factory=dict)
    finished: dict[str, float] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    asked_again: list[str] = field(default_factory=list)
    unbidden: list[float] = field(default_factory=list)
    early: list[float] = field(default_factory=list)
    _of_this_thread: threading.local = field(default_factory=threading.local)
    some_unknown: bool = False
    """True once the platform did not know some id."""
    calls_of_a_look: int = 1
    """Requests that a hundred ids may cost in one look: more where an answer does not tell of each id what is known."""

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Stand between the client and the socket."""
        exchange, send = Wire.exchange, HTTPAdapter.send

        def watched(wire: Wire, request: Request) -> Any:
            process, at = self._process_of_this_thread(), self.time.clock()
            if process.gone:
                raise RuntimeError("a process that is gone cannot send anything")
            self.begun.append(str(request))
            if request.path != self.kind.get:
                return exchange(wire, request)
            ids, token = request.body[self.kind.ids], wire._settings.token
            if at < process.spent_until.get(token, 0.0):
                self.unbidden.append(at)
            # Where one id is due, others may ride along.
            if at < min(process.asked_to_wait.get(job_id, 0.0) for job_id in ids):
                self.early.append(at)
            self.asked_again += process.ended & set(ids)
            try:
                answer = exchange(wire, request)
            except CgcError as error:
                self.troubles.append(str(error))
                raise
            self._note_waits(process, ids, token, answer[1])
            self._note(process, ids, at, answer[0], answer[2])
            return answer

        def slowed(adapter: HTTPAdapter, request: requests.PreparedRequest, **how: Any) -> requests.Response:
            delay = self._delay(request)
            patience = min(delay, how["timeout"][1])
            self._pass(patience / 2)
            response = send(adapter, request, **how)
            self._pass(patience / 2)
            if delay > patience:
                response.close()
                raise requests.ReadTimeout(f"Read timed out. (read timeout={patience})", request=request)
            return response

        patch.setattr(Wire, "exchange", watched)
        patch.setattr(HTTPAdapter, "send", slowed)

    def _process_of_this_thread(self) -> Process:
        """No thread outlives its process, so it is of the one in which it sent its first request."""
        if not hasattr(self._of_this_thread, "process"):
            self._of_this_thread.process = self.process
        return self._of_this_thread.process

    def _delay(self, request: requests.PreparedRequest) -> float:
        return self.delays.popleft() if self.delays and self.kind.get in str(request.url) else 0.0

    def _pass(self, seconds: float) -> None:
        if seconds:
            self.time.sleep(seconds)

    def _note_waits(self, process: Process, ids: list[str], token: str, headers: Mapping[str, str]) -> None:
        """The platform's demands: no questions for some seconds, and a fifth of the requests left to people."""
        if "Retry-After" in headers:
            said = parsedate_to_datetime(headers["Date"]).timestamp()
            process.asked_to_wait |= dict.fromkeys(ids, said + float(headers["Retry-After"]))
        if "X-RateLimit-Reset" in headers:
            limit, left, reset = (int(headers[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset"))
            if left <= limit / 5:
                process.spent_until[token] = reset / 1000 if reset > 1e11 else reset

    def _note(self, process: Process, ids: list[str], at: float, status: int, body: bytes) -> None:
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if status == 401:
            # A look begins anew with the token that is valid now; the rest of a question that was refused costs what
            # the same question has told already.
            process.ended.clear()
        if status == 404 and answer and answer.get("code") == 9008:
            self._first(ids, at)
            self.some_unknown, self.calls_of_a_look = True, MOST_CALLS
        elif status != 200 or answer is None:
            self.troubles.append(f"{status}: {body[:60]!r}")
        else:
            self._first(ids, at)
            self._note_records(process, ids, answer["items"])

    def _note_records(self, process: Process, ids: list[str], records: list[dict[str, Any]]) -> None:
        jobs = [record.get("resource") for record in records]
        gap = len(jobs) < len(ids)
        self.some_unknown |= gap or not all(jobs)
        if not all(jobs) and (gap or any(job and job["id"] != job_id for job, job_id in zip(jobs, ids, strict=True))):
            # Errors name no id, and these cannot be told by their place.
            self.calls_of_a_look = MOST_CALLS
        elif gap:
            self.calls_of_a_look = max(self.calls_of_a_look, 2)
        for job in filter(None, jobs):
            self._note_job(process, job)

    def _first(self, ids: list[str], at: float) -> None:
        for job_id in ids:
            self.first_answer.setdefault(job_id, at)

    def _note_job(self, process: Process, job: dict[str, Any]) -> None:
        if job.get("state") in ENDED:
            process.ended.add(job["id"])
            self.finished[job["id"]] = datetime.fromisoformat(job["finished_on"]).timestamp()
