"""Every text that this package can say to a person, and the names in it that a reader would type."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass

from airflow_provider_cgc import get_provider_info
from airflow_provider_cgc.client.errors.codes import TOKEN_PAGE
from tests.conftest import ROOT

PACKAGE = ROOT / "airflow_provider_cgc"
HOLE = "\N{HORIZONTAL ELLIPSIS}"
"""Stands for what a text only has when it is said."""
PAGES = {TOKEN_PAGE, "Admin > Connections"}
VARIABLES = {"HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE"}
NOT_TYPED = {
    *("cgc_jobs", "cgc_summary"),  # XComs to look at
    *("failed_items", "ids_xcom"),  # keys of a summary, and of a stored wait
    *("conn_type", "sse_algorithm", "aws_canned_acl", "aws_storage_class", "sample_id"),  # keys of JSON in quotes
    "xcom_pull",  # of Airflow
    *("preserve_folder_structure", "chunks_of"),  # of the client, whose callers write Python
}
"""Names with an underscore that are neither arguments nor fields."""
MOST_NAMES = 3


@dataclass(frozen=True)
class Text:
    """A text of the package, with where it stands."""

    where: str
    said: str


def texts() -> Iterator[Text]:
    """Give every text of several words outside docstrings; the emulator is no part of what tasks say."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if "emulator" in path.parts:
            continue
        tree = ast.parse(path.read_text())
        hidden = {id(part) for node in ast.walk(tree) for part in _not_said(node)}
        for node in ast.walk(tree):
            said = _said(node)
            if said is not None and id(node) not in hidden and said.count(" ") >= MOST_NAMES:
                yield Text(f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', 0)}", said)


def _said(node: ast.AST) -> str | None:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _not_said(node: ast.AST) -> Iterator[ast.AST]:
    """Docstrings, also those of attributes, and the pieces of an f-string, which is one text."""
    if isinstance(node, ast.JoinedStr):
        yield from node.values
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node.value


def task_arguments() -> dict[str, set[type]]:
    """Give the arguments that tasks take, with the classes that take them; those of Airflow's base classes too."""
    from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
    from airflow_provider_cgc.operators.files import CgcListFilesOperator
    from airflow_provider_cgc.operators.imports import CgcBulkImportOperator
    from airflow_provider_cgc.operators.volumes import CgcListVolumeOperator
    from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
    from airflow_provider_cgc.sensors.imports import CgcBulkImportSensor

    operators = (CgcBulkExportOperator, CgcBulkImportOperator, CgcListFilesOperator, CgcListVolumeOperator)
    taken: dict[str, set[type]] = {}
    for kind in (*operators, CgcBulkExportSensor, CgcBulkImportSensor):
        for base in kind.__mro__:
            if "__init__" not in vars(base) or base is object:
                continue
            for name in inspect.signature(inspect.unwrap(vars(base)["__init__"])).parameters:
                taken.setdefault(name, set()).add(kind)
    return taken


def connection_fields() -> set[str]:
    """Give the fields of the connection's form beside Airflow's own."""
    [form] = get_provider_info()["connection-types"]
    return set(form["conn-fields"])


def imports() -> set[str]:
    """Give the public classes of the package, by the names of their modules' classes."""
    names: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        names |= {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)}
    return names


def settings_given(said: str) -> list[tuple[str, str]]:
    """Give the settings that a text advises: `name=value` with a literal value."""
    return re.findall(r"\b([a-z][a-z_]*)=(\"[a-z]+\"|'[a-z/-]+'|True|False|\d+)", said)


def unknown_names(said: str) -> list[str]:
    """Give the names in a text that would not work when somebody typed them."""
    known = task_arguments().keys() | connection_fields() | NOT_TYPED
    options = {(section, name) for section, one in get_provider_info()["config"].items() for name in one["options"]}
    wrong = [name for name, _ in settings_given(said) if name not in known]
    ours = re.findall(r"\bairflow_provider_cgc(?:\.\w+)+", said)
    wrong += [name for name in ours if leads_nowhere(name)]
    said = re.sub(r"\bairflow_provider_cgc(?:\.\w+)+", " ", said)
    prose = re.sub(r"\S+://\S+|\[[a-z]+\] \w+", " ", re.sub(r"\{\{.*?\}\}", "", said))
    wrong += [word for word in re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", prose) if word not in known]
    wrong += [word for word in re.findall(r"\bCgc\w+", said) if word not in imports()]
    fields = re.findall(r"connection's '(\w+)'|'(\w+)' of the connection", said)
    wrong += [name for pair in fields for name in pair if name and name not in connection_fields()]
    named = re.findall(r"(?<!\w)\[(\w+)\] (\w+)", said)
    wrong += [f"[{section}] {name}" for section, name in named if (section, name) not in options]
    pages = re.findall(r"\b[A-Z]\w+ > [A-Z]\w+(?: [a-z]+)*", said)
    wrong += [page for page in pages if not page.startswith(tuple(PAGES))]
    variables = re.findall(r"\b(?!AIRFLOW_)[A-Z]+(?:_[A-Z]+)+\b", said)
    return wrong + [name for name in variables if name not in VARIABLES]


def leads_nowhere(name: str) -> bool:
    """Tell if a full name leads to nothing that can be imported."""
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return True
    return False


def jinja_in(said: str) -> list[str]:
    """Give the Jinja expressions that a text tells people to write."""
    return re.findall(r"\{\{ .*? \}\}", said)
