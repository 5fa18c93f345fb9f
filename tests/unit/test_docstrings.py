"""A docstring's first line names the thing: it begins neither with a question, nor with a verb and a question."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "airflow_provider_cgc"
PARTS = sorted(path for path in PACKAGE.iterdir() if (path / "__init__.py").exists() or path.suffix == ".py")
BESIDE = [ROOT / name for name in ("bench", "dev", "docs", "example_dags", "tests")]
NAMES_NOTHING = re.compile(
    r"(What|Which|Where|Whether|How|Who|Whom|Whose|When|Why|Knows)\b|\.\.\.|\w+ (what|which|where|whether|how|why)\b"
)
"""A question, also behind a verb ("Return what ..."), or the second half of a sentence."""


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Give the docstrings of a module, its classes, functions and attributes, each with its line."""
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        first = body[:1] if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) else []
        after = [two for one, two in pairwise(body) if isinstance(one, ast.Assign | ast.AnnAssign)]
        for statement in [*first, *after]:
            value = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield statement.lineno, value.value.strip()


def files_of(part: Path) -> list[Path]:
    return sorted(part.rglob("*.py")) if part.is_dir() else [part]


@pytest.mark.parametrize("part", [*PARTS, *BESIDE], ids=lambda part: part.name)
def test_docstring_names_a_thing(part: Path) -> None:
    found = [(path, line, text) for path in files_of(part) for line, text in docstrings(path.read_text())]

    assert found
    assert [f"{path}:{line}: {text}" for path, line, text in found if NAMES_NOTHING.match(text)] == []


@pytest.mark.parametrize(
    ("text", "is_question"),
    [
        ("What it is.", True),
        ("... and how.", True),
        ("Return what it is.", True),
        ("Say whether it works.", True),
        ("Note how it works.", True),
        ("Continue where it ended.", True),
        ("Return the thing.", False),
        ("Return True if it works.", False),
        ("Whatever sends is imported late.", False),
        ("Counts, where others keep bodies.", False),
        ("Things whose record is there.", False),
    ],
)
def test_question_is_found(text: str, is_question: bool) -> None:
    assert bool(NAMES_NOTHING.match(text)) == is_question


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ('"""What it is."""', ["What it is."]),
        ('class A:\n    """Where it is."""\n    b: int\n    """... and how."""', ["Where it is.", "... and how."]),
        ('async def a():\n    """How it works."""\n    "not one"', ["How it works."]),
        ('def a():\n    """\n    Whether it works.\n    """', ["Whether it works."]),
        ('a = 1\n"""Which one."""\n"not one"', ["Which one."]),
        ('if a:\n    "not one"', []),
    ],
)
def test_all_docstrings_are_read(source: str, texts: list[str]) -> None:
    assert [text for _, text in docstrings(source)] == texts
