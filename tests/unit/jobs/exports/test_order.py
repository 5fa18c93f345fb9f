"""Faults of an order, or of single items: some refuse it, some count as failures, some are passed over."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cgc.client.errors import CgcUnreadableError
from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.exports.order import ExportOrder
from airflow_provider_cgc.jobs.submitting.items import BadItems
from airflow_provider_cgc.jobs.submitting.tolerance import Tolerance
from airflow_provider_cgc.jobs.submitting.unfit import Unfit
from tests.fakes.accounts import NO_FILE
from tests.fakes.job_lists import REFUSED
from tests.fakes.order import export_order

ALIAS = Problem(None, 9006, "It is an alias.", made_here=True)
UNDECIDED = Problem(None, None, "not told apart from unknown ids yet", made_here=True, undecided=True)


def an_order(most: int = 0, *, items: int = 0, **more: Any) -> ExportOrder:
    """Give an order of so many items, of which so many may fail."""
    order = export_order(tolerance=Tolerance(most), **more)
    order.items = [ExportItem("f")] * items
    return order


def unfit(*problems: Problem) -> list[Unfit]:
    return [
        Unfit(ExportItem(f"{number:024x}"), problem, f"item {number}: {problem}", f"item {number}")
        for number, problem in enumerate(problems)
    ]


@pytest.mark.parametrize(
    ("problems", "tolerated", "aliases", "error"),
    [
        ([NO_FILE], 0, "fail", BadItems),
        ([NO_FILE, NO_FILE], 1, "fail", BadItems),
        ([ALIAS], 0, "fail", BadItems),
        ([ALIAS, NO_FILE], 0, "skip", BadItems),
        ([REFUSED], 0, "skip", BadItems),
        ([UNDECIDED], 1, "fail", CgcUnreadableError),
        ([UNDECIDED, NO_FILE], 1, "fail", CgcUnreadableError),
        ([UNDECIDED, NO_FILE, NO_FILE], 1, "fail", BadItems),
        ([UNDECIDED, ALIAS], 0, "skip", CgcUnreadableError),
    ],
)
def test_too_many_are_refused(problems: list[Problem], tolerated: int, aliases: str, error: type[Exception]) -> None:
    """More unfit items than may fail are refused."""
    with pytest.raises(error):
        an_order(tolerated, aliases=aliases).refuse(unfit(*problems))


@pytest.mark.parametrize(
    ("problems", "tolerated", "aliases"), [([], 0, "fail"), ([NO_FILE], 1, "fail"), ([ALIAS, ALIAS], 0, "skip")]
)
def test_enough_are_accepted(problems: list[Problem], tolerated: int, aliases: str) -> None:
    """As many unfit items as may fail are accepted."""
    an_order(tolerated, aliases=aliases).refuse(unfit(*problems))


def test_whole_fault_is_refused() -> None:
    """A fault of the whole order is refused, whatever may fail."""
    with pytest.raises(BadItems) as caught:
        an_order(5).refuse(unfit(NO_FILE), ["volume a/out: no"])

    assert caught.value.problems == ("volume a/out: no", "item 0: 5002: Requested file does not exist.")


def test_many_make_a_short_text() -> None:
    with pytest.raises(BadItems) as caught:
        an_order().refuse(unfit(*[NO_FILE] * 10_000))

    assert len(str(caught.value)) < 4000
    assert str(caught.value).endswith("; 9990 more.")


def test_refusal_tells_tolerance() -> None:
    order = an_order(2, items=7)

    with pytest.raises(BadItems) as caught:
        order.refuse(unfit(NO_FILE, ALIAS, NO_FILE))

    head, first, second = str(caught.value).splitlines()
    assert head == "items: 3 of 7 items cannot be exported; max_failures=2 tolerates 2"
    assert first.startswith("- 2 items: 5002: ")
    assert second.startswith("- item 1: 9006: ")


def test_other_refusal_does_not() -> None:
    """A refusal for another reason blames no limit."""
    with pytest.raises(BadItems) as caught:
        an_order(5).refuse(unfit(NO_FILE), ["volume a/out: no"])

    assert str(caught.value).startswith("items: 2 problems\n")
