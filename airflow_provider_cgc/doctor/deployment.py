"""The checks of Airflow itself: a triggerer for deferred tasks, and the storage of manifests."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_cgc import storage
from airflow_provider_cgc.client.errors.problem import as_sentence, one_line
from airflow_provider_cgc.doctor.database import NoDatabase, address_of, open_database
from airflow_provider_cgc.doctor.finding import Finding, failed, not_checked, note, ok, without_secrets
from airflow_provider_cgc.doctor.foreign import foreign
from airflow_provider_cgc.doctor.visit import Visit
from airflow_provider_cgc.jobs.text import clock_time, counted, duration

__all__ = ["check_manifest", "check_triggerer"]

_JOB_TYPE = "TriggererJob"
_ASK_AIRFLOW = f"airflow jobs check --job-type {_JOB_TYPE}"
_START = "Start one with `airflow triggerer`, or give the tasks deferrable=False, and mode='reschedule' for long waits."
_LINE = "written by the doctor of airflow-provider-cgc; may be deleted\n"


def check_triggerer(visit: Visit) -> Finding:
    """Look for the heartbeat of a triggerer in Airflow's database."""
    try:
        with open_database() as session:
            return _triggerer(session)
    except NoDatabase as reason:
        return note(
            f"{reason}, so that it is not known whether a triggerer is alive: run `{_ASK_AIRFLOW}` on the machine of"
            " the scheduler."
        )


def check_manifest(visit: Visit) -> Finding:
    """Write a file beside the manifest, read it, and remove it."""
    path = visit.wanted.manifest_path
    if not path:
        return not_checked("give --manifest-path")
    try:
        return _try_storage(storage.address(path, visit.wanted.manifest_conn_id))
    except storage.BadPath as error:
        text = as_sentence(error)
    except Exception as error:  # noqa: BLE001  # each storage has errors of its own
        text = (
            f"The path {one_line(without_secrets(path))} cannot be used ({foreign(error)}). Check the connection of the"
            " storage, its rights, and the network."
        )
    for secret in filter(None, _secrets_in(path)):  # a storage may tell them apart from their address
        text = text.replace(secret, "***")
    return failed(text)


def _secrets_in(path: str) -> Iterator[str]:
    """Yield the parts of an address that nobody should have written there: a signature, a password."""
    with suppress(ValueError):
        parts = urlsplit(path)
        yield from (parts.query, parts.netloc.rpartition("@")[0].partition(":")[2])


def _triggerer(session: Any) -> Finding:
    from airflow.jobs.job import Job
    from sqlalchemy import select

    jobs = list(session.scalars(select(Job).where(Job.job_type == _JOB_TYPE).order_by(Job.latest_heartbeat.desc())))
    alive = [job for job in jobs if job.is_alive()]
    if alive:
        hosts = ", ".join(sorted({one_line(job.hostname) for job in alive}))
        return ok(f"{counted(len(alive), 'triggerer')} alive, on {hosts}; the last heartbeat was {_ago(alive[0])} ago")
    database = address_of(session)
    if not jobs:
        return failed(f"No triggerer has ever run with the database {database}. {_START}")
    last = jobs[0]
    return failed(
        f"No triggerer is alive (database {database}): the last one, on {one_line(last.hostname)}, gave its last"
        f" heartbeat {_ago(last)} ago, at {clock_time(last.latest_heartbeat.timestamp())}. {_START}"
    )


def _ago(job: Any) -> str:
    return duration(max(time.time() - job.latest_heartbeat.timestamp(), 0))


def _try_storage(uri: str) -> Finding:
    storage.check(uri)
    beside = f"{uri.rpartition('/')[0]}/cgc-doctor-{uuid.uuid4().hex[:8]}-may-be-deleted.txt"
    storage.write_lines(beside, [_LINE])
    try:
        read = "".join(storage.read_lines(beside))
    finally:
        storage.remove(beside)
    if read != _LINE:
        return failed(
            f"The file {beside} was written, and read back as other text. Check that nothing else changes the files"
            " there, and that the storage shows new files at once."
        )
    warning = storage.local_warning(uri)
    text = f"a file beside {uri} was written, read and removed"
    return note(f"{text}; {warning}") if warning else ok(text)
