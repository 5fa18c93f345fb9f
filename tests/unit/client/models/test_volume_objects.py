"""Objects on a volume: their sizes and times, in whichever shape a storage service tells them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.client import VolumeObject


@pytest.mark.parametrize(
    "extra",
    [
        {"size": 7},
        {"metadata": {"size": "7"}},
        {"metadata": {"content-length": 7}},
        {"metadata": {"Content-Length": "7", "ETag": "x"}},
        {"metadata": {"contentLength": 7}},
        {"size": None, "metadata": {"size": 7}},
        {"metadata": {"Content-Length": 7, "contentLength": None}},
    ],
)
def test_object_with_a_size(extra: dict[str, Any]) -> None:
    assert VolumeObject.from_json({"location": "run7/a.bam", **extra}).size == 7


NOON = datetime(2026, 1, 5, 12, 20, tzinfo=UTC)
SECONDS = 1767615600


@pytest.mark.parametrize(
    "metadata",
    [
        {"Last-Modified": "2026-01-05T12:20:00Z"},
        {"Last-Modified": "2026-01-05T14:20:00+02:00"},
        {"Last-Modified": "2026-01-05 12:20:00"},
        {"Last-Modified": "Mon, 05 Jan 2026 12:20:00 GMT"},
        {"last-modified": "Mon, 05 Jan 2026 12:20:00 -0000"},
        {"lastModified": " 2026-01-05T12:20:00.000Z "},
        {"last_modified": "20260105T122000Z"},
        {"LastModified": SECONDS},
        {"lastModified": float(SECONDS)},
        {"lastModified": SECONDS * 1000},
        {"lastModified": f"{SECONDS}"},
        {"lastModified": f"{SECONDS}000"},
        {"lastModified": {"value": SECONDS * 1000, "dateOnly": False, "timeZoneShift": 0}},
        {"updated": {"value": SECONDS * 1000, "dateOnly": False, "timeZoneShift": 0}},
        {"updated": {"value": f"{SECONDS}000"}},
        {"updated": "2026-01-05T12:20:00Z", "timeCreated": {"value": 1}},
        {"lastModified": None, "Last-Modified": "2026-01-05T12:20:00Z"},
        {"Last-Modified": "2026-01-05T12:20:00Z", "lastModified": None},
        {"lastModified": "soon", "updated": {"value": SECONDS * 1000}},
    ],
)
def test_object_with_a_time(metadata: dict[str, Any]) -> None:
    modified_on = VolumeObject.from_json({"location": "run7/a.bam", "metadata": metadata}).modified_on

    assert modified_on == NOON
    assert modified_on.utcoffset() is not None


def test_day_in_digits_is_a_day() -> None:
    read = VolumeObject.from_json({"location": "a", "metadata": {"lastModified": "20260105"}})

    assert read.modified_on == datetime(2026, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", " ", "soon", True, False, 0, -1, [], {}, {"value": None}, {"value": {"value": SECONDS}}, [SECONDS]),
        *(1e300, 10**400, "9" * 400, float("nan"), SECONDS * 10**6, "1e300", "Mon, 05 Jan 2026", "Mon, 99 Jan 2026"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "\0"),
    ],
)
@pytest.mark.parametrize("key", ["Last-Modified", "updated"])
def test_object_with_an_odd_time(key: str, value: Any) -> None:
    assert VolumeObject.from_json({"location": "a", "metadata": {key: value}}).modified_on is None


@pytest.mark.parametrize("metadata", [None, [], "x", 5, {}, {"timeCreated": {"value": SECONDS}}])
def test_object_without_a_time(metadata: Any) -> None:
    assert VolumeObject.from_json({"location": "a", "metadata": metadata}).modified_on is None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_no_time_breaks_it(value: object) -> None:
    for shape in (value, {"value": value}):
        read = VolumeObject.from_json({"location": "a", "metadata": {"lastModified": shape}}).modified_on
        assert read is None or read.astimezone(UTC) == read
