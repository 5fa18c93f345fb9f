"""Failures by their cause: every failure is counted once, whatever the wait, the row and the account do with it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models import JobState
from airflow_provider_cgc.jobs.kinds import EXPORT, IMPORT
from airflow_provider_cgc.jobs.waiting.causes import (
    MOST_BYTES,
    MOST_CAUSES,
    MOST_MESSAGE,
    NO_REASON,
    UNCOUNTED,
    Causes,
    cause_of,
    causes_of,
    groups_of,
)
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from dev.virtual_time import START
from tests.fakes.platform import job, some_ids

CODES = st.sampled_from([None, 9107, 9100, 9206])
MESSAGES = st.sampled_from(
    ["Access denied.", "No such file 'a b.bam'.", "It has 7 bytes.", "It has 8 bytes.", "", "x" * 500]
)
TEXT = st.text(st.sampled_from("ab'\" /.7:\n\ud800é"), max_size=40)


def item(code=None, message="No.", **fields):
    return {"id": None, "code": code, "message": message, **fields}


def failed(job_id, code, message, kind=EXPORT):
    return BulkRecord(id=job_id, resource=job(job_id, JobState.FAILED, error=Problem(None, code, message), kind=kind))


def total(causes):
    return sum(one["count"] for one in causes)


class TestCause:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Job a1b2 still runs.", "Job c3d4 still runs."),
            ("It has 10 bytes instead of 12.", "It has 7 bytes instead of 9."),
            ("Its bytes are at 'a b.bam' already", "Its bytes are at 'c.bam' already"),
            ('The key "a" is taken', 'The key "b c" is taken'),
            ("No access to lab/raw.", "No access to lab/other."),
            ("report.pdf is archived", "notes.txt is archived"),
            ("The file 'a long na", "The file 'another lo"),
        ],
    )
    def test_names_make_no_cause(self, one, other):
        """Names, numbers and ids make no other cause."""
        assert cause_of(item(message=one)) == cause_of(item(message=other))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (item(9107, "No."), item(9100, "No.")),
            (item(9107, "No."), item(None, "No.")),
            (item(None, "It is a folder."), item(None, "It is an alias.")),
            (item(9006, "The file is archived."), item(9006, "The file is public.")),
            (item(None, "The user's file is gone"), item(None, "The user's project is gone")),
        ],
    )
    def test_another_code_is_another(self, one, other):
        assert cause_of(one) != cause_of(other)

    @given(TEXT)
    def test_stored_is_the_same(self, text):
        stored = json.loads(json.dumps(Causes.of([item(message=text)]).to_json()))

        assert cause_of(stored[0]) == cause_of(item(message=text))
        assert cause_of(item(message=cause_of(stored[0]).pattern)) == cause_of(stored[0])

    @pytest.mark.parametrize("message", [None, "", " \n", 7])
    def test_no_reason_is_a_cause(self, message):
        assert Causes.of([item(message=message)]).to_json() == [{"code": None, "message": NO_REASON, "count": 1}]


class TestCounting:
    def test_largest_comes_first(self):
        causes = Causes.of([item(9100), item(9107), item(9107), item(message="Other."), item(9107)])

        assert [(one["code"], one["count"]) for one in causes.to_json()] == [(9107, 3), (9100, 1), (None, 1)]

    def test_shared_message_is_whole(self):
        causes = Causes.of([item(message="It has 7 bytes."), item(message="It has 7 bytes.")])
        assert causes.to_json()[0]["message"] == "It has 7 bytes."

        causes.add(item(message="It has 8 bytes."))

        assert causes.to_json() == [{"code": None, "message": "It has ... bytes.", "count": 3}]

    @pytest.mark.parametrize(
        ("first", "second", "told"),
        [
            (
                "object 'a/1' has no column 'case'",
                "object 'b c' has no column 'case'",
                "object ... has no column 'case'",
            ),
            ("file 12 is of lab/p1.", "file 13 is of lab/p1.", "file ... is of lab/p1."),
            ("7 of 7 bytes", "8 of 7 bytes", "... of 7 bytes"),
            ("at 'a'", 'at "b\'s"', "at ..."),
        ],
    )
    def test_common_words_are_told(self, first, second, told):
        """Only what differs is left out: a column that is missing for all is named."""
        causes = Causes.of([item(message=first), item(message=second), item(message=first)])

        assert [(one["message"], one["count"]) for one in causes.to_json()] == [(told, 3)]

    @given(st.lists(st.lists(st.sampled_from(["a", "7", "'b'", "'c d'", '"', "'", "x/y", "..."])), min_size=1))
    def test_what_is_told_is_the_cause(self, messages):
        """The message of a cause is of that cause, so that what was stored is counted on."""
        causes = Causes.of([item(message=" ".join(words)) for words in messages])

        assert sum(one["count"] for one in Causes.of(causes.to_json()).to_json()) == len(causes.to_json())
        assert Causes.read(causes.to_json(), items=[], bad=len(messages)).to_json() == causes.to_json()

    @pytest.mark.parametrize("sign", ["x", "é", "\U0001f9ec", '"'])
    def test_many_stay_small(self, sign):
        words = [chr(ord("a") + number % 26) * (1 + number // 26) for number in range(3 * MOST_CAUSES)]
        causes = Causes.of([item(message=f"{word} {sign * MOST_MESSAGE}") for word in words])

        stored = causes.to_json()

        assert len(stored) <= MOST_CAUSES + 1
        assert len(json.dumps(stored)) <= MOST_BYTES + 100
        assert total(stored) == len(words)
        assert stored[-1]["message"] == UNCOUNTED

    @pytest.mark.parametrize(
        "stored",
        [
            None,
            "9107",
            [],
            [{"code": 9107, "message": "No.", "count": 2}],
            [{"code": 9107, "message": "No.", "count": -3}],
            [{"code": 9107, "message": "No.", "count": True}],
            [{"code": 9107, "message": "No."}],
            [7],
        ],
        ids=str,
    )
    def test_wrong_sum_is_hidden(self, stored):
        summary = {"failed": 4, "missing": 1, "failed_items": [item(9100), item(9100)], "causes": stored}

        assert causes_of(summary) == [
            {"code": 9100, "message": "No.", "count": 2},
            {"code": None, "message": UNCOUNTED, "count": 3},
        ]

    def test_taken_back_is_uncounted(self):
        causes = Causes.of([item(9107), item(9107), item(9100)])

        causes.remove(item(9107))
        causes.remove(item(9100))

        assert causes.to_json() == [{"code": 9107, "message": "No.", "count": 1}]

    def test_uncounted_is_taken_back(self):
        """A failure that was not counted apart can be taken back."""
        causes = Causes.read(None, items=[item(9107)], bad=3)

        causes.remove(item(9100))

        assert [one["count"] for one in causes.to_json()] == [1, 1]

    def test_groups_have_the_listed(self):
        items = [item(9100, id="a"), item(9107, id="b"), item(9107, id="c")]

        groups = groups_of(Causes.of(items).to_json(), items)

        assert [(one.code, [listed["id"] for listed in one.items]) for one in groups] == [
            (9107, ["b", "c"]),
            (9100, ["a"]),
        ]


class TestWait:
    @given(
        ends=st.lists(st.tuples(CODES, MESSAGES, st.booleans()), max_size=30),
        restarts=st.sets(st.integers(0, 29)),
    )
    def test_restarts_add_up(self, ends, restarts):
        ids = some_ids(len(ends))
        tracker = JobTracker.of(EXPORT, ids)

        for number, (job_id, (code, message, is_missing)) in enumerate(zip(ids, ends, strict=True)):
            if is_missing:
                gone = [BulkRecord(id=job_id, error=Problem(404, code and 9008, message))]
                tracker.take(gone, START)
                tracker.take(gone, START + 1000)
                tracker.close_missing(START + 1000, interval=60)
            else:
                tracker.take([failed(job_id, code, message)], START)
            if number in restarts:
                tracker = JobTracker.from_json(json.loads(json.dumps(tracker.to_json())), tracker.open)

        assert total(tracker.summary().causes) == tracker.failed + tracker.missing == len(ends)

    def test_all_failures_count(self):
        """All failures are counted, not only the listed ones."""
        ids = some_ids(3000)
        tracker = JobTracker.of(IMPORT, ids)

        tracker.take([failed(one, 9107, "Exists.", IMPORT) for one in ids[:1000]], START)
        tracker.take([failed(one, 9100, "Down.", IMPORT) for one in ids[1000:]], START)
        tracker.add_failed({"file": "f"}, Problem(None, None, "Too large."))

        assert [(one["code"], one["count"]) for one in tracker.summary().causes] == [
            (9100, 2000),
            (9107, 1000),
            (None, 1),
        ]

    def test_older_row_counts_listed(self):
        tracker = JobTracker.of(EXPORT, some_ids(150))
        tracker.take([failed(one, 9107, "Exists.") for one in some_ids(150)], START)
        state = tracker.to_json()
        del state["causes"]

        again = JobTracker.from_json(state, [])

        assert [(one["code"], one["count"]) for one in again.causes] == [(9107, 100), (None, 50)]
