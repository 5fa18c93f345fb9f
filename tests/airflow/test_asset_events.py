"""The events of outlets, as Airflow stores them: on success only, with the facts of the summary.

Where a run has a partition key (Airflow 3.2+), the one of the tests has one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from airflow import __version__
from airflow.providers.common.compat.sdk import Asset

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.conftest import load_dag_file

SOURCE = """
import json, os
from datetime import datetime
from airflow.providers.common.compat.sdk import Asset, AssetAlias
from airflow_provider_cgc.assets import asset_of, asset_of_project
from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.imports import CgcBulkImportOperator
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
try:
    from airflow.sdk.execution_time.context import OutletEventAccessor
except ImportError:  # Airflow 2.11
    OutletEventAccessor = None
try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2.11
    from airflow.models.dag import DAG

hosts = json.loads(os.environ["ASSET_HOSTS"])


def place(folder, **how):
    return asset_of("demo-lab/results", folder, platform=hosts[folder], **how)


how = {"volume": "demo-lab/results", "copy_only": True, "poke_interval": 1, "retries": 0}
files = json.loads(os.environ["ASSET_FILES"])
schedule, refs = None, {}
if hasattr(Asset, "ref"):  # Airflow 3
    # An asset is known to Airflow once a Dag names it other than by a reference.
    schedule = [place("by_uri"), place("by_name", name="exports by name")]
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
            outlets=[place(name)], **how, **arguments,
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
        outlets=[place("waited")],
    )
    CgcBulkExportOperator(
        task_id="elsewhere", items=files["elsewhere"], location="elsewhere/{id}/{name}", cgc_conn_id="cgc_elsewhere",
        outlets=[asset_of("demo-lab/results", "elsewhere")], **how,
    )
    imports = {
        "imported": {"outlets": [asset_of_project("demo-lab/leftovers", "imported", platform=hosts["imported"])]},
        "imported_by_alias": {"outlets": [AssetAlias("cgc-imports")], "deferrable": True},
    }
    for name, arguments in imports.items():
        CgcBulkImportOperator(
            task_id=name, items=["in/a.bam", "in/b.bam"], volume="demo-lab/archive", project="demo-lab/leftovers",
            name=name + "/{path}/{name}", poke_interval=1, retries=0, cgc_conn_id=f"cgc_{name}", **arguments,
        )
    for name, arguments in {"own_keys": {"mode": "poke"}, "own_keys_deferred": {"deferrable": True}}.items():
        if not hasattr(OutletEventAccessor, "add_partitions"):
            continue
        asset = place(name)
        CgcBulkExportOperator(
            task_id=name, items=files[name], location=name + "/{{ dag_run.partition_key }}/{id}",
            cgc_conn_id=f"cgc_{name}", outlets=[asset], **how, **arguments,
            post_execute=lambda context, result, to=asset: context["outlet_events"][to].add_partitions(["a", "b"]),
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
IMPORTS = ("imported", "imported_by_alias")
OTHERS = ("by_alias", "started", "elsewhere", "own_keys", "own_keys_deferred", *IMPORTS)
KEY = "2026-01"


class Kept(logging.Handler):
    """The lines of a logger."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture(scope="module")
def events(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Run all tasks, and give the extra of each stored event by its asset's address."""
    request.getfixturevalue("database")
    folder = tmp_path_factory.mktemp("assets")
    log, kept = logging.getLogger("airflow_provider_cgc.assets"), Kept()
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        files, hosts = {}, {}
        for name in (*CASES, *REFERENCES, *OTHERS):
            emulator = stack.enter_context(CgcEmulator(speed=600))
            patch.setenv(f"AIRFLOW_CONN_CGC_{name.upper()}", emulator.airflow_conn)
            files[name] = emulator.file_ids[:3]
            emulator.put_objects(["in/a.bam", "in/b.bam"], volume="demo-lab/archive", size=10)
            hosts[name] = urlsplit(emulator.url).netloc
            if name in ONE_FAILS:
                emulator.fail_files(emulator.file_names[emulator.file_ids[1]], code=9206)
        hosts["waited"] = hosts["started"]
        cases = CASES | {"poked": CASES["poked"] | {"manifest_path": f"file://{folder}/poked.jsonl"}}
        patch.setenv("ASSET_FILES", json.dumps(files))
        patch.setenv("ASSET_HOSTS", json.dumps(hosts))
        patch.setenv("ASSET_CASES", json.dumps(cases))
        from airflow_provider_cgc.sensors.base import CgcJobsSensor

        patch.setattr(CgcJobsSensor, "event_grace", 0.0)
        give_runs_a_key(patch)
        log.addHandler(kept)
        stack.callback(log.removeHandler, kept)
        dag = load_dag_file("announcing", SOURCE).dag
        store_assets(dag)
        run = dag.test()
        yield {"folder": str(folder), "run": run, "hosts": hosts, "log": kept.lines, **stored_events()}


def has_keys() -> bool:
    """Tell if a run may have a partition key (Airflow 3.2+)."""
    from airflow.models.dagrun import DagRun

    return hasattr(DagRun, "partition_key")


def has_own_keys() -> bool:
    """Tell if a task may give partition keys to its events (Airflow 3.3+)."""
    try:
        from airflow.sdk.execution_time.context import OutletEventAccessor
    except ImportError:  # Airflow 2.11
        return False
    return hasattr(OutletEventAccessor, "add_partitions")


def give_runs_a_key(patch: pytest.MonkeyPatch) -> None:
    """Give the runs of `dag.test()` the partition key that a scheduler or a user gives to a run."""
    if not has_keys():
        return
    from airflow.models import dagrun

    make = dagrun.get_or_create_dagrun

    def make_with_key(*, session: Any, **arguments: Any) -> Any:
        run = make(session=session, **arguments)
        run.partition_key = KEY
        session.commit()
        return run

    patch.setattr(dagrun, "get_or_create_dagrun", make_with_key)


def place(events: dict[str, Any], name: str) -> str:
    """Give the address of a case's asset."""
    return f"cgc://{events['hosts'][name]}/demo-lab/results/{name}"


def store_assets(dag: Any) -> None:
    """Store the assets of a Dag as a scheduler does, where `dag.test()` does not."""
    if hasattr(dag, "sync_to_db"):  # Airflow 2.11
        dag.sync_to_db()
    elif __version__.startswith("3.0."):  # where a task refuses to run with an outlet that is unknown
        from airflow.dag_processing.bundles.manager import DagBundlesManager
        from airflow.models.dagbag import DagBag

        DagBundlesManager().sync_bundles_to_db()
        DagBag(dag.fileloc, include_examples=False).sync_to_db("dags-folder", None)


def stored_events() -> dict[str, Any]:
    """Give the extra of each asset's last event by its address, and the partition keys of all its events in `keys`."""
    from airflow.utils.session import create_session

    try:
        from airflow.models.asset import AssetEvent, AssetModel

        key = AssetEvent.asset_id
    except ImportError:  # Airflow 2.11
        from airflow.models.dataset import DatasetEvent as AssetEvent
        from airflow.models.dataset import DatasetModel as AssetModel

        key = AssetEvent.dataset_id
    found: dict[str, Any] = {"keys": {}}
    with create_session() as session:
        for uri, event in session.query(AssetModel.uri, AssetEvent).join(AssetEvent, key == AssetModel.id):
            found[uri] = event.extra
            found["keys"].setdefault(uri, set()).add(getattr(event, "partition_key", None))
    return found


@pytest.mark.parametrize("name", ["poked", "deferred"])
def test_event_has_the_exports(events: dict[str, Any], name: str) -> None:
    extra = events[place(events, name)]

    assert {key: extra[key] for key in ("total", "completed", "skipped", "failed")} == {
        "total": 3,
        "completed": 3,
        "skipped": 0,
        "failed": 0,
    }
    assert extra["bytes"] > 0


@pytest.mark.parametrize("name", IMPORTS)
def test_event_has_the_imports(events: dict[str, Any], name: str) -> None:
    """An import announces its project's folder, also by an alias, and no volume of the project's name."""
    extra = events[f"cgc-project://{events['hosts'][name]}/demo-lab/leftovers/{name}"]

    assert (extra["completed"], extra["bytes"]) == (2, 20)
    assert f"cgc://{events['hosts'][name]}/demo-lab/leftovers/{name}" not in events


def test_event_has_the_manifest(events: dict[str, Any]) -> None:
    assert events[place(events, "poked")]["manifest"] == f"file://{events['folder']}/poked.jsonl"


def test_event_has_the_failures(events: dict[str, Any]) -> None:
    """An event does not hide what was tolerated."""
    assert events[place(events, "tolerated")]["failed"] == 1


def test_alias_gets_the_folder(events: dict[str, Any]) -> None:
    """An alias gets the asset of the folder that was written."""
    assert events[place(events, "by_alias")]["completed"] == 3


@pytest.mark.skipif(not hasattr(Asset, "ref"), reason="Airflow 2.11 has no references to assets")
@pytest.mark.parametrize("name", ["by_uri", "by_name"])
def test_reference_tells_as_much(events: dict[str, Any], name: str) -> None:
    """A reference tells as much as its asset."""
    assert events[place(events, name)]["completed"] == 3


@pytest.mark.skipif(not hasattr(Asset, "ref"), reason="Airflow 2.11 has no references to assets")
def test_reference_to_nobody(events: dict[str, Any]) -> None:
    """A reference to nobody fails no export."""
    assert str(events["run"].get_task_instance("to_nobody").state) == "success"


def test_sensor_announces(events: dict[str, Any]) -> None:
    """The sensor that waits announces for the operator that does not."""
    assert events[place(events, "waited")]["completed"] == 3


@pytest.mark.parametrize(("name", "state"), [("failing", "failed"), ("skipping", "skipped")])
def test_failure_announces_none(events: dict[str, Any], name: str, state: str) -> None:
    assert str(events["run"].get_task_instance(name).state) == state
    assert place(events, name) not in events


def test_other_platform_is_told(events: dict[str, Any]) -> None:
    """An outlet on another platform than the connection's has its event, and the log says so once."""
    [line] = [line for line in events["log"] if "/demo-lab/results/elsewhere" in line]

    assert f"asset_of(..., platform='{events['hosts']['elsewhere']}')" in line
    assert len([line for line in events["log"] if "on platform" in line]) == 1
    assert events["cgc://cgc-api.sbgenomics.com/demo-lab/results/elsewhere"]["completed"] == 3


@pytest.mark.skipif(not has_keys(), reason="a run of this Airflow has no partition key")
@pytest.mark.parametrize("name", ["poked", "deferred", "by_alias", "by_uri", "by_name", "waited"])
def test_event_has_the_runs_key(events: dict[str, Any], name: str) -> None:
    assert events["keys"][place(events, name)] == {KEY}


@pytest.mark.skipif(not has_own_keys(), reason="a task of this Airflow gives no partition keys")
@pytest.mark.parametrize("name", ["own_keys", "own_keys_deferred"])
def test_event_has_own_keys(events: dict[str, Any], name: str) -> None:
    """A task that gives its own keys has an event with the facts for each."""
    assert events["keys"][place(events, name)] == {"a", "b"}
    assert events[place(events, name)]["completed"] == 3
