"""Reading a tree of folders: lazily, several pages side by side, each file once, with the folders it lies in.

A list shows one level only, and a filter of the platform leaves out folders too
(https://docs.cancergenomicscloud.org/reference/list-files-primary-method), so a tree is read whole, page by page.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from airflow_provider_cgc.client.endpoints.pages import BARREN_PAGES, PAGE_LIMIT, Query, first_page, pages
from airflow_provider_cgc.client.models import File, Page
from airflow_provider_cgc.client.transport import Transport

__all__ = ["MOST_IN_FLIGHT", "PlacedFile", "Walk"]

MOST_IN_FLIGHT = 8
"""Requests at a time."""

_LOOK_AHEAD = 2 * MOST_IN_FLIGHT
"""Pages asked for before the oldest of them has been given out: what memory holds of a tree."""
_MOST_BY_OFFSET = 10_000
"""Pages of one folder; a total that promises more is not believed, the links are followed."""


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """A file and where it was found: the names of the folders, joined by slashes; "" is where the walk began."""

    file: File
    path: str


@dataclass(slots=True)
class _Folder:
    """What is known of a folder while its pages come in."""

    query: Query
    path: str
    repeated: bool = False
    asked: int = 0
    """Pages that are on their way or wait for their turn."""
    most: int = 0
    """The largest total that a page told."""
    shrank: bool = False
    barren: int = 0
    seen: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Ask:
    """One page to ask for: by its offset, or the next one of `rest`, which follows the platform's links."""

    folder: _Folder
    offset: int = 0
    rest: Iterator[Page[File]] | None = None
    last: bool = True
    """Whether the links of this page are followed: no other page of the folder will be asked for by offset."""


class Walk:
    """The files below a project or folder as `PlacedFile`, in the same order for the same tree; to be read once.

    Pages are read while you iterate, at most 8 at a time and 16 ahead. Whoever stops early leaves requests that are
    under way to end by themselves. A folder that moves meanwhile is read once, where it was seen first. One from which
    something is removed while its pages come in is read twice, because the rest has moved up past a page's edge.
    """

    def __init__(self, transport: Transport, query: Query, *, path: str = "", begin: str | None = None) -> None:
        self._transport = transport
        self._begin = _Folder(query, path)
        # The folder that it begins at may turn up again below itself if somebody moves it.
        self._seen: set[str] = set() if begin is None else {begin}
        self.requests = 0
        """Pages asked for so far."""
        self.folders = 1
        """Folders found so far, with the one where it began."""

    def __iter__(self) -> Generator[PlacedFile, None, None]:
        waiting = deque([self._ask(self._begin)])
        ahead: deque[tuple[_Ask, Future[Page[File] | None]]] = deque()
        pool = ThreadPoolExecutor(MOST_IN_FLIGHT, thread_name_prefix="cgc-walk")
        try:
            while waiting or ahead:
                self._send(pool, waiting, ahead)
                ask, answer = ahead.popleft()
                page = answer.result()
                found = self._take(ask, page, waiting)
                # Before the files are given out: whoever takes them may be slow.
                self._send(pool, waiting, ahead)
                yield from found
        finally:
            # Not waiting: a request may be in the middle of its patience, and a killed task has seconds to end.
            pool.shutdown(wait=False, cancel_futures=True)

    def _send(
        self,
        pool: ThreadPoolExecutor,
        waiting: deque[_Ask],
        ahead: deque[tuple[_Ask, Future[Page[File] | None]]],
    ) -> None:
        while waiting and len(ahead) < _LOOK_AHEAD:
            ask = waiting.popleft()
            self.requests += 1
            ahead.append((ask, pool.submit(self._read, ask)))

    def _read(self, ask: _Ask) -> Page[File] | None:
        if ask.rest is not None:
            return next(ask.rest, None)
        query = ask.folder.query
        return first_page(self._transport, "/files", File.from_json, query, limit=PAGE_LIMIT, offset=ask.offset)

    def _take(self, ask: _Ask, page: Page[File] | None, waiting: deque[_Ask]) -> list[PlacedFile]:
        """Return the files of a page that are new; what is to be asked for because of it goes to `waiting`."""
        folder = ask.folder
        folder.asked -= 1
        items = () if page is None else page.items
        if page is not None:
            _note(folder, page)
            waiting.extend(self._following(ask, page))
        files: list[PlacedFile] = []
        for item in items:
            if item.id in self._seen:
                continue
            self._seen.add(item.id)
            if item.is_folder:
                self.folders += 1
                query = {**_without_place(folder.query), "parent": item.id}
                waiting.append(self._ask(_Folder(query, f"{folder.path}/{item.name}".lstrip("/"))))
            else:
                files.append(PlacedFile(item, folder.path))
        if not folder.asked and folder.shrank and not folder.repeated:
            waiting.append(self._ask(_Folder(folder.query, folder.path, repeated=True)))
        return files

    def _following(self, ask: _Ask, page: Page[File]) -> list[_Ask]:
        """Return the asks for the other pages of a folder: all at once where the first page tells how many."""
        folder = ask.folder
        offsets = range(PAGE_LIMIT, page.total or 0, PAGE_LIMIT)
        is_first = ask.rest is None and ask.offset == 0
        if is_first and len(page.items) == PAGE_LIMIT and 0 < len(offsets) <= _MOST_BY_OFFSET:
            return [self._ask(folder, offset, last=offset == offsets[-1]) for offset in offsets]
        if page.next is None or not ask.last or not page.items or folder.barren == BARREN_PAGES:
            return []
        rest = ask.rest
        if rest is None:
            rest = pages(self._transport, "/files", File.from_json, page)
            next(rest)  # the page that it starts with is this one
        return [self._ask(folder, rest=rest)]

    def _ask(
        self, folder: _Folder, offset: int = 0, *, rest: Iterator[Page[File]] | None = None, last: bool = True
    ) -> _Ask:
        folder.asked += 1
        return _Ask(folder, offset, rest, last)


def _note(folder: _Folder, page: Page[File]) -> None:
    """Note what a page tells of its folder: whether it brings anything new, and whether something was taken out."""
    known = len(folder.seen)
    folder.seen.update(item.id for item in page.items)
    folder.barren = 0 if len(folder.seen) > known else folder.barren + 1
    if page.total is not None:
        folder.shrank = folder.shrank or page.total < folder.most
        folder.most = max(folder.most, page.total)


def _without_place(query: Query) -> Query:
    return {key: value for key, value in query.items() if key not in ("project", "parent")}
