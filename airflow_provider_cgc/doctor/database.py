"""Reads of Airflow's own database, which not every machine of a deployment may do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow_provider_cgc.doctor.foreign import foreign

__all__ = ["NoDatabase", "address_of", "open_database", "reading_database"]


class NoDatabase(Exception):
    """Airflow's database cannot be read from here; the text says so, with its address and the reason."""


@contextmanager
def open_database() -> Iterator[Any]:
    """
    Give a session of Airflow's database, in which nothing may be changed.

    :raises NoDatabase: if it cannot be opened or read.
    """
    try:
        from airflow.utils.session import create_session
    except ImportError as error:  # a worker of Airflow 3 need not have it
        raise NoDatabase(f"Airflow's database cannot be read from here ({error})") from error
    with reading_database(), create_session() as session:
        yield session


@contextmanager
def reading_database() -> Iterator[None]:
    """
    Tell the errors of Airflow's database from all others.

    :raises NoDatabase: in place of an error of the database.
    """
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        raise NoDatabase(f"Airflow's database{_named()} cannot be read from here ({foreign(error)})") from None


def address_of(session: Any) -> str:
    """Return the address of a session's database, without what may be secret in it."""
    return _without_secrets(session.get_bind().url)


def _named() -> str:
    from airflow import settings
    from sqlalchemy.exc import ArgumentError

    try:
        return f" {_without_secrets(str(settings.SQL_ALCHEMY_CONN))}"
    except ArgumentError:
        return ""


def _without_secrets(url: Any) -> str:
    from sqlalchemy.engine import make_url

    return str(make_url(url).set(query={}).render_as_string(hide_password=True))
