"""The code that serves all kinds of jobs names none of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "airflow_provider_cgc"
PLACES = [
    *("jobs/waiting", "jobs/submitting", "jobs/parts.py", "triggers"),
    *(f"sensors/{name}.py" for name in ("base", "wait", "ending", "source", "given")),
    *(f"operators/{name}.py" for name in ("base", "submitting", "record", "refusing", "task_manifest")),
]
A_KIND = re.compile(r"(export|import|file|volume|location|parent)s?", re.IGNORECASE)
ORDINARY = re.compile(
    r"https?://\S+|\bDag files?\b|\bfile extensions?\b|\bCgcListFilesOperator\b|\bCgcVolumeLink\b", re.IGNORECASE
)
"""Words of a kind that mean something else here; the operator and the link belong to no kind of job."""
MANIFESTS = {"manifest.py", "task_manifest.py"}
"""Here a file is the one that has the manifest."""
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def texts(source: str) -> Iterator[str]:
    """Give all names in some code, and all its texts: docstrings, and the texts between an f-string's braces."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=other):
                yield f"{name} {other}"
            case ast.ImportFrom(module=str(module)):
                yield module


def named(source: str) -> list[str]:
    """Give the words in some code that name a kind."""
    words = (word for text in texts(source) for word in WORD.findall(ORDINARY.sub("", text)))
    return [word for word in words if A_KIND.fullmatch(word)]


def files_of(place: str) -> list[Path]:
    path = PACKAGE / place
    return sorted(path.glob("*.py")) if path.is_dir() else [path]


@pytest.mark.parametrize("place", PLACES)
def test_no_kind_is_named(place: str) -> None:
    found = [(path.name, word) for path in files_of(place) for word in named(path.read_text())]

    assert files_of(place)
    assert [(name, word) for name, word in found if not (name in MANIFESTS and word.lower() in ("file", "files"))] == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("a = 'no volume'", ["volume"]),
        ("a = f'no {b} volume {c!r:>5}'", ["volume"]),
        ("a = f'no {b.location}'", ["location"]),
        ('"""Exports only."""', ["Exports"]),
        ('def a():\n    """\n    Wait.\n\n    :param b: the file.\n    """', ["file"]),
        ("class A:\n    b: int\n    'the parent'", ["parent"]),
        ("job.file = job.size", ["file"]),
        ("kind = EXPORT", ["EXPORT"]),
        ("kind: ExportJob", ["Export"]),
        ("a(volume=1)", ["volume"]),
        ("def a(volume): ...", ["volume"]),
        ("async def import_all(): ...", ["import"]),
        ("class ImportOrder: ...", ["Import"]),
        ("from a.exports import b", ["exports"]),
        ("from a import exports as b", ["exports"]),
        ("import a  # not of an export", []),
        ("'Imported when a Dag file is parsed, by file extension; see https://x/list-export-jobs'", []),
        ("profile.transport('reimport')", []),
    ],
)
def test_kinds_are_found_everywhere(source: str, words: list[str]) -> None:
    assert named(source) == words
