"""The table of repeats: what is sent again, after how long, and what never."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from airflow_provider_cgc.client.errors import (
    CgcBadRequest,
    CgcBudgetSpent,
    CgcCertificateError,
    CgcConflict,
    CgcConnectionError,
    CgcError,
    CgcForbidden,
    CgcForeignLinkError,
    CgcItemsRefused,
    CgcNotFound,
    CgcRateLimited,
    CgcRedirect,
    CgcSettingsError,
    CgcTimeoutError,
    CgcUnauthorized,
    CgcUnavailable,
    CgcUnreadableError,
    CgcUsageError,
)
from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.client.http.retry import counts_as_attempt, not_from_platform, transient, wait_before_repeat


def api(kind: Any, status: int, code: int | None = None, retry_after: float | None = None) -> Any:
    return kind(Problem(status, code, "text"), status=status, call="GET /user", retry_after=retry_after)


NEVER = [
    CgcUsageError("x"),
    CgcSettingsError("timeout", "x"),
    CgcForeignLinkError("x"),
    CgcCertificateError("x", sent=False),
    CgcItemsRefused("x", records=[], started=[]),
    api(CgcBadRequest, 400),
    api(CgcBadRequest, 405),
    api(CgcBadRequest, 422),
    api(CgcUnauthorized, 401),
    api(CgcForbidden, 403),
    api(CgcNotFound, 404, 9008),
    api(CgcNotFound, 404),
    api(CgcConflict, 409),
]
PAGE = Problem(404, None, "a page", made_here=True)
ASTRAY = [
    CgcRedirect("x", status=302, to_host=None),
    CgcNotFound(PAGE, status=404, call="GET /user"),
    CgcBadRequest(PAGE, status=405, call="GET /user"),
]
NOT_SENT = [CgcConnectionError("refused", sent=False), CgcTimeoutError("no connection", sent=False)]
MAYBE_DONE = [
    CgcConnectionError("dropped", sent=True),
    CgcTimeoutError("late", sent=True),
    CgcUnreadableError("html"),
    api(CgcUnavailable, 500),
    api(CgcUnavailable, 502),
    api(CgcUnavailable, 503, 90005),
    api(CgcUnavailable, 503, 0),
    api(CgcUnavailable, 504),
    api(CgcBadRequest, 408),
]
SPENT = CgcBudgetSpent("Airflow's share is used up", call="GET /user", retry_after=30.0)
LIMITED = [api(CgcRateLimited, 429, 1000, 30.0), api(CgcRateLimited, 429), SPENT]


def name(error: CgcError) -> str:
    return f"{type(error).__name__}-{getattr(error, 'status', '')}-{getattr(error, 'sent', '')}"


def half() -> float:
    return 0.5


@pytest.mark.parametrize("error", [*NEVER, *ASTRAY], ids=name)
@pytest.mark.parametrize("repeatable", [True, False])
def test_hopeless_is_never_resent(error: CgcError, repeatable: bool) -> None:
    assert wait_before_repeat(error, repeatable=repeatable, attempt=1, random=half) is None
    assert not transient(error)


@pytest.mark.parametrize("error", ASTRAY, ids=name)
def test_astray_passes_later(error: CgcError) -> None:
    """An answer that leads astray may pass if the address has answered before."""
    assert not_from_platform(error)
    assert transient(error, answered=True)


@pytest.mark.parametrize("error", [*NEVER, CgcForbidden(PAGE, status=403, call="GET /user")], ids=name)
def test_platforms_word_stays(error: CgcError) -> None:
    """A refusal by the platform itself does not pass because the address has answered."""
    assert not not_from_platform(error)
    assert not transient(error, answered=True)


@pytest.mark.parametrize("error", [*NOT_SENT, *MAYBE_DONE, *LIMITED], ids=name)
def test_read_is_repeated(error: CgcError) -> None:
    wait = wait_before_repeat(error, repeatable=True, attempt=1, random=half)

    assert wait is not None
    assert 0 < wait <= 310
    assert transient(error)


@pytest.mark.parametrize("error", MAYBE_DONE, ids=name)
def test_create_may_have_worked(error: CgcError) -> None:
    """A create that may have worked is not repeated."""
    assert wait_before_repeat(error, repeatable=False, attempt=1, random=half) is None


@pytest.mark.parametrize("error", [*NOT_SENT, *LIMITED], ids=name)
def test_idle_create_is_repeated(error: CgcError) -> None:
    """A create that did nothing is repeated."""
    assert wait_before_repeat(error, repeatable=False, attempt=1, random=half) is not None


def test_wait_doubles_to_a_minute() -> None:
    error = api(CgcUnavailable, 502)

    longest = [wait_before_repeat(error, repeatable=True, attempt=n, random=lambda: 1.0) for n in range(1, 10)]
    shortest = [wait_before_repeat(error, repeatable=True, attempt=n, random=lambda: 0.0) for n in range(1, 10)]

    assert longest == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert shortest == [wait / 2 for wait in longest if wait]


@pytest.mark.parametrize(("dice", "expected"), [(0.0, [60, 120, 240, 240]), (1.0, [75, 150, 300, 300])])
def test_maintenance_takes_long(dice: float, expected: list[float]) -> None:
    """Maintenance is waited for in minutes."""
    error = api(CgcUnavailable, 503, 0)

    waits = [wait_before_repeat(error, repeatable=True, attempt=n, random=lambda: dice) for n in (1, 2, 3, 50)]

    assert waits == pytest.approx(expected)


@pytest.mark.parametrize(
    ("advice", "dice", "wait"),
    [
        (30.0, 0.0, 30.0),
        (30.0, 1.0, 33.0),
        (6.0, 1.0, 7.0),
        (0.0, 0.0, 5.0),
        (0.0, 1.0, 6.0),
        (200.0, 1.0, 210.0),
        (310.0, 1.0, 310.0),
        (None, 0.0, 60.0),
    ],
)
def test_429_waits_for_the_reset(advice: float | None, dice: float, wait: float) -> None:
    error = api(CgcRateLimited, 429, 1000, advice)

    for attempt in (1, 2, 50):
        found = wait_before_repeat(error, repeatable=True, attempt=attempt, random=lambda: dice)
        assert found == pytest.approx(wait)


@pytest.mark.parametrize(("dice", "wait"), [(0.0, 30.0), (1.0, 33.0)])
def test_share_waits_like_a_429(dice: float, wait: float) -> None:
    assert wait_before_repeat(SPENT, repeatable=False, attempt=1, random=lambda: dice) == pytest.approx(wait)


def test_429_is_no_attempt() -> None:
    assert not any(counts_as_attempt(error) for error in LIMITED)
    assert all(counts_as_attempt(error) for error in itertools.chain(NOT_SENT, MAYBE_DONE))


def test_servers_advice_counts() -> None:
    error = api(CgcUnavailable, 503, 90005, 20.0)

    assert wait_before_repeat(error, repeatable=True, attempt=1, random=lambda: 0.0) == 20.0
    assert wait_before_repeat(error, repeatable=False, attempt=1, random=lambda: 0.0) is None


@pytest.mark.parametrize("error", [*NOT_SENT, *MAYBE_DONE, *LIMITED], ids=name)
@pytest.mark.parametrize("attempt", [1, 7, 100, 100_000])
@pytest.mark.parametrize("dice", [0.0, 0.999])
def test_310_seconds_at_most(error: CgcError, attempt: int, dice: float) -> None:
    wait = wait_before_repeat(error, repeatable=True, attempt=attempt, random=lambda: dice)

    assert wait is not None
    assert 0 <= wait <= 310
