"""One real Airflow with one run of one Dag for all tests here, and Chromium, in which each test has its own profile."""

from __future__ import annotations

import secrets
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from dev.airflow_box import PARTS, AirflowBox
from dev.chromium import chromium
from dev.ports import free_port
from tests.browser.guarded import GuardedServer
from tests.browser.snapshots import MAPPED_FILES
from tests.browser.tab import Tab
from tests.system.labs import Lab
from tests.system.runs import Run, wait_until

DAGS = Path(__file__).parent / "dags"
TOKEN = f"canary{secrets.token_hex(12)}"
FAILED = {9107: 2, 9101: 1}
"""The failed exports of the task `fails`, counted by the platform's code; as many others complete."""
READ_BY_THE_TAB = ("cgc_jobs", "cgc_summary")
LAST = "test_live.py"
"""The wait goes on meanwhile: whoever looks at it from begin to end comes last."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tier, and let the module come last that ends the wait."""
    here = [item for item in items if item.path.parent == Path(__file__).parent]
    for item in here:
        item.add_marker("browser")
    items.sort(key=lambda item: item in here and item.path.name == LAST)


@pytest.fixture(scope="session", autouse=True)
def ended_by_signals() -> Iterator[None]:
    """End Airflow and Chromium also when the tests are ended from outside: SIGTERM and SIGHUP are as Ctrl-C."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The platform behind the connection `cgc_browser`; its clock stands still until a test moves it."""
    with Lab("browser", folder=tmp_path_factory.mktemp("platform"), token=TOKEN) as lab:
        yield lab


@pytest.fixture(scope="session")
def exports(platform: Lab) -> dict[str, Any]:
    """The exports that the tasks of the Dag wait for: those of `waits` have just begun, all others have ended."""
    ended: dict[str, Any] = {
        "succeeds": platform.start_exports(12, seconds=5),
        "fails": platform.start_exports(3, seconds=5)
        + [job for code, count in FAILED.items() for job in platform.start_exports(count, seconds=5, code=code)],
        "mapped": [platform.start_exports(count, seconds=5) for count in MAPPED_FILES],
    }
    platform.pass_time(10)
    return {**ended, "waits": platform.start_exports(20, seconds=20) + platform.start_exports(20, seconds=60)}


@pytest.fixture(scope="session")
def airflow(platform: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowBox]:
    """A healthy Airflow with the Dag of this folder."""
    dags = tmp_path_factory.mktemp("dags")
    for path in DAGS.glob("*.py"):
        shutil.copy(path, dags)
    env = {
        f"AIRFLOW_CONN_{platform.conn_id.upper()}": platform.airflow_conn,
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
    }
    home = tmp_path_factory.mktemp("airflow")
    with AirflowBox(home, dags_folder=dags, env=env, components=PARTS, port=free_port()) as box:
        box.wait_healthy()
        yield box


@pytest.fixture(scope="session")
def run(airflow: AirflowBox, exports: dict[str, Any]) -> Run:
    """The run of the Dag `browser`, in which all has ended but the task `waits`."""
    run = Run.start(airflow, "browser", conf=exports)

    def there() -> bool:
        states = dict(run.states)
        mapped = [states.pop(name) for name in list(states) if name.startswith("mapped[")]
        waits = states.pop("waits", None)
        states.pop("mapped", None)
        ended = {*states.values(), *mapped} <= {"success", "failed"}
        return waits == "deferred" and len(mapped) == len(MAPPED_FILES) and ended

    wait_until(airflow, there, "the end of all tasks but `waits`", runs=(run,))
    return run


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as one:
        yield one


@pytest.fixture(scope="session")
def profile(browser: Browser) -> Callable[..., BrowserContext]:
    """A profile with these settings, the same for all who ask for the same: Airflow's scripts are in its cache."""

    profiles: dict[str, BrowserContext] = {}

    def profile(**settings: Any) -> BrowserContext:
        settings = {"viewport": {"width": 1280, "height": 1000}, **settings}
        key = repr(sorted(settings.items()))
        if key not in profiles:
            profiles[key] = browser.new_context(**settings)
        return profiles[key]

    return profile


@pytest.fixture(scope="session")
def long_open(profile: Callable[..., BrowserContext], run: Run) -> Tab:
    """A page of Airflow that is loaded once: a load takes seconds, to turn to another of its pages does not."""
    tab = Tab(profile(), run.airflow.base_url)
    tab.open(run.dag_id, run.run_id, "shown")
    tab.wait_for("ready", "empty")
    return tab


@pytest.fixture
def open_tab(profile: Callable[..., BrowserContext], run: Run, long_open: Tab) -> Iterator[Callable[..., Tab]]:
    """Open the tab of a task instance, as somebody does who clicks through Airflow.

    `fresh=True` loads a page for it: for a test that changes the page or asks for all that is loaded. So do settings
    of a profile, such as `color_scheme`.
    """
    opened: list[Tab] = []

    def open_it(task_id: str, map_index: int = -1, *, fresh: bool = False, **settings: Any) -> Tab:
        if not fresh and not settings:
            long_open.turn_to(run.dag_id, run.run_id, task_id, map_index)
            return long_open
        tab = Tab(profile(**settings), run.airflow.base_url)
        opened.append(tab)
        tab.open(run.dag_id, run.run_id, task_id, map_index)
        return tab

    yield open_it
    for tab in opened:
        tab.close()


@pytest.fixture(scope="session")
def put(run: Run) -> Callable[..., None]:
    """Put XComs into the task `shown` in place of those that it has: `put(cgc_jobs=..., cgc_summary=...)`."""

    def put(**xcoms: Any) -> None:
        api = run.airflow.api
        entries = f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/shown/xcomEntries"
        for one in api.call("GET", entries)["xcom_entries"]:
            api.call("DELETE", f"{entries}/{one['key']}")
        for key, value in xcoms.items():
            api.call("POST", entries, json={"key": key, "value": value, "map_index": -1})

    return put


@pytest.fixture
def show(put: Callable[..., None], open_tab: Callable[..., Tab]) -> Callable[..., Tab]:
    """Open the tab of a task that has this snapshot."""

    def show(snapshot: Any, **how: Any) -> Tab:
        put(cgc_jobs=snapshot)
        return open_tab("shown", **how)

    return show


@pytest.fixture(scope="session")
def guarded(airflow: AirflowBox) -> Iterator[GuardedServer]:
    """A second API server on the same database, below a path and with users."""
    with GuardedServer(airflow) as server:
        yield server
