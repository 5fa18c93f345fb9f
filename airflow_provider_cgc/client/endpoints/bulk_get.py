"""Asking for many things in few calls, the same for every kind: one record per id, in the order asked.

How the platform answers an unknown id is documented nowhere. Three ways are handled: an error record, a gap, and a
404 for the whole call. https://docs.cancergenomicscloud.org/reference/get-details-of-a-bulk-export-job
A further kind of job gets it from `JobsEndpoint` (`jobs.py`).
A chunk of a hundred ids costs one call when the answer tells all, two when it leaves gaps, and never more than 24.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from airflow_provider_cgc.client.endpoints.paths import checked_ids
from airflow_provider_cgc.client.endpoints.records import Accounts, account, chunks_of
from airflow_provider_cgc.client.errors import CgcError, CgcNotFound
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.http.request import Request
from airflow_provider_cgc.client.http.retry import transient
from airflow_provider_cgc.client.http.transport import Transport

__all__ = ["BulkReader"]

log = logging.getLogger(__name__)

_MOST_CALLS = 24
"""Calls for one chunk, all in all: about 2 log2(100) and ten more. Two unknown ids among a hundred take at most 22."""


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
        """Return one record per id, in the order given; an id given twice is asked once."""
        asked = checked_ids(self._what, ids)
        found: dict[str, BulkRecord[T]] = {}
        for chunk in chunks_of(dict.fromkeys(asked)):
            found |= self._settle(chunk)
        return [found[name] for name in asked]

    def _settle(self, ids: Sequence[str]) -> dict[str, BulkRecord[T]]:
        """Ask; ask again for those that the answer leaves open, and at last one by one where that can tell more."""
        calls = _Calls()
        answer = self._ask(ids, calls)
        missing = _missing(ids, answer)
        if missing and len(ids) > 1:
            log.debug("%d of %d %s ids were left open; asking for them again", len(missing), len(ids), self._what)
            again = self._ask_again(missing, calls)
            answer.add(again)
            if again.unplaced or again.unreadable_unplaced:
                for name in _missing(missing, again):
                    answer.add(self._ask_again([name], calls))
        for name in _missing(ids, answer):
            problem = self._cannot_be_read() if name in answer.unreadable else self._not_mentioned()
            answer.records[name] = BulkRecord(None, None, problem)
        # Error records carry no id; ours do.
        return {
            name: record if record.id == name else BulkRecord(name, record.resource, record.error)
            for name, record in answer.records.items()
        }

    def _ask_again(self, ids: Sequence[str], calls: _Calls) -> Accounts[str, T]:
        """Ask for what an answer left open; trouble that may pass must not cost what that answer told."""
        try:
            return self._ask(ids, calls)
        except CgcError as trouble:
            if not transient(trouble, answered=True):
                raise
            log.debug("%d %s ids stay undecided: %s", len(ids), self._what, trouble)
            return Accounts(dict.fromkeys(ids, self._undecided()))

    def _ask(self, ids: Sequence[str], calls: _Calls) -> Accounts[str, T]:
        """Ask for some ids; with no calls left they stay undecided."""
        if not calls.left:
            return Accounts(dict.fromkeys(ids, self._undecided()))
        try:
            answer = self._call(ids, calls)
        except CgcNotFound as refusal:
            if refusal.code != self._unknown_code:
                raise
            return self._bisect(ids, refusal, calls)
        if len(ids) == 1 and answer.unreadable_unplaced:
            answer.unreadable.add(ids[0])
        return answer

    def _bisect(self, ids: Sequence[str], refusal: CgcNotFound, calls: _Calls) -> Accounts[str, T]:
        """Cut up a call that was refused for an unknown id, until the id stands alone or the calls are used up.

        One bad id among a hundred costs 12 calls at most, two cost 22; with many bad ids some stay undecided. A list
        is searched to its end before the next one, so that every time at least some are found.
        """
        result: Accounts[str, T] = Accounts()
        if len(ids) == 1:
            result.records[ids[0]] = BulkRecord(None, None, refusal.problem)
            return result
        refused = [list(ids)]
        try:
            self._cut_up(refused, result, calls)
        except CgcError as trouble:
            if not transient(trouble, answered=True):
                raise
            log.debug("%s ids stay undecided: %s", self._what, trouble)
            refused = [_missing(ids, result)]
        for part in refused:
            result.records |= dict.fromkeys(part, self._undecided())
        log.debug("one call for %d %s ids was refused; %d calls are left", len(ids), self._what, calls.left)
        return result

    def _cut_up(self, refused: list[list[str]], result: Accounts[str, T], calls: _Calls) -> None:
        """Ask for parts of what was refused, until nothing is refused any more or the calls are used up."""
        while refused and calls.left:
            bad = refused.pop()
            # Cut a little before the middle: the first part is always asked for, the second one not always.
            cut = max(len(bad) * 2 // 5, 1)
            first, second = bad[:cut], bad[cut:]
            fine = self._is_answered(first, result, calls)
            if not fine:
                refused.append(first)
            # When the first part is fine the bad id is in the second: that call can be saved.
            if (fine and len(second) > 1) or not calls.left or not self._is_answered(second, result, calls):
                refused.append(second)
            refused[:] = [part for part in refused if part[0] not in result.records]

    def _is_answered(self, part: Sequence[str], result: Accounts[str, T], calls: _Calls) -> bool:
        """Ask for a part and put its records into `result`; return False if the call was refused for an unknown id."""
        try:
            result.add(self._call(part, calls))
        except CgcNotFound as error:
            if error.code != self._unknown_code:
                raise
            if len(part) == 1:
                result.records[part[0]] = BulkRecord(None, None, error.problem)
            return False
        return True

    def _call(self, ids: Sequence[str], calls: _Calls) -> Accounts[str, T]:
        calls.left -= 1
        request = Request("POST", self._path, self._params, {self._ids_key: list(ids)})
        answer = self._transport.send(request)
        return account(ids, answer.value, parse=self._parse, key=_id, id_of=_id)

    def _not_mentioned(self) -> Problem:
        text = f"the platform's answer did not mention this {self._what}"
        return Problem(404, self._unknown_code, text, made_here=True)

    def _cannot_be_read(self) -> Problem:
        text = f"the platform's answer about this {self._what} cannot be read"
        return Problem(None, None, text, made_here=True, undecided=True)

    def _undecided(self) -> BulkRecord[T]:
        text = "not known yet whether this id exists"
        return BulkRecord(None, None, Problem(None, None, text, made_here=True, undecided=True))


@dataclass
class _Calls:
    """The calls that one chunk may still cost."""

    left: int = _MOST_CALLS


def _missing(ids: Iterable[str], answer: Accounts[str, T]) -> list[str]:
    return [name for name in ids if name not in answer.records]


def _id(thing: _HasId) -> str:
    return thing.id
