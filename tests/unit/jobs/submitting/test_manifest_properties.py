"""Lines of a manifest come back as they were, in every form, and if it is cut off anywhere, nothing is made up."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.jobs.exports.item import ExportItem, parse_items
from airflow_provider_cgc.jobs.exports.locations import check_key
from airflow_provider_cgc.jobs.submitting.items import BadItems
from airflow_provider_cgc.jobs.submitting.manifest import read_items, read_outcomes
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, ItemState

ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:\-]{0,30}", fullmatch=True).filter(
    lambda text: text not in ("None", "null", "none")
)
texts = st.text(min_size=1, max_size=20) | st.text(
    alphabet=st.sampled_from("\u2028\x85\n\r\"'\\{}ü\ud800,"), min_size=1
)
plain = st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.text(max_size=5))
numbers = st.integers(min_value=0, max_value=10**15)
times = st.datetimes(
    min_value=datetime(1970, 1, 1),
    max_value=datetime(2500, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5))]),
)
asked = st.builds(
    ExportItem,
    ids,
    location=st.none() | texts,
    volume=st.none() | texts,
    properties=st.none() | plain,
    copy_only=st.none() | st.booleans(),
)
some_outcomes = st.builds(
    ItemOutcome,
    item=asked,
    state=st.sampled_from(ItemState),
    id=st.none() | texts,
    code=st.none() | numbers,
    message=st.none() | texts,
    size=st.none() | numbers,
    started_on=st.none() | times,
    finished_on=st.none() | times,
    user=st.none() | texts,
    conn_id=st.none() | texts,
)
# What a cell can hold: keys that may be sent, without the spaces at their ends that a table refuses.
cells = (st.text(max_size=20) | st.text(alphabet=st.sampled_from("a,\"\t #'{}"), min_size=1)).filter(
    lambda text: text == text.strip() and check_key(text) is None
)
rows = st.builds(ExportItem, ids, location=st.none() | cells, volume=st.none() | cells, properties=st.none() | plain)


@given(outcomes=st.lists(some_outcomes, max_size=5))
def test_outcomes_come_back(outcomes):
    lines = [outcome.to_line() for outcome in outcomes]

    assert "".join(lines).isascii()
    assert [line.splitlines(keepends=True) for line in lines] == [[line] for line in lines]
    assert read_outcomes(lines, name="m.jsonl", of=ExportItem).outcomes == outcomes
    assert read_items(lines, name="m.jsonl", of=ExportItem) == [outcome.again() for outcome in outcomes]


@given(outcomes=st.lists(some_outcomes, max_size=5))
def test_lines_are_items_too(outcomes):
    """So that a task may hand them on as it read them."""
    lines = [json.loads(outcome.to_line()) for outcome in outcomes]

    assert parse_items(lines, where="items") == [outcome.again() for outcome in outcomes]


@given(outcomes=st.lists(some_outcomes, min_size=1, max_size=3), data=st.data())
def test_cut_keeps_whole_lines(outcomes, data):
    """A manifest that is cut off anywhere keeps its whole lines and tells of the other."""
    lines = [outcome.to_line() for outcome in outcomes]
    text = "".join(lines)
    cut = data.draw(st.integers(0, len(text)))

    told = read_outcomes(io.StringIO(text[:cut]), name="m.jsonl", of=ExportItem)

    whole = sum(cut >= len("".join(lines[: number + 1])) - 1 for number in range(len(lines)))
    rest = text[len("".join(lines[:whole])) : cut]
    assert told.outcomes == outcomes[:whole]
    assert (told.cut_off is not None) == bool(rest)


@given(outcomes=st.lists(some_outcomes, min_size=1, max_size=3), data=st.data())
def test_lost_character_shows(outcomes, data):
    """
    A manifest with a character lost is refused or has as many lines.

    Damage never makes an item vanish without a word.
    """
    text = "".join(outcome.to_line() for outcome in outcomes)
    lost = data.draw(st.integers(0, len(text) - 1))

    try:
        told = read_outcomes(io.StringIO(text[:lost] + text[lost + 1 :]), name="m.jsonl", of=ExportItem)
    except BadItems:
        return

    assert len(told.outcomes) + (told.cut_off is not None) == len(outcomes)


@given(items=st.lists(rows, max_size=5), form=st.sampled_from(["csv", "tsv"]), end=st.sampled_from(["\n", "\r\n"]))
def test_csv_items_come_back(items, form, end):
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter={"csv": ",", "tsv": "\t"}[form], lineterminator=end)
    writer.writerow(["size", "file", "location", "volume", "properties"])
    for item in items:
        properties = "" if item.properties is None else json.dumps(item.properties)
        writer.writerow([item.size, item.file, item.location, item.volume, properties])
    text.seek(0)

    assert read_items(text, name="m", of=ExportItem, form=form) == items


@given(
    text=st.text(alphabet=st.sampled_from('file,"\n\t#{}:1\r '), max_size=60), form=st.sampled_from(["csv", "jsonl"])
)
def test_any_text_is_judged(text, form):
    """Any text is read, or refused in words."""
    try:
        items = read_items(io.StringIO("file,x\n" * (form == "csv") + text), name="m", of=ExportItem, form=form)
    except BadItems:
        return

    rows = [line for line in text.split("\n") if line.strip(' \r\t,"')]
    assert len(items) == len(rows)
