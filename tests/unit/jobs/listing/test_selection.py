"""The files that a filter takes, and values that cannot be a filter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_cgc.client.models import File
from airflow_provider_cgc.jobs.listing.rules import BadSelection, whole_number
from airflow_provider_cgc.jobs.listing.selection import Selection

BAM = File.from_json(
    {
        "id": "f1",
        "name": "S1.tumor.bam",
        "size": 5_000,
        "modified_on": "2026-02-01T12:00:00Z",
        "tags": ["keep", "wgs"],
        "metadata": {"sample_id": "S1", "age": 61, "case": ["c1", "c2"], "gone": None},
        "origin": {"task": "t1"},
    }
)
BARE = File.from_json({"id": "f2", "name": "notes"})


@pytest.mark.parametrize(
    ("rule", "taken"),
    [
        ({}, True),
        ({"name": "*.bam"}, True),
        ({"name": "*.BAM"}, False),
        ({"name": ["*.bai", "S?.tumor.bam"]}, True),
        ({"name": "['*.bai', '*.bam']"}, True),
        ({"name": "[RS]1.*"}, True),
        ({"name": "[ab]1.*"}, False),
        ({"name": "tumor"}, False),
        ({"metadata": {"sample_id": "S1"}}, True),
        ({"metadata": {"sample_id": "s1"}}, False),
        ({"metadata": {"sample_id": ["S0", "S1"]}}, True),
        ({"metadata": {"sample_id": "S1", "age": 60}}, False),
        ({"metadata": {"age": 61}}, True),
        ({"metadata": '{"age": 61}'}, True),
        ({"metadata": {"case": "c2"}}, True),
        ({"metadata": {"gone": "x"}}, False),
        ({"tag": "keep"}, True),
        ({"tag": ["drop", "wgs"]}, True),
        ({"tag": "kee"}, False),
        ({"origin_task": "t1"}, True),
        ({"origin_task": "t2"}, False),
        ({"min_size": 5_000, "max_size": "5000"}, True),
        ({"min_size": 5_001}, False),
        ({"max_size": 4_999}, False),
        ({"modified_after": "2026-02-01T11:59:59Z"}, True),
        ({"modified_after": "2026-02-01 12:00:00"}, False),
        ({"modified_after": "2026-02-01T13:00:00+02:00"}, True),
        ({"modified_after": datetime(2026, 2, 1, 11)}, True),
        ({"modified_after": datetime(2026, 2, 1, 11, tzinfo=timezone(timedelta(hours=-5)))}, False),
        ({"name": "*.bam", "tag": "drop"}, False),
    ],
)
def test_every_rule_must_hold(rule: dict[str, Any], taken: bool) -> None:
    assert Selection.of(**rule).takes(BAM) is taken


def test_untold_loses_no_file() -> None:
    """A field that the platform does not tell loses no file."""
    assert Selection.of(min_size=1, max_size=2, modified_after=datetime.now(UTC)).takes(BARE)
    assert not Selection.of(tag="keep").takes(BARE)
    assert not Selection.of(metadata={"sample_id": "S1"}).takes(BARE)
    assert not Selection.of(origin_task="t1").takes(BARE)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"name": 3}, ["name is 3", "int"]),
        ({"name": []}, ["name is an empty list", "leave it out"]),
        ({"name": ["a", None]}, ["name is None"]),
        ({"name": ""}, ["name is ''", "rendered to nothing"]),
        ({"name": "{{ params.x }}"}, ["not rendered"]),
        ({"tag": "None"}, ["tag is 'None'", "rendered to nothing"]),
        ({"tag": {"a": "b"}}, ["tag is", "dict"]),
        ({"metadata": "sample_id=S1"}, ["metadata is 'sample_id=S1'", "JSON"]),
        ({"metadata": {}}, ["metadata is {}"]),
        ({"metadata": ["sample_id"]}, ["metadata is", "list"]),
        ({"metadata": {"sample_id": None}}, ["metadata 'sample_id' is None"]),
        ({"metadata": {"sample_id": True}}, ["metadata 'sample_id' is True"]),
        ({"metadata": {3: "x"}}, ["a key of metadata is 3"]),
        ({"origin_task": ["t1"]}, ["origin_task is ['t1']", "list"]),
        ({"min_size": -1}, ["min_size is -1", "whole number"]),
        ({"min_size": True}, ["min_size is True"]),
        ({"max_size": "1 GB"}, ["max_size is '1 GB'"]),
        ({"min_size": 2, "max_size": 1}, ["min_size is 2 and max_size 1"]),
        ({"modified_after": "yesterday"}, ["modified_after is 'yesterday'", "2026-01-31T12:00:00Z"]),
        ({"modified_after": "None"}, ["modified_after is 'None'", "run before the first", "default"]),
        ({"modified_after": 1_767_226_000}, ["modified_after is 1767226000", "int"]),
    ],
)
def test_bad_rule_is_named(rule: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(BadSelection) as caught:
        Selection.of(**rule)

    for word in words:
        assert word in str(caught.value)


def test_rules_fit_a_log_line() -> None:
    rules = Selection.of(name=["*.bam", "*.bai"], metadata={"sample_id": "S1"}, tag="keep", origin_task="t1",
                         min_size=1, max_size=9, modified_after="2026-01-31")  # fmt: skip

    assert str(rules) == (
        "name '*.bam' or '*.bai', metadata sample_id 'S1', tag 'keep', made by task t1, at least 1 bytes,"
        " at most 9 bytes, modified after 2026-01-31T00:00:00+00:00"
    )
    assert str(Selection.of()) == ""


def test_number_may_be_text() -> None:
    assert [whole_number("n", value) for value in (None, 0, " 12 ")] == [None, 0, 12]
