"""Items as users may write them, and values that are refused before anything is sent."""

from __future__ import annotations

import json
import pickle
from collections import UserList

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models import ExportJob
from airflow_provider_cgc.jobs.exports.item import ExportItem, parse_items
from airflow_provider_cgc.jobs.kinds import EXPORT, IMPORT
from airflow_provider_cgc.jobs.submitting.items import BadItems
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker

A = "65a1b2c3d4e5f60718293a4b"
B = "65a1b2c3d4e5f60718293a4c"
WHERE = "'items' of task 'export'"


def items(value):
    return parse_items(value, where=WHERE)


def refusal(value):
    with pytest.raises(BadItems) as refused:
        items(value)
    return str(refused.value)


@pytest.mark.parametrize(
    "value",
    [
        [A, B],
        (A, B),
        UserList([A, B]),
        pytest.param((file for file in (A, B)), id="generator"),
        pytest.param({B, A}, id="set"),
        [{"file": A}, {"file": B}],
        [A, {"file": B}],
        [[A], [B]],
        [[{"file": A}], [[B]]],
        f"{A},{B}",
        f" {A}\n{B}\n",
        json.dumps([A, B]),
        json.dumps([{"file": A}, B]),
        json.dumps([[{"file": A}], [{"file": B}]]),
        str([A, {"file": B, "location": None}]),
        str(([A], [{"file": B}])),
        f"{{{B!r}, {A!r}}}",
    ],
    ids=repr,
)
def test_forms_mean_the_same(value):
    assert items(value) == [ExportItem(A), ExportItem(B)]


@pytest.mark.parametrize(
    "value",
    [A, [A], {"file": A}, [{"file": A}], f" {A} ", f'{{"file": "{A}"}}', f"\n  {{'file': '{A}'}}\n", f"{{'{A}'}}"],
    ids=repr,
)
def test_item_may_stand_alone(value):
    assert items(value) == [ExportItem(A)]


@pytest.mark.parametrize("value", [[], (), "[]", "[[], []]", pytest.param(iter([]), id="iterator")], ids=repr)
def test_empty_list_is_a_list(value):
    assert items(value) == []


def test_duplicates_are_kept():
    assert items([A, B, A]) == [ExportItem(A), ExportItem(B), ExportItem(A)]


def test_item_says_all_it_may():
    said = {
        "file": A,
        "location": "run 7/a.bam",
        "volume": "mcurie/radium_out",
        "properties": {"sse_algorithm": "AES256"},
        "name": "a.bam",
        "size": 7,
        "path": "",
        "project": "mcurie/radium",
    }

    assert items(said) == [ExportItem(**said)]
    assert items(said)[0].to_json() == said


def test_unsaid_is_left_out():
    assert ExportItem(A, properties={}, line="item 1").to_json() == {"file": A, "properties": {}}


def test_empty_name_is_none():
    """An empty name or project is None, and an empty path is the project itself."""
    assert items({"file": A, "name": "", "project": "", "path": ""}) == [ExportItem(A, path="")]


def test_items_know_their_origin():
    assert [item.line for item in items([[A], [{"file": B}]])] == ["item 1", "item 2"]


def test_properties_are_its_own():
    said = {"file": A, "properties": {"sse_algorithm": "AES256"}}

    item = ExportItem.read(said)
    said["properties"].clear()

    assert item.properties == {"sse_algorithm": "AES256"}


def test_item_is_a_value():
    item = ExportItem(A, properties={"sse_algorithm": "AES256"}, line="item 1")

    assert {item, ExportItem(A, properties={"sse_algorithm": "AES256"}, line="line 7")} == {item}
    with pytest.raises(AttributeError):
        item.file = B


def failed_items(kind, *records):
    tracker = JobTracker.of(kind, [record.id for record in records])
    tracker.take(records, 0.0)
    tracker.take(records, 1000.0)
    tracker.close_missing(1000.0, interval=60.0)
    return json.loads(json.dumps(tracker.summary().failed_items))


FAILED = {
    "id": "job1",
    "state": "FAILED",
    "source": {"file": A},
    "destination": {"volume": "mcurie/radium_out", "location": "a.bam"},
    "properties": {"sse_algorithm": "AES256"},
    "error": {"status": 409, "code": 9107, "message": "Location on volume already contains a file."},
}


@pytest.mark.parametrize("form", [list, json.dumps, str], ids=["list", "json", "python"])
def test_failed_items_are_items(form):
    failed = failed_items(EXPORT, BulkRecord("job1", ExportJob.from_json(FAILED)))

    assert items(form(failed)) == [
        ExportItem(A, location="a.bam", volume="mcurie/radium_out", properties={"sse_algorithm": "AES256"})
    ]


def test_unknown_job_has_no_file():
    """A failed item whose job is unknown says that nothing tells the file."""
    failed = failed_items(EXPORT, BulkRecord("job1", None, Problem(404, 9008, "No such job.")))

    assert "item 1 has None for 'file': nothing tells which file" in refusal(failed)


def test_failed_import_is_none():
    """Their `id` is a job's, and must not be taken for a file's."""
    failed = failed_items(IMPORT, BulkRecord("job1", None, Problem(404, 9008, "No such job.")))

    assert "item 1 has no 'file'" in refusal(failed)


def test_summary_is_no_item():
    summary = JobTracker.of(EXPORT, []).summary().to_json()

    assert "is a whole summary; give its 'failed_items'" in refusal(summary)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "is None: the upstream task pushed no XCom"),
        ("None", "a template rendered to nothing"),
        ("{{ ti.xcom_pull('list') }}", "a template that was not rendered"),
        (7, "is 7, of type int"),
        (A.encode(), "of type bytes"),
        ("[1, 2", "starts like a list, but is neither JSON nor a Python list"),
        ("{'file': ", "starts like an item, but is neither JSON nor a Python dict"),
        (f'{{"file": "{A}"}}\n{{"file": "{B}"}}', "give several items as one list"),
        ("[" * 50 + "]" * 50, "has lists within lists, more than 10 deep"),
        ([A, 7], "item 2 is 7, of type int, not a string; give the file's id"),
        ([A, None], "item 2 is None"),
        ([""], "item 1 is empty; give the file's id"),
        (["None"], "item 1 is the word 'None'"),
        (["a/b"], "item 1 is 'a/b', which is not an id"),
        ({}, "item 1 has no 'file'; give the id of the file there"),
        ({"id": A}, "item 1 has no 'file'"),
        ([A, {"file": ""}], "item 2 has a 'file' that is empty; give the file's id"),
        ({"file": {"class": "File", "path": A}}, "item 1 has a 'file' that is {'class'"),
        ({"file": A, "loaction": "x"}, "item 1 has ['loaction'], which no item knows; correct or remove it"),
        ({"file": A, "overwrite": True}, "an item may say file, location, volume, properties, name"),
        ({"file": A, 7: "x"}, "item 1 has ['7'], which no item knows"),
        ({"file": A, "location": 7}, "item 1 has 7 for 'location', of type int; give text"),
        ({"file": A, "location": ""}, "item 1 has an empty 'location'; leave it out"),
        ({"file": A, "volume": ["v"]}, "item 1 has ['v'] for 'volume', of type list"),
        ({"file": A, "volume": ""}, "item 1 has an empty 'volume'"),
        ({"file": A, "name": 7}, "item 1 has 7 for 'name'"),
        ({"file": A, "path": 7}, "item 1 has 7 for 'path'"),
        ({"file": A, "project": 7}, "item 1 has 7 for 'project'"),
        ({"file": A, "size": "7"}, "item 1 has '7' for 'size'; give the number of bytes"),
        ({"file": A, "size": -1}, "item 1 has -1 for 'size'"),
        ({"file": A, "size": True}, "item 1 has True for 'size'"),
        ({"file": A, "properties": "{}"}, "item 1 has '{}' for 'properties', which is no object"),
        ({"file": A, "properties": []}, "item 1 has [] for 'properties', which is no object"),
        ({"file": A, "properties": {1: "x"}}, "for 'properties', which is no object with text for keys"),
        ({"file": A, "properties": {"x": float("nan")}}, "item 1 has 'properties' that JSON cannot hold"),
        ({"file": A, "properties": {"x": object}}, "item 1 has 'properties' that JSON cannot hold"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_no_list_is_refused(value, text):
    """Anything that is no list of items is refused, with the reason and the next step."""
    told = refusal(value)

    assert text in told
    assert told.startswith(WHERE + ": ")


def test_bad_items_are_told():
    """All bad items are told together, ten in words and the others by number."""
    with pytest.raises(BadItems) as refused:
        items([A, *range(25)])

    lines = str(refused.value).split("\n")
    assert lines[0] == f"{WHERE}: 25 problems"
    assert lines[1].startswith("- item 2 is 0")
    assert lines[-1] == "- and 15 more"
    assert len(lines) == 12
    assert len(refused.value.problems) == 25


def test_one_bad_item_is_a_line():
    assert refusal([A, ""]) == f"{WHERE}: item 2 is empty; give the file's id as the platform shows it"


def test_two_bad_items_are_two():
    assert refusal(["", A, ""]).split("\n") == [
        f"{WHERE}: 2 problems",
        "- item 1 is empty; give the file's id as the platform shows it",
        "- item 3 is empty; give the file's id as the platform shows it",
    ]


def test_ten_bad_items_are_told():
    assert "more" not in refusal(list(range(10)))


@pytest.mark.parametrize(
    "value",
    [
        "x/" * 100_000,
        "{" + "x" * 100_000,
        {"file": A, "location": ["x" * 100_000]},
        [{"x" * 100_000: 1, "file": A}] * 50,
        [{"file": A} | {f"key {number}": 1 for number in range(10_000)}] * 50,
        [{"file": A, "properties": {"x": b"y" * 100_000}}] * 50,
        [{"file": A, "size": "9" * 100_000}] * 50,
    ],
    ids=lambda value: repr(value)[:12],
)
def test_refusal_stays_short(value):
    assert len(refusal(value)) < 4000


def test_refusal_travels():
    refused = BadItems("items", ["a", "b"])

    again = pickle.loads(pickle.dumps(refused))

    assert (str(again), again.problems) == (str(refused), ("a", "b"))


@pytest.mark.parametrize("form", [list, json.dumps, str], ids=["list", "json", "python"])
def test_ten_thousand_in_any_form(form):
    many = [{"file": f"{number:024x}", "location": f"run/{number}.bam"} for number in range(10_000)]

    assert [item.to_json() for item in items(form(many))] == many


ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:\-]{0,30}", fullmatch=True).filter(
    lambda text: text not in ("None", "null", "none")
)
texts = st.text(min_size=1, max_size=20)
plain = st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.text(max_size=5))
some_items = st.builds(
    ExportItem,
    ids,
    location=st.none() | texts,
    volume=st.none() | texts,
    properties=st.none() | plain,
    name=st.none() | texts,
    size=st.none() | st.integers(min_value=0),
    path=st.none() | st.text(max_size=20),
    project=st.none() | texts,
)


@given(some=st.lists(some_items, max_size=5), form=st.sampled_from([list, json.dumps, str]))
def test_written_items_come_back(some, form):
    written = form([item.to_json() for item in some])

    # Two braces in a text are taken for a template that nobody rendered, as in a list of ids.
    if isinstance(written, list) or "{{" not in written:
        assert items(written) == some


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.binary() | ids,
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["file", "location"]), inner),
    )
)
def test_anything_is_judged(value):
    """Any value is read, or refused in words."""
    try:
        read = items(value)
    except BadItems:
        return

    assert all(isinstance(item, ExportItem) for item in read)
