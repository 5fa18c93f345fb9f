"""The address of Airflow's database is named, and nothing that is secret in it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from sqlalchemy.engine import make_url

from airflow_provider_cgc.doctor.database import address_of


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:geheim@db.example:5432/airflow", "postgresql://me:***@db.example:5432/airflow"),
        ("postgresql://db.example/airflow?user=me&password=geheim", "postgresql://db.example/airflow"),
        ("sqlite:////srv/airflow.db", "sqlite:////srv/airflow.db"),
    ],
)
def test_database_without_password(url: str, shown: str) -> None:
    session = SimpleNamespace(get_bind=lambda: SimpleNamespace(url=make_url(url)))

    assert address_of(session) == shown
