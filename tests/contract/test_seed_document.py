"""The page "Get details of a bulk export job" as it stands: its curl is what we send, its answer what we read.

https://docs.cancergenomicscloud.org/reference/get-details-of-a-bulk-export-job, kept in `samples/`. The page prints
import jobs where export jobs should be (`source` with a volume, `destination` with a project); that is part of it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcClient, JobState, RateBudget, Settings

SAMPLES = Path(__file__).parent / "samples"


@dataclass
class Curl:
    """A curl command as the request it makes."""

    method: str
    url: str
    headers: dict[str, str]
    body: Any

    @classmethod
    def read(cls, text: str) -> Curl:
        words = shlex.split(text.replace("\\\n", " "))
        assert words.pop(0) == "curl"
        options: dict[str, list[str]] = {}
        addresses = []
        while words:
            word = words.pop(0)
            if word.startswith("-"):
                options.setdefault(word, []).append(words.pop(0))
            else:
                addresses.append(word)
        headers = dict(header.split(": ", 1) for header in options["-H"])
        [method], [body], [url] = options["-X"], options["-d"], addresses
        return cls(method, url, headers, json.loads(body))


@pytest.fixture
def curl() -> Curl:
    return Curl.read((SAMPLES / "bulk_export_get.curl").read_text())


@pytest.fixture
def answer() -> Any:
    return json.loads((SAMPLES / "bulk_export_get.json").read_text())


@pytest.fixture
def client(curl: Curl) -> Iterator[CgcClient]:
    base_url = curl.url.removesuffix("/bulk/storage/exports/get")
    settings = Settings(token=curl.headers["X-SBG-Auth-Token"], base_url=base_url)
    with CgcClient(settings, patience=0, budget=RateBudget(share=0.8)) as made:
        yield made


def test_request_is_documented(client: CgcClient, curl: Curl, answer: Any, requests_mock: Any) -> None:
    requests_mock.request(curl.method, curl.url, json=answer)

    client.exports.bulk_get(curl.body["export_ids"])

    [sent] = requests_mock.request_history
    assert (sent.method, sent.url) == (curl.method, curl.url)
    assert sent.json() == curl.body
    required = {name: value for name, value in curl.headers.items() if name != "Cache-Control"}
    assert required == {"Content-Type": "application/json", "X-SBG-Auth-Token": client.settings.token}
    assert {name: sent.headers[name] for name in required} == required


def test_answer_is_documented(client: CgcClient, curl: Curl, answer: Any, requests_mock: Any) -> None:
    requests_mock.request(curl.method, curl.url, json=answer)

    records = client.exports.bulk_get(curl.body["export_ids"])

    assert [record.id for record in records] == ["gET2tre6CG411ac0SbNkaVA0SNRK4H9W", "YFyyZ7teCGtXjPPzjGGRJIIAmCd6Ol29"]
    assert [record.error for record in records] == [None, None]
    jobs = [record.resource for record in records if record.resource is not None]
    assert [job.id for job in jobs] == [record.id for record in records]
    assert [job.state for job in jobs] == [JobState.COMPLETED, JobState.COMPLETED]
    assert all(job.done and job.completed and not job.failed for job in jobs)
    assert [job.size for job in jobs] == [36433, 36433]
    assert [job.overwrite for job in jobs] == [True, True]
    assert [job.finished_on for job in jobs] == [
        datetime(2018, 3, 27, 15, 0, 28, tzinfo=UTC),
        datetime(2018, 3, 27, 15, 0, 31, tzinfo=UTC),
    ]
    assert [job.raw for job in jobs] == [item["resource"] for item in answer["items"]]


def test_import_shape_is_sparse(client: CgcClient, curl: Curl, answer: Any, requests_mock: Any) -> None:
    """The page's import shape leaves out the places of the exports."""
    requests_mock.request(curl.method, curl.url, json=answer)

    for record in client.exports.bulk_get(curl.body["export_ids"]):
        assert record.resource is not None
        assert (record.resource.file, record.resource.volume, record.resource.location) == (None, None, None)
        assert record.resource.raw["source"]["volume"] == "rfranklin/input"


def test_states_are_known() -> None:
    assert set(JobState) - {JobState.UNKNOWN} == {"PENDING", "RUNNING", "COMPLETED", "FAILED"}
