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


def test_a_create_sends_what_the_documentation_shows(client: CgcClient, requests_mock: Any, base: str) -> None:
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
def test_copy_only_takes_only_true_or_false(client: CgcClient, requests_mock: Any, copy_only: Any) -> None:
    with pytest.raises(CgcUsageError, match="copy_only"):
        client.exports.bulk_create([item(1)], copy_only=copy_only)

    assert requests_mock.call_count == 0


def test_copy_only_has_no_default(client: CgcClient) -> None:
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
def test_wrong_items_are_refused_before_anything_is_sent(
    client: CgcClient, requests_mock: Any, items: Any, words: str
) -> None:
    with pytest.raises(CgcUsageError, match=words):
        client.exports.bulk_create(items, copy_only=True)

    assert requests_mock.call_count == 0


def test_two_files_to_one_key_are_refused_before_one_is_lost(client: CgcClient, requests_mock: Any) -> None:
    """With `overwrite` the platform would end both COMPLETED and keep one object."""
    twins = [item(1), item(2, location="run7/same.bam"), item(3, location="run7/same.bam", overwrite=True)]

    with pytest.raises(CgcUsageError) as caught:
        client.exports.bulk_create(twins, copy_only=True)

    assert str(caught.value) == (
        "items 1 and 2 send two files to one key: 'file2' and 'file3' to 'run7/same.bam' in 'mcurie/out'; give each "
        "its own location"
    )
    assert requests_mock.call_count == 0


def test_one_key_on_two_volumes_and_one_file_to_two_keys_are_fine(
    client: CgcClient, requests_mock: Any, base: str
) -> None:
    requests_mock.post(base + CREATE, json={"items": []})

    client.exports.bulk_create([item(1), item(1, volume="mcurie/other"), item(1, location="copy.bam")], copy_only=True)

    assert len(requests_mock.last_request.json()["items"]) == 3


@pytest.mark.parametrize("shuffled", [False, True])
def test_started_jobs_match_their_items_by_file_and_place(
    client: CgcClient, requests_mock: Any, base: str, shuffled: bool
) -> None:
    def platform(request: Any, context: Any) -> Any:
        records = [started(body, number) for number, body in enumerate(request.json()["items"])]
        return {"items": records[::-1] if shuffled else records}

    requests_mock.post(base + CREATE, json=platform)

    records = client.exports.bulk_create([item(number) for number in range(100)], copy_only=True)

    assert started_ids(records) == [f"job{number}" for number in range(100)]
    assert [record.resource.file for record in records if record.resource] == [f"file{n}" for n in range(100)]


def test_refused_items_stand_at_their_place(client: CgcClient, requests_mock: Any, base: str) -> None:
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


def test_at_most_five_refused_items_are_named() -> None:
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


def test_an_item_that_the_answer_forgets_may_be_running(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.post(base + CREATE, json=lambda request, context: {"items": [started(request.json()["items"][1], 1)]})

    records = client.exports.bulk_create([item(0), item(1)], copy_only=True)

    assert records[1].id == "job1"
    assert records[0].error is not None
    assert records[0].error.made_here
    assert "may or may not have been started" in records[0].error.message
    assert not records[0].error.may_pass


def test_refusals_whose_order_is_unclear_are_not_pinned_on_one_item(
    client: CgcClient, requests_mock: Any, base: str
) -> None:
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


def test_one_reason_for_all_refused_items_is_theirs(client: CgcClient, requests_mock: Any, base: str) -> None:
    refused = {"error": {"status": 403, "code": 9020, "message": "No."}}

    def platform(request: Any, context: Any) -> Any:
        return {"items": [started(request.json()["items"][1], 1), refused]}

    requests_mock.post(base + CREATE, json=platform)

    records = client.exports.bulk_create([item(0), item(1)], copy_only=True)

    assert records[0].error == Problem(403, 9020, "No.")


def test_two_jobs_for_one_item_are_both_named_and_neither_is_its_own(
    client: CgcClient, requests_mock: Any, base: str, caplog: pytest.LogCaptureFixture
) -> None:
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
def test_a_job_that_tells_its_file_alone_is_that_file_s(
    client: CgcClient, requests_mock: Any, base: str, destination: object
) -> None:
    def platform(request: Any, context: Any) -> Any:
        first, second = request.json()["items"]
        return {"items": [started(second, 1), started(first | {"destination": destination}, 0)]}

    requests_mock.post(base + CREATE, json=platform)

    assert started_ids(client.exports.bulk_create([item(0), item(1)], copy_only=True)) == ["job0", "job1"]


def test_a_job_that_tells_its_file_alone_is_nobody_s_where_that_goes_to_two_places(
    client: CgcClient, requests_mock: Any, base: str
) -> None:
    def platform(request: Any, context: Any) -> Any:
        return {"items": [started(body | {"destination": None}, n) for n, body in enumerate(request.json()["items"])]}

    requests_mock.post(base + CREATE, json=platform)

    records = client.exports.bulk_create([item(0), item(0, location="elsewhere")], copy_only=True)

    assert [record.id for record in records] == [None, None]
    assert all(record.error is not None and record.error.made_here for record in records)


def test_a_refusal_beside_a_job_of_nobody_is_not_pinned_on_an_item(
    client: CgcClient, requests_mock: Any, base: str
) -> None:
    """Of two records for one item one may be a mistake, and the other may be running."""
    stranger = {"resource": {"id": "jobX", "state": "PENDING"}}
    refused = {"error": {"status": 403, "code": 9020, "message": "No."}}
    requests_mock.post(base + CREATE, json={"items": [stranger, refused]})

    [record] = client.exports.bulk_create([item(0)], copy_only=True)

    assert record.error is not None
    assert record.error.made_here
    assert "jobX" in record.error.message


def test_a_started_job_that_matches_no_item_is_logged(
    client: CgcClient, requests_mock: Any, base: str, caplog: pytest.LogCaptureFixture
) -> None:
    requests_mock.post(base + CREATE, json={"items": [{"resource": {"id": "jobX", "state": "PENDING"}}]})

    records = client.exports.bulk_create([item(0)], copy_only=True)

    assert records[0].error is not None
    assert "started export jobX, which matches no single item" in caplog.text
