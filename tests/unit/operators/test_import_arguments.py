"""The arguments of `CgcBulkImportOperator`: wrong ones are told when the Dag is parsed, or before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cgc.exceptions import CgcBadInput, CgcInputRefused
from airflow_provider_cgc.operators.import_arguments import IMPORT_ARGUMENTS
from airflow_provider_cgc.operators.imports import CgcBulkImportOperator
from tests.fakes.task_instance import TaskInstance
from tests.late import late

USUAL: dict[str, Any] = {"task_id": "t", "items": ["run7/a.bam"], "volume": "me/in", "project": "me/project"}
WRONG = [
    ({"project": "project"}, "is 'project'; give 'owner/short-name'"),
    ({"volume": "in"}, "is 'in'; give 'owner/name'"),
    (
        {"project": None, "parent": "raw/2026"},
        "For a path give the project, and write the path in 'name', such as 'raw/2026/{path}/{name}'",
    ),
    ({"parent": "65a1b2c3d4e5f60718293a60"}, "give either project or parent, not both"),
    ({"name": "{nome}"}, "unknown field 'nome'"),
    ({"name": "None"}, "rendered to nothing"),
    ({"if_exists": "replace"}, "give one of fail, skip, overwrite, rename"),
    ({"metadata": ["a"]}, "give an object such as"),
    ({"metadata": {"k": 5}}, "write it as text"),
    ({"metadata": {"k" * 101: "v"}}, "has 101 bytes"),
    ({"metadata": {"k": "{nome}"}}, "the metadata '{nome}' has the unknown field"),
    ({"metadata": {"k": "v" * 301}}, "has 301 bytes"),
    ({"metadata": "S1"}, "give an object such as"),
    ({"tags": "night"}, "give a list of text"),
    ({"tags": [5]}, "5 is no text"),
    ({"tags": ["{nome}"]}, "the tag '{nome}' has the unknown field"),
    ({"items": ["run7/"]}, "CgcListVolumeOperator lists the objects"),
    ({"items": ["a/x.bam", "b/x.bam"], "name": "{name}"}, "two items go to one name, 'x.bam' in"),
    ({"items": [{"location": "a", "project": "me/p", "parent": "f"}]}, "has both"),
    ({"items": [{"location": "a", "volume": "in"}]}, "has a 'volume' that"),
    ({"items": []}, "is empty; set allow_empty=True"),
    ({"items": None}, "neither items nor a manifest"),
    ({"manifest": "s3://b/m.jsonl"}, "either items or a manifest"),
    ({"expected_count": 2}, "expected_count is 2"),
    ({"wait": False, "verify": True}, "nothing can be verified"),
    ({"wait": False, "tags": ["x"]}, "nobody sets metadata and tags"),
    ({"wait": False, "max_failures": 1}, "would not show which items the platform refused"),
    ({"manifest_path": "s3://b/m.csv"}, "let it end in .jsonl"),
    ({"dry_run": "yes"}, "give True or False"),
]


def operator(**arguments: Any) -> CgcBulkImportOperator:
    return CgcBulkImportOperator(**{**USUAL, **arguments})


@pytest.mark.parametrize(("arguments", "words"), WRONG)
def test_wrong_argument_is_told_at_parse(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(CgcInputRefused) as refused:
        operator(**arguments)

    assert words in str(refused.value)


ABOUT_ITEMS = [arguments for arguments, words in WRONG if "items" in arguments or "301" in words]
"""Those that are told with the items."""


@pytest.mark.parametrize(("arguments", "words"), [one for one in WRONG if one[0] not in ABOUT_ITEMS])
def test_rendered_argument_is_told_as_well(arguments: dict[str, Any], words: str) -> None:
    """An argument that only a template gives is told when the task runs, in the same words."""
    with pytest.raises((CgcBadInput, CgcInputRefused)) as refused:
        late(CgcBulkImportOperator, **{**USUAL, **arguments}).read_items()

    assert words in str(refused.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"metadata": '{"sample_id": "{folder}"}'},
        {"metadata": "{'sample_id': '{folder}'}"},
        {"items": None, "manifest": "s3://bucket/m.csv", "metadata": {"sample_id": "{column.sample}"}},
        {"tags": '["a", "{folder}"]'},
        {"project": None},
        {"project": "", "parent": "65a1b2c3d4e5f60718293a60"},
        {"items": "{{ ti.xcom_pull('list') }}"},
        {"items": ["a/x.bam", "b/x.bam"], "name": "{{ params.name }}"},
        {"items": None, "manifest": "s3://bucket/m.jsonl", "failed_only": True},
    ],
)
def test_right_arguments_are_taken(arguments: dict[str, Any]) -> None:
    assert operator(**arguments).task_id == "t"


def test_values_are_read() -> None:
    values = IMPORT_ARGUMENTS.read(late(CgcBulkImportOperator, **USUAL, metadata='{"k": "{folder}"}', tags="['a']"))

    assert {key: one.text for key, one in values["metadata"].items()} == {"k": "{folder}"}
    assert [one.text for one in values["tags"]] == ["a"]


def test_many_files_need_a_manifest() -> None:
    """More files than an XCom takes are refused before anything is sent."""
    context: Any = {"ti": TaskInstance(first_poke=lambda: None)}

    with pytest.raises(CgcInputRefused, match="1001 items, and more than 1000 files are too many for an XCom"):
        operator().check_memory(context, 1001)

    operator(manifest_path="s3://bucket/m.jsonl").check_memory(context, 1001)
    operator().check_memory(context, 1000)
