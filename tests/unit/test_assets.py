"""The asset of a place on a volume, and when a task may announce one."""

from __future__ import annotations

import pytest

from airflow_provider_cgc.assets import asset_of, place_of, tell_events
from airflow_provider_cgc.exceptions import CgcBadInput
from airflow_provider_cgc.operators.exports import CgcBulkExportOperator


@pytest.mark.parametrize(
    ("volume", "prefix", "uri"),
    [
        ("lab/bucket", "", "cgc://lab/bucket"),
        ("lab/bucket", "runs", "cgc://lab/bucket/runs"),
        ("lab/bucket", "/runs//2026/", "cgc://lab/bucket/runs/2026"),
        ("Lab_1/my.bucket", "a b/ä?#", "cgc://Lab_1/my.bucket/a%20b/%C3%A4%3F%23"),
    ],
)
def test_the_address_is_the_same_for_airflow_as_for_us(volume: str, prefix: str, uri: str) -> None:
    assert asset_of(volume, prefix).uri == uri


def test_different_places_are_different_assets() -> None:
    assert asset_of("lab/bucket", "a%20b").uri != asset_of("lab/bucket", "a b").uri


@pytest.mark.parametrize("volume", ["bucket", "", "/bucket", "lab/", "lab/a/b"])
def test_a_volume_of_another_form_is_refused(volume: str) -> None:
    with pytest.raises(CgcBadInput, match="write it like owner/name"):
        asset_of(volume)


def test_a_template_is_refused_because_nobody_renders_it() -> None:
    with pytest.raises(CgcBadInput, match="known when the Dag is parsed"):
        asset_of("lab/bucket", "{{ ds }}")


@pytest.mark.parametrize(
    ("volume", "location", "uri"),
    [
        ("lab/bucket", "runs/2026-01-01/{path}/{name}", "cgc://lab/bucket/runs/2026-01-01"),
        ("lab/bucket", "runs/x-{name}", "cgc://lab/bucket/runs"),
        ("lab/bucket", "{path}/{name}", "cgc://lab/bucket"),
        ("lab/bucket", "one/key", "cgc://lab/bucket"),
        (None, "runs/{name}", None),
        ("bucket", "runs/{name}", None),
    ],
)
def test_a_place_is_what_all_keys_begin_with(volume: str | None, location: str, uri: str | None) -> None:
    place = place_of(volume, location)

    assert (place.uri if place else None) == uri


def test_a_task_without_outlets_touches_no_events() -> None:
    tell_events({}, [], {}, place=None)


USUAL = {"task_id": "export", "items": ["a"], "volume": "lab/bucket", "copy_only": True}


@pytest.mark.parametrize(
    ("arguments", "words"), [({"wait": False}, "still on their way"), ({"dry_run": True}, "moves nothing")]
)
def test_a_task_that_ends_too_early_may_announce_nothing(arguments: dict[str, bool], words: str) -> None:
    outlets = [asset_of("lab/bucket")]

    with pytest.raises(ValueError, match=words):
        CgcBulkExportOperator(**USUAL, outlets=outlets, **arguments)
    CgcBulkExportOperator(**USUAL, outlets=outlets)
    CgcBulkExportOperator(**USUAL, **arguments)
