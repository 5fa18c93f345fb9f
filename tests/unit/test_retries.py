"""The retry policy's decision for each of our errors; Airflow itself is asked in tests/airflow."""

from __future__ import annotations

import pickle
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_cgc import retries
from airflow_provider_cgc.client.errors import (
    CgcBadRequest,
    CgcBudgetSpent,
    CgcCertificateError,
    CgcConflict,
    CgcConnectionError,
    CgcError,
    CgcForbidden,
    CgcNotFound,
    CgcRateLimited,
    CgcRedirect,
    CgcSettingsError,
    CgcUnauthorized,
    CgcUnavailable,
    CgcUnreadableError,
)
from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.compat import AirflowFailException
from airflow_provider_cgc.exceptions import (
    CgcBadInput,
    CgcInputRefused,
    CgcJobsIncomplete,
    CgcJobsNotYetKnown,
    CgcJobsUncertain,
    CgcTriggerError,
    CgcWaitError,
)
from airflow_provider_cgc.jobs.submitting.submit import SubmitResult
from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.imports import CgcBulkImportOperator
from airflow_provider_cgc.operators.submitting import Prepared, SubmittedJobs
from airflow_provider_cgc.retries import CgcRetryPolicy, advice, why_hopeless
from tests.fakes.order import export_order
from tests.fakes.task_instance import TaskInstance


def said(kind: type[Any], status: int, *, code: int | None = None, retry_after: float | None = None) -> Any:
    problem = Problem(status, code, "No.")
    return kind(problem, status=status, call="GET /v2/files", retry_after=retry_after)


def raised_from(cause: CgcError) -> CgcWaitError:
    try:
        raise CgcWaitError("The platform did not take the jobs.") from cause
    except CgcWaitError as error:
        return error


SUMMARY = {
    "version": 1,
    "kind": "export",
    "total": 2,
    "completed": 1,
    "failed": 1,
    "missing": 0,
    "skipped": 0,
    "failed_items": [],
}
HOPELESS = {
    "bad_input": CgcBadInput("copy_only is 'no'"),
    "refused": CgcInputRefused("is a folder"),
    "uncertain": CgcJobsUncertain("nobody knows"),
    "somebody_elses": AirflowFailException("stop"),
    "a_wait_that_cannot_go_on": CgcWaitError("The token is refused."),
    "token": said(CgcUnauthorized, 401),
    "rights": said(CgcForbidden, 403),
    "request": said(CgcBadRequest, 400),
    "certificate": CgcCertificateError("not trusted", sent=False),
    "settings": CgcSettingsError("host", "is unknown"),
    "token_behind": raised_from(said(CgcUnauthorized, 401)),
    "rights_behind": raised_from(said(CgcForbidden, 403)),
}
MAY_PASS = {
    "redirect": CgcRedirect("elsewhere", status=302, to_host="example.org"),
    "incomplete": CgcJobsIncomplete(SUMMARY),
    "not yet known": CgcJobsNotYetKnown("It is not known yet what was started."),
    "trigger": CgcTriggerError("crashed"),
    "line": CgcConnectionError("dropped", sent=True),
    "html": CgcUnreadableError("no JSON"),
    "down": said(CgcUnavailable, 503),
    "request_timeout": said(CgcBadRequest, 408),
    "not_found": said(CgcNotFound, 404),
    "conflict": said(CgcConflict, 409),
    "somebody_elses": ValueError("a bug"),
    "line_behind": raised_from(CgcConnectionError("dropped", sent=True)),
}
ASKED_TO_WAIT = {
    "rate_limit": (said(CgcRateLimited, 429, retry_after=120.0), 120, 130),
    "rate_limit_without_a_time": (said(CgcRateLimited, 429), 60, 66),
    "own_share": (CgcBudgetSpent("Airflow's share is used up", call="GET /v2", retry_after=80.0), 80, 88),
    "retry_after": (said(CgcUnavailable, 503, retry_after=30.0), 30, 33),
    "maintenance": (said(CgcUnavailable, 503, code=0), 300, 375),
    "maintenance_with_a_short_time": (said(CgcUnavailable, 503, code=0, retry_after=10.0), 300, 300),
    "rate_limit_behind": (raised_from(said(CgcRateLimited, 429, retry_after=120.0)), 120, 130),
}


@pytest.mark.parametrize("error", HOPELESS.values(), ids=HOPELESS)
def test_hopeless_is_told(error: BaseException) -> None:
    assert why_hopeless(error)


@pytest.mark.parametrize("error", MAY_PASS.values(), ids=MAY_PASS)
def test_passing_is_airflows(error: BaseException) -> None:
    """An error that may pass, and gives no advice, is left to Airflow."""
    assert why_hopeless(error) is None
    assert advice(error, attempt=1) is None


@pytest.mark.parametrize(("error", "least", "most"), ASKED_TO_WAIT.values(), ids=ASKED_TO_WAIT)
@pytest.mark.parametrize("attempt", [1, 5])
def test_retry_comes_as_asked(error: BaseException, least: float, most: float, attempt: int) -> None:
    """The retry comes when the platform asks for it."""
    seconds = advice(error, attempt=attempt)

    assert why_hopeless(error) is None
    assert seconds is not None
    assert least <= seconds <= most


def test_error_from_itself() -> None:
    """An error that was raised from itself is no endless chain."""
    error = ValueError("a bug")
    error.__cause__ = error

    assert why_hopeless(error) is None


def test_policy_has_one_form() -> None:
    """An older Airflow writes default_args as text into the stored Dag: another text would be another version."""
    policy = CgcRetryPolicy()

    assert repr(policy) == repr(CgcRetryPolicy()) == "CgcRetryPolicy()"
    assert pickle.loads(pickle.dumps(policy)) == policy == CgcRetryPolicy.deserialize(policy.serialize())
    assert hash(policy) == hash(CgcRetryPolicy())


@pytest.mark.parametrize(
    ("make", "more"), [(CgcBulkExportOperator, {"copy_only": True}), (CgcBulkImportOperator, {"project": "a/p"})]
)
def test_cause_of_a_stop_decides(make: Any, more: Any) -> None:
    """
    The error that stopped the sending of exports decides.

    Otherwise the rate limit, met while jobs were started, would count as a wait that cannot go on.
    """
    attempt = SimpleNamespace(
        result=SubmitResult(error=said(CgcRateLimited, 429, retry_after=120.0)),
        order=export_order(SimpleNamespace(settings=SimpleNamespace(host="localhost"))),
        outcomes=lambda **who: [],
        send=lambda ledger: None,
        intent=list,
        lines=list,
        plan=SimpleNamespace(has_joined=False),
    )
    task = make(task_id="t", items=["a"], volume="a/b", **more)
    jobs = SubmittedJobs(task)

    with pytest.raises(CgcWaitError) as caught:
        jobs.send({"ti": TaskInstance()}, Prepared(attempt, SimpleNamespace(owner="me at localhost")))

    assert why_hopeless(caught.value) is None
    assert advice(caught.value, attempt=1) >= 120.0


def has_policies() -> bool:
    return retries.RetryPolicy is not object


@pytest.mark.skipif(not has_policies(), reason="Airflow knows retry policies from 3.3 on")
@pytest.mark.parametrize(
    ("error", "action", "at_least"),
    [
        (HOPELESS["token_behind"], "fail", None),
        (MAY_PASS["incomplete"], "default", None),
        (said(CgcRateLimited, 429, retry_after=120.0), "retry", timedelta(seconds=120)),
    ],
)
def test_airflow_gets_its_kind(error: BaseException, action: str, at_least: timedelta | None) -> None:
    decision = CgcRetryPolicy().evaluate(error, try_number=1, max_tries=3)

    assert decision.action.value == action
    assert (decision.retry_delay is None) == (at_least is None)
    if at_least is not None:
        assert decision.retry_delay >= at_least
        assert type(error).__name__ in decision.reason
