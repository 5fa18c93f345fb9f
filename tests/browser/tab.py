"""The tab "CGC jobs" as somebody in front of the screen has it, and what their browser noticed meanwhile."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from playwright.sync_api import BrowserContext, Locator, Request, Response, Route, expect

PATIENCE_MS = 30_000
"""For whatever the page should do: generous, because other programs may use this machine, too."""
TAB = "/plugin/cgc-jobs"
ONE_TASK = re.compile(r"/taskInstances/[^/]+(/\d+)?$")
"""The request for a task instance."""
TURN_TO = """url => {
    history.pushState({}, "", url);
    dispatchEvent(new PopStateEvent("popstate", {state: {}}));
}"""
"""A click on a link of Airflow's own: its router shows another page."""
EXECUTED = "window.executed = (window.executed || 0) + 1"
"""The call that hostile texts try to run."""
VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(
    {directive: event.effectiveDirective, blocked: event.blockedURI, source: event.sourceFile, sample: event.sample}));
"""

expect.set_options(timeout=PATIENCE_MS)


class Tab:
    """A page with the tab."""

    def __init__(self, profile: BrowserContext, base_url: str) -> None:
        self.base_url = base_url
        self.page = profile.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.dialogs: list[str] = []
        self.errors: list[str] = []
        self.requests: list[Request] = []
        self.responses: list[Response] = []
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        # Playwright writes onto what it calls, which a list's own method does not bear.
        self.page.on("request", lambda request: self.requests.append(request))
        self.answered: list[Request] = []
        self.page.on("requestfinished", lambda request: self.answered.append(request))
        self.page.on("requestfailed", lambda request: self.answered.append(request))
        self.page.on("response", lambda response: self.responses.append(response))
        self.page.add_init_script(VIOLATIONS)
        self.where = ""

    def open(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> None:
        """Load the page of a task instance's tab."""
        self.where = self._task(dag_id, run_id, task_id, map_index)
        self.page.goto(f"{self.where}{TAB}")

    def turn_to(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> None:
        """Go from one page of Airflow to the tab of a task instance, without a load: a new tab all the same."""
        for listed in (self.dialogs, self.errors, self.requests, self.answered, self.responses):
            listed.clear()
        self.page.evaluate("window.executed = 0")
        self.where = self._task(dag_id, run_id, task_id, map_index)
        self.page.evaluate(TURN_TO, f"{self.where}/details")
        expect(self.root).to_have_count(0)
        self.page.evaluate(TURN_TO, f"{self.where}{TAB}")

    def say_of_the_task(self, **facts: Any) -> None:
        """Load the page as if Airflow said this of the task instance."""

        def answer(route: Route) -> None:
            told = route.fetch()
            route.fulfill(response=told, json={**told.json(), **facts})

        self.page.route(ONE_TASK, answer)
        self.page.reload()

    def _task(self, dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
        mapped = "" if map_index < 0 else f"/mapped/{map_index}"
        task = f"/dags/{quote(dag_id)}/runs/{quote(run_id, safe='')}/tasks/{quote(task_id)}{mapped}"
        return f"{self.base_url}{task}"

    def close(self) -> None:
        """Close the page."""
        self.page.close()

    # --- what it shows

    @property
    def root(self) -> Locator:
        return self.page.locator('[data-cgc="tab"]')

    def part(self, name: str) -> Locator:
        """The part of the tab called so in `data-cgc`."""
        return self.root.locator(f'[data-cgc="{name}"]')

    def wait_for(self, *states: str) -> str:
        """Wait until the tab is in one of these states, and give it."""
        wanted = ",".join(f'[data-cgc="tab"][data-state="{state}"]' for state in states)
        try:
            self.page.wait_for_selector(wanted, state="attached")
        except Exception as error:
            found = self.root.evaluate_all("all => all.map(one => [one.dataset.state, one.innerText.slice(0, 300)])")
            body = self.page.locator("body").inner_text()[:500]
            raise AssertionError(f"not {states}: {found}; errors {self.errors}; page {body!r}") from error
        return str(self.root.get_attribute("data-state"))

    @property
    def message(self) -> str:
        """The sentence that stands in place of the jobs."""
        return self.part("message").inner_text()

    def button(self, count: str) -> Locator:
        """The button with one of the counts."""
        return self.root.locator(f'button[data-cgc="count"][data-count="{count}"]')

    def count(self, name: str) -> int:
        """The number on it."""
        digits = "".join(sign for sign in self.button(name).inner_text() if sign.isdigit())
        return int(digits)

    @property
    def counts(self) -> dict[str, int]:
        """All numbers that are not zero."""
        names = [one.get_attribute("data-count") or "" for one in self.root.locator('[data-cgc="count"]').all()]
        found = {name: self.count(name) for name in names}
        return {name: number for name, number in found.items() if number}

    @property
    def rows(self) -> Locator:
        return self.root.locator('table[data-cgc="rows"] tr[data-row]')

    def row(self, job_id: str) -> Locator:
        return self.root.locator(f"tr[data-row={json.dumps(job_id)}]")

    @property
    def row_ids(self) -> list[str]:
        """The jobs of the rows that are visible, in their order."""
        return [row.get_attribute("data-row") or "" for row in self.rows.all() if row.is_visible()]

    @property
    def groups(self) -> set[str]:
        """The groups of the rows that are visible."""
        return {row.get_attribute("data-group") or "" for row in self.rows.all() if row.is_visible()}

    @property
    def links(self) -> list[str]:
        """The targets of all links of the tab, as written."""
        return [str(one) for one in self.root.locator("a").evaluate_all("all => all.map(a => a.getAttribute('href'))")]

    def fact(self, name: str) -> str:
        """The tab's text below this word, such as "Rate"."""
        return self.part("facts").locator(f"dt:text-is('{name}') + dd").inner_text()

    def copied(self) -> str:
        """The text on the clipboard, asked from another page."""
        other = self.page.context.new_page()
        other.goto(f"{self.base_url}/api/v2/version")
        text = str(other.evaluate("navigator.clipboard.readText()"))
        other.close()
        return text

    def download(self, folder: Path) -> Path:
        """Press the button and give the file."""
        with self.page.expect_download() as pending:
            self.part("download").click()
        path = folder / pending.value.suggested_filename
        pending.value.save_as(path)
        return path

    # --- what the browser noticed

    @property
    def looks(self) -> list[Request]:
        """The requests for the snapshot."""
        return [request for request in self.requests if "/xcomEntries/cgc_" in request.url]

    @property
    def tasks_asked_for(self) -> list[Request]:
        """The tab's requests for its task instance: Airflow's own page asks for it by XMLHttpRequest."""
        return [one for one in self.requests if ONE_TASK.search(one.url) and one.resource_type == "fetch"]

    def settle(self) -> None:
        """Wait until the tab's requests are answered, and none follows."""
        self.page.wait_for_timeout(50)
        while not {*self.tasks_asked_for, *self.looks} <= set(self.answered):
            self.page.wait_for_timeout(50)

    @property
    def asked_for(self) -> list[str]:
        """The URLs of all requests that went over the wire."""
        return [request.url for request in self.requests if not request.url.startswith(("data:", "blob:"))]

    @property
    def origins(self) -> set[str]:
        """The hosts that requests went to."""
        return {f"{part.scheme}://{part.netloc}" for part in map(urlsplit, self.asked_for)}

    @property
    def violations(self) -> list[dict[str, str]]:
        """The things that a Content-Security-Policy forbade so far."""
        found: list[dict[str, str]] = self.page.evaluate("window.violations")
        return found

    def executed(self) -> bool:
        """True if any text of the snapshot was run."""
        return bool(self.page.evaluate("window.executed || 0")) or bool(self.dialogs)
