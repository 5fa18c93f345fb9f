"""Snapshots as the tasks write them (the XCom `cgc_jobs`), made by hand for what no short wait shows."""

from __future__ import annotations

import time
from typing import Any

CGC = "https://cgc.sbgenomics.com"
MAPPED_FILES = (3, 4)
"""The number of exports that each instance of the task `mapped` waits for."""
COUNTS = (
    "total",
    "completed",
    "failed",
    "missing",
    "skipped",
    "running",
    "pending",
    "not_found",
    "not_seen",
)
REMEDIES = {
    "9107": "Choose another location or allow overwriting.",
    "9101": "Ask the volume's owner for write access.",
}


def failed(number: int, code: int | None = 9107, **changes: Any) -> dict[str, Any]:
    """A job that FAILED."""
    message = {9107: "Location already contains a file.", 9101: "Access to the volume is denied."}
    return {
        "id": f"f{number:07}",
        "file": f"{number:024x}",
        "name": f"failed-{number}.bam",
        "volume": "me/results",
        "location": f"batch/failed-{number}.bam",
        "project": "me/study",
        "code": code,
        "message": message.get(code or 0, "Something went wrong."),
        **changes,
    }


def running(number: int, **changes: Any) -> dict[str, Any]:
    """A job that runs."""
    row = {"id": f"r{number:07}", "file": f"{number:024x}", "volume": "me/results", "location": f"running-{number}.bam"}
    return {**row, "state": "RUNNING", "since": time.time() - 600, **changes}


def completed(number: int, **changes: Any) -> dict[str, Any]:
    """A job that COMPLETED."""
    row = {"id": f"c{number:07}", "file": f"{number:024x}", "volume": "me/results", "location": f"done-{number}.bam"}
    return {**row, "size": 44_945_424_256, "ended": time.time() - 60, **changes}


def snapshot(
    *,
    failures: int | list[dict[str, Any]] = 0,
    longest: int | list[dict[str, Any]] = 0,
    recent: int | list[dict[str, Any]] = 0,
    counts: dict[str, int] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A snapshot with so many jobs of each sort; numbers stand for made-up jobs, `counts` corrects what follows."""
    failures = [failed(number) for number in range(failures)] if isinstance(failures, int) else failures
    longest = [running(number) for number in range(longest)] if isinstance(longest, int) else longest
    recent = [completed(number) for number in range(recent)] if isinstance(recent, int) else recent
    counted = {
        **dict.fromkeys(COUNTS, 0),
        "failed": len(failures),
        "running": len(longest),
        "completed": len(recent),
        **(counts or {}),
    }
    counted["total"] = sum(number for name, number in counted.items() if name != "total")
    now = time.time()
    ended, bad = counted["completed"], counted["failed"]
    going, waiting = counted["running"], counted["pending"]
    codes = {str(one["code"]) for one in failures}
    return {
        "version": 1,
        "kind": "export",
        "outcome": None if going or waiting else "failed" if bad else "completed",
        "at": now - 5,
        "since": now - 3600,
        "interval": 60.0,
        "counts": counted,
        "bytes": 44_945_424_256 * ended,
        "bytes_total": None,
        "rate": {"bytes": 1.5e8, "jobs": 0.3} if going else None,
        "eta": 3600.0 if going else None,
        "history": [
            [0.0, 0, 0, 0, counted["total"], 0],
            [1800.0, ended // 2, bad // 2, going, waiting + (ended + bad) // 2, 44_945_424_256 * (ended // 2)],
            [3600.0, ended, bad, going, waiting, 44_945_424_256 * ended],
        ],
        "failures": failures,
        "longest": longest,
        "recent": recent,
        "cut": False,
        "requests": 17,
        "refused": 0,
        "remedies": {code: text for code, text in REMEDIES.items() if code in codes},
        "web": CGC,
        "project": "me/study",
        "volume": "me/results",
        "task": None,
        "manifest": None,
        **changes,
    }


def summary(**changes: Any) -> dict[str, Any]:
    """The XCom `cgc_summary`, which is all that a run of an older release has."""
    return {
        "version": 1,
        "kind": "export",
        "total": 321,
        "completed": 314,
        "failed": 7,
        "missing": 0,
        "skipped": 0,
        "bytes": 123_456_789,
        "seconds": 3600.0,
        "failed_items": [],
        "manifest": None,
        **changes,
    }
