"""The decision about each item before sending: its words in a dry run and in the log, its number, and its outcome."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest

from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.submitting.attempt import Attempt
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, ItemState
from airflow_provider_cgc.jobs.submitting.plan import LISTED as IN_A_PLAN
from airflow_provider_cgc.jobs.submitting.plan import counts_of
from airflow_provider_cgc.jobs.submitting.resume import Action
from tests.fakes.clock import Clock
from tests.fakes.job_lists import FOR_GOOD, NOT_TOLD, PASSING, REFUSED, TAKEN
from tests.fakes.planned_order import (
    COMPLETED,
    FAILS,
    FITS,
    NOT_JOINED,
    OTHER,
    OTHERWISE,
    PROVEN,
    RUNNING,
    SKIPPED,
    Options,
    PlannedOrder,
    Situation,
    items_in,
)

TO_SEND = "to be sent"


@dataclass(frozen=True)
class Played:
    """One attempt at an order, from the plan to the outcomes."""

    attempt: Attempt
    order: PlannedOrder
    dry_run: str
    counts: dict[str, int]
    announced: list[ItemOutcome]
    outcomes: list[ItemOutcome]
    log: str
    """The line that counts the items once all is sent."""


def play(*situations: Situation, options: Options) -> Played:
    order, clock = PlannedOrder(situations, options), Clock()
    attempt = Attempt(order, log_info=lambda line: None, clock=clock, sleep=clock.sleep)
    attempt.check(items_in(situations))
    attempt.now()
    ledger = order.ledger()
    attempt.plan.decide(ledger, later_poke=options.later_poke, now=attempt.began)
    report, counts, announced = attempt.dry_run(), counts_of(attempt.plan.tally(), EXPORT), attempt.outcomes()
    attempt.send(ledger)
    return Played(attempt, order, report[1], counts, announced, attempt.outcomes(), attempt.lines()[0])


def row(words: tuple[str, str], number: str | None, outcome: tuple[Any, ...], options: Options, **how: Any) -> Any:
    """
    Return a row of the table.

    :param words: those of the dry run and of the log.
    :param number: the count of the dry run that has the item; None if none has.
    :param outcome: state, id, code and message.
    :param how: the item's situation.
    """
    return words, number, outcome, options, Situation(**how)


NAMED, LISTED = (("SUBMITTED", f"{name}-f0", None, None) for name in ("named", "listed"))
IS_THERE = ("SKIPPED", None, None, "the object is there already")
OBSTRUCTED = ("FAILED", None, 9107, "Something else is there.")
GONE = ("FAILED", None, None, "It was done before, and the result does not exist any more.")
FORGOTTEN = "the platform does not know job named-f0 any more, and the result is there"
OTHER_RUN = "not sent: job listed-f0 of another run is the same export (f0 a/out x/0), "

IN_THE_WAY_WORDS = "with something else in the way", "not sent because something else is in the way"
LEFT_WORDS = "held back, a job of another run has other settings", "left to a job of another run for now"
THERE_WORDS = "to be skipped, they are there already", "skipped, they are there already"
WRONG_WORDS = "done already, but not as they should be", "done already, but not as they should be"

SENT = (TO_SEND, "started"), "to_send", ("SUBMITTED", "sent-f0", None, None)
NOT_SENT = (TO_SEND, "not sent"), "to_send", ("UNSENT", None, None, f"not sent: {NOT_TOLD}")
REFUSED_ONE = (TO_SEND, "refused by the platform"), "to_send", ("FAILED", None, 9006, REFUSED.message)
TAKEN_ONE = (TO_SEND, "refused by the platform"), "to_send", ("FAILED", None, 9107, TAKEN.message)
DONE = ("done already", "done already"), "settled"
ADOPTED = ("under way already", "under way already and taken over"), "under_way"
FAILED = ("that failed and cannot succeed by themselves", "failed before and not sent again"), "failing", NAMED
THERE = THERE_WORDS, "skipped", IS_THERE
IN_THE_WAY = IN_THE_WAY_WORDS, None, OBSTRUCTED
WRONG = WRONG_WORDS, "failing"
LEFT = LEFT_WORDS, "failing", ("UNSENT", None, None, OTHER_RUN + OTHERWISE)
NOT_COUNTED = LEFT_WORDS, "failing", ("UNSENT", None, None, OTHER_RUN + NOT_JOINED)
UNFIT = (
    ("that cannot be exported", "not sent because they cannot be exported"),
    "not_exportable",
    ("FAILED", None, 9006, FAILS),
)
ALIAS = (
    ("to be skipped, because the files are aliases", "skipped, because the files are aliases"),
    "skipped",
    ("SKIPPED", None, 9006, SKIPPED),
)
IS_DONE = ("COMPLETED", None, None, "the file is an alias already")

PLAIN, AGAIN, SKIPS = Options(), Options(later_poke=True), Options(skips_existing=True)
UNLISTED = Options(skips_existing=True, has_lists=False)
CLEARED, BELIEVES = Options(cleared=True), Options(cleared=True, believes=True)
VERIFIES, VERIFIES_CLEARED = Options(verify=True), Options(verify=True, cleared=True)

TABLE = {
    # By the ledger and the jobs alone.
    "never sent": row(*SENT, PLAIN),
    "refused": row(*REFUSED_ONE, PLAIN, answer=REFUSED),
    "its answer is lost, nothing started": row(*NOT_SENT, PLAIN, answer=NOT_TOLD),
    "done without a job": row(*DONE, IS_DONE, PLAIN, done_already=True),
    "its job completed": row(*DONE, NAMED, PLAIN, named=COMPLETED),
    "its job runs": row(*ADOPTED, NAMED, PLAIN, named=RUNNING),
    "its job is not visible yet": row(*ADOPTED, NAMED, PLAIN, named="unseen"),
    "its job failed for good": row(*FAILED, PLAIN, named=FOR_GOOD),
    "its job failed for good, cleared": row(*SENT, CLEARED, named=FOR_GOOD),
    "its job failed, perhaps for now": row(*SENT, PLAIN, named=PASSING),
    "its job failed in this try": row(*FAILED, AGAIN, named=PASSING),
    "its job found an object": row(*FAILED, PLAIN, named=TAKEN),
    "its lost job runs": row(*ADOPTED, LISTED, PLAIN, lost=True, listed=RUNNING),
    "its lost job does not exist": row(*SENT, PLAIN, lost=True),
    # Something is where the result should go.
    "its result is there": row(*THERE, SKIPS, there=[FITS]),
    "its result is there, not asked for": row(*SENT, PLAIN, there=[FITS]),
    "its job found its result": row(*THERE, SKIPS, there=[FITS], named=TAKEN),
    "something else is there": row(*IN_THE_WAY, SKIPS, there=[OTHER]),
    "its job found something else": row(*IN_THE_WAY, SKIPS, there=[OTHER], named=TAKEN),
    "its job found it, and others may run": row(*IN_THE_WAY, UNLISTED, there=[OTHER], named=TAKEN),
    "something is there, its job completed": row(*DONE, NAMED, SKIPS, there=[OTHER], named=COMPLETED),
    "its result appears": row((TO_SEND, THERE_WORDS[1]), "to_send", IS_THERE, SKIPS, answer=TAKEN, appears=FITS),
    "something else appears": row(
        (TO_SEND, IN_THE_WAY_WORDS[1]), "to_send", OBSTRUCTED, SKIPS, answer=TAKEN, appears=OTHER
    ),
    "something appears, and is gone": row(*TAKEN_ONE, SKIPS, answer=TAKEN),
    "its result appears, not asked for": row(*TAKEN_ONE, PLAIN, answer=TAKEN, appears=FITS),
    # Its job is forgotten, or its result is gone.
    "forgotten, something is there": row(*SENT, BELIEVES, named="unseen", there=[FITS]),
    "forgotten, its result is there": row(
        *DONE, ("COMPLETED", None, None, FORGOTTEN), BELIEVES, named="unseen", there=[PROVEN]
    ),
    "perhaps not forgotten yet": row(*ADOPTED, NAMED, BELIEVES, named="unseen", there=[PROVEN], young=True),
    "no job, its result is gone": row(*WRONG, GONE, VERIFIES, done_already=True),
    "no job, its result is there": row(*DONE, IS_DONE, VERIFIES, done_already=True, there=[FITS]),
    "its result is gone": row(*DONE, NAMED, VERIFIES, named=COMPLETED),
    "its result is gone, cleared": row(*SENT, VERIFIES_CLEARED, named=COMPLETED),
    "its result is another, cleared": row(*SENT, VERIFIES_CLEARED, named=COMPLETED, there=[OTHER]),
    "its result is there, cleared": row(*DONE, NAMED, VERIFIES_CLEARED, named=COMPLETED, there=[FITS]),
    # Jobs that were found, and are not quite the wanted ones.
    "its lost job does it otherwise": row(*LEFT, PLAIN, lost=True, listed=RUNNING, unlike=OTHERWISE),
    "its lost job did it otherwise": row(
        *WRONG,
        ("FAILED", None, None, f"Job listed-f0 has done it {OTHERWISE}."),
        PLAIN,
        lost=True,
        listed=COMPLETED,
        unlike=OTHERWISE,
    ),
    "done otherwise, gone, cleared": row(*SENT, VERIFIES_CLEARED, lost=True, listed=COMPLETED, unlike=OTHERWISE),
    "its own job did it otherwise": row(*DONE, NAMED, PLAIN, named=COMPLETED, unlike=OTHERWISE),
    "another run does it": row(*ADOPTED, LISTED, PLAIN, listed=RUNNING),
    "another run does it otherwise": row(*LEFT, PLAIN, listed=RUNNING, unlike=OTHERWISE),
    "another run's job cannot count": row(*NOT_COUNTED, PLAIN, listed=RUNNING, unlike=NOT_JOINED),
    "another run has done it": row(*SENT, PLAIN, listed=COMPLETED, unlike=OTHERWISE),
    "another run does it, and it is there": row(*THERE, SKIPS, listed=RUNNING, there=[FITS]),
    # No job can be started.
    "unfit": row(*UNFIT, PLAIN, unfit=FAILS),
    "unfit, its result is there": row(*THERE, SKIPS, unfit=FAILS, there=[FITS]),
    "unfit, its job completed": row(*DONE, NAMED, PLAIN, unfit=FAILS, named=COMPLETED),
    "an alias, skipped": row(*ALIAS, PLAIN, unfit=SKIPPED),
    "without a key": row(*UNFIT, PLAIN, unfit=FAILS, has_key=False),
    "without a key, skipped": row(*ALIAS, PLAIN, unfit=SKIPPED, has_key=False),
}


@pytest.mark.parametrize(("words", "number", "outcome", "options", "situation"), TABLE.values(), ids=TABLE)
def test_item_is_told_alike(
    words: tuple[str, str], number: str | None, outcome: tuple[Any, ...], options: Options, situation: Situation
) -> None:
    """The dry run, the numbers, the log and the outcome tell the same of an item."""
    played = play(situation, options=options)

    [one] = played.outcomes
    assert (played.dry_run, played.log) == (f"1 {words[0]}.", f"Of 1 export: 1 {words[1]}.")
    numbers = {"settled", "under_way"} if number == "under_way" else {number} if number else set()
    assert {name for name, count in played.counts.items() if count} == numbers
    assert (one.state.value, one.id, one.code, one.message) == outcome
    assert bool(played.order.sent) == (words[0] == TO_SEND)


@pytest.mark.parametrize(("words", "options", "situation"), [(row[0], *row[3:]) for row in TABLE.values()], ids=TABLE)
def test_only_sending_is_open(words: tuple[str, str], options: Options, situation: Situation) -> None:
    """
    Before anything is sent, the manifest says of all other items what it says in the end.

    A task that is killed now must not leave the job of another run, or one with other settings, as its own.
    """
    played = play(situation, options=options)

    [announced], [one] = played.announced, played.outcomes
    open_one = replace(one, state=ItemState.SUBMITTED, id=None, code=None, message=None)
    assert announced == (open_one if words[0] == TO_SEND else one)


def combinations() -> list[Situation]:
    axes = {
        "named": [None, "unseen", COMPLETED, RUNNING, PASSING, FOR_GOOD, TAKEN],
        "listed": [None, COMPLETED, RUNNING],
        "unlike": [None, OTHERWISE],
        # Some objects come, change or go between two looks.
        "there": [[None], [FITS], [PROVEN], [OTHER], [PROVEN, None], [OTHER, PROVEN]],
        "unfit": [None, FAILS, SKIPPED],
        "answer": [None, REFUSED],
    }
    return [Situation(**dict(zip(axes, values, strict=True))) for values in product(*axes.values())]


@pytest.mark.parametrize(("skips_existing", "verify", "believes", "cleared"), list(product([False, True], repeat=4)))
def test_every_item_counts_once(skips_existing: bool, verify: bool, believes: bool, cleared: bool) -> None:
    """Every item is in one number of each line, in any combination of situations."""
    options = Options(skips_existing=skips_existing, verify=verify, believes=believes, cleared=cleared)
    situations = combinations()

    played = play(*situations, options=options)

    for line in (played.dry_run, played.log.partition(": ")[2]):
        assert sum(map(int, re.findall(r"\d+(?= )", line))) == len(situations), line
    assert all(count >= 0 for count in played.counts.values())
    obstructed = played.attempt.plan.tally()[Action.IN_THE_WAY]
    assert sum(played.counts.values()) - played.counts["under_way"] + obstructed == len(situations)
    assert len(played.announced) == len(played.outcomes) == len(situations)


OVER = {Action.DONE, Action.SKIP, Action.NEEDLESS, Action.UNFIT}
"""Nothing is left to do for these items, or nothing can be done."""


def test_every_other_item_is_listed() -> None:
    """A dry run lists each item that is not over; with one that is uncertain there is no plan."""
    assert {*IN_A_PLAN} == {*Action} - OVER - {Action.UNCERTAIN}
