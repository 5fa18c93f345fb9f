"""The command `python -m airflow_provider_cgc doctor`, and from Airflow 3.2 on `airflow cgc doctor`.

Airflow imports this module for each of its own commands, so that it loads little.
"""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.doctor.finding import Finding, State
from airflow_provider_cgc.doctor.installed import check_airflow, check_versions

if TYPE_CHECKING:
    from airflow.cli.cli_config import CLICommand

__all__ = ["DESCRIPTION", "SUMMARY", "add_options", "airflow_commands", "run"]

SUMMARY = "check versions, connection, token, project, volume, triggerer and manifest storage"
DESCRIPTION = (
    "Check what a task of this provider needs, one line each, with the next step where something is wrong. Run it in"
    " the environment of the component that is in doubt: a worker, the scheduler, the triggerer. Nothing is changed on"
    " the platform; with --manifest-path a small file is written there and removed again. The exit status is 0 if"
    " nothing failed, 1 if something did, 2 if the command was not understood."
)
_OPTIONS: dict[str, dict[str, Any]] = {
    "--conn-id": {"default": "cgc_default", "metavar": "ID", "help": "the Airflow connection (default: %(default)s)"},
    "--project": {
        "metavar": "OWNER/NAME",
        "help": "the project to export from or import into (default: that of the connection)",
    },
    "--volume": {"metavar": "OWNER/NAME", "help": "the volume to export to; nothing is written to it"},
    "--manifest-path": {
        "metavar": "ADDRESS",
        "help": "the manifest_path of a task, without templates, such as s3://bucket/folder/name.jsonl: a small file"
        " cgc-doctor-...-may-be-deleted.txt is written beside it, read and removed; missing folders are made",
    },
    "--manifest-conn-id": {"metavar": "ID", "help": "the manifest_conn_id of that task, if the address names none"},
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command to a parser."""
    for flag, details in _OPTIONS.items():
        parser.add_argument(flag, **details)


def airflow_commands() -> list[CLICommand]:
    """Return the commands for Airflow's own command line (the provider info's `cli`)."""
    from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand

    doctor = ActionCommand(
        name="doctor",
        help=SUMMARY,
        description=DESCRIPTION,
        func=_run_in_airflow,
        args=[Arg((flag,), **details) for flag, details in _OPTIONS.items()],
    )
    return [GroupCommand(name="cgc", help="The Cancer Genomics Cloud", subcommands=[doctor])]


def run(given: argparse.Namespace) -> int:
    """Print a line for each check as soon as it is made, and return the exit status."""
    failures = []
    with _quiet():
        for name, finding in _findings(given):
            print(finding.line(name), flush=True)
            if finding.state is State.FAILED:
                failures.append(name)
    print(f"{len(failures)} failed: {', '.join(failures)}." if failures else "Nothing failed.", flush=True)
    return 1 if failures else 0


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep logs and warnings out of the lines, which say it once and better."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _run_in_airflow(given: argparse.Namespace) -> None:
    sys.exit(run(given))


def _findings(given: argparse.Namespace) -> Iterator[tuple[str, Finding]]:
    for name, check in (("versions", check_versions), ("airflow", check_airflow)):
        finding = check()
        yield name, finding
        if finding.state is State.FAILED:
            return
    # Only now: without the right packages this import fails.
    from airflow_provider_cgc.doctor.checks import examine
    from airflow_provider_cgc.doctor.visit import Wanted

    yield from examine(Wanted(**{one.name: getattr(given, one.name) for one in fields(Wanted)}))
