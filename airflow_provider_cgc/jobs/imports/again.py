"""The effect of a Clear on imports that have completed: sent again, and with which result, or kept, and why."""

from __future__ import annotations

from airflow_provider_cgc.jobs.waiting.clearing import Clearing

AGAIN: dict[str, tuple[bool, str]] = {
    "fail": (True, 'an import whose file is still there fails (if_exists="fail")'),
    "skip": (False, 'an alias of the object that is there is skipped (if_exists="skip")'),
    "overwrite": (True, 'a file that is there is replaced and gets a new id (if_exists="overwrite")'),
    "rename": (True, 'a file that is there stays, and the new one gets another name (if_exists="rename")'),
}
"""By `if_exists`: `Clearing.resends` and `Clearing.why`."""


def clearing_of_completed(*, if_exists: str, verify: bool) -> Clearing:
    """Return the facts about a Clear that depend on the arguments of an import."""
    resends, why = AGAIN[if_exists]
    return Clearing(sends=True, resends=resends, why=why, verifies=verify)
