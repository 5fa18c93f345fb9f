"""The checks of what is installed, which must go well before anything of ours or of Airflow can be imported."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from airflow_provider_cgc import __version__, get_provider_info
from airflow_provider_cgc.doctor.finding import Finding, failed, ok

__all__ = ["check_airflow", "check_versions"]

_SHOWN = ("apache-airflow", "apache-airflow-providers-common-compat")


def check_versions() -> Finding:
    """Compare the installed packages with those that this provider needs."""
    name = get_provider_info()["package-name"]
    try:
        wanted = requires(name) or []
    except PackageNotFoundError:
        return failed(
            f"{name} is not installed as a package, so that Airflow does not know its connection type: install it with"
            " pip in the environment of every component of Airflow."
        )
    problems = list(_problems(wanted))
    if problems:
        return failed(f"{name} {__version__} needs other packages: {'; '.join(problems)}.")
    shown = ", ".join(f"{package} {version(package)}" for package in _SHOWN)
    return ok(f"{name} {__version__}, {shown}, Python {platform.python_version()}")


def check_airflow() -> Finding:
    """Start Airflow in this process, as each of its commands does."""
    try:
        from airflow.configuration import AIRFLOW_HOME, conf

        executor = conf.get("core", "executor")
    except Exception as error:  # noqa: BLE001  # anything may be wrong with it; the text may hold a password
        return failed(
            f"Airflow cannot be started here ({type(error).__name__}): run `airflow version`, which shows the whole"
            " error, and correct Airflow's settings (airflow.cfg, and AIRFLOW__... in the environment). Inside a task"
            " of Airflow 3 this is normal: run the command in a shell of the worker."
        )
    return ok(f"starts, with AIRFLOW_HOME {AIRFLOW_HOME} and {executor}")


def _problems(wanted: list[str]) -> Iterator[str]:
    # Imported here, because Airflow brings it along.
    from packaging.requirements import Requirement

    for requirement in map(Requirement, wanted):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        install = f"pip install '{requirement.name}{requirement.specifier}'"
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            yield f"{requirement.name} is missing ({install})"
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            yield f"{requirement.name} is {installed} ({install}, with Airflow's constraints)"
