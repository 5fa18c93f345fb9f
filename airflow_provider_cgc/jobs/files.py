"""Asking for files until it is certain whether they exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from airflow_provider_cgc.client.errors import CgcApiError, CgcForbidden, CgcNotFound
from airflow_provider_cgc.client.errors.codes import NO_SUCH_FILE
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.jobs.waiting.look import records_of

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.models import File

    Records = Mapping[str, BulkRecord[File]]

MOST_CONFIRMED = 100
"""Files that are asked for one by one at most, with a request each, because a bulk answer left them out."""
NOT_ASKED = Problem(
    None, None, "the platform's answer left out this file and too many others", made_here=True, undecided=True
)


def file_records(client: CgcClient, ids: Iterable[str]) -> dict[str, BulkRecord[File]]:
    """
    Ask for files until it is known of each whether it exists; return a record for each id.

    :raises CgcError: if a request fails.
    """
    return confirm_missing(client, records_of(client.files.bulk_get, ids))


def confirm_missing(client: CgcClient, records: Records) -> dict[str, BulkRecord[File]]:
    """
    Ask one by one for files that the bulk answers left out, because a gap alone does not prove that a file is gone.

    If there are more than `MOST_CONFIRMED` such files, the others stay undecided.

    :raises CgcError: if a request fails.
    """
    gaps = [file_id for file_id, record in records.items() if _is_gap(record)]
    asked = {file_id: _get_one(client, file_id) for file_id in gaps[:MOST_CONFIRMED]}
    unasked: Records = {file_id: BulkRecord(file_id, None, NOT_ASKED) for file_id in gaps[MOST_CONFIRMED:]}
    return {**records, **asked, **unasked}


def problem_unless_gateway(error: CgcApiError) -> Problem:
    """Return the platform's problem; raise `error` itself if it has no code: then a gateway refused the call."""
    if error.code is None:
        raise error
    return error.problem


def _is_gap(record: BulkRecord[File]) -> bool:
    error = record.error
    return error is not None and error.made_here and error.code == NO_SUCH_FILE


def _get_one(client: CgcClient, file_id: str) -> BulkRecord[File]:
    try:
        return BulkRecord(file_id, client.files.get(file_id))
    except (CgcNotFound, CgcForbidden) as error:
        return BulkRecord(file_id, None, problem_unless_gateway(error))
