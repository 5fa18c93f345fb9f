"""The asset of a place on a volume, and when a task may announce one."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AssetAlias, AssetAll, AssetAny

from airflow_provider_cgc.assets import FACTS, asset_of, destination_of, tell_events
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
def test_same_for_airflow(volume: str, prefix: str, uri: str) -> None:
    assert asset_of(volume, prefix).uri == uri


def test_places_make_assets() -> None:
    """Different places are different assets."""
    assert asset_of("lab/bucket", "a%20b").uri != asset_of("lab/bucket", "a b").uri


@pytest.mark.parametrize("volume", ["bucket", "", "/bucket", "lab/", "lab/a/b"])
def test_odd_volume_is_refused(volume: str) -> None:
    with pytest.raises(CgcBadInput, match="write it like owner/name"):
        asset_of(volume)


def test_template_is_refused() -> None:
    """A template is refused because nobody renders it."""
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
def test_place_starts_all_keys(volume: str | None, location: str, uri: str | None) -> None:
    place = destination_of(volume, location)

    assert (place.uri if place else None) == uri


def test_no_outlets_no_events() -> None:
    tell_events({}, [], {}, place=None)


USUAL = {"task_id": "export", "items": ["a"], "volume": "lab/bucket", "copy_only": True}


@pytest.mark.parametrize(
    ("arguments", "words"), [({"wait": False}, "still on their way"), ({"dry_run": True}, "moves nothing")]
)
def test_early_end_is_silent(arguments: dict[str, bool], words: str) -> None:
    """A task that ends too early may announce nothing."""
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
def test_mute_outlet_is_refused(make: Any, outlet: Any) -> None:
    own = {CgcBulkExportSensor: {"task_id": "t", "export_ids": ["a"]}, CgcListFilesOperator: {"task_id": "t"}}
    arguments = own.get(make, USUAL)

    with pytest.raises(ValueError, match="Airflow announces nothing for an outlet of type"):
        make(outlets=[outlet], **arguments)


def test_other_outlets_are_left() -> None:
    CgcBulkExportOperator(**USUAL, outlets=[object(), AssetAlias("a")])


def test_unknown_place_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """An alias of a place that is not known is told."""
    tell_events({"outlet_events": {}}, [AssetAlias("a")], dict.fromkeys(FACTS, 0), place=None)

    assert "does not know the files' destination" in caplog.text


class NoEvents:
    """Events of no outlet, which on Airflow 3.0 is no key of a dict."""

    def __getitem__(self, outlet: Any) -> Any:
        raise KeyError(outlet)


def test_untold_event_is_no_end(caplog: pytest.LogCaptureFixture) -> None:
    """An event that cannot be told ends no task."""
    tell_events({"outlet_events": NoEvents()}, [asset_of("lab/bucket")], dict.fromkeys(FACTS, 0), place=None)

    assert "does not say what was moved: KeyError" in caplog.text
