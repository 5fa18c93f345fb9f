"""Values in messages, and texts that are read back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_provider_cgc.jobs.text import BadNumber, counted, moment, number_from, shown, storable


def test_long_value_is_cut_off():
    """Its quote is closed, so that what follows is no part of it where messages are compared."""
    assert shown("x" * 5) == "'xxxxx'"
    assert shown("x" * 500) == f"'{'x' * 79}...'"


def test_one_has_no_plural():
    assert [counted(number, "item") for number in (0, 1, 2)] == ["0 items", "1 item", "2 items"]


@pytest.mark.parametrize(("given", "read"), [(None, None), (0, 0), (12, 12), (" 12 ", 12), ("007", 7)])
def test_number_may_be_text(given, read):
    assert number_from(given) == read


@pytest.mark.parametrize("given", [True, -1, 1.0, "", "-1", "1.5", "many", "١٢", "9" * 20, [1]])
def test_nothing_else_is_a_number(given):
    with pytest.raises(BadNumber, match=r"^is .*; give a whole number from 0 on, or leave it out$"):
        number_from(given)


def test_moment_has_a_time_zone():
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)

    assert moment(at.isoformat()) == at
    assert [moment(value) for value in ("2026-01-31T12:00:00", "soon", "", None, 5)] == [None] * 5


@pytest.mark.parametrize(
    ("value", "stored"),
    [("a.bam", "a.bam"), ("a\0b\ud800c\udfff", "a?b?c?"), ("\U0001f9ec\n", "\U0001f9ec\n"), (7, 7), (None, None)],
)
def test_stored_text_is_utf8(value, stored):
    """Stored text is whole UTF-8 without NUL."""
    assert storable(value) == stored
    assert not isinstance(value, str) or storable(value).encode()
