"""The knowledge that the next attempt has from the store: certain facts, and things that it must not believe."""

from __future__ import annotations

import json

import pytest

from airflow_provider_cgc.client.endpoints.records import BULK_LIMIT
from airflow_provider_cgc.client.errors.problem import BulkRecord
from airflow_provider_cgc.jobs.exports.item import ExportKey
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.submitting.header import NoStore
from airflow_provider_cgc.jobs.submitting.ledger import Fate, Ledger, Past
from dev.virtual_time import START
from tests.fakes.job_lists import FOR_GOOD, NOT_TOLD, PASSING, REFUSED, at, key
from tests.fakes.ledgers import BEGAN, HEADER, KEYS, LATER, NEVER, UNCERTAIN, first, header_of, opened, pasts, started
from tests.fakes.store import Store

TURNED_AWAY = Past(Fate.NEVER_SENT, refused=True)


class Died(BaseException):
    """The process is no more."""


def dying_after(steps):
    """Give a `step` that goes well so many times."""
    left = iter(range(steps))

    def step():
        if next(left, None) is None:
            raise Died

    return step


class TestWithoutARecord:
    def test_first_attempt_is_sure(self, store):
        """The first attempt knows that nothing was sent."""
        assert set(pasts(first(store))) == {NEVER}

    def test_later_one_knows_nothing(self, store):
        assert set(pasts(opened(store))) == {UNCERTAIN}

    def test_no_store_knows_nothing(self):
        ledger = opened(NoStore())

        ledger.intend(KEYS[:2], at=LATER)
        header_of(NoStore()).note_success()

        assert set(pasts(opened(NoStore()))) == {UNCERTAIN}

    def test_no_store_knows_its_own(self):
        """Without a store an attempt remembers its own sends."""
        ledger = first(NoStore())

        ledger.answered(ledger.intend(KEYS[:2], at=BEGAN), started("a", "b"))

        assert pasts(ledger)[1:3] == [Past(Fate.STARTED, "b"), NEVER]

    def test_unknown_stays_unknown(self, store):
        """Things that one attempt did not know, the next does not know either."""
        opened(store)

        assert set(pasts(opened(store))) == {UNCERTAIN}


class TestWhatIsWrittenDown:
    def test_intended_is_uncertain(self, store):
        first(store).intend(KEYS[2:4], at=BEGAN)

        assert pasts(opened(store)) == [NEVER, NEVER, UNCERTAIN, UNCERTAIN, NEVER, NEVER]

    @pytest.mark.parametrize(
        ("record", "past"),
        [
            (BulkRecord("job"), Past(Fate.STARTED, "job")),
            (BulkRecord(None, None, REFUSED), TURNED_AWAY),
            (BulkRecord(None, None, FOR_GOOD), TURNED_AWAY),
            (BulkRecord(None, None, NOT_TOLD), UNCERTAIN),
            (BulkRecord(None, None, PASSING), UNCERTAIN),
            (BulkRecord(None), UNCERTAIN),
        ],
        ids=["started", "refused", "refused for good", "not mentioned", "server error", "empty"],
    )
    def test_answer_tells_each_item(self, store, record, past):
        ledger = first(store)

        ledger.answered(ledger.intend(KEYS[:2], at=BEGAN), [record, *started("other")])

        for which in (ledger, opened(store)):
            assert pasts(which)[:3] == [past, Past(Fate.STARTED, "other"), NEVER]

    def test_unsent_chunk_is_unsent(self, store):
        ledger = first(store)

        ledger.withdrawn(ledger.intend(KEYS, at=BEGAN))

        assert set(pasts(opened(store))) == {TURNED_AWAY}

    def test_answers_in_any_order(self, store):
        ledger = first(store)

        numbers = [ledger.intend(KEYS[:2], at=BEGAN), ledger.intend(KEYS[2:4], at=BEGAN)]
        ledger.answered(numbers[1], started("c", "d"))

        assert pasts(opened(store))[:4] == [UNCERTAIN, UNCERTAIN, Past(Fate.STARTED, "c"), Past(Fate.STARTED, "d")]

    def test_resent_is_uncertain(self, store):
        ledger = first(store)
        ledger.answered(ledger.intend(KEYS[:2], at=BEGAN), started("a", "b"))

        opened(store).intend([KEYS[1]], at=LATER)

        assert pasts(opened(store))[:2] == [Past(Fate.STARTED, "a"), UNCERTAIN]

    def test_found_jobs_are_known(self, store):
        keys = [key(number) for number in range(250)]
        opened(store, keys).adopted({item: f"job-{item.file}" for item in keys[:220]})

        ledger = opened(store, keys)

        assert [ledger.past(item).job_id for item in keys] == [f"job-{key.file}" for key in keys[:220]] + [None] * 30

    def test_intent_comes_before(self, store):
        """The intent is there before the send, and the answer at once."""
        ledger = first(store)
        store.sets.clear()

        ledger.answered(ledger.intend(KEYS[:1], at=BEGAN), started("a"))

        assert store.sets == [f"{HEADER}_0", HEADER, f"{HEADER}_0"]

    @pytest.mark.parametrize("keys", [[KEYS[0], KEYS[0]], [key(number) for number in range(BULK_LIMIT + 1)]])
    def test_chunk_is_one_create(self, store, keys):
        with pytest.raises(ValueError, match="at most 100 items, each once"):
            first(store, keys).intend(keys, at=BEGAN)

    def test_answer_covers_all(self, store):
        ledger = first(store)

        with pytest.raises(ValueError, match="chunk 0 has 2 items, not 1"):
            ledger.answered(ledger.intend(KEYS[:2], at=BEGAN), started("a"))

    def test_success_then_clear(self, store):
        """After a success a Clear starts anew, and a retry finds all done."""
        ledger = first(store)
        ledger.answered(ledger.intend(KEYS, at=BEGAN), started(*"abcdef"))
        assert not header_of(store).was_cleared_after_success(max_tries=1)

        header_of(store).note_success()

        assert not header_of(store).was_cleared_after_success(max_tries=0)
        assert pasts(opened(store))[0] == Past(Fate.STARTED, "a")
        header_of(store).note_success()
        assert header_of(store).was_cleared_after_success(max_tries=1)
        anew = Ledger(store, EXPORT, KEYS, since=LATER, owner="somebody else", fresh=True, max_tries=1)
        assert set(pasts(anew)) == {NEVER}
        assert not anew.cleared
        assert not header_of(store).was_cleared_after_success(max_tries=2)

    def test_clear_is_no_retry(self, store):
        """A Clear of a task that did not succeed is told from a retry."""
        first(store)

        assert not opened(store).cleared
        assert Ledger(store, EXPORT, KEYS, since=LATER, owner="me", max_tries=3).cleared

    def test_clear_outlives_a_kill(self, store):
        """A Clear is not forgotten when the attempt after it is killed."""
        first(store)
        cleared = Ledger(store, EXPORT, KEYS, since=LATER, owner="me", max_tries=3)
        cleared.intend(KEYS, at=LATER)

        assert Ledger(store, EXPORT, KEYS, since=LATER, owner="me", max_tries=3).cleared

    def test_ids_without_the_items(self, store):
        ledger = first(store)
        ledger.answered(ledger.intend(KEYS[:3], at=BEGAN), [*started("c", "a"), BulkRecord(None, None, REFUSED)])
        ledger.answered(ledger.intend(KEYS[1:2], at=BEGAN), started("b"))
        ledger.intend(KEYS[4:], at=BEGAN)

        assert header_of(store).ids() == ["b", "c"]
        store.delete(f"{HEADER}_1")
        assert header_of(store).ids() is None
        assert header_of(Store()).ids() is None

    def test_other_record_tells_items(self, store):
        """Another record tells of items that this one does not know."""
        ledger = first(store)
        ledger.answered(ledger.intend(KEYS[:1], at=BEGAN), started("a"))

        ledger.learn({KEYS[0]: Past(Fate.STARTED, "other"), KEYS[1]: Past(Fate.STARTED, "b"), key(99): NEVER})

        assert pasts(ledger)[:3] == [Past(Fate.STARTED, "a"), Past(Fate.STARTED, "b"), NEVER]

    def test_discarded_is_no_record(self, store):
        ledger = first(store)
        ledger.answered(ledger.intend(KEYS, at=BEGAN), started(*"abcdef"))

        header_of(store).discard()
        header_of(NoStore()).discard()

        assert set(pasts(opened(store, owner="somebody else", fresh=True))) == {NEVER}


class TestDeath:
    @pytest.mark.parametrize("steps", range(5))
    def test_at_an_intent(self, store, steps):
        """
        Death at any step of an intent leaves nothing that was sent unknown.

        Before the last step nothing can have been sent; after it the items are uncertain.
        """
        ledger = first(store)
        store.step = dying_after(steps)
        try:
            ledger.intend(KEYS[:2], at=BEGAN)
            sent = True
        except Died:
            sent = False
        store.step = lambda: None

        after = pasts(opened(store))
        assert after[2:] == [NEVER] * 4
        assert after[:2] == [UNCERTAIN] * 2 or (not sent and after[:2] == [NEVER] * 2)

    def test_before_the_header(self, store):
        """Death between chunk and header does not spoil the next chunk."""
        ledger = first(store)
        header = dict(store)
        ledger.answered(ledger.intend(KEYS[:2], at=BEGAN), started("a", "b"))
        store.update(header)

        opened(store).intend(KEYS[2:3], at=LATER)

        assert pasts(opened(store)) == [NEVER, NEVER, UNCERTAIN, NEVER, NEVER, NEVER]

    def test_while_jobs_are_noted(self, store):
        """Death while found jobs are noted does not move the time to look from."""
        ledger = opened(store, since=BEGAN)
        store.step = dying_after(4)

        with pytest.raises(Died):
            ledger.adopted({KEYS[0]: "a"})

        store.step = lambda: None
        later = opened(store)
        assert (later.past(KEYS[0]), later.search_from([KEYS[0]])) == (UNCERTAIN, BEGAN)


class TestSince:
    def test_uncertain_since_sent(self, store):
        """Uncertain items are looked for from the time when they were first sent."""
        ledger = first(store)
        ledger.intend(KEYS[:1], at=at(START + 100))
        ledger.intend(KEYS[1:2], at=at(START + 200))
        ledger.intend(KEYS[:1], at=at(START + 300))

        later = opened(store)
        assert [later.search_from(KEYS[:2]), later.search_from(KEYS[1:2])] == [at(START + 100), at(START + 200)]

    def test_others_since_beginning(self, store):
        """
        Other items are looked for from the beginning.

        One with a job, because 9107 may tell of an export that is older; one without, because nothing is known.
        """
        ledger = first(store)
        ledger.answered(ledger.intend(KEYS[:1], at=LATER), started("a"))

        assert {opened(store).search_from(KEYS[:1]), opened(Store(), since=BEGAN).search_from(KEYS)} == {BEGAN}

    def test_beginning_is_the_first(self, store):
        """The beginning is the first attempt's even if a later one has other items."""
        first(store)

        assert opened(store, KEYS[:3]).search_from(KEYS[:3]) == BEGAN


class TestOtherItems:
    def test_order_does_not_matter(self, store):
        ledger = first(store)
        ledger.answered(ledger.intend(KEYS[:2], at=BEGAN), started("a", "b"))

        assert pasts(opened(store, KEYS[::-1]))[:3] == [Past(Fate.STARTED, "a"), Past(Fate.STARTED, "b"), NEVER]

    @pytest.mark.parametrize(
        "keys",
        [
            KEYS[:5],
            [*KEYS, key(7)],
            [*KEYS[:5], ExportKey(KEYS[5].file, KEYS[5].volume, "elsewhere")],
            [*KEYS[:5], KEYS[5]._replace(volume="another/volume")],
            [*KEYS[:5], KEYS[5]._replace(file="another")],
        ],
        ids=["fewer", "more", "location", "volume", "file"],
    )
    def test_others_do_not_matter(self, store, keys):
        """A file that was deleted or renamed between two attempts must not make all others uncertain."""
        ledger = first(store)
        ledger.answered(ledger.intend([KEYS[0], KEYS[1], KEYS[5]], at=BEGAN), started("a", "b", "f"))

        ledger = opened(store, keys)

        assert pasts(ledger, keys)[:3] == [Past(Fate.STARTED, "a"), Past(Fate.STARTED, "b"), NEVER]
        assert pasts(ledger, keys)[5:] == [Past(Fate.STARTED, "f") if item in KEYS else NEVER for item in keys[5:]]

    def test_other_place_is_unsent(self, store):
        ledger = first(store)
        ledger.answered(ledger.intend(KEYS[:1], at=BEGAN), started("a"))

        assert opened(store, [moved := KEYS[0]._replace(location="elsewhere")]).past(moved) == NEVER

    def test_record_wins(self, store):
        """A record is believed before the word that there is none."""
        first(store).intend(KEYS[:1], at=BEGAN)

        assert pasts(opened(store, fresh=True))[:2] == [UNCERTAIN, NEVER]
        assert pasts(opened(store, KEYS[:3], fresh=True), KEYS[:3]) == [UNCERTAIN, NEVER, NEVER]

    def test_left_out_comes_back(self, store):
        ledger = first(store)
        ledger.answered(ledger.intend(KEYS[:2], at=BEGAN), started("a", "b"))
        later = opened(store, KEYS[1:])
        later.answered(later.intend(KEYS[2:3], at=LATER), started("c"))

        assert pasts(opened(store)) == [*(Past(Fate.STARTED, name) for name in "abc"), NEVER, NEVER, NEVER]


class TestSize:
    def test_ten_thousand_long_keys(self, store):
        keys = [ExportKey(f"{n:024x}", "o" * 40 + "/" + "v" * 32, f"{n:05d}" + "ä" * 509 + "x") for n in range(10_000)]
        assert {len(item.location.encode()) for item in keys} == {1024}
        ledger = first(store, keys)
        store.sets.clear()

        for start in range(0, len(keys), BULK_LIMIT):
            chunk = keys[start : start + BULK_LIMIT]
            ids = [f"{number:032x}" for number in range(len(chunk))]
            ledger.answered(ledger.intend(chunk, at=BEGAN), started(*ids))

        sizes = {name: len(json.dumps(value)) for name, value in store.items()}
        assert sizes.pop(HEADER) < 400
        assert max(sizes.values()) < 6_000
        assert (len(sizes), len(store.sets)) == (100, 300)
        assert {past.fate for past in pasts(opened(store, keys), keys)} == {Fate.STARTED}
