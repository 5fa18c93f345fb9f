"""Looking for objects on a volume: what is found, and that others' objects cost nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from airflow_provider_cgc.client import CgcClient, RateBudget, Settings
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.objects import MOST_STARTS, common_folder, objects_at

VOLUME = CgcEmulator.volume
UNSETTLED = {"prefix_slash": ("present", "absent"), "prefix_means": ("begin", "folder"), "empty": ("shown", "null")}
"""The spellings and meanings of folders on a volume; all of them are played."""


@pytest.fixture(
    params=[dict(zip(UNSETTLED, chosen, strict=True)) for chosen in product(*UNSETTLED.values())],
    ids=lambda options: " ".join(options.values()),
)
def emulator(request: pytest.FixtureRequest) -> Iterator[CgcEmulator]:
    with CgcEmulator(files=1, rate_limit=10**6) as emulator:
        for name, value in request.param.items():
            emulator.option(name, value)
        yield emulator


@pytest.fixture
def client(emulator: CgcEmulator) -> Iterator[CgcClient]:
    settings = Settings(token=emulator.token, base_url=emulator.url)
    with CgcClient(settings, budget=RateBudget(share=1)) as client:
        yield client


def listings(emulator: CgcEmulator) -> int:
    return sum(count for call, count in emulator.stats()["requests"].items() if call.endswith("/list"))


@pytest.mark.parametrize(
    ("keys", "folder"),
    [(["a/b/x", "a/b/y"], "a/b/"), (["a/b/x", "a/c/y"], "a/"), (["x", "a/y"], ""), (["a/b"], "a/"), ([], "")],
)
def test_common_folder_of_keys(keys: list[str], folder: str) -> None:
    assert common_folder(keys) == folder


def test_only_wanted_is_told(emulator: CgcEmulator, client: CgcClient) -> None:
    emulator.put_objects(["p/a", "p/q/b", "p/q/other", "p2/c", "top"], volume=VOLUME, size=7)

    found = objects_at(client, VOLUME, ["p/a", "p/q/b", "p/gone", "p3/gone", "top"])

    assert found == {"p/a": 7, "p/q/b": 7, "top": 7}


def test_nothing_costs_nothing(emulator: CgcEmulator, client: CgcClient) -> None:
    assert objects_at(client, VOLUME, []) == {}
    assert listings(emulator) == 0


def test_other_folders_are_left(emulator: CgcEmulator, client: CgcClient) -> None:
    emulator.put_objects([f"others/{number % 50}/{number}" for number in range(5000)], volume=VOLUME)
    emulator.put_objects(["a/x", "top"], volume=VOLUME)

    assert objects_at(client, VOLUME, ["a/x", "a/y", "top"]).keys() == {"a/x", "top"}
    assert listings(emulator) == 2


def test_crowded_parent_is_left(emulator: CgcEmulator, client: CgcClient) -> None:
    """A crowded folder above is not listed if no key lies in it."""
    emulator.put_objects([f"crowd-{number}" for number in range(1000)], volume=VOLUME)
    emulator.put_objects(["a/b/x", "c/d/y"], volume=VOLUME)

    assert objects_at(client, VOLUME, ["a/b/x", "c/d/y"]).keys() == {"a/b/x", "c/d/y"}
    assert listings(emulator) == 2


def test_missing_costs_one(emulator: CgcEmulator, client: CgcClient) -> None:
    """Many folders that are not there cost one request."""
    wanted = [f"run/{number}/x" for number in range(MOST_STARTS + 1)]

    assert objects_at(client, VOLUME, wanted) == {}
    assert listings(emulator) == 1


KEYS = ["s/a", "s/sub/b", "s/sub/deep er/c", "s/sub.log", "s/sub2/d", "s/subway/e", "other/f", "top"]


def test_objects_of_all_folders(emulator: CgcEmulator, client: CgcClient) -> None:
    emulator.put_objects(KEYS, volume=VOLUME)

    assert objects_at(client, VOLUME, [*KEYS, "s/sub/none", "s/none"]).keys() == set(KEYS)
    assert sorted(found.location for found in client.volumes.contents(VOLUME, recursive=True)) == sorted(KEYS)


@pytest.mark.parametrize("prefix", ["s/sub", "s/sub/"])
def test_slash_makes_no_odds(emulator: CgcEmulator, client: CgcClient, prefix: str) -> None:
    emulator.put_objects(KEYS, volume=VOLUME)
    asked: list[str] = []

    whole = [found.location for found in client.volumes.contents(VOLUME, prefix=prefix, recursive=True)]
    level = [
        found.location
        for found in client.volumes.contents(VOLUME, prefix=prefix, into=lambda name: bool(asked.append(name)))
    ]

    assert whole == ["s/sub/b", "s/sub/deep er/c"]
    assert level == ["s/sub/b"]
    assert asked == ["s/sub/deep er/"]


def test_pages_are_read_whole(emulator: CgcEmulator, client: CgcClient) -> None:
    keys = [f"many/{number:03d}/x" for number in range(150)] + [f"many/f{number:03d}" for number in range(150)]
    emulator.put_objects(keys, volume=VOLUME)

    assert objects_at(client, VOLUME, keys).keys() == set(keys)
