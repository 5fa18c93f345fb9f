"""All of a list is read whatever is odd about its pages, by every reader of lists alike; what is lost is an error."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcUnreadableError
from airflow_provider_cgc.client.endpoints.exports import ExportsEndpoint
from airflow_provider_cgc.client.endpoints.files import FilesEndpoint
from airflow_provider_cgc.client.endpoints.imports import ImportsEndpoint
from airflow_provider_cgc.client.endpoints.projects import ProjectsEndpoint
from airflow_provider_cgc.client.endpoints.volumes import VolumesEndpoint
from airflow_provider_cgc.client.http.request import Answer, Request

Reader = Callable[[Any], list[str]]

READERS: dict[str, Reader] = {
    "files.list": lambda line: [file.id for file in FilesEndpoint(line).list("lab/x")],
    "files.tree": lambda line: [found.file.id for found in FilesEndpoint(line).tree("lab/x")],
    "one level": lambda line: [found.file.id for found in FilesEndpoint(line).tree("lab/x", recursive=False)],
    "folder": lambda line: [found.file.id for found in FilesEndpoint(line).tree("lab/above")],
    "volumes": lambda line: [volume.id for volume in VolumesEndpoint(line).list()],
    "projects": lambda line: [project.id for project in ProjectsEndpoint(line).list()],
    "exports": lambda line: [job.id for job in ExportsEndpoint(line).list()],
    "imports": lambda line: [job.id for job in ImportsEndpoint(line).list()],
}
every_reader = pytest.mark.parametrize("read", READERS.values(), ids=READERS)


@dataclass
class OddList:
    """A transport to a platform that has one list, of `count` things."""

    count: int
    total: int | str | None = "right"
    links: str = "right"
    cap: int = 100
    past: str = "empty"
    """The page past the end: an empty list, null, or the last page again."""
    short: bool = False
    """True if the page at 100 has 60 things only, and the next one begins at 160."""
    null_at: int = -1
    null_tells: bool = True
    """True if a page with null still tells the total and links on."""
    tail_null: bool = False
    """True if everything from `null_at` on is null."""
    hidden_at: int = -1
    """The offset of an empty page that counts a hundred things, which this user may not see."""
    total_once: bool = False
    """True if only the first page tells the total."""
    calls: int = 0

    def send(self, request: Request) -> Answer:
        if request.params.get("project") == "lab/above":
            return Answer({"items": [{"id": "d", "name": "d", "type": "folder"}], "links": []}, 1, None)
        self.calls += 1
        assert self.calls < 60, "it does not end"
        told = str(request.params) if request.link is None else request.link
        offset, limit = (int(re.findall(rf"{key}\W+(\d+)", told)[0]) for key in ("offset", "limit"))
        begin = max(self.count - 100, 0) if self.past == "repeated" and offset >= self.count else offset
        size = min(60 if self.short and begin == 100 else limit, self.cap)
        ids = range(begin, min(begin + size, self.count))
        items: Any = [{"id": f"lab/{number}", "name": f"n{number}", "state": "RUNNING"} for number in ids]
        lost = begin == self.null_at or (self.tail_null and begin >= self.null_at)
        if lost or (self.past == "null" and not items):
            items = None
        if begin == self.hidden_at:
            items = []
        total = self.count if self.total == "right" else self.total
        assert not isinstance(total, str)
        if self.total_once and offset:
            total = None
        if lost and not self.null_tells:
            return Answer({"items": None, "links": []}, None, None)
        return Answer({"items": items} | self._links(request, offset + size), total, None)

    def _links(self, request: Request, end: int) -> dict[str, Any]:
        def to(offset: int) -> list[dict[str, str]]:
            return [{"rel": "next", "href": f"{request.path}?offset={offset}&limit=100"}]

        more = end < self.count
        kinds: dict[str, dict[str, Any]] = {
            "right": {"links": to(end) if more else []},
            "right or absent": {"links": to(end)} if more else {},
            "round": {"links": to(end if more else 0)},
            "stuck": {"links": to(100)},
            "the first only": {"links": to(end) if more and end <= 100 else []},
            "one missing": {"links": to(end) if more and not 100 <= end < 200 else []},
            "empty": {"links": []},
            "null": {"links": None},
            "absent": {},
        }
        return kinds[self.links]


COUNTS = (57, 100, 257)


def promises_lost_items(odd: OddList) -> bool:
    """Return True if null follows a full page below the total: items are lost there, which must be an error."""
    return odd.past == "null" and odd.count == 100 and odd.total in (150, 1000)


HONEST_LINKS = [
    OddList(count, total, links, cap, past, short)
    for count, total, links, cap, past, short in product(
        COUNTS, ("right", None, 0, 100, 150, 1000), ("right", "right or absent", "round"), (100, 50),
        ("empty", "null", "repeated"), (False, True),
    )
]  # fmt: skip
HONEST_TOTALS = [
    OddList(count, "right", links, cap, past, short)
    for count, links, cap, past, short in product(
        COUNTS, ("empty", "null", "absent", "one missing"), (100, 50), ("empty", "null", "repeated"), (False, True)
    )
]
NOTHING_HONEST = [
    OddList(count, total, links, cap, past)
    for count, total, links, cap, past in product(
        COUNTS, (None, 0, 100, 150, 1000), ("empty", "null", "absent"), (100, 50, 25), ("empty", "null", "repeated")
    )
]
STUCK = [OddList(count, total, "stuck") for count, total in product(COUNTS, ("right", None, 0, 100, 1000))]


@every_reader
@pytest.mark.parametrize(
    "lists",
    [HONEST_LINKS, HONEST_TOTALS, NOTHING_HONEST, STUCK],
    ids=["links that can be believed", "totals that can be believed", "full pages only", "links that stick"],
)
def test_every_item_once(read: Reader, lists: list[OddList]) -> None:
    for odd in lists:
        if promises_lost_items(odd):
            continue
        line = replace(odd)

        found = read(line)

        assert sorted(found) == sorted(f"lab/{number}" for number in range(line.count)), odd


@every_reader
@pytest.mark.parametrize("count", [0, 1, 57, 99, 100, 101, 200, 257])
def test_usual_list_cost(read: Reader, count: int) -> None:
    """A list with nothing odd costs a request for each hundred."""
    line = OddList(count)

    assert len(read(line)) == count
    # A full page is believed to be the last one only where links have led to it.
    assert line.calls == max(-(-count // 100), 1) + (count == 100)


@every_reader
def test_nothing_is_empty(read: Reader) -> None:
    for total, links, past in product(("right", None), ("right", "absent", "null"), ("empty", "null")):
        assert read(OddList(0, total, links, past=past)) == []


@every_reader
@pytest.mark.parametrize("links", ["right", "absent"])
@pytest.mark.parametrize(
    ("count", "null_at"), [(57, 0), (257, 0), (257, 100), (257, 200), (300, 200), (101, 100), (201, 200)]
)
def test_lost_is_no_empty_page(read: Reader, links: str, count: int, null_at: int) -> None:
    """The total promises them; where it says more than there is, null past the end is the end."""
    with pytest.raises(CgcUnreadableError, match="null in place of a page's items"):
        read(OddList(count, links=links, null_at=null_at))


@every_reader
@pytest.mark.parametrize("cap", [100, 50])
@pytest.mark.parametrize("total", ["right", None])
def test_full_page_is_not_last(read: Reader, total: Any, cap: int) -> None:
    """A full page without link and total is not the last."""
    line = OddList(300, total, "the first only", cap, total_once=True)

    assert len(read(line)) == 300


@every_reader
@pytest.mark.parametrize("links", ["right", "absent"])
@pytest.mark.parametrize("null_at", [100, 200])
def test_null_tail_is_lost(read: Reader, links: str, null_at: int) -> None:
    """A tail that is null wherever it is asked for is lost."""
    with pytest.raises(CgcUnreadableError, match="null in place of a page's items"):
        read(OddList(250, links=links, null_at=null_at, tail_null=True))


@every_reader
@pytest.mark.parametrize("links", ["right", "absent"])
@pytest.mark.parametrize("null_at", [100, 200])
def test_earlier_total_counts(read: Reader, links: str, null_at: int) -> None:
    """A total told earlier shows that null has lost items."""
    with pytest.raises(CgcUnreadableError, match="null in place of a page's items"):
        read(OddList(300, links=links, null_at=null_at, null_tells=False))


@every_reader
@pytest.mark.parametrize("null_at", [100, 200])
def test_full_page_before_null(read: Reader, null_at: int) -> None:
    """A full page that links to null shows that items are lost."""
    with pytest.raises(CgcUnreadableError, match="null in place of a page's items"):
        read(OddList(250, None, null_at=null_at, null_tells=False))


@every_reader
@pytest.mark.parametrize("total", [150, 1000])
def test_null_below_the_total(read: Reader, total: int) -> None:
    """Null after a full page and below the total is an error, though the total may be wrong."""
    with pytest.raises(CgcUnreadableError, match="null in place of a page's items"):
        read(OddList(100, total, past="null"))


def test_null_in_the_middle() -> None:
    """
    Null in the middle is a loss, also if a later page came first.

    The page at 100 is short, so that the tree asks for the rest of it after the page at 200.
    """
    with pytest.raises(CgcUnreadableError, match="null in place of a page's items"):
        READERS["files.tree"](OddList(257, short=True, null_at=160))


@every_reader
def test_page_with_link_has_items(read: Reader) -> None:
    """A page that links on has lost its items."""
    with pytest.raises(CgcUnreadableError, match="null in place of a page's items"):
        read(OddList(257, None, null_at=100))


@every_reader
@pytest.mark.parametrize("links", ["right", "absent", "empty"])
def test_empty_page_hides_none(read: Reader, links: str) -> None:
    """An empty page in the middle does not hide the pages behind it."""
    found = read(OddList(357, links=links, hidden_at=100))

    assert sorted(found) == sorted(f"lab/{number}" for number in range(357) if not 100 <= number < 200)
