"""Changing many files in few calls; what an item does not give stays as it is.

The pages of https://docs.cancergenomicscloud.org/reference name an item's id `file_id`, but the vendor's own client
sends `id`, which is known to work (https://github.com/sbg/sevenbridges-python).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from airflow_provider_cgc.client.endpoints.items import checked_text, known_item, refuse_no_list
from airflow_provider_cgc.client.endpoints.records import Accounts, account, chunks_of
from airflow_provider_cgc.client.errors import CgcError, CgcNotFound, CgcUsageError
from airflow_provider_cgc.client.errors.codes import NO_SUCH_FILE
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem, one_line
from airflow_provider_cgc.client.http.request import Request
from airflow_provider_cgc.client.http.retry import transient
from airflow_provider_cgc.client.http.transport import Transport
from airflow_provider_cgc.client.models import File

__all__ = ["edit_files"]

log = logging.getLogger(__name__)

_Body: TypeAlias = dict[str, Any]
_PATH = "/bulk/files/edit"
_MOST_ALONE = 10
"""Items of one call that are sent again alone, if its answer leaves open what became of them."""
_CHANGES = frozenset({"name", "tags", "metadata"})


def edit_files(transport: Transport, items: Iterable[Mapping[str, Any]]) -> list[BulkRecord[File]]:
    """Check all items, then send them, a hundred in a call; one record per item, in order."""
    records: list[BulkRecord[File]] = []
    for chunk in chunks_of(_checked(items)):
        try:
            parts = [(chunk, _settle(transport, chunk))]
        except CgcNotFound as error:
            if error.code != NO_SUCH_FILE:
                raise
            # A single file that is gone must not keep the others from being changed.
            parts = [([body], _alone(transport, body)) for body in chunk]
        records += [_record(body["id"], accounts) for part, accounts in parts for body in part]
    return records


def _alone(transport: Transport, body: _Body) -> Accounts[str, File]:
    """Send one item; a refusal of the whole call is its own."""
    try:
        return _settle(transport, [body])
    except CgcNotFound as error:
        if error.code != NO_SUCH_FILE:
            raise
        return Accounts({body["id"]: BulkRecord(None, None, error.problem)})


def _settle(transport: Transport, chunk: Sequence[_Body]) -> Accounts[str, File]:
    """Send some items; of those that the answer leaves open, the first few are sent again, each alone."""
    accounts, count = _send(transport, chunk)
    left = _left(chunk, accounts)
    if len(chunk) == count == len(accounts.records) + len(accounts.unplaced) and len(set(accounts.unplaced)) == 1:
        # As many refusals as files are left, and all the same: it does not matter which is whose.
        accounts.records |= {body["id"]: BulkRecord(None, None, accounts.unplaced[0]) for body in left}
    elif len(chunk) > 1:
        for body in left[:_MOST_ALONE]:
            try:
                accounts.add(_send(transport, [body])[0])
            except CgcError as trouble:
                # It must not cost the others what the first answer told of them.
                if not transient(trouble, answered=True):
                    raise
                log.debug("the change of file %s stays undecided: %s", body["id"], trouble)
                break
    return accounts


def _send(transport: Transport, chunk: Sequence[_Body]) -> tuple[Accounts[str, File], int]:
    """Send some items once, and return the number of records in the answer, too. Sent twice, it ends the same."""
    answer = transport.send(Request("POST", _PATH, body={"items": list(chunk)})).value
    asked = [body["id"] for body in chunk]
    accounts = account(asked, answer, parse=File.from_json, key=_id, id_of=_id)
    return accounts, len(answer["items"])


def _left(chunk: Sequence[_Body], accounts: Accounts[str, File]) -> list[_Body]:
    return [body for body in chunk if body["id"] not in accounts.records]


def _checked(items: Iterable[Mapping[str, Any]]) -> list[_Body]:
    """Return the items as they are sent; raises `CgcUsageError`."""
    refuse_no_list(items)
    bodies: list[_Body] = []
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        body = _wire(index, known_item(index, item, _CHANGES | {"id"}))
        before = first.setdefault(body["id"], index)
        if before != index:
            raise CgcUsageError(f"items {before} and {index} change the same file, {body['id']!r}; put them into one")
        bodies.append(body)
    return bodies


def _wire(index: int, item: Mapping[str, Any]) -> _Body:
    body: _Body = {"id": checked_text(index, item, "id")}
    given = sorted(key for key in _CHANGES if item.get(key) is not None)
    if not given:
        raise CgcUsageError(f"item {index}: changes nothing; give one of {', '.join(sorted(_CHANGES))}")
    if "name" in given:
        body["name"] = checked_text(index, item, "name")
    if "tags" in given:
        body["tags"] = _checked_tags(index, item["tags"])
    if "metadata" in given:
        body["metadata"] = _checked_metadata(index, item["metadata"])
    return body


def _checked_tags(index: int, tags: object) -> list[str]:
    if not isinstance(tags, Sequence) or isinstance(tags, str | bytes):
        raise CgcUsageError(f"item {index}: 'tags' must be a list of texts, not {tags!r}")
    for tag in tags:
        if not isinstance(tag, str) or not tag:
            raise CgcUsageError(f"item {index}: each of 'tags' must be a text, and not empty, but one is {tag!r}")
    return list(tags)


def _checked_metadata(index: int, metadata: object) -> dict[str, str | None]:
    if not isinstance(metadata, Mapping):
        raise CgcUsageError(f"item {index}: 'metadata' must be an object, not {metadata!r}")
    for key, value in metadata.items():
        if not isinstance(key, str) or not key:
            raise CgcUsageError(
                f"item {index}: each key of 'metadata' must be a text, and not empty, but one is {key!r}"
            )
        if not isinstance(value, str | None):
            raise CgcUsageError(f"item {index}: {key!r} in 'metadata' must be a text or null, but is {value!r}")
    return dict(metadata)


def _record(file_id: str, accounts: Accounts[str, File]) -> BulkRecord[File]:
    """Return the record of one file; error records carry no id, ours do."""
    record = accounts.records.get(file_id)
    if record is not None:
        return BulkRecord(file_id, record.resource, record.error)
    if file_id in accounts.unreadable:
        text = "the platform's answer about this file cannot be read"
    else:
        text = "the platform's answer does not show whether this file was changed"
        said = "; ".join(dict.fromkeys(map(str, accounts.unplaced)))
        text += f"; of some files, it does not say which, it says: {said}" if said else ""
    return BulkRecord(file_id, None, Problem(None, None, one_line(text), made_here=True, undecided=True))


def _id(file: File) -> str:
    return file.id
