"""A folder is made once, and whoever asked for it learns if it was."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from airflow_provider_cgc.client import (
    CgcApiError,
    CgcClient,
    CgcConflict,
    CgcConnectionError,
    CgcUnreadableError,
    CgcUsageError,
)
from airflow_provider_cgc.client.errors.codes import FOLDER_EXISTS

MADE = {"href": "x", "id": "65a1", "name": "run7", "parent": "65a0", "type": "FOLDER"}
EXISTS = {"status": 409, "code": 5030, "message": "Requested folder already exists."}


@pytest.mark.parametrize("place", [{"project": "mcurie/radium"}, {"parent": "65a0"}])
def test_folder_is_made(client: CgcClient, requests_mock: Any, base: str, place: dict[str, str]) -> None:
    requests_mock.post(f"{base}/files", json=MADE)

    folder = client.files.create_folder("run7", **place)

    assert (folder.id, folder.name, folder.is_folder, folder.parent) == ("65a1", "run7", True, "65a0")
    assert requests_mock.last_request.json() == {"name": "run7", "type": "folder", **place}


@pytest.mark.parametrize("missing", ["name", "type", "parent", "href"])
@pytest.mark.parametrize("null", [True, False])
def test_short_answer_is_the_folder(client: CgcClient, requests_mock: Any, base: str, missing: str, null: bool) -> None:
    answer = MADE | {missing: None} if null else {key: value for key, value in MADE.items() if key != missing}
    requests_mock.post(f"{base}/files", json=answer)

    folder = client.files.create_folder("run7", parent="65a0")

    assert (folder.id, folder.name, folder.is_folder) == ("65a1", "run7", True)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "text",
        {},
        {"items": [MADE]},
        MADE | {"id": None},
        MADE | {"type": "FILE"},
        MADE | {"name": "_1_run7"},
        MADE | {"name": 7},
    ],
)
def test_other_answer_is_none(client: CgcClient, requests_mock: Any, base: str, answer: Any) -> None:
    """An answer that is not the folder asked for is no folder to put files into."""
    requests_mock.post(f"{base}/files", json=answer)

    with pytest.raises(CgcUnreadableError):
        client.files.create_folder("run7", parent="65a0")


def test_taken_name_is_a_conflict(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.post(f"{base}/files", status_code=409, json=EXISTS)

    with pytest.raises(CgcConflict) as refused:
        client.files.create_folder("run7", parent="65a0")

    assert isinstance(refused.value, CgcApiError)
    assert refused.value.code == FOLDER_EXISTS
    assert "use it" in refused.value.problem.remedy


@pytest.mark.parametrize(
    "lost",
    [
        {"status_code": 503, "json": {"code": 90005, "message": "Down."}},
        {"exc": requests.ReadTimeout},
        {"text": "<html>", "headers": {"Content-Type": "text/html"}},
    ],
)
def test_lost_folder_is_not_repeated(make_client: Any, requests_mock: Any, base: str, lost: dict[str, Any]) -> None:
    client = make_client(patience=600)
    requests_mock.post(f"{base}/files", [lost, {"json": MADE}])

    with pytest.raises((CgcApiError, CgcConnectionError, CgcUnreadableError)):
        client.files.create_folder("run7", parent="65a0")

    assert requests_mock.call_count == 1


def test_unsent_folder_is_sent_again(make_client: Any, requests_mock: Any, base: str) -> None:
    """A call that the rate limit refused certainly did nothing."""
    refusal = {"status_code": 429, "json": {"code": 1000, "message": "Wait."}, "headers": {"Retry-After": "7"}}
    requests_mock.post(f"{base}/files", [refusal, {"json": MADE}])

    assert make_client(patience=600).files.create_folder("run7", parent="65a0").id == "65a1"
    assert requests_mock.call_count == 2


@pytest.mark.parametrize("place", [{}, {"project": "a/b", "parent": "65a0"}, {"project": "radium"}, {"parent": " "}])
def test_folder_needs_one_place(client: CgcClient, requests_mock: Any, place: dict[str, str]) -> None:
    with pytest.raises(CgcUsageError):
        client.files.create_folder("run7", **place)

    assert requests_mock.call_count == 0


@pytest.mark.parametrize("name", ["", " ", "a/b", "/a", "__run7", None, 7])
def test_wrong_folder_name(client: CgcClient, requests_mock: Any, name: Any) -> None:
    with pytest.raises(CgcUsageError, match="a folder cannot be named"):
        client.files.create_folder(name, parent="65a0")

    assert requests_mock.call_count == 0
