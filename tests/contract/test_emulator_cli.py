"""The emulator's command line, as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.emulator.__main__ import main

COMMAND = [sys.executable, "-m", "airflow_provider_cgc.emulator"]
ROOT = Path(__file__).parents[2]
HEADER = "id\tfile_name\tfile_size\tmd5sum\texperimental_strategy\tcase_submitter_id"


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, object]]]:
    """The command, and the connection that it printed."""
    command = [*COMMAND, "--port", "0", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if line.startswith("AIRFLOW_CONN_CGC_DEFAULT="))
            yield (
                process,
                json.loads(line.strip().removeprefix("AIRFLOW_CONN_CGC_DEFAULT='").removesuffix("'")),
            )
        finally:
            process.kill()


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Give the command's words about arguments that it refuses with code 2; in this process."""

    def accepted(*_: object) -> None:
        raise AssertionError("the arguments were accepted")

    def run(*arguments: str) -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(signal, "signal", lambda *_: None)
            patch.setattr(threading.Event, "wait", accepted)  # it would serve until a signal comes
            with pytest.raises(SystemExit) as ended:
                main(arguments)
        assert ended.value.code == 2
        return capsys.readouterr().err

    return run


def test_connection_works() -> None:
    with serving() as (_, connection):
        headers = {"X-SBG-Auth-Token": str(connection["password"])}
        user = requests.get(f"{connection['host']}/user", headers=headers, timeout=10).json()

    assert connection["conn_type"] == "cgc"
    assert connection["extra"] == {"platform": "other", "project": "demo-lab/cptac3"}
    assert user["username"] == "demo"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_with_0(number: signal.Signals) -> None:
    with serving() as (process, _):
        process.send_signal(number)

        assert process.wait(timeout=30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_busy_port_is_one_line(refused: Callable[..., str]) -> None:
    with CgcEmulator(files=1) as emulator:
        port = emulator.url.removesuffix("/v2").rpartition(":")[2]
        said = refused("--port", port)

    assert said == (
        f"python -m airflow_provider_cgc.emulator: error: cannot serve on port {port}: Address already in use\n"
    )


def test_arguments_are_taken(tmp_path: Path) -> None:
    manifest = tmp_path / "files.tsv"
    manifest.write_text(f"{HEADER}\nid-1\ta.bam\t1\t{'0' * 32}\tWXS\tC-1\nid-2\tb.vcf\t1\t{'1' * 32}\tWXS\tC-1\n")

    with serving("--manifest", str(manifest), "--speed", "100000", "--fail", "*.bam=9206") as (_, connection):
        base = str(connection["host"])
        headers = {"X-SBG-Auth-Token": str(connection["password"])}
        query = {"metadata.case_submitter_id": "C-1", "name": ["a.bam", "b.vcf"]}
        [folder] = requests.get(f"{base}/files?project=demo-lab/cptac3", headers=headers, timeout=10).json()["items"]
        files = requests.get(f"{base}/files/{folder['id']}/list", params=query, headers=headers, timeout=10).json()
        items = [
            {
                "source": {"file": file["id"]},
                "destination": {"volume": "demo-lab/results", "location": file["name"]},
            }
            for file in files["items"]
        ]
        url = f"{base}/bulk/storage/exports/create?copy_only=true"
        made = requests.post(url, json={"items": items}, headers=headers, timeout=10).json()["items"]
        body = {"export_ids": [record["resource"]["id"] for record in made]}
        states = ["PENDING"]
        while not {"COMPLETED", "FAILED"} >= set(states):
            got = requests.post(f"{base}/bulk/storage/exports/get", json=body, headers=headers, timeout=10).json()
            states = [record["resource"]["state"] for record in got["items"]]

    assert states == ["FAILED", "COMPLETED"]


def test_options_are_taken() -> None:
    with serving("--option", "unknown_ids=gap", "--option", "rate_headers=false") as (_, connection):
        headers = {"X-SBG-Auth-Token": str(connection["password"])}
        url = f"{connection['host']}/bulk/storage/exports/get"
        answer = requests.post(url, json={"export_ids": ["none"]}, headers=headers, timeout=10)

    assert answer.json() == {"items": []}
    assert "X-RateLimit-Limit" not in answer.headers


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--speed", "0"], "'0' is not a speed above 0"),
        (["--speed", "fast"], "'fast' is not a speed above 0"),
        (["--port", "70000"], "'70000' is not a port from 0 to 65535"),
        (["--fail", "*.bam"], "'*.bam' is not of the form GLOB=CODE"),
        (["--fail", "*.bam=4711"], "4711 is not a code this emulator knows"),
        (["--option", "unknown_ids=maybe"], "option unknown_ids cannot be 'maybe'; expected 'error' or 'gap' or '404'"),
        (["--option", "colour=red"], "no option 'colour'"),
        (["--option", "jump"], "option jump cannot be ''"),
        (
            ["--manifest", "no/such/file.tsv"],
            "manifest no/such/file.tsv: cannot be read: No such file or directory",
        ),
    ],
)
def test_mistake_is_explained(refused: Callable[..., str], arguments: list[str], message: str) -> None:
    assert message in refused(*arguments)


def test_broken_line_is_named(refused: Callable[..., str], tmp_path: Path) -> None:
    manifest = tmp_path / "files.tsv"
    manifest.write_text(f"{HEADER}\nid-1\ta.bam\tbig\t\tWXS\tC-1\n")

    said = refused("--manifest", str(manifest))

    assert said.endswith(f"manifest {manifest}, line 2: file_size 'big' is not a number of bytes\n")
