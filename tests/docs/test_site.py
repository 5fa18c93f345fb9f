"""The built site: its links lead somewhere, it needs no other host, and its inventory has what others link to."""

from __future__ import annotations

import functools
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import sphobjinv

from tests.conftest import ROOT

SITE = ROOT / "docs" / "_build" / "html"
PAGES = [path for path in sorted(SITE.rglob("*.html")) if "_modules" not in path.parts]
LOADED = {("script", "src"), ("img", "src"), ("source", "srcset"), ("iframe", "src"), ("link", "href")}
"""The tags that a browser fetches with a page; a link to read on is none."""
NOT_FETCHED = {"canonical", "author", "search", "next", "prev", "index"}


class Page(HTMLParser):
    """The addresses, ids and pictures of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.unnamed_pictures: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Take up the addresses of a tag."""
        given = {name: value or "" for name, value in attributes}
        if "id" in given:
            self.ids.add(given["id"])
        self.links += [value for name, value in given.items() if name in ("href", "src")]
        if tag != "link" or given.get("rel") not in NOT_FETCHED:
            self.loaded += [value for name, value in given.items() if (tag, name) in LOADED]
        if tag == "img" and not given.get("alt", "").strip():
            self.unnamed_pictures.append(given.get("src", ""))


@functools.cache
def page_at(path: Path) -> Page:
    return Page(path.read_text())


def missing(path: Path, link: str) -> bool:
    """Tell if a link inside the site leads nowhere."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return False
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return True
    return bool(parts.fragment) and target.suffix == ".html" and unquote(parts.fragment) not in page_at(target).ids


def test_site_has_pages() -> None:
    sources = {path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.rst")}

    assert sources
    assert sources <= {path.relative_to(SITE).with_suffix("") for path in PAGES}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(SITE)))
def test_links_lead_somewhere(path: Path) -> None:
    assert [link for link in page_at(path).links if missing(path, link)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(SITE)))
def test_page_needs_no_other_host(path: Path) -> None:
    """Whoever reads the site offline sees all of it."""
    assert [address for address in page_at(path).loaded if urlsplit(address).netloc] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(SITE)))
def test_theme_reports_nothing(path: Path) -> None:
    """The theme writes an error into the page, and Sphinx does not warn, where a page has a table of contents."""
    assert "Adding a table of contents" not in path.read_text()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(SITE)))
def test_pictures_are_told(path: Path) -> None:
    assert page_at(path).unnamed_pictures == []


PUBLIC = [
    "airflow_provider_cgc.operators.exports.CgcBulkExportOperator",
    "airflow_provider_cgc.operators.imports.CgcBulkImportOperator",
    "airflow_provider_cgc.operators.files.CgcListFilesOperator",
    "airflow_provider_cgc.operators.volumes.CgcListVolumeOperator",
    "airflow_provider_cgc.sensors.exports.CgcBulkExportSensor",
    "airflow_provider_cgc.sensors.imports.CgcBulkImportSensor",
    "airflow_provider_cgc.hooks.cgc.CgcHook",
    "airflow_provider_cgc.client.CgcClient",
    "airflow_provider_cgc.assets.asset_of",
    "airflow_provider_cgc.assets.asset_of_project",
    "airflow_provider_cgc.manifests.read_items",
    "airflow_provider_cgc.retries.CgcRetryPolicy",
    "airflow_provider_cgc.exceptions.CgcJobsFailed",
    "airflow_provider_cgc.emulator.CgcEmulator",
]


@pytest.mark.parametrize("name", PUBLIC)
def test_inventory_has_the_name(name: str) -> None:
    inventory = sphobjinv.Inventory(SITE / "objects.inv")

    assert name in {one.name for one in inventory.objects}


@pytest.mark.parametrize("name", [name.rpartition(".")[2] for name in PUBLIC[:6]])
def test_inventory_has_the_guide(name: str) -> None:
    """Labels as Airflow's own providers have them, in lower case as Sphinx stores them."""
    inventory = sphobjinv.Inventory(SITE / "objects.inv")
    kind = "operator" if name.endswith("Operator") else "sensor"

    assert f"howto/{kind}:{name}".lower() in {one.name.lower() for one in inventory.objects}
