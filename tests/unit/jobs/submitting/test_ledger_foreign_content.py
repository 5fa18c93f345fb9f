"""A store may hold what is no record of ours, or the record of somebody else: nothing is concluded from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.jobs.submitting.ledger import Fate, OtherOwnerError
from tests.fakes.ledgers import BEGAN, HEADER, KEYS, UNCERTAIN, first, header_of, opened, pasts, started
from tests.fakes.store import Store


def sent(store):
    ledger = first(store)
    ledger.answered(ledger.intend(KEYS[:2], at=BEGAN), started("a", "b"))
    ledger.answered(ledger.intend(KEYS[1:3], at=BEGAN), started("b2", "c"))
    ledger.intend(KEYS[3:4], at=BEGAN)


def test_cases_begin_whole(store):
    sent(store)

    assert [past.job_id or past.fate for past in pasts(opened(store))] == [
        *("a", "b2", "c"),
        *(Fate.UNCERTAIN, Fate.NEVER_SENT, Fate.NEVER_SENT),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"version": 1},
        {"version": None},
        {"owner": None},
        {"whole": 1},
        {"since": "yesterday"},
        {"since": "2025-06-15T15:06:40"},
        {"chunks": -1},
        {"chunks": True},
        {"chunks": "3"},
        {"chunks": 10**12},
    ],
    ids=str,
)
def test_foreign_header(store, change):
    """A header that is not ours leaves all uncertain."""
    sent(store)
    store[HEADER].update(change)

    assert set(pasts(opened(store))) == {UNCERTAIN}


@pytest.mark.parametrize("header", ["", "nonsense", 7, [], {}, [{"version": 1}]], ids=str)
def test_foreign_shape(store, header):
    sent(store)
    store[HEADER] = header

    assert set(pasts(opened(store))) == {UNCERTAIN}


@pytest.mark.parametrize(
    "change",
    [
        {"version": 1},
        {"at": "yesterday"},
        {"at": None},
        {"items": None},
        {"items": [1, 2]},
        {"items": ["a", "a"]},
        {"items": ["a"]},
        {"jobs": None},
        {"jobs": "ab"},
        {"jobs": ["b2"]},
        {"jobs": ["b2", 7]},
    ],
    ids=str,
)
def test_broken_chunk(store, change):
    """A broken chunk makes everything uncertain that later chunks do not tell."""
    sent(store)
    store[f"{HEADER}_1"].update(change)

    assert set(pasts(opened(store))) == {UNCERTAIN}


def test_lost_chunk(store):
    """A lost chunk may have been anything, and later chunks are still known."""
    sent(store)
    del store[f"{HEADER}_0"]

    assert [past.job_id for past in pasts(opened(store))] == [None, "b2", "c", None, None, None]
    assert pasts(opened(store))[0] == UNCERTAIN
    assert opened(store).search_from(KEYS) == BEGAN


@pytest.mark.parametrize(
    "header",
    [
        *({"version": 2}, {"version": 2, "whole": True}, {"version": 2, "whole": True, "chunks": None}),
        *({"version": 2, "whole": True, "chunks": "x"}, {"version": 2, "whole": True, "chunks": -1}),
        *({"version": 2, "whole": True, "chunks": 10**12}, {"version": 1, "whole": True, "chunks": 0}),
        *({}, [], "", "nonsense", 7),
    ],
    ids=str,
)
def test_unreadable_header(store, header):
    """A header that cannot be read may have sent anything, and tells no ids."""
    store[HEADER] = header

    assert header_of(store).has_sent
    assert header_of(store).ids() is None


def test_older_owner_is_noticed(store):
    sent(store)
    store[HEADER]["version"] = 1

    assert header_of(store).owner == "me"
    with pytest.raises(OtherOwnerError, match="sent its exports as me; the connection's user is now you"):
        opened(store, owner="you")


def test_older_success_is_cleared(store):
    sent(store)
    header_of(store).note_success()
    store[HEADER]["version"] = 1

    assert not header_of(store).has_sent
    assert header_of(store).was_cleared_after_success(max_tries=1)
    assert not header_of(store).was_cleared_after_success(max_tries=0)


def test_other_user_is_an_error(store):
    sent(store)

    with pytest.raises(OtherOwnerError, match="sent its exports as me; the connection's user is now you"):
        opened(store, owner="you")


@given(
    st.dictionaries(
        st.sampled_from([HEADER, f"{HEADER}_0", f"{HEADER}_1"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda values: st.lists(values) | st.dictionaries(st.text() | st.sampled_from(["version"]), values),
        ),
    ),
    st.integers(0, 3),
)
def test_nonsense_is_harmless(nonsense, chunks):
    """No nonsense is believed, and none is an error."""
    store = Store()
    sent(store)
    header = {HEADER: store[HEADER]} if chunks else {}
    store.clear()
    store.update(header | nonsense)
    if chunks and HEADER not in nonsense:
        store[HEADER]["chunks"] = chunks

    assert set(pasts(opened(store))) == {UNCERTAIN}
