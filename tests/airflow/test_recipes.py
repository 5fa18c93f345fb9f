"""The snippets of the documentation do what they say, run as they stand there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.conftest import load_dag_file, xcoms
from tests.conftest import DAGS, ROOT

SNIPPETS = ROOT / "docs" / "snippets"


@pytest.fixture
def run_sdk_recipe(
    database: None,
    emulator: CgcEmulator,
    connect: Callable[..., str],
    no_grace: None,
) -> Callable[[list[str]], Any]:
    """Run the recipe for some files."""

    def run(files: list[str]) -> Any:
        emulator.clock.speed = 20_000
        connect(emulator)
        source = (SNIPPETS / "export_with_sdk.py").read_text()
        return load_dag_file("export_with_sdk", source).export_with_sdk().test(run_conf={"files": files})

    return run


def test_sensor_waits_for_sdk(run_sdk_recipe: Callable[[list[str]], Any], emulator: CgcEmulator) -> None:
    run = run_sdk_recipe(emulator.file_ids[:120])

    assert str(run.state) == "success"
    assert xcoms("export_with_sdk", run.run_id)["wait_for_exports", -1, "cgc_summary"]["completed"] == 120


def test_refused_fails_starter(
    run_sdk_recipe: Callable[[list[str]], Any], emulator: CgcEmulator, capfd: pytest.CaptureFixture[str]
) -> None:
    """An item that is refused at submit fails the starter, whose log has the started jobs."""
    run = run_sdk_recipe([*emulator.file_ids[:2], emulator.alias_id])

    assert {ti.task_id: str(ti.state) for ti in run.get_task_instances()} == {
        "start_exports": "failed",
        "wait_for_exports": "upstream_failed",
    }
    with emulator.world.open() as world:
        assert f"started: {' '.join(world.exports)}" in capfd.readouterr().out


def test_emulator_recipe_runs() -> None:
    names: dict[str, Any] = {}

    exec((SNIPPETS / "emulate.py").read_text(), names)  # our own

    assert len(names["job_ids"]) == 10


def test_dag_test_recipe_runs(database: None, no_grace: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In this process, with a faster clock, a shorter interval and no grace: a user's own takes a minute."""
    example = (ROOT / "example_dags" / "cgc_export_project.py").read_text()
    faster = example.replace("poke_interval=30", "poke_interval=0.3")
    assert faster != example
    load_dag_file("cgc_export_project", faster)
    monkeypatch.delitem(sys.modules, "cgc_export_project")
    monkeypatch.syspath_prepend(str(DAGS))
    test = tmp_path / "test_export.py"
    test.write_text((SNIPPETS / "test_export.py").read_text().replace("speed=60", "speed=3600"))
    passed = Passed()

    code = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(test)], plugins=[passed])

    assert (code, passed.tests) == (0, ["test_every_file_arrives", "test_a_file_that_cannot_be_read_fails_the_export"])


class Passed:
    """The names of the tests that have passed."""

    def __init__(self) -> None:
        self.tests: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self.tests.append(report.location[2])


def test_hook_recipe_runs(
    emulator: CgcEmulator, connect: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    connect(emulator)

    exec((SNIPPETS / "hook.py").read_text(), {})  # our own

    assert capsys.readouterr().out.count(" PENDING ") == 3
