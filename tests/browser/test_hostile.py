"""Text that somebody may write into a file's name or a message is shown and never run; nothing leaves this Airflow."""

from __future__ import annotations

import base64
import csv
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import TOKEN
from tests.browser.snapshots import completed, failed, running, snapshot
from tests.browser.tab import EXECUTED, Tab

HOSTILE = {
    "a script": f"<script>{EXECUTED}</script>",
    "an image": f'<img src=x onerror="{EXECUTED}">',
    "quotes": f"'\"><svg onload='{EXECUTED}'>",
    "a template": "{{constructor.constructor('alert(1)')()}} ${alert(1)}",
    "from right to left": "invoice\u202efdp.exe\u202c",
    "control signs": "a\tb\x01c",
    "prototype": "__proto__",
}
AS_SHOWN = {
    HOSTILE["from right to left"]: "invoice\\u202efdp.exe\\u202c",
    HOSTILE["control signs"]: "a b\\u0001c",
}
"""Signs that cannot be seen are written out."""
FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", '=HYPERLINK("https://evil.example","x")', "\t=1+1", "\r=1+1")
STRANGE_WEBS = (
    f"javascript:{EXECUTED}//",
    "https://evil.example",
    "https://cgc.sbgenomics.com.evil.example",
    "https://cgc.sbgenomics.com@evil.example",
    "//evil.example",
    "http://cgc.sbgenomics.com",
    "data:text/html,x",
    7,
    {"href": "https://evil.example"},
)


def sha256(text: str) -> str:
    """A text as a Content-Security-Policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "font-src 'self'",
        "img-src 'self'",
        # What Airflow's own page bears least: Monaco starts workers from blobs, Chakra makes style elements, and
        # two elements of index.html have a style of their own.
        "worker-src 'self' blob:",
        "style-src-elem 'self' 'unsafe-inline'",
        f"style-src-attr 'unsafe-hashes' '{sha256('height: 100%')}'",
        "base-uri 'self'",
        "form-action 'none'",
        "frame-src 'none'",
        "object-src 'none'",
    )
)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_text_stays_text(text: str, show: Callable[..., Tab]) -> None:
    """Hostile text is shown as text wherever it stands."""
    odd: dict[str, Any] = {"file": text, "name": text, "location": text, "volume": text, "project": text}
    tab = show(
        snapshot(
            failures=[failed(1, id=f"1{text}", message=text, **odd), failed(2, code=text)],  # type: ignore[arg-type]  # text on purpose
            longest=[running(3, state=text, **odd)],
            recent=[completed(4, **odd)],
            remedies={"9107": text, text: text},
            project=text,
            volume=text,
            task=text,
            manifest=text,
            kind=text,
        )
    )

    tab.wait_for("ready")

    told = tab.rows.first.evaluate("row => row.textContent")
    assert AS_SHOWN.get(text, text) in told
    assert tab.root.locator("script, img, iframe, object, embed").count() == 0
    assert tab.root.evaluate("root => [...root.querySelectorAll('*')].flatMap(one => one.getAttributeNames())"
                             ".filter(name => name.startsWith('on'))") == []  # fmt: skip
    assert not tab.executed()
    assert tab.errors == []


def test_no_direction_signs(show: Callable[..., Tab]) -> None:
    """
    No sign that turns the reading direction gets to the page.

    "...exe" must not look like "...pdf", nor what stands beside it change its place.
    """
    odd = HOSTILE["from right to left"]
    tab = show(snapshot(failures=[failed(1, name=odd, message=odd)], project=odd, volume=odd, manifest=odd))

    tab.wait_for("ready")

    assert not re.search("[\u202a-\u202e\u2066-\u2069]", tab.root.evaluate("root => root.textContent"))


def with_number(value: Any, odd: float, *, but: frozenset[str] = frozenset({"version"})) -> Any:
    """Put a number in the place of every number."""
    if isinstance(value, dict):
        return {key: one if key in but else with_number(one, odd, but=but) for key, one in value.items()}
    if isinstance(value, list):
        return [with_number(one, odd, but=but) for one in value]
    return odd if isinstance(value, int | float) and not isinstance(value, bool) else value


@pytest.mark.parametrize("odd", [1e308, 1.7e308, 2**53 - 1, 1e21, -1e308, 5e-324], ids=str)
def test_numbers_of_any_size(odd: float, show: Callable[..., Tab]) -> None:
    """Numbers that no task counts, whose sums are even infinite, are shown or left out; the tab stands."""
    value = snapshot(failures=2, longest=1, recent=1)
    all_odd = with_number(value, odd)
    counts_odd = with_number(value, odd, but=frozenset({"version", "at", "since", "history", "ended"}))
    counts_odd["history"] = [[time, *[odd] * 5] for time, *_ in value["history"]]

    for one in (all_odd, counts_odd):
        tab = show(one)

        tab.wait_for("ready")
        assert not re.search("Infinity|NaN|Invalid", tab.root.evaluate("root => root.outerHTML"))
        assert tab.errors == []


@pytest.mark.parametrize("web", STRANGE_WEBS, ids=str)
def test_no_link_to_other_hosts(web: Any, show: Callable[..., Tab]) -> None:
    """No link leads to a host that the tab does not know."""
    tab = show(snapshot(failures=1, recent=1, web=web, task="ab12", manifest=f"javascript:{EXECUTED}"))

    tab.wait_for("ready")

    assert tab.part("links").locator("a").count() == 0
    assert all(link.startswith("https://docs.cancergenomicscloud.org/") for link in tab.links)
    assert not tab.executed()


@pytest.mark.parametrize("name", ["project", "volume", "task"])
@pytest.mark.parametrize(
    "value",
    ["../../evil", "//evil.example", "me/study?x=1#y", "@evil.example", "\\evil.example", ["me"], 9, {"a": 1}],
    ids=str,
)
def test_no_link_off_platform(name: str, value: Any, show: Callable[..., Tab]) -> None:
    """No name leads a link off the platform."""
    tab = show(snapshot(recent=1, **{name: value}))

    tab.wait_for("ready")

    hrefs = tab.part("links").locator("a").evaluate_all("all => all.map(a => new URL(a.href))"
                                                        ".map(url => [url.origin, url.search, url.hash])")  # fmt: skip
    assert all(href == ["https://cgc.sbgenomics.com", "", ""] for href in hrefs)


def test_cell_is_no_formula(show: Callable[..., Tab], tmp_path: Path) -> None:
    jobs = [failed(number, location=text, name=text, message=text) for number, text in enumerate(FORMULAS)]
    tab = show(snapshot(failures=jobs))
    tab.wait_for("ready")

    path = tab.download(tmp_path)

    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    assert len(lines) == 1 + len(FORMULAS)
    for line, text in zip(lines[1:], FORMULAS, strict=True):
        assert not [cell for cell in line if cell.lstrip("\t\r ").startswith(("=", "+", "-", "@"))]
        assert any(text.strip() in cell for cell in line)


def test_requests_stay_here(open_tab: Callable[..., Tab]) -> None:
    """Every request goes to this Airflow."""
    tab = open_tab("fails", fresh=True)

    tab.wait_for("ready")
    tab.button("failed").click()

    assert tab.looks
    assert tab.origins == {tab.base_url}


def test_token_is_nowhere(open_tab: Callable[..., Tab], exports: dict[str, Any]) -> None:
    tab = open_tab("fails", fresh=True)

    tab.wait_for("ready")

    answers = [response.text() for response in tab.responses if response.ok and "/static/" not in response.url]
    heard = "\n".join([tab.page.content(), *answers])
    assert exports["fails"][-1] in "\n".join(answers)  # we did look
    assert TOKEN not in heard


def test_works_under_strict_csp(open_tab: Callable[..., Tab]) -> None:
    """
    A strict content security policy does not break the tab.

    Scripts and styles of the tab need no more than Airflow's own page does.
    """
    tab = open_tab("batches", fresh=True)
    tab.wait_for("foreign")

    def guard(route: Route) -> None:
        if route.request.resource_type != "document":
            route.fallback()
            return
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": POLICY})

    tab.page.route("**/*", guard)

    tab.page.goto(f"{tab.where.replace('/batches', '/fails')}/plugin/cgc-jobs")

    tab.wait_for("ready")
    assert tab.count("failed") == 3
    expect(tab.root.get_by_role("progressbar")).to_be_visible()
    assert tab.root.evaluate("root => getComputedStyle(root).display") == "flex"  # its own styles are there
    tab.part("download").click()
    assert tab.violations == []
    tab.page.evaluate("document.body.setAttribute('style', 'color: red')")
    tab.page.wait_for_function("window.violations.length > 0")  # the policy was in force


BROKEN = {
    "while it draws": """
        let react;
        Object.defineProperty(globalThis, "React", {configurable: true, get: () => react, set: (given) => {
            const broken = (type, props, ...children) => {
                if (props && props["data-cgc"] === "rows") throw new Error("broken on purpose");
                return given.createElement(type, props, ...children);
            };
            react = new Proxy(given, {get: (of, name) => (name === "createElement" ? broken : of[name])});
        }});
    """,
    "while it reads": """
        const parse = JSON.parse, json = Response.prototype.json;
        const spoil = (value) => {
            if (value && value.key === "cgc_jobs") {
                Object.defineProperty(value, "value", {get() { throw new Error("broken on purpose"); }});
            }
            return value;
        };
        JSON.parse = (...given) => spoil(parse(...given));
        Response.prototype.json = async function () { return spoil(await json.call(this)); };
    """,
}


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN)
def test_error_stays_inside(script: str, open_tab: Callable[..., Tab]) -> None:
    """An error inside the tab is shown there and leaves the page alone."""
    tab = open_tab("batches", fresh=True)
    tab.wait_for("foreign")
    tab.page.add_init_script(script)

    tab.page.goto(f"{tab.where.replace('/batches', '/succeeds')}/plugin/cgc-jobs")

    tab.wait_for("error")
    assert "broken on purpose" in tab.message
    tab.page.get_by_role("link", name="Details").click()
    expect(tab.page.get_by_text("CgcBulkExportSensor").last).to_be_visible()
    expect(tab.root).to_have_count(0)
