"""What Airflow reads about this package before it imports any of it."""

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


def test_it_keeps_airflows_schema(info: dict[str, Any]) -> None:
    jsonschema.validate(info, schema("provider_info.schema.json"))


def test_the_config_section_keeps_airflows_schema(info: dict[str, Any]) -> None:
    whole = schema("provider_info.schema.json")
    section = {**whole["properties"]["config"], "definitions": whole["definitions"]}

    jsonschema.validate(info["config"], section)
    assert info["config"]["cgc"]["options"]["allowed_hosts"]["default"] == ""


def test_the_connection_form_keeps_airflows_schema(connection: dict[str, Any]) -> None:
    whole = schema("provider.yaml.schema.json")
    if "conn-fields" not in whole["properties"]["connection-types"]["items"]["properties"]:
        pytest.skip("this Airflow draws no form from the provider info")

    jsonschema.validate([connection], whole["properties"]["connection-types"])


def test_package_name_is_the_distributions(info: dict[str, Any]) -> None:
    """Airflow 3.3 does not start if they differ."""
    assert info["package-name"] == "airflow-provider-cgc"
    assert info["versions"] == [__version__]


def test_names_that_deployments_rely_on(connection: dict[str, Any]) -> None:
    assert connection["connection-type"] == "cgc"
    assert connection["hook-class-name"] == "airflow_provider_cgc.hooks.cgc.CgcHook"


def test_the_hook_class_is_where_it_says(connection: dict[str, Any]) -> None:
    module, _, name = connection["hook-class-name"].rpartition(".")
    hook = getattr(import_module(module), name)

    assert hook.conn_type == connection["connection-type"]
    assert hook.hook_name == connection["hook-name"]


def test_every_module_that_airflow_is_told_of_is_there_and_no_sensor_is_left_out(info: dict[str, Any]) -> None:
    told = [
        name for part in ("hooks", "sensors", "triggers") for entry in info[part] for name in entry["python-modules"]
    ]
    folder = Path(inspect.getfile(get_provider_info)).parent / "sensors"
    own = [path.stem for path in folder.glob("*.py") if "CgcJobsSensor):" in path.read_text()]

    assert all(import_module(name).__doc__ for name in told)
    assert {f"airflow_provider_cgc.sensors.{name}" for name in own} == {name for name in told if ".sensors." in name}
    assert len(own) >= 2


def test_the_drop_down_offers_every_platform(connection: dict[str, Any]) -> None:
    assert connection["conn-fields"]["platform"]["schema"]["enum"] == [*PLATFORMS, OTHER]


def test_the_form_as_it_comes_is_a_valid_connection(connection: dict[str, Any]) -> None:
    """Whoever puts in nothing but a token gets the Cancer Genomics Cloud."""
    extra = {name: field["schema"].get("default") for name, field in connection["conn-fields"].items()}

    settings = settings_from_connection(
        "cgc_default", host=None, port=None, schema=None, password=TOKEN, extra=extra, allowed_hosts=()
    )

    assert settings == ClientSettings(token=TOKEN)


def test_every_field_of_the_form_is_explained(connection: dict[str, Any]) -> None:
    for field in connection["conn-fields"].values():
        assert field["label"]
        assert len(field["description"]) > 20


def test_each_call_gives_a_new_object(info: dict[str, Any]) -> None:
    info["connection-types"].clear()

    assert get_provider_info()["connection-types"]
