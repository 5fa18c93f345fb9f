"""Each class that defines `execute` says whether a retry after a worker's death continues, where Airflow looks for it.

Airflow's Registry reads `_<Class>__supports_durable_execution` of the class whose `execute` runs: the name is mangled,
and a subclass that defines `execute` does not inherit it.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator

import pytest

from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.files import CgcListFilesOperator
from airflow_provider_cgc.operators.imports import CgcBulkImportOperator
from airflow_provider_cgc.operators.volumes import CgcListVolumeOperator
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
from airflow_provider_cgc.sensors.imports import CgcBulkImportSensor
from tests.conftest import ROOT

MARK = "__supports_durable_execution"
WITHOUT = {"CgcListingOperator": "it starts nothing and keeps nothing: a retry lists again"}


def executing() -> Iterator[tuple[str, ast.ClassDef]]:
    """Every class of the package that defines `execute`."""
    for path in sorted((ROOT / "airflow_provider_cgc").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and any(
                isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name == "execute" for one in node.body
            ):
                yield node.name, node


def is_marked(node: ast.ClassDef) -> bool:
    """True if the literal line is in the body of the class."""
    return f"{MARK} = True" in {ast.unparse(one) for one in node.body}


CLASSES = dict(executing())


def test_executing_classes_are_found() -> None:
    assert {"CgcJobsSensor", "CgcSubmittingOperator", "CgcListingOperator"} <= CLASSES.keys()


@pytest.mark.parametrize("name", CLASSES)
def test_mark_or_reason(name: str) -> None:
    assert is_marked(CLASSES[name]) is (name not in WITHOUT)


def test_reasons_are_needed() -> None:
    assert WITHOUT.keys() <= CLASSES.keys()


@pytest.mark.parametrize(
    ("used", "durable"),
    [
        (CgcBulkExportOperator, True),
        (CgcBulkImportOperator, True),
        (CgcBulkExportSensor, True),
        (CgcBulkImportSensor, True),
        (CgcListFilesOperator, False),
        (CgcListVolumeOperator, False),
    ],
)
def test_registry_reads_it(used: type, durable: bool) -> None:
    """The class whose `execute` runs has the attribute under its own, mangled name."""
    owner = next(one for one in inspect.getmro(used) if "execute" in vars(one))

    assert (vars(owner).get(f"_{owner.__name__}{MARK}") is True) is durable
