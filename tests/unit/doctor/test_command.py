"""The doctor's command lines: our own and that of Airflow take the same, and wrong usage is status 2."""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
from typing import Any

import pytest

from airflow_provider_cgc import get_provider_info
from airflow_provider_cgc.__main__ import main
from airflow_provider_cgc.doctor import command
from airflow_provider_cgc.doctor.finding import Finding, State, failed, ok
from airflow_provider_cgc.doctor.foreign import foreign
from airflow_provider_cgc.hooks.cgc import CgcHook

OPTIONS = {"--conn-id", "--project", "--volume", "--manifest-path", "--manifest-conn-id"}


@pytest.fixture
def findings(monkeypatch: pytest.MonkeyPatch) -> dict[str, Finding]:
    """The findings of the next run."""
    made: dict[str, Finding] = {}
    monkeypatch.setattr(command, "_findings", lambda given: iter(made.items()))
    return made


def airflows_command() -> Any:
    [group] = command.airflow_commands()
    [doctor] = group.subcommands
    assert (group.name, doctor.name) == ("cgc", "doctor")
    return doctor


def test_command_imports_little() -> None:
    """Airflow imports the command for each of its own; and it must work where Airflow does not."""
    code = (
        "import sys, airflow_provider_cgc.doctor.command, airflow_provider_cgc.__main__\n"
        "print({'airflow', 'requests', 'sqlalchemy'} & set(sys.modules))\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == "set()\n"


@pytest.mark.parametrize("arguments", [[], ["nurse"], ["doctor", "--colour", "red"], ["doctor", "--volume"]])
def test_wrong_usage_is_two(arguments: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "usage: " in told
    assert "doctor" in told


def test_help_names_all(capsys: Any) -> None:
    with pytest.raises(SystemExit):
        main(["doctor", "--help"])

    told = " ".join(capsys.readouterr().out.split())
    assert all(f"{option} " in told for option in OPTIONS)
    assert "may-be-deleted.txt is written beside it, read and removed" in told


def test_airflow_takes_the_same() -> None:
    parser = argparse.ArgumentParser()
    for argument in airflows_command().args:
        argument.add_to_parser(parser)

    assert {flag for one in airflows_command().args for flag in one.flags} == OPTIONS
    assert parser.parse_args([]).conn_id == CgcHook.default_conn_name


def test_airflow_is_told_of_it() -> None:
    [name] = get_provider_info()["cli"]

    assert name == f"{command.__name__}.{command.airflow_commands.__name__}"


@pytest.mark.parametrize(("state", "status"), [(State.NOTE, 0), (State.NOT_CHECKED, 0), (State.FAILED, 1)])
def test_status_is_of_failures(findings: dict[str, Finding], capsys: Any, state: State, status: int) -> None:
    findings |= {"one": ok("fine"), "two": Finding(state, "so so")}

    with pytest.raises(SystemExit) as ended:
        airflows_command().func(argparse.Namespace())

    assert ended.value.code == status
    assert capsys.readouterr().out.splitlines()[-1] == ("1 failed: two." if status else "Nothing failed.")


def test_finding_is_one_line(findings: dict[str, Finding], capsys: Any) -> None:
    findings["one"] = failed("a\nb\n  c\x1b[2K\u202e")

    assert command.run(argparse.Namespace()) == 1

    assert capsys.readouterr().out == "FAILED       one         a b c?[2K?\n1 failed: one.\n"


def test_logs_come_back(findings: dict[str, Finding], monkeypatch: pytest.MonkeyPatch) -> None:
    before, during = logging.root.manager.disable, []
    monkeypatch.setattr(command, "_findings", lambda given: during.append(logging.root.manager.disable) or iter(()))

    command.run(argparse.Namespace())

    assert (logging.root.manager.disable, during) == (before, [logging.CRITICAL])


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no\nmore"), "ValueError: no"),
        (RuntimeError(), "RuntimeError"),
        (OSError(2, "No such file"), "FileNotFoundError: [Errno 2] No such file"),
    ],
)
def test_foreign_error_is_short(error: Exception, text: str) -> None:
    assert foreign(error) == text
