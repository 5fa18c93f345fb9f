"""Names that a text tells people to write exist, and take the values that they write."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc import get_provider_info, storage
from airflow_provider_cgc.client.errors.codes import REMEDIES, STATUS_REMEDIES, TOKEN_PAGE
from airflow_provider_cgc.client.platforms import PLATFORMS
from airflow_provider_cgc.hooks.connection import settings_from_connection
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.exports.locations import LocationTemplate
from airflow_provider_cgc.jobs.listing.selection import Selection
from airflow_provider_cgc.jobs.placeholders import BadTarget
from airflow_provider_cgc.operators.export_arguments import ALIASES, IF_EXISTS
from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.files import CgcListFilesOperator
from airflow_provider_cgc.operators.import_arguments import IF_EXISTS as IMPORT_IF_EXISTS
from airflow_provider_cgc.operators.imports import CgcBulkImportOperator
from airflow_provider_cgc.operators.volumes import CgcListVolumeOperator
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
from airflow_provider_cgc.sensors.imports import CgcBulkImportSensor
from tests.unit import advice

TEXTS = [*advice.texts()]
REMEDY_TEXTS = {str(key): remedy.text for table in (REMEDIES, STATUS_REMEDIES) for key, remedy in table.items()}
FILE = "65a1b2c3d4e5f60718293a4b"
LEAST: dict[type, dict[str, Any]] = {
    CgcBulkExportOperator: {"manifest": "s3://bucket/run.jsonl", "volume": "me/out", "copy_only": True},
    CgcBulkImportOperator: {"manifest": "s3://bucket/run.jsonl", "volume": "me/in", "project": "me/project"},
    CgcListFilesOperator: {},
    CgcListVolumeOperator: {"volume": "me/out"},
    CgcBulkExportSensor: {"export_ids": [FILE]},
    CgcBulkImportSensor: {"import_ids": [FILE]},
}
"""The arguments that each needs."""
ONLY_IMPORTS = {("if_exists", "rename")}
SETTINGS = sorted({given for text in TEXTS for given in advice.settings_given(text.said)})
RUN_ID = "manual__2026-11-30T09:56:34.123456+00:00"


def test_all_texts_are_read() -> None:
    assert len(TEXTS) > 500
    said = " ".join(text.said for text in TEXTS)
    for part in ("which compares sizes", "The manifest ", "Handing over to the triggerer", "its API is at"):
        assert part in said


def test_text_names_what_exists() -> None:
    wrong = {text.where: (names, text.said) for text in TEXTS if (names := advice.unknown_names(text.said))}
    wrong |= {code: (names, text) for code, text in REMEDY_TEXTS.items() if (names := advice.unknown_names(text))}

    assert wrong == {}


@pytest.mark.parametrize(
    "said",
    [
        'skip it with alias_mode="skip" or so',
        "give a manifest_file, whose address is returned",
        "lower the connection's 'share' a little",
        "look at the field 'rates' of the connection",
        "let CgcBulkExporter do it for you",
        "list airflow_provider_cgc.assets.asset_for('a/b') as such",
        "list it in the option [cgc] known_hosts of Airflow",
        "see the page Developer > Tokens for it",
        "create it under Admin > Conections with a type",
        "set HTTPS_PROXIES in the environment of it",
        "set wait_for=False for the task there",
    ],
)
def test_missing_name_is_found(said: str) -> None:
    assert advice.unknown_names(said)


def test_excuses_are_in_use() -> None:
    """No name is excused that stands in no text."""
    said = " ".join(text.said for text in TEXTS)

    assert [name for name in advice.NOT_TYPED if name not in said] == []


@pytest.mark.parametrize(("name", "value"), SETTINGS, ids=lambda one: str(one))
def test_named_setting_is_taken(name: str, value: str) -> None:
    takers = advice.task_arguments()[name] & LEAST.keys()
    if (name, _literal(value)) in ONLY_IMPORTS:
        takers &= {CgcBulkImportOperator}

    for kind in takers:
        task = kind(task_id="task", **{**LEAST[kind], name: _literal(value)})
        assert getattr(task, name if name != "dry_run" else "_dry_run") == _literal(value)
    assert takers


def test_words_are_choices() -> None:
    """The words that texts give are among the choices."""
    given = {name: {_literal(value) for one, value in SETTINGS if one == name} for name in ("if_exists", "aliases")}

    assert given["if_exists"] == {*IMPORT_IF_EXISTS}
    assert {*IMPORT_IF_EXISTS} == {*IF_EXISTS, "rename"}
    assert given["aliases"] == {"skip"} <= {*ALIASES}


def test_token_page_has_one_name() -> None:
    [form] = get_provider_info()["connection-types"]

    assert TOKEN_PAGE in form["ui-field-behaviour"]["placeholders"]["password"]
    assert TOKEN_PAGE in (advice.ROOT / "README.md").read_text()


def test_remedy_names_the_field() -> None:
    [form] = get_provider_info()["connection-types"]

    assert f"field {form['ui-field-behaviour']['relabeling']['password']} " in REMEDIES[90001].text


def _literal(value: str) -> Any:
    return {"True": True, "False": False}.get(value, int(value) if value.isdigit() else value.strip("\"'"))


# Braces and Jinja


def _rendered(text: str, **context: Any) -> str:
    task = CgcBulkExportOperator(task_id="task", **LEAST[CgcBulkExportOperator])
    task.location = text  # past the operator's making, which refuses what is wrong
    task.render_template_fields(context)
    return str(task.location)


@pytest.mark.parametrize(("brace", "key"), [("{", "out/{a.bam"), ("}", "out/}a.bam")])
def test_brace_as_advised(brace: str, key: str) -> None:
    """A brace written as the error says is a brace."""
    with pytest.raises(BadTarget) as refused:
        LocationTemplate(_rendered(f"out/{brace}-" + "{name}"))
    [(advised,)] = [re.findall(r"write (.+) in the Dag", str(refused.value))]

    template = LocationTemplate(_rendered(f"out/{advised}" + "{name}"))

    assert template.render(ExportItem(FILE, name="a.bam")) == key


@pytest.mark.parametrize(
    "expression", sorted({one for text in TEXTS for one in advice.jinja_in(text.said)}), ids=lambda one: str(one)
)
@pytest.mark.parametrize("known", [True, False], ids=["a value", "none"])
def test_jinja_renders(expression: str, known: bool) -> None:
    before = datetime(2026, 1, 31, tzinfo=UTC) if known else None
    ti = type("TI", (), {"task_id": "export", "map_index": 3})()

    value = _rendered(expression, run_id=RUN_ID, prev_start_date_success=before, ti=ti)

    assert value
    assert "{" not in value.replace("{name}", "")
    if "prev_start_date_success" in expression:
        assert Selection.of(modified_after=value)


def test_run_id_in_an_address(tmp_path: Path) -> None:
    address = _rendered(f"file://{tmp_path}/{{{{ run_id }}}}.jsonl", run_id=RUN_ID)

    storage.check(address)
    written = storage.write_lines(address, ['{"file": "x"}\n'])

    assert written == address
    assert [*storage.read_lines(written)] == ['{"file": "x"}\n']
    assert (tmp_path / f"{RUN_ID}.jsonl").exists()


# Connections


def _refusal(**connection: Any) -> str:
    given: dict[str, Any] = {"host": None, "port": None, "schema": None, "password": "canary-0123456789", "extra": {}}
    with pytest.raises(ValueError, match="connection 'x'") as refused:
        settings_from_connection("x", **{**given, **connection}, allowed_hosts=())
    assert "canary" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=list(PLATFORMS))
@pytest.mark.parametrize("extra", [{}, {"platform": "other"}, {"platform": "cgc"}, {"platform": "cavatica"}], ids=str)
@pytest.mark.parametrize("form", ["{web}", "{web}/u/me/project/#files?x=1", "{host}", "{host}:443", "{name}"])
def test_web_address_as_host(platform: Any, form: str, extra: dict[str, str]) -> None:
    """A web address or name as host tells the API."""
    host = form.format(web=platform.web_url, host=platform.web_url.partition("//")[2], name=platform.name)

    told = _refusal(host=host, extra=extra)

    assert platform.base_url in told
    assert "leave Host empty" in told
    [name] = re.findall(r"choose the platform '(\S+)'", told)
    followed = settings_from_connection(
        "x", host="", port=None, schema=None, password="0123456789", extra={"platform": name}, allowed_hosts=()
    )
    assert followed.base_url == platform.base_url


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ('"canary-0123456789"', "quotes"),
        ("'canary-0123456789'", "quotes"),
        ("\u201ccanary-0123456789\u201d", "quotes"),
        ("Bearer canary-0123456789", "name of a header"),
        ("X-SBG-Auth-Token: canary-0123456789", "name of a header"),
        ("auth_token = canary-0123456789", "name of a header"),
        ("token=canary-0123456789", "name of a header"),
    ],
)
def test_token_with_its_label(password: str, words: str) -> None:
    """A label that is pasted along with a token is told."""
    assert words in _refusal(password=password, extra={"platform": "cgc"})
