"""Each example Dag does what it tells, on real Airflow over real HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcClient, Settings
from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.conftest import xcoms
from tests.conftest import ROOT

STATES = {
    "cgc_wait_for_exports": "success",
    "cgc_wait_for_mapped_exports": "success",
    "cgc_failed_export": "failed",
    "cgc_wait_for_imports": "success",
    "cgc_export_project": "success",
    "cgc_nightly_export": "success",
    "cgc_export_manifest": "success",
    "cgc_import_volume": "success",
    "cgc_round_trip": "success",
}
ELSEWHERE = ("cgc_approved_move", "cgc_tell_failures")
"""Run by test_approved_move.py and test_failure_notices.py."""
OF_OPERATORS = (
    *("cgc_export_project", "cgc_nightly_export", "cgc_export_manifest"),
    *("cgc_import_volume", "cgc_round_trip"),
)
JOBS = {
    "cgc_wait_for_exports": 300,
    "cgc_wait_for_mapped_exports": 300,
    "cgc_failed_export": 1,
    "cgc_wait_for_imports": 48,
}


def test_every_example_is_run() -> None:
    assert {path.stem for path in (ROOT / "example_dags").glob("*.py")} == {*STATES, *ELSEWHERE}


def test_places_are_its_own() -> None:
    """Runs of two Dags may have one id: each Dag has a folder of its own below the one that is given."""
    text = "".join(path.read_text() for path in (ROOT / "example_dags").glob("*.py"))

    given = re.findall(r"\{\{ params\.manifests \}\}(\S* \S* \S*)", text)

    assert len(given) > 10
    assert {place.split("}}")[0] + "}}" for place in given} == {"/{{ dag.dag_id }}"}


@pytest.mark.parametrize("name", [name for name in STATES if name not in OF_OPERATORS])
def test_ends_as_it_tells(
    name: str,
    emulator: CgcEmulator,
    connect: Callable[..., str],
    load_dags: Callable[[str], ModuleType],
    no_grace: None,
    capfd: pytest.CaptureFixture[str],
) -> None:
    emulator.clock.speed = 20_000
    connect(emulator)
    module = load_dags(name)

    dag = getattr(module, name)()
    # Eight waits instead of forty: dag.test() looks at all tasks of a run after each one, and forty take 15 s.
    run = dag.test(run_conf={"batches": 8} if "batches" in dag.params else None)

    assert str(run.state) == STATES[name]
    summaries = [value for (_, _, key), value in xcoms(name, run.run_id).items() if key == "cgc_summary"]
    assert sum(summary["total"] for summary in summaries) == JOBS[name]
    items = sent(emulator)
    said = capfd.readouterr().out
    assert len(started(said)) == len(items) == JOBS[name]
    if name == "cgc_wait_for_imports":
        assert {summary["kind"] for summary in summaries} == {"import"}
        assert {item["destination"]["project"] for item in items} == {emulator.other_project}
        assert "48 objects, " in said
    else:
        assert all(f"/{item['source']['file']}/" in item["destination"]["location"] for item in items)
    if name == "cgc_failed_export":
        assert summaries[0]["failed_items"][0]["code"] == 9109
        message = said.split("Message to the lab about wait_for_exports:")[1]
        assert "Of 1 export, 1 FAILED." in message
        assert "C3L-00004_wgs_gdc_realn.bam" in message


@pytest.mark.parametrize(
    ("name", "folder", "jobs"),
    [
        ("cgc_export_project", "cptac3", 300),
        ("cgc_nightly_export", "nightly", 300),
        ("cgc_export_manifest", "release", 302),
    ],
)
def test_project_is_exported(
    name: str,
    folder: str,
    jobs: int,
    emulator: CgcEmulator,
    connect: Callable[..., str],
    load_dags: Callable[[str], ModuleType],
    no_grace: None,
    tmp_path: Path,
) -> None:
    """An operator exports the project with its tree."""
    emulator.clock.speed = 20_000
    connect(emulator)
    failing = [emulator.file_names[file_id] for file_id in emulator.file_ids[:2]]
    if name == "cgc_export_manifest":
        for file_name in failing:
            emulator.fail_files(file_name, code=9100, times=1)
    dag = getattr(load_dags(name), name)()
    conf = {"manifests": f"file://{tmp_path}"} if "manifests" in dag.params else {}

    run = dag.test(run_conf=conf)

    assert str(run.state) == "success"
    with CgcClient(Settings(token=emulator.token, base_url=emulator.url)) as client:
        files = {item.file.id: item for item in client.files.tree("demo-lab/cptac3")}
        done = [job for job in client.exports.list() if job.completed]
    assert len(done) == len(files) == 300
    assert len(sent(emulator)) == jobs
    for job in done:
        place = files[job.file]
        assert job.location == "/".join(part for part in (folder, place.path, place.file.name) if part)
    if name == "cgc_export_manifest":
        lines = [json.loads(line) for path in tmp_path.rglob("exports.jsonl") for line in path.read_text().splitlines()]
        assert sorted(line["code"] for line in lines if line["state"] == "FAILED") == [9100, 9100]


def test_quiet_night_is_green(
    emulator: CgcEmulator,
    connect: Callable[..., str],
    load_dags: Callable[[str], ModuleType],
    no_grace: None,
    tmp_path: Path,
) -> None:
    emulator.clock.speed = 20_000
    connect(emulator)
    module = load_dags("cgc_nightly_export")
    conf = {"manifests": f"file://{tmp_path}"}
    module.cgc_nightly_export().test(run_conf=conf)
    before = len(sent(emulator))

    run = module.cgc_nightly_export().test(run_conf=conf)

    assert str(run.state) == "success"
    assert len(sent(emulator)) == before == 300


def test_volume_is_imported(
    emulator: CgcEmulator,
    connect: Callable[..., str],
    load_dags: Callable[[str], ModuleType],
    no_grace: None,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The objects below a prefix become files with its tree, and a second run imports nothing twice."""
    emulator.clock.speed = 20_000
    connect(emulator)
    module = load_dags("cgc_import_volume")
    conf = {"manifests": f"file://{tmp_path}"}

    runs = [module.cgc_import_volume().test(run_conf=conf) for _ in range(2)]

    assert [str(run.state) for run in runs] == ["success", "success"]
    assert capfd.readouterr().out.count("62 objects are files of the project, such as raw/") == 2
    prefix = "runs/2026-02-11_NovaSeqX/"
    with CgcClient(Settings(token=emulator.token, base_url=emulator.url)) as client:
        objects = {
            one.location: one for one in client.volumes.contents("demo-lab/archive", prefix=prefix, recursive=True)
        }
        files = {
            f"{one.path}/{one.file.name}": client.files.get(one.file.id)
            for one in client.files.tree("demo-lab/leftovers")
            if one.path.partition("/")[0] == "raw"
        }
        jobs = client.imports.list()
    assert set(files) == {f"raw/{location.removeprefix(prefix)}" for location in objects}
    assert len(files) == len(list(jobs)) == 62
    for path, file in files.items():
        location = prefix + path.removeprefix("raw/")
        assert (file.size, file.tags, file.location) == (objects[location].size, ("raw",), location)
        assert file.metadata == {"source_folder": location.split("/")[-2], "source_object": location}


@pytest.mark.parametrize("changed", [False, True], ids=["equal", "changed"])
def test_round_trip_is_compared(
    changed: bool,
    emulator: CgcEmulator,
    connect: Callable[..., str],
    load_dags: Callable[[str], ModuleType],
    no_grace: None,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The comparison is green if nothing is lost, and red if the metadata of one file is another."""
    emulator.clock.speed = 20_000
    connect(emulator)
    with CgcClient(Settings(token=emulator.token, base_url=emulator.url)) as client:
        of_one = {"id": emulator.file_ids[0], "metadata": {"note": "été 東京"}, "tags": ["a", "b"]}
        client.files.bulk_edit([of_one])
    module = load_dags("cgc_round_trip")
    if changed:
        read = module.read_items
        monkeypatch.setattr(module, "read_items", lambda value: read(value)[: 10 if "metadata" in str(value) else None])

    run = module.cgc_round_trip().test(run_conf={"manifests": f"file://{tmp_path}"})

    said = capfd.readouterr().out
    names = [name for name in emulator.file_names.values() if name.endswith(".vcf.gz")]
    assert str(run.state) == ("failed" if changed else "success")
    if changed:
        assert f"{len(names) - 10} files differ, such as WXS/" in said
    else:
        assert f"{len(names)} files have the same paths, sizes, metadata and tags." in said


def sent(emulator: CgcEmulator) -> list[dict[str, Any]]:
    """The items of all bulk creates."""
    creates = [request for request in emulator.requests if re.fullmatch("/v2/bulk/storage/.*/create", request.path)]
    return [item for request in creates for item in request.body["items"]]


def started(said: str) -> set[str]:
    """The job ids that the log tells as started."""
    return {job_id for ids in re.findall("started: (.*)", said) for job_id in re.findall(r"\b\w{32}\b", ids)}
