"""The checks of the connection, and of the platform behind it."""

from __future__ import annotations

import json
import os
import time
from contextlib import nullcontext, suppress
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import ensure_secrets_loaded
from airflow.providers.common.compat.sdk import AirflowNotFoundException
from airflow.secrets.metastore import MetastoreBackend

from airflow_provider_cgc.client.errors import CgcSettingsError
from airflow_provider_cgc.client.errors.codes import NO_REQUEST_LEFT, REMEDIES
from airflow_provider_cgc.client.errors.problem import as_sentence, one_line
from airflow_provider_cgc.client.http.budget import left_to_people
from airflow_provider_cgc.compat import tasks_need_database
from airflow_provider_cgc.doctor.database import NoDatabase, open_database, reading_database
from airflow_provider_cgc.doctor.finding import Finding, failed, not_checked, note, ok
from airflow_provider_cgc.doctor.foreign import foreign
from airflow_provider_cgc.doctor.visit import Visit
from airflow_provider_cgc.hooks.cgc import CgcHook
from airflow_provider_cgc.hooks.unreadable import shells_take, variable_of
from airflow_provider_cgc.jobs.forms import did_you_mean
from airflow_provider_cgc.jobs.text import clock_time, duration, joined

__all__ = ["check_connection", "check_platform", "check_requests", "check_user"]

_PREFIX = variable_of("")
_CHECK_THEM = (
    "Check Airflow's secrets backend, its database (`airflow db migrate` makes its tables), and that the Fernet key is"
    " the one that the connection was stored with."
)


def check_connection(visit: Visit) -> Finding:
    """Look for the connection, and read each of its fields."""
    conn_id = visit.wanted.conn_id
    if "://" in conn_id or "{" in conn_id:
        return failed(
            "--conn-id was given an address or JSON, which is not repeated here: it may hold a password. Give the id of"
            " an Airflow connection."
        )
    try:
        with suppress(AirflowNotFoundException):  # the settings tell it better
            _decrypt(visit.hook.get_connection(conn_id))
    except Exception as error:  # noqa: BLE001  # a secrets backend is anybody's code
        return failed(f"Connection {conn_id!r} cannot be read ({foreign(error)}). {_CHECK_THEM}")
    try:
        settings = visit.settings
    except CgcSettingsError as error:
        return _search(conn_id, error) if error.undefined else failed(as_sentence(error))
    variable = variable_of(conn_id)
    here = f" ({variable} is set here)" if variable in os.environ else ""
    project = f", and to project {one_line(settings.project)} by default" if settings.project else ""
    text = f"{conn_id!r}{here} has a token, and leads to {settings.base_url}{project}"
    return note(f"{text}; it {visit.hook.doubt}") if visit.hook.doubt else ok(text)


def check_platform(visit: Visit) -> Finding:
    """Ask for the requests that are left, which needs a good token and is not counted itself."""
    visit.rate = visit.client().rate_limit()
    return ok(f"{visit.settings.host} answers, and takes the token")


def check_requests(visit: Visit) -> Finding:
    """Compare the requests that are left with the share of Airflow."""
    rate, share = visit.rate, visit.settings.rate_share
    until = f"until {clock_time(rate.reset)}, in {duration(max(rate.reset - time.time(), 0))}"
    text = f"{rate.remaining} of {rate.limit} requests are left {until}"
    if not rate:
        return failed(f"{text}. {REMEDIES[NO_REQUEST_LEFT].text}")
    people = left_to_people(rate.limit, share)
    if rate.remaining <= people:
        return note(
            f"{text}; Airflow leaves {people} of them to people (rate_share {share:g}), so that tasks wait until then"
        )
    return ok(f"{text}; Airflow leaves {people} of them to people (rate_share {share:g})")


def check_user(visit: Visit) -> Finding:
    """Ask for the user that the token belongs to."""
    visit.username = visit.client().user().username
    return ok(f"the token is that of {visit.username}, whose permissions count")


def _search(conn_id: str, error: CgcSettingsError) -> Finding:
    """Name the places where Airflow has looked for a connection: one that fails seems to have none."""
    asked, failures, hidden = [], [], ""
    for backend in ensure_secrets_loaded():
        name = type(backend).__name__
        try:
            with reading_database() if isinstance(backend, MetastoreBackend) else nullcontext():
                _decrypt(backend.get_connection(conn_id=conn_id))
        except NoDatabase as reason:
            if tasks_need_database():
                failures.append(str(reason))
            hidden = str(reason)
        except Exception as fault:  # noqa: BLE001  # a secrets backend is anybody's code
            failures.append(f"{name} failed ({foreign(fault)})")
        else:
            asked.append(name)
    looked = f"Airflow looked in {' and '.join(asked)}." if asked else ""
    if failures:
        return failed(joined(f"Connection {conn_id!r} cannot be read: {' and '.join(failures)}. {_CHECK_THEM}", looked))
    if hidden:
        return not_checked(_ask_the_server(conn_id, asked, hidden))
    return failed(joined(as_sentence(error), looked, _others(conn_id)))


def _decrypt(connection: Any) -> None:
    """Read the fields that Airflow decrypts only when they are asked for."""
    _ = connection and (connection.password, connection.extra)


def _ask_the_server(conn_id: str, asked: list[str], hidden: str) -> str:
    variable = variable_of(conn_id)
    return (
        f"Connection {conn_id!r} is not in {' or '.join(asked)}, and {hidden}: a task on this machine asks the API"
        " server instead. Run this command on the API server's machine"
        + (f", or set {variable} here." if shells_take(variable) else ".")
    )


def _others(conn_id: str) -> str:
    """Name the connections of this type that are defined."""
    found = {_id_of(name) for name, text in os.environ.items() if name.startswith(_PREFIX) and _is_ours(text)}
    with suppress(NoDatabase):
        found |= _in_database()
    if not found:
        return "No other connection of this type was found."
    return as_sentence(f"Connections of this type: {', '.join(map(repr, sorted(found)))}{did_you_mean(conn_id, found)}")


def _in_database() -> set[str]:
    from airflow.models.connection import Connection
    from sqlalchemy import select

    with open_database() as session:
        return set(session.scalars(select(Connection.conn_id).where(Connection.conn_type == CgcHook.conn_type)))


def _id_of(variable: str) -> str:
    return variable.removeprefix(_PREFIX).lower()


def _is_ours(text: str) -> bool:
    """Return True if an environment variable defines a connection of this type."""
    try:
        if text.strip().startswith("{"):
            return bool(json.loads(text).get("conn_type") == CgcHook.conn_type)
        return urlsplit(text.strip()).scheme == CgcHook.conn_type
    except ValueError:
        return False
