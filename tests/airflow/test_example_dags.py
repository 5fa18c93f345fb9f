"""Each example Dag does what it tells, on real Airflow over real HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.conftest import xcoms
from tests.conftest import ROOT

STATES = {
    "cgc_wait_for_exports": "success",
    "cgc_wait_for_mapped_exports": "success",
    "cgc_failed_export": "failed",
    "cgc_wait_for_imports": "success",
}
JOBS = {
    "cgc_wait_for_exports": 300,
    "cgc_wait_for_mapped_exports": 300,
    "cgc_failed_export": 1,
    "cgc_wait_for_imports": 48,
}


def test_every_example_is_run_here() -> None:
    assert {path.stem for path in (ROOT / "example_dags").glob("*.py")} == set(STATES)


@pytest.mark.parametrize("name", STATES)
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

    run = getattr(module, name)().test()

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


def sent(emulator: CgcEmulator) -> list[dict[str, Any]]:
    """The items of all bulk creates."""
    creates = [request for request in emulator.requests if re.fullmatch("/v2/bulk/storage/.*/create", request.path)]
    return [item for request in creates for item in request.body["items"]]


def started(said: str) -> set[str]:
    """The job ids that the log tells as started."""
    return {job_id for ids in re.findall("started: (.*)", said) for job_id in re.findall(r"\b\w{32}\b", ids)}
