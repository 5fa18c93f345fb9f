"""The ledgers of a first attempt and of a later one in one store, and what these know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from airflow_provider_cgc.client.errors.problem import BulkRecord
from airflow_provider_cgc.client.models import ExportJob
from airflow_provider_cgc.jobs.exports.item import ExportKey
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.submitting.header import Header, header_name
from airflow_provider_cgc.jobs.submitting.ledger import Fate, Ledger, Past
from dev.virtual_time import START
from tests.fakes.job_lists import at, key
from tests.fakes.store import Store

HEADER = header_name(EXPORT)
BEGAN = at(START)
LATER = at(START + 1000)
KEYS = [key(number) for number in range(6)]
NEVER, UNCERTAIN = Past(Fate.NEVER_SENT), Past(Fate.UNCERTAIN)


def opened(
    store: Store,
    keys: Sequence[ExportKey] = KEYS,
    *,
    since: datetime = LATER,
    owner: str = "me",
    fresh: bool = False,
) -> Ledger:
    """Give the ledger of a later attempt."""
    return Ledger(store, EXPORT, keys, since=since, owner=owner, fresh=fresh)


def first(store: Store, keys: Sequence[ExportKey] = KEYS) -> Ledger:
    """Give the ledger of the first attempt."""
    return opened(store, keys, since=BEGAN, fresh=True)


def header_of(store: Store) -> Header:
    return Header.read(store, EXPORT)


def pasts(ledger: Ledger, keys: Sequence[ExportKey] = KEYS) -> list[Past]:
    return [ledger.past(key) for key in keys]


def started(*ids: str) -> list[BulkRecord[ExportJob]]:
    return [BulkRecord(job_id) for job_id in ids]
