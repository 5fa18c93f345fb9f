"""Each example Dag does what it tells, on real Airflow over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.conftest import xcoms
from tests.conftest import ROOT

STATES = {
    "cgc_wait_for_exports": "success",
    "cgc_wait_for_mapped_exports": "success",
    "cgc_failed_export": "failed",
}
FILES = {"cgc_wait_for_exports": 300, "cgc_wait_for_mapped_exports": 300, "cgc_failed_export": 1}


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
    assert sum(summary["total"] for summary in summaries) == FILES[name]
    if name == "cgc_failed_export":
        assert summaries[0]["failed_items"][0]["code"] == 9109
        said = capfd.readouterr().out.split("Message to the lab about wait_for_exports:")[1]
        assert "Of 1 export, 1 FAILED." in said
        assert "C3L-00004_wgs_gdc_realn.bam" in said
