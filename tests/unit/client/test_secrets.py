"""The token is in the request header and nowhere else: a canary is looked for in all other places."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from airflow_provider_cgc.client import CgcClient, CgcError, CgcSettingsError, RateBudget, Settings, budget_for

CANARY = "canary0123456789abcdef0123456789"
ITEM = {"file": "f", "volume": "a/b", "location": "x"}
ECHO = {"status": 400, "code": 90000, "message": f"bad header X-SBG-Auth-Token: {CANARY}", "more_info": CANARY}


def graph(error: BaseException | None) -> Iterator[BaseException]:
    """An error, its causes and its contexts."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__]


def everything_in(thing: Any, depth: int = 6) -> str:
    """Text of a thing and all it refers to, also below objects whose own text hides it."""
    if depth == 0 or isinstance(thing, str | bytes | int | float | bool | None):
        return repr(thing)
    parts = [repr(thing), str(thing)]
    if isinstance(thing, dict):
        parts += [everything_in(value, depth - 1) for pair in thing.items() for value in pair]
    elif isinstance(thing, list | tuple | set):
        parts += [everything_in(value, depth - 1) for value in thing]
    elif isinstance(thing, BaseException):
        parts += [everything_in(vars(thing), depth - 1), everything_in(thing.args, depth - 1)]
    elif hasattr(thing, "headers"):
        parts.append(str(dict(thing.headers)))
    elif hasattr(thing, "__dict__"):
        parts += [everything_in(vars(thing), depth - 1)]
    return "\n".join(parts)


def refuse(status: int) -> dict[str, Any]:
    return {
        "status_code": status,
        "json": ECHO,
        "headers": {"X-Request-Id": "r", "Location": f"https://x.example/{CANARY}"},
    }


TROUBLE: dict[str, dict[str, Any]] = {
    **{str(status): refuse(status) for status in (302, 400, 401, 403, 404, 409, 429, 500, 503)},
    "html": {"text": f"<html>{CANARY}</html>"},
    "no connection": {"exc": requests.ConnectTimeout(request=requests.Request(headers={"X-SBG-Auth-Token": CANARY}))},
    "dropped": {
        "exc": requests.ConnectionError("gone", request=requests.Request(headers={"X-SBG-Auth-Token": CANARY}))
    },
    "late": {"exc": requests.ReadTimeout(request=requests.Request(headers={"X-SBG-Auth-Token": CANARY}))},
    "proxy": {
        "exc": requests.exceptions.ProxyError("no", request=requests.Request(headers={"X-SBG-Auth-Token": CANARY}))
    },
    "shape": {"json": [CANARY]},
}


@pytest.fixture
def patient(clock: Any) -> Iterator[CgcClient]:
    settings = Settings(token=CANARY)
    budget = RateBudget(share=1, clock=clock)
    with CgcClient(settings, patience=20, budget=budget, clock=clock, sleep=clock.sleep) as client:
        yield client


@pytest.mark.parametrize("trouble", TROUBLE)
def test_errors_and_logs_have_none(
    patient: CgcClient, requests_mock: Any, base: str, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    requests_mock.get(f"{base}/user", [TROUBLE[trouble]])

    with caplog.at_level(logging.DEBUG), pytest.raises(CgcError) as caught:
        patient.user()

    for error in graph(caught.value):
        assert CANARY not in everything_in(error)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert CANARY not in repr(pickle.dumps(caught.value))
    ours = [record for record in caplog.records if record.name.startswith("airflow_provider_cgc")]
    assert CANARY not in "".join(record.getMessage() for record in ours)
    assert CANARY not in caplog.text


def test_echoed_token_is_struck(
    patient: CgcClient, requests_mock: Any, base: str, caplog: pytest.LogCaptureFixture
) -> None:
    requests_mock.get(f"{base}/user", json={"username": "mcurie", "email": CANARY, "token": CANARY})

    with caplog.at_level(logging.DEBUG):
        user = patient.user()

    assert user.email == "***"
    assert CANARY not in repr(user.raw)
    assert CANARY not in caplog.text


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, {"Content-Type": f"text/html; charset={CANARY}"}),
        (200, {"Content-Type": CANARY}),
        (502, {"Content-Type": f"text/html; boundary={CANARY}"}),
        (302, {"Location": f"https://{CANARY}.example.org/login"}),
    ],
    ids=str,
)
def test_echoed_header_is_struck(
    patient: CgcClient, requests_mock: Any, base: str, status: int, headers: dict[str, str]
) -> None:
    requests_mock.get(f"{base}/user", status_code=status, headers=headers, text="<html>")

    with pytest.raises(CgcError) as caught:
        patient.user()

    assert CANARY not in everything_in(caught.value)
    assert CANARY not in str(caught.value)


def test_failed_create_has_none(patient: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.post(f"{base}/bulk/storage/exports/create", **TROUBLE["503"])

    with pytest.raises(CgcError) as caught:
        patient.exports.bulk_create([ITEM], copy_only=True)

    assert CANARY not in everything_in(caught.value)


SHOWN: dict[str, Callable[[Any], str]] = {
    "repr": repr,
    "str": str,
    "format": "{}".format,
    "nested": lambda thing: f"{[thing]}",
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_no_object_shows_it(patient: CgcClient, show: Callable[[Any], str]) -> None:
    objects = [patient, patient.settings, patient._transport, patient._transport._wire, patient.budget]
    objects += [patient.exports, patient.files, patient.volumes, patient.projects, vars(patient)]
    objects += [patient.settings.identity, budget_for(patient.settings), [patient.settings], {"s": patient.settings}]

    for thing in objects:
        assert CANARY not in show(thing)


def test_nothing_can_be_pickled(patient: CgcClient) -> None:
    for thing in (patient, patient.settings, patient.exports):
        with pytest.raises(TypeError):
            pickle.dumps(thing)
    assert copy.copy(patient.settings) is patient.settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeout": 0},
        {"timeout": CANARY},
        {"rate_share": CANARY},
        {"base_url": CANARY},
        {"base_url": f"https://{CANARY.upper()}.example"},
        {"base_url": f"https://cgc-api.sbgenomics.com/v2/{CANARY}"},
        {"project": f"a/{CANARY}"},
        {"proxies": {"https": CANARY}},
        {"verify": f"/etc/{CANARY}"},
        {"verify": 5},
        {"advance_access": CANARY},
    ],
    ids=str,
)
def test_wrong_setting_hides_it(wrong: dict[str, Any]) -> None:
    """A field that is shown in messages and logs is refused if the token stands in it."""
    with pytest.raises(CgcSettingsError) as caught:
        Settings(**{"token": CANARY, **wrong})

    assert CANARY not in "".join(map(everything_in, graph(caught.value))).lower()


def test_one_header_has_it(patient: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.post(f"{base}/bulk/storage/exports/create", json={"items": []})

    patient.exports.bulk_create([ITEM], copy_only=True)

    sent = requests_mock.last_request
    assert [name for name, value in sent.headers.items() if CANARY in str(value)] == ["X-SBG-Auth-Token"]
    assert CANARY not in sent.url
    assert CANARY not in sent.text
