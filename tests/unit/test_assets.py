"""The asset of a place on a volume, and when a task may announce one."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AssetAlias, AssetAll, AssetAny

from airflow_provider_cgc.assets import FACTS, asset_of, place_of, tell_events
from airflow_provider_cgc.exceptions import CgcBadInput
from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.files import CgcListFilesOperator
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor


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


@pytest.mark.parametrize(
    "make", [CgcBulkExportOperator, CgcListFilesOperator, CgcBulkExportSensor], ids=["export", "list", "sensor"]
)
@pytest.mark.parametrize(
    "outlet",
    [
        AssetAll(asset_of("lab/bucket"), asset_of("lab/other")),
        AssetAny(asset_of("lab/bucket"), asset_of("lab/other")),
        "cgc://lab/bucket",
    ],
    ids=["all", "any", "text"],
)
def test_an_outlet_never_announced_is_refused(make: Any, outlet: Any) -> None:
    own = {CgcBulkExportSensor: {"task_id": "t", "export_ids": ["a"]}, CgcListFilesOperator: {"task_id": "t"}}
    arguments = own.get(make, USUAL)

    with pytest.raises(ValueError, match="Airflow announces nothing for an outlet of type"):
        make(outlets=[outlet], **arguments)


def test_other_outlets_are_left_to_lineage() -> None:
    CgcBulkExportOperator(**USUAL, outlets=[object(), AssetAlias("a")])


def test_an_alias_of_a_place_that_is_not_known_is_told(caplog: pytest.LogCaptureFixture) -> None:
    tell_events({"outlet_events": {}}, [AssetAlias("a")], dict.fromkeys(FACTS, 0), place=None)

    assert "does not know where the files went" in caplog.text


def test_an_event_that_cannot_be_told_ends_no_task(caplog: pytest.LogCaptureFixture) -> None:
    tell_events({"outlet_events": {}}, [asset_of("lab/bucket")], dict.fromkeys(FACTS, 0), place=None)

    assert "does not tell what was moved: KeyError" in caplog.text
