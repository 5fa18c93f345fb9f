"""The emulator that the contract tests talk to, and how to ask it with plain requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests
import sevenbridges

from airflow_provider_cgc.client import CgcClient, RateBudget, Settings
from airflow_provider_cgc.emulator import CgcEmulator
from tests.contract.clients import Connect
from tests.contract.importing import LOCATIONS, VOLUME, Work

TIMEOUT = 10


class Http:
    """`requests` with the token of one user; shares nothing with the package's own client."""

    def __init__(self, emulator: CgcEmulator, token: str | None = None) -> None:
        self.url = emulator.url
        self.headers = {"X-SBG-Auth-Token": token or emulator.token}

    def get(self, path: str, **query: Any) -> requests.Response:
        return requests.get(self.url + path, params=query, headers=self.headers, timeout=TIMEOUT)

    def post(self, path: str, body: Any, **query: Any) -> requests.Response:
        return requests.post(self.url + path, params=query, json=body, headers=self.headers, timeout=TIMEOUT)

    def export(self, job_id: str) -> dict[str, Any]:
        """One job by the single call."""
        return self.get(f"/storage/exports/{job_id}").json()

    def records(self, job_ids: list[str], **query: Any) -> list[dict[str, Any]]:
        """The records of a bulk get."""
        answer = self.post("/bulk/storage/exports/get", {"export_ids": job_ids}, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    def control(self, method: str, path: str, body: Any = None) -> requests.Response:
        """A control of the emulator, which takes no token."""
        url = self.url.removesuffix("/v2") + "/_emulator/" + path
        return requests.request(method, url, json=body, timeout=TIMEOUT)

    @staticmethod
    def code(answer: requests.Response) -> tuple[int, int]:
        """HTTP status and platform code of an error, whose body must tell the same status."""
        body = answer.json()
        assert body["status"] == answer.status_code
        return answer.status_code, body["code"]


@pytest.fixture
def emulator() -> Iterator[CgcEmulator]:
    """A running emulator as it comes."""
    with CgcEmulator() as emulator:
        yield emulator


@pytest.fixture
def cgc() -> Iterator[CgcEmulator]:
    """A running emulator with 60 of the built-in files, whose clock moves only when it is stepped."""
    with CgcEmulator(files=60, speed=0) as emulator:
        yield emulator


@pytest.fixture
def ask() -> type[Http]:
    """`ask(emulator, token=None)` asks an emulator with plain requests."""
    return Http


@pytest.fixture
def http(cgc: CgcEmulator) -> Http:
    """Asks the emulator `cgc` as its default user."""
    return Http(cgc)


@pytest.fixture
def api(cgc: CgcEmulator, monkeypatch: pytest.MonkeyPatch) -> sevenbridges.Api:
    """The SDK as its users set it up; only an endpoint from the environment may be http."""
    monkeypatch.setenv("SB_API_ENDPOINT", cgc.url)
    monkeypatch.setenv("SB_AUTH_TOKEN", cgc.token)
    return sevenbridges.Api()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """`connect(emulator, patience=0, token=...)`: a client with a budget of its own."""
    with ExitStack() as stack:

        def make(emulator: CgcEmulator, *, patience: float = 0, token: str | None = None, **fields: Any) -> CgcClient:
            settings = Settings(token=token or emulator.token, base_url=emulator.url, **fields)
            budget = RateBudget(share=settings.rate_share)
            return stack.enter_context(CgcClient(settings, patience=patience, budget=budget))

        yield make


@pytest.fixture
def client(cgc: CgcEmulator, connect: Connect) -> CgcClient:
    """Our client on the emulator `cgc`."""
    return connect(cgc)


@pytest.fixture
def work(cgc: CgcEmulator, client: CgcClient) -> Callable[..., Work]:
    """`work(**how)`: imports of one task without Airflow, whose objects are on the volume."""
    cgc.put_objects([*LOCATIONS, "other/x.bam"], volume=VOLUME, size=1000)
    return lambda **how: Work(cgc, client, **how)
