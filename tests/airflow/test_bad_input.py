"""Bad input is told apart, by the argument's or field's name, before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.rows import MODES, play

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


@pytest.fixture(scope="module")
def told(database: None) -> Iterator[Callable[[str, str], str]]:
    """Give the exception's text of a case in one mode; none of them may have sent anything."""
    with CgcEmulator(files=1) as emulator, pytest.MonkeyPatch.context() as patch:
        conn = emulator.connection
        connections = {
            "CGC_DEFAULT": conn,
            "CGC_NO_TOKEN": {**conn, "password": ""},
            "CGC_LINE_BREAK": {**conn, "password": f"{emulator.token}\n"},
            "CGC_ELSEWHERE": {**conn, "host": "https://cgc-api.sbgenomics.com.evil.example/v2"},
        }
        for name, connection in connections.items():
            patch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(connection))

        def play_it(name: str, mode: str) -> str:
            [ended] = play({"task_id": f"{name}-{mode}", **MODES[mode], **CASES[name][0]})
            assert emulator.stats()["total"] == 0
            return ended.error[1]

        yield play_it


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CASES)
def test_error_has_a_next_step(told: Callable[[str, str], str], name: str, mode: str) -> None:
    """The error names the object, the fact and the next step."""
    error = told(name, mode)

    for words in CASES[name][1]:
        assert words in error
