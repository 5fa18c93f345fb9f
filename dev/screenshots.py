"""`make screenshots`: the README's images of the "CGC jobs" tab, in a real Airflow and Chromium.

Run as `python -m dev.screenshots [folder]`; needs the extra `browser` and Debian's Chromium. The tasks are those of
the example Dag; what they show are the snapshots that our own code takes of 300 exports in an hour or two, played on
the emulator in seconds.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ViewportSize

from airflow_provider_cgc.client import CgcClient, Settings
from airflow_provider_cgc.client.platforms import CGC
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.waiting.clearing import Clearing
from airflow_provider_cgc.jobs.waiting.look import chunks, look
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from dev.airflow_box import PARTS, AirflowBox
from dev.chromium import chromium
from dev.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "images"
EXAMPLE = ROOT / "example_dags" / "cgc_wait_for_exports.py"
DAG, TASK = "cgc_wait_for_exports", "wait_for_exports"
WINDOW = ViewportSize(width=1280, height=880)
HIGH = ViewportSize(width=1280, height=2000)
TAB_HEIGHT = 880
"""Pixels of the tab, where it is shown without the page around it."""
THROUGHPUT = 25e6
"""Bytes a second of one export: with 20 at a time the emulator's 3 TB take not quite two hours."""
INTERVAL = 60.0
MIDDLE, OVER = 3600.0, 7300.0
"""Seconds of the wait before its pictures are taken."""
FAILING = {9107: 3, 9109: 1}
"""The failing exports, by the platform's code."""
SECONDS = 120.0
"""Seconds for anything Airflow should do."""


@dataclass
class Time:
    """A wall clock that a program moves."""

    now: float

    def __call__(self) -> float:
        return self.now


def snapshot_after(seconds: float) -> dict[str, Any]:
    """Give the snapshot after so long a wait for all of the emulator's files: a minute of theirs is a loop here."""
    end = time.time()
    clock = Time(end - seconds)
    with CgcEmulator(wall=clock, throughput=THROUGHPUT) as platform:
        let_some_fail(platform)
        tracker = JobTracker.of(EXPORT, platform.submit_exports(platform.file_ids, location="nightly/{id}/{name}"))
        place, clearing = {"web": CGC.web_url}, Clearing(sends=False)
        view = LiveView(EXPORT, since=clock.now, interval=INTERVAL, place=place, clearing=clearing)
        snapshot = view.snapshot(tracker, clock.now)
        with CgcClient(Settings(token=platform.token, base_url=platform.url), clock=clock) as client:
            while tracker.open and clock.now <= end:
                view.requests += len(chunks(tracker.open))
                records = look(client.exports.bulk_get, tracker.open).records
                view.take(records, tracker.open)
                tracker.take(records, clock.now)
                if view.due(tracker, clock.now):
                    snapshot = view.snapshot(tracker, clock.now)
                clock.now += INTERVAL
    outcome = tracker.verdict(fail_fast=False)
    return snapshot if outcome is None else view.final(tracker.summary(), clock.now - INTERVAL, outcome=outcome)


def main() -> None:
    """Take the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with airflow() as (box, platform), chromium() as browser:
        failed = started(box, platform, ago=OVER, speed=100_000)
        box.wait_run(DAG, failed, SECONDS)
        show(box, failed, snapshot_after(OVER))
        picture(browser, box, failed, folder / "tab-failed.png", press="failed", whole=False)

        waiting = started(box, platform, ago=MIDDLE, speed=0)
        until(lambda: state(box, waiting) == "deferred", "the task is deferred")
        box.stop_component("triggerer")  # it would write what the emulator says
        show(box, waiting, snapshot_after(MIDDLE))
        picture(browser, box, waiting, folder / "tab-waiting.png")
        picture(browser, box, waiting, folder / "tab-dark.png", color_scheme="dark", whole=False)


@contextmanager
def airflow() -> Iterator[tuple[AirflowBox, CgcEmulator]]:
    """An Airflow with the example Dag, and the platform behind its connection."""
    with tempfile.TemporaryDirectory(prefix="cgc-screenshots-") as temporary:
        dags = Path(temporary) / "dags"
        dags.mkdir()
        (dags / EXAMPLE.name).write_text(EXAMPLE.read_text())
        with CgcEmulator() as platform:
            let_some_fail(platform)
            env = {"AIRFLOW_CONN_CGC_DEFAULT": platform.airflow_conn}
            home = Path(temporary) / "airflow"
            with AirflowBox(home, dags_folder=dags, env=env, components=PARTS, port=free_port()) as box:
                print(f"Starting Airflow at {box.base_url} ...", flush=True)
                box.wait_healthy()
                box.wait_for_dag(DAG)
                yield box, platform


def let_some_fail(platform: CgcEmulator) -> None:
    """Choose the files whose export fails."""
    files = iter(platform.file_ids[5::31])
    for code, count in FAILING.items():
        for _ in range(count):
            platform.fail_files(next(files), code=code)


def started(box: AirflowBox, platform: CgcEmulator, *, ago: float, speed: float) -> str:
    """Start a run whose exports take no time at this speed of the platform's clock, or for ever; its id says since."""
    platform.clock.speed = speed
    return box.trigger(DAG, run_id=f"manual__{time.strftime('%Y-%m-%dT%H:%M', time.gmtime(time.time() - ago))}")


def show(box: AirflowBox, run_id: str, snapshot: dict[str, Any]) -> None:
    """Put a snapshot in place of the task's own."""
    entry = f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances/{TASK}/xcomEntries/cgc_jobs"
    box.api.call("PATCH", entry, json={"value": snapshot, "map_index": -1})


def picture(
    browser: Browser,
    box: AirflowBox,
    run_id: str,
    path: Path,
    *,
    press: str = "",
    whole: bool = True,
    **settings: Any,
) -> None:
    """Open the tab of the task, press a count, and take its picture: the whole window, or the tab alone."""
    profile = browser.new_context(viewport=WINDOW if whole else HIGH, **settings)
    page = profile.new_page()
    page.goto(f"{box.run_url(DAG, run_id)}/tasks/{TASK}/plugin/cgc-jobs")
    tab = page.wait_for_selector('[data-cgc="tab"][data-state="ready"]')
    if press:
        page.locator(f'[data-cgc="count"][data-count="{press}"]').click()
    page.mouse.move(0, 0)
    page.wait_for_load_state("networkidle")
    box_of_tab = tab and tab.bounding_box()
    clip = {**box_of_tab, "height": min(box_of_tab["height"], TAB_HEIGHT)} if box_of_tab and not whole else None
    page.screenshot(path=path, animations="disabled", clip=clip)  # type: ignore[arg-type]  # a dict of its four keys
    profile.close()
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB", flush=True)


def state(box: AirflowBox, run_id: str) -> str | None:
    """The state of the task that waits."""
    states = {one["task_id"]: one["state"] for one in box.task_instances(DAG, run_id)}
    return states.get(TASK)


def until(condition: Any, what: str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Not after {SECONDS:.0f} s: {what}.")
        time.sleep(0.5)


if __name__ == "__main__":
    main()
