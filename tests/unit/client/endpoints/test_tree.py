"""A tree of folders is read whole: each file once with its path, side by side, and to an end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcClient, CgcUnavailable, CgcUsageError
from airflow_provider_cgc.client.endpoints.tree import Walk
from airflow_provider_cgc.client.http.request import Answer, Request

Folders = dict[str, list[dict[str, str]]]


class Levels:
    """A platform that lists what `folders` holds, a page at a time; `before` may change it as requests come in."""

    def __init__(self, base: str, folders: Folders) -> None:
        self.base = base
        self.folders = folders
        self.totals = self.links = True
        self.total: int | None = None
        self.asked: list[tuple[str, int]] = []
        self.before: Callable[[str, int], None] = lambda place, offset: None
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()

    def __call__(self, request: Any, context: Any) -> Any:
        query = request.qs
        place, offset = (query.get("project") or query["parent"])[0], int(query["offset"][0])
        with self._lock:
            self.asked.append((place, offset))
            assert len(self.asked) < 500, "it does not end"
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.before(place, offset)
        items = self.folders[place]
        answer: dict[str, Any] = {"items": items[offset : offset + 100]}
        if self.totals:
            context.headers["X-Total-Matching-Query"] = str(self.total or len(items))
        if self.links and offset + 100 < len(items):
            key = "project" if "project" in query else "parent"
            link = f"{self.base}/files?{key}={place}&fields=_all&limit=100&offset={offset + 100}"
            answer["links"] = [{"rel": "next", "href": link}]
        with self._lock:
            self.at_once -= 1
        return answer


@pytest.fixture
def levels(requests_mock: Any, base: str) -> Callable[[Folders], Levels]:
    def make(folders: Folders) -> Levels:
        platform = Levels(base, folders)
        requests_mock.get(f"{base}/files", json=platform)
        return platform

    return make


def folder(name: str) -> dict[str, str]:
    return {"id": name, "name": name.upper(), "type": "folder"}


def files(*names: str) -> list[dict[str, str]]:
    return [{"id": name, "name": f"{name}.bam", "type": "file"} for name in names]


def numbered(count: int, begin: str = "f") -> list[dict[str, str]]:
    return files(*(f"{begin}{number:04d}" for number in range(count)))


def test_files_have_their_folders(client: CgcClient, levels: Any) -> None:
    levels({"lab/x": [*files("top"), folder("a")], "a": [*files("mid"), folder("b")], "b": files("deep")})

    found = [(placed.file.id, placed.path) for placed in client.files.tree("lab/x")]

    assert found == [("top", ""), ("mid", "A"), ("deep", "A/B")]


def test_own_path_goes_first(client: CgcClient, levels: Any) -> None:
    """A folder's own path goes before the paths below it."""
    levels({"a": [*files("mid"), folder("b")], "b": files("deep")})

    found = [placed.path for placed in client.files.tree(parent="a", path="raw/A")]

    assert found == ["raw/A", "raw/A/B"]


@pytest.fixture
def branched(levels: Any) -> Levels:
    """Folders A, A/B, A/B/D, A/C and E, with a file in each and one at the top."""
    made: Levels = levels(
        {
            "lab/x": [*files("top"), folder("a"), folder("e")],
            "a": [*files("in-a"), folder("b"), folder("c")],
            "b": [*files("in-b"), folder("d")],
            **{name: files(f"in-{name}") for name in "cde"},
        }
    )
    return made


def test_into_chooses_by_path(client: CgcClient, branched: Levels) -> None:
    walk = client.files.tree("lab/x", into={"A", "A/B", "B", "D", "in-a.bam"}.__contains__)
    found = [placed.file.id for placed in walk]

    assert found == ["top", "in-a", "in-b"]
    assert sorted(place for place, _ in branched.asked) == ["a", "b", "lab/x"]
    assert (walk.requests, walk.folders) == (3, 3)


def test_into_sees_the_path_before(client: CgcClient, branched: Levels) -> None:
    """The path given for the start is part of the paths to choose by; the start itself is no choice."""
    shown: list[str] = []

    def choose(path: str) -> bool:
        shown.append(path)
        return path == "/raw/A/B"

    found = [placed.path for placed in client.files.tree(parent="a", path="/raw/A", into=choose)]

    assert shown == ["/raw/A/B", "/raw/A/C", "/raw/A/B/D"]
    assert found == ["/raw/A", "/raw/A/B"]


@pytest.mark.parametrize("recursive", [True, False])
def test_into_outranks_recursive(client: CgcClient, branched: Levels, recursive: bool) -> None:
    found = client.files.tree("lab/x", recursive=recursive, into=lambda path: path == "E")

    assert [placed.file.id for placed in found] == ["top", "in-e"]


def test_folders_have_their_own_path(client: CgcClient, branched: Levels) -> None:
    """A folder comes before its files, and with the path that they have."""
    found = [(placed.file.id, placed.path) for placed in client.files.tree("lab/x", folders=True)]

    folders = [(name, path) for name, path in found if not name.startswith(("in-", "top"))]
    assert folders == [("a", "A"), ("e", "E"), ("b", "A/B"), ("c", "A/C"), ("d", "A/B/D")]
    assert all(found.index((name, path)) < found.index((f"in-{name}", path)) for name, path in folders)
    assert len(found) == len(set(found)) == 11


@pytest.mark.parametrize("choice", [{"recursive": False}, {"into": lambda path: False}])
def test_unread_folders_are_found(client: CgcClient, branched: Levels, choice: dict[str, Any]) -> None:
    found = [placed.file.id for placed in client.files.tree("lab/x", folders=True, **choice)]

    assert found == ["top", "a", "e"]
    assert branched.asked == [("lab/x", 0)]


def test_no_folders_unless_asked(client: CgcClient, branched: Levels) -> None:
    found = client.files.tree("lab/x", into=lambda path: True)

    assert not [placed for placed in found if placed.file.is_folder]


@pytest.mark.parametrize("where", [{}, {"project": "lab/x", "parent": "a"}, {"project": "lonely"}, {"parent": ""}])
@pytest.mark.parametrize("call", ["tree", "walk"])
def test_walk_needs_one_place(client: CgcClient, requests_mock: Any, call: str, where: dict[str, str]) -> None:
    with pytest.raises(CgcUsageError):
        getattr(client.files, call)(**where)
    assert requests_mock.call_count == 0


@pytest.mark.parametrize("totals", [True, False])
def test_large_folder_cost(client: CgcClient, levels: Any, totals: bool) -> None:
    platform = levels({"lab/x": numbered(400)})
    platform.totals = totals

    walk = client.files.tree("lab/x")
    found = [placed.file.id for placed in walk]

    assert found == [item["id"] for item in platform.folders["lab/x"]]
    # Where no total tells that the last page is the last one, because it is full, one more request does.
    assert sorted(platform.asked) == [("lab/x", offset) for offset in (0, 100, 200, 300, 400)[: 4 if totals else 5]]
    assert (walk.requests, walk.folders) == (4 if totals else 5, 1)


def test_total_replaces_a_link(client: CgcClient, levels: Any) -> None:
    """A total is believed where a link is missing."""
    platform = levels({"lab/x": numbered(250)})
    platform.links = False

    assert len(list(client.files.tree("lab/x"))) == 250


def test_total_beyond_belief(client: CgcClient, levels: Any) -> None:
    """A total beyond belief costs no more than the requests that are under way."""
    platform = levels({"lab/x": numbered(250)})
    platform.total = 10**12

    assert len(list(client.files.tree("lab/x"))) == 250
    assert len(platform.asked) <= 25


def test_growing_folder(client: CgcClient, levels: Any) -> None:
    """A folder that grows meanwhile is read to its new end."""
    platform = levels({"lab/x": numbered(300)})

    def grow(place: str, offset: int) -> None:
        if offset == 200 and len(platform.folders["lab/x"]) == 300:
            platform.folders["lab/x"] += numbered(150, "new")

    platform.before = grow

    assert len({placed.file.id for placed in client.files.tree("lab/x")}) == 450


def test_removed_file_hides_none(client: CgcClient, levels: Any) -> None:
    """The rest moves up: the file at the edge of the next page would be skipped."""
    everything = numbered(250)
    platform = levels({"lab/x": list(everything)})

    def remove(place: str, offset: int) -> None:
        if offset == 100 and len(platform.folders["lab/x"]) == 250:
            del platform.folders["lab/x"][5]

    platform.before = remove

    found = [placed.file.id for placed in client.files.tree("lab/x")]

    assert sorted(found) == [item["id"] for item in everything]


def test_moving_folders_end(client: CgcClient, levels: Any) -> None:
    """Folders that move into each other end."""
    platform = levels({"a": [folder("b")], "b": [folder("a"), folder("b"), *files("f")]})

    assert [placed.file.id for placed in client.files.tree(parent="a")] == ["f"]
    assert len(platform.asked) == 2
    assert [placed.file.id for placed in client.files.tree(parent="a", folders=True)] == ["b", "f"]
    assert len(platform.asked) == 4


def test_moving_file_comes_once(client: CgcClient, levels: Any) -> None:
    levels({"lab/x": [folder("a"), folder("b")], "a": files("f"), "b": files("f")})

    assert [(placed.file.id, placed.path) for placed in client.files.tree("lab/x")] == [("f", "A")]


def test_chosen_folder_shrinks(client: CgcClient, levels: Any) -> None:
    """A chosen folder of many pages that loses one of its folders is read again, and each one found once."""
    names = [f"d{number:03d}" for number in range(250)]
    everything = [folder(name) for name in names]
    platform = levels({"lab/x": [folder("a")], "a": list(everything)})

    def remove(place: str, offset: int) -> None:
        if offset == 100 and len(platform.folders["a"]) == 250:
            del platform.folders["a"][5]

    platform.before = remove

    found = [placed.path for placed in client.files.tree("lab/x", into="A".__eq__, folders=True)]

    assert found[0] == "A"
    assert sorted(found[1:]) == [f"A/{name.upper()}" for name in names]


def test_circular_links_end(client: CgcClient, requests_mock: Any, base: str) -> None:
    link = [{"rel": "next", "href": f"{base}/files?project=lab/x&offset=100"}]
    requests_mock.get(f"{base}/files", json={"items": numbered(2), "links": link})

    assert len(list(client.files.tree("lab/x"))) == 2
    assert requests_mock.call_count <= 4


class Slow:
    """A transport that takes its time; `requests_mock` lets only one request through at a time."""

    def __init__(self, folders: Folders, seconds: dict[str, float]) -> None:
        self.folders = folders
        self.seconds = seconds
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()

    def send(self, request: Request) -> Answer:
        place = str(request.params.get("parent") or request.params.get("project"))
        with self._lock:
            self.asked.append(place)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.seconds.get(place, 0.02))
        with self._lock:
            self.at_once -= 1
        return Answer({"items": self.folders[place]}, None, None)


@pytest.fixture
def forty() -> Folders:
    """Forty folders of one file each."""
    names = [f"d{number:02d}" for number in range(40)]
    return {"lab/x": [folder(name) for name in names], **{name: files(f"f-{name}") for name in names}}


def test_eight_side_by_side(forty: Folders) -> None:
    """Folders are read side by side, at most eight at a time."""
    platform: Any = Slow(forty, {})

    found = list(Walk(platform, {"project": "lab/x"}))

    assert len(found) == 40
    assert 4 <= platform.most_at_once <= 8


def test_order_is_the_trees(forty: Folders) -> None:
    """The order is that of the tree, whichever answer comes first."""
    platform: Any = Slow(forty, {"d00": 0.2, "d05": 0.2})

    found = [placed.file.id for placed in Walk(platform, {"project": "lab/x"})]

    assert found == [f"f-{item['id']}" for item in forty["lab/x"]]


def test_asks_no_more_than_read(client: CgcClient, levels: Any) -> None:
    """No more is asked for than a reader is about to take."""
    names = [f"d{number}" for number in range(200)]
    platform = levels({"lab/x": [*files("top"), *map(folder, names)], **{name: files(f"f-{name}") for name in names}})

    reader = iter(client.files.tree("lab/x"))
    taken = list(islice(reader, 3))
    settle(platform)

    assert len(taken) == 3
    assert len(platform.asked) <= 25
    reader.close()


def test_trouble_stops_asking(forty: Folders) -> None:
    """Trouble in the middle is told, and no further folder is asked for."""
    platform: Any = Slow(forty, {item["id"]: 0.2 for item in forty["lab/x"][1:]})
    del forty["d00"]

    with pytest.raises(KeyError):
        list(Walk(platform, {"project": "lab/x"}))
    settle(platform)

    assert len(platform.asked) <= 10


def test_repeating_list_ends(client: CgcClient, requests_mock: Any, base: str) -> None:
    def platform(request: Any, context: Any) -> Any:
        link = f"{base}/files?project=lab/x&offset={requests_mock.call_count}"
        return {"items": numbered(2), "links": [{"rel": "next", "href": link}]}

    requests_mock.get(f"{base}/files", json=platform)

    assert len(list(client.files.tree("lab/x"))) == 2
    assert requests_mock.call_count == 4


def test_trouble_is_the_platforms(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.get(f"{base}/files", status_code=503, json={"status": 503, "code": 0, "message": "Maintenance."})

    with pytest.raises(CgcUnavailable, match="Maintenance"):
        list(client.files.tree("lab/x"))


def test_subfolder_gives_files(client: CgcClient, levels: Any) -> None:
    levels({"a": [*files("mid"), folder("b")], "b": files("deep")})

    assert [file.id for file in client.files.walk(parent="a")] == ["mid", "deep"]


def settle(platform: Levels | Slow) -> None:
    """Wait until no more requests come."""
    for _ in range(50):
        known = len(platform.asked)
        time.sleep(0.3)
        if len(platform.asked) == known:
            return
