"""The looks and the reach of the tab: dark and light, in a narrow window, without a mouse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.snapshots import snapshot
from tests.browser.tab import Tab

LEAST_CONTRAST = 4.5
"""WCAG 2.2, 1.4.3, for text of any size."""
MOST_KEYS = 150
"""Presses of Tab until everything that can have the focus had it."""

CONTRASTS = """root => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const rgba = (color) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
    const behind = (one) => {
        const layers = [];
        for (let at = one; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
        return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
    };
    const light = (color) => {
        const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        const [r, g, b] = color.slice(0, 3).map((v) => linear(v / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const one = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !one.checkVisibility()) continue;
        if (one.closest("[aria-hidden=true], :disabled")) continue;
        const style = getComputedStyle(one), background = behind(one);
        let opacity = 1;
        for (let at = one; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
        const paint = rgba(one instanceof SVGElement ? style.fill : style.color);
        const text = over([paint[0], paint[1], paint[2], paint[3] * opacity], background);
        const [high, low] = [light(text), light(background)].sort((a, b) => b - a);
        found.push([(high + 0.05) / (low + 0.05), walker.currentNode.data.trim().slice(0, 40), text, background]);
    }
    return found;
}"""


@pytest.fixture
def everything() -> dict[str, Any]:
    """A snapshot with jobs of every sort."""
    counts = {"missing": 2, "skipped": 3, "pending": 40, "not_found": 1, "not_seen": 1}
    return snapshot(failures=4, longest=4, recent=4, counts=counts, bytes_total=10**13, refused=2, cut=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(scheme: str, show: Callable[..., Tab], everything: dict[str, Any]) -> None:
    tab = show(everything, color_scheme=scheme)
    tab.wait_for("ready")
    tab.button("failed").click()
    tab.page.mouse.move(0, 0)

    contrasts = tab.root.evaluate(CONTRASTS)

    assert len(contrasts) > 20
    assert [one for one in contrasts if one[0] < LEAST_CONTRAST] == []


def test_dark_with_airflow(show: Callable[..., Tab], everything: dict[str, Any]) -> None:
    colours = {}
    for scheme in ("light", "dark"):
        tab = show(everything, color_scheme=scheme)
        tab.wait_for("ready")
        colours[scheme] = {
            (text, tuple(paint), tuple(background)) for _, text, paint, background in tab.root.evaluate(CONTRASTS)
        }

    texts, backgrounds = ({scheme: {one[part] for one in seen} for scheme, seen in colours.items()} for part in (1, 2))
    assert texts["light"] != texts["dark"]
    brightest = {scheme: max(sum(colour[:3]) for colour in seen) for scheme, seen in backgrounds.items()}
    assert brightest["dark"] < brightest["light"]
    darkest_page = {scheme: min(sum(colour[:3]) for colour in seen) for scheme, seen in backgrounds.items()}
    assert darkest_page["dark"] < 3 * 60


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme_switch_recolours(scheme: str, show: Callable[..., Tab]) -> None:
    tab = show(snapshot(recent=3), color_scheme=scheme)
    tab.wait_for("ready")
    before = tab.root.evaluate("root => getComputedStyle(root).color")

    tab.page.emulate_media(color_scheme="dark" if scheme == "light" else "light")

    tab.page.wait_for_function(
        "before => getComputedStyle(document.querySelector('[data-cgc=tab]')).color !== before", arg=before
    )


def test_narrow_does_not_scroll(show: Callable[..., Tab], everything: dict[str, Any]) -> None:
    """A narrow window needs no scrolling to the side."""
    everything["failures"][0]["location"] = "a-name-without-any-place-to-break" * 8
    everything["failures"][0]["message"] = "x" * 300
    tab = show(everything, viewport={"width": 400, "height": 800})
    tab.wait_for("ready")

    # Airflow's own pane is wider than the window and scrolls by itself; the tab shall fit once it is in sight.
    tab.root.evaluate("root => root.scrollIntoView({inline: 'start'})")
    page = tab.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    wider = tab.root.evaluate("""root => [root, ...root.querySelectorAll("*")]
        .filter((one) => one.checkVisibility() && getComputedStyle(one).position !== "absolute")
        .map((one) => [one.tagName, one.className, one.getBoundingClientRect()])
        .filter(([, , box]) => box.width > 0 && (box.left < 0 || box.right > window.innerWidth))
        .map(([tag, name, box]) => `${tag}.${name} ${box.left} ${box.right}`)""")

    assert page[0] <= page[1]
    assert wider == []


def test_keyboard_is_enough(show: Callable[..., Tab]) -> None:
    """The keyboard alone reaches the counts and filters."""
    tab = show(snapshot(failures=3, recent=3))
    tab.wait_for("ready")
    focused = "document.activeElement.dataset.cgc + ' ' + document.activeElement.dataset.count"

    for _ in range(MOST_KEYS):
        tab.page.keyboard.press("Tab")
        if tab.page.evaluate(focused) == "count failed":
            break

    assert tab.page.evaluate(focused) == "count failed"
    ring = tab.button("failed").evaluate("one => [getComputedStyle(one).outlineStyle, getComputedStyle(one).boxShadow]")
    assert ring != ["none", "none"]
    tab.page.keyboard.press("Enter")
    expect(tab.button("failed")).to_have_attribute("aria-pressed", "true")
    assert tab.groups == {"failed"}
    assert tab.page.evaluate(focused) == "count failed"  # the focus stays where it was


def test_space_bar_presses_too(show: Callable[..., Tab]) -> None:
    """Airflow takes the space bar for itself wherever a page does not keep it."""
    tab = show(snapshot(failures=3, recent=3))
    tab.wait_for("ready")
    tab.button("failed").focus()

    tab.page.keyboard.press("Space")

    expect(tab.button("failed")).to_have_attribute("aria-pressed", "true")


def test_airflow_keys_still_work(show: Callable[..., Tab]) -> None:
    """Airflow's own keys work while a button of the tab has the focus."""
    tab = show(snapshot(failures=3, recent=3))
    tab.wait_for("ready")
    tab.button("failed").focus()

    tab.page.keyboard.press("Control+k")

    expect(tab.page.get_by_role("dialog")).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(tab.page.get_by_role("dialog")).to_have_count(0)


def test_refresh_keeps_the_focus(put: Callable[..., None], open_tab: Callable[..., Tab]) -> None:
    """Refresh keeps the focus when the first jobs appear."""
    put()
    tab = open_tab("shown")
    tab.wait_for("empty")
    put(cgc_jobs=snapshot(recent=2))

    tab.part("refresh").press("Enter")

    tab.wait_for("ready")
    expect(tab.part("refresh")).to_be_focused()


def test_every_control_has_name(show: Callable[..., Tab], everything: dict[str, Any]) -> None:
    """Everything that can be pressed has a name."""
    tab = show(everything)
    tab.wait_for("ready")

    for role in ("button", "link", "searchbox", "progressbar", "img", "table"):
        all_of_them = tab.root.get_by_role(role)  # type: ignore[arg-type]  # it wants literals
        assert all_of_them.count() > 0, role
        for one in all_of_them.all():
            named = one.aria_snapshot().splitlines()[0]
            assert '"' in named, f"no name: {named}"
