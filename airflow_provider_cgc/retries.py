"""A retry policy for Airflow 3.3 and later: which of our errors a retry can mend, and after how long.

Importable on every version. Below 3.3 Airflow knows no policies and asks none: give it in `default_args`, where an
older Airflow overlooks it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.errors import (
    CgcBadRequest,
    CgcCertificateError,
    CgcError,
    CgcForbidden,
    CgcForeignLinkError,
    CgcRateLimited,
    CgcSettingsError,
    CgcUnauthorized,
    CgcUnavailable,
    CgcUsageError,
)
from airflow_provider_cgc.client.http.retry import not_from_platform, transient, wait_before_repeat
from airflow_provider_cgc.compat import AirflowFailException, RetryPolicy
from airflow_provider_cgc.exceptions import CgcBadInput, CgcJobsNotYetKnown, CgcWaitError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, RetryDecision

MAINTENANCE = 300.0
"""Seconds that a maintenance is given at least; it takes minutes to hours."""
_DEEPEST = 10
"""Errors behind an error that are looked at."""
_HOPELESS = (
    CgcUnauthorized,
    CgcForbidden,
    CgcBadRequest,
    CgcCertificateError,
    CgcSettingsError,
    CgcUsageError,
    CgcForeignLinkError,
)


class CgcRetryPolicy(RetryPolicy):
    """
    Retry what may pass, when the platform asks for it, and nothing else.

    An error that a retry cannot mend (a wrong argument, a refused token, missing rights) fails the task at once and
    saves its retries. After a rate limit or a maintenance the retry comes when the platform wants it. All other errors,
    those of other operators too, are retried as `retries` and `retry_delay` say. The number of retries stays the
    task's own::

        with DAG(..., default_args={"retries": 5, "retry_policy": CgcRetryPolicy()}):

    In `default_args`, because that is overlooked below Airflow 3.3; given to an operator there, it is an error.
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Decide on one failure; asked by Airflow's worker."""
        from airflow.providers.common.compat.sdk import RetryDecision

        if mend := why_hopeless(exception):
            return RetryDecision.fail(reason=f"{mend} ({type(exception).__name__}); a retry cannot mend it")
        seconds = advice(exception, attempt=try_number)
        if seconds is None:
            return RetryDecision.default()
        return RetryDecision.retry(
            delay=timedelta(seconds=seconds),
            reason=f"The platform asks to wait: next try in {seconds:.0f} s ({type(exception).__name__})",
        )

    def serialize(self) -> dict[str, Any]:
        """Return what Airflow may store of a policy: there is nothing to set."""
        return {"__type": type(self).__name__}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> CgcRetryPolicy:
        """Make it again."""
        return cls()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        # Airflow writes default_args as text into the stored Dag; an address in it would be a new version each time.
        return f"{type(self).__name__}()"


def why_hopeless(error: BaseException) -> str | None:
    """Say what a retry cannot mend, or None if it may help."""
    if isinstance(error, AirflowFailException | CgcBadInput):
        return "What was asked for is wrong or has failed for good"
    behind = _platform_error(error)
    if isinstance(behind, _HOPELESS) and not (transient(behind) or not_from_platform(behind)):
        return "The platform refuses, or the connection is wrong"
    if behind is None and isinstance(error, CgcWaitError) and not isinstance(error, CgcJobsNotYetKnown):
        # Trouble that passes is waited out by the wait itself, so what ends one is for people to mend.
        return "The wait cannot go on until the token, the rights or the connection are mended"
    return None


def advice(error: BaseException, *, attempt: int) -> float | None:
    """Return the seconds that the platform asks for; None where it does not, and Airflow's own delay is as good."""
    behind = _platform_error(error)
    asks = isinstance(behind, CgcRateLimited) or (
        isinstance(behind, CgcUnavailable) and (behind.maintenance or behind.retry_after is not None)
    )
    if behind is None or not asks:
        return None
    # `repeatable`, because a retry of a task does not send the same again: it looks first what there is.
    seconds = wait_before_repeat(behind, repeatable=True, attempt=attempt, random=random.random) or 0.0
    if isinstance(behind, CgcUnavailable) and behind.maintenance:
        return max(seconds, MAINTENANCE)
    return seconds


def _platform_error(error: BaseException) -> CgcError | None:
    """Return the client's error that this one is or was raised from."""
    return next((one for one in _chain(error) if isinstance(one, CgcError)), None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    for _ in range(_DEEPEST):
        if link is None:
            return
        yield link
        link = link.__cause__
