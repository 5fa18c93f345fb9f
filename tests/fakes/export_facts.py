"""Files, volumes and items of an export, and the facts that are known of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.client.models import File, Volume
from airflow_provider_cgc.jobs.exports.facts import Facts
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.exports.problems import common_problems, unfit_items
from airflow_provider_cgc.jobs.submitting.unfit import sentences

T = TypeVar("T")
A, B, C = (f"65a1b2c3d4e5f60718293a4{digit}" for digit in "abc")
PROJECT = "mcurie/radium"
OUT = "mcurie/radium_out"
HOME = "aws:us-east-1"
UNKNOWN = Problem(404, 5002, "Requested file does not exist.")
UNDECIDED = Problem(None, None, "not told apart from unknown ids yet", made_here=True, undecided=True)


def a_file(file_id: str = A, name: str = "a.bam", **more: Any) -> File:
    return File(**{"id": file_id, "name": name, "size": 1000, "project": PROJECT, "storage_type": "PLATFORM"} | more)


def an_alias(file_id: str = A, volume: str = OUT, location: str | None = "run7/a.bam") -> File:
    return a_file(file_id, storage_type="VOLUME", volume=volume, location=location)


def a_volume(volume_id: str = OUT, **service: Any) -> Volume:
    service = {"type": "s3", "bucket": "radium", "endpoint": "s3.amazonaws.com"} | service
    return Volume.from_json({"id": volume_id, "access_mode": "RW", "active": True, "service": service})


def an_item(file_id: str = A, number: int = 1, **more: Any) -> ExportItem:
    return ExportItem(**{"file": file_id, "volume": OUT, "location": "run7/a.bam", "line": f"item {number}"} | more)


def facts(*files: File, volumes: Sequence[Volume] | None = None, location: str | None = HOME, **more: Any) -> Facts:
    volumes = [a_volume()] if volumes is None else volumes
    return Facts(
        **{
            "files": {file.id: file for file in files},
            "refused": {},
            "volumes": {volume.id: volume for volume in volumes},
            "refused_volumes": {},
            "locations": dict.fromkeys({file.project for file in files if file.project}, location),
        }
        | more
    )


def only(found: Sequence[T]) -> T:
    assert len(found) == 1, found
    return found[0]


def problems(items: Sequence[ExportItem], known: Facts) -> list[str]:
    """Return all that is told of an order when it is refused."""
    return [*common_problems(items, known), *sentences(unfit_items(items, known))]
