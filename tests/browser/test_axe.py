"""axe-core finds nothing serious in the tab, whatever it shows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.axe import serious
from tests.browser.snapshots import snapshot, summary
from tests.browser.tab import ONE_TASK, Tab
from tests.system.runs import Run

ROOT = '[data-cgc="tab"]'
EVERYTHING = snapshot(
    failures=4,
    longest=4,
    recent=4,
    counts={"missing": 2, "skipped": 3, "pending": 40, "not_found": 1, "not_seen": 1},
    bytes_total=10**13,
    refused=2,
    cut=True,
    manifest="s3://lab/manifest.jsonl",
    after_clear={"sends": 4, "running": None, "text": "Clearing this task sends 4 exports."},
)
LATE = time.time() - 7200
SHOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "waiting": ("ready", {"cgc_jobs": EVERYTHING}),
    "silent": ("ready", {"cgc_jobs": snapshot(longest=3, at=LATE)}),
    "completed": ("ready", {"cgc_jobs": snapshot(recent=3)}),
    "nothing to do": ("ready", {"cgc_jobs": snapshot()}),
    "older": ("older", {"cgc_summary": summary()}),
    "empty": ("empty", {}),
    "error": ("error", {"cgc_jobs": "no snapshot"}),
}
"""The state of the tab, and the XComs of the task."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious(scheme: str, put: Callable[..., None], open_tab: Callable[..., Tab], run: Run) -> None:
    """In each state of the tab, one after the other in a page of each scheme: a load takes seconds."""
    tab, found = open_tab("shown", color_scheme=scheme), {}
    for name, (state, xcoms) in SHOWN.items():
        put(**xcoms)
        tab.turn_to(run.dag_id, run.run_id, "shown")
        tab.wait_for(state)
        found[name] = serious(look_at_all_of(tab), ROOT)
    tab.turn_to(run.dag_id, run.run_id, "batches")
    tab.wait_for("foreign")
    found["foreign"] = serious(tab.page, ROOT)
    tab.page.route(ONE_TASK, lambda route: route.fulfill(status=403, json={}))
    tab.turn_to(run.dag_id, run.run_id, "shown")
    tab.wait_for("denied")
    found["denied"] = serious(tab.page, ROOT)

    assert found == {name: [] for name in [*SHOWN, "foreign", "denied"]}


def look_at_all_of(tab: Tab) -> Page:
    """Open all parts that can be opened, and press a count, which then looks otherwise."""
    tab.root.evaluate("root => root.querySelectorAll('details').forEach((one) => (one.open = true))")
    if tab.button("failed").count():
        tab.button("failed").click()
        tab.page.mouse.move(0, 0)
    return tab.page


def test_axe_finds_what_is_wrong(show: Callable[..., Tab]) -> None:
    """It is looked at the tab itself: an image without a name in it is found, one outside is not."""
    tab = show(snapshot(recent=1))
    tab.wait_for("ready")
    add_image = "one => one.append(document.createElement('img'))"
    tab.page.locator("body").evaluate(add_image)
    assert serious(tab.page, ROOT) == []

    tab.root.evaluate(add_image)

    assert "image-alt" in "".join(serious(tab.page, ROOT))
    tab.page.locator("body > img").evaluate("one => one.remove()")
