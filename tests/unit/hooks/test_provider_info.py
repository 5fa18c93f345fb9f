"""The facts that Airflow reads about this package before it imports any of it."""

from __future__ import annotations

import inspect
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import airflow
import jsonschema
import pytest

from airflow_provider_cgc import __version__, get_provider_info
from airflow_provider_cgc.client import PLATFORMS
from airflow_provider_cgc.client import Settings as ClientSettings
from airflow_provider_cgc.hooks.connection import OTHER, settings_from_connection
from tests.conftest import ROOT

TOKEN = "canary0123456789abcdef0123456789"
HOME = Path(inspect.getfile(airflow)).parent


def schema(name: str) -> dict[str, Any]:
    path = HOME / name
    if not path.exists():
        pytest.skip(f"this Airflow has no {name}")
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


@pytest.fixture
def info() -> dict[str, Any]:
    return get_provider_info()


@pytest.fixture
def connection(info: dict[str, Any]) -> dict[str, Any]:
    [found] = info["connection-types"]
    return dict(found)


def test_keeps_airflows_schema(info: dict[str, Any]) -> None:
    jsonschema.validate(info, schema("provider_info.schema.json"))


def test_section_keeps_schema(info: dict[str, Any]) -> None:
    whole = schema("provider_info.schema.json")
    section = {**whole["properties"]["config"], "definitions": whole["definitions"]}

    jsonschema.validate(info["config"], section)
    assert info["config"]["cgc"]["options"]["allowed_hosts"]["default"] == ""


def test_form_keeps_schema(connection: dict[str, Any]) -> None:
    whole = schema("provider.yaml.schema.json")
    if "conn-fields" not in whole["properties"]["connection-types"]["items"]["properties"]:
        pytest.skip("this Airflow draws no form from the provider info")

    jsonschema.validate([connection], whole["properties"]["connection-types"])


@pytest.mark.parametrize("part", ["integrations", "asset-uris", "dataset-uris"])
def test_part_keeps_schema(info: dict[str, Any], part: str) -> None:
    """Airflow's schema for its own providers is the stricter one: it has a list of tags."""
    parts = schema("provider.yaml.schema.json")["properties"]
    if part not in parts:
        pytest.skip(f"this Airflow has no {part}")

    jsonschema.validate(info[part], parts[part])


def test_integration_is_described(info: dict[str, Any]) -> None:
    """Each part belongs to an integration that the list describes."""
    described = [one["integration-name"] for one in info["integrations"]]
    parts = ("hooks", "sensors", "operators", "triggers")

    assert {entry["integration-name"] for part in parts for entry in info[part]} == {*described}


def test_logo_is_there(info: dict[str, Any]) -> None:
    """The logo's address leads to a file of the repository."""
    for one in info["integrations"]:
        _, _, path = one["logo"].partition("/main/")
        assert "<svg" in (ROOT / path).read_text()


def test_functions_are_all_there(info: dict[str, Any]) -> None:
    """Every function that Airflow is told of is there."""
    for entry in info["asset-uris"]:
        for path in (entry["handler"], entry["to_openlineage_converter"]):
            module, _, name = path.rpartition(".")
            assert callable(getattr(import_module(module), name))


def test_name_is_distributions(info: dict[str, Any]) -> None:
    """Airflow 3.3 does not start if they differ."""
    assert info["package-name"] == "airflow-provider-cgc"
    assert info["versions"] == [__version__]


def test_names_are_kept(connection: dict[str, Any]) -> None:
    """Deployments rely on these names."""
    assert connection["connection-type"] == "cgc"
    assert connection["hook-class-name"] == "airflow_provider_cgc.hooks.cgc.CgcHook"


def test_hook_class_is_there(connection: dict[str, Any]) -> None:
    module, _, name = connection["hook-class-name"].rpartition(".")
    hook = getattr(import_module(module), name)

    assert hook.conn_type == connection["connection-type"]
    assert hook.hook_name == connection["hook-name"]


def test_modules_are_all_there(info: dict[str, Any]) -> None:
    """Every module that Airflow is told of is there, and no sensor is left out."""
    told = [
        name for part in ("hooks", "sensors", "triggers") for entry in info[part] for name in entry["python-modules"]
    ]
    folder = Path(inspect.getfile(get_provider_info)).parent / "sensors"
    own = [path.stem for path in folder.glob("*.py") if "CgcGivenJobsSensor):" in path.read_text()]

    assert all(import_module(name).__doc__ for name in told)
    assert {f"airflow_provider_cgc.sensors.{name}" for name in own} == {name for name in told if ".sensors." in name}
    assert len(own) >= 2


def test_form_has_all_platforms(connection: dict[str, Any]) -> None:
    assert connection["conn-fields"]["platform"]["schema"]["enum"] == [*PLATFORMS, OTHER]


def test_untouched_form_is_valid(connection: dict[str, Any]) -> None:
    """Whoever puts in nothing but a token gets the Cancer Genomics Cloud."""
    extra = {name: field["schema"].get("default") for name, field in connection["conn-fields"].items()}

    settings = settings_from_connection(
        "cgc_default", host=None, port=None, schema=None, password=TOKEN, extra=extra, allowed_hosts=()
    )

    assert settings == ClientSettings(token=TOKEN)


def test_fields_are_explained(connection: dict[str, Any]) -> None:
    for field in connection["conn-fields"].values():
        assert field["label"]
        assert len(field["description"]) > 20


def test_each_call_is_a_new_one(info: dict[str, Any]) -> None:
    info["connection-types"].clear()

    assert get_provider_info()["connection-types"]
