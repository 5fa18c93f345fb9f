"""The events of an export's outlets, as Airflow stores them: on success only, with the facts of the summary."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from airflow import __version__
from airflow.providers.common.compat.sdk import Asset

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.conftest import load_dag_file

SOURCE = """
import json, os
from datetime import datetime
from airflow.providers.common.compat.sdk import Asset, AssetAlias
from airflow_provider_cgc.assets import asset_of
from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2.11
    from airflow.models.dag import DAG

how = {"volume": "demo-lab/results", "copy_only": True, "poke_interval": 1, "retries": 0}
files = json.loads(os.environ["ASSET_FILES"])
schedule, refs = None, {}
if hasattr(Asset, "ref"):  # Airflow 3
    # An asset is known to Airflow once a Dag names it other than by a reference.
    schedule = [asset_of("demo-lab/results", "by_uri"), asset_of("demo-lab/results", "by_name", name="exports by name")]
    refs = {
        "by_uri": Asset.ref(uri=schedule[0].uri),
        "by_name": Asset.ref(name="exports by name"),
        "to_nobody": Asset.ref(name="an asset that nobody has defined"),
    }
with DAG("announcing", schedule=schedule, start_date=datetime(2026, 1, 1)) as dag:
    for name, ref in refs.items():
        CgcBulkExportOperator(
            task_id=name, items=files[name], location=name + "/{id}/{name}", cgc_conn_id=f"cgc_{name}",
            outlets=[ref], **how,
        )
    for name, arguments in json.loads(os.environ["ASSET_CASES"]).items():
        CgcBulkExportOperator(
            task_id=name, items=files[name], location=name + "/{id}/{name}", cgc_conn_id=f"cgc_{name}",
            outlets=[asset_of("demo-lab/results", name)], **how, **arguments,
        )
    CgcBulkExportOperator(
        task_id="by_alias", items=files["by_alias"], location="by_alias/{id}/{name}", cgc_conn_id="cgc_by_alias",
        outlets=[AssetAlias("cgc-exports")], **how,
    )
    started = CgcBulkExportOperator(
        task_id="started", items=files["started"], location="started/{id}", cgc_conn_id="cgc_started", wait=False, **how
    )
    started >> CgcBulkExportSensor(
        task_id="waited", export_ids=started.output, cgc_conn_id="cgc_started", poke_interval=1,
        outlets=[asset_of("demo-lab/results", "waited")],
    )
"""
CASES: dict[str, dict[str, Any]] = {
    "poked": {"mode": "poke"},
    "deferred": {"deferrable": True},
    "tolerated": {"max_failures": 1},
    "failing": {},
    "skipping": {"soft_fail": True},
}
REFERENCES = ("by_uri", "by_name", "to_nobody")
ONE_FAILS = ("tolerated", "failing", "skipping")
BASE = "cgc://demo-lab/results"


@pytest.fixture(scope="module")
def events(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Run all tasks, and give the extra of each stored event by its asset's address."""
    request.getfixturevalue("database")
    folder = tmp_path_factory.mktemp("assets")
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        files = {}
        for name in (*CASES, *REFERENCES, "by_alias", "started"):
            emulator = stack.enter_context(CgcEmulator(speed=600))
            patch.setenv(f"AIRFLOW_CONN_CGC_{name.upper()}", emulator.airflow_conn)
            files[name] = emulator.file_ids[:3]
            if name in ONE_FAILS:
                emulator.fail_files(emulator.file_names[emulator.file_ids[1]], code=9206)
        cases = CASES | {"poked": CASES["poked"] | {"manifest_path": f"file://{folder}/poked.jsonl"}}
        patch.setenv("ASSET_FILES", json.dumps(files))
        patch.setenv("ASSET_CASES", json.dumps(cases))
        from airflow_provider_cgc.sensors.base import CgcJobsSensor

        patch.setattr(CgcJobsSensor, "event_grace", 0.0)
        dag = load_dag_file("announcing", SOURCE).dag
        store_assets(dag)
        run = dag.test()
        yield {"folder": str(folder), "run": run, **stored_events()}


def store_assets(dag: Any) -> None:
    """Store the assets of a Dag as a scheduler does, where `dag.test()` does not."""
    if hasattr(dag, "sync_to_db"):  # Airflow 2.11
        dag.sync_to_db()
    elif __version__.startswith("3.0."):  # where a task refuses to run with an outlet that is unknown
        from airflow.dag_processing.bundles.manager import DagBundlesManager
        from airflow.models.dagbag import DagBag

        DagBundlesManager().sync_bundles_to_db()
        DagBag(dag.fileloc, include_examples=False).sync_to_db("dags-folder", None)


def stored_events() -> dict[str, dict[str, Any]]:
    from airflow.utils.session import create_session

    try:
        from airflow.models.asset import AssetEvent, AssetModel

        key = AssetEvent.asset_id
    except ImportError:  # Airflow 2.11
        from airflow.models.dataset import DatasetEvent as AssetEvent
        from airflow.models.dataset import DatasetModel as AssetModel

        key = AssetEvent.dataset_id
    with create_session() as session:
        rows = session.query(AssetModel.uri, AssetEvent.extra).join(AssetEvent, key == AssetModel.id).all()
        return {uri: extra for uri, extra in rows if uri.startswith(BASE)}


@pytest.mark.parametrize("name", ["poked", "deferred"])
def test_event_has_the_exports(events: dict[str, Any], name: str) -> None:
    extra = events[f"{BASE}/{name}"]

    assert {key: extra[key] for key in ("total", "completed", "skipped", "failed")} == {
        "total": 3,
        "completed": 3,
        "skipped": 0,
        "failed": 0,
    }
    assert extra["bytes"] > 0


def test_event_has_the_manifest(events: dict[str, Any]) -> None:
    assert events[f"{BASE}/poked"]["manifest"] == f"file://{events['folder']}/poked.jsonl"


def test_event_has_the_failures(events: dict[str, Any]) -> None:
    """An event does not hide what was tolerated."""
    assert events[f"{BASE}/tolerated"]["failed"] == 1


def test_alias_gets_the_folder(events: dict[str, Any]) -> None:
    """An alias gets the asset of the folder that was written."""
    assert events[f"{BASE}/by_alias"]["completed"] == 3


@pytest.mark.skipif(not hasattr(Asset, "ref"), reason="Airflow 2.11 has no references to assets")
@pytest.mark.parametrize("name", ["by_uri", "by_name"])
def test_reference_tells_as_much(events: dict[str, Any], name: str) -> None:
    """A reference tells as much as its asset."""
    assert events[f"{BASE}/{name}"]["completed"] == 3


@pytest.mark.skipif(not hasattr(Asset, "ref"), reason="Airflow 2.11 has no references to assets")
def test_reference_to_nobody(events: dict[str, Any]) -> None:
    """A reference to nobody fails no export."""
    assert str(events["run"].get_task_instance("to_nobody").state) == "success"


def test_sensor_announces(events: dict[str, Any]) -> None:
    """The sensor that waits announces for the operator that does not."""
    assert events[f"{BASE}/waited"]["completed"] == 3


@pytest.mark.parametrize(("name", "state"), [("failing", "failed"), ("skipping", "skipped")])
def test_failure_announces_none(events: dict[str, Any], name: str, state: str) -> None:
    assert str(events["run"].get_task_instance(name).state) == state
    assert f"{BASE}/{name}" not in events
