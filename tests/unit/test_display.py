"""The signs of a wait beside its verdict: metrics by Airflow's own names, links, and never an error."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from airflow_provider_cgc import compat, display
from airflow_provider_cgc.client.http.budget import RateBudget
from airflow_provider_cgc.jobs.kinds import EXPORT, KINDS, JobKind
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker

ADDRESS = {"dag_id": "dag", "task_id": "wait", "run_id": "run", "map_index": -1}


class Metrics:
    """Airflow's metrics, as far as they are used."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, Any, dict[str, str]]] = []

    def gauge(self, name: str, value: Any, *, tags: dict[str, str]) -> None:
        self.told.append(("gauge", name, value, tags))

    def incr(self, name: str, count: int, *, tags: dict[str, str]) -> None:
        self.told.append(("incr", name, count, tags))

    def timing(self, name: str, value: Any, *, tags: dict[str, str]) -> None:
        self.told.append(("timing", name, value.total_seconds(), tags))


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> Metrics:
    metrics = Metrics()
    monkeypatch.setattr(compat, "stats", lambda: metrics)
    monkeypatch.setattr(compat, "write_view", lambda address, key, value: None)
    return metrics


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_states_are_gauges(metrics: Metrics, kind: JobKind) -> None:
    """Each state is a gauge with the tags that tell the wait."""
    snapshot = LiveView(kind, since=0.0, interval=60.0).snapshot(JobTracker.of(kind, ["a", "b"]), 60.0)

    display.write(ADDRESS, snapshot, warn=print)

    tags = {"kind": kind.name, "dag_id": "dag", "task_id": "wait"}
    assert {(type_, name): value for type_, name, value, _ in metrics.told} == {
        ("gauge", f"cgc.jobs.{state}"): count for state, count in snapshot["counts"].items()
    }
    assert all(told[3] == tags for told in metrics.told)
    assert ("gauge", "cgc.jobs.not_seen", 2, tags) in metrics.told


def test_requests_count_once(metrics: Metrics) -> None:
    """Every request is counted once however many looks tell of it."""
    budget = RateBudget(share=0.8)
    how = {"kind": "export", "conn_id": "cgc_default"}
    for _ in range(3):
        assert budget.claim() == 0
    budget.observe_429(1.0)

    display.record_metrics(budget, 0.5, **how)
    display.record_metrics(budget, 0.25, **how)
    budget.claim(regardless=True)
    display.record_metrics(budget, 0.25, **how)

    counted = [(name, count) for kind, name, count, _ in metrics.told if kind == "incr"]
    assert counted == [("cgc.requests", 3), ("cgc.requests_refused", 1), ("cgc.requests", 1)]
    assert [value for kind, _, value, _ in metrics.told if kind == "timing"] == [0.5, 0.25, 0.25]


class Unreachable:
    """A backend of metrics that is away."""

    def __getattr__(self, name: str) -> Any:
        raise OSError("statsd: host unreachable")


def test_lost_metrics_warn_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Metrics that cannot be told are warned of once in a process."""
    monkeypatch.setattr(display, "_COMPLAINED", threading.Event())
    monkeypatch.setattr(compat, "stats", Unreachable)
    monkeypatch.setattr(compat, "write_view", lambda address, key, value: None)
    snapshot = LiveView(EXPORT, since=0.0, interval=60.0).snapshot(JobTracker.of(EXPORT, ["a"]), 60.0)

    for _ in range(2):
        display.record_metrics(RateBudget(share=0.8), 0.5, kind="export", conn_id="cgc_default")
        display.write(ADDRESS, snapshot, warn=pytest.fail)

    assert [record.getMessage() for record in caplog.records if record.name == display.log.name] == [
        "Airflow's metrics could not be told about the jobs: OSError: statsd: host unreachable"
    ]


def test_airflow_takes_metrics() -> None:
    display.record_metrics(RateBudget(share=0.8), 0.5, kind="export", conn_id="cgc_default")
    compat.stats().gauge("cgc.jobs.total", 1, tags={"kind": "export"})


def test_lost_snapshot_counts(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot that cannot be written is told and still counted."""

    def away(address: Any, key: str, value: Any) -> None:
        raise OSError("no route")

    monkeypatch.setattr(compat, "write_view", away)
    said: list[str] = []

    display.write(
        ADDRESS, LiveView(EXPORT, since=0.0, interval=60.0).snapshot(JobTracker.of(EXPORT, []), 1.0), warn=said.append
    )

    assert said == ["XCom 'cgc_jobs', which shows the jobs in Airflow's UI, could not be written: OSError: no route"]
    assert metrics.told


def test_lost_links_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links that could not be written are tried again."""
    written: dict[str, str] = {}
    fails = [OSError("no route")]

    def write(address: Any, key: str, value: str) -> None:
        if fails:
            raise fails.pop()
        written[key] = value

    monkeypatch.setattr(compat, "write_view", write)
    snapshot = {"web": "https://cgc.sbgenomics.com", "volume": "lab/results"}

    known = display.link(ADDRESS, snapshot, {}, warn=print)
    assert known == {}
    known = display.link(ADDRESS, snapshot, known, warn=print)

    assert written == known == {"_link_CgcVolumeLink": "https://cgc.sbgenomics.com/v/lab/results"}


def test_odd_snapshot_is_fine() -> None:
    """A snapshot that was written by hand is no reason to fail."""
    for value in (None, "text", [], {"web": 5}, {"web": "javascript:alert(1)", "volume": "a/b"}):
        assert display.links_of_snapshot(value) == {}
