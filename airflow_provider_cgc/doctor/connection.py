"""The checks of the connection, and of the platform behind it."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from urllib.parse import urlsplit

from airflow.configuration import ensure_secrets_loaded

from airflow_provider_cgc.client.errors import CgcSettingsError
from airflow_provider_cgc.client.errors.codes import REMEDIES
from airflow_provider_cgc.client.errors.problem import as_sentence, one_line
from airflow_provider_cgc.client.http.budget import left_to_people
from airflow_provider_cgc.doctor.database import NoDatabase, open_database
from airflow_provider_cgc.doctor.finding import Finding, failed, note, ok
from airflow_provider_cgc.doctor.foreign import foreign
from airflow_provider_cgc.doctor.visit import Visit
from airflow_provider_cgc.hooks.cgc import CgcHook
from airflow_provider_cgc.hooks.unreadable import variable_of
from airflow_provider_cgc.jobs.forms import did_you_mean
from airflow_provider_cgc.jobs.text import clock_time, duration, joined

__all__ = ["check_connection", "check_platform", "check_requests", "check_user"]

_PREFIX = variable_of("")
_NO_REQUEST_LEFT = 1000
_CHECK_THEM = (
    "Check Airflow's secrets backend, its database, and that the Fernet key is the one that the connection was stored"
    " with."
)


def check_connection(visit: Visit) -> Finding:
    """Look for the connection, and read each of its fields."""
    conn_id = visit.wanted.conn_id
    try:
        settings = visit.settings
    except CgcSettingsError as error:
        return failed(_search(conn_id, error) if error.undefined else as_sentence(error))
    except Exception as error:  # noqa: BLE001  # a secrets backend is anybody's code
        return failed(f"Connection {conn_id!r} cannot be read ({foreign(error)}). {_CHECK_THEM}")
    variable = variable_of(conn_id)
    here = f" ({variable} is set here)" if variable in os.environ else ""
    project = f", and to project {one_line(settings.project)} by default" if settings.project else ""
    text = f"{conn_id!r}{here} has a token, and leads to {settings.base_url}{project}"
    return note(f"{text}; it {visit.hook.doubt}") if visit.hook.doubt else ok(text)


def check_platform(visit: Visit) -> Finding:
    """Ask for the requests that are left, which needs a good token and is not counted itself."""
    visit.rate = visit.platform().rate_limit()
    return ok(f"{visit.settings.host} answers, and takes the token")


def check_requests(visit: Visit) -> Finding:
    """Compare the requests that are left with the share of Airflow."""
    rate, share = visit.rate, visit.settings.rate_share
    assert rate is not None
    until = f"until {clock_time(rate.reset)}, in {duration(max(rate.reset - time.time(), 0))}"
    text = f"{rate.remaining} of {rate.limit} requests are left {until}"
    if not rate:
        return failed(f"{text}. {REMEDIES[_NO_REQUEST_LEFT].text}")
    people = left_to_people(rate.limit, share)
    if rate.remaining <= people:
        return note(
            f"{text}; Airflow leaves {people} of them to people (rate_share {share:g}), so that tasks wait until then"
        )
    return ok(f"{text}; Airflow leaves {people} of them to people (rate_share {share:g})")


def check_user(visit: Visit) -> Finding:
    """Ask for the user that the token belongs to."""
    visit.username = visit.platform().user().username
    return ok(f"the token is that of {visit.username}, whose permissions count")


def _search(conn_id: str, error: CgcSettingsError) -> str:
    """Name the places where Airflow has looked for a connection: one that fails seems to have none."""
    asked, failures = [], []
    for backend in ensure_secrets_loaded():
        name = type(backend).__name__
        try:
            found = backend.get_connection(conn_id=conn_id)
            _ = found and found.password  # which is decrypted only now
        except Exception as fault:  # noqa: BLE001  # a secrets backend is anybody's code
            failures.append(f"{name} failed ({foreign(fault)})")
        else:
            asked.append(name)
    looked = f"Airflow looked in {' and '.join(asked)}." if asked else ""
    if failures:
        return joined(f"Connection {conn_id!r} cannot be read: {' and '.join(failures)}. {_CHECK_THEM}", looked)
    return joined(as_sentence(error), looked, _others(conn_id))


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
