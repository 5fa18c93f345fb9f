"""The effect of a Clear on exports that have completed: sent again, and with which result, or kept, and why."""

from __future__ import annotations

from typing import Any

REPEATS = {
    "overwrite": 'over the objects that are there, because if_exists is "overwrite"',
    "fail": 'and each fails whose object is still there, because if_exists is "fail"',
}
KEEPS = {"skip": 'as long as their objects are there with the right size, because if_exists is "skip"'}
MOVED = "because their files have been moved: they are aliases of the exported objects"


def completed_again(*, copy_only: bool, if_exists: str, verify: bool) -> dict[str, Any]:
    """Return the facts of `Clearing` that depend on the arguments of an export; an alias is never sent."""
    if not copy_only:
        return {"keeps": MOVED}
    return {"repeats": REPEATS.get(if_exists, ""), "keeps": KEEPS.get(if_exists, ""), "verifies": verify}
