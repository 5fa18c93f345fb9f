"""Exports by the operator on real Airflow: what ends how in poke, reschedule and deferrable mode."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcClient, File, Settings
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.submitting import search
from tests.airflow.rows import MODES, Ended, play

CREATE = "POST /v2/bulk/storage/exports/create"
USUAL = {"volume": "demo-lab/results", "copy_only": True, "location": "out/{id}/{name}"}


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
    """The export, its arguments and the end that it must have; `jobs` is the number of jobs on the platform then."""

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
    "twice": Case(lambda emulator: emulator.file_ids[:1] * 2, "failed", error="CgcInputRefused: more than once"),
    "copy_only_text": Case(ids(1), "success", {"completed": 1}, {"copy_only": "{{ 'Fal' }}se"}, jobs=1),
    "copy_only_none": Case(ids(1), "failed", {}, {"copy_only": "no"}, error="CgcInputRefused: copy_only"),
    "unknown_field": Case(ids(1), "failed", {}, {"location": "{nome}"}, error="CgcInputRefused: unknown field"),
    "no_volume": Case(ids(1), "failed", {}, {"volume": "demo-lab/none"}, error="CgcInputRefused: demo-lab/none"),
    "dry_run": Case(ids(3), "success", {}, {"dry_run": True}),
    "not_waited_for": Case(ids(3), "success", {}, {"wait": False}, jobs=3),
}
MANIFESTS = {
    "all": ["COMPLETED"] * 3,
    "one_fails": ["COMPLETED", "FAILED", "COMPLETED"],
    "one_refused": ["COMPLETED", "COMPLETED", "FAILED"],
    "two_skipped": ["SKIPPED", "SKIPPED", "COMPLETED"],
    "answer_lost_after": ["COMPLETED"] * 3,
}
"""The states of the items in the manifest at the end."""
RUNS = [(name, mode) for name, case in CASES.items() for mode in case.modes]


@dataclass(frozen=True)
class Result:
    """The end of a task, its manifest, and the platform's own facts then: of exports, and of the first file."""

    ended: Ended
    manifest: Path
    jobs: list[dict[str, Any]]
    first_file: File

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.manifest.read_text().splitlines()]


Play = Callable[[str, str], Result]


@pytest.fixture(scope="module")
def played(database: None, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Run a case in one mode, once."""
    folder = tmp_path_factory.mktemp("exports")

    @functools.cache
    def play_it(name: str, mode: str) -> Result:
        case, manifest = CASES[name], folder / f"{name}-{mode}.jsonl"
        # Without a store only a manifest can remember from one poke to the next.
        with_manifest = name in (*MANIFESTS, "not_waited_for") or mode == "reschedule"
        with CgcEmulator(speed=600) as emulator, pytest.MonkeyPatch.context() as patch:
            patch.setenv("AIRFLOW_CONN_CGC_DEFAULT", emulator.airflow_conn)
            patch.setattr(search, "SETTLING", 0.3)
            how = {**USUAL, "items": case.items(emulator), **MODES[mode], **case.arguments}
            if with_manifest:
                how["manifest_path"] = f"file://{manifest}"
            [ended] = play({"task_id": "export", **how})
            with CgcClient(Settings(token=emulator.token, base_url=emulator.url)) as client:
                jobs = [dict(job.raw) for job in client.exports.list()]
                return Result(ended, manifest, jobs, client.files.get(emulator.file_ids[0]))

    return play_it


@pytest.mark.sampled(each="name")
@pytest.mark.parametrize(("name", "mode"), RUNS)
def test_ends_as_it_should(played: Play, name: str, mode: str) -> None:
    case, result = CASES[name], played(name, mode)
    ended = result.ended
    kind, _, words = case.error.partition(": ")

    assert (ended.state, ended.error[0]) == (case.state, kind), ended.error[1]
    assert words in ended.error[1]
    if case.summary:
        assert ended.summary is not None
        assert {key: ended.summary[key] for key in case.summary} == case.summary
    assert len(result.jobs) == case.jobs


@pytest.mark.sampled(each="name")
@pytest.mark.parametrize(("name", "mode"), RUNS)
def test_snapshot_has_summary(played: Play, name: str, mode: str) -> None:
    """The last snapshot tells the same as the summary."""
    ended = played(name, mode).ended
    shown = ended.xcoms.get("cgc_jobs")
    if ended.summary is None or name == "not_waited_for":
        assert shown is None
        return

    assert shown is not None
    assert shown["outcome"] == ("completed" if ended.state == "success" else "failed")
    told = ("total", "completed", "failed", "missing", "skipped")
    assert {key: shown["counts"][key] for key in told} == {key: ended.summary[key] for key in told}
    assert len(shown["failures"]) == len(ended.summary["failed_items"])


@pytest.mark.sampled(each="name")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", MANIFESTS)
def test_manifest_has_all_items(played: Play, name: str, mode: str) -> None:
    result = played(name, mode)

    assert [line["state"] for line in result.lines] == MANIFESTS[name]
    assert {line["task"]["succeeded"] for line in result.lines} == {result.ended.state == "success"}


@pytest.mark.parametrize("mode", MODES)
def test_jobs_of_no_wait_are_told(played: Play, mode: str) -> None:
    """A task that does not wait tells where its jobs are."""
    result = played("not_waited_for", mode)

    assert result.ended.xcoms["return_value"] == f"file://{result.manifest}"
    assert sorted(line["id"] for line in result.lines) == sorted(job["id"] for job in result.jobs)


def test_copy_only_false_moves(played: Play) -> None:
    assert played("copy_only_text", "poke").first_file.is_alias
