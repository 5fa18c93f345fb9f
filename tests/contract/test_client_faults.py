"""Our client against the faults of the emulated platform, over a real line."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cgc.client import (
    CgcBudgetSpent,
    CgcClient,
    CgcConnectionError,
    CgcError,
    CgcForbidden,
    CgcNotFound,
    CgcRateLimited,
    CgcRedirect,
    CgcTimeoutError,
    CgcUnauthorized,
    CgcUnavailable,
    CgcUnreadableError,
    started_ids,
    transient,
)
from airflow_provider_cgc.emulator import CgcEmulator
from tests.contract.clients import Connect, calls, export_items

GET = "POST /v2/bulk/storage/exports/get"
CREATE = "POST /v2/bulk/storage/exports/create"


@pytest.mark.parametrize(
    ("fault", "kind", "passes"),
    [
        ("429", CgcRateLimited, True),
        ("503_maintenance", CgcUnavailable, True),
        ("503", CgcUnavailable, True),
        ("503_html", CgcUnavailable, True),
        ("502_html", CgcUnavailable, True),
        ("500", CgcUnavailable, True),
        ("504_html", CgcUnavailable, True),
        ("401", CgcUnauthorized, False),
        ("403", CgcForbidden, False),
        ("404_gateway", CgcNotFound, False),
        ("404_html", CgcNotFound, False),
        ("302_html", CgcRedirect, False),
        ("drop_before", CgcConnectionError, True),
        ("drop_after", CgcConnectionError, True),
        ("half_body", CgcUnreadableError, True),
        ("broken_json", CgcUnreadableError, True),
    ],
)
def test_fault_has_its_type(
    cgc: CgcEmulator, client: CgcClient, connect: Connect, fault: Any, kind: type[CgcError], passes: bool
) -> None:
    [job_id] = started_ids(client.exports.bulk_create(export_items(cgc, 1), copy_only=True))
    cgc.fault(fault)

    with pytest.raises(kind) as caught:
        client.exports.bulk_get([job_id])

    assert transient(caught.value) is passes
    assert cgc.token not in str(caught.value)
    # After a 429 the same client would keep still for a while.
    assert connect(cgc).exports.bulk_get([job_id])[0].resource is not None


@pytest.mark.parametrize("fault", ["500", "502_html", "drop_before", "drop_after", "half_body", "broken_json"])
def test_patient_read_succeeds(cgc: CgcEmulator, connect: Connect, fault: Any) -> None:
    client = connect(cgc, patience=20)
    [job_id] = started_ids(client.exports.bulk_create(export_items(cgc, 1), copy_only=True))
    cgc.fault(fault, path="/v2/bulk/storage/exports/get")

    assert client.exports.bulk_get([job_id])[0].resource is not None
    assert calls(cgc, GET) == 2


@pytest.mark.parametrize("fault", ["drop_after", "half_body", "broken_json"])
def test_lost_create_sent_once(cgc: CgcEmulator, connect: Connect, fault: Any) -> None:
    """A patient create whose answer is lost is sent once."""
    client = connect(cgc, patience=20)
    cgc.fault(fault, path="/v2/bulk/storage/exports/create")

    with pytest.raises((CgcConnectionError, CgcUnreadableError)) as caught:
        client.exports.bulk_create(export_items(cgc, 3), copy_only=True)

    assert transient(caught.value)
    assert calls(cgc, CREATE) == 1
    found = list(client.exports.list(volume=cgc.volume))
    assert {(job.file, job.location) for job in found} == {
        (item["file"], item["location"]) for item in export_items(cgc, 3)
    }


def test_slow_answer_times_out(cgc: CgcEmulator, connect: Connect) -> None:
    cgc.fault("slow", seconds=5)

    with pytest.raises(CgcTimeoutError) as caught:
        connect(cgc, timeout=0.3).user()

    assert caught.value.sent


def test_used_up_window_is_told(connect: Connect) -> None:
    """A window that is used up is told, and the budget knows of it."""
    with CgcEmulator(files=5, rate_limit=10) as cgc:
        client = connect(cgc, rate_share=0.5)
        for _ in range(5):
            client.user()

        assert 0 < client.budget.delay() <= 301
        with pytest.raises(CgcBudgetSpent, match=r"rate_share 0\.5 of 10 in 5 minutes"):
            client.user()
        assert calls(cgc, "GET /v2/user") == 5
        for _ in range(5):
            connect(cgc).user()
        with pytest.raises(CgcRateLimited) as caught:
            connect(cgc).user()

    assert caught.value.code == 1000
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 301
