"""The REST API of an Airflow 3 that lets everybody in (simple auth manager, all are admins)."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import requests

CONNECT_SECONDS, READ_SECONDS = 5.0, 60.0
PAGE = 100  # [api] maximum_page_limit


class AirflowApiError(RuntimeError):
    """Airflow refused a call, or did not answer it in time."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class AirflowApi:
    """One method for each thing that a person would do in the UI.

    Calls that may be repeated are, for up to `patience` seconds of server errors and dropped lines after the first one;
    `while_waiting` is asked in between and may raise to end that early. All other errors are raised at once.
    """

    def __init__(
        self, base_url: str, *, patience: float = 180.0, while_waiting: Callable[[], None] = lambda: None
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._patience = patience
        self._while_waiting = while_waiting
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy for the outside world cannot reach this machine
        self._token = ""

    def health(self) -> dict[str, Any] | None:
        """`/monitor/health`, or None while the API server gives no such answer; one try."""
        try:
            answer = self._session.get(
                f"{self.base_url}/api/v2/monitor/health", timeout=(CONNECT_SECONDS, READ_SECONDS)
            )
            health = answer.json() if answer.ok else None
        except (requests.RequestException, ValueError):
            return None
        return health if isinstance(health, dict) else None

    def alive(self, job_type: str) -> int:
        """Count the jobs of a type, such as "TriggererJob", with a recent heartbeat."""
        path, params = "/jobs", {"job_type": job_type, "is_alive": "true", "limit": PAGE}
        return len(self._call("GET", path, params=params).json()["jobs"])

    def dag(self, dag_id: str) -> dict[str, Any] | None:
        """The Dag, or None as long as it is not parsed."""
        return self._found(f"/dags/{_part(dag_id)}")

    def import_errors(self) -> list[dict[str, Any]]:
        """`filename` and `stack_trace` of each Dag file that cannot be imported."""
        return self._pages("/importErrors", "import_errors", order_by="id")

    def unpause(self, dag_id: str) -> None:
        self._call("PATCH", f"/dags/{_part(dag_id)}", json={"is_paused": False})

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None, run_id: str | None = None) -> str:
        """Unpause the Dag, start a run of it and return the run's id."""
        self.unpause(dag_id)
        run_id = run_id or f"manual__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}_{uuid.uuid4().hex[:6]}"
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf or {}}
        # The id is ours, so a repeat after a lost answer starts no second run; it is refused with 409.
        tried: list[int] = []
        try:
            self._call("POST", f"/dags/{_part(dag_id)}/dagRuns", json=body, tried=tried)
        except AirflowApiError as error:
            if error.status != 409 or len(tried) < 2:
                raise
        return run_id

    def dag_run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._call("GET", _run(dag_id, run_id)).json()
        return answer

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Every task instance of a run, a mapped one once for each index."""
        return self._pages(f"{_run(dag_id, run_id)}/taskInstances", "task_instances", order_by="id")

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str, map_index: int = -1) -> Any:
        """The value of an XCom as it is stored, None if there is none."""
        path = f"{_task(dag_id, run_id, task_id)}/xcomEntries/{_part(key)}"
        entry = self._found(path, params={"map_index": map_index})
        return None if entry is None else entry["value"]

    def task_log(self, dag_id: str, run_id: str, task_id: str, try_number: int, map_index: int = -1) -> str:
        """The log of one try as text lines, with the traces of its exceptions."""
        answer = self._call(
            "GET",
            f"{_task(dag_id, run_id, task_id)}/logs/{try_number}",
            params={"map_index": map_index, "full_content": "true"},
            headers={"Accept": "application/x-ndjson"},
        )
        answer.encoding = "utf-8"
        return "\n".join(log_line(json.loads(line)) for line in answer.text.splitlines() if line.strip())

    def clear(self, dag_id: str, run_id: str, task_ids: Sequence[str]) -> None:
        """Clear these tasks, whatever their state, and let the run continue. Not repeated."""
        body = {"dry_run": False, "dag_run_id": run_id, "task_ids": list(task_ids), "only_failed": False}
        self._call("POST", f"/dags/{_part(dag_id)}/clearTaskInstances", json=body, repeatable=False)

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """Send any other request, to a path such as "/api/v2/connections" or "/ui/..."; its JSON, None if empty.

        :param arguments: of `requests`, such as `json` and `params`. Only a GET is repeated.
        """
        answer = self._call(method, path, root="", repeatable=method == "GET", **arguments)
        return answer.json() if answer.content else None

    def run_url(self, dag_id: str, run_id: str) -> str:
        """The run's page for people."""
        return f"{self.base_url}/dags/{_part(dag_id)}/runs/{_part(run_id)}"

    def close(self) -> None:
        self._session.close()

    def _found(self, path: str, **arguments: Any) -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = self._call("GET", path, **arguments).json()
        except AirflowApiError as error:
            if error.status != 404:
                raise
            return None
        return answer

    def _pages(self, path: str, key: str, *, order_by: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            params = {"limit": PAGE, "offset": len(found), "order_by": order_by}
            page = self._call("GET", path, params=params).json()
            found += page[key]
            if not page[key] or len(found) >= page["total_entries"]:
                return found

    def _call(
        self,
        method: str,
        path: str,
        *,
        root: str = "/api/v2",
        repeatable: bool = True,
        tried: list[int] | None = None,
        headers: dict[str, str] | None = None,
        **arguments: Any,
    ) -> requests.Response:
        deadline: float | None = None
        while True:
            problem, answer = "", None
            if tried is not None:
                tried.append(1)
            try:
                answer = self._send(method, root + path, headers or {}, arguments)
            except (requests.ConnectionError, requests.Timeout) as error:
                problem = f"{type(error).__name__}: {error}"
            if answer is not None:
                if answer.ok:
                    return answer
                problem = f"{answer.status_code}: {answer.text[:500]}"
            status = None if answer is None else answer.status_code
            # From the end of the first try: a busy machine may take all of its time for one answer.
            deadline = deadline or time.monotonic() + self._patience
            may_pass = repeatable and (status is None or status >= 500) and time.monotonic() < deadline
            if not may_pass:
                raise AirflowApiError(f"{method} {root}{path} gave {problem}", status=status)
            self._while_waiting()
            time.sleep(1)

    def _send(self, method: str, path: str, headers: dict[str, str], arguments: Any) -> requests.Response:
        for renewed in (False, True):
            if not self._token or renewed:
                answer = self._session.get(f"{self.base_url}/auth/token", timeout=(CONNECT_SECONDS, READ_SECONDS))
                if not answer.ok:
                    return answer
                self._token = answer.json()["access_token"]
            answer = self._session.request(
                method,
                f"{self.base_url}{path}",
                headers={"Authorization": f"Bearer {self._token}", **headers},
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                **arguments,
            )
            if answer.status_code != 401:
                break
        return answer


def log_line(record: dict[str, Any]) -> str:
    """One structured log record as the lines that a person reads."""
    head = [record.get("timestamp"), (record.get("level") or "").upper(), record.get("logger")]
    # The reason of a skip stands beside "Skipping task.", not in it.
    said = " ".join(str(record[key]) for key in ("event", "reason") if record.get(key))
    lines = [" ".join([*(str(word) for word in head if word), said])]
    for error in record.get("error_detail") or record.get("exception") or ():
        if isinstance(error, dict):
            lines += [
                f"  File {f.get('filename')}, line {f.get('lineno')}, in {f.get('name')}"
                for f in error.get("frames") or ()
            ]
            lines.append(f"{error.get('exc_type')}: {error.get('exc_value')}")
    return "\n".join(lines)


def _part(text: str) -> str:
    return quote(text, safe="")


def _run(dag_id: str, run_id: str) -> str:
    return f"/dags/{_part(dag_id)}/dagRuns/{_part(run_id)}"


def _task(dag_id: str, run_id: str, task_id: str) -> str:
    return f"{_run(dag_id, run_id)}/taskInstances/{_part(task_id)}"
