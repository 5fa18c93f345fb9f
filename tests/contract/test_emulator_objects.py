"""The emulator's objects on volumes: how their size and time are told, and the placeholders that mark folders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.emulator.state.bucket import Bucket
from airflow_provider_cgc.emulator.state.nouns import StoredObject

if TYPE_CHECKING:
    from tests.contract.conftest import Http

NEW_YEAR = 1_767_225_600  # 2026-01-01T00:00:00Z


def level(http: Http, cgc: CgcEmulator, prefix: str = "", **query: Any) -> dict[str, Any]:
    return http.get(f"/storage/volumes/{cgc.volume}/list", prefix=prefix, **query).json()


def walked(http: Http, cgc: CgcEmulator, prefix: str = "", limit: int = 100) -> Iterator[str]:
    """All locations below a prefix, as a client finds them that goes down prefix by prefix, page by page."""
    path = f"/storage/volumes/{cgc.volume}/list?prefix={prefix}&limit={limit}"
    while path:
        page = http.get(path).json()
        yield from (one["location"] for one in page["items"])
        for entry in page["prefixes"]:
            yield from walked(http, cgc, entry["prefix"].removesuffix("/") + "/", limit)
        path = page["links"][0]["next"].removeprefix(cgc.url) if page["links"] else ""


@pytest.mark.parametrize(
    ("size", "time", "kind", "metadata"),
    [
        ("present", "iso", "s3", {"size": 7, "lastModified": "2026-01-01T00:00:00Z"}),
        ("present", "http", "s3", {"size": 7, "lastModified": "Thu, 01 Jan 2026 00:00:00 GMT"}),
        ("present", "ms", "s3", {"size": 7, "lastModified": NEW_YEAR * 1000}),
        ("present", "absent", "s3", {"size": 7}),
        ("header", "iso", "s3", {"Content-Length": 7, "Last-Modified": "2026-01-01T00:00:00Z"}),
        ("header", "http", "s3", {"Content-Length": 7, "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}),
        ("header", "absent", "s3", {"Content-Length": 7}),
        (
            "google", "iso", "gcs",
            {"size": 7, "updated": {"value": NEW_YEAR * 1000, "dateOnly": False, "timeZoneShift": 0}},
        ),
        ("google", "absent", "gcs", {"size": 7}),
        ("absent", "iso", "s3", {}),
    ],
)  # fmt: skip
def test_size_and_time(cgc: CgcEmulator, http: Http, size: str, time: str, kind: str, metadata: dict[str, Any]) -> None:
    cgc.set_options({"object_size": size, "object_time": time})
    cgc.put_objects(["a.bam"], volume=cgc.volume, size=7, modified=NEW_YEAR)

    [listed] = level(http, cgc, fields="_all")["items"]
    alone = http.get(f"/storage/volumes/{cgc.volume}/object", location="a.bam").json()

    assert listed == alone
    assert (alone["metadata"], alone["type"]) == (metadata, kind)


@pytest.mark.parametrize(
    ("fields", "keys"),
    [(None, {"href", "location", "volume", "type"}), ("metadata", {"metadata"}), ("_all", None)],
)
def test_metadata_when_asked(cgc: CgcEmulator, http: Http, fields: str | None, keys: set[str] | None) -> None:
    """Listed objects tell their metadata only to who asks for it, as documented."""
    cgc.put_objects(["a.bam"], volume=cgc.volume)

    [listed] = level(http, cgc, **({"fields": fields} if fields else {}))["items"]

    assert set(listed) == (keys or {"href", "location", "volume", "type", "metadata"})


def test_objects_are_of_now(cgc: CgcEmulator, http: Http) -> None:
    """Objects without a time of their own, put or exported, are as new as the platform's clock."""
    cgc.option("object_time", "ms")
    cgc.put_objects(["a"], volume=cgc.volume)
    cgc.clock.advance(100)
    cgc.submit_exports(cgc.file_ids[:1], location="b")
    cgc.clock.advance(3600)

    put, exported = (one["metadata"]["lastModified"] for one in level(http, cgc, fields="_all")["items"])

    assert 100_000 <= exported - put <= 3_700_000


def test_placeholder_in_its_folder(cgc: CgcEmulator, http: Http) -> None:
    """A placeholder is an item of the folder that it marks, and a prefix everywhere above."""
    cgc.put_objects(["x/a"], volume=cgc.volume)
    cgc.put_placeholders(["x/", "x/y/", "z/"], volume=cgc.volume)

    top, folder, below = (level(http, cgc, prefix, fields="_all") for prefix in ("", "x/", "x/y/"))

    assert ([one["prefix"] for one in top["prefixes"]], top["items"]) == (["x/", "z/"], [])
    assert [one["prefix"] for one in folder["prefixes"]] == ["x/y/"]
    assert [(one["location"], one["metadata"]["size"]) for one in folder["items"]] == [("x/", 0), ("x/a", 1_048_576)]
    assert ([one["location"] for one in below["items"]], below["prefixes"]) == (["x/y/"], [])


@pytest.mark.parametrize("slash", ["present", "absent"])
@pytest.mark.parametrize("means", ["begin", "folder"])
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_deep_tree_is_whole(cgc: CgcEmulator, http: Http, slash: str, means: str, limit: int) -> None:
    """Prefixes lead down to every object, with or without their slashes and past placeholders, page by page."""
    cgc.set_options({"prefix_slash": slash, "prefix_means": means})
    objects = ["a/b/c/d/e/f.txt", "a/b/c/d/e.txt", "a/b/c/d", "a/b/c/d-e/f", "a/b2/x", "a/b/y", "z"]
    places = ["a/", "a/b/c/", "a/empty/", "a/b/c/d/e/"]
    cgc.put_objects(objects, volume=cgc.volume)
    cgc.put_placeholders(places, volume=cgc.volume)

    assert sorted(walked(http, cgc, limit=limit)) == sorted([*objects, *places])


def test_prefix_without_its_slash(cgc: CgcEmulator, http: Http) -> None:
    """Prefixes lack their slash at every depth, not only at the top."""
    cgc.option("prefix_slash", "absent")
    cgc.put_objects(["a/b/c/d/e"], volume=cgc.volume)

    found = [[one["prefix"] for one in level(http, cgc, prefix)["prefixes"]] for prefix in ("", "a/", "a/b/", "a/b/c/")]

    assert found == [["a"], ["a/b"], ["a/b/c"], ["a/b/c/d"]]


@pytest.mark.parametrize("after", [False, True])
def test_bucket_has_placeholders(after: bool) -> None:
    """A level goes on behind the placeholder of its own folder."""
    bucket = Bucket()
    for key in ("a/", "a/b/", "a/b/c", "a/d"):
        bucket[key] = StoredObject(0, 0.0)

    found = list(bucket.level("a/", after="a/" if after else ""))

    assert found == ["a/", "a/b/", "a/d"][after:]


@pytest.mark.parametrize("location", ["", "a", "a/b"])
def test_placeholder_has_a_slash(cgc: CgcEmulator, location: str) -> None:
    with pytest.raises(ValueError, match="placeholder"):
        cgc.put_placeholders(["good/", location])


def test_controls_put_both(cgc: CgcEmulator, http: Http) -> None:
    put = {"locations": ["x/a"], "volume": cgc.volume, "modified": NEW_YEAR}

    answers = [
        http.control("POST", "objects", put),
        http.control("POST", "placeholders", {"locations": ["x/"], "volume": cgc.volume}),
    ]

    items = level(http, cgc, "x/", fields="_all")["items"]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [one["location"] for one in items] == ["x/", "x/a"]
    assert items[1]["metadata"]["lastModified"] == "2026-01-01T00:00:00Z"
