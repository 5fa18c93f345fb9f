"""The "CGC jobs" tab: its registration with Airflow, the one file that is served, and what may stand in that file."""

from __future__ import annotations

import asyncio
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.client.platforms import PLATFORMS
from airflow_provider_cgc.jobs.waiting.snapshot import VERSION
from airflow_provider_cgc.plugin.registration import PREFIX, TAB, CgcPlugin
from airflow_provider_cgc.plugin.serving import FILE, ROUTE, serve
from tests.conftest import ROOT

SOURCE = FILE.read_text("utf-8")
BASE_URL = "AIRFLOW__API__BASE_URL"
HAS_TABS = hasattr(CgcPlugin.__mro__[1], "react_apps")
needs_tabs = pytest.mark.skipif(not HAS_TABS, reason="Airflow before 3.1 knows no tabs")


# --- registration


def test_plugin_is_found():
    found = [
        entry.load()
        for entry in importlib.metadata.entry_points(group="airflow.plugins")
        if entry.value.startswith("airflow_provider_cgc")
    ]

    assert found == [CgcPlugin]


def test_airflow_loads_it():
    code = (
        "from airflow import plugins_manager\n"
        "plugins_manager.ensure_plugins_loaded()\n"
        "if hasattr(plugins_manager, '_get_plugins'):\n"
        "    plugins, errors = plugins_manager._get_plugins()\n"
        "else:\n"  # Airflow before 3.2
        "    plugins, errors = plugins_manager.plugins, plugins_manager.import_errors\n"
        "print('cgc' in [plugin.name for plugin in plugins])\n"
        # An editable install has its metadata in two places where the tests run in its folder.
        "print([text for key, text in errors.items() if 'cgc' in key and 'already registered' not in text])\n"
    )

    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)

    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-2:] == ["True", "[]"]


def test_stands_on_tasks():
    """The tab stands on task instances, under the name by which the module registers itself."""
    (app,) = CgcPlugin().react_apps

    assert app["destination"] == "task_instance"
    assert app["url_route"] == "cgc-jobs"
    assert f'const NAME = "{app["name"]}";' in SOURCE


def test_module_is_where_expected():
    """The module is where the page looks for it."""
    plugin = CgcPlugin()

    assert plugin.react_apps[0]["bundle_url"] == f"{PREFIX}{ROUTE}"
    if HAS_TABS:
        assert plugin.fastapi_apps == [{"app": serve, "url_prefix": PREFIX, "name": TAB}]


@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        ("http://localhost:8080", ""),
        ("http://localhost:8080/", ""),
        ("https://airflow.example.org/team/a", "/team/a"),
        ("https://airflow.example.org/team/a/", "/team/a"),
        ("/team", "/team"),
    ],
)
def test_base_path_is_kept(monkeypatch, base_url, path):
    """The base path is kept, and the host is left to the page."""
    monkeypatch.setenv(BASE_URL, base_url)

    assert CgcPlugin().react_apps[0]["bundle_url"] == f"{path}/cgc/jobs.js"


@needs_tabs
def test_airflow_answers_with_it():
    """The list of plugins, from which the UI takes the tabs, refuses an answer that its models do not know."""
    from airflow.api_fastapi.core_api.datamodels.plugins import FastAPIAppResponse, ReactAppResponse

    plugin = CgcPlugin()

    assert ReactAppResponse.model_validate(plugin.react_apps[0]).bundle_url == "/cgc/jobs.js"
    served = {**plugin.fastapi_apps[0], "app": "function"}  # as Airflow writes a callable there
    assert FastAPIAppResponse.model_validate(served).url_prefix == "/cgc"


def test_lists_stay_the_same():
    """Airflow takes entries out of them where two plugins want the same route."""
    plugin = CgcPlugin()

    assert plugin.react_apps is plugin.react_apps
    assert plugin.fastapi_apps is plugin.fastapi_apps


# --- what is served


def answer(
    path: str,
    *,
    method: str = "GET",
    root_path: str = PREFIX,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, dict[str, str], bytes]:
    """Give status, headers and body of a request; `path` is the whole path, as Airflow's server hands it on."""
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "root_path": root_path,
        "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
    }
    sent = talk(scope)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], told, sent[1]["body"]


def talk(scope: Mapping[str, Any], app: Any = serve) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> Mapping[str, Any]:
        raise AssertionError("nothing is to be read")

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def test_serves_a_script():
    status, headers, body = answer("/cgc/jobs.js")

    assert status == 200
    assert body == FILE.read_bytes()
    assert headers["content-type"] == "text/javascript; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-length"] == str(len(body))


@pytest.mark.parametrize(
    ("path", "root_path"),
    [
        ("/cgc/jobs.js", "/cgc"),
        ("/team/airflow/cgc/jobs.js", "/team/airflow/cgc"),
        ("/jobs.js", "/cgc"),  # a server that takes the mount's path away
        ("/jobs.js", ""),
    ],
)
def test_serves_below_any_path(path, root_path):
    assert answer(path, root_path=root_path)[0] == 200


def test_head_has_no_body():
    got, told = answer("/cgc/jobs.js"), answer("/cgc/jobs.js", method="HEAD")

    assert told == (got[0], got[1], b"")


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_304_for_who_has_it(form):
    etag = answer("/cgc/jobs.js")[1]["etag"]

    status, headers, body = answer("/cgc/jobs.js", headers={"if-none-match": form.format(etag)})

    assert (status, body) == (304, b"")
    assert headers["etag"] == etag


def test_new_release_is_served():
    """A browser that has the module of an earlier release gets the new one."""
    assert answer("/cgc/jobs.js", headers={"if-none-match": '"of-another-release"'})[0] == 200


def test_browsers_ask_each_time():
    """Browsers keep the module and ask each time, so that an upgrade is seen."""
    assert answer("/cgc/jobs.js")[1]["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/cgc",
        "/cgc/",
        "/cgc/cgc_jobs.js",
        "/cgc/jobs.js/",
        "/cgc//jobs.js",
        "/cgc/x/../jobs.js",
        "/cgc/../registration.py",
        "/cgc/..%2fregistration.py",
        "/cgc/serving.py",
        "/cgc//etc/passwd",
        "/etc/passwd",
        "/cgcjobs.js",
    ],
)
def test_no_other_file(path):
    status, headers, body = answer(path)

    assert (status, body) == (404, b"Not found.\n")
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_read_only(method):
    status, headers, _ = answer("/cgc/jobs.js", method=method)

    assert status == 405
    assert headers["allow"] == "GET, HEAD"


def test_web_socket_is_refused():
    assert talk({"type": "websocket", "path": "/cgc/jobs.js"}) == [{"type": "websocket.close", "code": 1000}]


@needs_tabs
@pytest.mark.parametrize(("path", "status"), [("/team/cgc/jobs.js", 200), ("/team/cgc/other.js", 404)])
def test_airflow_mounts_it(path, status):
    from starlette.applications import Starlette

    app = Starlette()
    app.mount(PREFIX, serve)
    scope = {"type": "http", "method": "GET", "path": path, "root_path": "/team", "query_string": b"", "headers": []}

    assert talk(scope, app)[0]["status"] == status


def test_package_has_the_file():
    """Without this line an install from a wheel would have a tab that cannot be loaded."""
    lines = (ROOT / "setup.cfg").read_text().splitlines()

    assert "airflow_provider_cgc.plugin = *.js" in lines


# --- what stands in the module


def test_small_enough():
    assert len(SOURCE.encode()) < 56 * 1024


def test_plain_ascii():
    """So that no sign in it can look like another, and none depends on how it is read."""
    assert SOURCE.isascii()


@pytest.mark.parametrize(
    "forbidden",
    [
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser",
        r"dangerouslySetInnerHTML",
        r"\beval\b|new Function|setTimeout\(\s*[\"'`]",
        r"(?m)^\s*import\s*[\w{*\"']|\bimport\s*\(|\bimport\.",
        r"createElement\(\s*[\"'](script|style|link|iframe)",
        r"\bXMLHttpRequest\b|sendBeacon|WebSocket|EventSource|postMessage",
        r"document\.cookie|sessionStorage|localStorage\.setItem",
        r"javascript:",
        r"http://",
    ],
)
def test_makes_no_code_of_text(forbidden):
    """Nothing in it makes code or markup of text, or talks to others."""
    code = "\n".join(line for line in SOURCE.splitlines() if not line.lstrip().startswith("//"))

    assert re.findall(forbidden, code) == []


def test_pages_are_the_clients():
    """Known web pages are those of the client's platforms."""
    listed = re.search(r"const ORIGINS = \[(.*?)\];", SOURCE, re.S)

    assert listed is not None
    assert re.findall(r'"(.*?)"', listed[1]) == [platform.web_url for platform in PLATFORMS.values()]


def test_names_no_other_address():
    known = {platform.web_url for platform in PLATFORMS.values()}
    codes_page = "https://docs.cancergenomicscloud.org"

    assert {f"https://{urlsplit(url).netloc}" for url in re.findall(r"https://[^\s\"'`]+", SOURCE)} == {
        *known,
        codes_page,
    }


def test_codes_are_explained():
    """Codes are explained in the words of the client."""
    page = re.search(r'const CODES_PAGE = "(.*?)";', SOURCE)

    assert page is not None
    assert Problem(409, 9107, "").link == f"{page[1]}#9107"


def test_asks_in_one_place():
    """It asks Airflow's REST API in one place, and follows no redirect."""
    assert SOURCE.count("fetch(") == 1
    assert "fetch(root + path, {" in SOURCE
    assert 'const root = new URL("api/v2/", document.baseURI).pathname;' in SOURCE
    assert 'redirect: "manual"' in SOURCE
    assert 'credentials: "same-origin"' in SOURCE


def test_knows_the_version():
    assert f"const VERSION = {VERSION};" in SOURCE


def test_counts_have_words():
    from airflow_provider_cgc.jobs.kinds import EXPORT
    from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
    from airflow_provider_cgc.jobs.waiting.tracker import JobTracker

    snapshot = LiveView(EXPORT, since=0.0, interval=60.0).snapshot(JobTracker.of(EXPORT, ["a"]), 1.0)
    words = re.search(r"const COUNTS = \{(.*?)\};", SOURCE, re.S)

    assert words is not None
    assert set(re.findall(r"^\s*(\w+):", words[1], re.M)) == set(snapshot["counts"]) - {"total"}
