"""The objects that `CgcListVolumeOperator` finds, their form, and its words when it cannot."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcUnauthorized
from airflow_provider_cgc.client.endpoints.volumes import VolumesEndpoint
from airflow_provider_cgc.client.models import Volume, VolumeObject
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.exceptions import CgcBadInput, CgcWaitError
from airflow_provider_cgc.operators import listing as module
from airflow_provider_cgc.operators.volumes import CgcListVolumeOperator
from tests.late import late

LOGGER = "tests.list_volume"
VOLUME = CgcEmulator.volume
LONG_AGO, LATELY = 1_700_000_000.0, 1_780_000_000.0
KEYS = ["b/s1/a.bam", "b/s1/a.bam.bai", "b/s1/old/a.bam", "b/s2.bam", "b2/s3.bam", "b.log", "b"]


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[CgcEmulator]:
    """A CGC whose volume has a small tree, a neighbour with a similar name, and placeholders."""
    with CgcEmulator(files=1, speed=0) as emulator:
        monkeypatch.setenv("AIRFLOW_CONN_CGC_DEFAULT", emulator.airflow_conn)
        emulator.put_objects(KEYS, volume=VOLUME, size=10, modified=LONG_AGO)
        emulator.put_objects(["b/s1/new.cram"], volume=VOLUME, size=5_000, modified=LATELY)
        emulator.put_placeholders(["b/", "b/s1/", "empty/"], volume=VOLUME)
        yield emulator


@pytest.fixture
def listing(emulator: CgcEmulator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`listing(**arguments)` runs an operator and gives what it returns."""
    # Airflow 3 logs through structlog, past caplog.
    monkeypatch.setattr(CgcListVolumeOperator, "log", logging.getLogger(LOGGER), raising=False)

    def run(**arguments: Any) -> Any:
        return late(CgcListVolumeOperator, task_id="list_volume", **{"volume": VOLUME, **arguments}).execute({})

    return run


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """An XCom that takes four items."""
    monkeypatch.setattr(module, "MOST_IN_XCOM", 4)
    return 4


def keys(items: list[dict[str, Any]]) -> list[str]:
    return [item["location"] for item in items]


def requests_of(emulator: CgcEmulator) -> int:
    return int(emulator.stats()["total"])


BELOW_B = ["b/s1/a.bam", "b/s1/a.bam.bai", "b/s1/new.cram", "b/s1/old/a.bam", "b/s2.bam"]


@pytest.mark.parametrize("prefix", ["b", "b/"])
@pytest.mark.parametrize("meaning", ["begin", "folder"])
@pytest.mark.parametrize("slash", ["present", "absent"])
@pytest.mark.parametrize("empty", ["shown", "null"])
def test_prefix_is_a_folder(
    emulator: CgcEmulator, listing: Callable[..., Any], prefix: str, meaning: str, slash: str, empty: str
) -> None:
    """With or without its slash, however the platform writes folders: no neighbour, no placeholder, not itself."""
    emulator.set_options({"prefix_means": meaning, "prefix_slash": slash, "empty": empty})

    assert keys(listing(prefix=prefix)) == BELOW_B


def test_item_fits_an_import(listing: Callable[..., Any]) -> None:
    items = listing(prefix="b/s1")

    assert items[3] == {"volume": VOLUME, "location": "b/s1/old/a.bam", "size": 10, "path": "old"}
    assert [item["path"] for item in items] == ["", "", "", "old"]
    assert [item["path"] for item in listing(prefix="b")] == ["s1", "s1", "s1", "s1/old", ""]


def test_whole_volume_is_listed(listing: Callable[..., Any]) -> None:
    assert set(keys(listing())) >= {*KEYS, "b/s1/new.cram"}
    assert {item["path"] for item in listing() if item["location"] == "b/s1/old/a.bam"} == {"b/s1/old"}


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"recursive": False}, ["b/s2.bam"]),
        ({"name": "*.bam"}, ["b/s1/a.bam", "b/s1/old/a.bam", "b/s2.bam"]),
        ({"name": "*.BAM"}, []),
        ({"name": ["*.bai", "s?.bam"]}, ["b/s1/a.bam.bai", "b/s2.bam"]),
        ({"name": "a.bam"}, ["b/s1/a.bam", "b/s1/old/a.bam"]),
        ({"exclude": "*.bam"}, ["b/s1/a.bam.bai", "b/s1/new.cram"]),
        ({"exclude": ["*.bai", "new.*"], "name": "[an]*"}, ["b/s1/a.bam", "b/s1/old/a.bam"]),
        ({"exclude": []}, BELOW_B),
        ({"min_size": 11}, ["b/s1/new.cram"]),
        ({"max_size": "10", "name": "s*"}, ["b/s2.bam"]),
        ({"modified_after": "2025-01-01"}, ["b/s1/new.cram"]),
    ],
)
def test_filters(listing: Callable[..., Any], arguments: dict[str, Any], found: list[str]) -> None:
    assert keys(listing(prefix="b", allow_empty=True, **arguments)) == found


@pytest.mark.parametrize("size", ["present", "header", "google"])
@pytest.mark.parametrize("time", ["iso", "http", "ms"])
def test_facts_in_any_shape(emulator: CgcEmulator, listing: Callable[..., Any], size: str, time: str) -> None:
    emulator.set_options({"object_size": size, "object_time": time})

    assert keys(listing(prefix="b", modified_after="2025-01-01", min_size=11)) == ["b/s1/new.cram"]


def test_untold_loses_no_object(emulator: CgcEmulator, listing: Callable[..., Any]) -> None:
    """These filters leave out nothing if the volume tells neither sizes nor times."""
    emulator.option("object_size", "absent")

    items = listing(prefix="b", modified_after="2099-01-01", min_size=11)

    assert keys(items) == BELOW_B
    assert all("size" not in item for item in items)


def test_requests_are_few(emulator: CgcEmulator, listing: Callable[..., Any], tmp_path: Path) -> None:
    """At most one for each prefix and for each hundred objects, and ten; a manifest of more than a thousand."""
    many = [f"tree/{number % 150:03d}/{number:05d}.bam" for number in range(1_500)]
    flat = [f"tree/000/f{number:04d}.bam" for number in range(700)]
    emulator.put_objects([*many, *flat], volume=VOLUME)
    manifest = (tmp_path / "objects.jsonl").as_uri()

    assert listing(prefix="tree", manifest_path=manifest, expected_count=2_200) == manifest

    lines = [json.loads(line) for line in (tmp_path / "objects.jsonl").read_text().splitlines()]
    assert keys(lines) == sorted([*many, *flat])
    assert requests_of(emulator) <= 150 + 22 + 10


def listed_as(monkeypatch: pytest.MonkeyPatch, *locations: str) -> None:
    """Let the platform list these locations below any prefix."""
    found = [VolumeObject(location, VOLUME) for location in locations]
    monkeypatch.setattr(VolumesEndpoint, "contents", lambda *args, **kwargs: iter(found))


def test_repeated_is_listed_once(listing: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """An object that two pages tell is one item."""
    listed_as(monkeypatch, "b/x", "b/y", "b/x")

    assert keys(listing(prefix="b")) == ["b/x", "b/y"]


def test_placeholder_as_object(listing: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 itself lists a folder's placeholder among the objects in it."""
    listed_as(monkeypatch, "b/", "b/s1/", "b/x")

    assert keys(listing(prefix="b")) == ["b/x"]


def test_stray_object_is_an_error(listing: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """If locations do not begin with the prefix, they mean something else here, and objects may be missing."""
    listed_as(monkeypatch, "b/x", "cgc/b/y")

    with pytest.raises(CgcWaitError, match=r"listed 'cgc/b/y' in folder 'b/' of volume .*, where it does not lie"):
        listing(prefix="b")


@pytest.mark.parametrize("allowed", [False, True])
def test_deactivated_is_refused(emulator: CgcEmulator, listing: Callable[..., Any], allowed: bool) -> None:
    with emulator.world.open() as world:
        world.volume(VOLUME).active = False

    with pytest.raises(CgcBadInput) as refused:
        listing(prefix="b", allow_empty=allowed)

    assert str(refused.value) == (
        f"Task 'list_volume': volume {VOLUME!r}: 9069: The volume is inactive: ask its owner to activate it."
    )


def test_deactivated_meanwhile(emulator: CgcEmulator, listing: Callable[..., Any]) -> None:
    """The volume does not say that it is inactive, and its list does."""
    get = VolumesEndpoint.get

    def get_and_deactivate(self: VolumesEndpoint, volume_id: str) -> Volume:
        found = get(self, volume_id)
        with emulator.world.open() as world:
            world.volume(volume_id).active = False
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VolumesEndpoint, "get", get_and_deactivate)
        with pytest.raises(CgcBadInput, match=rf"volume {VOLUME!r}: 9069: .*ask its owner to activate it"):
            listing(prefix="b")


def test_gateways_404_is_retried(emulator: CgcEmulator, listing: Callable[..., Any]) -> None:
    """An answer without a code of the platform says nothing about the volume."""
    emulator.fault("404_html", path=f"/v2/storage/volumes/{VOLUME}", count=None)

    with pytest.raises(CgcWaitError):
        listing(prefix="b")


def test_empty_template_is_refused(emulator: CgcEmulator, listing: Callable[..., Any]) -> None:
    with pytest.raises(CgcBadInput, match="prefix is '': a template rendered to nothing"):
        listing(prefix="")

    assert requests_of(emulator) == 0


@pytest.mark.parametrize("volume", ["demo-lab/nothing", "https://cgc.sbgenomics.com/v/demo-lab/nothing"])
def test_unknown_volume_is_refused(listing: Callable[..., Any], volume: str) -> None:
    with pytest.raises(
        CgcBadInput, match=r"volume 'demo-lab/nothing': 9007: .*Check the volume id \('owner/name'\), and"
    ):
        listing(volume=volume)


def test_forbidden_volume_is_refused(emulator: CgcEmulator, listing: Callable[..., Any]) -> None:
    emulator.fault("403", path=f"/v2/storage/volumes/{VOLUME}")

    with pytest.raises(CgcBadInput, match=f"volume {VOLUME!r}: .* ask an admin of the project or volume") as refused:
        listing()

    assert "90002" in str(refused.value)


def test_page_is_a_volume(listing: Callable[..., Any]) -> None:
    assert keys(listing(volume=f"https://cgc.sbgenomics.com/v/{VOLUME}/", prefix="b")) == BELOW_B


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("B", ["folder 'B/' of volume", "has no objects", "folders on the volume: 'b', 'b2'", "(case-sensitive)"]),
        ("b/S1", ["folder 'b/S1/'", "folders in 'b/': 's1'", "correct the prefix or the filters", "allow_empty=True"]),
        ("b/s2.bam", ["'b/s2.bam' is an object", "give the prefix 'b/' and name='s2.bam'"]),
        ("b2/x/y/z", ["there are no folders in 'b2/'"]),
        (
            "b/*",
            ["folders in 'b/': 's1'", "'prefix' takes no pattern: give a folder, and choose its objects by 'name'"],
        ),
        ("empty", ["only a placeholder is there"]),
        ("cgc/b", ["locations begin below the volume's own prefix 'cgc/', so give the prefix 'b/'"]),
        ("cgc", ["locations begin below the volume's own prefix 'cgc/', so leave prefix out"]),
        ("nowhere/at/all", ["folders on the volume: "]),
    ],
)
def test_nothing_below_names_near(
    emulator: CgcEmulator, listing: Callable[..., Any], prefix: str, words: list[str]
) -> None:
    with pytest.raises(CgcBadInput) as caught:
        listing(prefix=prefix)

    for word in ["Task 'list_volume'", *words]:
        assert word in str(caught.value)
    assert requests_of(emulator) <= 10


def test_expected_names_near_too(listing: Callable[..., Any]) -> None:
    with pytest.raises(CgcBadInput, match=r"has 0 objects, but expected_count is 3: folders in 'b/': 's1'"):
        listing(prefix="b/S1", expected_count=3, allow_empty=True)


def test_only_folders_is_told(emulator: CgcEmulator, listing: Callable[..., Any]) -> None:
    emulator.put_objects(["deep/er/x"], volume=VOLUME)

    with pytest.raises(CgcBadInput, match="objects are only in the folders below it, which recursive=True lists"):
        listing(prefix="deep", recursive=False)


def test_none_match_has_filters(listing: Callable[..., Any]) -> None:
    """Objects are there, and none of them is wanted: the filters are repeated, and nothing else is looked for."""
    with pytest.raises(CgcBadInput) as caught:
        listing(prefix="b", name="*.vcf", exclude="x*")

    assert str(caught.value) == (
        f"Task 'list_volume': folder 'b/' of volume {VOLUME} has no objects that match name '*.vcf', except name 'x*';"
        " correct the prefix or the filters, or set allow_empty=True if there may be none"
    )


def test_too_many_for_an_xcom(listing: Callable[..., Any], small: int) -> None:
    with pytest.raises(CgcBadInput, match=r"has more than 4 such objects: .* stopped at object 5; .*set manifest_path"):
        listing(prefix="b")


def test_failure_keeps_the_old(emulator: CgcEmulator, listing: Callable[..., Any], tmp_path: Path) -> None:
    manifest = tmp_path / "objects.jsonl"
    manifest.write_text("old\n")
    emulator.fault("401", path="/v2/storage/volumes/*/list", after=2)

    with pytest.raises(CgcWaitError, match="clear this task: it lists the objects again") as raised:
        listing(prefix="b", manifest_path=manifest.as_uri())

    assert isinstance(raised.value.__cause__, CgcUnauthorized)
    assert manifest.read_text() == "old\n"


def test_trouble_is_waited_out(emulator: CgcEmulator, listing: Callable[..., Any]) -> None:
    emulator.fault("500", path="/v2/storage/volumes/*/list", after=1, count=2)

    assert keys(listing(prefix="b")) == BELOW_B


def test_log_says_what_it_found(listing: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    """The log names the place, the filters and the number of objects."""
    caplog.set_level(logging.INFO, logger=LOGGER)

    listing(prefix="b", name="*.bam")

    lines = [record.getMessage() for record in caplog.records if record.name == LOGGER and record.levelname == "INFO"]
    assert lines == [
        f"Listing the objects of folder 'b/' of volume {VOLUME}: name '*.bam' (connection cgc_default).",
        "Found 3 objects, 30 B, in 3 folders.",
    ]


def test_template_fields() -> None:
    assert set(CgcListVolumeOperator.template_fields) == {
        "volume", "prefix", "name", "exclude", "min_size", "max_size", "modified_after", "expected_count",
        "manifest_path", "manifest_conn_id", "cgc_conn_id",
    }  # fmt: skip
