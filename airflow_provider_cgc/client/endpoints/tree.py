"""Reading a tree of folders: lazily, several pages side by side, each file once, with the folders it lies in.

A list shows one level only, and a filter of the platform leaves out folders too
(https://docs.cancergenomicscloud.org/reference/list-files-primary-method), so a tree is read whole, page by page.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from airflow_provider_cgc.client.endpoints.pages import BARREN_PAGES, PageStart, Query, Reading, page_at
from airflow_provider_cgc.client.http.transport import Transport
from airflow_provider_cgc.client.models import File
from airflow_provider_cgc.client.models.lists import PAGE_LIMIT, Page

__all__ = ["MOST_IN_FLIGHT", "FoundFile", "Walk"]

MOST_IN_FLIGHT = 8
"""Requests at a time."""

_LOOK_AHEAD = 2 * MOST_IN_FLIGHT
"""Pages asked for before the oldest of them has been given out: what memory holds of a tree."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file, and the path below the start of the walk of the folder that it lies in; a folder, and its own path.

    So a folder has the path that the files directly in it have: names with slashes between, "" for the start itself.
    """

    file: File
    path: str


@dataclass(slots=True)
class _Folder:
    """A folder and the state of its reading."""

    query: Query
    path: str
    repeated: bool = False
    asked: int = 0
    """Pages that are on their way or wait for their turn."""
    largest_total: int = 0
    """The largest total that a page told."""
    shrank: bool = False
    reading: Reading[File] = field(default_factory=lambda: Reading("/files"))


@dataclass(frozen=True, slots=True)
class _Ask:
    """One page to ask for; with `stop` the pages at the offsets after it are asked for too, up to that one."""

    folder: _Folder
    where: PageStart = 0
    stop: int = 0
    until: int = 0
    """The offset of a page that is asked for without waiting for this one."""

    @property
    def next(self) -> _Ask | None:
        """The ask for that page."""
        return _by_offset(self.folder, self.until, self.stop) if self.until < self.stop else None


def _by_offset(folder: _Folder, offset: int, stop: int) -> _Ask:
    return _Ask(folder, offset, stop, min(offset + PAGE_LIMIT, stop))


class Walk:
    """The files below a project or folder as `FoundFile`, in the same order for the same tree; to be read once.

    Pages are read while you iterate, at most 8 at a time and 16 ahead. Whoever stops early leaves requests that are
    under way to end by themselves. A folder that moves meanwhile is read once, where it was seen first. One from which
    something is removed while its pages come in is read twice, because the rest has moved up past a page's edge.
    `top` is the id of the folder where it begins, if it is one. `into` chooses by their paths the folders that are
    read, without it all are. Where `folders` is true, the folders are found, too, also those that are not read.
    """

    def __init__(
        self,
        transport: Transport,
        query: Query,
        *,
        path: str = "",
        top: str | None = None,
        into: Callable[[str], bool] | None = None,
        folders: bool = False,
    ) -> None:
        self._transport = transport
        self._top = _Folder(query, path)
        self._into = into
        self._with_folders = folders
        # The folder where it begins may turn up again below itself if somebody moves it.
        self._seen: set[str] = set() if top is None else {top}
        self.requests = 0
        """Pages asked for so far."""
        self.folders = 1
        """Folders that are read or wait for it so far, with the one where it began."""

    def __iter__(self) -> Generator[FoundFile, None, None]:
        waiting: deque[_Ask] = deque()
        _add(waiting, _Ask(self._top))
        ahead: deque[tuple[_Ask, Future[Page[File]]]] = deque()
        pool = ThreadPoolExecutor(MOST_IN_FLIGHT, thread_name_prefix="cgc-walk")
        try:
            while waiting or ahead:
                self._send(pool, waiting, ahead)
                if not ahead:
                    break
                ask, answer = ahead.popleft()
                found = self._take(ask, answer.result(), waiting)
                # Before the files are given out: whoever takes them may be slow.
                self._send(pool, waiting, ahead)
                yield from found
        finally:
            # Not waiting: a request may be in the middle of its patience, and a killed task has seconds to end.
            pool.shutdown(wait=False, cancel_futures=True)

    def _send(
        self, pool: ThreadPoolExecutor, waiting: deque[_Ask], ahead: deque[tuple[_Ask, Future[Page[File]]]]
    ) -> None:
        while waiting and len(ahead) < _LOOK_AHEAD:
            ask = waiting.popleft()
            if ask.stop and ask.folder.reading.barren >= BARREN_PAGES:
                # The total has promised too much.
                _close(ask, waiting)
                continue
            if ask.next is not None:
                _add(waiting, ask.next, first=True)
            self.requests += 1
            ahead.append((ask, pool.submit(self._read, ask)))

    def _read(self, ask: _Ask) -> Page[File]:
        return page_at(self._transport, "/files", File.from_json, ask.folder.query, ask.where, limit=PAGE_LIMIT)

    def _take(self, ask: _Ask, page: Page[File], waiting: deque[_Ask]) -> list[FoundFile]:
        """Return the new files and folders of a page; the pages to ask for because of it go to `waiting`."""
        folder = ask.folder
        found: list[FoundFile] = []
        new = folder.reading.take(page, ask.where)
        _note(folder, page)
        following = _following(ask, page)
        if following is not None:
            _add(waiting, following)
        for item in new:
            if item.id in self._seen:
                continue
            self._seen.add(item.id)
            if not item.is_folder:
                found.append(FoundFile(item, folder.path))
                continue
            path = f"{folder.path}/{item.name}" if folder.path else item.name
            if self._with_folders:
                found.append(FoundFile(item, path))
            if self._into is None or self._into(path):
                self.folders += 1
                query = {**_without_folder(folder.query), "parent": item.id}
                _add(waiting, _Ask(_Folder(query, path)))
        _close(ask, waiting)
        return found


def _following(ask: _Ask, page: Page[File]) -> _Ask | None:
    """Return the next ask after a page; a full first page with a total is followed by all others at once."""
    folder, total = ask.folder, page.total or 0
    if ask.where == 0 and not folder.repeated and len(page.items) == PAGE_LIMIT < total:
        return _by_offset(folder, PAGE_LIMIT, total)
    if isinstance(ask.where, int) and ask.until:
        # A page may have less than it was asked for, and not be the last.
        end = ask.where + len(page.items)
        if page.items and end < ask.until:
            return _Ask(folder, end, until=ask.until)
        if ask.until != ask.stop:
            return None
    where = folder.reading.advance(page)
    return None if where is None else _Ask(folder, where)


def _note(folder: _Folder, page: Page[File]) -> None:
    """Note that something was removed meanwhile, by totals that fall."""
    if page.total is not None:
        folder.shrank = folder.shrank or page.total < folder.largest_total
        folder.largest_total = max(folder.largest_total, page.total)


def _add(waiting: deque[_Ask], ask: _Ask, *, first: bool = False) -> None:
    ask.folder.asked += 1
    if first:
        waiting.appendleft(ask)
    else:
        waiting.append(ask)


def _close(ask: _Ask, waiting: deque[_Ask]) -> None:
    """Count an ask as answered; after the last one of a folder that shrank, read it once more."""
    folder = ask.folder
    folder.asked -= 1
    if not folder.asked and folder.shrank and not folder.repeated:
        _add(waiting, _Ask(_Folder(folder.query, folder.path, repeated=True)))


def _without_folder(query: Query) -> Query:
    return {key: value for key, value in query.items() if key not in ("project", "parent")}
