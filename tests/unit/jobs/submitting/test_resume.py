"""The conclusions for an item from earlier sends, row by row, and the questions that find them out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models import File, JobState
from airflow_provider_cgc.jobs.exports.facts import Facts
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.submitting.joblist import Blind
from airflow_provider_cgc.jobs.submitting.ledger import Fate, Ledger, Past
from airflow_provider_cgc.jobs.submitting.resume import Action, decide, decide_all
from airflow_provider_cgc.jobs.submitting.search import SETTLING, Finding
from dev.virtual_time import START
from tests.fakes.job_lists import FOR_GOOD, PASSING, TAKEN, VOLUME, ListOfJobs, at, export, key, older
from tests.fakes.order import export_client, export_order
from tests.fakes.store import Store

KEY = key(0)
NEVER, UNCERTAIN, NAMED = Past(Fate.NEVER_SENT), Past(Fate.UNCERTAIN), Past(Fate.STARTED, "named")
ALIAS = File(id=KEY.file, storage_type="VOLUME", volume=KEY.volume, location=KEY.location)
PLATFORM = File(id=KEY.file, storage_type="PLATFORM")


def order_about(*files, client=None):
    """Give an order that was told of these files."""
    order = export_order(client)
    order.facts = Facts({file.id: file for file in files if file}, {}, {}, {}, {})
    return order


def judge(wanted, past, *, file=None, **how):
    return decide(order_about(file), wanted, past, **how)


def named(state=JobState.RUNNING, error=None, **fields):
    """Give the job that the ledger names."""
    return replace(export("named", KEY, START, state, error), **fields)


def listed(state=JobState.RUNNING, error=None, started=START + 10):
    """Give a job that only the list shows."""
    return export("listed", KEY, started, state, error)


def shown(*jobs, complete=False, blind=None):
    return Finding(jobs, complete=complete, blind=blind)


def whole_list(*jobs):
    return shown(*jobs, complete=True)


FAILED = JobState.FAILED
DONE, ADOPT, SEND, GIVE_UP, UNSURE = Action.DONE, Action.ADOPT, Action.SEND, Action.GIVE_UP, Action.UNCERTAIN

TABLE = {
    # an alias of the wanted object
    "alias, never sent": (DONE, NEVER, None, None, ALIAS),
    "alias, uncertain": (DONE, UNCERTAIN, None, None, ALIAS),
    "alias, and a job failed for good": (DONE, NAMED, named(FAILED, FOR_GOOD), None, ALIAS),
    "alias, and a job runs": (DONE, NAMED, named(), None, ALIAS),
    "alias of another object": (UNSURE, UNCERTAIN, None, None, replace(ALIAS, location="elsewhere")),
    "alias of an object on another volume": (UNSURE, UNCERTAIN, None, None, replace(ALIAS, volume="lab/other")),
    "a file that is no alias though it has the place": (UNSURE, UNCERTAIN, None, None, replace(ALIAS, storage_type="")),
    "a file of the platform": (UNSURE, UNCERTAIN, None, None, PLATFORM),
    # COMPLETED
    "the named job completed": (DONE, NAMED, named(JobState.COMPLETED), None, None),
    "a listed job completed": (DONE, UNCERTAIN, None, shown(listed(JobState.COMPLETED)), None),
    "one failed, a listed one completed": (
        *(DONE, NAMED, named(FAILED, FOR_GOOD), shown(listed(JobState.COMPLETED)), None),
    ),
    "9107, and a listed one completed": (DONE, NAMED, named(FAILED, TAKEN), shown(listed(JobState.COMPLETED)), None),
    # under way
    "the named job is pending": (ADOPT, NAMED, named(JobState.PENDING), None, None),
    "the named job runs": (ADOPT, NAMED, named(), None, None),
    "the named job is in a state unheard of": (ADOPT, NAMED, named(JobState.UNKNOWN), None, None),
    "a listed job runs": (ADOPT, UNCERTAIN, None, shown(listed()), None),
    "9107, and a listed one runs": (ADOPT, NAMED, named(FAILED, TAKEN), shown(listed()), None),
    # the ledger names a job that was not seen
    "named, not seen": (ADOPT, NAMED, None, None, None),
    "named, not seen nor listed": (ADOPT, NAMED, None, whole_list(), None),
    "named, not seen, another one failed": (ADOPT, NAMED, None, whole_list(listed(FAILED, PASSING)), None),
    # 9107
    "9107, complete": (GIVE_UP, NAMED, named(FAILED, TAKEN), whole_list(), None),
    "9107, not looked at": (UNSURE, NAMED, named(FAILED, TAKEN), None, None),
    "9107, not complete": (UNSURE, NAMED, named(FAILED, TAKEN), shown(), None),
    "listed 9107, complete": (GIVE_UP, UNCERTAIN, None, whole_list(listed(FAILED, TAKEN)), None),
    "listed 9107, not complete": (UNSURE, UNCERTAIN, None, shown(listed(FAILED, TAKEN)), None),
    # FAILED for good
    "failed for good": (GIVE_UP, NAMED, named(FAILED, FOR_GOOD), None, None),
    "failed without a reason": (GIVE_UP, NAMED, named(FAILED), None, None),
    "listed, failed for good": (GIVE_UP, UNCERTAIN, None, whole_list(listed(FAILED, FOR_GOOD)), None),
    "failed so that it may pass, then for good": (
        *(GIVE_UP, NAMED, named(FAILED, PASSING), whole_list(listed(FAILED, FOR_GOOD)), None),
    ),
    # FAILED so that it may pass
    "may pass, named": (SEND, NAMED, named(FAILED, PASSING), None, None),
    "may pass, complete": (SEND, UNCERTAIN, None, whole_list(listed(FAILED, PASSING)), None),
    "may pass, not complete": (UNSURE, UNCERTAIN, None, shown(listed(FAILED, PASSING)), None),
    "may pass, blind": (UNSURE, UNCERTAIN, None, shown(listed(FAILED, PASSING), blind=Blind.TOO_LONG), None),
    "may pass, named, and a later one, not complete": (
        *(UNSURE, NAMED, named(FAILED, PASSING), shown(listed(FAILED, PASSING)), None),
    ),
    # no job
    "never sent": (SEND, NEVER, None, None, PLATFORM),
    "not there": (SEND, UNCERTAIN, None, whole_list(), None),
    "not looked at": (UNSURE, UNCERTAIN, None, None, None),
    "not complete": (UNSURE, UNCERTAIN, None, shown(), None),
    "blind": (UNSURE, UNCERTAIN, None, shown(blind=Blind.RESTLESS), None),
    # the ledger names a job of something else
    "another file's job": (UNSURE, NAMED, named(JobState.COMPLETED, file="another"), None, None),
    "another place's job, complete": (SEND, NAMED, named(JobState.COMPLETED, location="elsewhere"), whole_list(), None),
    "a job that does not tell what it moves": (DONE, NAMED, named(JobState.COMPLETED, file=None), None, None),
}


@pytest.mark.parametrize("case", TABLE.values(), ids=TABLE.keys())
def test_table(case):
    action, past, job, finding, file = case

    assert judge(KEY, past, job=job, finding=finding, file=file).action is action


CLEARED = {
    # Whoever clears a task has mended the cause: the object in the way is gone, the volume may be written to.
    "9107, complete": (SEND, named(FAILED, TAKEN), whole_list()),
    "9107, not complete": (UNSURE, named(FAILED, TAKEN), shown()),
    "failed for good": (SEND, named(FAILED, FOR_GOOD), None),
    "may pass": (SEND, named(FAILED, PASSING), None),
}


@pytest.mark.parametrize("case", CLEARED.values(), ids=CLEARED.keys())
def test_clear_sends_failed_once(case):
    """A failure in that try is not sent again in it, by a further poke."""
    action, job, finding = case

    first = judge(KEY, NAMED, job=job, finding=finding, cleared=True)
    further = judge(KEY, NAMED, job=job, finding=finding, cleared=True, later_poke=True)

    assert first.action is action
    assert further.action is (GIVE_UP if action is SEND else action)


def test_counting_job_goes_along():
    decision = judge(KEY, NAMED, job=named(FAILED, TAKEN), finding=shown(listed()))

    assert (decision.job_id, decision.job) == ("listed", listed())


def test_unseen_job_is_awaited():
    assert judge(KEY, NAMED).job_id == "named"


@pytest.mark.parametrize(
    ("past", "job", "finding", "says"),
    [
        (
            NAMED,
            named(FAILED, TAKEN),
            whole_list(),
            "a file.), and the object in the way is not from a job of this task",
        ),
        (NAMED, named(FAILED, TAKEN), None, "already contains a file.), maybe because of an earlier attempt"),
        (NAMED, named(FAILED, FOR_GOOD), None, "FAILED (9206: No right to put objects.)"),
        (NAMED, named(FAILED), None, "FAILED (the platform gave no reason)"),
        (UNCERTAIN, None, shown(blind=Blind.TOO_LONG), "no order, and 300 pages are not all of it"),
        (UNCERTAIN, None, shown(blind=Blind.ABBREVIATED), "lack fields that are needed"),
        (UNCERTAIN, None, None, "has not been watched for long enough"),
    ],
)
def test_it_says_why(past, job, finding, says):
    assert says in judge(KEY, past, job=job, finding=finding).why


class Desk:
    """The sources that a plan asks: the ledger, the platform and a clock that moves when somebody sleeps."""

    def __init__(self, *, fresh=False, count=3):
        self.keys = [key(number) for number in range(count)]
        self.store = Store()
        self.fresh = fresh
        self.jobs = {}
        self.pages = ListOfJobs([])
        self.asked, self.sleeps = [], []
        self.now = 0.0

    @property
    def ledger(self):
        return Ledger(self.store, EXPORT, self.keys, since=at(START), owner="me", fresh=self.fresh)

    def sent(self, numbers, ids):
        ledger = self.ledger
        ledger.answered(ledger.intend([self.keys[n] for n in numbers], at=at(START)), [BulkRecord(i) for i in ids])

    def bulk_get(self, ids):
        self.asked.append(list(ids))
        return [BulkRecord(job_id, self.jobs.get(job_id), None) for job_id in ids]

    def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.now += seconds

    def actions(self, *files):
        client = export_client(pages=self.pages, bulk_get=self.bulk_get)
        decisions = decide_all(
            order_about(*files, client=client),
            self.keys,
            self.ledger,
            clock=lambda: self.now,
            sleep=self.sleep,
        )
        assert list(decisions) == self.keys
        return [decision.action for decision in decisions.values()]


class TestPlan:
    def test_first_attempt_is_free(self):
        """A first attempt asks nothing, and waits for nothing."""
        desk = Desk(fresh=True)

        assert desk.actions() == [SEND] * 3
        assert (desk.asked, desk.pages.offsets, desk.sleeps) == ([], [], [])

    def test_named_jobs_are_asked(self):
        """Named jobs are asked for a hundred at once, and not looked for."""
        desk = Desk(fresh=True, count=250)
        for start in range(0, 250, 50):
            ids = [f"job{number}" for number in range(start, start + 50)]
            desk.sent(range(start, start + 50), ids)
            desk.jobs |= {f"job{n}": export(f"job{n}", key(n)) for n in range(start, start + 50)}

        assert desk.actions() == [ADOPT] * 250
        assert ([len(ids) for ids in desk.asked], desk.pages.offsets, desk.sleeps) == ([250], [], [])

    def test_unreadable_is_awaited(self):
        desk = Desk(fresh=True)
        desk.sent([0], ["unread"])

        assert desk.actions() == [ADOPT, SEND, SEND]

    def test_only_uncertain_is_sought(self):
        desk = Desk(fresh=True)
        desk.ledger.intend(desk.keys[1:2], at=at(START))
        desk.pages = ListOfJobs([export("other", desk.keys[0]), export("found", desk.keys[1])])

        assert desk.actions() == [SEND, ADOPT, SEND]
        assert (len(desk.pages.offsets), desk.sleeps) == (1, [])

    def test_unshown_is_sought_again(self):
        """A job that the list does not show is looked for again before it is sent."""
        desk = Desk()

        assert desk.actions() == [SEND] * 3
        assert (len(desk.pages.offsets), desk.sleeps) == (2, [SETTLING])

    def test_late_job_is_not_resent(self):
        desk = Desk()
        desk.pages = ListOfJobs([], grow=lambda page: [export("late", key(1))] if page == 0 else ())

        assert desk.actions() == [SEND, ADOPT, SEND]

    def test_unclear_list_ends_it(self):
        """A list that cannot tell is not waited for."""
        desk = Desk()
        desk.pages = ListOfJobs(older(30_001), "none")

        assert desk.actions() == [UNSURE] * 3
        assert desk.sleeps == []

    def test_taken_place_is_examined(self):
        desk = Desk(fresh=True)
        desk.sent([0, 1], ["a", "b"])
        desk.jobs = {"a": export("a", key(0), error=TAKEN), "b": export("b", key(1), error=TAKEN)}
        ours = export("ours", key(0), START + 1, JobState.COMPLETED)
        desk.pages = ListOfJobs([ours, *desk.jobs.values()])

        assert desk.actions() == [DONE, GIVE_UP, SEND]
        assert desk.sleeps == [SETTLING]

    def test_brief_list_is_completed(self):
        desk = Desk(count=1)
        desk.jobs = {"found": export("found", key(0))}
        desk.pages = ListOfJobs([export("found", key(0))])
        desk.pages.abbreviates = True

        assert desk.actions() == [ADOPT]
        assert desk.asked == [["found"]]

    def test_moved_files_are_done(self):
        desk = Desk(count=2)
        moved = File(id=key(0).file, storage_type="VOLUME", volume=VOLUME, location=key(0).location)

        assert desk.actions(moved) == [DONE, SEND]


def test_problem_says_if_it_may():
    problems = [Problem(status, code, "x") for status, code in [(503, 9100), (503, None), (403, 9206), (404, 9106)]]

    actions = {p: judge(KEY, NAMED, job=named(FAILED, p)).action for p in problems}

    assert actions == {p: SEND if p.may_pass else GIVE_UP for p in problems}
