"""Whatever is sent, answered, withdrawn and adopted, the next attempt knows as much as the one before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.client.errors.problem import BulkRecord
from dev.virtual_time import START
from tests.fakes.job_lists import NOT_TOLD, REFUSED, at
from tests.fakes.ledgers import KEYS, first, opened, pasts
from tests.fakes.store import Store

events = st.lists(
    st.tuples(
        st.sets(st.integers(0, 5), min_size=1),
        st.sampled_from(["sent", "answered", "withdrawn", "adopted", "next attempt"]),
    )
)


@given(events)
def test_next_attempt_knows(events):
    store = Store()
    ledger = first(store)

    for turn, (numbers, event) in enumerate(events):
        items = [KEYS[number] for number in sorted(numbers)]
        if event == "next attempt":
            ledger = opened(store)
        elif event == "adopted":
            ledger.adopted({item: f"job{turn}-{item.file}" for item in items})
        else:
            number = ledger.intend(items, at=at(START + turn))
            if event == "answered":
                answers = [BulkRecord(f"job{turn}"), BulkRecord(None, None, REFUSED), BulkRecord(None, None, NOT_TOLD)]
                ledger.answered(number, [answers[n % 3] for n in range(len(items))])
            elif event == "withdrawn":
                ledger.withdrawn(number)

    later = opened(store)
    assert pasts(later) == pasts(ledger)
    assert [later.search_from([item]) for item in KEYS] == [ledger.search_from([item]) for item in KEYS]
