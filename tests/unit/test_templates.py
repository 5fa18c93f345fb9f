"""An operator sees the same in a native Dag as in any other one: text stays text, and only objects stay objects."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator

from airflow_provider_cgc import operators, sensors
from airflow_provider_cgc.operators.files import CgcListFilesOperator
from airflow_provider_cgc.templates import TextTemplates
from tests.unit.mistakes import FILE, USUAL

DANGEROUS = [
    *("2026", "007", "1_000", "2026_11", "20261130", "5900000000000000000e0012", "1e400", "-5", "0x1F", "1j", "3.10"),
    *("True", "False", "None", "1,2", "()", "[1]", "[]", "{}", "{'k': 'True'}", "{1, 2}", "'quoted'", "b'x'", "..."),
    *("", " 7", "7 ", "a\nb", "# 5", "5 # five", "\\n", "ä", "null", "nan", "S1.bam"),
]


def made_here() -> Iterator[type[Any]]:
    """Give every operator and sensor of the package that can be used."""
    for package in (operators, sensors):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for _, kind in inspect.getmembers(import_module(found.name), inspect.isclass):
                own = kind.__module__ == found.name and issubclass(kind, BaseOperator)
                if own and kind.__name__ != "CgcJobsSensor":
                    yield kind


KINDS = list(made_here())
ARGUMENTS = [(kind, name) for kind in KINDS for name in kind.template_fields]


def rendered(kind: type[Any], name: str, value: Any, *, native: bool, params: Any = None, **of_dag: Any) -> Any:
    """Give the value of an operator's argument when it runs; set past `__init__`, which would refuse most of them."""
    usual = max((usual for usual in USUAL.values() if set(usual) <= set(kind.template_fields)), key=len)
    with DAG(
        "d", schedule=None, start_date=datetime(2026, 1, 1), render_template_as_native_obj=native, **of_dag
    ) as dag:
        task = kind(task_id="t", **usual)
    setattr(task, name, value)
    task.render_template_fields({"params": params or {}, "x": None}, dag.get_template_env())
    return getattr(task, name)


def test_every_operator_is_found() -> None:
    names = {kind.__name__ for kind in KINDS}

    assert {
        "CgcBulkExportOperator",
        "CgcListFilesOperator",
        "CgcListVolumeOperator",
        "CgcBulkExportSensor",
        "CgcBulkImportSensor",
    } <= names
    assert all(issubclass(kind, TextTemplates) for kind in KINDS)


@pytest.mark.parametrize(("kind", "name"), ARGUMENTS)
@pytest.mark.parametrize("form", ["literal", "whole", "part", "list", "dict"])
def test_native_text_is_the_same(kind: type[Any], name: str, form: str) -> None:
    for text in DANGEROUS:
        value = {
            "literal": text,
            "whole": "{{ params.x }}",
            "part": "{{ params.x }}{{ '' }}",
            "list": [text, ["{{ params.x }}"], (text,)],
            "dict": [{text or "k": text, "x": {"k": "{{ params.x }}"}}],
        }[form]

        seen = [rendered(kind, name, value, native=native, params={"x": text}) for native in (False, True)]

        assert seen[0] == seen[1] == {
            "literal": text,
            "whole": text,
            "part": text,
            "list": [text, [text], (text,)],
            "dict": [{text or "k": text, "x": {"k": text}}],
        }[form]  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), ARGUMENTS)
@pytest.mark.parametrize("native", [False, True])
def test_path_is_left(kind: type[Any], name: str, native: bool) -> None:
    """Airflow 3.0 would look for its file."""
    path = Path("/no/such/file.jsonl")

    assert rendered(kind, name, path, native=native) is path
    assert rendered(kind, name, [{"k": path}], native=native) == [{"k": path}]


@pytest.mark.parametrize("value", [2026, 1.5, True, False, 10**30, 2j])
def test_number_is_text(value: Any) -> None:
    for native in (False, True):
        assert rendered(CgcListFilesOperator, "folder", "{{ params.x }}", native=native, params={"x": value}) == str(
            value
        )


@pytest.mark.parametrize(
    "value", [None, [1, "2"], {"k": True}, (1, 2), {3}, b"x", datetime(2026, 1, 1, tzinfo=UTC), [], {}]
)
def test_native_object_stays(value: Any) -> None:
    seen = rendered(CgcListFilesOperator, "metadata", "{{ params.x }}", native=True, params={"x": value})

    assert seen == value
    assert type(seen) is type(value)


def test_nothing_is_none() -> None:
    assert rendered(CgcListFilesOperator, "tag", "{% if params %}a{% endif %}", native=True) is None
    assert rendered(CgcListFilesOperator, "tag", "{% if params %}a{% endif %}", native=False) == ""


@pytest.mark.parametrize("native", [False, True])
def test_undefined_word_is_told(native: bool) -> None:
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError, match="'nobody' is undefined"):
        rendered(CgcListFilesOperator, "folder", "{{ nobody }}", native=native)


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(
    ("text", "seen"), [("a\n", "a"), ("a\n\n", "a\n"), ("\n", ""), ("a\r\n", "a"), (["a\n", "b"], ["a", "b"])]
)
def test_last_newline_goes(text: Any, seen: Any, native: bool) -> None:
    """The lines of a file, and what a file holds as a whole, end with one; Airflow's own rendering drops it."""
    assert rendered(CgcListFilesOperator, "name", text, native=native) == seen


def test_last_newline_may_stay() -> None:
    keep = {"keep_trailing_newline": True}

    assert rendered(CgcListFilesOperator, "name", "a\n", native=False, jinja_environment_kwargs=keep) == "a\n"


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("[[ params.x ]]_11", "2026_11"),
        ("{{ params.x }}", "{{ params.x }}"),
        ("2026_11", "2026_11"),
        ("(# no #)7", "7"),
    ],
)
def test_marks_are_the_dags(text: str, seen: str, native: bool) -> None:
    marks = {
        "variable_start_string": "[[", "variable_end_string": "]]", "comment_start_string": "(#",
        "comment_end_string": "#)",
    }  # fmt: skip

    shown = rendered(
        CgcListFilesOperator, "folder", text, native=native, params={"x": 2026}, jinja_environment_kwargs=marks
    )

    assert shown == seen


def test_native_keeps_filters() -> None:
    seen = rendered(
        CgcListFilesOperator, "folder", "{{ twice('1_0') | shout }}", native=True,
        user_defined_macros={"twice": lambda text: text * 2}, user_defined_filters={"shout": lambda text: f"{text}!"},
    )  # fmt: skip

    assert seen == "1_01_0!"


class Reads(CgcListFilesOperator):
    """Reads names that end like this as files, as Airflow lets every operator do."""

    template_ext = (".txt",)


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("content", ["2026_11\n", "{{ params.x }}_11\n"])
def test_file_of_a_field_is_text(tmp_path: Path, content: str, native: bool) -> None:
    (tmp_path / "folder.txt").write_text(content)
    with DAG(
        "d",
        schedule=None,
        start_date=datetime(2026, 1, 1),
        render_template_as_native_obj=native,
        template_searchpath=[str(tmp_path)],
    ) as dag:
        task = Reads(task_id="t", folder="folder.txt", metadata={"k": "folder.txt"})
    task.resolve_template_files()

    task.render_template_fields({"params": {"x": 2026}}, dag.get_template_env())

    assert (task.folder, task.metadata) == ("2026_11", {"k": "2026_11"})


class Watched(CgcListFilesOperator):
    """An operator with a mark on each value that Airflow's own way has rendered."""

    def _render(self, *args: Any, **kwargs: Any) -> Any:
        return f"{super()._render(*args, **kwargs)} by Airflow"


@pytest.mark.parametrize(("native", "seen"), [(False, "2026 by Airflow"), (True, "2026")])
def test_airflow_renders_usual(native: bool, seen: str) -> None:
    assert rendered(Watched, "folder", "{{ params.x }}", native=native, params={"x": 2026}) == seen


def test_resolved_stays() -> None:
    """A mapped task's value from upstream; Airflow tells it by the object's identity."""
    with DAG("d", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
        task = CgcListFilesOperator(task_id="t")
    text = "{{ " + "not_mine }}"

    assert task.render_template(text, {}, dag.get_template_env(), {id(text)}) == text


@pytest.mark.skipif(
    "render_template_as_native_obj" not in inspect.signature(BaseOperator.__init__).parameters,
    reason="Airflow below 3.3",
)
@pytest.mark.parametrize("of_dag", [False, True])
def test_operator_may_differ(of_dag: bool) -> None:
    """An operator may choose otherwise than its Dag."""
    with DAG("d", schedule=None, start_date=datetime(2026, 1, 1), render_template_as_native_obj=of_dag) as dag:
        native = CgcListFilesOperator(task_id="a", render_template_as_native_obj=True)
        usual = CgcListFilesOperator(task_id="b", render_template_as_native_obj=False)
    for task in (native, usual):
        task.metadata, task.folder, task.tag = "{{ params.x }}", "2026_11", "{{ params.y }}"
        task.render_template_fields({"params": {"x": {"k": [FILE]}, "y": 7}}, dag.get_template_env())

    assert (native.metadata, native.folder, native.tag) == ({"k": [FILE]}, "2026_11", "7")
    assert (usual.metadata, usual.folder, usual.tag) == (str({"k": [FILE]}), "2026_11", "7")
