"""A move that waits for a second person: approved, rejected, not answered; on real Airflow, by its own means."""

from __future__ import annotations

import _thread
import importlib
import importlib.util
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from airflow import __version__
from sqlalchemy.orm import configure_mappers

from airflow_provider_cgc.client import CgcClient, Settings
from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.conftest import xcoms
from tests.airflow.test_example_dags import sent

VERSION = tuple(int(part) for part in __version__.split(".")[:2])
needs_approvals = pytest.mark.skipif(VERSION < (3, 1), reason="ApprovalOperator needs Airflow 3.1")
plays_approvals = pytest.mark.skipif(VERSION < (3, 3), reason="dag.test() before Airflow 3.3 serves no answers")
NAME = "cgc_approved_move"


class Somebody(threading.Thread):
    """
    A person who answers the request of a run as soon as there is one.

    :param answer: "Approve", "Reject", or "" to let the time for an answer pass.
    """

    def __init__(self, answer: str) -> None:
        super().__init__(daemon=True)
        self.answer = answer
        self.asked: dict[str, str] = {}
        self.gone = threading.Event()

    def run(self) -> None:
        try:
            self._answer_once()
        except BaseException:
            _thread.interrupt_main()  # `dag.test()` would wait for ever
            raise

    def _answer_once(self) -> None:
        from airflow.models.hitl import HITLDetail
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session
        from sqlalchemy import select

        while not self.gone.wait(0.3):
            with create_session() as session:
                query = select(HITLDetail).join(TaskInstance, TaskInstance.id == HITLDetail.ti_id)
                query = query.where(HITLDetail.responded_at.is_(None), TaskInstance.dag_id == NAME)
                query = query.where(TaskInstance.state == "awaiting_input")
                detail = session.scalars(query).first()
                if detail is None:
                    continue
                self.asked = {"subject": detail.subject, "body": detail.body or ""}
                if self.answer:
                    self._respond(detail, session)
                    return
                self._look_for_late_answers(session)

    def _look_for_late_answers(self, session: Any) -> None:
        """Do as Airflow's scheduler does now and then, which `dag.test()` has not."""
        from airflow.jobs.scheduler_job_runner import Job, SchedulerJobRunner

        SchedulerJobRunner(Job()).check_awaiting_input_timeouts(session=session)

    def _respond(self, detail: Any, session: Any) -> None:
        """Do as Airflow's API does with an answer."""
        from airflow.models.trigger import handle_event_submit
        from airflow.triggers.base import TriggerEvent

        detail.responded_at = datetime.now(UTC)
        detail.responded_by = {"id": "2", "name": "second"}
        detail.chosen_options = [self.answer]
        event = TriggerEvent(detail.as_resume_event_payload())
        handle_event_submit(event, task_instance=detail.task_instance, session=session)


@pytest.fixture
def play(
    emulator: CgcEmulator,
    connect: Callable[..., str],
    load_dags: Callable[[str], ModuleType],
    no_grace: None,
    tmp_path: Path,
) -> Callable[[str], tuple[dict[str, str], Somebody, Any]]:
    """Run the example with a person's answer; give the states of its tasks, the person, and the run."""

    def run(answer: str) -> tuple[dict[str, str], Somebody, Any]:
        emulator.clock.speed = 20_000
        connect(emulator)
        dag = getattr(load_dags(NAME), NAME)()
        # Here and not in the thread: two threads that import Airflow's models at once wait for each other, for ever.
        for name in ("models.hitl", "models.trigger", "models.taskinstance", "models.dagbag"):
            importlib.import_module(f"airflow.{name}")
        importlib.import_module("airflow.jobs.scheduler_job_runner")
        configure_mappers()
        if not answer:
            dag.get_task("approve").response_timeout = timedelta(seconds=2)
        somebody = Somebody(answer)
        somebody.start()
        try:
            run = dag.test(run_conf={"manifests": f"file://{tmp_path}"})
        finally:
            somebody.gone.set()
            somebody.join(10)
        return {ti.task_id: str(ti.state) for ti in run.get_task_instances()}, somebody, run

    return run


def lines_of(folder: Path, name: str) -> list[dict[str, Any]]:
    [path] = folder.rglob(name)
    return [json.loads(line) for line in path.read_text().splitlines()]


def aliases(emulator: CgcEmulator) -> int:
    """The number of files of the project that have been moved."""
    with CgcClient(Settings(token=emulator.token, base_url=emulator.url)) as client:
        ids = [item.file.id for item in client.files.tree("demo-lab/cptac3")]
        return sum(record.resource.is_alias for record in client.files.bulk_get(ids) if record.resource)


@plays_approvals
def test_approved_is_moved(play: Callable[..., Any], emulator: CgcEmulator, tmp_path: Path) -> None:
    states, somebody, run = play("Approve")

    assert states == dict.fromkeys(["list_files", "plan", "approve", "move"], "success")
    plan = xcoms(NAME, run.run_id)["plan", -1, "return_value"]
    assert somebody.asked["subject"] == "Move 300 files of demo-lab/cptac3 to demo-lab/results?"
    assert "- to be moved: 300 files of 3.1 TB (known sizes)\n" in somebody.asked["body"]
    assert f"Each file with its place is in {plan['manifest']}." in somebody.asked["body"]
    assert (plan["to_send"], plan["in_the_way"], plan["settled"]) == (300, 0, 0)
    planned = {(line["file"], line["location"]) for line in lines_of(tmp_path, "plan.jsonl")}
    assert planned == {(item["source"]["file"], item["destination"]["location"]) for item in sent(emulator)}
    assert {line["state"] for line in lines_of(tmp_path, "moved.jsonl")} == {"COMPLETED"}
    assert aliases(emulator) == len(sent(emulator)) == 300


@plays_approvals
@pytest.mark.parametrize(
    ("answer", "ends"),
    [
        ("Reject", {"approve": "success", "move": "skipped"}),
        ("", {"approve": "failed", "move": "upstream_failed"}),
    ],
    ids=["rejected", "not answered"],
)
def test_nothing_is_moved(play: Callable[..., Any], emulator: CgcEmulator, answer: str, ends: dict[str, str]) -> None:
    states, somebody, _ = play(answer)

    assert somebody.asked
    assert states == {"list_files": "success", "plan": "success", **ends}
    assert sent(emulator) == []
    assert aliases(emulator) == 0


@pytest.mark.skipif(VERSION >= (3, 1), reason="Airflow has approvals from 3.1 on")
def test_no_dag_below_31(load_dags: Callable[[str], ModuleType], caplog: pytest.LogCaptureFixture) -> None:
    """The file can be parsed, defines nothing, and says why."""
    module = load_dags(NAME)

    assert not hasattr(module, NAME)
    assert "ApprovalOperator needs Airflow 3.1" in caplog.text


@needs_approvals
def test_timeout_is_days(load_dags: Callable[[str], ModuleType]) -> None:
    """No answer is none: no default stands for it."""
    approve = getattr(load_dags(NAME), NAME)().get_task("approve")

    assert (approve.response_timeout, approve.defaults) == (timedelta(days=3), None)
    assert importlib.util.find_spec("airflow.providers.standard.operators.hitl")


@needs_approvals
def test_move_expects_the_plan(load_dags: Callable[[str], ModuleType]) -> None:
    """A plan that lost lines, or all of them, is not exported."""
    move = getattr(load_dags(NAME), NAME)().get_task("move")

    assert move.expected_count == "{{ ti.xcom_pull('plan')['lines'] }}"
    assert move.allow_empty
