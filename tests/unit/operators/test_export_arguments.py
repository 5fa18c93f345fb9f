"""The arguments of `CgcBulkExportOperator`, as it reads them before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_cgc.arguments import count_of, flag_of, share_of, word_of
from airflow_provider_cgc.compat import AirflowFailException, run_began
from airflow_provider_cgc.exceptions import CgcBadInput, CgcInputRefused
from airflow_provider_cgc.jobs.submitting.items import parted
from airflow_provider_cgc.operators.export_arguments import EXPORT_ARGUMENTS
from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.submitting import SubmittedJobs
from tests.fakes.task_instance import TaskInstance
from tests.late import late

DAY = timedelta(days=1)
CONTEXT: Any = {"ti": TaskInstance(first_poke=lambda: None)}


USUAL = {"task_id": "t", "items": ["a"], "volume": "a/b", "copy_only": True}


def operator(**arguments: Any) -> CgcBulkExportOperator:
    return CgcBulkExportOperator(**{**USUAL, **arguments})


def late_operator(**arguments: Any) -> CgcBulkExportOperator:
    usual = {name: value for name, value in USUAL.items() if name != "items" or "manifest" not in arguments}
    return late(CgcBulkExportOperator, **{**usual, **arguments})


@pytest.mark.parametrize(
    ("value", "flag"), [(True, True), (False, False), ("True", True), (" false ", False), ("FALSE", False)]
)
def test_text_flag_keeps_its_word(value: Any, flag: bool) -> None:
    """A flag that a template made text keeps its meaning."""
    assert flag_of(value, where="copy_only") is flag


@pytest.mark.parametrize("value", ["", "no", "0", 0, 1, None, [], "None"])
def test_nothing_else_is_a_flag(value: Any) -> None:
    with pytest.raises(CgcBadInput, match=r"copy_only is .*; give true or false"):
        flag_of(value, where="copy_only")


@pytest.mark.parametrize("value", ["Skip", "", None, True])
def test_only_words_are_words(value: Any) -> None:
    with pytest.raises(CgcBadInput, match="give one of fail, skip"):
        word_of(value, ("fail", "skip"), where="if_exists")
    assert word_of("skip", ("fail", "skip"), where="if_exists") == "skip"


@pytest.mark.parametrize("value", [1.1, -0.1, "much", True, [], float("nan")])
def test_share_is_0_to_1(value: Any) -> None:
    with pytest.raises(CgcBadInput, match="from 0 to 1"):
        share_of(value, where="max_failure_share")
    assert (share_of("0.05", where="x"), share_of(None, where="x"), share_of(1, where="x")) == (0.05, None, 1.0)
    assert (count_of("3", where="x"), count_of(None, where="x")) == (3, 0)


@pytest.mark.parametrize(
    ("arguments", "total", "most"),
    [
        ({}, 100, 0),
        ({"max_failures": 5}, 100, 5),
        ({"max_failure_share": 0.05}, 100, 5),
        ({"max_failure_share": 0.05}, 19, 0),
        ({"max_failures": 3, "max_failure_share": 0.05}, 100, 3),
        ({"max_failures": 30, "max_failure_share": 0.05}, 100, 5),
        ({"max_failure_share": 0.29}, 100, 29),
    ],
)
def test_smaller_tolerance_counts(arguments: Any, total: int, most: int) -> None:
    """The smaller of number and share is tolerated."""
    one = operator(**arguments)

    assert one.tolerance.of(total) == most


def test_tolerance_may_be_late() -> None:
    one = operator(max_failures="{{ params.most }}", max_failure_share="{{ params.share }}")

    one.render_template_fields({"params": {"most": 30, "share": 0.05}})

    assert one.tolerance.of(100) == 5


def test_two_sources_are_refused() -> None:
    """Items and a manifest together are refused when the Dag is parsed."""
    with pytest.raises(ValueError, match="either items or a manifest"):
        operator(manifest="s3://x/y.jsonl")


@pytest.mark.parametrize(
    ("value", "given"),
    [
        ("s3://bucket/a.jsonl", (["s3://bucket/a.jsonl"], [])),
        (" file:///tmp/a.jsonl\n", (["file:///tmp/a.jsonl"], [])),
        ("4b2b19692d3862664c5ee1ca", ([], ["4b2b19692d3862664c5ee1ca"])),
        ('["s3://x", "s3://y"]', (["s3://x", "s3://y"], [])),
        ("a, b", ([], ["a", "b"])),
        ([["a", {"file": "b"}], "s3://x", []], (["s3://x"], ["a", {"file": "b"}])),
        (None, ([], None)),
        ("[broken", ([], "[broken")),
    ],
)
def test_addresses_are_no_items(value: Any, given: tuple[list[str], Any]) -> None:
    """
    The addresses of manifests are told from items.

    A mapped CgcListFilesOperator returns a list for a small listing and an address for a large one.
    """
    assert parted(value) == given


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"items": None}, "neither items nor a manifest"),
        ({"items": []}, "is empty; set allow_empty=True"),
        ({"items": "a b", "expected_count": 3}, "has 2 items, but expected_count is 3"),
        ({"items": [{"file": "a", "locaton": "x"}]}, "'locaton'], which no item knows"),
        ({"copy_only": "maybe"}, "copy_only of task 't' is 'maybe'"),
        ({"if_exists": "replace"}, "if_exists of task 't' is 'replace'"),
        ({"location": "{nam}"}, "unknown field"),
        ({"location": "/a/{name}"}, "starts with a slash"),
        ({"properties": "AES256"}, "properties of task 't'"),
        ({"manifest": "file:///x.jsonl", "manifest_path": "file:///x.jsonl"}, "x.jsonl"),
        ({"mode": "reschedule"}, "give it a manifest_path that all workers can read, or set deferrable=True"),
        ({"max_failures": "five"}, "max_failures of task 't' is 'five'"),
        ({"max_failure_share": 2}, "max_failure_share of task 't' is 2"),
        ({"wait": False, "items": [f"f{n}" for n in range(1001)]}, "would return 1001 ids"),
    ],
)
def test_refused_before_it_reads(arguments: Any, said: str) -> None:
    """Bad input is refused for good before the connection is even read."""
    one = late_operator(cgc_conn_id="there_is_no_such_connection", **arguments)

    with pytest.raises(CgcInputRefused) as error:
        SubmittedJobs(one).prepare(CONTEXT)

    assert said in str(error.value)
    assert isinstance(error.value, AirflowFailException)
    assert isinstance(error.value, CgcBadInput)


def test_no_manifest_over_input(tmp_path: Any) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text('{"file": "a"}\n')
    one = late_operator(manifest=path.as_uri(), manifest_path=path.as_uri())

    with pytest.raises(CgcInputRefused, match="overwrite the file that it reads"):
        SubmittedJobs(one).prepare(CONTEXT)

    assert path.read_text() == '{"file": "a"}\n'


def test_two_late_connections() -> None:
    one = late_operator(manifest_path="s3://lab@bucket/m.jsonl", manifest_conn_id="other")

    with pytest.raises(CgcInputRefused, match=r"names the connection 'lab', .* This attempt has sent nothing\."):
        SubmittedJobs(one).prepare(CONTEXT)


@pytest.mark.parametrize("how", [{"soft_fail": True}, {"silent_fail": True}])
def test_bad_input_is_final(how: Any) -> None:
    """Bad input is never skipped or tried at each poke."""
    one = late_operator(copy_only="no", mode="poke", poke_interval=1, timeout=1, **how)

    with pytest.raises(CgcInputRefused):
        one.execute(CONTEXT)


RUN = datetime(2026, 1, 2, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("run", "began"),
    [
        ({"run_after": RUN, "logical_date": RUN - DAY, "start_date": RUN + DAY}, RUN),
        ({"run_after": RUN + DAY, "start_date": RUN}, RUN),
        # Airflow 2.11: the interval begins with the run before.
        ({"data_interval_end": RUN, "logical_date": RUN - DAY, "start_date": RUN + DAY}, RUN),
        ({"data_interval_end": None, "logical_date": RUN, "start_date": RUN + DAY}, RUN),
        ({"start_date": RUN}, RUN),
    ],
)
def test_run_begins_when_due(run: Any, began: datetime) -> None:
    """A run begins when it was due, and not with the one before."""
    context: Any = {"dag_run": SimpleNamespace(**run)}

    assert run_began(context) == began


def test_failed_only_needs_one() -> None:
    """`failed_only` without a manifest is refused when the Dag is parsed."""
    with pytest.raises(ValueError, match="failed_only=True chooses from a manifest that an earlier run wrote"):
        CgcBulkExportOperator(task_id="t", items=["a"], failed_only=True, copy_only=True, volume="a/b")


class Own(CgcBulkExportOperator):
    """Somebody's own operator, which fills in later what it leaves empty at first."""

    def __init__(self, *, later: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name, value in later.items():
            setattr(self, name, value)


TOGETHER: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "failed_only": ({"failed_only": True}, {"items": None, "manifest": "s3://b/m.jsonl"}, "failed_only=True chooses"),
    "both": ({}, {"items": None, "manifest": "s3://b/m.jsonl"}, "give either items or a manifest"),
    "untold": ({"wait": False, "max_failures": 1}, {"manifest_path": "s3://b/m.jsonl"}, "failures tolerated"),
    "unverified": ({"wait": False, "verify": True}, {"verify": False}, "nothing can be verified"),
    "untold share": ({"wait": False, "max_failure_share": 0.1}, {"manifest_path": "/m.jsonl"}, "failures tolerated"),
}
WRONG = {"both": {"manifest": "s3://b/m.jsonl"}}
"""Arguments that are given later, where that is no remedy; nothing in the other cases."""


@pytest.mark.parametrize("case", TOGETHER)
def test_subclass_is_judged_late(case: str) -> None:
    arguments, later, text = TOGETHER[case]

    right = Own(later=later, **{**USUAL, **arguments})
    wrong = Own(later=WRONG.get(case, {}), **{**USUAL, **arguments})

    assert EXPORT_ARGUMENTS.read(right)["copy_only"] is True
    with pytest.raises(CgcBadInput, match=f"Task 't': .*{text}"):
        EXPORT_ARGUMENTS.read(wrong)


@pytest.mark.parametrize("tolerated", [{"max_failures": 1}, {"max_failure_share": "0.5"}], ids=str)
@pytest.mark.parametrize("path", ["", None])
def test_empty_path_is_none(path: str | None, tolerated: dict[str, Any]) -> None:
    """
    A `manifest_path` that renders to nothing is none.

    The sensor that takes the ids would be green although items failed.
    """
    task = late_operator(wait=False, manifest_path=path, **tolerated)

    with pytest.raises(CgcBadInput, match="the returned ids would not show which items the platform refused"):
        EXPORT_ARGUMENTS.read(task)


def test_same_template_is_one_place() -> None:
    """Two texts that are alike render alike, so that this shows when the Dag is parsed."""
    path = "s3://bucket/{{ run_id }}.jsonl"

    with pytest.raises(CgcBadInput, match="metadata_path and manifest_path are the same address"):
        operator(metadata_path=path, manifest_path=path)


@pytest.mark.parametrize("none", ["{{ params.most }}", 0, "0", " 0 ", None])
def test_ids_if_none_may_fail(none: Any) -> None:
    """Ids may be returned where no failure is tolerated."""
    operator(wait=False, max_failures=none, max_failure_share=none)


@pytest.mark.parametrize("value", ["false", "True", "{{ params.dry }}", 0, None])
@pytest.mark.parametrize(
    "name",
    [
        *("failed_only", "verify", "resume", "wait", "dry_run"),
        *("fail_fast", "allow_empty", "soft_fail", "never_fail"),
    ],
)
def test_flag_is_no_text(name: str, value: Any) -> None:
    """
    A flag is true or false, and not the text of it.

    The text "false" is true: a dry run that was asked off would send nothing, and be green.
    """
    with pytest.raises(ValueError, match=f"{name} is .*; give True or False .it is not templated."):
        CgcBulkExportOperator(task_id="t", items=["a"], volume="a/b", copy_only=True, **{name: value})


@pytest.mark.parametrize("how", [{"max_failures": 1}, {"max_failure_share": 0.1}])
def test_tolerated_has_a_place(how: Any) -> None:
    """Failures that are tolerated without waiting must have a place where they are told."""
    arguments = {"task_id": "t", "items": ["a"], "volume": "a/b", "copy_only": True, "wait": False, **how}

    with pytest.raises(ValueError, match="give it a manifest_path"):
        CgcBulkExportOperator(**arguments)
    assert CgcBulkExportOperator(**arguments, manifest_path="file:///m.jsonl").wait is False
