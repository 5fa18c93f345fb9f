"""A Postgres server of one's own: found, started and gone again."""

from __future__ import annotations

import os
import time

import psutil
import psycopg2
import pytest

from dev import postgres
from dev.postgres import PROGRAMS, Postgres, PostgresDiedError, PostgresMissingError, find_programs


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put programs into a folder; this machine's own are out of sight."""
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))

    def install(folder, *, programs=PROGRAMS):
        folder.mkdir(parents=True)
        for program in programs:
            (folder / program).touch(mode=0o755)
        return folder

    return install


def is_installed():
    try:
        find_programs()
    except PostgresMissingError:
        return False
    return True


needs_postgres = pytest.mark.skipif(not is_installed(), reason="no Postgres server on this machine")


def test_takes_the_newest_server(install, tmp_path):
    for version in ("9.6", "15", "17"):
        install(tmp_path / "debian" / version / "bin")

    assert find_programs(tmp_path / "debian") == tmp_path / "debian" / "17" / "bin"


def test_client_alone_is_not_it(install, tmp_path):
    install(tmp_path / "debian" / "15" / "bin")
    install(tmp_path / "debian" / "17" / "bin", programs=["pg_isready"])

    assert find_programs(tmp_path / "debian") == tmp_path / "debian" / "15" / "bin"


def test_server_on_path_will_do(install, tmp_path, monkeypatch):
    """Take the server on PATH if there is none of Debian's."""
    folder = install(tmp_path / "elsewhere")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "initdb").symlink_to(folder / "initdb")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    assert find_programs(tmp_path / "debian") == folder


def test_names_the_package(install, tmp_path):
    with pytest.raises(PostgresMissingError, match="apt-get install postgresql"):
        find_programs(tmp_path / "debian")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start it as somebody else")
def test_root_is_not_the_owner():
    """Root starts the server as somebody else."""
    owner = postgres.server_owner()

    assert owner is not None
    assert 0 not in owner


@needs_postgres
def test_answers_leaves_nothing(tmp_path):
    with Postgres(log=tmp_path / "postgres.out") as server:
        folder = server.folder
        connection = psycopg2.connect(server.url.replace("+psycopg2", ""))
        with connection.cursor() as cursor:
            cursor.execute("SHOW fsync")
            answer = cursor.fetchone()
        pid = connection.info.backend_pid

    assert answer == ("off",)
    assert not folder.exists()
    assert not psutil.pid_exists(pid)


@needs_postgres
def test_killed_server_is_noticed(tmp_path):
    with Postgres(log=tmp_path / "postgres.out") as server:
        postmaster = psutil.Process(int((server.folder / "data" / "postmaster.pid").read_text().split()[0]))
        postmaster.kill()
        deadline = time.monotonic() + 10
        while postmaster.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline
            time.sleep(0.02)

        with pytest.raises(PostgresDiedError, match="killed by SIGKILL"):
            server.check_alive()


@needs_postgres
def test_failed_database_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(postgres, "INITDB", ("--no-such-option",))

    with pytest.raises(PostgresDiedError, match="no-such-option"), Postgres(log=tmp_path / "postgres.out"):
        pass


def test_unstarted_can_be_stopped(tmp_path):
    Postgres(log=tmp_path / "postgres.out").stop()
