"""The lines that the demo prints."""

from __future__ import annotations

import io

import pytest

from dev.demo_report import ProgressLine, Result, clock_time, failures, human_bytes, table, task_counts


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def result(**changes):
    values = {
        "dag_id": "cgc_wait_for_exports",
        "state": "success",
        "expected": "success",
        "files": 300,
        "bytes": 1_234_567_890,
        "requests": 12,
        "seconds": 782.4,
        "took": 41.7,
        "url": "http://localhost:8080/dags/cgc_wait_for_exports/runs/demo",
    }
    return Result(**{**values, **changes})


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (38_500_000_000_000, "38.5 TB"),
        (2_000_000_000_000_000_000, "2000.0 PB"),
    ],
)
def test_bytes_are_decimal(count, text):
    assert human_bytes(count) == text


def test_minutes_and_seconds():
    assert clock_time(65.9) == "1:05"


def test_columns_line_up():
    lines = table([result(), result(dag_id="d", files=1, url="http://x")]).splitlines()

    assert lines[0].split() == [
        "Dag",
        "files",
        "bytes",
        "state",
        "expected",
        "requests",
        "platform",
        "s",
        "wall",
        "s",
        "run",
    ]
    assert {line.index("http") for line in lines[2:]} == {lines[0].index("run")}
    assert lines[2].split()[1:4] == ["300", "1.2", "GB"]


def test_failure_as_expected():
    """A failed Dag that shall fail is as expected."""
    failed = result(state="failed", expected="failed", failed_items=[{"file": "f", "code": 9107}])

    assert failed.problem == ""
    assert "should be success" in result(state="failed").problem


def test_wrong_reason_is_told():
    """The right state for the wrong reason is not as expected."""
    assert "not because of a failed file" in result(state="failed", expected="failed").problem
    assert "no file" in result(files=0).problem


def test_failures_are_named():
    """Failures name file, code and message, and count the rest."""
    items = [{"file": f"f{n}", "code": 9107, "message": "exists"} for n in range(7)]

    text = failures(result(failed_items=items))

    assert "file f0: code 9107, exists" in text
    assert "f5" not in text
    assert text.endswith("and 2 more")


def test_waiting_has_no_state():
    tasks = [{"state": "deferred"}, {"state": None}, {"state": "deferred"}]

    assert task_counts(tasks) == "2 deferred, 1 waiting"


def test_log_file_every_10_s():
    """A log file gets a progress line every ten seconds only."""
    out, now = io.StringIO(), iter([0.0, 4.0, 10.0, 10.0])
    line = ProgressLine(out, now=lambda: next(now))

    for text in ("one", "two", "three"):
        line.show(text)

    assert out.getvalue() == "one\nthree\n"


def test_terminal_line_rewritten():
    out = Terminal()
    line = ProgressLine(out)

    line.show("a long line")
    line.show("short")
    line.end("done")

    assert out.getvalue() == "\ra long line\rshort      \rdone\n"
