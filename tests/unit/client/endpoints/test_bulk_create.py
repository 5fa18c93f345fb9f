"""Starting many exports with one call: what is sent, how answers find their items, and what is never sent twice."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cgc.client import (
    BulkRecord,
    CgcClient,
    CgcItemsRefused,
    CgcUsageError,
    ExportJob,
    JobState,
    Problem,
    started_ids,
)

CREATE = "/bulk/storage/exports/create"


def item(number: int, **more: Any) -> dict[str, Any]:
    return {"file": f"file{number}", "volume": "mcurie/out", "location": f"run7/{number}.bam", **more}


def started(body: dict[str, Any], number: int) -> dict[str, Any]:
    return {"resource": {"id": f"job{number}", "state": "PENDING", **body}}


def test_request_is_documented(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.post(base + CREATE, json={"items": []})

    client.exports.bulk_create(
        [item(1, properties={"aws_storage_class": "GLACIER"}), item(2, overwrite=True)], copy_only=True
    )

    request = requests_mock.last_request
    assert request.qs == {"copy_only": ["true"]}
    assert request.json() == {
        "items": [
            {
                "source": {"file": "file1"},
                "destination": {"volume": "mcurie/out", "location": "run7/1.bam"},
                "overwrite": False,
                "properties": {"aws_storage_class": "GLACIER"},
            },
            {
                "source": {"file": "file2"},
                "destination": {"volume": "mcurie/out", "location": "run7/2.bam"},
                "overwrite": True,
                "properties": {},
            },
        ]
    }


def test_copy_only_false_moves(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.post(base + CREATE, json={"items": []})

    client.exports.bulk_create([item(1)], copy_only=False)

    assert requests_mock.last_request.qs == {"copy_only": ["false"]}


@pytest.mark.parametrize("copy_only", ["False", "true", 0, 1, None])
def test_copy_only_is_a_boolean(client: CgcClient, requests_mock: Any, copy_only: Any) -> None:
    with pytest.raises(CgcUsageError, match="copy_only"):
        client.exports.bulk_create([item(1)], copy_only=copy_only)

    assert requests_mock.call_count == 0


def test_copy_only_is_required(client: CgcClient) -> None:
    with pytest.raises(TypeError, match="copy_only"):
        client.exports.bulk_create([item(1)])  # type: ignore[call-arg]  # the mistake to be caught


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([{"volume": "a/b", "location": "x"}], "item 0: 'file'"),
        ([item(1), {"file": "x", "location": "x"}], "item 1: 'volume'"),
        ([item(1, location="")], "item 0: 'location'"),
        ([item(1, location=None)], "item 0: 'location'"),
        ([item(1, overwrite="true")], "item 0: 'overwrite'"),
        ([item(1, properties=[])], "item 0: 'properties'"),
        ([item(1, propertys={})], "item 0: unknown key 'propertys'; known are file, "),
        (["file1"], "item 0: must be an object"),
        ("file1", "a list of items"),
        (item(1), "a list of items"),
        ([item(1), item(1)], "items 0 and 1"),
        ([item(number) for number in range(101)], r"chunks_of\(items, 100\)"),
        ([item(1, properties={"when": object()})], "cannot be written as JSON"),
        ([item(1, properties={"much": float("nan")})], "cannot be written as JSON"),
    ],
)
def test_bad_items_are_refused(client: CgcClient, requests_mock: Any, items: Any, words: str) -> None:
    with pytest.raises(CgcUsageError, match=words):
        client.exports.bulk_create(items, copy_only=True)

    assert requests_mock.call_count == 0


def test_two_files_to_one_key(client: CgcClient, requests_mock: Any) -> None:
    """With `overwrite` the platform would end both COMPLETED and keep one object."""
    twins = [item(1), item(2, location="run7/same.bam"), item(3, location="run7/same.bam", overwrite=True)]

    with pytest.raises(CgcUsageError) as caught:
        client.exports.bulk_create(twins, copy_only=True)

    assert str(caught.value) == (
        "items 1 and 2 send two files to one key: 'file2' and 'file3' to 'run7/same.bam' in 'mcurie/out'; give each "
        "its own location"
    )
    assert requests_mock.call_count == 0


def test_two_keys_are_fine(client: CgcClient, requests_mock: Any, base: str) -> None:
    """One key on two volumes and one file to two keys are fine."""
    requests_mock.post(base + CREATE, json={"items": []})

    client.exports.bulk_create([item(1), item(1, volume="mcurie/other"), item(1, location="copy.bam")], copy_only=True)

    assert len(requests_mock.last_request.json()["items"]) == 3


@pytest.mark.parametrize("shuffled", [False, True])
def test_jobs_match_their_items(client: CgcClient, requests_mock: Any, base: str, shuffled: bool) -> None:
    """Started jobs match their items by file and place."""

    def platform(request: Any, context: Any) -> Any:
        records = [started(body, number) for number, body in enumerate(request.json()["items"])]
        return {"items": records[::-1] if shuffled else records}

    requests_mock.post(base + CREATE, json=platform)

    records = client.exports.bulk_create([item(number) for number in range(100)], copy_only=True)

    assert started_ids(records) == [f"job{number}" for number in range(100)]
    assert [record.resource.file for record in records if record.resource] == [f"file{n}" for n in range(100)]


def test_refused_keep_their_place(client: CgcClient, requests_mock: Any, base: str) -> None:
    def platform(request: Any, context: Any) -> Any:
        bodies = request.json()["items"]
        refused = {"error": {"status": 403, "code": 9006, "message": "Requested file cannot be exported."}}
        return {"items": [started(bodies[0], 0), refused, started(bodies[2], 2)]}

    requests_mock.post(base + CREATE, json=platform)

    records = client.exports.bulk_create([item(0), item(1), item(2)], copy_only=True)

    assert [record.id for record in records] == ["job0", None, "job2"]
    with pytest.raises(CgcItemsRefused) as caught:
        started_ids(records)
    assert caught.value.started == ["job0", "job2"]
    assert caught.value.records == records
    for words in ("1 of 3 items", "item 1: 9006", "Leave the file out", "2 were started and keep running: job0, job2"):
        assert words in str(caught.value)


def test_five_refused_are_named() -> None:
    """At most five refused items are named."""
    problem = Problem(403, 9006, "Requested file cannot be exported.")
    records: list[BulkRecord[ExportJob]] = [BulkRecord(None, None, problem) for _ in range(80)]
    records += [BulkRecord(f"job{number}", ExportJob(f"job{number}", JobState.PENDING)) for number in range(20)]

    with pytest.raises(CgcItemsRefused) as caught:
        started_ids(records)

    text = str(caught.value)
    assert text.count("9006") == 5
    assert "and 75 more" in text
    assert "20 were started and keep running: job0, job1, job2, job3, job4, ..." in text
    assert len(caught.value.started) == 20


def test_unmentioned_may_run(client: CgcClient, requests_mock: Any, base: str) -> None:
    """An item that the answer forgets may be running."""
    requests_mock.post(base + CREATE, json=lambda request, context: {"items": [started(request.json()["items"][1], 1)]})

    records = client.exports.bulk_create([item(0), item(1)], copy_only=True)

    assert records[1].id == "job1"
    assert records[0].error is not None
    assert records[0].error.made_here
    assert "may or may not have been started" in records[0].error.message
    assert not records[0].error.may_pass


def test_unclear_refusal_is_none(client: CgcClient, requests_mock: Any, base: str) -> None:
    """Refusals whose order is unclear are not pinned on single items."""

    def platform(request: Any, context: Any) -> Any:
        codes = [{"error": {"status": 403, "code": code, "message": "No."}} for code in (9006, 9009)]
        return {"items": [started(request.json()["items"][2], 2), *codes]}

    requests_mock.post(base + CREATE, json=platform)

    records = client.exports.bulk_create([item(0), item(1), item(2)], copy_only=True)

    assert records[2].id == "job2"
    for record in records[:2]:
        assert record.error is not None
        assert record.error.made_here
        assert "9006: No.; 9009: No." in record.error.message


def test_one_reason_fits_all(client: CgcClient, requests_mock: Any, base: str) -> None:
    """If all items were refused for one reason, it is that of each."""
    refused = {"error": {"status": 403, "code": 9020, "message": "No."}}

    def platform(request: Any, context: Any) -> Any:
        return {"items": [started(request.json()["items"][1], 1), refused]}

    requests_mock.post(base + CREATE, json=platform)

    records = client.exports.bulk_create([item(0), item(1)], copy_only=True)

    assert records[0].error == Problem(403, 9020, "No.")


def test_two_jobs_for_one_item(
    client: CgcClient, requests_mock: Any, base: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Two jobs for one item are both named, and neither is its own."""

    def platform(request: Any, context: Any) -> Any:
        first, second = request.json()["items"]
        return {"items": [started(first, 0), started(first, 7), started(second, 1)]}

    requests_mock.post(base + CREATE, json=platform)

    records = client.exports.bulk_create([item(0), item(1)], copy_only=True)

    assert [record.id for record in records] == [None, "job1"]
    assert records[0].error is not None
    assert records[0].error.made_here
    assert "job0, job7" in records[0].error.message
    assert "export job0" in caplog.text
    assert "export job7" in caplog.text


@pytest.mark.parametrize(
    "destination", [None, {}, {"volume": "mcurie/out"}, {"location": "run7/0.bam"}, {"volume": None, "location": None}]
)
def test_file_alone_is_enough(client: CgcClient, requests_mock: Any, base: str, destination: object) -> None:
    """A job that tells only its file belongs to that file."""

    def platform(request: Any, context: Any) -> Any:
        first, second = request.json()["items"]
        return {"items": [started(second, 1), started(first | {"destination": destination}, 0)]}

    requests_mock.post(base + CREATE, json=platform)

    assert started_ids(client.exports.bulk_create([item(0), item(1)], copy_only=True)) == ["job0", "job1"]


def test_file_alone_is_unclear(client: CgcClient, requests_mock: Any, base: str) -> None:
    """A job that tells only its file is nobody's if that file goes to two places."""

    def platform(request: Any, context: Any) -> Any:
        return {"items": [started(body | {"destination": None}, n) for n, body in enumerate(request.json()["items"])]}

    requests_mock.post(base + CREATE, json=platform)

    records = client.exports.bulk_create([item(0), item(0, location="elsewhere")], copy_only=True)

    assert [record.id for record in records] == [None, None]
    assert all(record.error is not None and record.error.made_here for record in records)


def test_refusal_beside_nobodys(client: CgcClient, requests_mock: Any, base: str) -> None:
    """
    A refusal beside a job of nobody is not pinned on an item.

    Of two records for one item one may be a mistake, and the other may be running.
    """
    stranger = {"resource": {"id": "jobX", "state": "PENDING"}}
    refused = {"error": {"status": 403, "code": 9020, "message": "No."}}
    requests_mock.post(base + CREATE, json={"items": [stranger, refused]})

    [record] = client.exports.bulk_create([item(0)], copy_only=True)

    assert record.error is not None
    assert record.error.made_here
    assert "jobX" in record.error.message


def test_unmatched_job_is_logged(
    client: CgcClient, requests_mock: Any, base: str, caplog: pytest.LogCaptureFixture
) -> None:
    requests_mock.post(base + CREATE, json={"items": [{"resource": {"id": "jobX", "state": "PENDING"}}]})

    records = client.exports.bulk_create([item(0)], copy_only=True)

    assert records[0].error is not None
    assert "started export jobX, which matches no single item" in caplog.text
