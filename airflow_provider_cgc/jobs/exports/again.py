"""The effect of a Clear on exports that have completed: sent again, and with which result, or kept, and why."""

from __future__ import annotations

from airflow_provider_cgc.jobs.waiting.clearing import Clearing

AGAIN: dict[str, tuple[bool, str]] = {
    "fail": (True, 'an export whose object is still there fails (if_exists="fail")'),
    "skip": (False, 'an object that is there with the right size is skipped (if_exists="skip")'),
    "overwrite": (True, 'an object that is there is overwritten (if_exists="overwrite")'),
}
"""By `if_exists`, of copies: `Clearing.resends` and `Clearing.why`."""
MOVED = "a moved file is an alias of its object, and an alias is never exported"


def clearing_of_completed(*, copy_only: bool, if_exists: str, verify: bool) -> Clearing:
    """Return the facts about a Clear that depend on the arguments of an export; an alias is never sent."""
    if not copy_only:
        return Clearing(sends=True, why=MOVED)
    resends, why = AGAIN[if_exists]
    return Clearing(sends=True, resends=resends, why=why, verifies=verify)
