"""The connection as people meet it: the form's description, the Test button and the command."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cgc.client.platforms import PLATFORMS
from dev.airflow_box import AirflowBox
from tests.system.conftest import CANARY
from tests.system.labs import Lab

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def form(airflow: AirflowBox) -> dict[str, Any]:
    """The form of the connection type `cgc`, as the UI gets it."""
    (form,) = [one for one in airflow.api.call("GET", "/ui/connections/hook_meta") if one["connection_type"] == "cgc"]
    return form


@pytest.fixture
def lab(labs: dict[str, Lab]) -> Lab:
    """The platform behind the default connection."""
    return labs["default"]


def test_form_has_all_platforms(form: dict[str, Any]) -> None:
    platform = form["extra_fields"]["platform"]

    assert platform["schema"]["enum"] == [*PLATFORMS, "other"]
    assert platform["value"] == "cgc"


def test_form_asks_for_a_token(form: dict[str, Any]) -> None:
    """The form asks for a project and for a token."""
    assert form["hook_name"] == "Cancer Genomics Cloud"
    assert form["extra_fields"]["project"]["schema"]["title"] == "Project"
    assert form["standard_fields"]["password"]["title"] == "Token"


def test_form_hides_the_rest(form: dict[str, Any]) -> None:
    """The form hides fields that mean nothing here."""
    fields = form["standard_fields"]

    assert [name for name, field in fields.items() if field and field["hidden"]] == ["url_schema", "login"]


def test_button_names_the_user(airflow: AirflowBox, lab: Lab) -> None:
    """The test button names the user and the requests that are left."""
    answer = airflow.api.call("POST", "/api/v2/connections/test", json=lab.body)

    assert answer["status"] is True
    assert "as demo" in answer["message"]
    assert "of 1000 requests left" in answer["message"]


def test_button_tells_bad_token(airflow: AirflowBox, lab: Lab) -> None:
    body = {**lab.body, "connection_id": "cgc_mistyped", "password": f"{CANARY}mistyped"}

    answer = airflow.api.call("POST", "/api/v2/connections/test", json=body)

    assert answer["status"] is False
    assert "Developer > Authentication token" in answer["message"]


def test_command_tells_a_good_one(airflow: AirflowBox, lab: Lab) -> None:
    """On success Airflow 3.3's command says no more than that; what the hook says is only in the UI."""
    ended = airflow.command("connections", "test", lab.conn_id)

    assert ended.returncode == 0
    assert "Connection success!" in ended.stdout


def test_command_tells_bad_token(airflow: AirflowBox, lab: Lab) -> None:
    wrong = {**lab.body, "connection_id": "cgc_wrong", "password": f"{CANARY}wrong"}
    airflow.api.call("POST", "/api/v2/connections", json=wrong)

    ended = airflow.command("connections", "test", "cgc_wrong")

    assert ended.returncode == 1
    assert "Connection failed!" in ended.stdout
    assert "Developer > Authentication token" in " ".join(ended.stdout.split())
