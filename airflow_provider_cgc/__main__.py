"""The command line: `python -m airflow_provider_cgc doctor`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from airflow_provider_cgc.doctor import command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_cgc",
        description="The Airflow provider for the Cancer Genomics Cloud.",
        epilog="python -m airflow_provider_cgc.emulator serves an emulated platform.",
    )
    commands = parser.add_subparsers(title="commands", required=True, dest="command")
    doctor = commands.add_parser("doctor", help=command.SUMMARY, description=command.DESCRIPTION)
    doctor.set_defaults(run=command.run)
    command.add_options(doctor)
    given = parser.parse_args(arguments)
    return int(given.run(given))


if __name__ == "__main__":
    sys.exit(main())
