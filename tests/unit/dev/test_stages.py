"""Stages run side by side, and the first that fails ends the others."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from airflow_provider_cgc import __version__
from dev import stages
from dev.stages import Passed, Run, Stage, StageError
from tests.conftest import ROOT

MAKEFILE = """
good:
\t@echo "12 tests"; echo "==== 12 passed, 1 skipped in 0.50s ===="; echo "and more"
twice:
\t@echo "=== 2 passed in 1.0s ==="; echo "=== 3 passed in 1.0s ==="
program:
\t@echo "all is $(HOW)"
bad:
\t@while test ! -e begun; do sleep 0.05; done; for number in $$(seq 100); do echo "line $$number"; done; exit 3
late:
\t@while test ! -e begun; do sleep 0.05; done; echo "1 passed in 0.1s"
endless:
\t@touch begun; exec sleep 60
after_it:
\t@touch after
"""


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    (tmp_path / "Makefile").write_text(MAKEFILE)
    (tmp_path / ".stages").mkdir()
    monkeypatch.setattr(stages, "ROOT", tmp_path)
    monkeypatch.setattr(stages, "OUTPUTS", tmp_path / ".stages")
    return tmp_path


def said(*targets: str, **variables: str) -> list[str]:
    run = Run()
    run.part([[Stage(target, tuple(f"{name}={value}" for name, value in variables.items())) for target in targets]])
    return [passed.said for passed in run.passed]


def test_stage_tells_its_tests() -> None:
    """A stage tells what its tests said or its last line."""
    assert said("good", "twice", "program", HOW="well") == [
        "12 passed, 1 skipped in 0.50s",
        "2 passed in 1.0s; 3 passed in 1.0s",
        "all is well",
    ]


def test_failure_ends_the_others(root: Path) -> None:
    """A failure shows the last lines and ends the others."""
    began = time.monotonic()

    with pytest.raises(StageError) as failure:
        Run().part([[Stage("endless"), Stage("after_it")], [Stage("good"), Stage("bad"), Stage("after_it")]])

    assert time.monotonic() - began < 30
    assert not (root / "after").exists()
    shown = str(failure.value).splitlines()
    assert shown[-1].startswith("=== make bad: failed with code 2 after 0:0")
    assert shown[-1].endswith("full output: .stages/bad.log")
    assert "line 100" in shown
    assert "line 40" not in shown


def test_no_failure_no_success(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    """A stage that did not fail has not succeeded either if it was stopped."""

    def full(lines: object) -> str:
        raise OSError("no space left on device")

    monkeypatch.setattr(stages, "_summary", full)

    with pytest.raises(OSError, match="no space left"):
        Run().part([[Stage("late"), Stage("after_it")], [Stage("endless")]])

    assert not (root / "after").exists()


def test_interruption_ends_all(root: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from dev import stages\n"
        f"stages.ROOT, stages.OUTPUTS = Path({str(root)!r}), Path({str(root)!r}) / '.stages'\n"
        "stages.PLANS['ci'] = [[[stages.Stage('endless'), stages.Stage('after_it')]]]\n"
        "sys.exit(stages.main(['ci']))"
    )
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    while not (root / "begun").exists():
        time.sleep(0.05)
    [make] = psutil.Process(process.pid).children()

    process.terminate()

    assert process.wait(30) == 130
    assert not make.is_running()
    assert not (root / "after").exists()


def test_lane_waits_for_its_own(root: Path) -> None:
    run = Run()

    run.part([[Stage("good"), Stage("after_it")], [Stage("program", ("HOW=well",))]])

    assert {passed.stage.target for passed in run.passed} == {"good", "after_it", "program"}
    assert (root / "after").exists()


def test_page_has_all_stages() -> None:
    passed = [
        Passed(Stage("test-all"), 119.6, 200.0, "9 passed in 2s"),
        Passed(Stage("system", ("ARGS=--whole -q",)), 61, 5, "ok"),
    ]

    page = list(stages.page(passed, 181.0))

    assert page[3].startswith(f"airflow-provider-cgc {__version__}, Airflow ")
    assert "3:01 minutes in all." in page[4]
    assert page[-2:] == [
        "| `make test-all` | 2:00 | 3:20 | 9 passed in 2s |",
        '| `make system ARGS="--whole -q"` | 1:01 | 0:05 | ok |',
    ]


@pytest.mark.parametrize("plan", stages.PLANS)
def test_outputs_do_not_meet(plan: str) -> None:
    """No plan has two stages whose outputs go into one file, and each is a target of the Makefile."""
    outputs = [stage.output.name for lanes in stages.PLANS[plan] for lane in lanes for stage in lane]
    makefile = (ROOT / "Makefile").read_text()

    assert len(outputs) == len(set(outputs))
    assert all(f"\n{name.removesuffix('.log')}:" in makefile for name in outputs)


def test_unknown_plan_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert stages.main(["everything"]) == 2
    assert capsys.readouterr().err == "no such plan: everything; there are ci, all\n"
