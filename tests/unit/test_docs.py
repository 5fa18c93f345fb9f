"""The README, the changelog and the docstrings say what the code does."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from typing import Any

import pytest

import airflow_provider_cgc
from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.files import CgcListFilesOperator
from airflow_provider_cgc.sensors.base import CgcJobsSensor
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
from airflow_provider_cgc.sensors.imports import CgcBulkImportSensor
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()
BLOCK = re.compile(
    r"(?:<!-- (?P<verb>from|run): (?P<what>[^>]+) -->\n)?```(?P<language>\w+)\n(?P<body>.*?)```", re.DOTALL
)
BLOCKS = [match.groupdict() for match in BLOCK.finditer(README)]
QUOTES = [block for block in BLOCKS if block["verb"] == "from"]
AIRFLOWS_OWN = {"poke_interval", "timeout", "mode", "soft_fail", "never_fail"}


def test_readme_quotes_examples() -> None:
    assert len(QUOTES) >= 2


@pytest.mark.parametrize("quote", QUOTES, ids=lambda quote: quote["what"])
def test_quotes_are_exact(quote: dict[str, str]) -> None:
    path, region = quote["what"].split()
    source = (ROOT / path).read_text()

    found = re.search(rf"# \[START {region}\]\n(.*?)\n *# \[END {region}\]", source, re.DOTALL)

    assert found is not None
    assert textwrap.dedent(found.group(1)).strip() == quote["body"].strip()


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block["language"] == "python"], ids=lambda b: b["body"][:40]
)
def test_readme_python_is_python(block: dict[str, str]) -> None:
    ast.parse(block["body"])


def test_sensor_is_in_the_readme() -> None:
    """Every argument of the sensor is in the README."""
    own = set(inspect.signature(CgcBulkExportSensor.__init__).parameters) - {"self", "kwargs"}
    base = set(inspect.signature(CgcBulkExportSensor.__mro__[1].__init__).parameters) - {"self", "kwargs"}

    documented = set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE))

    assert own | base | AIRFLOWS_OWN <= documented


@pytest.mark.parametrize("sensor", [CgcBulkExportSensor, CgcBulkImportSensor, CgcBulkExportOperator])
def test_waits_have_docstrings(sensor: type[CgcJobsSensor]) -> None:
    """Every argument of operators and sensors that wait is in the docstring."""
    own = set(inspect.signature(sensor.__init__).parameters) - {"self", "kwargs"}
    base = set(inspect.signature(CgcJobsSensor.__init__).parameters) - {"self", "kwargs"}

    documented = set(re.findall(r":param (\w+):", sensor.__doc__ or ""))

    assert base | own | AIRFLOWS_OWN - {"mode"} <= documented


@pytest.mark.parametrize("operator", [CgcBulkExportOperator, CgcListFilesOperator, CgcBulkExportSensor])
def test_templated_is_told(operator: type[Any]) -> None:
    """A docstring says which arguments are templated."""
    described = re.findall(r":param (\w+):((?:(?!:param|:raises).)*)", operator.__doc__ or "", re.DOTALL)

    assert {name for name, text in described if "(templated)" in text} == set(operator.template_fields)


def test_operators_in_the_readme() -> None:
    """Every argument of the operators is in the README."""
    names = {
        name
        for operator in (CgcBulkExportOperator, CgcListFilesOperator)
        for name in set(inspect.signature(operator.__init__).parameters) - {"self", "kwargs"}
    }

    assert names <= set(re.findall(r"`(\w+)`", README))


def test_fields_in_the_readme() -> None:
    """Every field of the connection is in the README."""
    fields = airflow_provider_cgc.get_provider_info()["connection-types"][0]["conn-fields"]

    for name, field in fields.items():
        assert f"`{name}`" in README or f"| {field['label']} |" in README
    for platform in fields["platform"]["schema"]["enum"]:
        assert f"`{platform}`" in README


def test_examples_in_the_readme() -> None:
    """Every example is named in the README."""
    for example in (ROOT / "example_dags").glob("*.py"):
        assert f"example_dags/{example.name}" in README


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`(?:KEEP=1 )?make (\w+)`", README + (ROOT / "CONTRIBUTING.md").read_text()))

    assert named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_version_in_changelog() -> None:
    assert f"## {airflow_provider_cgc.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_public_has_docstrings() -> None:
    for path in (ROOT / "airflow_provider_cgc").rglob("*.py"):
        tree = ast.parse(path.read_text())
        if tree.body:
            assert ast.get_docstring(tree), path
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                own_doc = ast.get_docstring(node) or path.parent.name == "endpoints"
                assert own_doc or any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases), (
                    f"{path}: {node.name}"
                )


def test_figures_are_results() -> None:
    """Every figure of the bench in the README is one of its results."""
    [paragraph] = re.findall(r"<!-- figures: bench/RESULTS.md -->\n(.*?)\n\n", README, re.DOTALL)
    results = (ROOT / "bench" / "RESULTS.md").read_text()

    number = r"\d[\d,.]*\d|\d"
    figures = re.findall(number, re.sub(r"\]\(.*?\)", "]", paragraph))

    assert len(figures) >= 8
    assert set(figures) - set(re.findall(number, results)) == set()


CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
WRITTEN = {"tests/RESULTS.md"}
"""The output of a run, not committed before a release."""


def found(name: str) -> bool:
    """Return True if there is such a file or folder, named from the top, from the package, or by its name alone."""
    tops = (ROOT, ROOT / "airflow_provider_cgc", ROOT / "tests")
    return any((top / name).exists() for top in tops)


def paths_in(text: str) -> list[str]:
    """Give the paths in a text: what stands in backticks and has a slash or the ending of a file."""
    quoted = re.findall(r"`([\w./-]+)(?:::\w+)?`", text)
    return [one for one in quoted if "/" in one or re.search(r"\.(py|js|md|txt|cfg)$", one)]


def test_contributing_names_what_exists() -> None:
    tree = re.search(r"```text\n(.*?)```", CONTRIBUTING, re.DOTALL)
    assert tree is not None
    named = [*paths_in(CONTRIBUTING), *re.findall(r"\b\w+\.py\b", tree[1])]

    assert len(named) > 60
    known = {path.name for path in (ROOT / "airflow_provider_cgc").rglob("*.py")}
    assert [one for one in named if not (found(one) or one in WRITTEN | known)] == []


def test_tree_names_every_part() -> None:
    """The tree has every folder and module right below the package, and every module of the parts that it lists."""
    [tree] = re.findall(r"```text\n(.*?)```", CONTRIBUTING, re.DOTALL)
    package = ROOT / "airflow_provider_cgc"
    parts = {path.name for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    rules = {path.stem for part in ("waiting", "submitting") for path in (package / "jobs" / part).glob("*.py")}
    rules |= {path.name for path in (package / "jobs").glob("*.py")}

    assert {one for one in parts | rules if not re.search(rf"\b{one}\b", tree)} - {"__init__", "__init__.py"} == set()


def test_changes_are_where_they_are_said() -> None:
    """Each name that stands beside a file of the table, before the first semicolon, is in that file."""
    rows = re.findall(r"^\| [^|]+ \| `([\w./]+)` \| ([^|;]+)", CONTRIBUTING, re.MULTILINE)

    assert len(rows) == 10
    for path, looked_for in rows:
        top = ROOT if path.startswith("dev/") else ROOT / "airflow_provider_cgc"
        names = re.findall(r'[`"]([\w.]+)[`"]', looked_for)
        assert names, path
        assert [name for name in names if name not in (top / path).read_text()] == [], path
