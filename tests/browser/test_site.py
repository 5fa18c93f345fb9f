"""The documentation site in Chromium, without a network: its search finds, and nothing in it keeps anybody out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.axe import serious
from tests.conftest import ROOT

SITE = ROOT / "docs" / "_build" / "html"
PAGES = [
    str(path.relative_to(SITE)) for path in sorted(SITE.rglob("*.html")) if not {"_modules", "api"} & {*path.parts}
]
KINDS_OF_PAGE = ["index.html", "operators/exports.html", "troubleshooting.html", "api/operators.html", "search.html"]
"""One page of each kind, for what all pages of a kind have from the theme."""
MOST_WIDTH = 390


@pytest.fixture
def opened(profile: Callable[..., BrowserContext]) -> Iterator[Callable[..., Page]]:
    """Open a page of the site from its file, with settings of a profile."""
    pages: list[Page] = []

    def opened(path: str, **settings: object) -> Page:
        pages.append(profile(offline=True, **settings).new_page())
        pages[-1].goto((SITE / Path(path.partition("?")[0])).as_uri() + "".join(path.partition("?")[1:]))
        return pages[-1]

    yield opened
    for page in pages:
        page.close()


def test_site_is_built() -> None:
    """Without pages the next test would look at none."""
    assert set(PAGES) >= {path for path in KINDS_OF_PAGE if not path.startswith("api/")}


@pytest.mark.parametrize("path", PAGES)
def test_nothing_serious_on_the_site(path: str, opened: Callable[..., Page]) -> None:
    assert serious(opened(path, color_scheme="light")) == []


@pytest.mark.parametrize("path", KINDS_OF_PAGE)
def test_nothing_serious_in_the_dark(path: str, opened: Callable[..., Page]) -> None:
    assert serious(opened(path, color_scheme="dark")) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [("manifest_path", "XCom and manifest"), ("9107", "Troubleshooting"), ("firewall", "Deployment")],
)
def test_search_works_offline(query: str, found: str, opened: Callable[..., Page]) -> None:
    """Also for a code of the platform, which is a word of digits only."""
    page = opened(f"search.html?q={query}")

    expect(page.locator("#search-results")).to_contain_text(found)


@pytest.mark.parametrize("path", KINDS_OF_PAGE)
def test_narrow_page_does_not_scroll_sideways(path: str, opened: Callable[..., Page]) -> None:
    page = opened(path, viewport={"width": MOST_WIDTH, "height": 800})

    assert page.evaluate("document.documentElement.scrollWidth") <= MOST_WIDTH
