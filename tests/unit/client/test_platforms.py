"""The known platforms: one list, which the connection's form, the README, the assets and the tab repeat."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from airflow_provider_cgc import assets, get_provider_info
from airflow_provider_cgc.client.platforms import PLATFORMS
from tests.conftest import ROOT

PACKAGE = ROOT / "airflow_provider_cgc"
NAMES = [*PLATFORMS]
WEB_PAGES = [platform.web_url for platform in PLATFORMS.values()]
VENDOR = re.compile(r"https://[\w.-]*\b(?:sbgenomics\.com|sevenbridges\.cn|biodatacatalyst\.nhlbi\.nih\.gov)\b")


def names_in_the_form() -> list[str]:
    [form] = get_provider_info()["connection-types"]
    return form["conn-fields"]["platform"]["schema"]["enum"]


def names_in_the_readme() -> list[str]:
    [line] = re.findall(r"^Other platforms are (.*?) for any other host", (ROOT / "README.md").read_text(), re.M)
    return ["cgc", *re.findall(r"`([a-z-]+)`", line)]


def names_for_assets() -> list[str]:
    [listed] = re.findall(r"as\s+in a connection \((.*?)\)", assets.asset_of.__doc__ or "", re.S)
    return re.findall(r'"(.*?)"', listed)


def web_pages_in_the_tab() -> list[str]:
    [listed] = re.findall(r"const ORIGINS = \[(.*?)\];", (PACKAGE / "plugin" / "cgc_jobs.js").read_text(), re.S)
    return re.findall(r'"(.*?)"', listed)


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (names_in_the_form, [*NAMES, "other"]),
        (names_in_the_readme, [*NAMES, "other"]),
        (names_for_assets, NAMES),
        (web_pages_in_the_tab, WEB_PAGES),
    ],
)
def test_lists_have_the_platforms(listed: Callable[[], list[str]], expected: list[str]) -> None:
    assert listed() == expected


def test_vendors_hosts_are_known() -> None:
    known = {*WEB_PAGES, *(f"https://{urlsplit(platform.base_url).netloc}" for platform in PLATFORMS.values())}
    texts = [path for kind in ("*.py", "*.js") for path in PACKAGE.rglob(kind)]
    named = {
        (str(path.relative_to(ROOT)), address)
        for path in [*texts, ROOT / "README.md"]
        for address in VENDOR.findall(path.read_text())
    }

    assert {address for _, address in named} >= known
    assert [place for place in sorted(named) if place[1] not in known] == []


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=NAMES)
def test_addresses_are_distinct(platform) -> None:
    others = [one for one in PLATFORMS.values() if one is not platform]

    assert platform.host not in {one.host for one in others}
    assert platform.web_url not in {one.web_url for one in others}
