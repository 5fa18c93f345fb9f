"""Sentences about items for which no job can be started: one for each cause, with its remedy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

from airflow_provider_cgc.client.errors.problem import REMEDIES, Problem, as_sentence, one_line
from airflow_provider_cgc.jobs.submitting.items import MOST_SHOWN
from airflow_provider_cgc.jobs.waiting.causes import grouped, in_common

if TYPE_CHECKING:
    from airflow_provider_cgc.jobs.submitting.items import Item


@dataclass(frozen=True, slots=True)
class Unfit:
    """A single item for which no job can be started; the others can."""

    item: Item
    problem: Problem
    text: str
    """One or two sentences with the item, the fact and the remedy."""
    name: str = ""
    """The item's name in a list of items."""


def sentences(unfit: Iterable[Unfit]) -> list[str]:
    """
    Return sentences about unfit items, one for each cause: the cause with the most items first, and the items of each
    in order.
    """
    in_order = sorted(unfit, key=lambda one: _position(one.item))
    groups = grouped(in_order, of=lambda one: {"code": one.problem.code, "message": one.problem.message})
    return [alike[0].text if len(alike) == 1 else _about(alike) for alike in groups.values()]


def with_remedy(problem: Problem, *, otherwise: int | None = None) -> str:
    """Return a problem and its remedy; `otherwise` is the code whose remedy is given if the problem has none."""
    remedy = problem.remedy or (REMEDIES[otherwise].text if otherwise is not None else "")
    if problem.undecided:
        remedy = "Try again later."
    return f"{as_sentence(problem)} {remedy}".strip()


def listed_names(texts: Iterable[str], *, between: str = ", ") -> str:
    """List the first ten names, and count the others."""
    rows = list(texts)
    more = [f"{len(rows) - MOST_SHOWN} more"] if len(rows) > MOST_SHOWN else []
    return between.join([*map(one_line, rows[:MOST_SHOWN]), *more])


def _about(alike: Sequence[Unfit]) -> str:
    """Describe a problem that several items share."""
    problem = replace(alike[0].problem, message=reduce(in_common, (one.problem.message for one in alike)))
    names = listed_names((one.name for one in alike), between="; ")
    return f"{len(alike)} items: {with_remedy(problem)} They are {names}."


def _position(item: Item) -> int:
    """Return an item's position in its list, from "item 3" or "line 3"; 0 if it has none."""
    digits = item.line.rpartition(" ")[2]
    return int(digits) if digits.isdecimal() else 0
