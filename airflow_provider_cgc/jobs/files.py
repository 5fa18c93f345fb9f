"""What the platform tells of files, asked until it is told for certain whether they exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from airflow_provider_cgc.client.codes import NO_SUCH_FILE
from airflow_provider_cgc.client.errors import CgcApiError, CgcForbidden, CgcNotFound
from airflow_provider_cgc.client.models import BulkRecord
from airflow_provider_cgc.client.problems import Problem
from airflow_provider_cgc.jobs.sweep import records_of

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.models import File

    Records = Mapping[str, BulkRecord[File]]

MOST_CONFIRMED = 100
"""Files asked for one by one, because no answer about many has mentioned them; one request each."""


def file_records(client: CgcClient, ids: Iterable[str]) -> dict[str, BulkRecord[File]]:
    """Ask for files, and once more for those of which an answer tells nothing. Raises `CgcError`."""
    return confirmed(client, records_of(client.files.bulk_get, ids))


def confirmed(client: CgcClient, records: Records) -> dict[str, BulkRecord[File]]:
    """
    Ask for the files that no answer has mentioned one by one: whether a gap means that there is none is documented
    nowhere, and a file that is there must not be taken for a deleted one. Raises `CgcError`.
    """
    gaps = [name for name, record in records.items() if _is_gap(record)]
    return {**records, **{name: _alone(client, name) for name in gaps[:MOST_CONFIRMED]}}


def _is_gap(record: BulkRecord[File]) -> bool:
    error = record.error
    return error is not None and error.made_here and error.code == NO_SUCH_FILE


def _alone(client: CgcClient, file_id: str) -> BulkRecord[File]:
    try:
        return BulkRecord(file_id, client.files.get(file_id))
    except (CgcNotFound, CgcForbidden) as error:
        return BulkRecord(file_id, None, refusal(error))


def refusal(error: CgcApiError) -> Problem:
    """Return what the platform said; a refusal without a code is a gateway's, and about the whole call."""
    if error.code is None:
        raise error
    return error.problem
