"""The datasets of a task: named as others name them, few whatever the task, and known to the process that ends."""

from __future__ import annotations

import json
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from airflow_provider_cgc import lineage
from airflow_provider_cgc.asset_uris import PROJECT, VOLUME, namespace, to_openlineage
from airflow_provider_cgc.assets import destination_of
from airflow_provider_cgc.client.models import File, Volume
from airflow_provider_cgc.jobs.datasets import MOST, Moved, Namespaces
from airflow_provider_cgc.jobs.exports.datasets import datasets_of
from airflow_provider_cgc.jobs.exports.facts import Facts
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.imports.datasets import datasets_of as datasets_of_imports
from airflow_provider_cgc.jobs.imports.item import ImportKey
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.waiting.summary import Summary
from airflow_provider_cgc.lineage import KEY, TransferLineage
from tests.fakes.store import Store
from tests.fakes.task_instance import TaskInstance

HOST = "cgc-api.sbgenomics.com"
HERE, PROJECTS = f"cgc://{HOST}", f"cgc-project://{HOST}"
S3 = Volume("lab/bucket", service_type="s3", bucket="lab-bucket", prefix="cgc/")
GOOGLE = Volume("lab/google", service_type="gcs", bucket="lab-google")
AZURE = Volume("lab/azure", service_type="azure", bucket="container")


def facts(*volumes: Volume, files: int = 1, projects: int = 1) -> Facts:
    known = {f"f{n}": File(f"f{n}", name=f"{n}.bam", project=f"lab/p{n % projects}") for n in range(files)}
    return Facts(known, {}, {volume.id: volume for volume in volumes}, {}, {})


def item(number: int = 0, *, volume: str = "lab/bucket", location: str = "out/a/0.bam", **fields: Any) -> ExportItem:
    return ExportItem(f"f{number}", location, volume, **fields)


def moved(items: Any, known: Facts, host: str = HOST) -> Moved:
    return datasets_of(items, known, here=Namespaces(namespace(host, VOLUME), namespace(host, PROJECT)))


def imported(*keys: ImportKey, volumes: Any = (S3,), host: str = HOST, **projects: str) -> Moved:
    known = {volume.id: volume for volume in volumes}
    here = Namespaces(namespace(host, VOLUME), namespace(host, PROJECT))
    return datasets_of_imports(keys, volumes=known, projects={"lab/p0": "lab/p0", **projects}, here=here)


def an_import(name: str = "raw/0.bam", *, to: str = "lab/p0", volume: str = "lab/bucket", **of: str) -> ImportKey:
    return ImportKey(volume, of.get("location", "in/a/0.bam"), to, name)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (item(path="raw/2026"), "lab/p0/raw/2026/0.bam"),
        (item(path=""), "lab/p0/0.bam"),
        (item(path=None), "lab/p0/f0"),
        (item(path="raw", name="own.bam", project="lab/other"), "lab/other/raw/own.bam"),
    ],
)
def test_file_has_path_or_id(given: ExportItem, name: str) -> None:
    assert moved([given], facts(S3)).inputs == ((PROJECTS, name),)


@pytest.mark.parametrize(
    ("volume", "location", "name"),
    [
        (S3, "out/a/0.bam", ("s3://lab-bucket", "cgc/out/a")),
        (S3, "0.bam", ("s3://lab-bucket", "cgc")),
        (GOOGLE, "out/0.bam", ("gs://lab-google", "out")),
        (GOOGLE, "0.bam", ("gs://lab-google", "/")),
        (AZURE, "out/0.bam", (HERE, "lab/azure/out")),
        (Volume("lab/dark"), "out/0.bam", (HERE, "lab/dark/out")),
    ],
)
def test_output_has_its_bucket(volume: Volume, location: str, name: tuple[str, str]) -> None:
    """An export's output is named by bucket and folder, an import's input by bucket and key."""
    objects = imported(an_import(volume=volume.id, location=location), volumes=[volume])
    key = "/".join(part for part in (name[1].strip("/"), location.rpartition("/")[2]) if part)

    assert moved([item(volume=volume.id, location=location)], facts(volume)).outputs == (name,)
    assert objects.inputs == ((name[0], key),)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (an_import(), "lab/p0/raw/0.bam"),
        (an_import("0.bam"), "lab/p0/0.bam"),
        (an_import("x/0.bam", to="5f0a"), "lab/p9/5f0a/x/0.bam"),
        (an_import("0.bam", to="lab/other"), "lab/other/0.bam"),
    ],
)
def test_imported_file_has_its_path(key: ImportKey, name: str) -> None:
    """A file is named by project and path; below a folder that was given by its id, by that."""
    assert imported(key, **{"5f0a": "lab/p9"}).outputs == ((PROJECTS, name),)


def test_import_feeds_the_next_export() -> None:
    """The file that an import makes is the dataset that an export reads."""
    made = imported(an_import("raw/0.bam"))

    assert made.outputs == moved([item(path="raw", name="0.bam", project="lab/p0")], facts(S3)).inputs


def test_project_is_no_volume() -> None:
    """A project and a volume of one name are different datasets."""
    known = imported(an_import("out/0.bam", volume="lab/p0", location="out/0.bam"), volumes=[Volume("lab/p0")])

    assert known.inputs == ((HERE, "lab/p0/out/0.bam"),)
    assert known.outputs == ((PROJECTS, "lab/p0/out/0.bam"),)


def test_one_folder_is_one_output() -> None:
    items = [item(number, path="raw", location=f"out/{number}.bam") for number in range(MOST)]

    known = moved(items, facts(S3, files=MOST))

    assert len(known.inputs) == MOST
    assert known.outputs == (("s3://lab-bucket", "cgc/out"),)


@pytest.mark.parametrize(
    ("folders", "inputs"), [(7, 7), (10_000, 3)], ids=["few folders are named", "many give way to projects"]
)
def test_many_files_few_datasets(folders: int, inputs: int) -> None:
    items = [
        item(n, path=f"raw/{n % folders}", project=f"lab/p{n % folders % 3}", location=f"out/{n}/{n}.bam")
        for n in range(10_000)
    ]

    known = moved(items, facts(S3))

    assert len(known.inputs) == inputs
    assert known.outputs == (("s3://lab-bucket", "cgc"),)


@pytest.mark.parametrize(("folders", "inputs", "outputs"), [(7, 7, 7), (10_000, 1, 3)])
def test_many_objects_few_datasets(folders: int, inputs: int, outputs: int) -> None:
    """Many objects give way to their folders, and these to volumes and projects."""
    keys = [
        an_import(f"{n % folders}/{n}", to=f"lab/p{n % folders % 3}", location=f"in/{n % folders}/{n}")
        for n in range(10_000)
    ]

    known = imported(*keys)

    assert (len(known.inputs), len(known.outputs)) == (inputs, outputs)


def test_memory_is_small() -> None:
    """The memory between two processes is small whatever the names."""
    items = [item(n, path="x" * 3000, project=f"lab/p{n}", location=f"{'y' * 900}{n}/a") for n in range(90)]
    more = [item(n, project=f"lab/p{n}", location="a") for n in range(5000)]

    for many in (items, more):
        known = moved(many, facts(S3))
        assert len(json.dumps(known.to_json())) < 32_768
        assert len(known.inputs) <= MOST
        assert known.inputs


class Task(TransferLineage):
    pass


def attempt(*items: ExportItem) -> Any:
    """Give an attempt as far as its datasets are asked for."""
    client = SimpleNamespace(settings=SimpleNamespace(host=HOST))
    order = SimpleNamespace(client=client, datasets=lambda here: datasets_of(items, facts(S3), here=here))
    return SimpleNamespace(order=order)


class Context(dict[str, Any]):
    """A task's context, with its XComs or Airflow's store."""

    def __init__(self, *, with_store: bool) -> None:
        self.pushed = Store()
        super().__init__(ti=TaskInstance("export", xcoms=self.pushed))
        if with_store:
            self["task_state_store"] = self.pushed


DONE = Summary(EXPORT, total=1, completed=1)
NOTHING = Summary(EXPORT, total=1)


@pytest.fixture
def openlineage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow's OpenLineage provider, as far as an operator meets it."""
    package, extractors = ModuleType("airflow.providers.openlineage"), ModuleType("extractors")
    extractors.OperatorLineage = SimpleNamespace  # type: ignore[attr-defined]  # a module made here
    facet = ModuleType("facet")
    facet.Dataset = lambda namespace, name: (namespace, name)  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, package.__name__, package)
    monkeypatch.setitem(sys.modules, f"{package.__name__}.extractors", extractors)
    monkeypatch.setitem(sys.modules, "airflow.providers.common.compat.openlineage.facet", facet)
    monkeypatch.setattr(lineage, "is_wanted", lambda: True)


@pytest.mark.parametrize("host", [HOST, "127.0.0.1:8090", "platform"])
def test_asset_is_the_same_dataset(openlineage: None, host: str) -> None:
    """
    An asset of a folder, and an export into it, are one dataset where lineage does not know the bucket.

    So are the asset of a project's folder and many imports into it.
    """
    asset = destination_of(VOLUME, "lab/azure", "a b/ä/{name}", host=host)
    export = moved([item(volume="lab/azure", location="a b/ä/0.bam")], facts(AZURE), host)
    folder = destination_of(PROJECT, "lab/p0", "a b/ä/{name}", host=host)
    imports = imported(*(an_import(f"a b/ä/{number}") for number in range(MOST + 1)), host=host)

    assert asset is not None
    assert folder is not None
    assert to_openlineage(asset, None) == export.outputs[0]
    assert (to_openlineage(folder, None),) == imports.outputs


@pytest.mark.parametrize("with_store", [True, False])
def test_another_process_knows(openlineage: None, with_store: bool) -> None:
    """Another process ends the task and knows the datasets."""
    context = Context(with_store=with_store)
    Task().about_to_send(context, attempt(item(path="raw")))
    resumed = Task()

    resumed.accounted(context, DONE)

    told = resumed.get_openlineage_facets_on_complete(None)
    assert told.inputs == [(PROJECTS, "lab/p0/raw/0.bam")]
    assert told.outputs == [("s3://lab-bucket", "cgc/out/a")]


@pytest.mark.parametrize(("summary", "outputs"), [(DONE, 1), (NOTHING, 0)])
def test_failed_wrote_what_came(openlineage: None, summary: Summary, outputs: int) -> None:
    """A failed task wrote only what arrived."""
    context, task = Context(with_store=False), Task()
    task.about_to_send(context, attempt(item()))

    task.accounted(context, summary)

    told = task.get_openlineage_facets_on_failure(None)
    assert (len(told.inputs), len(told.outputs)) == (1, outputs)


def test_unsent_tells_nothing(openlineage: None) -> None:
    assert Task().get_openlineage_facets_on_failure(None) is None


def test_unknown_release_is_left(openlineage: None) -> None:
    context, task = Context(with_store=False), Task()
    context.pushed[KEY] = {"version": 2}

    task.accounted(context, DONE)

    assert task.get_openlineage_facets_on_complete(None) is None
    assert Moved.from_json(None) is None


@pytest.mark.parametrize(
    "broken", [{}, {"inputs": []}, {"inputs": 1, "outputs": []}, {"inputs": [["a"]], "outputs": []}]
)
def test_broken_memory_is_left(broken: dict[str, Any]) -> None:
    assert Moved.from_json({"version": 1, **broken}) is None


@pytest.mark.parametrize("with_store", [True, False])
def test_lost_memory_is_no_end(openlineage: None, with_store: bool, caplog: pytest.LogCaptureFixture) -> None:
    """A task goes on where its lineage cannot be kept."""

    def broken(*args: Any, **kwargs: Any) -> None:
        raise OSError("the database is away")

    context, task = Context(with_store=with_store), Task()
    context["ti"].xcom_push = context["ti"].xcom_pull = broken
    if with_store:
        context["task_state_store"] = SimpleNamespace(set=broken, get=broken)

    task.about_to_send(context, attempt(item()))
    Task().accounted(context, DONE)

    assert caplog.text.count("the database is away") == 2


def test_without_openlineage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "is_wanted", lambda: False)
    context, task = Context(with_store=False), Task()

    task.about_to_send(context, attempt(item()))
    task.accounted(context, DONE)

    assert context.pushed == {}
    assert task.get_openlineage_facets_on_complete(None) is None


@pytest.mark.parametrize("off", [True, False])
def test_openlineage_may_be_off(monkeypatch: pytest.MonkeyPatch, off: bool) -> None:
    conf = ModuleType("airflow.providers.openlineage.conf")
    conf.is_disabled = lambda: off  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, "airflow.providers.openlineage", ModuleType("airflow.providers.openlineage"))
    monkeypatch.setitem(sys.modules, conf.__name__, conf)

    assert lineage.is_wanted() is not off


def test_openlineage_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "airflow.providers.openlineage.conf", None)

    assert lineage.is_wanted() is False
