"""The datasets of a checked order, named by what the emulated platform has told about files, volumes and projects."""

from __future__ import annotations

from typing import Any

from airflow_provider_cgc.client import CgcClient
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.datasets import Namespaces
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.exports.locations import LocationTemplate
from airflow_provider_cgc.jobs.exports.order import ExportOrder
from airflow_provider_cgc.jobs.imports.item import ImportItem
from airflow_provider_cgc.jobs.imports.names import NameTemplate, Wishes
from airflow_provider_cgc.jobs.imports.order import ImportOrder

HERE = Namespaces("cgc://host", "cgc-project://host")


def bucket_of(client: CgcClient, volume: str) -> tuple[str, str]:
    known = client.volumes.get(volume)
    assert known.bucket
    return f"s3://{known.bucket}", known.prefix or ""


def below(prefix: str, path: str) -> str:
    return "/".join(part.strip("/") for part in (prefix, path) if part.strip("/"))


def import_order(cgc: CgcEmulator, client: CgcClient, **to: Any) -> ImportOrder:
    cgc.put_objects(["in/a.bam", "in/b.bam"], volume=cgc.volume)
    order = ImportOrder(client, wishes=Wishes(NameTemplate("raw/{name}"), volume=cgc.volume, **to))
    order.check([ImportItem("in/a.bam"), ImportItem("in/b.bam")], first=True)
    return order


def test_export_names_its_bucket(cgc: CgcEmulator, client: CgcClient) -> None:
    order = ExportOrder(client, volume=cgc.volume, template=LocationTemplate("out/{id}"), copy_only=True)
    order.check([ExportItem(cgc.file_ids[0])], first=True)

    known = order.datasets(HERE)
    bucket, prefix = bucket_of(client, cgc.volume)

    assert known.outputs == ((bucket, below(prefix, "out")),)
    [(namespace, name)] = known.inputs
    assert (namespace, name.startswith(f"{cgc.project}/")) == (HERE.projects, True)


def test_import_names_its_objects(cgc: CgcEmulator, client: CgcClient) -> None:
    known = import_order(cgc, client, project=cgc.project).datasets(HERE)
    bucket, prefix = bucket_of(client, cgc.volume)

    assert known.inputs == tuple((bucket, below(prefix, f"in/{name}.bam")) for name in "ab")
    assert known.outputs == tuple((HERE.projects, f"{cgc.project}/raw/{name}.bam") for name in "ab")


def test_folder_has_its_project(cgc: CgcEmulator, client: CgcClient) -> None:
    """Files in a folder that was given by its id are named by its project and the id."""
    known = import_order(cgc, client, parent=cgc.folder_id).datasets(HERE)

    assert known.outputs == tuple((HERE.projects, f"{cgc.project}/{cgc.folder_id}/raw/{name}.bam") for name in "ab")
