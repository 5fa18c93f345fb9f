"""A retry policy for Airflow 3.3 and later: the errors after which a retry can help, and the delay before it.

Importable on every version. Below 3.3 Airflow has no policies: give it in `default_args`, where an older Airflow
ignores it.
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
"""The least delay in seconds after a maintenance, which takes minutes to hours."""
_DEEPEST = 10
"""The longest chain of causes of an error that is looked at."""
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
    Retry only failures that may be temporary, and wait as long as the platform asks for.

    An error after which a retry cannot help (a wrong argument, a refused token, missing rights) fails the task at once
    and saves its retries. After a rate limit or a maintenance the retry waits as long as the platform asks for. All
    other errors, also those of other operators, are retried as `retries` and `retry_delay` say. The number of retries
    stays the task's own::

        with DAG(..., default_args={"retries": 5, "retry_policy": CgcRetryPolicy()}):

    In `default_args`, because there Airflow below 3.3 ignores it; given to an operator, it is an error there.
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """Decide about one failure; called by Airflow's worker."""
        from airflow.providers.common.compat.sdk import RetryDecision

        if cause := why_hopeless(exception):
            return RetryDecision.fail(reason=f"{cause} ({type(exception).__name__}); a retry cannot help")
        seconds = advice(exception, attempt=try_number)
        if seconds is None:
            return RetryDecision.default()
        return RetryDecision.retry(
            delay=timedelta(seconds=seconds),
            reason=f"The platform asks to wait: next try in {seconds:.0f} s ({type(exception).__name__})",
        )

    def serialize(self) -> dict[str, Any]:
        """Return the form that Airflow may store: a policy has no settings."""
        return {"__type": type(self).__name__}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> CgcRetryPolicy:
        """Make the policy from its stored form."""
        return cls()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        # Airflow writes default_args as text into the stored Dag; a memory address would make a new version each time.
        return f"{type(self).__name__}()"


def why_hopeless(error: BaseException) -> str | None:
    """Return the reason why a retry cannot help; None if it may."""
    if isinstance(error, AirflowFailException | CgcBadInput):
        return "The task's input is wrong, or its work has failed permanently"
    behind = _platform_error(error)
    if isinstance(behind, _HOPELESS) and not (transient(behind) or not_from_platform(behind)):
        return "The platform refuses, or the connection is wrong"
    if behind is None and isinstance(error, CgcWaitError) and not isinstance(error, CgcJobsNotYetKnown):
        # The wait itself sits out temporary trouble, so an error that ends it needs a person.
        return "The wait cannot continue until the token, the rights or the connection are corrected"
    return None


def advice(error: BaseException, *, attempt: int) -> float | None:
    """Return the seconds to wait that the platform asks for; None if Airflow's own delay will do."""
    behind = _platform_error(error)
    asks = isinstance(behind, CgcRateLimited) or (
        isinstance(behind, CgcUnavailable) and (behind.maintenance or behind.retry_after is not None)
    )
    if behind is None or not asks:
        return None
    # `repeatable`, because a retry of a task does not send the same again: it first looks for started jobs.
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
