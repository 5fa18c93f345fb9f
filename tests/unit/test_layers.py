"""The directions of all imports, their circles, of which there are none, and what an import of ours loads."""

from __future__ import annotations

import ast
import functools
import itertools
import json
import re
import subprocess
import sys
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = "airflow_provider_cgc"

# A part may import itself and these: client <- jobs <- hooks <- triggers <- sensors, operators <- plugin.
_CLIENT = {"client"}
_JOBS = {*_CLIENT, "jobs"}
_AIRFLOW = {*_JOBS, "compat"}
_HOOKS = {*_AIRFLOW, "exceptions", "hooks"}
_TRIGGERS = {*_HOOKS, "patience", "display", "links", "xcom", "triggers"}
_ARGUMENTS = {"storage", "arguments", "manifests", "templates", "literals"}
MAY_IMPORT = {
    "__init__": set(),
    "client": set(),
    "emulator": set(),
    "jobs": _CLIENT,
    "compat": set(),
    "patience": {"compat"},
    "exceptions": _AIRFLOW,
    "storage": _AIRFLOW | {"exceptions"},
    "retries": _AIRFLOW | {"exceptions"},
    "arguments": _JOBS | {"exceptions", "storage"},
    "manifests": _JOBS | {"exceptions", "storage", "arguments"},
    "templates": set(),
    "literals": _AIRFLOW | {"exceptions", "templates"},
    "hooks": _AIRFLOW | {"exceptions"},
    "display": _AIRFLOW | {"links"},
    "xcom": _AIRFLOW | {"patience"},
    "triggers": _HOOKS | {"patience", "display", "links", "xcom"},
    "sensors": _TRIGGERS | _ARGUMENTS | {"assets", "lineage"},
    # An operator that waits is a sensor that starts itself what it waits for.
    "operators": _TRIGGERS | _ARGUMENTS | {"sensors", "lineage", "assets", "asset_uris"},
    "links": _HOOKS,
    "asset_uris": _JOBS,
    "lineage": _HOOKS | {"patience", "asset_uris"},
    "assets": _HOOKS | {"asset_uris"},
    "plugin": _TRIGGERS | {"sensors", "operators", "links"},
    "doctor": _HOOKS | {"storage"},
    "__main__": {"doctor"},
}
# Inside a part, a folder or module may import itself and these, which stand below it; a name with a dot is a module.
_FORMS = {"forms", "ids", "kinds", "text"}
_WAITING = {*_FORMS, "waiting", "files"}
_SUBMITTING = {*_WAITING, "listing", "submitting"}
_KIND = {*_SUBMITTING, "datasets", "objects", "placeholders", "places", "transfers"}
_STATE = {"options", "state"}
INSIDE = {
    "client": {
        "platforms": set(),
        "errors": set(),
        "urls": {"platforms"},
        "settings": {"errors", "platforms", "urls"},
        "models": {"errors"},
        "http": {"errors", "models", "settings", "urls"},
        "endpoints": {"errors", "models", "http.request", "http.retry", "http.transport"},
        "client": {"errors", "models", "settings", "http", "endpoints"},
    },
    "jobs": {
        "text": set(),
        "forms": {"text"},
        "ids": {"forms", "text"},
        "kinds": {"text"},
        "parts": _FORMS,
        "waiting": _FORMS,
        "files": {*_FORMS, "waiting"},
        "listing": _FORMS,
        "submitting": _WAITING,  # and no kind of job
        "datasets": set(),
        "transfers": {*_SUBMITTING, "datasets"},
        "placeholders": {"forms", "text"},
        "places": {*_FORMS, "waiting", "files"},
        "objects": _SUBMITTING,
        "exports": _KIND,  # and no other kind of job
        "imports": _KIND,
    },
    "emulator": {
        "options": {"state.errors"},
        "state": {"options"},
        "controls": _STATE,
        "web": {*_STATE, "controls"},
        "server": {*_STATE, "controls", "web"},
        "__main__": {*_STATE, "server"},
    },
}
# Outside the package: the demo, then the bench, then the tests.
OUTSIDE = {
    PACKAGE: set(),
    "docs": {PACKAGE},
    "example_dags": {PACKAGE},
    "dev": {PACKAGE},
    "bench": {PACKAGE, "dev", "tests.fakes"},
    "tests": {PACKAGE, "example_dags", "dev", "bench"},
}
FREE_OF_AIRFLOW = {"__init__", "client", "jobs", "emulator"}


def modules() -> list[Path]:
    return sorted((ROOT / PACKAGE).rglob("*.py"))


def part_of(path: Path) -> str:
    """Give the part that a file belongs to: the folder or the module right below the package."""
    return path.relative_to(ROOT / PACKAGE).parts[0].removesuffix(".py")


@functools.cache
def nodes_of(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(), str(path))))


def imports(path: Path) -> Iterator[str]:
    """Give the full name of everything that a file imports anywhere, for type checkers only included."""
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{name.name}" for name in node.names)


def all_imports() -> Iterator[tuple[Path, str]]:
    """Give every import of every file."""
    return ((path, name) for path in modules() for name in imports(path))


def our_parts(name: str) -> str | None:
    """Give the part of ours that an imported name belongs to."""
    if not (name + ".").startswith(PACKAGE + "."):
        return None
    rest = name.split(".")[1:]
    known = rest and ((ROOT / PACKAGE / rest[0]).is_dir() or (ROOT / PACKAGE / f"{rest[0]}.py").is_file())
    return rest[0] if known else "__init__"


def imported_outside(name: str) -> str:
    return name.split(".")[0]


def test_imports_go_one_way():
    def allowed(path: Path) -> set[str | None]:
        part = part_of(path)
        return {None, *MAY_IMPORT[part], part, "__init__"}  # the package itself imports nothing

    assert [f"{path}: {name}" for path, name in all_imports() if our_parts(name) not in allowed(path)] == []


@pytest.mark.parametrize("part", INSIDE)
def test_parts_go_one_way(part):
    """Imports inside a part go in one direction."""
    found = modules_of(part)

    assert {top_of(module) for module in found} == {*INSIDE[part]}
    assert [
        f"{module} -> {target}"
        for module, targets in found.items()
        for target in targets
        if not is_below(target, {*INSIDE[part][top_of(module)], top_of(module)})
    ] == []


def modules_of(part: str) -> dict[str, list[str]]:
    """Give the modules in a part, each with those in it that it imports, without the part's own name."""
    home = f"{PACKAGE}.{part}."
    return {
        module.removeprefix(home): sorted(name.removeprefix(home) for name in found if name.startswith(home))
        for module, found in imports_of_modules().items()
        if module.startswith(home)
    }


def top_of(module: str) -> str:
    return module.split(".")[0]


def is_below(name: str, tops: Collection[str]) -> bool:
    """Say if a module is one of some modules, or in one of some folders."""
    return any(f"{name}.".startswith(f"{top}.") for top in tops)


def test_outside_goes_one_way():
    """Imports outside the package go in one direction."""
    assert [
        f"{module} -> {target}"
        for module, found in imports_of_modules().items()
        for target in sorted(found)
        if not is_below(target, {*OUTSIDE[top_of(module)], top_of(module)})
    ] == []


def imported_module(name: str, known: Collection[str]) -> str | None:
    """Give the module of ours that an import leads to: of `from package import name`, the name if it is a module."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name or None


@functools.cache
def imports_of_modules() -> dict[str, set[str]]:
    """Give all modules of ours, each with those of ours that it imports anywhere, for type checkers included."""
    paths = {name_of(path): path for tree in OUTSIDE for path in sorted((ROOT / tree).rglob("*.py"))}
    targets = {module: {imported_module(name, paths) for name in imports(path)} for module, path in paths.items()}
    return {module: {target for target in found if target not in (None, module)} for module, found in targets.items()}


def circles(graph: Mapping[str, Collection[str]]) -> list[str]:
    """Give the circles of a graph as chains of names, each name in one chain at most."""
    found: list[str] = []
    named: set[str] = set()
    for start in graph:
        chain = [] if start in named else way_back(start, graph)
        if chain:
            named.update(chain)
            found.append(" -> ".join(chain))
    return found


def way_back(start: str, graph: Mapping[str, Collection[str]]) -> list[str]:
    """Give the shortest way from a name along the graph back to it; empty if there is none."""
    came_from: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for there in sorted(graph.get(here, ())):
            if there == start:
                chain = [start]
                while here != start:
                    chain.insert(0, here)
                    here = came_from[here]
                return [start, *chain]
            if there not in came_from:
                came_from[there] = here
                waiting.append(there)
    return []


@pytest.mark.parametrize(
    ("sentence", "table"), [("Imports go one way", MAY_IMPORT), ("Inside `jobs` it is", INSIDE["jobs"])]
)
def test_contributing_has_these_directions(sentence, table):
    """In a chain like `a, b <- c`, each name may import all on its left and none on its right."""
    [way] = re.findall(rf"{re.escape(sentence)}:? `([^`]+)`", (ROOT / "CONTRIBUTING.md").read_text())
    links = [link.split(", ") for link in way.split(" <- ")]

    assert len(links) > 3
    for position, link in enumerate(links):
        left, right = {*itertools.chain(*links[:position])}, {*itertools.chain(*links[position + 1 :])}
        assert [name for name in link if left - table[name] or right & table[name]] == []


def test_no_circles():
    graph = imports_of_modules()

    assert graph["tests.unit.test_layers"] == {"tests.conftest"}
    assert circles(graph) == []


@pytest.mark.parametrize(
    ("graph", "found"),
    [
        ({}, []),
        ({"a": {"b", "c"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"a"}}, ["a -> b -> a"]),
        ({"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": {"b"}}, ["b -> c -> d -> b"]),
        ({"a": {"b"}, "b": {"a"}, "c": {"d"}, "d": {"c", "a"}}, ["a -> b -> a", "c -> d -> c"]),
    ],
)
def test_circle_is_told_as_chain(graph, found):
    assert circles(graph) == found


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("a.b", "a.b"),
        ("a.b.Name", "a.b"),
        ("a.Name", "a"),
        ("a.b.c", "a.b.c"),
        ("z.b", None),
    ],
)
def test_import_leads_to_module(name, module):
    assert imported_module(name, {"a", "a.b", "a.b.c"}) == module


def test_imports_are_plain():
    assert [f"{path}: {name}" for path, name in all_imports() if name.startswith(".")] == []


def test_private_names_stay():
    """Whoever changes such a name looks for it in its own file only."""
    used = [(path, name) for path, name in all_imports() if our_parts(name) is not None]
    used += [(path, name) for path in modules() for name in used_of_our_modules(path)]

    assert [f"{path}: {name}" for path, name in used if is_private(name.rpartition(".")[2])] == []


def used_of_our_modules(path: Path) -> Iterator[str]:
    """Give the names that a file reads from modules of ours that it has imported as such."""
    nodes = nodes_of(path)
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


def test_only_client_has_requests():
    clients = {"requests", "urllib3", "httpx", "aiohttp"}
    used = [(path, imported_outside(name)) for path, name in all_imports() if imported_outside(name) in clients]

    assert [
        f"{path}: {name}" for path, name in used if part_of(path) != "client" or name not in {"requests", "urllib3"}
    ] == []
    assert used, "without a client the rule would always hold"


def test_free_of_airflow():
    assert [
        f"{path}: {name}"
        for path, name in all_imports()
        if part_of(path) in FREE_OF_AIRFLOW and imported_outside(name) == "airflow"
    ] == []


def loaded_by(*statements: str) -> list[set[str]]:
    """Give the modules that each of some statements loads, one after the other in a fresh interpreter."""
    code = (
        "import json, sys\n"
        "seen, loaded = set(sys.modules), []\n"
        "for statement in json.loads(sys.argv[1]):\n"
        "    exec(statement)\n"
        "    loaded.append(sorted(set(sys.modules) - seen))\n"
        "    seen = set(sys.modules)\n"
        "print(json.dumps(loaded))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, json.dumps(statements)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return [set(names) for names in json.loads(result.stdout.splitlines()[-1])]


BASE_CLASSES = (
    "from airflow.providers.common.compat.sdk import AirflowPlugin, BaseHook, BaseOperator, BaseSensorOperator\n"
    "import asgiref.sync"
)
HEAVY = {"requests", "urllib3", "fastapi", "starlette", "uvicorn", "tenacity"}
PARSED = ("sensors.exports", "sensors.imports", "operators.exports", "operators.imports", "operators.files",
          "operators.volumes", "manifests", "links", "exceptions", "hooks.cgc")  # fmt: skip
"""The modules that a Dag file imports."""
STARTERS = ("operators.submitting", "operators.record", "jobs.submitting.order", "jobs.submitting.attempt")
STARTING = {f"{PACKAGE}.{module}" for module in STARTERS}
"""The modules that an operator needs to start jobs, which it does when a task runs."""
REGISTRATION = f"{PACKAGE}.plugin.registration"


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """The modules that each of ours loads beyond Airflow's base classes and those that were loaded before it."""
    statements = {
        "base classes": BASE_CLASSES,
        **{module: f"import {PACKAGE}.{module}" for module in PARSED},
        "plugin": f"from {REGISTRATION} import CgcPlugin; plugin = CgcPlugin()",
        "Airflow's settings": "from airflow.configuration import conf; conf.get('core', 'dags_folder')",
        "what it registers": "assert plugin.react_apps; plugin.fastapi_apps",
    }
    return dict(zip(statements, loaded_by(*statements.values()), strict=True))


def test_dag_file_imports_little(loaded):
    """
    A Dag file's imports load neither requests nor fastapi, nor anything that starts jobs.

    Airflow itself loads `requests` on 2.11, so what counts is what we add, and which of our modules are loaded.
    """
    every = set().union(*(loaded[module] for module in PARSED))

    assert {f"{PACKAGE}.{module}" for module in PARSED} <= every
    assert {module: loaded[module] & HEAVY for module in PARSED if loaded[module] & HEAVY} == {}
    assert every & {name_of(path) for path in modules() if sends(path)} == set()
    assert {name_of(path) for path in modules()} - every >= STARTING


def test_plugin_imports_little(loaded):
    """
    Neither the plugin nor asking for its registration loads a web framework.

    Every component of Airflow does it; what Airflow itself has loaded by then does not count.
    """
    assert REGISTRATION in loaded["plugin"]
    assert (loaded["plugin"] | loaded["what it registers"]) & HEAVY == set()


def sends(path: Path) -> bool:
    return any(imported_outside(name) in {"requests", "urllib3", "fastapi"} for name in imports(path))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_package_imports_nothing():
    [added] = loaded_by(f"import {PACKAGE}")

    assert added <= {PACKAGE, "__future__"}


def test_notebook_has_no_airflow():
    modules = ("client", "client.client", "jobs.waiting.poller", "jobs.waiting.event")

    loaded = loaded_by(*(f"import {PACKAGE}.{module}" for module in modules))

    assert {module: "airflow" in names for module, names in zip(modules, loaded, strict=True)} == dict.fromkeys(
        modules, False
    )
