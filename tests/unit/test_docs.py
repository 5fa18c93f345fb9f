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


def test_the_readme_quotes_the_examples() -> None:
    assert len(QUOTES) >= 2


@pytest.mark.parametrize("quote", QUOTES, ids=lambda quote: quote["what"])
def test_a_quote_stands_in_the_example_to_the_letter(quote: dict[str, str]) -> None:
    path, region = quote["what"].split()
    source = (ROOT / path).read_text()

    found = re.search(rf"# \[START {region}\]\n(.*?)\n *# \[END {region}\]", source, re.DOTALL)

    assert found is not None
    assert textwrap.dedent(found.group(1)).strip() == quote["body"].strip()


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block["language"] == "python"], ids=lambda b: b["body"][:40]
)
def test_python_in_the_readme_is_python(block: dict[str, str]) -> None:
    ast.parse(block["body"])


def test_every_argument_of_the_sensor_is_in_the_readme() -> None:
    own = set(inspect.signature(CgcBulkExportSensor.__init__).parameters) - {"self", "kwargs"}
    base = set(inspect.signature(CgcBulkExportSensor.__mro__[1].__init__).parameters) - {"self", "kwargs"}

    documented = set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE))

    assert own | base | AIRFLOWS_OWN <= documented


@pytest.mark.parametrize("sensor", [CgcBulkExportSensor, CgcBulkImportSensor, CgcBulkExportOperator])
def test_every_argument_of_what_waits_is_in_its_docstring(sensor: type[CgcJobsSensor]) -> None:
    own = set(inspect.signature(sensor.__init__).parameters) - {"self", "kwargs"}
    base = set(inspect.signature(CgcJobsSensor.__init__).parameters) - {"self", "kwargs"}

    documented = set(re.findall(r":param (\w+):", sensor.__doc__ or ""))

    assert base | own | AIRFLOWS_OWN - {"mode"} <= documented


@pytest.mark.parametrize("operator", [CgcBulkExportOperator, CgcListFilesOperator, CgcBulkExportSensor])
def test_a_docstring_says_which_arguments_are_templated(operator: type[Any]) -> None:
    described = re.findall(r":param (\w+):((?:(?!:param|:raises).)*)", operator.__doc__ or "", re.DOTALL)

    assert {name for name, text in described if "(templated)" in text} == set(operator.template_fields)


def test_every_argument_of_the_operators_is_in_the_readme() -> None:
    names = {
        name
        for operator in (CgcBulkExportOperator, CgcListFilesOperator)
        for name in set(inspect.signature(operator.__init__).parameters) - {"self", "kwargs"}
    }

    assert names <= set(re.findall(r"`(\w+)`", README))


def test_every_field_of_the_connection_is_in_the_readme() -> None:
    fields = airflow_provider_cgc.get_provider_info()["connection-types"][0]["conn-fields"]

    for name, field in fields.items():
        assert f"`{name}`" in README or f"| {field['label']} |" in README
    for platform in fields["platform"]["schema"]["enum"]:
        assert f"`{platform}`" in README


def test_every_example_is_named_in_the_readme() -> None:
    for example in (ROOT / "example_dags").glob("*.py"):
        assert f"example_dags/{example.name}" in README


def test_every_make_target_of_the_docs_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`(?:KEEP=1 )?make (\w+)`", README + (ROOT / "CONTRIBUTING.md").read_text()))

    assert named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_changelog_has_this_version() -> None:
    assert f"## {airflow_provider_cgc.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_public_modules_and_classes_have_docstrings() -> None:
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


def test_every_figure_of_the_bench_in_the_readme_is_one_of_its_results() -> None:
    [paragraph] = re.findall(r"<!-- figures: bench/RESULTS.md -->\n(.*?)\n\n", README, re.DOTALL)
    results = (ROOT / "bench" / "RESULTS.md").read_text()

    number = r"\d[\d,.]*\d|\d"
    figures = re.findall(number, re.sub(r"\]\(.*?\)", "]", paragraph))

    assert len(figures) >= 8
    assert set(figures) - set(re.findall(number, results)) == set()
