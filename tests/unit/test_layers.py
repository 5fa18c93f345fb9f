"""Which part may know which: the directions of all imports, and what an import of ours loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = "airflow_provider_cgc"

# A part may import itself and these: client <- jobs <- hooks <- triggers <- sensors, operators <- plugin.
_CLIENT = {"client"}
_JOBS = {*_CLIENT, "jobs"}
_AIRFLOW = {*_JOBS, "compat"}
_HOOKS = {*_AIRFLOW, "exceptions", "hooks"}
_TRIGGERS = {*_HOOKS, "showing", "links", "triggers"}
MAY_IMPORT = {
    "__init__": set(),
    "client": set(),
    "emulator": set(),
    "jobs": _CLIENT,
    "compat": set(),
    "exceptions": _AIRFLOW,
    "storage": _AIRFLOW | {"exceptions"},
    "retries": _AIRFLOW | {"exceptions"},
    "hooks": _AIRFLOW | {"exceptions"},
    "showing": _AIRFLOW | {"links"},
    "triggers": _HOOKS | {"showing", "links"},
    "sensors": _TRIGGERS | {"storage", "assets"},
    # An operator that waits is a sensor that starts itself what it waits for.
    "operators": _TRIGGERS | {"sensors", "storage", "lineage", "assets"},
    "links": _HOOKS,
    "lineage": _HOOKS,
    "assets": _HOOKS,
    "plugin": _TRIGGERS | {"sensors", "operators", "links"},
}
FREE_OF_AIRFLOW = {"__init__", "client", "jobs", "emulator"}


def modules() -> list[Path]:
    return sorted((ROOT / PACKAGE).rglob("*.py"))


def part_of(path: Path) -> str:
    """Give the part that a file belongs to: the folder or the module right below the package."""
    return path.relative_to(ROOT / PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Give the line and the full name of everything that a file imports anywhere, for type checkers only included."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for name in node.names:
                yield node.lineno, f"{module}.{name.name}"


def our_parts(name: str) -> str | None:
    """Give the part of ours that an imported name belongs to."""
    if not (name + ".").startswith(PACKAGE + "."):
        return None
    rest = name.split(".")[1:]
    known = rest and ((ROOT / PACKAGE / rest[0]).is_dir() or (ROOT / PACKAGE / f"{rest[0]}.py").is_file())
    return rest[0] if known else "__init__"


def imported_outside(name: str) -> str:
    return name.split(".")[0]


by_path = pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT / PACKAGE)))


@by_path
def test_imports_go_in_one_direction(path):
    part = part_of(path)
    allowed = MAY_IMPORT[part] | {part, "__init__"}  # the package itself imports nothing

    wrong = [f"line {line}: {name}" for line, name in imports(path) if our_parts(name) not in {None, *allowed}]

    assert wrong == []


@by_path
def test_imports_say_where_they_come_from(path):
    assert [name for _, name in imports(path) if name.startswith(".")] == []


@by_path
def test_what_begins_with_an_underscore_stays_in_its_module(path):
    """Whoever changes such a name looks for it in its own file only."""
    imported = [name for _, name in imports(path) if our_parts(name) is not None]

    assert [name for name in (*imported, *used_of_our_modules(path)) if is_private(name.rpartition(".")[2])] == []


def used_of_our_modules(path: Path) -> Iterator[str]:
    """Give what a file reads from modules of ours that it has imported as such."""
    nodes = list(ast.walk(ast.parse(path.read_text(), str(path))))
    ours = {
        name.asname or name.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and our_parts(node.module or "") is not None
        for name in node.names
        if is_module(f"{node.module}.{name.name}")
    }
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ours:
            yield f"{node.value.id}.{node.attr}"


def is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


@by_path
def test_only_the_client_imports_requests(path):
    used = {imported_outside(name) for _, name in imports(path)} & {"requests", "urllib3", "httpx", "aiohttp"}

    assert used == set() or (part_of(path) == "client" and used <= {"requests", "urllib3"})


@by_path
def test_what_is_free_of_airflow_stays_so(path):
    if part_of(path) in FREE_OF_AIRFLOW:
        assert [name for _, name in imports(path) if imported_outside(name) == "airflow"] == []


def test_somebody_does_import_requests():
    """Otherwise the rule above would hold for want of a client."""
    assert any(imported_outside(name) == "requests" for path in modules() for _, name in imports(path))


def loaded_by(statement: str) -> set[str]:
    """Give the modules that a fresh interpreter has loaded after a statement."""
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    return set(result.stdout.splitlines())


BASE_CLASSES = "from airflow.providers.common.compat.sdk import BaseHook, BaseOperator, BaseSensorOperator"


@pytest.mark.parametrize("module", ["sensors.exports", "operators.exports", "operators.files", "links", "exceptions"])
def test_a_dag_file_s_imports_load_neither_requests_nor_fastapi(module):
    """Airflow itself loads `requests` on 2.11, so what counts is what we add, and which of our modules are loaded."""
    by_airflow = loaded_by(BASE_CLASSES)

    loaded = loaded_by(f"{BASE_CLASSES}\nimport {PACKAGE}.{module}")

    assert f"{PACKAGE}.{module}" in loaded
    assert (loaded - by_airflow) & {"requests", "urllib3", "fastapi", "uvicorn", "tenacity"} == set()
    assert loaded & {name_of(path) for path in modules() if sends(path)} == set()


def sends(path: Path) -> bool:
    return any(imported_outside(name) in {"requests", "urllib3", "fastapi"} for _, name in imports(path))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_importing_the_package_loads_nothing():
    added = loaded_by(f"import {PACKAGE}") - loaded_by("")

    assert added <= {PACKAGE, "__future__"}


@pytest.mark.parametrize("module", ["client", "client.client", "jobs.poller", "jobs.event"])
def test_what_a_notebook_may_use_loads_nothing_of_airflow(module):
    assert "airflow" not in loaded_by(f"import {PACKAGE}.{module}")
