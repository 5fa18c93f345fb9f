"""Bad input is told apart, by the argument's or field's name, before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.conftest import load_dag_file

GOOD_ID = "Qr7kT2mZ9vYb4XcN1sLdW8eHfJ0aUiPo"

# name: (arguments, what the error must say)
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "empty_list": ({"export_ids": []}, ["export_ids of task 'empty_list", "is empty", "allow_empty=True"]),
    "number_among_ids": ({"export_ids": [GOOD_ID, 17]}, ["export_ids", "item 2", "17", "int", "not a string"]),
    "not_an_id": ({"export_ids": [GOOD_ID, "no id/at all"]}, ["export_ids", "item 2", "no id/at all"]),
    "template_renders_to_nothing": ({"export_ids": "{{ '' }}"}, ["export_ids", "rendered to nothing", "xcom_pull"]),
    "template_pulls_a_missing_xcom": (
        {"export_ids": "{{ ti.xcom_pull(task_ids='nobody') }}"},
        ["export_ids", "rendered to nothing", "task id"],
    ),
    "upstream_gave_none": ({"upstream": None}, ["export_ids", "is None", "upstream task"]),
    "upstream_gave_a_mapping": ({"upstream": {"ids": [GOOD_ID]}}, ["export_ids", "mapping", "'ids'"]),
    "fewer_than_expected": (
        {"export_ids": [GOOD_ID], "expected_count": 2},
        ["export_ids", "has 1 id", "expected_count is 2"],
    ),
    "expected_count_is_no_number": (
        {"export_ids": [GOOD_ID], "expected_count": "{{ 'many' }}"},
        ["expected_count", "'many'", "whole number"],
    ),
    "no_such_connection": (
        {"export_ids": [GOOD_ID], "cgc_conn_id": "cgc_nobody"},
        ["connection 'cgc_nobody'", "is not defined"],
    ),
    "no_token": (
        {"export_ids": [GOOD_ID], "cgc_conn_id": "cgc_no_token"},
        ["connection 'cgc_no_token'", "Password (token)"],
    ),
    "token_with_a_line_break": (
        {"export_ids": [GOOD_ID], "cgc_conn_id": "cgc_line_break"},
        ["connection 'cgc_line_break'", "Password (token)", "line break"],
    ),
    "host_not_allowed": (
        {"export_ids": [GOOD_ID], "cgc_conn_id": "cgc_elsewhere"},
        ["connection 'cgc_elsewhere'", "Host", "allowed_hosts"],
    ),
}
MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}


@pytest.fixture(scope="module")
def told(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, str], int]]:
    """What each task's exception says, and how many requests all of them made."""
    request.getfixturevalue("database")
    monkeypatch = pytest.MonkeyPatch()
    with CgcEmulator(files=1) as emulator:
        conn = emulator.connection
        connections = {
            "CGC_DEFAULT": conn,
            "CGC_NO_TOKEN": {**conn, "password": ""},
            "CGC_LINE_BREAK": {**conn, "password": f"{emulator.token}\n"},
            "CGC_ELSEWHERE": {**conn, "host": "https://cgc-api.sbgenomics.com.evil.example/v2"},
        }
        for name, connection in connections.items():
            monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(connection))
        cases = [
            {"task_id": f"{name}-{mode}", "poke_interval": 1, "retries": 0, **how, **arguments}
            for name, (arguments, _) in CASES.items()
            for mode, how in MODES.items()
        ]
        monkeypatch.setenv("WAITS_CASES", json.dumps(cases))
        noted = tmp_path_factory.mktemp("errors") / "errors.jsonl"
        monkeypatch.setenv("WAITS_ERRORS", str(noted))
        load_dag_file("waits").dag.test()
        yield dict(json.loads(line) for line in noted.read_text().splitlines()), emulator.stats()["total"]
    monkeypatch.undo()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CASES)
def test_the_error_names_the_object_the_fact_and_the_next_step(
    told: tuple[dict[str, str], int], name: str, mode: str
) -> None:
    errors, _ = told

    for words in CASES[name][1]:
        assert words in errors[f"{name}-{mode}"]


def test_nothing_was_sent(told: tuple[dict[str, str], int]) -> None:
    assert told[1] == 0
