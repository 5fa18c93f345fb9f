"""The meaning of an answer: `from_response` is the only judge."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from airflow_provider_cgc.client import errors
from airflow_provider_cgc.client.errors import (
    CgcApiError,
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
from airflow_provider_cgc.client.http.answers import from_response

NOW = 1_767_226_000.0
BASE = "https://api.example.org/api/v2"
CALL = "POST /bulk/storage/exports/get"


def body(status: Any = 404, code: Any = 9008, message: Any = "Requested job does not exist.", **more: Any) -> bytes:
    return json.dumps({"status": status, "code": code, "message": message, **more}).encode()


def judge(status: int, content: bytes, headers: dict[str, str] | None = None, call: str = CALL) -> Any:
    return from_response(status, headers or {}, content, call=call, base_url=BASE, now=NOW)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, CgcBadRequest),
        (401, CgcUnauthorized),
        (402, CgcBadRequest),
        (403, CgcForbidden),
        (404, CgcNotFound),
        (405, CgcBadRequest),
        (408, CgcBadRequest),
        (409, CgcConflict),
        (415, CgcBadRequest),
        (422, CgcBadRequest),
        (429, CgcRateLimited),
        (500, CgcUnavailable),
        (501, CgcUnavailable),
        (502, CgcUnavailable),
        (503, CgcUnavailable),
        (504, CgcUnavailable),
        (599, CgcUnavailable),
    ],
)
@pytest.mark.parametrize("content", [body(), b"<html>no</html>", b"", b"[]", b"null", b"5", b'"text"', b"\xff\xfe"])
def test_status_has_one_type(status: int, kind: type[CgcApiError], content: bytes) -> None:
    """Every status has one type whatever the body."""
    with pytest.raises(CgcApiError) as caught:
        judge(status, content)

    assert type(caught.value) is kind
    assert caught.value.status == status
    assert caught.value.call == CALL
    assert str(caught.value).startswith(f"{CALL} answered {status}")


@pytest.mark.parametrize("status", [200, 201, 202, 203, 206])
def test_good_answer_is_json(status: int) -> None:
    assert judge(status, b'{"items": []}') == {"items": []}


def test_no_content_is_none() -> None:
    assert judge(204, b"") is None


@pytest.mark.parametrize(
    "content", [b"", b"<html>Log in</html>", b'{"items": [', b"\x80abc", b"[" * 100_000, b'{"a":' + b"9" * 5000 + b"}"]
)
def test_no_json_is_unreadable(content: bytes) -> None:
    with pytest.raises(CgcUnreadableError, match="answered 200"):
        judge(200, content, {"Content-Type": "text/html"})


def test_error_helps_support() -> None:
    """An error carries the facts that support needs."""
    headers = {"X-Request-Id": "3f1c9a52"}
    content = body(409, 9107, "Location on volume already contains a file.", more_info="http://docs.example/codes#9107")

    with pytest.raises(CgcConflict) as caught:
        judge(409, content, headers)

    error = caught.value
    assert (error.status, error.code, error.request_id) == (409, 9107, "3f1c9a52")
    assert error.message == "Location on volume already contains a file."
    assert error.more_info == "http://docs.example/codes#9107"
    for part in ("409", "code 9107", "give another", "http://docs.example/codes#9107", "request id 3f1c9a52", CALL):
        assert part in str(error)


def test_link_from_the_code() -> None:
    with pytest.raises(CgcNotFound) as caught:
        judge(404, body())

    assert caught.value.more_info is not None
    assert caught.value.more_info.endswith("#9008")


def test_gateway_404_is_apart() -> None:
    """A 404 of the gateway is told from that of the application."""
    with pytest.raises(CgcNotFound) as gateway:
        judge(404, b'{"status": "NOT_FOUND", "message": "HTTP 404 Not Found"}')
    with pytest.raises(CgcNotFound) as application:
        judge(404, body())

    assert gateway.value.gateway
    assert "host and path" in gateway.value.remedy
    assert not application.value.gateway
    assert gateway.value.code is None


@pytest.mark.parametrize(
    ("status", "headers"), [(302, {"Location": "https://login.example.org/"}), (404, {}), (405, {})]
)
def test_foreign_answer(status: int, headers: dict[str, str]) -> None:
    """An answer that is not the platform's own names the address and a thing to check."""
    with pytest.raises(CgcError) as caught:
        judge(status, b"<h1>Not here</h1>", headers)

    assert BASE in str(caught.value)
    assert "host and path of the connection" in str(caught.value)


def test_headers_in_any_case() -> None:
    with pytest.raises(CgcRateLimited) as caught:
        judge(429, body(429, 1000), {"retry-after": "7", "x-request-id": "abc"})

    assert caught.value.retry_after == 7
    assert caught.value.request_id == "abc"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "12"}, 12.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "12", "X-RateLimit-Reset": str(int(NOW) + 90)}, 12.0),
        ({"X-RateLimit-Reset": str(int(NOW) + 90)}, 90.0),
        ({"X-RateLimit-Reset": str((int(NOW) + 90) * 1000)}, 90.0),
        ({"X-RateLimit-Reset": str(int(NOW) + 9000)}, 310.0),
        ({"X-RateLimit-Reset": str(int(NOW) - 90)}, 0.0),
        ({"X-RateLimit-Reset": "soon"}, None),
        ({"X-RateLimit-Reset": "nan"}, None),
        ({"X-RateLimit-Reset": "-5"}, None),
        ({"Retry-After": "99999"}, 310.0),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "tomorrow"}, None),
        ({"Retry-After": "Thu, 01 Jan 2026 00:07:40 GMT"}, 60.0),
        # This machine's clock is minutes or an hour off: the platform's own date counts.
        ({"X-RateLimit-Reset": str(int(NOW) + 300), "Date": "Thu, 01 Jan 2026 00:11:20 GMT"}, 20.0),
        ({"X-RateLimit-Reset": str(int(NOW) + 30), "Date": "Thu, 01 Jan 2026 00:02:30 GMT"}, 280.0),
        ({"X-RateLimit-Reset": str(int(NOW) + 3690), "Date": "Thu, 01 Jan 2026 01:06:40 GMT"}, 90.0),
        ({"X-RateLimit-Reset": str(int(NOW) - 3510), "Date": "Wed, 31 Dec 2025 23:06:40 GMT"}, 90.0),
    ],
)
def test_429_tells_the_wait(headers: dict[str, str], seconds: float | None) -> None:
    with pytest.raises(CgcRateLimited) as caught:
        judge(429, body(429, 1000, "Rate limit exceeded!"), headers)

    assert caught.value.retry_after == seconds


def test_maintenance_is_503_and_0() -> None:
    with pytest.raises(CgcUnavailable) as maintenance:
        judge(503, body(503, 0, "maintenance"), {"Retry-After": "120"})
    with pytest.raises(CgcUnavailable) as other:
        judge(503, body(503, 90005, "down"), {"X-RateLimit-Reset": str(int(NOW) + 90)})

    assert maintenance.value.maintenance
    assert maintenance.value.retry_after == 120
    assert not other.value.maintenance
    assert other.value.retry_after is None


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://evil.example/v2/user?token=1", "evil.example"),
        ("https://user:geheim@evil.example/", "evil.example"),
        ("/login", None),
        ("", None),
        ("http://[::1", None),
        ("https://a\nb.example/", "ab.example"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_redirect_tells_the_host(status: int, location: str, host: str | None) -> None:
    with pytest.raises(CgcRedirect) as caught:
        judge(status, b"", {"Location": location})

    assert caught.value.to_host == host
    assert caught.value.status == status
    assert "geheim" not in str(caught.value)
    assert "token=1" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 404, 409])
def test_failed_job_is_a_job(status: int) -> None:
    """A job under the status of its error is a job. The documentation shows a FAILED export under HTTP 409."""
    job = {"id": "Zb3n", "state": "FAILED", "error": {"status": 409, "code": 9107}}

    assert judge(status, json.dumps(job).encode(), call="GET /storage/exports/Zb3n") == job
    with pytest.raises(CgcApiError):
        judge(status, json.dumps(job).encode(), call="POST /storage/exports")


@pytest.mark.parametrize("missing", ["status", "code", "message", "more_info"])
def test_error_fields_may_lack(missing: str) -> None:
    fields = {"status": 403, "code": 9005, "message": "No.", "more_info": "http://docs.example"}
    del fields[missing]

    with pytest.raises(CgcForbidden) as caught:
        judge(403, json.dumps(fields).encode())

    assert caught.value.status == 403
    assert str(caught.value)


def test_text_forges_no_log_line() -> None:
    with pytest.raises(CgcBadRequest) as caught:
        judge(400, body(400, 90000, "bad\n2026-01-01 ERROR forged\x1b[31m" + "x" * 9000))

    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 1500


PROBLEM = Problem(404, 9008, "Requested job does not exist.", "http://docs.example#9008")
SAMPLES = [
    CgcError("text"),
    CgcSettingsError("timeout", "is wrong"),
    CgcUsageError("wrong"),
    CgcConnectionError("lost", sent=True),
    CgcTimeoutError("late", sent=False),
    CgcCertificateError("untrusted", sent=False),
    CgcUnreadableError("html"),
    CgcForeignLinkError("foreign"),
    CgcRedirect("away", status=302, to_host="evil.example"),
    CgcApiError(PROBLEM, status=404, call=CALL),
    CgcBadRequest(PROBLEM, status=400, call=CALL),
    CgcUnauthorized(PROBLEM, status=401, call=CALL),
    CgcForbidden(PROBLEM, status=403, call=CALL),
    CgcNotFound(PROBLEM, status=404, call=CALL, request_id="r1"),
    CgcConflict(PROBLEM, status=409, call=CALL),
    CgcRateLimited(PROBLEM, status=429, call=CALL, retry_after=5.0),
    CgcBudgetSpent("the share is used up", call=CALL, retry_after=5.0),
    CgcUnavailable(PROBLEM, status=503, call=CALL),
    CgcItemsRefused("refused", records=[], started=["a"]),
]


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_errors_survive_pickling(error: CgcError) -> None:
    again = pickle.loads(pickle.dumps(error))

    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_samples_are_complete() -> None:
    names = {name for name in errors.__all__ if name != "from_response"}

    assert {type(error).__name__ for error in SAMPLES} == names


def test_docstring_has_all_errors() -> None:
    assert errors.__doc__ is not None
    for error in SAMPLES:
        assert type(error).__name__ in errors.__doc__


def test_errors_are_not_airflows() -> None:
    """No error is an Airflow exception, and wrong arguments are value errors."""
    for error in SAMPLES:
        assert isinstance(error, CgcError)
        assert all(base.__module__.split(".")[0] != "airflow" for base in type(error).__mro__)
    assert issubclass(CgcUsageError, ValueError)
    assert issubclass(CgcSettingsError, ValueError)
    assert issubclass(CgcTimeoutError, CgcConnectionError)
