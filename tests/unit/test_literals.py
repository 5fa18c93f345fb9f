"""A mistake in an argument that is known is told when the Dag is parsed, and nothing that may be right is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator, ObjectStoragePath

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.exceptions import CgcBadInput, CgcInputRefused
from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.files import CgcListFilesOperator
from airflow_provider_cgc.operators.submitting import SubmittedJobs
from airflow_provider_cgc.operators.volumes import CgcListVolumeOperator
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
from airflow_provider_cgc.sensors.imports import CgcBulkImportSensor
from airflow_provider_cgc.templates import is_literal
from tests.fakes.task_instance import TaskInstance
from tests.late import late, literal
from tests.unit.mistakes import FILE, JOB, MISTAKES, USUAL

KINDS: dict[str, Any] = {
    "export": CgcBulkExportOperator,
    "list": CgcListFilesOperator,
    "volume": CgcListVolumeOperator,
    "wait": CgcBulkExportSensor,
    "imports": CgcBulkImportSensor,
}
CONTEXT: Any = {"ti": TaskInstance()}


def dag(**arguments: Any) -> Any:
    return DAG("literals", schedule=None, start_date=datetime(2026, 1, 1), **arguments)


def made(kind: str, arguments: dict[str, Any], **of_dag: Any) -> Any:
    """Make an operator as a Dag file does."""
    with dag(**of_dag):
        return KINDS[kind](task_id=kind, **{**USUAL[kind], **arguments})


def name_of(value: Any) -> str | None:
    return json.dumps(value, default=str)[:60] if isinstance(value, dict) else None


@pytest.mark.parametrize(("kind", "arguments", "text"), MISTAKES, ids=name_of)
def test_mistake_told_at_parse(kind: str, arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(CgcInputRefused) as refused:
        made(kind, arguments)

    assert str(refused.value) == f"{KINDS[kind].__name__} {kind!r}: {text}"
    assert isinstance(refused.value, ValueError)


ABOUT = re.compile(r"^(- |item 1: |manifest(_path)?: )")
TOLD_OTHERWISE = (*("neither items nor a manifest", "cannot be told from the name", "location 'raw/'"),)
"""The upstream task may be to blame; what the storage or the platform says of it comes first."""


@pytest.fixture(scope="module")
def emulator() -> Iterator[CgcEmulator]:
    """A platform that knows none of what is asked for."""
    with CgcEmulator(files=1, speed=0) as emulator:
        yield emulator


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def run(kind: str, arguments: dict[str, Any]) -> None:
    """Let an operator read its arguments as a task does, once they have been rendered."""
    all_of_them = {**USUAL[kind], **arguments}
    if all_of_them.get("manifest"):
        all_of_them = {name: value for name, value in all_of_them.items() if value is not None}
    rendered = {name: value.replace("{{ ds }}", "2026-01-31") for name, value in all_of_them.items() if is_text(value)}
    task = late(KINDS[kind], task_id=kind, **{**all_of_them, **rendered})
    if kind == "export":
        SubmittedJobs(task).prepare(CONTEXT)
    elif kind in ("list", "volume"):
        task.execute({})
    else:
        task._source.open(CONTEXT)
        task._connection()


@pytest.mark.parametrize(("kind", "arguments", "text"), MISTAKES, ids=name_of)
def test_late_mistake_is_the_same(
    kind: str, arguments: dict[str, Any], text: str, emulator: CgcEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a template, an upstream task or a mapped one; what was told together may come one by one."""
    monkeypatch.setenv("AIRFLOW_CONN_CGC_DEFAULT", emulator.airflow_conn)

    with pytest.raises(CgcBadInput) as refused:
        run(kind, arguments)

    told = str(refused.value).replace(f" of task {kind!r}", "")
    problems = [ABOUT.sub("", line) for line in text.removesuffix(".").splitlines()]
    assert any(problem in told for problem in problems) or any(words in text for words in TOLD_OTHERWISE)


class Upstream(BaseOperator):
    def execute(self, context: Any) -> Any:
        return None


def outputs() -> Any:
    return Upstream(task_id="upstream").output


RIGHT: list[tuple[str, dict[str, Any]]] = [
    ("export", {}),
    ("export", {"copy_only": "{{ params.copy }}", "if_exists": "{% if True %}skip{% endif %}"}),
    ("export", {"location": "{{ ds }}/{name}", "aliases": "{# as usual #}fail"}),
    ("export", {"location": "{metadata.sample_id}/{path}/{name}", "properties": {"sse_algorithm": "{{ params.sse }}"}}),
    ("export", {"volume": "{{ var.value.volume }}", "cgc_conn_id": "{{ params.conn }}"}),
    ("export", {"items": "{{ ti.xcom_pull('list') }}", "expected_count": "{{ params.count }}", "max_failures": "5"}),
    ("export", {"items": [{"file": "{{ params.file }}", "location": "/x/{{ ds }}", "volume": "{{ params.volume }}"}]}),
    ("export", {"items": [FILE, "{{ params.more }}"], "expected_count": 7}),
    ("export", {"items": [], "allow_empty": True, "max_failure_share": "0.01", "copy_only": " TRUE "}),
    ("export", {"items": f"{FILE}, {FILE}", "location": "{id}-{{ ti.try_number }}", "properties": None}),
    ("export", {"items": [{"file": FILE, "location": "raw/"}], "max_failures": 1}),
    ("export", {"items": [{"file": FILE, "volume": "mcurie/radium_out"}], "volume": None}),
    ("export", {"items": "s3://bucket/list.csv", "expected_count": 7}),
    ("export", {"items": ["file:///list.jsonl", FILE], "manifest_path": "s3://bucket/{{ run_id }}"}),
    ("export", {"items": None, "manifest": "s3://bucket/{{ ds }}.jsonl", "manifest_path": "s3://bucket/out.jsonl"}),
    ("export", {"items": None, "manifest": "s3://bucket/MANIFEST.JSONL", "failed_only": True}),
    ("export", {"properties": '{"sse_algorithm": "AES256"}', "manifest_path": "", "manifest_conn_id": None}),
    ("export", {"poke_interval": 0.5, "timeout": timedelta(days=30), "max_failures": None, "wait": False}),
    ("export", {"items": [f"{FILE}\n", {"file": f"{FILE}\n", "location": "a/b\r\n"}], "volume": "mcurie/radium\n"}),
    ("export", {"location": "{name}\n", "if_exists": "skip\n", "wait": False, "max_failures": "{{ params.most }}"}),
    ("wait", {"export_ids": [f"{JOB}\n"]}),
    ("list", {"project": "mcurie/radium\n", "folder": "raw/2026\n", "origin_task": "a\n", "min_size": "5\n"}),
    ("wait", {"export_ids": "{{ ti.xcom_pull('start') }}"}),
    ("wait", {"export_ids": [[JOB], [JOB]], "expected_count": "1"}),
    ("wait", {"export_ids": ["s3://bucket/{{ ds }}.jsonl", "s3://bucket/b.jsonl"]}),
    ("wait", {"export_ids": "[]", "allow_empty": True, "poke_interval": timedelta(minutes=1)}),
    ("imports", {"import_ids": (JOB,), "cgc_conn_id": "{{ params.conn }}"}),
    ("list", {}),
    ("list", {"project": "{{ params.project }}", "folder": "2026", "name": ["*.bam", "[ab].bai", "{{ params.name }}"]}),
    ("list", {"project": "mcurie/radium", "folder": f"/{FILE}", "tag": "None of these"}),
    ("list", {"metadata": {"sample_id": ["S1", "{{ params.id }}"], "lane": 7}, "min_size": "5", "max_size": 5}),
    ("list", {"modified_after": datetime(2026, 1, 1), "min_size": "{{ params.least }}", "max_size": 1}),
    ("list", {"modified_after": "{{ prev_start_date_success or '1970-01-01' }}", "expected_count": 1000}),
    ("list", {"expected_count": 5000, "manifest_path": "s3://bucket/{{ run_id }}.jsonl", "manifest_conn_id": "aws"}),
]


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(("kind", "arguments"), RIGHT, ids=name_of)
def test_right_is_not_refused(kind: str, arguments: dict[str, Any], native: bool) -> None:
    task = made(kind, arguments, render_template_as_native_obj=native)

    assert {name: getattr(task, name) for name in arguments if name in task.template_fields} == {
        name: value for name, value in arguments.items() if name in task.template_fields
    }


TEMPLATED = [(kind, name) for kind, known in KINDS.items() for name in known.template_fields]


@pytest.mark.parametrize(("kind", "name"), TEMPLATED)
@pytest.mark.parametrize("form", ["output", "part", "list", "dict", "literal", "param"])
def test_resolved_later_is_left(kind: str, name: str, form: str) -> None:
    """Neither an upstream task's output is read, nor are lists and dicts that contain one."""
    with dag(params={"bad": 0}) as made_in:
        value = outputs()
        later = {
            "output": value,
            "part": value["a/b"],
            "list": [["no id/at all", value]],
            "dict": {"no such key": {"x": value}},
            "literal": literal("no id/at all"),
            "param": made_in.param("bad"),
        }[form]
        usual = {key: one for key, one in USUAL[kind].items() if key != "items" or name != "manifest"}
        task = KINDS[kind](task_id=kind, **{**usual, "manifest_path": "s3://b/m.jsonl", name: later}
                           if "manifest_path" in KINDS[kind].template_fields else {**usual, name: later})  # fmt: skip

    assert getattr(task, name) is later


@pytest.mark.parametrize(
    ("marks", "text"),
    [
        ({"variable_start_string": "[[", "variable_end_string": "]]"}, "[[ params.x ]]"),
        ({"block_start_string": "<%", "block_end_string": "%>"}, "<% if 1 %>a<% endif %>"),
        ({"comment_start_string": "((", "comment_end_string": "))"}, "(( why ))a"),
        ({"line_statement_prefix": "%%"}, "%% if 1\na\n%% endif"),
        ({"line_comment_prefix": "##"}, "a ## why"),
    ],
)
def test_dag_may_have_marks(marks: dict[str, str], text: str) -> None:
    made("list", {"project": text}, jinja_environment_kwargs=marks)

    with pytest.raises(CgcInputRefused, match="project is"):
        made("list", {"project": text}, jinja_environment_kwargs={"trim_blocks": True})


def test_mark_may_be_text() -> None:
    with pytest.raises(CgcInputRefused, match="the location"):
        made("export", {"location": "{{nam}/x"}, jinja_environment_kwargs={"variable_start_string": "[["})


def test_later_dags_marks_are_fine() -> None:
    task = CgcListFilesOperator(task_id="list", project="[[ params.project ]]")

    dag(jinja_environment_kwargs={"variable_start_string": "[[", "variable_end_string": "]]"}).add_task(task)


def test_default_args_are_literal() -> None:
    right = {"cgc_conn_id": "cgc_lab", "poke_interval": 30, "manifest_conn_id": "aws", "volume": "a/b", "wait": True}

    task = made("export", {}, default_args={**right, "volume": "lab/out", "copy_only": False})
    assert (task.cgc_conn_id, task.poke_interval) == ("cgc_lab", 30)
    for wrong in ({"poke_interval": 0}, {"if_exists": "no"}, {"cgc_conn_id": ""}):
        with pytest.raises(CgcInputRefused, match=f"CgcBulkExportOperator 'export': {next(iter(wrong))} is"):
            made("export", {}, default_args=wrong)


def test_mapped_is_read_at_run() -> None:
    """They are not read when the task is made: the failure callback and `never_fail` would not count."""
    with dag():
        upstream = outputs()
        CgcListFilesOperator.partial(task_id="list").expand(folder=["raw//2026", "x"])
        CgcBulkExportOperator.partial(task_id="export", copy_only=True, location="{nam}").expand(items=upstream)
        mapped = CgcBulkExportSensor.partial(task_id="wait").expand(export_ids=upstream)

    made_to_run = mapped.operator_class(task_id="wait", export_ids=[], _airflow_from_mapped=True)
    with pytest.raises(CgcBadInput, match="export_ids of task 'wait' is empty"):
        made_to_run._source.open(CONTEXT)
    with pytest.raises(CgcInputRefused, match="either items or a manifest, not both"):
        CgcBulkExportOperator(**USUAL["export"], task_id="t", manifest="s3://b/m.csv", _airflow_from_mapped=True)


class Own(CgcBulkExportOperator):
    """Fills in its items when it runs, and reads files."""

    template_ext = (".txt", ".sql")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(copy_only=True, **kwargs)
        self.location = "{nam}"


def test_subclass_may_fill_in() -> None:
    with dag():
        Own(task_id="a")
        Own(task_id="b", items=[], volume="ids.txt")
        with pytest.raises(CgcInputRefused, match="Own 'c': volume is 'ids'; give 'owner/name'"):
            Own(task_id="c", volume="ids")


def test_list_in_itself_is_none() -> None:
    endless: list[Any] = []
    endless.append(endless)

    assert not is_literal(endless, marks=["{{"])


LIST = "/data/list.jsonl"


@pytest.mark.parametrize("address", [Path(LIST), ObjectStoragePath(f"file://{LIST}")], ids=["path", "object"])
@pytest.mark.parametrize(
    ("kind", "name", "wrap"),
    [
        ("export", "items", lambda one: one),
        ("export", "items", lambda one: [one]),
        ("export", "items", lambda one: [FILE, [one]]),
        ("export", "items", lambda one: {one}),
        ("export", "manifest_path", lambda one: one),
        ("wait", "export_ids", lambda one: one),
        ("wait", "export_ids", lambda one: [one]),
        ("list", "manifest_path", lambda one: one),
    ],
)
def test_object_is_an_address(kind: str, name: str, wrap: Any, address: Any) -> None:
    assert getattr(made(kind, {name: wrap(address)}), name) == wrap(address)


def test_only_plain_is_literal() -> None:
    """Others may read what is in them from elsewhere, as Airflow's own sequences of XComs do."""

    class Lazy(dict[str, Any]):
        """A mapping of its own kind."""

    class Lines(list[Any]):
        """A list of its own kind."""

    assert is_literal({"a": [1]}, marks=["{{"])
    assert not is_literal(Lazy(a=1), marks=["{{"])
    assert not is_literal({"a": Lines([1])}, marks=["{{"])


def test_generator_is_left_whole() -> None:
    ids = (one for one in ["no id/at all"])

    with dag():
        CgcBulkExportSensor(task_id="wait", export_ids=ids)

    assert list(ids) == ["no id/at all"]


def test_dag_file_tells_mistake(tmp_path: Path) -> None:
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # Airflow below 3.2
        from airflow.models.dagbag import DagBag

    path = tmp_path / "mistake.py"
    path.write_text(
        "from datetime import datetime\n"
        "from airflow.providers.common.compat.sdk import DAG\n"
        "from airflow_provider_cgc.operators.exports import CgcBulkExportOperator\n"
        "with DAG('mistake', schedule=None, start_date=datetime(2026, 1, 1)):\n"
        "    CgcBulkExportOperator(task_id='export', items=['sample.bam'], volume='a/b', copy_only='maybe')\n"
    )

    [told] = DagBag(str(path)).import_errors.values()

    assert told.rstrip().endswith(
        "CgcBulkExportOperator 'export': 2 problems\n"
        "- copy_only is 'maybe'; give true or false\n"
        "- items: item 1 is 'sample.bam', which looks like a file's name, and ids are wanted;"
        " CgcListFilesOperator(name='sample.bam') finds it"
    )
