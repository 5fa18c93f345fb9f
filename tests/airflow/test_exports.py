"""Exports by the operator on real Airflow: what ends how in poke, reschedule and deferrable mode."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.conftest import load_dag_file, xcoms

MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}
CREATE = "POST /v2/bulk/storage/exports/create"
USUAL = {"volume": "demo-lab/results", "copy_only": True, "location": "out/{id}/{name}", "poke_interval": 1}


def ids(count: int) -> Callable[[CgcEmulator], Any]:
    return lambda emulator: emulator.file_ids[:count]


def one_fails(emulator: CgcEmulator) -> list[str]:
    emulator.fail_files(emulator.file_names[emulator.file_ids[1]], code=9206)
    return emulator.file_ids[:3]


def one_may_pass(emulator: CgcEmulator) -> list[str]:
    emulator.fail_files(emulator.file_names[emulator.file_ids[1]], code=9100)
    return emulator.file_ids[:3]


def with_a_refused_one(emulator: CgcEmulator) -> list[str]:
    return [*emulator.file_ids[:2], emulator.archived_id]


def two_are_there(emulator: CgcEmulator) -> list[str]:
    there = emulator.file_ids[:2]
    emulator.submit_exports(there, location="out/{id}/{name}")
    emulator.clock.advance(24 * 3600)
    return emulator.file_ids[:3]


def two_are_somebody_elses(emulator: CgcEmulator) -> list[str]:
    there = emulator.file_ids[:2]
    emulator.put_objects([f"out/{name}/{emulator.file_names[name]}" for name in there], volume="demo-lab/results")
    return emulator.file_ids[:3]


def a_lost_answer(kind: str) -> Callable[[CgcEmulator], list[str]]:
    def platform(emulator: CgcEmulator) -> list[str]:
        emulator.fault(kind, path="/v2/bulk/storage/exports/create", count=1)
        return emulator.file_ids[:3]

    return platform


def first_look_astray(emulator: CgcEmulator) -> list[str]:
    """The address is known to be right by then: the platform has taken the jobs."""
    emulator.fault("404_html", path="/v2/bulk/storage/exports/get", count=1)
    return emulator.file_ids[:3]


@dataclass(frozen=True)
class Case:
    """What is to be exported, how, and how it must end; `jobs` is how many jobs the platform has then."""

    items: Callable[[CgcEmulator], Any]
    state: str
    summary: dict[str, Any] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    jobs: int = 0
    modes: Sequence[str] = tuple(MODES)


CASES = {
    "all": Case(ids(3), "success", {"total": 3, "completed": 3, "failed": 0, "skipped": 0}, jobs=3),
    "default_location": Case(ids(3), "success", {"completed": 3}, {"location": "{path}/{name}"}, jobs=3),
    "many": Case(ids(230), "success", {"completed": 230}, jobs=230),
    "one_fails": Case(one_fails, "failed", {"completed": 2, "failed": 1}, error="CgcJobsFailed: 9206", jobs=3),
    "one_may_pass": Case(
        one_may_pass, "failed", {"completed": 2, "failed": 1}, error="CgcJobsIncomplete: 9100", jobs=3
    ),
    "one_tolerated": Case(one_fails, "success", {"completed": 2, "failed": 1}, {"max_failures": 1}, jobs=3),
    "a_share_tolerated": Case(one_fails, "success", {"failed": 1}, {"max_failure_share": 0.34}, jobs=3),
    "too_small_a_share": Case(
        one_fails, "failed", {"failed": 1}, {"max_failure_share": 0.33}, error="CgcJobsFailed: 9206", jobs=3
    ),
    "one_refused": Case(
        with_a_refused_one, "failed", {"completed": 2, "failed": 1}, error="CgcJobsFailed: 9006", jobs=2
    ),
    "two_skipped": Case(
        two_are_there, "success", {"total": 3, "completed": 1, "skipped": 2}, {"if_exists": "skip"}, jobs=3
    ),
    "two_overwritten": Case(two_are_there, "success", {"completed": 3}, {"if_exists": "overwrite"}, jobs=5),
    "two_taken": Case(
        two_are_somebody_elses, "failed", {"completed": 1, "failed": 2}, error="CgcJobsFailed: 9107", jobs=3
    ),
    "two_of_another_run": Case(
        two_are_there, "failed", {"completed": 1, "failed": 2}, error="CgcJobsFailed: 9107", jobs=5
    ),
    "verified": Case(ids(3), "success", {"completed": 3}, {"verify": True}, jobs=3),
    "answer_lost_after": Case(a_lost_answer("drop_after"), "success", {"completed": 3}, jobs=3),
    "answer_lost_before": Case(a_lost_answer("drop_before"), "success", {"completed": 3}, jobs=3),
    "answer_502": Case(a_lost_answer("502_html"), "success", {"completed": 3}, jobs=3),
    "answer_404_html": Case(a_lost_answer("404_html"), "success", {"completed": 3}, jobs=3),
    "answer_302_html": Case(a_lost_answer("302_html"), "success", {"completed": 3}, jobs=3),
    "first_look_404_html": Case(first_look_astray, "success", {"completed": 3}, jobs=3),
    "nothing": Case(lambda emulator: [], "failed", error="CgcInputRefused: is empty"),
    "nothing_allowed": Case(lambda emulator: [], "success", {"total": 0}, {"allow_empty": True}),
    "a_folder": Case(lambda emulator: [emulator.folder_id], "failed", error="CgcInputRefused: is a folder"),
    "twice": Case(lambda emulator: emulator.file_ids[:1] * 2, "failed", error="CgcInputRefused: twice"),
    "copy_only_text": Case(ids(1), "success", {"completed": 1}, {"copy_only": "{{ 'Fal' }}se"}, jobs=1),
    "copy_only_none": Case(ids(1), "failed", {}, {"copy_only": "no"}, error="CgcInputRefused: copy_only"),
    "unknown_field": Case(ids(1), "failed", {}, {"location": "{nome}"}, error="CgcInputRefused: unknown field"),
    "no_volume": Case(ids(1), "failed", {}, {"volume": "demo-lab/none"}, error="CgcInputRefused: demo-lab/none"),
    "dry_run": Case(ids(3), "success", {}, {"dry_run": True}),
    "not_waited_for": Case(ids(3), "success", {}, {"wait": False}, jobs=3),
}
MANIFESTS = ("all", "one_fails", "one_refused", "two_skipped", "answer_lost_after", "not_waited_for")
RUNS = [(name, mode) for name, case in CASES.items() for mode in case.modes]


@dataclass(frozen=True)
class Result:
    """How one task ended."""

    state: str
    error: tuple[str, str]
    summary: dict[str, Any] | None
    shown: dict[str, Any] | None
    returned: Any
    emulator: CgcEmulator
    manifest: Path

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.manifest.read_text().splitlines()]


@pytest.fixture(scope="module")
def results(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str], Result]]:
    """Run every case in each of its modes as tasks of one Dag, each against an emulator of its own."""
    monkeypatch = pytest.MonkeyPatch()
    request.getfixturevalue("database")
    folder = tmp_path_factory.mktemp("exports")
    with ExitStack() as stack:
        stack.callback(monkeypatch.undo)
        emulators: dict[tuple[str, str], CgcEmulator] = {}
        tasks = []
        for name, mode in RUNS:
            case, conn_id = CASES[name], f"cgc_{name}_{mode}"
            emulator = emulators[name, mode] = stack.enter_context(CgcEmulator(speed=600))
            monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", emulator.airflow_conn)
            task = {"task_id": f"{name}-{mode}", "cgc_conn_id": conn_id, "timeout": 600, "retries": 0}
            items = case.items(emulator)
            # Without a store only a manifest can remember from one poke to the next.
            manifest = {"manifest_path": f"file://{folder}/{name}-{mode}.jsonl"}
            with_manifest = name in MANIFESTS or mode == "reschedule"
            tasks.append(
                {
                    **USUAL,
                    **task,
                    "items": items,
                    **(manifest if with_manifest else {}),
                    **MODES[mode],
                    **case.arguments,
                }
            )
        monkeypatch.setenv("EXPORTING_CASES", json.dumps(tasks))
        noted = folder / "errors.jsonl"
        noted.touch()
        monkeypatch.setenv("EXPORTING_ERRORS", str(noted))
        from airflow_provider_cgc.jobs import recovery
        from airflow_provider_cgc.sensors.base import CgcJobsSensor

        monkeypatch.setattr(CgcJobsSensor, "event_grace", 0.0)
        monkeypatch.setattr(recovery, "SETTLING", 1.0)
        dag = load_dag_file("exporting").dag
        run = dag.test()
        states = {ti.task_id: str(ti.state) for ti in run.get_task_instances()}
        errors = dict(json.loads(line) for line in noted.read_text().splitlines())
        pushed = xcoms("exporting", run.run_id)
        yield {
            (name, mode): Result(
                state=states[f"{name}-{mode}"],
                error=tuple(errors.get(f"{name}-{mode}", ("", ""))),
                summary=pushed.get((f"{name}-{mode}", -1, "cgc_summary")),
                shown=pushed.get((f"{name}-{mode}", -1, "cgc_jobs")),
                returned=pushed.get((f"{name}-{mode}", -1, "return_value")),
                emulator=emulators[name, mode],
                manifest=folder / f"{name}-{mode}.jsonl",
            )
            for name, mode in RUNS
        }


def jobs_of(emulator: CgcEmulator) -> list[dict[str, Any]]:
    """What the platform itself knows of exports."""
    from airflow_provider_cgc.client import CgcClient, Settings

    with CgcClient(Settings(token=emulator.token, base_url=emulator.url)) as client:
        return [dict(job.raw) for job in client.exports.list()]


@pytest.mark.parametrize(("name", "mode"), RUNS)
def test_ends_as_it_should(results: dict[tuple[str, str], Result], name: str, mode: str) -> None:
    case, result = CASES[name], results[name, mode]
    kind, _, words = case.error.partition(": ")

    assert (result.state, result.error[0]) == (case.state, kind), result.error[1]
    assert words in result.error[1]
    if case.summary:
        assert result.summary is not None
        assert {key: result.summary[key] for key in case.summary} == case.summary
    assert len(jobs_of(result.emulator)) == case.jobs


@pytest.mark.parametrize(("name", "mode"), RUNS)
def test_the_last_snapshot_tells_the_same_as_the_summary(
    results: dict[tuple[str, str], Result], name: str, mode: str
) -> None:
    result = results[name, mode]
    if result.summary is None or name == "not_waited_for":
        assert result.shown is None
        return

    assert result.shown is not None
    assert result.shown["outcome"] == ("completed" if result.state == "success" else "failed")
    told = ("total", "completed", "failed", "missing", "skipped")
    assert {key: result.shown["counts"][key] for key in told} == {key: result.summary[key] for key in told}
    assert len(result.shown["failures"]) == len(result.summary["failed_items"])


@pytest.mark.parametrize("mode", MODES)
def test_every_item_is_in_the_manifest(results: dict[tuple[str, str], Result], mode: str) -> None:
    states = {
        name: [line["state"] for line in results[name, mode].lines] for name in MANIFESTS if name != "not_waited_for"
    }

    assert states["all"] == ["COMPLETED"] * 3
    assert states["one_fails"] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert states["one_refused"] == ["COMPLETED", "COMPLETED", "FAILED"]
    assert states["two_skipped"] == ["SKIPPED", "SKIPPED", "COMPLETED"]
    assert states["answer_lost_after"] == ["COMPLETED"] * 3
    assert {line["task"]["succeeded"] for line in results["all", mode].lines} == {True}
    assert {line["task"]["succeeded"] for line in results["one_fails", mode].lines} == {False}


@pytest.mark.parametrize("mode", MODES)
def test_who_does_not_wait_is_told_where_the_jobs_are(results: dict[tuple[str, str], Result], mode: str) -> None:
    result = results["not_waited_for", mode]

    assert result.returned == f"file://{result.manifest}"
    assert sorted(line["id"] for line in result.lines) == sorted(job["id"] for job in jobs_of(result.emulator))


def test_move_is_what_copy_only_false_says(results: dict[tuple[str, str], Result]) -> None:
    from airflow_provider_cgc.client import CgcClient, Settings

    emulator = results["copy_only_text", "poke"].emulator
    with CgcClient(Settings(token=emulator.token, base_url=emulator.url)) as client:
        file = client.files.get(emulator.file_ids[0])

    assert file.is_alias
