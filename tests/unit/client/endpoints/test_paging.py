"""Lists end, give each item once, and leave out none, whatever the pages do."""

from __future__ import annotations

from typing import Any

import pytest
import requests_mock as mocking
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.client import CgcClient, CgcForeignLinkError, CgcUsageError, JobState, RateBudget, Settings

LIST = "/storage/exports"


class Jobs:
    """`GET /storage/exports` over a list that may grow at its head between two pages."""

    def __init__(self, base: str, count: int, *, grows: int = 0, deaf: bool = False, overlap: int = 0) -> None:
        self.base = base
        self.ids = [f"job{number}" for number in range(count)]
        self.grows = grows
        self.deaf = deaf
        self.overlap = overlap
        self.queries: list[dict[str, list[str]]] = []

    def __call__(self, request: Any, context: Any) -> Any:
        self.queries.append(request.qs)
        limit, offset = int(request.qs["limit"][0]), int(request.qs["offset"][0])
        start = 0 if self.deaf else offset
        page = self.ids[start : start + limit]
        total = len(self.ids)
        context.headers["X-Total-Matching-Query"] = str(total)
        context.headers["Date"] = "Thu, 01 Jan 2026 00:06:40 GMT"
        self.ids = [f"new{total}-{number}" for number in range(self.grows)] + self.ids
        self.grows = max(self.grows - 40, 0)
        links = []
        if start + limit < total:
            query = f"offset={offset + limit - self.overlap}&limit={limit}"
            links = [{"rel": "next", "method": "GET", "href": f"{self.base}{LIST}?{query}"}]
        return {"href": "x", "items": [{"id": name, "state": "RUNNING"} for name in page], "links": links}


def test_pages_of_100_lazily(client: CgcClient, requests_mock: Any, base: str) -> None:
    jobs = Jobs(base, 250)
    requests_mock.get(base + LIST, json=jobs)

    reading = client.exports.list(volume="mcurie/out", state=JobState.FAILED)

    assert requests_mock.call_count == 0
    assert next(reading).id == "job0"
    assert requests_mock.call_count == 1
    assert len(list(reading)) == 249
    assert requests_mock.call_count == 3
    assert jobs.queries[0] == {
        "volume": ["mcurie/out"], "state": ["failed"], "fields": ["_all"], "limit": ["100"], "offset": ["0"],
    }  # fmt: skip


@pytest.mark.parametrize(("limit", "calls", "asked"), [(1, 1, "1"), (100, 1, "100"), (101, 2, "100"), (250, 3, "100")])
def test_limit_reads_no_more(
    client: CgcClient, requests_mock: Any, base: str, limit: int, calls: int, asked: str
) -> None:
    jobs = Jobs(base, 1000)
    requests_mock.get(base + LIST, json=jobs)

    found = list(client.exports.list(limit=limit, offset=5))

    assert [job.id for job in found] == [f"job{number}" for number in range(5, limit + 5)]
    assert requests_mock.call_count == calls
    assert jobs.queries[0]["limit"] == [asked]


def test_limit_0_sends_nothing(client: CgcClient, requests_mock: Any) -> None:
    assert list(client.exports.list(limit=0)) == []
    assert requests_mock.call_count == 0


def test_page_has_total_and_clock(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.get(base + LIST, json=Jobs(base, 250))

    page = client.exports.page(limit=10, offset=240)

    assert (len(page.items), page.total) == (10, 250)
    assert page.date is not None
    assert page.date.isoformat() == "2026-01-01T00:06:40+00:00"


@pytest.mark.parametrize(("limit", "offset"), [(0, 0), (101, 0), (10, -1)])
def test_page_has_1_to_100_items(client: CgcClient, limit: int, offset: int) -> None:
    with pytest.raises(CgcUsageError):
        client.exports.page(limit=limit, offset=offset)


def test_new_jobs_hide_none(client: CgcClient, requests_mock: Any, base: str) -> None:
    """
    A hundred jobs made meanwhile hide none.

    The second page is the first one again, moved by the new jobs; to stop there would lose the third.
    """
    requests_mock.get(base + LIST, json=Jobs(base, 250, grows=100))

    found = {job.id for job in client.exports.list()}

    assert {f"job{number}" for number in range(250)} <= found


def test_deaf_platform_is_left(client: CgcClient, requests_mock: Any, base: str) -> None:
    """A platform that is deaf to the offset is left."""
    requests_mock.get(base + LIST, json=Jobs(base, 1000, deaf=True))

    found = [job.id for job in client.exports.list()]

    assert len(found) == len(set(found)) == 100
    assert requests_mock.call_count == 4


def test_link_to_itself_ends_it(client: CgcClient, requests_mock: Any, base: str) -> None:
    link = {"rel": "next", "href": f"{base}{LIST}?offset=100&limit=100"}
    requests_mock.get(base + LIST, json={"items": [{"id": "a", "state": "RUNNING"}], "links": [link]})

    assert [job.id for job in client.exports.list()] == ["a"]
    assert requests_mock.call_count == 2


def test_empty_page_hides_none(client: CgcClient, requests_mock: Any, base: str) -> None:
    """An empty page that leads on does not hide the next."""
    link = {"rel": "next", "href": f"{base}{LIST}?offset=100&limit=100"}
    pages = [{"items": [], "links": [link]}, {"items": [{"id": "a", "state": "RUNNING"}], "links": []}]
    requests_mock.get(base + LIST, [{"json": page} for page in pages])

    assert [job.id for job in client.exports.list()] == ["a"]


@given(count=st.integers(0, 450), grows=st.integers(0, 120), overlap=st.integers(0, 50))
def test_each_comes_once(count: int, grows: int, overlap: int) -> None:
    """Nothing is left out and nothing comes twice."""
    made = Settings(token="canary-of-the-pages")
    jobs = Jobs(made.base_url, count, grows=grows, overlap=overlap)
    with mocking.Mocker() as mock, CgcClient(made, patience=0, budget=RateBudget(share=1)) as client:
        mock.get(made.base_url + LIST, json=jobs)
        found = [job.id for job in client.exports.list()]

    assert len(found) == len(set(found))
    assert {f"job{number}" for number in range(count)} <= set(found)


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v2/storage/exports?offset=100",
        "http://cgc-api.sbgenomics.com/v2/storage/exports?offset=100",
        "https://cgc-api.sbgenomics.com:8443/v2/storage/exports",
        "https://cgc-api.sbgenomics.com@evil.example/v2/storage/exports",
        "https://cgc-api.sbgenomics.com.evil.example/v2/storage/exports",
        "//evil.example/v2/storage/exports",
        "/v2/storage/exports?offset=100",
        "https://cgc-api.sbgenomics.com/other/storage/exports",
        "https://cgc-api.sbgenomics.com/v2x/storage",
        "javascript:alert(1)",
        "https://evil.example\\@cgc-api.sbgenomics.com/v2/storage/exports",
        "not a link",
    ],
)
def test_foreign_link_is_left(client: CgcClient, requests_mock: Any, base: str, link: str) -> None:
    page = {"items": [{"id": "a", "state": "RUNNING"}], "links": [{"rel": "next", "href": link}]}
    requests_mock.get(mocking.ANY, json=page)

    with pytest.raises(CgcForeignLinkError, match="not followed"):
        list(client.exports.list())

    assert requests_mock.call_count == 1


def test_usual_port_is_home(client: CgcClient, requests_mock: Any, base: str) -> None:
    link = {"rel": "next", "href": "https://CGC-API.sbgenomics.com:443/v2/storage/exports?offset=1&limit=1"}
    first = {"items": [{"id": "a", "state": "RUNNING"}], "links": [link]}
    requests_mock.get(mocking.ANY, [{"json": first}, {"json": {"items": [{"id": "b", "state": "RUNNING"}]}}])

    assert [job.id for job in client.exports.list()] == ["a", "b"]


@pytest.mark.parametrize("state", ["DONE", "UNKNOWN", "", 5])
def test_unknown_state_is_refused(client: CgcClient, state: Any) -> None:
    with pytest.raises(CgcUsageError, match="state"):
        client.exports.list(state=state)
