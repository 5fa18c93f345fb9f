"""Readers and checks of arguments, also those that a template turned into text; errors name argument and remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from airflow_provider_cgc import storage
from airflow_provider_cgc.exceptions import CgcBadInput, CgcInputRefused
from airflow_provider_cgc.jobs.forms import named_problem
from airflow_provider_cgc.jobs.ids import BadIds, flatten, is_uri, literal, parse_ids
from airflow_provider_cgc.jobs.kinds import JobKind
from airflow_provider_cgc.jobs.submitting.items import is_json
from airflow_provider_cgc.jobs.text import BadNumber, counted, number_from

LONGEST = 100 * 365 * 86_400.0
"""Seconds, a hundred years, the longest time: `timedelta.max` is beyond any calendar, and no clock sleeps that long."""
_HANDOVER = "let that task start the jobs with wait=False, and pass on its result"

_THINGS = {"file": "files", "location": "objects"}
"""The keys by which items are known that are no jobs, and the words for them."""


def ids_given(value: Any, *, where: str) -> list[str]:
    """
    Return the ids as they were written, including duplicates.

    :param where: the argument and its task, for messages.
    :raises CgcBadInput: if the value is no list of ids.
    """
    try:
        return parse_ids(value)
    except BadIds as error:
        # The reason is in the text; a second traceback would only hide it.
        raise CgcBadInput(f"{where}: {error}") from None


def manifests_given(value: Any, *, where: str) -> list[str]:
    """
    Return the addresses in a value, in order and once each; none if it has ids, right or wrong ones.

    :param where: the argument and its task, for messages.
    :raises CgcBadInput: if it mixes addresses with other values, or is the result of a task that has waited itself.
    """
    value = storage.texts_in(value)
    if isinstance(value, str) and is_uri(value):
        return [value.strip()]
    given: Any = value.strip() if isinstance(value, str) else value
    try:
        if isinstance(given, str) and given.startswith("{"):  # a template renders a mapping to text
            given = literal(given)
        entries: list[Any] = [given] if isinstance(given, Mapping) else list(flatten(given))
    except BadIds:
        return []  # the reader of ids says what is wrong with it
    for entry in entries:
        _refuse_results(entry, where)
    addresses = [entry.strip() for entry in entries if is_uri(entry)]
    if addresses and len(addresses) < len(entries):
        other = next(entry for entry in entries if not is_uri(entry))
        raise CgcBadInput(
            f"{where} has both the address {addresses[0]} and {str(other)[:60]!r}; give either addresses of manifests"
            " or ids of jobs"
        )
    return list(dict.fromkeys(addresses))


def _refuse_results(entry: Any, where: str) -> None:
    """Refuse the result of a task after which nothing is left to wait for; other mappings are for the reader of ids."""
    if not isinstance(entry, Mapping):
        return
    if entry.get("dry_run"):
        raise CgcBadInput(f"{where} is the report of a dry run, which started nothing; drop dry_run, and {_HANDOVER}")
    things = next((plural for key, plural in _THINGS.items() if key in entry), None)
    if things is not None:
        raise CgcBadInput(
            f"{where} has {things}, not ids of jobs; give them as items to an operator that starts jobs with"
            " wait=False, and pass on its result. If a task has imported them, it has waited already: drop this sensor"
            " then"
        )
    if {"total", "failed_items"} <= entry.keys():
        raise CgcBadInput(
            f"{where} is the summary of a task that has waited already, so there is nothing left to wait for; drop"
            f" this sensor, or {_HANDOVER}"
        )


def same_address(address: str, *, where: str) -> CgcBadInput:
    """Return the error of a task that would write its manifest to the address that it reads from."""
    return CgcBadInput(
        f"{where} has the same address as manifest_path, {address}, and the task would overwrite the file that it"
        " reads; give manifest_path another address"
    )


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
    Refuse a number of distinct ids, items or files other than expected, and 0 unless that is allowed.

    :param why: the possible reasons for another number, and what to do then.
    :param what: the word for one of them.
    :param empty: the text to follow `where` if there are none.
    :raises CgcBadInput: if the number is wrong.
    """
    if expected is not None and count != expected:
        raise CgcBadInput(f"{where} has {counted(count, what)}, but expected_count is {expected}: {why}")
    if not count and not allow_empty:
        raise CgcBadInput(f"{where} {empty}")


def why_others(kind: JobKind, count: int, expected: int | None) -> str:
    """Return the possible reasons for another number of job ids, and what to do then."""
    if expected is not None and count > expected:
        return "correct expected_count, or look at the log of the task that starts them"
    return (
        f"some {kind.plural} were refused when they were submitted, or their ids were lost; look at the log of the task"
        " that starts them"
    )


def check_flag(value: Any, *, where: str) -> None:
    """
    Refuse a value other than True and False when the Dag is parsed: the text "false" would be true.

    :raises CgcInputRefused: for anything else.
    """
    if not isinstance(value, bool):
        kind = type(value).__name__
        raise CgcInputRefused(f"{where} is {value!r}, of type {kind}; give True or False (it is not templated).")


def check_seconds(name: str, arguments: Mapping[str, Any], *, about: str) -> None:
    """
    Refuse a wrong time to wait when the Dag is parsed, with more help than Airflow gives.

    :param name: "poke_interval", or "timeout", which may be 0: look once.
    :param arguments: those of a sensor's base class; the Dag's `default_args` are used for a missing one.
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
    """Return a time, or `LONGEST` if it is longer or infinite; a value that is no time is left to Airflow."""
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

    :raises CgcBadInput: if it is neither None nor a whole number from 0.
    """
    try:
        return number_from(value)
    except BadNumber as error:
        raise CgcBadInput(f"{where} {error}") from None


def flag_of(value: Any, *, where: str) -> bool:
    """
    Read true or false, also as text; the text "False" is false.

    :raises CgcBadInput: for anything else.
    """
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word in ("true", "false"):
        return word == "true"
    raise CgcBadInput(f"{where} is {value!r}; give true or false")


def word_of(value: Any, words: Sequence[str], *, where: str) -> str:
    """
    Read one of a few words.

    :raises CgcBadInput: for anything else.
    """
    if value in words:
        return str(value)
    raise CgcBadInput(f"{where} is {value!r}; give one of {', '.join(words)}")


def count_of(value: Any, *, where: str) -> int:
    """
    Read a whole number from 0.

    :raises CgcBadInput: for anything else.
    """
    return whole_number(value, where=where) or 0


def share_of(value: Any, *, where: str) -> float | None:
    """
    Read a share from 0 to 1, or None.

    :raises CgcBadInput: for anything else.
    """
    if value is None:
        return None
    try:
        share = float(value)
    except (TypeError, ValueError):
        share = -1.0
    if isinstance(value, bool) or not 0 <= share <= 1:
        raise CgcBadInput(f"{where} is {value!r}; give a number from 0 to 1, such as 0.01 for one in a hundred")
    return share


def volume_of(value: Any, *, where: str) -> str | None:
    """
    Read a volume, "owner/name"; None or "", as a template may write it, is no volume.

    :raises CgcBadInput: for anything else.
    """
    problem = named_problem(value, kind="volume") if value not in (None, "") else None
    if problem:
        raise CgcBadInput(f"{where} {problem}")
    return value or None


def properties_of(value: Any, *, where: str) -> dict[str, Any]:
    """
    Read the properties of objects on a volume: a mapping, or text of one (JSON or Python).

    :raises CgcBadInput: for anything else, and for values that JSON cannot hold.
    """
    read = value
    if isinstance(value, str):
        with suppress(BadIds):
            read = literal(value.strip())
    if read is None:
        return {}
    if not isinstance(read, Mapping) or not all(isinstance(key, str) for key in read):
        raise CgcBadInput(f'{where} is {value!r}; give an object such as {{"sse_algorithm": "AES256"}}')
    if not is_json(dict(read)):
        raise CgcBadInput(f"{where} is {value!r}, and JSON cannot hold that; give plain values")
    return dict(read)
