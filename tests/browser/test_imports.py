"""The tab of an import that the operator has started: its words, places, columns and links are those of imports."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from playwright.sync_api import expect

from airflow_provider_cgc.client import CgcClient, Settings
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.imports.again import clearing_of_completed
from airflow_provider_cgc.jobs.imports.item import ImportItem
from airflow_provider_cgc.jobs.imports.names import NameTemplate, Wishes
from airflow_provider_cgc.jobs.imports.order import ImportOrder
from airflow_provider_cgc.jobs.kinds import IMPORT
from airflow_provider_cgc.jobs.submitting.attempt import Attempt
from airflow_provider_cgc.jobs.submitting.header import NoStore
from airflow_provider_cgc.jobs.submitting.ledger import Ledger
from airflow_provider_cgc.jobs.submitting.outcomes import tracker_of
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from tests.browser.tab import Tab

VOLUME, PROJECT = "demo-lab/archive", "demo-lab/leftovers"
LOCATIONS = [f"in/s{number}/reads.bam" for number in range(4)]
OTHER_KIND = re.compile(r"export|file id|undefined|null|\bnan\b|\[object", re.IGNORECASE)
"""Nothing that a reader of this tab should meet."""


@dataclass
class Wait:
    """A wait of the real code for jobs that the real order has started, of which one has no object."""

    emulator: CgcEmulator
    client: CgcClient
    view: LiveView
    tracker: JobTracker

    def look(self, outcome: Outcome | None = None) -> dict[str, Any]:
        """Ask the platform, and return the snapshot."""
        records = self.client.imports.bulk_get(list(self.tracker.open))
        self.view.take(records, self.tracker.open)
        self.tracker.take(records, time.time())
        shot = self.view.snapshot(self.tracker, time.time())
        return shot | {"outcome": outcome and outcome.value}


@pytest.fixture
def wait() -> Iterator[Wait]:
    with CgcEmulator(speed=0) as emulator:
        emulator.put_objects(LOCATIONS, volume=VOLUME, size=10**9)
        with CgcClient(Settings(token=emulator.token, base_url=emulator.url)) as client:
            wishes = Wishes(NameTemplate("raw/{path}/{name}"), volume=VOLUME, project=PROJECT)
            order = ImportOrder(client, wishes=wishes, if_exists="skip")
            attempt = Attempt(order, log_info=lambda line: None)
            attempt.check([ImportItem(one) for one in (*LOCATIONS, "in/none.bam")])
            ledger = Ledger(NoStore(), IMPORT, order.keys, since=attempt.now(), owner="me", fresh=True)
            attempt.plan.decide(ledger, later_poke=False, now=attempt.began)
            attempt.send(ledger)
            outcomes = attempt.outcomes(user="me", conn_id="cgc_default")
            place = {**order.place(outcomes), "web": "https://cgc.sbgenomics.com"}
            clearing = replace(clearing_of_completed(if_exists="skip", verify=False), first=True)
            view = LiveView(IMPORT, since=time.time() - 60, interval=60.0, place=place, clearing=clearing)
            yield Wait(emulator, client, view, tracker_of(IMPORT, outcomes))


def assert_is_about_imports(tab: Tab) -> None:
    """Nothing speaks of another kind, and the links lead to the project and to the volume."""
    text = tab.root.inner_text()
    assert (OTHER_KIND.findall(text), tab.errors) == ([], [])
    assert "import" in text
    for kind, name in (("u", PROJECT), ("v", VOLUME)):
        expect(tab.root.locator(f'a[href="https://cgc.sbgenomics.com/{kind}/{name}"]')).to_have_count(1)


def test_waiting_imports_are_shown(wait: Wait, show: Callable[..., Tab]) -> None:
    tab = show(wait.look())

    tab.wait_for("ready")
    assert sum(tab.counts.values()) == 5
    assert f"5 imports from {VOLUME}" in tab.root.inner_text()
    assert_is_about_imports(tab)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.COMPLETED, Outcome.TIMEOUT, Outcome.ERROR])
def test_ended_imports_are_shown(wait: Wait, show: Callable[..., Tab], outcome: Outcome) -> None:
    wait.look()
    wait.emulator.clock.advance(24 * 3600)

    tab = show(wait.look(outcome))

    tab.wait_for("ready")
    assert (tab.counts["completed"], tab.counts["failed"]) == (4, 1)
    cause = " ".join(tab.part("cause").inner_text().split())
    assert cause.startswith("1 \u00d7 9105 Item does not exist on the volume.")
    assert "in/none.bam" in tab.root.inner_text()
    assert_is_about_imports(tab)
