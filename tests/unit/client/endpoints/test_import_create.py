"""Starting imports: what is sent, how answers find their items, and what is never sent."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import requests_mock as mocking
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.client import CgcClient, CgcItemsRefused, CgcUsageError, RateBudget, Settings, started_ids

CREATE = "/bulk/storage/imports/create"
VOLUME, PROJECT, PARENT = "mcurie/radium_in", "mcurie/radium", "65a1b2c3d4e5f60718293b00"
REFUSED = {"error": {"status": 404, "code": 9007, "message": "Requested volume does not exist."}}


def item(number: int = 0, **more: Any) -> dict[str, Any]:
    place = {} if "parent" in more else {"project": PROJECT}
    return {"volume": VOLUME, "location": f"batch1/{number}.fastq.gz", **place, **more}


def started(body: dict[str, Any], number: int = 0, **destination: Any) -> dict[str, Any]:
    """A record as the platform gives it for a body, with a destination that it wrote differently."""
    told = {**body, "destination": destination or body["destination"]}
    return {"resource": {"id": f"job{number}", "state": "PENDING", **told}}


def test_request_is_documented(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.post(base + CREATE, json={"items": []})
    folder = {"volume": VOLUME, "location": "batch2/", "parent": PARENT, "name": "b2", "autorename": True}

    client.imports.bulk_create([item(1), {**folder, "preserve_folder_structure": False}])

    assert requests_mock.last_request.qs == {}
    assert requests_mock.last_request.json() == {
        "items": [
            {
                "source": {"volume": VOLUME, "location": "batch1/1.fastq.gz"},
                "destination": {"project": PROJECT},
                "overwrite": False,
                "autorename": False,
            },
            {
                "source": {"volume": VOLUME, "location": "batch2/"},
                "destination": {"parent": PARENT, "name": "b2"},
                "overwrite": False,
                "autorename": True,
                "preserve_folder_structure": False,
            },
        ]
    }


def test_none_is_not_given(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.post(base + CREATE, json={"items": []})

    client.imports.bulk_create([item(parent=None, project=PROJECT, name=None, preserve_folder_structure=None)])

    [body] = requests_mock.last_request.json()["items"]
    assert body["destination"] == {"project": PROJECT}
    assert "preserve_folder_structure" not in body


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([item(volume=None)], "item 0: 'volume'"),
        ([item(), item(1, location="")], "item 1: 'location'"),
        ([item(project=None)], "item 0: give either 'project' or 'parent'.* neither"),
        ([item(), item(1, project=PROJECT, parent=PARENT)], "item 1: give either 'project' or 'parent'.* both"),
        ([item(project=7)], "item 0: 'project'"),
        ([item(parent="")], "item 0: 'parent'"),
        ([item(name="")], "item 0: 'name'"),
        ([item(name=["x"])], "item 0: 'name'"),
        ([item(overwrite="true")], "item 0: 'overwrite'"),
        ([item(autorename=1)], "item 0: 'autorename'"),
        ([item(location="batch1/", preserve_folder_structure="no")], "item 0: 'preserve_folder_structure' must be"),
        ([item(preserve_folder_structure=True)], "item 0: 'preserve_folder_structure' is for folders"),
        ([item(file="65a1")], "item 0: unknown key 'file'; known are autorename"),
        (["batch1/1.fastq.gz"], "item 0: must be an object"),
        ("batch1/1.fastq.gz", "a list of items"),
        (item(), "a list of items"),
        ([item(number) for number in range(101)], r"chunks_of\(items, 100\)"),
    ],
)
def test_bad_items_are_refused(client: CgcClient, requests_mock: Any, items: Any, words: str) -> None:
    with pytest.raises(CgcUsageError, match=words):
        client.imports.bulk_create(items)

    assert requests_mock.call_count == 0


def test_no_items_send_nothing(client: CgcClient, requests_mock: Any) -> None:
    assert client.imports.bulk_create([]) == []
    assert requests_mock.call_count == 0


@pytest.mark.parametrize(
    "twin",
    [
        item(location="batch2/0.fastq.gz"),
        item(volume="mcurie/other"),
        item(5, name="0.fastq.gz", overwrite=True),
        item(5, name="0.fastq.gz", autorename=True),
    ],
)
def test_two_things_to_one_name(client: CgcClient, requests_mock: Any, twin: dict[str, Any]) -> None:
    with pytest.raises(CgcUsageError) as caught:
        client.imports.bulk_create([item(7), item(0), twin])

    assert str(caught.value) == (
        f"items 1 and 2 import two things under one name: 'batch1/0.fastq.gz' of '{VOLUME}' and {twin['location']!r} "
        f"of {twin['volume']!r} as '0.fastq.gz' into '{PROJECT}'; give each its own name, or both autorename"
    )
    assert requests_mock.call_count == 0


def test_two_folders_to_one_name(client: CgcClient, requests_mock: Any) -> None:
    with pytest.raises(CgcUsageError, match=r"'a/raw/' of .* and 'b/raw/' of .* as 'raw'"):
        client.imports.bulk_create([item(location="a/raw/"), item(location="b/raw/")])

    assert requests_mock.call_count == 0


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (item(), item()),
        (item(), item(name="0.fastq.gz")),
        (item(autorename=True), item(autorename=True)),
        (item(parent=PARENT), item(parent=PARENT, overwrite=True)),
        (item(location="/"), item(location="/")),
        *[[item(location="raw/", preserve_folder_structure=False)] * 2],
    ],
)
def test_import_twice_is_refused(client: CgcClient, requests_mock: Any, one: Any, two: Any) -> None:
    with pytest.raises(CgcUsageError, match="items 0 and 1 ask for the same import; give it once"):
        client.imports.bulk_create([one, two])

    assert requests_mock.call_count == 0


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (item(), item(project="mcurie/polonium")),
        (item(), item(parent=PARENT)),
        (item(), item(name="copy.fastq.gz")),
        (item(autorename=True), item(location="batch2/0.fastq.gz", autorename=True)),
        (item(location="/"), item(location="/", volume="mcurie/other")),
        tuple(item(location=f"{run}/raw/", preserve_folder_structure=False) for run in ("a", "b")),
    ],
    ids=["two projects", "project and folder", "two names", "both autorename", "whole volumes", "flattened folders"],
)
def test_apart_may_go_together(client: CgcClient, requests_mock: Any, base: str, one: Any, two: Any) -> None:
    requests_mock.post(base + CREATE, json=echo)

    assert started_ids(client.imports.bulk_create([one, two])) == ["job0", "job1"]


def echo(request: Any, context: Any) -> Any:
    return {"items": [started(body, number) for number, body in enumerate(request.json()["items"])]}


@pytest.mark.parametrize("shuffled", [False, True])
def test_jobs_match_their_items(client: CgcClient, requests_mock: Any, base: str, shuffled: bool) -> None:
    """Started jobs match their items by source and target."""

    def platform(request: Any, context: Any) -> Any:
        records = echo(request, context)["items"]
        return {"items": records[::-1] if shuffled else records}

    requests_mock.post(base + CREATE, json=platform)

    records = client.imports.bulk_create([item(number) for number in range(100)])

    assert started_ids(records) == [f"job{number}" for number in range(100)]
    assert [record.resource.location for record in records if record.resource] == [
        f"batch1/{number}.fastq.gz" for number in range(100)
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (item(), {"project": PROJECT, "name": "0.fastq.gz"}),
        (item(), {"project": PROJECT, "name": "another name"}),
        (item(), {"project": PROJECT, "parent": "root"}),
        (item(), {"name": "0.fastq.gz"}),
        (item(parent=PARENT), {"project": PROJECT, "name": "0.fastq.gz"}),
        (item(parent=PARENT), {"project": PROJECT, "parent": PARENT}),
        (item(name="x", autorename=True), {"project": PROJECT, "name": "_1_x"}),
        (item(name="x"), {"project": PROJECT}),
        (item(parent=PARENT, name="x"), {"name": "x"}),
    ],
)
def test_filled_in_still_matches(
    client: CgcClient, requests_mock: Any, base: str, given: dict[str, Any], told: dict[str, Any]
) -> None:
    """A field that the platform fills in does not hide a job."""

    def platform(request: Any, context: Any) -> Any:
        bodies = request.json()["items"]
        return {"items": [REFUSED, started(bodies[0], 0, **told)]}

    requests_mock.post(base + CREATE, json=platform)

    records = client.imports.bulk_create([given, item(9)])

    assert [record.id for record in records] == ["job0", None]


@pytest.mark.parametrize("location", ["batch2", "batch2/", "/batch2/", "/batch2"])
@pytest.mark.parametrize("volume", [VOLUME, None])
def test_folder_without_slash(
    client: CgcClient, requests_mock: Any, base: str, location: str, volume: str | None
) -> None:
    def platform(request: Any, context: Any) -> Any:
        first = request.json()["items"][0]
        return {"items": [REFUSED, started(first | {"source": {"volume": volume, "location": location}}, 0)]}

    requests_mock.post(base + CREATE, json=platform)

    records = client.imports.bulk_create([item(location="batch2/"), item(9)])

    assert [record.id for record in records] == ["job0", None]


def test_folder_is_no_object(client: CgcClient, requests_mock: Any, base: str) -> None:
    """A folder and an object of its name are told apart."""
    requests_mock.post(base + CREATE, json=echo)

    records = client.imports.bulk_create([item(location="a/b", name="x"), item(location="a/b/", name="y")])

    assert [record.id for record in records] == ["job0", "job1"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (item(), {"source": {"volume": VOLUME, "location": "batch1/1.fastq.gz"}}),
        (item(), {"source": {"volume": "mcurie/other", "location": "batch1/0.fastq.gz"}}),
        (item(), {"source": None}),
        (item(), {"destination": {"project": "mcurie/polonium"}}),
        (item(), {"destination": {"parent": PARENT}}),
        (item(parent=PARENT), {"destination": {"parent": "65a0"}}),
        (item(name="x"), {"destination": {"project": PROJECT, "name": "y"}}),
        (item(name="x"), {"destination": {"project": PROJECT, "name": "_1_x"}}),
    ],
)
def test_odd_job_is_nobodys(
    client: CgcClient, requests_mock: Any, base: str, caplog: pytest.LogCaptureFixture, given: Any, told: Any
) -> None:
    def platform(request: Any, context: Any) -> Any:
        return {"items": [{"resource": {"id": "jobX", "state": "PENDING", **request.json()["items"][0], **told}}]}

    requests_mock.post(base + CREATE, json=platform)

    [record] = client.imports.bulk_create([given])

    assert record.id is None
    assert record.error is not None
    assert record.error.made_here
    assert "jobX" in record.error.message
    assert "started import jobX, which matches no single item" in caplog.text


def test_refused_keep_their_place(client: CgcClient, requests_mock: Any, base: str) -> None:
    """Refused items stand at their place also where the platform filled in."""

    def platform(request: Any, context: Any) -> Any:
        bodies = request.json()["items"]
        return {"items": [started(bodies[0], 0, project=PROJECT, name="0.fastq.gz"), REFUSED, started(bodies[2], 2)]}

    requests_mock.post(base + CREATE, json=platform)

    records = client.imports.bulk_create([item(0, parent=PARENT), item(1), item(2)])

    assert [record.id for record in records] == ["job0", None, "job2"]
    with pytest.raises(CgcItemsRefused, match="item 1: 9007"):
        started_ids(records)


def test_project_and_its_folder(client: CgcClient, requests_mock: Any, base: str) -> None:
    """The first job fits both items, as long as the second one is not known to be the folder's."""

    def platform(request: Any, context: Any) -> Any:
        bodies = request.json()["items"]
        return {"items": [started(bodies[1], 1), started(bodies[0], 0)]}

    requests_mock.post(base + CREATE, json=platform)

    assert started_ids(client.imports.bulk_create([item(), item(parent=PARENT)])) == ["job0", "job1"]


@pytest.mark.parametrize("refused", [0, 1])
def test_own_and_another_name(client: CgcClient, requests_mock: Any, base: str, refused: int) -> None:
    """As documented: a job tells its destination as it was passed, so only the first one tells no name."""

    def platform(request: Any, context: Any) -> Any:
        records = echo(request, context)["items"]
        records[refused] = REFUSED
        return {"items": records}

    requests_mock.post(base + CREATE, json=platform)

    records = client.imports.bulk_create([item(), item(name="copy.fastq.gz")])

    assert [record.id for record in records] == [None if index == refused else f"job{index}" for index in (0, 1)]


@pytest.mark.parametrize("count", [1, 2])
def test_look_alikes_are_nobodys(
    client: CgcClient, requests_mock: Any, base: str, caplog: pytest.LogCaptureFixture, count: int
) -> None:
    """One object into a project and into a folder, and the platform tells the folder by its project."""

    def platform(request: Any, context: Any) -> Any:
        bodies = request.json()["items"]
        jobs = [started(body, number, project=PROJECT) for number, body in enumerate(bodies)]
        return {"items": jobs[:count] + [REFUSED] * (2 - count)}

    requests_mock.post(base + CREATE, json=platform)

    records = client.imports.bulk_create([item(), item(parent=PARENT)])

    assert [record.id for record in records] == [None, None]
    for record in records:
        assert record.error is not None
        assert record.error.made_here
        assert ", ".join(f"job{number}" for number in range(count)) in record.error.message
    assert caplog.text.count("matches no single item") == count


def last_part(location: str) -> str:
    return location.rpartition("/")[2]


def answers() -> st.SearchStrategy[tuple[list[dict[str, Any]], str, list[int], int]]:
    """Items of two objects, a platform's way to tell a destination, the order of its answer, how many it leaves out."""
    targets = [{"project": "a/p"}, {"project": "a/q"}, {"parent": "f1"}, {"parent": "f2"}]
    names: list[dict[str, Any]] = [{}, {"name": "n1"}, {"name": "n2"}, {"name": "n3", "autorename": True}]
    every = [
        {"volume": VOLUME, "location": location, **target, **name}
        for location, target, name in itertools.product(("in/x", "y"), targets, names)
    ]
    return st.tuples(
        st.lists(
            st.sampled_from(every),
            min_size=1,
            max_size=8,
            unique_by=lambda given: (given.get("project"), given.get("parent"), given.get("name") or given["location"]),
        ),
        st.sampled_from(["as asked", "named", "by project", "with the root"]),
        st.permutations(range(8)),
        st.sampled_from([0, 0, 1, 2, 4]),
    )


def tell(body: dict[str, Any], way: str) -> dict[str, Any]:
    """A destination as a platform of one of four ways tells it; both folders are in the first project."""
    asked = body["destination"]
    name = {"name": asked.get("name") or last_part(body["source"]["location"])}
    if way == "as asked":
        return dict(asked)
    if way == "by project":
        return {"project": asked.get("project", "a/p"), **name}
    if way == "with the root":
        project = asked.get("project", "a/p")
        return {"project": project, "parent": asked.get("parent", f"root of {project}"), **name}
    return {**asked, **name}


@given(answers())
def test_jobs_keep_their_items(answer: tuple[list[dict[str, Any]], str, list[int], int]) -> None:
    """Whatever the order, the way of telling and the gaps: a job is its own item's or nobody's."""
    items, way, order, lost = answer
    sent = [number for number in order if number < len(items)][lost:]

    def platform(request: Any, context: Any) -> Any:
        bodies = request.json()["items"]
        return {"items": [started(bodies[number], number, **tell(bodies[number], way)) for number in sent]}

    settings = Settings(token="canary-of-the-imports")
    with mocking.Mocker() as mock, CgcClient(settings, patience=0, budget=RateBudget(share=1)) as client:
        mock.post(settings.base_url + CREATE, json=platform)
        records = client.imports.bulk_create(items)

    locations = [given["location"] for given in items]
    for number, record in enumerate(records):
        alone = locations.count(locations[number]) == 1
        certain = number in sent and (alone or (way != "by project" and len(sent) == len(items)))
        assert record.id in ([f"job{number}"] if certain else [f"job{number}", None])
