"""The verdict table: what ends how is the same in poke, reschedule and deferrable mode, on real Airflow."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.rows import MODES, Ended, play

UNKNOWN = "unknownunknownunknownunknown0000"


@dataclass(frozen=True)
class Case:
    """
    A platform's behaviour, a sensor's arguments, and the end that must follow: state, summary, error.

    `error` is "the exception's class: a part of its text"; empty where there is no failure callback, because the task
    is green or skipped.
    """

    platform: Callable[[CgcEmulator], list[str]]
    state: str
    summary: dict[str, Any] | None
    arguments: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    modes: Sequence[str] = tuple(MODES)


def three_exports(emulator: CgcEmulator) -> list[str]:
    return emulator.submit_exports(emulator.file_ids[:3])


def one_fails(emulator: CgcEmulator) -> list[str]:
    emulator.fail_files(emulator.file_names[emulator.file_ids[1]], code=9206)
    return three_exports(emulator)


def one_fails_others_last(emulator: CgcEmulator) -> list[str]:
    ids = one_fails(emulator)
    emulator.clock.advance(24 * 3600)
    emulator.option("stuck", True)
    return [*ids[1:2], *emulator.submit_exports(emulator.file_ids[3:5])]


def one_unknown(emulator: CgcEmulator) -> list[str]:
    return [*three_exports(emulator), UNKNOWN]


def never_ending(emulator: CgcEmulator) -> list[str]:
    emulator.option("stuck", True)
    return three_exports(emulator)


def after(kind: str, **how: Any) -> Callable[[CgcEmulator], list[str]]:
    """Three exports on a platform that first has some trouble."""

    def platform(emulator: CgcEmulator) -> list[str]:
        emulator.fault(kind, path="/v2/bulk/storage/exports/get", **how)
        return three_exports(emulator)

    return platform


def refused_token(emulator: CgcEmulator) -> list[str]:
    ids = three_exports(emulator)
    emulator.set_token("another-token-than-the-connections")
    return ids


def another_users(emulator: CgcEmulator) -> list[str]:
    emulator.add_token("ada")
    return [
        *three_exports(emulator)[:2],
        *emulator.submit_exports(emulator.file_ids[5:6], location="ada/{name}", user="ada"),
    ]


def unheard_of_state(emulator: CgcEmulator) -> list[str]:
    emulator.option("unknown_state", "HYDRATING")
    return three_exports(emulator)


def nothing(emulator: CgcEmulator) -> list[str]:
    return []


def counts(total: int, completed: int = 0, failed: int = 0, missing: int = 0) -> dict[str, Any]:
    return {"total": total, "completed": completed, "failed": failed, "missing": missing}


ALL_DONE = counts(3, completed=3)
ONE_FAILED = counts(3, completed=2, failed=1)
ONE_MISSING = counts(4, completed=3, missing=1)
FIRST_FAILED = counts(3, failed=1)
OPEN = counts(3)

CASES = {
    "all_completed": Case(three_exports, "success", ALL_DONE),
    "one_failed": Case(one_fails, "failed", ONE_FAILED, error="CgcJobsFailed: 9206"),
    "one_failed_soft_fail": Case(one_fails, "skipped", ONE_FAILED, {"soft_fail": True}),
    "one_failed_never_fail": Case(one_fails, "skipped", ONE_FAILED, {"never_fail": True}),
    "fail_fast": Case(
        one_fails_others_last, "failed", FIRST_FAILED, {"fail_fast": True}, "CgcJobsFailed: cannot be cancelled"
    ),
    "fail_fast_soft_fail": Case(one_fails_others_last, "skipped", FIRST_FAILED, {"fail_fast": True, "soft_fail": True}),
    "unknown_id": Case(one_unknown, "failed", ONE_MISSING, error=f"CgcJobsFailed: {UNKNOWN}"),
    "unknown_id_soft_fail": Case(one_unknown, "skipped", ONE_MISSING, {"soft_fail": True}),
    "timeout": Case(never_ending, "failed", OPEN, {"timeout": 2}, "AirflowSensorTimeout: cannot be cancelled"),
    "timeout_soft_fail": Case(never_ending, "skipped", OPEN, {"timeout": 2, "soft_fail": True}),
    "timeout_never_fail": Case(never_ending, "skipped", OPEN, {"timeout": 2, "never_fail": True}),
    "429": Case(after("429", count=2, seconds=1, retry_after=1), "success", ALL_DONE),
    "503_maintenance": Case(after("503_maintenance", count=2, retry_after=1), "success", ALL_DONE),
    "502_html": Case(after("502_html", count=1), "success", ALL_DONE),
    "404_html_at_first": Case(
        after("404_html", count=None), "failed", OPEN, error="CgcWaitError: check host and path of the connection"
    ),
    "404_html_later": Case(after("404_html", after=1), "success", ALL_DONE),
    "302_html_later": Case(after("302_html", after=1), "success", ALL_DONE),
    "dropped_line": Case(after("drop_before", count=1), "success", ALL_DONE),
    "401": Case(refused_token, "failed", OPEN, error="CgcWaitError: connection 'cgc_default'"),
    "401_soft_fail": Case(refused_token, "failed", OPEN, {"soft_fail": True}, "CgcWaitError: connection 'cgc_default'"),
    "401_never_fail": Case(refused_token, "skipped", OPEN, {"never_fail": True}),
    "403": Case(after("403", count=None), "failed", OPEN, error="CgcWaitError: 403"),
    "403_for_a_while_silent_fail": Case(
        after("403", count=2), "success", ALL_DONE, {"silent_fail": True}, modes=("poke", "reschedule")
    ),
    "another_users_job": Case(another_users, "failed", None, error="CgcWaitError: 9005"),
    "another_users_job_soft_fail": Case(another_users, "failed", None, {"soft_fail": True}, "CgcWaitError: 9005"),
    "unheard_of_state": Case(unheard_of_state, "success", ALL_DONE),
    "exponential_backoff": Case(three_exports, "success", ALL_DONE, {"exponential_backoff": True}, modes=("poke",)),
    "empty": Case(nothing, "failed", None, error="CgcBadInput: allow_empty=True"),
    "empty_soft_fail": Case(nothing, "failed", None, {"soft_fail": True}, "CgcBadInput: allow_empty=True"),
    "empty_allowed": Case(nothing, "success", counts(0), {"allow_empty": True}),
    "expected_count_not_met": Case(
        three_exports, "failed", None, {"expected_count": 4}, "CgcBadInput: expected_count is 4"
    ),
    "expected_count_met": Case(three_exports, "success", ALL_DONE, {"expected_count": "3"}),
    "no_connection": Case(
        three_exports, "failed", None, {"cgc_conn_id": "cgc_nobody"}, "CgcSettingsError: connection 'cgc_nobody'"
    ),
}
RUNS = [(name, mode) for name, case in CASES.items() for mode in case.modes]


Play = Callable[[str, str], tuple[Ended, int]]


@pytest.fixture(scope="module")
def played(database: None) -> Play:
    """Run a case in one mode, once: how it ended, and how many requests it made."""

    @functools.cache
    def play_it(name: str, mode: str) -> tuple[Ended, int]:
        case = CASES[name]
        with CgcEmulator(speed=600, files=10) as emulator, pytest.MonkeyPatch.context() as patch:
            patch.setenv("AIRFLOW_CONN_CGC_DEFAULT", emulator.airflow_conn)
            for module in ("budget", "retry"):  # what the platform asks for is shorter here, too
                patch.setattr(f"airflow_provider_cgc.client.http.{module}.SHORTEST_WAIT", 0.3)
            how = {"export_ids": case.platform(emulator), "timeout": 600, **MODES[mode], **case.arguments}
            [ended] = play({"task_id": "wait", **how})
            return ended, emulator.stats()["total"]

    return play_it


@pytest.mark.sampled(each="name")  # tests/parity has each row of the table in each mode
@pytest.mark.parametrize(("name", "mode"), RUNS)
def test_ends_as_the_table_says(played: Play, name: str, mode: str) -> None:
    case, (ended, _) = CASES[name], played(name, mode)
    kind, _, words = case.error.partition(": ")

    assert (ended.state, ended.error[0]) == (case.state, kind)
    assert words in ended.error[1]
    if case.summary is not None:
        assert ended.summary is not None
        assert {key: ended.summary[key] for key in case.summary} == case.summary


@pytest.mark.sampled(each="name")
@pytest.mark.parametrize(
    ("name", "mode"), [(name, mode) for name, mode in RUNS if mode != "poke" and CASES[name].summary is not None]
)
def test_summary_in_every_mode(played: Play, name: str, mode: str) -> None:
    """The summary is the same in every mode."""
    this, poked = played(name, mode)[0], played(name, "poke")[0]

    assert comparable(this.summary) == comparable(poked.summary)


@pytest.mark.parametrize("mode", MODES)
def test_summary_is_returned(played: Play, mode: str) -> None:
    """The summary is also the return value of a success."""
    ended, _ = played("all_completed", mode)

    assert ended.xcoms["return_value"] == ended.summary


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["empty", "empty_allowed", "expected_count_not_met", "no_connection"])
def test_bad_input_sends_nothing(played: Play, name: str, mode: str) -> None:
    _, requests = played(name, mode)

    assert requests == 0


def comparable(summary: dict[str, Any] | None) -> dict[str, Any]:
    """Leave out what differs between two emulators: the random job ids and the seconds that a run took."""
    assert summary is not None
    items = [{key: value for key, value in item.items() if key != "id"} for item in summary["failed_items"]]
    return {**summary, "failed_items": items, "seconds": summary["seconds"] is not None}
