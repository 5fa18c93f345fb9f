"""Airflow's share of the platform's requests: who has patience waits for it, who has none is told when to come back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcBudgetSpent, CgcClient, CgcForbidden, CgcRateLimited

USER = {"username": "mcurie"}
LIMITED = {"status_code": 429, "json": {"status": 429, "code": 1000, "message": "Rate limit exceeded!"}}
MakeClient = Callable[..., CgcClient]


def headers(remaining: int) -> dict[str, str]:
    return {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": str(remaining), "X-RateLimit-Reset": "1767226120"}


def learn(client: CgcClient, told: dict[str, str]) -> None:
    """Let a client's budget learn from the headers of an answer."""
    client.budget.claim(regardless=True)
    client.budget.settle(told)


def test_learns_from_answers(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.get(f"{base}/user", status_code=403, json={"code": 90002}, headers=headers(150))

    with pytest.raises(CgcForbidden):
        client.user()

    assert client.budget.delay() == pytest.approx(120)


def test_learns_from_bare_refusal(client: CgcClient, requests_mock: Any, base: str) -> None:
    """The budget learns from a refusal without headers."""
    requests_mock.get(f"{base}/user", [LIMITED | {"headers": {"Retry-After": "42"}}])

    with pytest.raises(CgcRateLimited):
        client.user()

    assert client.budget.delay() == pytest.approx(42)


def test_patient_leaves_the_rest(make_client: MakeClient, requests_mock: Any, base: str, clock: Any) -> None:
    """A patient call leaves the rest of the window to people."""
    requests_mock.get(f"{base}/user", json=USER, headers=headers(200))
    client = make_client(patience=300)

    client.user()
    client.user()

    assert clock.naps == [pytest.approx(120)]


def test_sent_after_its_patience(make_client: MakeClient, requests_mock: Any, base: str, clock: Any) -> None:
    requests_mock.get(f"{base}/user", json=USER, headers=headers(200))
    client = make_client(patience=10)

    client.user()
    client.user()

    assert clock.naps == [10]
    assert requests_mock.call_count == 2


def test_uncounted_does_not_wait(make_client: MakeClient, requests_mock: Any, base: str, clock: Any) -> None:
    requests_mock.get(f"{base}/rate_limit", json={"rate": {"limit": 1000, "remaining": 0, "reset": 1767226120}})
    client = make_client(patience=300)
    learn(client, headers(0))

    assert not client.rate_limit()
    assert clock.naps == []


def test_share_without_patience(make_client: MakeClient, requests_mock: Any, base: str, clock: Any) -> None:
    """Without patience the share is kept, and nothing is sent beyond it."""
    end = clock.now + 300

    def platform(request: Any, context: Any) -> Any:
        left = max(10 - requests_mock.call_count, 0)
        context.headers |= {"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": str(left)}
        context.headers["X-RateLimit-Reset"] = str(int(end))
        return USER

    requests_mock.get(f"{base}/user", json=platform)
    client = make_client(patience=0, rate_share=0.8)
    for _ in range(8):
        client.user()
        clock.now += 10

    for _ in range(2):
        with pytest.raises(CgcBudgetSpent) as caught:
            client.user()

    assert requests_mock.call_count == 8
    assert (caught.value.retry_after, caught.value.status, caught.value.call) == (220, None, "GET /user")
    assert str(caught.value) == (
        "Airflow's share of the platform's requests is used up for now (rate_share 0.8 of 10 in 5 minutes); nothing "
        "was sent, next try in 220 s"
    )
    clock.now = end
    assert client.user().username == "mcurie"
    assert requests_mock.call_count == 9
    assert clock.naps == []


def test_429_without_patience(client: CgcClient, requests_mock: Any, base: str, clock: Any) -> None:
    """Without patience nothing is sent while a 429 asks to wait."""
    requests_mock.get(f"{base}/user", [LIMITED | {"headers": {"Retry-After": "42"}}, {"json": USER}])
    with pytest.raises(CgcRateLimited) as refused:
        client.user()

    with pytest.raises(CgcBudgetSpent, match=r"sent too many \(429\); nothing was sent, next try in 42 s"):
        client.user()

    assert not isinstance(refused.value, CgcBudgetSpent)
    assert requests_mock.call_count == 1
    clock.now += 42
    assert client.user().username == "mcurie"


def test_uncounted_is_impatient(client: CgcClient, requests_mock: Any, base: str) -> None:
    """Calls that are not counted go without patience, too."""
    requests_mock.get(f"{base}/rate_limit", json={"rate": {"limit": 1000, "remaining": 0, "reset": 1767226120}})
    learn(client, headers(0))

    assert client.rate_limit().remaining == 0
