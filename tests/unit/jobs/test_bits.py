"""Ids named by bits: what goes in comes out, whatever the list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.jobs.ids import from_bits, to_bits
from tests.fakes.platform import some_ids


@given(st.data())
def test_the_chosen_ids_come_back_in_the_order_of_the_list(data):
    ids = some_ids(data.draw(st.integers(0, 300)))
    chosen = data.draw(st.sets(st.sampled_from(ids)) if ids else st.just(set()))

    assert from_bits(ids, to_bits(ids, chosen)) == [job_id for job_id in ids if job_id in chosen]


def test_ten_thousand_ids_are_named_in_two_and_a_half_thousand_characters():
    ids = some_ids(10_000)

    assert len(to_bits(ids, set(ids))) == 2_500


def test_what_is_not_hexadecimal_is_refused():
    with pytest.raises(ValueError, match="invalid literal"):
        from_bits(["a"], "nonsense")
