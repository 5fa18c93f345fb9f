"""Checks that a tag may be released: `python -m dev.release v0.1.0`. Needs the standard library alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def wrong(*, tag: str, version: str, changelog: str, citation: str, results: str) -> Iterator[str]:
    """List the faults of a release: the tag, the changelog's section, the citation's version, or the tests' results."""
    if tag != f"v{version}":
        yield f"the tag is {tag}, the package's version is {version}: tag it v{version}, or change __version__"
    first = re.search(r"^ {0,3}##(?!#)(.*)$", changelog, re.MULTILINE)
    section = first[1].strip() if first else ""
    if section.split()[:1] != [version]:
        yield f"the first section of CHANGELOG.md is not that of {version}"
    elif not _is_day(section.removeprefix(version)):
        yield f"CHANGELOG.md says '{section}': write the day, as in '## {version} (2026-01-31)'"
    if not re.search(rf"^version: {re.escape(version)}$", citation, re.MULTILINE):
        yield f"CITATION.cff has another version than {version}"
    if not re.search(rf"^airflow-provider-cgc {re.escape(version)}, ", results, re.MULTILINE):
        yield f"tests/RESULTS.md is not that of {version}: run `make all`, which writes it, and commit it"


def _is_day(text: str) -> bool:
    """Return True for a day of the calendar, such as " (2026-01-31)"."""
    day = re.fullmatch(r" \((\d{4}-\d\d-\d\d)\)", text, re.ASCII)
    try:
        return day is not None and bool(date.fromisoformat(day[1]))
    except ValueError:
        return False


def main(arguments: Sequence[str]) -> int:
    """Check the tag; give the exit status."""
    if len(arguments) != 1:
        print("give the tag: python -m dev.release v0.1.0", file=sys.stderr)
        return 2
    source = (ROOT / "airflow_provider_cgc" / "__init__.py").read_text()
    [version] = re.findall(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    results = ROOT / "tests" / "RESULTS.md"
    found = list(
        wrong(
            tag=arguments[0],
            version=version,
            changelog=(ROOT / "CHANGELOG.md").read_text(),
            citation=(ROOT / "CITATION.cff").read_text(),
            results=results.read_text() if results.exists() else "",
        )
    )
    print(*found or [f"{arguments[0]} may be released"], sep="\n", file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
