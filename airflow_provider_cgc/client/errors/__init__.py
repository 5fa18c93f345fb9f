"""The errors of this client; each type says what the caller can do.

    CgcError
    ├── CgcSettingsError (ValueError)     a setting is wrong; nothing was sent
    ├── CgcUsageError (ValueError)        an argument is wrong; nothing was sent
    ├── CgcConnectionError                no answer; `.sent` tells if the platform may have acted
    │   ├── CgcTimeoutError                 ... within the time allowed
    │   └── CgcCertificateError             the other side could not prove who it is
    ├── CgcUnreadableError                an answer that is none: HTML, broken JSON, half a body
    ├── CgcForeignLinkError               an answer points to another host; the token does not go there
    ├── CgcRedirect                       3xx; never followed
    ├── CgcApiError                       the platform said no: `.status .code .message .remedy`
    │   ├── CgcBadRequest                   4xx other than the next five
    │   ├── CgcUnauthorized                 401: the token
    │   ├── CgcForbidden                    403: the rights
    │   ├── CgcNotFound                     404: `.gateway` when it is the path that is unknown
    │   ├── CgcConflict                     409
    │   ├── CgcRateLimited                  429: `.retry_after`
    │   │   └── CgcBudgetSpent                our own share of the requests is used up; nothing was sent
    │   └── CgcUnavailable                  5xx: `.maintenance`, `.retry_after`
    └── CgcItemsRefused                   some items of a bulk call were refused; others may run

None of them is an Airflow exception, none shows a token, and all survive pickling.
`from_response()` in `client/http/answers.py` is the only judge of an answer.
"""

# the names say what happened; "Error" at the end of each would say nothing more
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.errors.problem import Problem, as_sentence

if TYPE_CHECKING:
    from airflow_provider_cgc.client.errors.problem import BulkRecord

__all__ = [
    "CgcApiError",
    "CgcBadRequest",
    "CgcBudgetSpent",
    "CgcCertificateError",
    "CgcConflict",
    "CgcConnectionError",
    "CgcError",
    "CgcForbidden",
    "CgcForeignLinkError",
    "CgcItemsRefused",
    "CgcNotFound",
    "CgcRateLimited",
    "CgcRedirect",
    "CgcSettingsError",
    "CgcTimeoutError",
    "CgcUnauthorized",
    "CgcUnavailable",
    "CgcUnreadableError",
    "CgcUsageError",
]


class CgcError(Exception):
    """The root: `except CgcError` catches all that this client raises on purpose."""


class CgcSettingsError(CgcError, ValueError):
    """A setting is wrong; nothing was sent. `fact` follows the name of `field`, and has the remedy in it.

    `.undefined` is True if there is no such connection.
    """

    def __init__(self, field: str, fact: str, *, undefined: bool = False) -> None:
        super().__init__(field, fact)
        self.field = field
        self.fact = fact
        self.undefined = undefined

    def __str__(self) -> str:
        return f"{self.field} {self.fact}"


class CgcUsageError(CgcError, ValueError):
    """An argument of a call is wrong. Nothing was sent."""


class CgcConnectionError(CgcError):
    """No answer came. `.sent` is False if the platform certainly never saw the request.

    `.reached` is False if nothing was there that takes our requests: a closed port, an unknown name, another protocol.
    """

    def __init__(self, message: str, *, sent: bool, reached: bool | None = None) -> None:
        super().__init__(message)
        self.sent = sent
        self.reached = sent if reached is None else reached

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class CgcTimeoutError(CgcConnectionError):
    """No whole answer came in time."""


class CgcCertificateError(CgcConnectionError):
    """The other side's certificate is not trusted, or the CA file cannot be used. Waiting does not help."""


class CgcUnreadableError(CgcError):
    """A good status, but no answer: HTML, broken JSON, half a body, another shape. The request may have worked.

    `.page` is True for what does not even call itself JSON, such as a web page: another server's answer, perhaps.
    """

    def __init__(self, message: str, *, page: bool = False) -> None:
        super().__init__(message)
        self.page = page


class CgcForeignLinkError(CgcError):
    """The platform's answer names a link to another scheme, host or port. It was not followed."""


class CgcRedirect(CgcError):
    """Somebody answered 3xx, a proxy perhaps. Not followed, because the token would travel along."""

    def __init__(self, message: str, *, status: int, to_host: str | None) -> None:
        super().__init__(message)
        self.status = status
        self.to_host = to_host

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class CgcApiError(CgcError):
    """The platform refused a call. `call` is the method and path, `problem` what it said."""

    def __init__(
        self,
        problem: Problem,
        *,
        status: int | None,
        call: str,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(problem, status, call, request_id, retry_after)
        self.problem = problem
        self.status = status
        self.call = call
        self.request_id = request_id
        self.retry_after = retry_after
        """Seconds until it makes sense to ask again, where the answer tells; at most 310."""

    @property
    def code(self) -> int | None:
        """The platform's own code, such as 9107; None in answers of a gateway or load balancer."""
        return self.problem.code

    @property
    def message(self) -> str:
        return self.problem.message

    @property
    def more_info(self) -> str | None:
        return self.problem.link

    @property
    def remedy(self) -> str:
        return self.problem.remedy

    def __str__(self) -> str:
        code = "" if self.code is None else f", code {self.code}"
        said = f"{self.call} answered {self.status}{code}: {self.message}"
        parts = [as_sentence(said), self.remedy] if self.remedy else [said]
        where = [f"see {self.more_info}" if self.more_info else ""]
        where.append(f"request id {self.request_id}" if self.request_id else "")
        text = " ".join(part for part in parts if part)
        notes = ", ".join(note for note in where if note)
        return f"{text} ({notes})" if notes else text

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class CgcBadRequest(CgcApiError):
    """4xx: the request itself is refused; sending it again changes nothing."""


class CgcUnauthorized(CgcApiError):
    """401: the token is wrong, expired or regenerated."""


class CgcForbidden(CgcApiError):
    """403: the user of this token may not do that."""


class CgcNotFound(CgcApiError):
    """Nothing is there (404). `.gateway`: it is not the application's answer; the path or host is wrong, not the id."""

    @property
    def gateway(self) -> bool:
        return self.code is None

    @property
    def remedy(self) -> str:
        if self.gateway:
            return "The server does not know this address: check host and path of the connection."
        return self.problem.remedy


class CgcConflict(CgcApiError):
    """409: it exists already, or is in a state that does not allow this."""


class CgcRateLimited(CgcApiError):
    """429: the user's requests of this window are used up. Nothing was done; wait `.retry_after` seconds."""


class CgcBudgetSpent(CgcRateLimited):
    """Nothing was sent, because Airflow's share of the requests is used up; `.retry_after` tells for how long.

    Only a client without patience raises it: its caller schedules. There is no `.status`: the platform said nothing.
    """

    def __init__(self, fact: str, *, call: str, retry_after: float) -> None:
        problem = Problem(None, None, fact, made_here=True, undecided=True)
        super().__init__(problem, status=None, call=call, retry_after=retry_after)

    def __str__(self) -> str:
        return f"{self.message}; nothing was sent, next try in {math.ceil(self.retry_after or 0.0)} s"


class CgcUnavailable(CgcApiError):
    """5xx: a part of the platform is down. A request that changes something may or may not have worked."""

    @property
    def maintenance(self) -> bool:
        """The platform says that it is in maintenance, which takes minutes to hours."""
        return self.code == 0


class CgcItemsRefused(CgcError):
    """Some items of a bulk call were refused; the jobs in `.started` run all the same."""

    def __init__(self, message: str, *, records: Sequence[BulkRecord[Any]], started: Sequence[str]) -> None:
        super().__init__(message)
        self.records = list(records)
        self.started = list(started)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(kind: type[CgcError], args: tuple[Any, ...], fields: dict[str, Any]) -> CgcError:
    """Unpickle an error whose constructor takes keywords."""
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(fields)
    return error
