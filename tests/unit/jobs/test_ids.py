"""Ids as users may write them, what of it is refused, and ids named by bits."""

from __future__ import annotations

import json
from collections import UserList

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.jobs.ids import BadIds, from_bits, parse_ids, to_bits
from tests.fakes.platform import some_ids

A = "gET2tre6CG411ac0SbNkaVA0SNRK4H9W"
B = "bmEAYUyqW5prgk33wTyGG9j3VbSb4JcC"
TASK = "2d5e6a6c-7f5d-4b5b-9a39-0a4a5cf3b7de"


@pytest.mark.parametrize(
    "value",
    [
        [A, B],
        (A, B),
        UserList([A, B]),
        pytest.param((job_id for job_id in (A, B)), id="generator"),
        {A: None, B: None}.keys(),
        [[A], [B]],
        [[[A, B]]],
        [(A,), B],
        [A, [], B],
        f'["{A}", "{B}"]',
        f"['{A}', '{B}']",
        f"('{A}', '{B}')",
        f'[["{A}"], ["{B}"]]',
        f"[['{A}'], ['{B}']]",
        f"{A},{B}",
        f"{A}, {B}",
        f"{A} {B}",
        f"{A}\n{B}\n",
        f"\t{A} ,\r\n  {B},",
        f' ["{A}",\n "{B}"] ',
    ],
    ids=repr,
)
def test_forms_mean_the_same_ids(value):
    assert parse_ids(value) == [A, B]


@pytest.mark.parametrize("value", [A, [A], f'["{A}"]', f"['{A}']", f"('{A}',)", f"('{A}')", f" {A}\n"], ids=repr)
def test_one_id_may_stand_alone(value):
    assert parse_ids(value) == [A]


def test_task_id_is_an_id():
    assert parse_ids(TASK) == [TASK]


@pytest.mark.parametrize(
    "value", [[], (), "[]", "()", " [ ] ", [[]], "[[], []]", pytest.param(iter([]), id="iterator")], ids=repr
)
def test_empty_list_is_a_list(value):
    assert parse_ids(value) == []


@pytest.mark.parametrize("value", [[A, B, A], f"{A},{B},{A}", f'[["{A}", "{B}"], ["{A}"]]'], ids=repr)
def test_duplicates_are_left(value):
    assert parse_ids(value) == [A, B, A]


@pytest.mark.parametrize("form", [list, json.dumps, str, ",".join, " ".join], ids=["list", "json", "python", ",", " "])
def test_ten_thousand_in_any_form(form):
    ids = [f"{number:032d}" for number in range(10_000)]

    assert parse_ids(form(ids)) == ids


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "is None: the upstream task pushed no XCom, or it was skipped"),
        ("", "is '': a template rendered to nothing; check the task id and the key in xcom_pull"),
        ("  \n", "a template rendered to nothing"),
        ("None", "is 'None': a template rendered to nothing"),
        ("null", "is 'null': a template rendered to nothing"),
        ("Null", "is 'Null': a template rendered to nothing"),
        ("{{ ti.xcom_pull('start') }}", "a template that was not rendered"),
        ("prefix-{{ x }}", "a template that was not rendered"),
        (7, "is 7, of type int, not a list of ids"),
        (1.5, "is 1.5, of type float, not a list of ids"),
        (True, "is True, of type bool, not a list of ids"),
        (object, "not a list of ids"),
        (A.encode(), "of type bytes, not a list of ids"),
        (bytearray(b"x"), "of type bytearray, not a list of ids"),
        ({"items": [A]}, "is a mapping with the keys ['items'], not a list of ids"),
        ({}, "is a mapping with the keys [], not a list of ids"),
        ([7], "item 1 is 7, of type int, not a string"),
        ("[7]", "item 1 is 7, of type int, not a string"),
        ([A, None], "item 2 is None, of type NoneType, not a string"),
        ("[null]", "item 1 is None, of type NoneType, not a string"),
        ([{"id": A}], "item 1 is {'id': '"),
        ([A.encode()], "item 1 is b'"),
        ([A, ""], "item 2 is empty"),
        ([" "], "item 1 is empty"),
        ([A, "None"], "item 2 is the word 'None'"),
        ([A, "NULL"], "item 2 is the word 'NULL'"),
        (f"{A},None", "item 2 is the word 'None'"),
        ("null null", "item 1 is the word 'null'"),
        ([[A], [[7]]], "item 2 is 7"),
        ("[1, 2", "starts like a list, but is neither JSON nor a Python list"),
        ("[open('x')]", "neither JSON nor a Python list"),
        ("(7)", "is 7, of type int"),
        ("(None)", "is None"),
        ([f" {A}"], "which is not an id"),
        ([f"{A},{B}"], "which is not an id"),
        ("exports/gs://x", "which is not an id"),
        ('{"ids": ["x"]}', "which is not an id"),
        ("-rf", "which is not an id"),
        ("../../user", "which is not an id"),
        ("a?b=c", "which is not an id"),
        (["a\nb"], "is 'a\\nb', which is not an id"),
        (["\x00"], "which is not an id"),
        (["ä" * 20], "which is not an id"),
        (["x" * 129], "has 129 characters, more than an id"),
        ("[" * 50_000, "neither JSON nor a Python list"),
        ("[" * 50 + "]" * 50, "has lists within lists, more than 10 deep"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_no_list_is_refused(value, text):
    """Anything that is no list of ids is refused, and the text says why."""
    with pytest.raises(BadIds) as refusal:
        parse_ids(value)

    assert text in str(refusal.value)


def test_list_in_itself():
    endless = []
    endless.append(endless)

    with pytest.raises(BadIds, match="lists within lists"):
        parse_ids(endless)


def test_ten_bad_ones_are_shown():
    with pytest.raises(BadIds) as refusal:
        parse_ids([A, *range(25)])

    assert str(refusal.value).count("of type int") == 10
    assert str(refusal.value).endswith("(and 15 more)")


@pytest.mark.parametrize(
    "value",
    [
        "x/" * 100_000,
        "[" + "x" * 100_000,
        "{{" * 100_000,
        b"x" * 100_000,
        [["y" * 100_000] * 50],
        [{"k": "v" * 100_000}],
    ],
    ids=lambda value: repr(value)[:12],
)
def test_refusal_stays_short(value):
    with pytest.raises(BadIds) as refusal:
        parse_ids(value)

    assert len(str(refusal.value)) < 2000


def test_mapping_is_refused():
    with pytest.raises(BadIds, match=r"mapping with the keys \['1', 'a'\]"):
        parse_ids({1: A, "a": B})


def test_set_order_is_stable():
    """A set has the same order in every process."""
    assert parse_ids({"c", "a", "b"}) == ["a", "b", "c"]


@given(st.data())
def test_bits_keep_the_order(data):
    """The chosen ids come back in the order of the list."""
    ids = some_ids(data.draw(st.integers(0, 300)))
    chosen = data.draw(st.sets(st.sampled_from(ids)) if ids else st.just(set()))

    assert from_bits(ids, to_bits(ids, chosen)) == [job_id for job_id in ids if job_id in chosen]


def test_bits_are_short():
    """Ten thousand ids are named in two and a half thousand characters."""
    ids = some_ids(10_000)

    assert len(to_bits(ids, set(ids))) == 2_500


def test_wrong_bits_are_refused():
    with pytest.raises(ValueError, match="invalid literal"):
        from_bits(["a"], "nonsense")
