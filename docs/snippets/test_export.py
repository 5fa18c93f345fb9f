"""Tests of a whole Dag, in Airflow's `dag.test()`, against the emulator."""

# [START dag_test]
import pytest
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.hooks.cgc import CgcHook
from cgc_export_project import cgc_export_project  # your Dag, in the Dags folder


@pytest.fixture
def emulator(monkeypatch):
    with CgcEmulator(files=50, speed=60) as emulator:  # an hour there is a minute here
        monkeypatch.setenv("AIRFLOW_CONN_CGC_DEFAULT", emulator.airflow_conn)
        yield emulator


def states(run):
    return {ti.task_id: str(ti.state) for ti in run.get_task_instances()}


def test_every_file_arrives(emulator):
    run = cgc_export_project().test(run_conf={"project": "demo-lab/cptac3", "volume": "demo-lab/results"})

    assert states(run) == {"list_files": "success", "export": "success"}
    jobs = CgcHook("cgc_default").get_conn().exports.list(volume="demo-lab/results")
    assert sum(job.completed for job in jobs) == 50


def test_a_file_that_cannot_be_read_fails_the_export(emulator):
    emulator.fail_files(emulator.file_names[emulator.file_ids[0]], code=9109)

    run = cgc_export_project().test()

    assert states(run) == {"list_files": "success", "export": "failed"}


# [END dag_test]
