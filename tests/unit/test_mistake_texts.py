"""Texts that a first try meets: what they say must be so, and must work when it is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc import storage
from airflow_provider_cgc.arguments import manifests_given, why_others
from airflow_provider_cgc.assets import asset_of
from airflow_provider_cgc.client import CgcSettingsError, Settings
from airflow_provider_cgc.client.errors import CgcNotFound
from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.exceptions import CgcBadInput, CgcInputRefused
from airflow_provider_cgc.hooks.cgc import CgcHook
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.exports.locations import LocationTemplate
from airflow_provider_cgc.jobs.ids import BadIds, parse_ids
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.placeholders import BadTarget
from airflow_provider_cgc.jobs.submitting.items import BadItems
from airflow_provider_cgc.jobs.submitting.manifest import read_items
from airflow_provider_cgc.jobs.waiting.progress_log import ProgressLog
from airflow_provider_cgc.operators.files import CgcListFilesOperator
from airflow_provider_cgc.operators.record import Record
from tests.fakes.task_instance import TaskInstance

TOKEN = "0123456789abcdef0123456789abcdef"


def connection(monkeypatch: pytest.MonkeyPatch, text: str) -> tuple[bool, str]:
    """Ask the Test button about a connection that the environment defines."""
    monkeypatch.setenv("AIRFLOW_CONN_CGC_DEFAULT", text)
    return CgcHook("cgc_default").test_connection()


@pytest.mark.parametrize("platform", [["cgc"], {"cgc": 1}, 5])
def test_odd_platform_is_named(monkeypatch: pytest.MonkeyPatch, platform: Any) -> None:
    told = json.dumps({"conn_type": "cgc", "password": TOKEN, "extra": {"platform": platform}})

    works, why = connection(monkeypatch, told)

    assert not works
    assert (
        f"must be one of cgc, cavatica, sbg-us, sbg-eu, sbg-cn, bdc, other, and is of type {type(platform).__name__}"
        in why
    )


def test_token_as_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token in the field of the platform is not repeated."""
    told = json.dumps({"conn_type": "cgc", "password": TOKEN, "extra": {"platform": TOKEN}})

    works, why = connection(monkeypatch, told)

    assert not works
    assert "must be one of cgc" in why
    assert TOKEN not in why
    assert TOKEN.lower() not in why


def test_misspelt_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    works, why = connection(monkeypatch, f"cgc://:{TOKEN}@/?platfrm=cgc")

    assert not works
    assert "choose a platform, such as 'cgc'. The connection has extras" in why
    assert "is 'platfrm' meant to be 'platform'?" in why


def test_web_address_is_no_id() -> None:
    with pytest.raises(CgcSettingsError, match="is not defined; give the id of an Airflow connection, which contains"):
        CgcHook("https://cgc-api.sbgenomics.com/v2").settings  # noqa: B018  # it is read when it is asked for


def test_cut_off_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        "(Unterminated string starting at line 1, column 22)" in connection(monkeypatch, '{"conn_type": "cgc", "pa')[1]
    )


def test_cut_off_manifest() -> None:
    with pytest.raises(BadItems, match="Unterminated string starting at character 10"):
        read_items(iter(['{"file": "x']), name="file:///lab/m.jsonl", of=ExportItem)


def test_placeholder_is_no_token() -> None:
    with pytest.raises(CgcSettingsError, match="token is the placeholder of the manual; copy it from"):
        Settings(token="<token>")


def test_remedy_is_a_sentence() -> None:
    error = CgcNotFound(Problem(404, None, "HTTP 404 Not Found", made_here=True), status=404, call="GET /user")

    assert "HTTP 404 Not Found. The server does not know this" in str(error)


@pytest.mark.parametrize(
    ("uri", "advice"),
    [
        ("s3:/bucket/x.jsonl", "write it like s3://bucket/folder/name.jsonl, as text: a Path makes one slash of two"),
        ("https://lab.example/x.jsonl", "web addresses are no object storage; put the file into a bucket"),
        ("s4://bucket/x.jsonl", "correct s4://, or install the Airflow provider for it"),
    ],
)
def test_unreachable_is_mended(uri: str, advice: str) -> None:
    """An address that none can open is mended."""
    with pytest.raises(storage.BadPath) as caught:
        storage.check(uri)

    assert advice in str(caught.value)


def test_template_in_a_path() -> None:
    with pytest.raises(storage.BadPath, match="is no address: a template in it is not rendered; write it as text"):
        storage.address(Path("/lab/{{ ds }}/x.jsonl"))


@pytest.mark.parametrize("there", [b"\xe9\xff", b'{"a": 1}\n'], ids=["latin-1", "other JSON"])
def test_manifest_is_no_advice(tmp_path: Path, there: bytes) -> None:
    """The error about another file at `manifest_path` repeats nothing of it."""
    path = tmp_path / "m.jsonl"
    path.write_bytes(there)
    record = Record(
        EXPORT,
        ExportItem,
        TaskInstance(),
        store=None,
        manifest_path=f"file://{path}",
        resume=True,
        retries=0,
        later_poke=False,
        warn=lambda line: None,
    )

    with pytest.raises(CgcBadInput) as caught:
        record.check(dry_run=False)

    assert str(caught.value).endswith("no manifest of this operator; give another path, or remove it.")


def test_json_named_csv_is_told() -> None:
    with pytest.raises(BadItems, match="line 1 is JSON; let the name of the manifest end in"):
        read_items(iter(['{"version": 1, "file": "a"}\n']), name="file:///lab/m.csv", of=ExportItem)


@pytest.mark.parametrize("path", ["", "x.jsonl", 5])
def test_path_argument_is_named(path: Any) -> None:
    with pytest.raises(CgcInputRefused, match="'t': manifest_path: The path "):
        CgcListFilesOperator(task_id="t", project="lab/a", manifest_path=path)


@pytest.mark.parametrize("location", ["s3://bucket/{name}", "gs://bucket/runs/x"])
def test_web_address_as_location(location: str) -> None:
    with pytest.raises(BadTarget, match="is a whole address; give only what comes after the volume's bucket"):
        LocationTemplate(location)


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (["x" * 300], "item 1 begins with 'x+' and has 300 characters, more than an id"),
        ("abc;def", "which is not an id .*; put commas between ids"),
    ],
)
def test_joined_ids_are_told(ids: Any, words: str) -> None:
    with pytest.raises(BadIds, match=words):
        parse_ids(ids)


def test_more_ids_than_expected() -> None:
    """More ids than expected were not refused."""
    assert "refused" in why_others(EXPORT, 1, 2)
    assert why_others(EXPORT, 2, 1) == "correct expected_count, or look at the log of the task that starts them"


@pytest.mark.parametrize("place", [(None,), (5,), ("lab/bucket", None), ("lab/bucket", 5)])
def test_asset_of_no_text(place: tuple[Any, ...]) -> None:
    with pytest.raises(CgcBadInput, match="write it like"):
        asset_of(*place)


@pytest.mark.parametrize("as_given", [list, str], ids=["list", "text of a template"])
def test_files_for_a_sensor(as_given: Any) -> None:
    """Files and objects for a sensor are sent to the operator."""
    files = [{"file": "a" * 24, "name": "x.bam"}, {"file": "b" * 24, "name": "y.bam"}]
    objects = [{"volume": "lab/in", "location": "x.bam"}]

    for given, word in ((files, "files"), (objects, "objects")):
        with pytest.raises(CgcBadInput, match=f"has {word}, not ids of jobs; give them as items to an operator"):
            manifests_given(as_given(given), where="export_ids of task 'wait'")


@pytest.mark.parametrize(("every", "told"), [(0.3, "every 0.3 s instead"), (38.4, "every 38 s instead")])
def test_never_every_0_s(every: float, told: str) -> None:
    """A slower look is never told as "every 0 s"."""
    assert told in str(ProgressLog().slowed(every, asked=0.1))
