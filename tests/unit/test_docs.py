"""The README, the pages of the site, the changelog and the docstrings say what the code does."""

from __future__ import annotations

import ast
import configparser
import inspect
import json
import re
import textwrap
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import airflow_provider_cgc
from airflow_provider_cgc.client import CgcClient, Settings
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.files import CgcListFilesOperator
from airflow_provider_cgc.operators.volumes import CgcListVolumeOperator
from airflow_provider_cgc.sensors.base import CgcJobsSensor
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
from airflow_provider_cgc.sensors.imports import CgcBulkImportSensor
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()
QUOTED = re.compile(r"<!-- from: (?P<what>[^>]+) -->\n```python\n(?P<body>.*?)```", re.DOTALL)
QUOTES = [match.groupdict() for match in QUOTED.finditer(README)]
DOCS = ROOT / "docs"
PAGES = {str(path.relative_to(DOCS)): path.read_text() for path in sorted(DOCS.rglob("*.rst"))}
SITE = "\n".join(PAGES.values())
AIRFLOWS_OWN = {"poke_interval", "timeout", "mode", "soft_fail", "never_fail"}


MOST_LINES = 200


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= MOST_LINES


def test_readme_quotes_an_example() -> None:
    assert QUOTES


@pytest.mark.parametrize("quote", QUOTES, ids=lambda quote: quote["what"])
def test_quotes_are_exact(quote: dict[str, str]) -> None:
    path, region = quote["what"].split()
    source = (ROOT / path).read_text()

    found = re.search(rf"# \[START {region}\]\n(.*?)\n *# \[END {region}\]", source, re.DOTALL)

    assert found is not None
    assert textwrap.dedent(found.group(1)).strip() == quote["body"].strip()


def read_ini(text: str) -> None:
    configparser.ConfigParser(interpolation=None).read_string(text)


READERS: Mapping[str, Callable[[str], Any]] = {
    "python": ast.parse,
    "json": json.loads,
    "yaml": lambda text: list(yaml.safe_load_all(text)),
    "ini": read_ini,
    "toml": tomllib.loads,
}
READ_BY_NOBODY = {"console", "text", "docker", "jinja"}
"""Languages of blocks whose form no test checks."""


def blocks_of(page: str) -> list[tuple[str, str]]:
    """Give the code blocks of a page, each with its language."""
    found = re.finditer(r"^( *)\.\. code-block:: *(\w*)\n((?:\1 +[^\n]*\n|\n)+)", page + "\n", re.MULTILINE)
    blocks = []
    for _, language, body in (match.groups() for match in found):
        lines = textwrap.dedent(body).strip("\n").split("\n")
        while lines and re.match(r":[\w-]+:", lines[0]):
            lines.pop(0)
        blocks.append((language, "\n".join(lines).strip("\n")))
    return blocks


BLOCKS = [(page, language, body) for page, text in PAGES.items() for language, body in blocks_of(text)]
BLOCKS += [("README.md", *match) for match in re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)]


@pytest.mark.parametrize(("page", "language", "body"), BLOCKS, ids=[f"{page}: {body[:30]}" for page, _, body in BLOCKS])
def test_code_block_can_be_read(page: str, language: str, body: str) -> None:
    assert body.strip()
    assert language in READERS or language in READ_BY_NOBODY
    READERS.get(language, str)(body)


def test_code_blocks_are_found() -> None:
    page = (
        ".. code-block:: python\n   :caption: x\n\n   a = 1\n\n   b = 2\n\nText\n\n  .. code-block:: json\n\n     {}\n"
    )

    assert blocks_of(page) == [("python", "a = 1\n\nb = 2"), ("json", "{}")]


@pytest.mark.parametrize("sensor", [CgcBulkExportSensor, CgcBulkImportSensor, CgcBulkExportOperator])
def test_waits_have_docstrings(sensor: type[CgcJobsSensor]) -> None:
    """Every argument of operators and sensors that wait is in the docstring."""
    own = set(inspect.signature(sensor.__init__).parameters) - {"self", "kwargs"}
    base = set(inspect.signature(CgcJobsSensor.__init__).parameters) - {"self", "kwargs"}

    documented = set(re.findall(r":param (\w+):", sensor.__doc__ or ""))

    assert base | own | AIRFLOWS_OWN - {"mode"} <= documented


@pytest.mark.parametrize(
    "operator", [CgcBulkExportOperator, CgcListFilesOperator, CgcListVolumeOperator, CgcBulkExportSensor]
)
def test_templated_is_told(operator: type[Any]) -> None:
    """A docstring says which arguments are templated."""
    described = re.findall(r":param (\w+):((?:(?!:param|:raises).)*)", operator.__doc__ or "", re.DOTALL)

    assert {name for name, text in described if "(templated)" in text} == set(operator.template_fields)


@pytest.mark.parametrize("path", sorted((ROOT / "example_dags").glob("*.py")), ids=lambda path: path.stem)
def test_example_is_on_the_site(path: Path) -> None:
    assert path.stem in SITE


@pytest.mark.parametrize("path", sorted((DOCS / "snippets").glob("*.py")), ids=lambda path: path.stem)
def test_snippet_is_on_the_site(path: Path) -> None:
    assert f"snippets/{path.name}" in SITE


def test_settings_are_on_the_site() -> None:
    """Every option of `airflow.cfg`; the fields of a connection are a table that the site makes."""
    options = airflow_provider_cgc.get_provider_info()["config"]["cgc"]["options"]

    assert options
    assert {name for name in options if name not in SITE} == set()


def test_xcom_keys_are_on_the_site() -> None:
    tracker = JobTracker.of(EXPORT, ["A" * 32])
    view = LiveView(EXPORT, since=0.0, interval=60.0).snapshot(tracker, 1.0)

    page = PAGES["guides/xcom.rst"]

    assert {key for key in (*tracker.summary().to_json(), *view, *view["counts"]) if f"``{key}``" not in page} == set()


@pytest.mark.parametrize("part", ["exports", "imports", "files", "volumes", "projects"])
def test_calls_are_on_the_page(part: str) -> None:
    """The table of the client has exactly the calls of each of its parts."""
    with CgcClient(Settings(token="0123456789abcdef0123456789abcdef")) as client:
        endpoint = type(getattr(client, part))
    [row] = re.findall(rf"   \* - [^\n]*``cgc\.{part}``.*?\n     - (.*?)\n", PAGES["guides/hook.rst"])

    calls = {name for name, _ in inspect.getmembers(endpoint, inspect.isfunction) if not name.startswith("_")}

    assert set(re.findall(r"``(\w+)``", row)) == calls


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`(?:KEEP=1 )?make (\w+)", README + SITE + (ROOT / "CONTRIBUTING.md").read_text()))

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


@pytest.mark.parametrize(
    ("page", "mark"),
    [
        (README, r"<!-- figures: bench/RESULTS.md -->\n"),
        (PAGES["guides/requests.rst"], r"\.\. figures: bench/RESULTS.md\n\n"),
    ],
    ids=["README", "requests"],
)
def test_figures_are_results(page: str, mark: str) -> None:
    """Every figure of the bench is one of its results."""
    [paragraph] = re.findall(mark + r"(.*?)\n\n", page, re.DOTALL)
    results = (ROOT / "bench" / "RESULTS.md").read_text()

    number = r"\d[\d,.]*\d|\d"
    figures = re.findall(number, re.sub(r"\]\(.*?\)", "]", paragraph))

    assert len(figures) >= 8
    assert set(figures) - set(re.findall(number, results)) == set()


CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
WRITTEN = {"dist/", "docs/_build/html", "tests/RESULTS.md"}
"""The output of a run; only the results are committed, before a release."""


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
