"""What is wrong with an order, or with single items of it: what is refused, what counts, what is passed over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_cgc.client.errors import CgcUnreadableError
from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.exports.locations import LocationTemplate
from airflow_provider_cgc.jobs.exports.order import ExportOrder
from airflow_provider_cgc.jobs.exports.problems import Unfit
from airflow_provider_cgc.jobs.submitting.items import BadItems

GONE = Problem(404, 5002, "Requested file does not exist.")
ALIAS = Problem(None, 9006, "It is an alias.", made_here=True)
REFUSED = Problem(403, 9006, "Requested file cannot be exported.")
UNDECIDED = Problem(None, None, "not told apart from unknown ids yet", made_here=True, undecided=True)


def an_order(too_many: Callable[[int], bool] = bool, **more: Any) -> ExportOrder:
    template = LocationTemplate("{id}")
    return ExportOrder(items=(), volume="a/out", template=template, copy_only=True, too_many=too_many, **more)


def at_most(number: int) -> Callable[[int], bool]:
    return lambda failed: failed > number


def unfit(*problems: Problem) -> list[Unfit]:
    return [
        Unfit(ExportItem(f"{number:024x}"), problem, f"item {number}: {problem}")
        for number, problem in enumerate(problems)
    ]


@pytest.mark.parametrize(
    ("problems", "tolerated", "aliases", "error"),
    [
        ([GONE], 0, "fail", BadItems),
        ([GONE, GONE], 1, "fail", BadItems),
        ([ALIAS], 0, "fail", BadItems),
        ([ALIAS, GONE], 0, "skip", BadItems),
        ([REFUSED], 0, "skip", BadItems),
        ([UNDECIDED], 1, "fail", CgcUnreadableError),
        ([UNDECIDED, GONE], 1, "fail", CgcUnreadableError),
        ([UNDECIDED, GONE, GONE], 1, "fail", BadItems),
        ([UNDECIDED, ALIAS], 0, "skip", CgcUnreadableError),
    ],
)
def test_more_unfit_items_than_may_fail_are_refused(
    problems: list[Problem], tolerated: int, aliases: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        an_order(at_most(tolerated), aliases=aliases).check(unfit(*problems))


@pytest.mark.parametrize(
    ("problems", "tolerated", "aliases"), [([], 0, "fail"), ([GONE], 1, "fail"), ([ALIAS, ALIAS], 0, "skip")]
)
def test_as_many_unfit_items_as_may_fail_are_accepted(problems: list[Problem], tolerated: int, aliases: str) -> None:
    an_order(at_most(tolerated), aliases=aliases).check(unfit(*problems))


def test_what_is_wrong_with_all_of_it_is_refused_whatever_may_fail() -> None:
    with pytest.raises(BadItems) as caught:
        an_order(at_most(5)).check(unfit(GONE), ["volume a/out: no"])

    assert caught.value.problems == ("volume a/out: no", "item 0: 5002: Requested file does not exist.")


def test_ten_thousand_problems_make_a_short_text() -> None:
    with pytest.raises(BadItems) as caught:
        an_order().check(unfit(*[GONE] * 10_000))

    assert len(str(caught.value)) < 4000
    assert str(caught.value).endswith("; 9990 more.")


def test_a_refusal_tells_how_many_may_fail() -> None:
    order = replace(an_order(at_most(2), tolerance="max_failures=2 tolerates 2"), items=[ExportItem("f")] * 7)

    with pytest.raises(BadItems) as caught:
        order.check(unfit(GONE, ALIAS, GONE))

    head, first, second = str(caught.value).splitlines()
    assert head == "items: 3 of 7 items cannot be exported; max_failures=2 tolerates 2"
    assert first.startswith("- 2 items: 5002: ")
    assert second.startswith("- item 1: 9006: ")


def test_a_refusal_for_another_reason_blames_no_limit() -> None:
    with pytest.raises(BadItems) as caught:
        an_order(at_most(5), tolerance="max_failures=5 tolerates 5").check(unfit(GONE), ["volume a/out: no"])

    assert str(caught.value).startswith("items: 2 problems\n")
