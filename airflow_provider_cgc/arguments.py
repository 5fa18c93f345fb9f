"""What a sensor's arguments must be before anything is sent; errors name the argument, the fact and the next step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow_provider_cgc.exceptions import CgcBadInput, CgcInputRefused
from airflow_provider_cgc.jobs.ids import BadIds, parse_ids
from airflow_provider_cgc.jobs.kinds import JobKind
from airflow_provider_cgc.jobs.text import BadNumber, counted, number_from

LONGEST = 100 * 365 * 86_400.0
"""Seconds, a hundred years, beyond which a time is as good as none: `timedelta.max` is no moment of any calendar, and
no clock sleeps that long."""


def ids_given(value: Any, *, where: str) -> list[str]:
    """
    Return the ids as they were written, duplicates included.

    :param where: the argument and its task, for messages.
    :raises CgcBadInput: if the value is no list of ids.
    """
    try:
        return parse_ids(value)
    except BadIds as error:
        # The reason is in the text; a second traceback would only hide it.
        raise CgcBadInput(f"{where}: {error}") from None


def check_count(
    count: int,
    *,
    where: str,
    why: str,
    expected: int | None,
    allow_empty: bool,
    what: str = "id",
    empty: str = "is empty; set allow_empty=True if there may be nothing to do",
) -> None:
    """
    Refuse another number of distinct ids, items or files than expected, and none at all unless that is allowed.

    :param why: what another number may come from, and what to do then.
    :param what: the word for one of them.
    :param empty: what to say of `where` if there are none.
    :raises CgcBadInput: if the number is wrong.
    """
    if expected is not None and count != expected:
        raise CgcBadInput(f"{where} has {counted(count, what)}, but expected_count is {expected}: {why}")
    if not count and not allow_empty:
        raise CgcBadInput(f"{where} {empty}")


def why_others(kind: JobKind, count: int, expected: int | None) -> str:
    """Say what another number of job ids may come from, and what to do then."""
    if expected is not None and count > expected:
        return "correct expected_count, or look at the log of the task that starts them"
    return (
        f"some {kind.plural} were refused when they were submitted, or their ids were lost on the way; look at the log"
        " of the task that starts them"
    )


def check_flag(value: Any, *, where: str) -> None:
    """
    Refuse what is neither True nor False when the Dag is parsed: the text "false" would be true.

    :raises CgcInputRefused: for anything else.
    """
    if not isinstance(value, bool):
        kind = type(value).__name__
        raise CgcInputRefused(f"{where} is {value!r}, of type {kind}; give True or False, it is not templated.")


def check_seconds(name: str, arguments: Mapping[str, Any], *, about: str) -> None:
    """
    Refuse what is no time to wait when the Dag is parsed, before Airflow does in fewer words.

    :param name: "poke_interval", or "timeout", which may be 0: look once.
    :param arguments: those of a sensor's base class; what the Dag's `default_args` say counts where there is none.
    :raises CgcInputRefused: if it is neither such a number of seconds nor a timedelta.
    """
    value = arguments.get(name, (arguments.get("default_args") or {}).get(name))
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    may_be_0 = name == "timeout"
    if seconds is None:
        return
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if is_number and (seconds > 0 or (may_be_0 and seconds == 0)):
        return
    raise CgcInputRefused(
        f"{about} {arguments.get('task_id')!r}: {name} is {value!r}; give seconds"
        f" {'from 0 on' if may_be_0 else 'above 0'}, or a timedelta"
        f"{' (it is not templated)' if isinstance(value, str) else ''}."
    )


def bounded(value: Any) -> Any:
    """Return `LONGEST` for a longer time, also for one without end; what is no time is for Airflow to refuse."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    return LONGEST if isinstance(seconds, int | float) and seconds > LONGEST else value


def connection_id(value: Any, *, where: str) -> str:
    """
    Read the id of an Airflow connection.

    :raises CgcBadInput: if it is no text, or empty.
    """
    if isinstance(value, str) and value.strip() and "://" not in value:
        return value
    raise CgcBadInput(f"{where} is {value!r}; give the id of an Airflow connection, or leave it out for the default")


def whole_number(value: Any, *, where: str) -> int | None:
    """
    Read a count that a template may have turned into text.

    :raises CgcBadInput: if it is neither None nor a whole number from 0 on.
    """
    try:
        return number_from(value)
    except BadNumber as error:
        raise CgcBadInput(f"{where} {error}") from None
