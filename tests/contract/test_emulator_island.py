"""The emulator stands alone: what it imports, and whom its controls answer."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.emulator.web.app import make_app

ROOT = Path(__file__).parents[2]


def test_imports_nothing_of_ours() -> None:
    program = "import json, sys; import airflow_provider_cgc.emulator.__main__; print(json.dumps(list(sys.modules)))"

    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    loaded = json.loads(result.stdout)
    own = {name.split(".")[1] for name in loaded if name.startswith("airflow_provider_cgc.")}
    assert own == {"emulator"}
    assert "airflow" not in loaded
    assert "requests" not in loaded


@pytest.mark.parametrize("library", ["fastapi", "starlette", "uvicorn"])
def test_missing_extra_is_told(library: str) -> None:
    program = f"import sys; sys.modules[{library!r}] = None; from airflow_provider_cgc.emulator import CgcEmulator"

    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)

    told = f"ImportError: the emulator needs {library}: pip install 'airflow-provider-cgc[emulator]'"
    assert result.stderr.splitlines()[-1] == told


async def status_for(client: str, path: str) -> int:
    """The status of a GET that seems to come from an address."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [],
        "client": (client, 1), "server": ("127.0.0.1", 80), "scheme": "http", "root_path": "", "state": {},
    }  # fmt: skip
    await make_app(CgcEmulator(files=1))(scope, receive, send)
    return sent[0]["status"]


@pytest.mark.parametrize(("client", "status"), [("127.0.0.1", 200), ("::1", 200), ("10.0.0.1", 403)])
def test_controls_stay_local(client: str, status: int) -> None:
    assert asyncio.run(status_for(client, "/_emulator/stats")) == status
