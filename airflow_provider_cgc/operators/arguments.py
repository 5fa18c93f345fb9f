"""Arguments of operators that a template may have turned into text; errors name the argument and the next step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from airflow_provider_cgc.arguments import whole_number
from airflow_provider_cgc.exceptions import CgcBadInput
from airflow_provider_cgc.jobs.forms import named_problem
from airflow_provider_cgc.jobs.ids import BadIds, literal
from airflow_provider_cgc.jobs.submitting.items import is_json


def flag_of(value: Any, *, where: str) -> bool:
    """
    Read true or false; nothing else is either, and above all the text "False" is not true.

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
    Read a whole number from 0 on.

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
    Read a volume, "owner/name"; None for none, which is what a template writes as "".

    :raises CgcBadInput: for anything else.
    """
    problem = named_problem(value, kind="volume") if value not in (None, "") else None
    if problem:
        raise CgcBadInput(f"{where} {problem}")
    return value or None


def properties_of(value: Any, *, where: str) -> dict[str, Any]:
    """
    Read what the platform is to do with an object on its volume: a mapping, or text of one (JSON or Python).

    :raises CgcBadInput: for anything else, and for what JSON cannot hold.
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
