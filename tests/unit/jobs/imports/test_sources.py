"""The object of an imported file, as far as the platform's answers show it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_cgc.client.errors import CgcUsageError
from airflow_provider_cgc.client.models import File, Volume
from airflow_provider_cgc.jobs.imports.item import ImportKey
from airflow_provider_cgc.jobs.imports.sources import Sources

KEY = ImportKey("me/in", "run7/a.bam", "me/project", "a.bam")


def sources(volume: Volume | None) -> Sources:
    """Return the sources of a user who may see this volume, or not any more."""

    def get(name: str) -> Volume:
        if volume is None:
            raise CgcUsageError("no such volume")
        return volume

    client: Any = SimpleNamespace(volumes=SimpleNamespace(get=get))
    return Sources(client)


def alias(location: str | None, volume: str | None = "me/in") -> File:
    return File("f", storage_type="VOLUME", volume=volume, location=location)


@pytest.mark.parametrize(
    ("file", "is_other"),
    [
        (alias("run7/a.bam"), False),
        (alias("lab/run7/a.bam"), False),
        (alias("other/run7/a.bam"), True),
        (alias("run7/b.bam"), True),
        (alias("run7/a.bam", volume="me/other"), True),
        (alias(None), False),
        (alias("run7/a.bam", volume=None), False),
        (File("f", storage_type="PLATFORM"), True),
        (File("f"), False),
    ],
)
def test_file_of_another_object(file: File, is_other: bool) -> None:
    assert sources(Volume("me/in", prefix="lab/")).is_other(KEY, file) is is_other


@pytest.mark.parametrize(("location", "is_other"), [("any/run7/a.bam", False), ("run7/b.bam", True)])
def test_prefix_that_is_not_shown(location: str, is_other: bool) -> None:
    """Without the volume its prefix is not known, so that nothing is certain of what only begins otherwise."""
    assert sources(None).is_other(KEY, alias(location)) is is_other
