"""Asking for many things in few calls, the same for every kind: one record per id, in the order asked.

How the platform answers an unknown id is documented nowhere. Three ways are handled: an error record, a gap, and a
404 for the whole call. https://docs.cancergenomicscloud.org/reference/get-details-of-a-bulk-export-job
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from airflow_provider_cgc.client.bulk import Accounts, account, chunks_of
from airflow_provider_cgc.client.endpoints.paths import checked_ids
from airflow_provider_cgc.client.errors import CgcNotFound, CgcUnreadableError
from airflow_provider_cgc.client.models import BulkRecord
from airflow_provider_cgc.client.problems import Problem
from airflow_provider_cgc.client.transport import Request, Transport

__all__ = ["BulkReader"]

log = logging.getLogger(__name__)


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_HasId)


class BulkReader(Generic[T]):
    """Bulk get of one kind. `unknown_code` is the platform's code for an id of this kind that does not exist."""

    def __init__(
        self,
        transport: Transport,
        path: str,
        *,
        ids_key: str,
        what: str,
        parse: Callable[[object], T],
        unknown_code: int,
        fields: str | None = None,
    ) -> None:
        self._transport = transport
        self._path = path
        self._ids_key = ids_key
        self._what = what
        self._parse = parse
        self._unknown_code = unknown_code
        self._params = {"fields": fields} if fields else {}

    def get(self, ids: Iterable[str]) -> list[BulkRecord[T]]:
        """One record per id, in the order given; an id given twice is asked once."""
        asked = checked_ids(self._what, ids)
        found: dict[str, BulkRecord[T]] = {}
        for chunk in chunks_of(dict.fromkeys(asked)):
            found |= self._settle(chunk)
        return [found[name] for name in asked]

    def _settle(self, ids: Sequence[str]) -> dict[str, BulkRecord[T]]:
        """Ask; ask again for those that the answer leaves open, and at last one by one where that can tell more."""
        answer = self._ask(ids)
        missing = [name for name in ids if name not in answer.records]
        if missing and len(ids) > 1:
            log.debug("%d of %d %s ids were left open; asking for them again", len(missing), len(ids), self._what)
            second = self._ask(missing)
            answer.records |= second.records
            missing = [name for name in missing if name not in answer.records]
            if missing and (second.unplaced or second.unreadable):
                for name in missing:
                    answer.records |= self._ask([name], last=True).records
        elif missing and answer.unreadable:
            raise self._unreadable(missing[0])
        for name in missing:
            answer.records.setdefault(name, BulkRecord(None, None, self._not_mentioned()))
        return {name: _named(name, record) for name, record in answer.records.items()}

    def _ask(self, ids: Sequence[str], *, last: bool = False) -> Accounts[str, T]:
        try:
            answer = self._call(ids)
        except CgcNotFound as refusal:
            if refusal.code != self._unknown_code:
                raise
            return self._bisect(ids, refusal)
        if last and answer.unreadable and ids[0] not in answer.records:
            raise self._unreadable(ids[0])
        return answer

    def _bisect(self, ids: Sequence[str], refusal: CgcNotFound) -> Accounts[str, T]:
        """The whole call was refused for an unknown id: halve until it stands alone.

        A bad id among n costs about 2 log2(n) calls; in the worst case, where all are bad, 2 n.
        """
        result: Accounts[str, T] = Accounts()
        calls = 0
        open_lists = [(list(ids), refusal)]
        while open_lists:
            bad, reason = open_lists.pop()
            if len(bad) == 1:
                result.records[bad[0]] = BulkRecord(None, None, reason.problem)
                continue
            half = len(bad) // 2
            for part in (bad[:half], bad[half:]):
                calls += 1
                try:
                    answer = self._call(part)
                except CgcNotFound as error:
                    if error.code != self._unknown_code:
                        raise
                    open_lists.append((part, error))
                else:
                    result.records |= answer.records
                    result.unplaced += answer.unplaced
                    result.unreadable += answer.unreadable
        log.debug("one call for %d %s ids was refused; halving it took %d calls", len(ids), self._what, calls)
        return result

    def _call(self, ids: Sequence[str]) -> Accounts[str, T]:
        request = Request("POST", self._path, self._params, {self._ids_key: list(ids)})
        answer = self._transport.send(request)
        return account(ids, answer.value, parse=self._parse, key=_id, id_of=_id)

    def _not_mentioned(self) -> Problem:
        text = f"the platform's answer did not mention this {self._what}"
        return Problem(404, self._unknown_code, text, made_here=True)

    def _unreadable(self, name: str) -> CgcUnreadableError:
        return CgcUnreadableError(f"POST {self._path}: the record of {self._what} {name} cannot be read")


def _id(thing: _HasId) -> str:
    return thing.id


def _named(name: str, record: BulkRecord[T]) -> BulkRecord[T]:
    """Error records carry no id; ours do."""
    return record if record.id == name else BulkRecord(name, record.resource, record.error)
