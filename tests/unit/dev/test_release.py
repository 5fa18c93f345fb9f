"""A tag is released only if version, changelog, citation and the results of the tests agree with it."""

from __future__ import annotations

import pytest

from airflow_provider_cgc import __version__
from dev import release, stages

CHANGES = "# Changelog\n\n## 1.2.0 (2026-12-01)\n\nMore.\n\n## 1.1.0 (2026-11-01)\n"
CITATION = "cff-version: 1.2.0\nversion: 1.2.0\n"
RESULTS = "# What was tested\n\nairflow-provider-cgc 1.2.0, Airflow 3.3.2, Python 3.11.7.\n"
GOOD = {"tag": "v1.2.0", "version": "1.2.0", "changelog": CHANGES, "citation": CITATION, "results": RESULTS}


def test_good_tag_may_be_released() -> None:
    assert list(release.wrong(**GOOD)) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tag": "v1.1.0"}, "the tag is v1.1.0, the package's version is 1.2.0"),
        ({"tag": "1.2.0"}, "the tag is 1.2.0"),
        ({"changelog": CHANGES.replace("2026-12-01", "unreleased")}, "says '1.2.0 (unreleased)': write the day"),
        ({"changelog": CHANGES.replace(" (2026-12-01)", "")}, "says '1.2.0': write the day"),
        ({"changelog": CHANGES.replace("2026-12-01", "2026-99-99")}, "says '1.2.0 (2026-99-99)': write the day"),
        ({"changelog": CHANGES.replace("2026-12-01", "2026-02-30")}, "says '1.2.0 (2026-02-30)': write the day"),
        ({"changelog": CHANGES.replace("2026", "\u0662\u0660\u0662\u0666")}, "write the day"),
        ({"changelog": f"##  1.3.0 (unreleased)\n\n{CHANGES}"}, "the first section of CHANGELOG.md is not that"),
        ({"changelog": f"##\t1.3.0 (unreleased)\n\n{CHANGES}"}, "the first section of CHANGELOG.md is not that"),
        ({"changelog": f" ## Unreleased\n\n{CHANGES}"}, "the first section of CHANGELOG.md is not that"),
        ({"changelog": CHANGES.replace("1.2.0", "1.3.0")}, "the first section of CHANGELOG.md is not that"),
        ({"changelog": ""}, "the first section of CHANGELOG.md is not that"),
        ({"citation": "cff-version: 1.2.0\nversion: 1.1.0\n"}, "CITATION.cff has another version"),
        ({"results": ""}, "tests/RESULTS.md is not that of 1.2.0: run `make all`"),
        ({"results": RESULTS.replace("1.2.0", "1.1.0")}, "tests/RESULTS.md is not that of 1.2.0"),
        ({"results": RESULTS.replace("1.2.0", "1.2.0rc1")}, "tests/RESULTS.md is not that of 1.2.0"),
    ],
)
def test_wrong_release_is_told(changed: dict[str, str], said: str) -> None:
    [problem] = release.wrong(**{**GOOD, **changed})

    assert said in problem


def test_results_name_the_version() -> None:
    """The page that `make all` writes is the one that a release asks for."""
    page = "\n".join(stages.page([], 1.0))

    problems = list(release.wrong(**{**GOOD, "version": __version__, "results": page}))

    assert [problem for problem in problems if "RESULTS.md" in problem] == []


def test_release_needs_a_tag(capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main([]) == 2
    assert "give the tag" in capsys.readouterr().err
