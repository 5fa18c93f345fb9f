"""The code that serves all kinds of jobs names none of them."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT

PLACES = ["jobs/waiting", "sensors/base.py", "sensors/wait.py", "sensors/ending.py", "sensors/source.py", "triggers"]
A_KIND = ("EXPORT", "IMPORT", "export", "import", "exports", "imports", "file", "files", "volume", "location", "parent")


def names_and_texts(text: str) -> Iterator[str]:
    """Give the words of all names and texts in some code, without its imports and its docstrings."""
    before = tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        is_prose = token.type == tokenize.STRING and before in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
        if token.type in (tokenize.NAME, tokenize.STRING) and not is_prose and "import" not in token.line.split():
            yield from re.findall(r"[A-Za-z]+", token.string)
        if token.type not in (tokenize.NL, tokenize.COMMENT):
            before = token.type


@pytest.mark.parametrize("place", PLACES)
def test_no_kind_is_named(place: str) -> None:
    path = ROOT / "airflow_provider_cgc" / place
    sources = sorted(path.glob("*.py")) if path.is_dir() else [path]

    named = [(one.name, word) for one in sources for word in names_and_texts(one.read_text()) if word in A_KIND]

    assert sources
    assert named == []
