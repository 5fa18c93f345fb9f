"""One call, sent, waited for and repeated on a clock that moves by hand."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests

from airflow_provider_cgc import __version__
from airflow_provider_cgc.client import (
    CgcClient,
    CgcConnectionError,
    CgcForbidden,
    CgcRateLimited,
    CgcRedirect,
    CgcTimeoutError,
    CgcUnauthorized,
    CgcUnavailable,
    CgcUnreadableError,
    CgcUsageError,
    RateBudget,
    Settings,
)

USER = {"username": "mcurie"}
DOWN = {"status_code": 503, "json": {"status": 503, "code": 90005, "message": "Service unavailable."}}
MAINTENANCE = {"status_code": 503, "json": {"status": 503, "code": 0, "message": "Maintenance."}}
LIMITED = {"status_code": 429, "json": {"status": 429, "code": 1000, "message": "Rate limit exceeded!"}}
ITEM = {"file": "f", "volume": "a/b", "location": "x"}
MakeClient = Callable[..., CgcClient]


def test_headers_of_a_call(make_client: MakeClient, requests_mock: Any, base: str, token: str) -> None:
    requests_mock.get(f"{base}/user", json=USER)

    make_client(advance_access=True).user()

    sent = requests_mock.last_request
    assert sent.headers["X-SBG-Auth-Token"] == token
    assert sent.headers["User-Agent"] == f"airflow-provider-cgc/{__version__}"
    assert sent.headers["X-SBG-Advance-Access"] == "advance"
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.body is None


def test_advance_access_is_off(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.get(f"{base}/user", json=USER)

    client.user()

    assert "X-SBG-Advance-Access" not in requests_mock.last_request.headers


def test_creates_wait_longer(make_client: MakeClient, requests_mock: Any, base: str) -> None:
    """Every call has timeouts, and creates wait longer."""
    requests_mock.get(f"{base}/user", json=USER)
    requests_mock.post(f"{base}/bulk/storage/exports/get", json={"items": []})
    requests_mock.post(f"{base}/bulk/storage/exports/create", json={"items": []})
    client = make_client(timeout=7, connect_timeout=2)

    client.user()
    client.exports.bulk_get(["a"])
    client.exports.bulk_create([ITEM], copy_only=True)

    timeouts = [request.timeout for request in requests_mock.request_history]
    assert timeouts == [(2.0, 7.0), (2.0, 7.0), (2.0, 300.0)]


def test_longer_timeout_counts(make_client: MakeClient, requests_mock: Any, base: str) -> None:
    """A longer timeout counts for creates too."""
    requests_mock.post(f"{base}/bulk/storage/exports/create", json={"items": []})

    make_client(timeout=900).exports.bulk_create([ITEM], copy_only=True)

    assert requests_mock.last_request.timeout == (5.0, 900.0)


def test_one_attempt_no_sleep(make_client: MakeClient, requests_mock: Any, base: str, clock: Any) -> None:
    """Without patience there is one attempt and no sleep."""
    for answer in (DOWN, MAINTENANCE, LIMITED, {"exc": requests.ConnectionError}, {"text": "<html>"}):
        requests_mock.get(f"{base}/user", [answer])
        client = make_client(patience=0)
        before = requests_mock.call_count

        with pytest.raises((CgcUnavailable, CgcRateLimited, CgcConnectionError, CgcUnreadableError)):
            client.user()

        assert requests_mock.call_count == before + 1
    assert clock.naps == []


def test_read_outlasts_trouble(
    make_client: MakeClient, requests_mock: Any, base: str, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    html = {"status_code": 502, "text": "<html>Bad Gateway</html>"}
    trouble = [
        DOWN,
        html,
        {"exc": requests.ConnectTimeout},
        {"text": "<html>login</html>"},
        {"exc": requests.ReadTimeout},
    ]
    requests_mock.get(f"{base}/user", [*trouble, {"json": USER}])

    with caplog.at_level(logging.WARNING):
        assert make_client(patience=300).user().username == "mcurie"

    assert requests_mock.call_count == 6
    assert len(clock.naps) == 5
    for nap, longest in zip(clock.naps, [1, 2, 4, 8, 16], strict=True):
        assert longest / 2 <= nap <= longest
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 5
    assert "Attempt 1 failed; again in" in lines[0]
    assert "GET /user answered 503, code 90005" in lines[0]


def test_patience_ends(make_client: MakeClient, requests_mock: Any, base: str, clock: Any) -> None:
    requests_mock.get(f"{base}/user", [DOWN])

    with pytest.raises(CgcUnavailable):
        make_client(patience=100).user()

    assert 20 < sum(clock.naps) <= 100


def test_slow_answers_take_time(make_client: MakeClient, requests_mock: Any, base: str, clock: Any) -> None:
    def slow(request: Any, context: Any) -> Any:
        clock.now += 60
        context.status_code = 504
        return "<html>Gateway Time-out</html>"

    requests_mock.get(f"{base}/user", text=slow)

    with pytest.raises(CgcUnavailable):
        make_client(patience=100).user()

    assert requests_mock.call_count == 2


def test_stopped_clock_ends(requests_mock: Any, base: str) -> None:
    requests_mock.get(f"{base}/user", [DOWN])
    naps: list[float] = []
    settings = Settings(token="canary-standing-clock")
    budget = RateBudget(share=1)
    client = CgcClient(settings, patience=100, budget=budget, clock=lambda: 5.0, sleep=naps.append)

    with pytest.raises(CgcUnavailable):
        client.user()

    assert sum(naps) <= 100


def test_429_is_waited_out(make_client: MakeClient, requests_mock: Any, base: str, clock: Any) -> None:
    def limited(request: Any, context: Any) -> Any:
        if clock.now < 1_767_226_100:
            context.status_code = 429
            context.headers["X-RateLimit-Reset"] = "1767226100"
            return LIMITED["json"]
        return USER

    requests_mock.get(f"{base}/user", json=limited)

    make_client(patience=300).user()

    assert requests_mock.call_count == 2
    assert 100 <= sum(clock.naps) <= 111


def test_429_beyond_patience(make_client: MakeClient, requests_mock: Any, base: str, clock: Any) -> None:
    """A 429 beyond the patience is raised at once."""
    requests_mock.get(f"{base}/user", [LIMITED | {"headers": {"Retry-After": "200"}}])

    with pytest.raises(CgcRateLimited) as caught:
        make_client(patience=100).user()

    assert caught.value.retry_after == 200
    assert clock.naps == []


@pytest.mark.parametrize(
    "advice",
    [
        {"Retry-After": "0"},
        {"X-RateLimit-Reset": "1767226000"},
        {"X-RateLimit-Reset": "120", "Date": "Thu, 01 Jan 2026 00:06:40 GMT"},
    ],
    ids=["none to wait", "a reset that is over", "a reset in seconds from now"],
)
def test_429_without_advice(
    make_client: MakeClient, requests_mock: Any, base: str, clock: Any, advice: dict[str, str]
) -> None:
    """A 429 that advises no wait is not hammered."""
    requests_mock.get(f"{base}/user", [LIMITED | {"headers": advice}])

    with pytest.raises(CgcRateLimited):
        make_client(patience=300).user()

    assert 5 <= requests_mock.call_count <= 10
    assert sum(clock.naps) <= 300


def test_429_is_no_other_trouble(make_client: MakeClient, requests_mock: Any, base: str, clock: Any) -> None:
    """429s do not lengthen the wait for other trouble."""
    limited = LIMITED | {"headers": {"Retry-After": "1"}}
    requests_mock.get(f"{base}/user", [limited, limited, limited, limited, DOWN, {"json": USER}])

    make_client(patience=300).user()

    assert clock.naps[-1] <= 1


def test_maintenance_takes_long(make_client: MakeClient, requests_mock: Any, base: str, clock: Any) -> None:
    """Maintenance is waited for in minutes."""
    requests_mock.get(f"{base}/user", [MAINTENANCE, MAINTENANCE, {"json": USER}])

    make_client(patience=300).user()

    assert 60 <= clock.naps[0] <= 75
    assert 120 <= clock.naps[1] <= 150


@pytest.mark.parametrize(
    "answer", [DOWN, MAINTENANCE, {"exc": requests.ReadTimeout}, {"text": "<html>"}, {"exc": requests.ConnectionError}]
)
def test_create_is_not_repeated(make_client: MakeClient, requests_mock: Any, base: str, answer: dict[str, Any]) -> None:
    """A create is not repeated when it may have worked."""
    requests_mock.post(f"{base}/bulk/storage/exports/create", [answer])

    with pytest.raises((CgcUnavailable, CgcConnectionError, CgcUnreadableError)):
        make_client(patience=300).exports.bulk_create([ITEM], copy_only=True)

    assert requests_mock.call_count == 1


@pytest.mark.parametrize("answer", [LIMITED | {"headers": {"Retry-After": "3"}}, {"exc": requests.ConnectTimeout}])
def test_idle_create_is_repeated(
    make_client: MakeClient, requests_mock: Any, base: str, answer: dict[str, Any]
) -> None:
    """A create is repeated when it did nothing."""
    requests_mock.post(f"{base}/bulk/storage/exports/create", [answer, {"json": {"items": []}}])

    make_client(patience=300).exports.bulk_create([ITEM], copy_only=True)

    assert requests_mock.call_count == 2


@pytest.mark.parametrize(("status", "kind"), [(401, CgcUnauthorized), (403, CgcForbidden)])
def test_refusals_are_final(
    make_client: MakeClient, requests_mock: Any, base: str, status: int, kind: type[Exception]
) -> None:
    requests_mock.get(f"{base}/user", [{"status_code": status, "json": {"code": 90001, "message": "No."}}])

    with pytest.raises(kind):
        make_client(patience=300).user()

    assert requests_mock.call_count == 1


def test_redirect_is_not_followed(client: CgcClient, requests_mock: Any, base: str) -> None:
    elsewhere = requests_mock.get("https://evil.example/v2/user", json=USER)
    requests_mock.get(f"{base}/user", status_code=302, headers={"Location": "https://evil.example/v2/user"})

    with pytest.raises(CgcRedirect, match=r"evil\.example"):
        client.user()

    assert elsewhere.call_count == 0


def test_cookies_are_not_kept(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.get(f"{base}/user", json=USER, headers={"Set-Cookie": "route=7; Path=/"})

    client.user()
    client.user()

    assert "Cookie" not in requests_mock.last_request.headers


def test_timeouts_are_told_apart(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.get(f"{base}/user", [{"exc": requests.ConnectTimeout}, {"exc": requests.ReadTimeout}])

    with pytest.raises(CgcTimeoutError) as unconnected:
        client.user()
    with pytest.raises(CgcTimeoutError) as unanswered:
        client.user()

    assert not unconnected.value.sent
    assert unanswered.value.sent


def test_bodies_are_cut_at_debug(
    client: CgcClient, requests_mock: Any, base: str, caplog: pytest.LogCaptureFixture
) -> None:
    requests_mock.get(f"{base}/user", json={**USER, "email": "x" * 10_000}, headers={"X-Secret": "geheim"})

    with caplog.at_level(logging.DEBUG, logger="airflow_provider_cgc"):
        client.user()

    [record] = caplog.records
    assert record.levelno == logging.DEBUG
    assert record.getMessage().startswith('GET /user answered 200: {"username": "mcurie"')
    assert len(record.getMessage()) < 2200
    assert "geheim" not in record.getMessage()


@pytest.mark.parametrize("patience", [-1, float("nan"), float("inf")])
def test_patience_is_finite(patience: float) -> None:
    with pytest.raises(CgcUsageError, match="patience"):
        CgcClient(Settings(token="canary-patience"), patience=patience)


def test_reopens_after_close(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.get(f"{base}/user", json=USER)

    client.user()
    client.close()
    client.close()

    assert client.user().username == "mcurie"


def test_making_it_sends_nothing(requests_mock: Any) -> None:
    CgcClient(Settings(token="canary-construct"))

    assert requests_mock.call_count == 0


def test_no_second_attempt(
    make_client: MakeClient, requests_mock: Any, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without patience not even a wait of 0 leads to a second attempt."""
    monkeypatch.setattr("airflow_provider_cgc.client.http.transport.random.random", lambda: 0.0)
    requests_mock.get(f"{base}/user", [LIMITED | {"headers": {"Retry-After": "0"}}, {"json": USER}])

    with pytest.raises(CgcRateLimited):
        make_client(patience=0).user()

    assert requests_mock.call_count == 1


def test_closing_ends_patience(requests_mock: Any, base: str) -> None:
    asked = threading.Event()

    def down(request: Any, context: Any) -> Any:
        asked.set()
        context.status_code = 503
        return DOWN["json"]

    requests_mock.get(f"{base}/user", json=down)
    client = CgcClient(
        Settings(token="canary-closed-client", base_url=base), patience=10_000, budget=RateBudget(share=1)
    )
    errors: list[BaseException] = []

    def call() -> None:
        try:
            client.user()
        except CgcUnavailable as error:
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    assert asked.wait(timeout=10)

    client.close()
    thread.join(timeout=10)

    assert not thread.is_alive()
    assert len(errors) == 1
