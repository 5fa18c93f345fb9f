"""The needs of every tier: an Airflow home of its own, set before anything imports Airflow; a sample or all."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.sample import LEFT_OUT, leave_out, plays_whole

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(tempfile.mkdtemp(prefix="airflow-provider-cgc-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
DAGS = HOME / "dags"
DAGS.mkdir()

for name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
    del os.environ[name]
os.environ.update(
    AIRFLOW_HOME=str(HOME),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__DAGS_FOLDER=str(DAGS),
    AIRFLOW__CORE__UNIT_TEST_MODE="False",
    AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL="0",  # a test runs another Dag of the same name at once
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{HOME / 'airflow.db'}",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="play every combination, as `make test-all` does")


def pytest_configure(config: pytest.Config) -> None:
    """Hypothesis: 40 examples, the same in each run; with --whole 200 new ones, of which one that fails is printed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that whatever was made is removed
    whole = plays_whole(config)
    settings.register_profile(
        "cgc", deadline=None, max_examples=200 if whole else 40, derandomize=not whole, print_blob=True
    )
    settings.load_profile("cgc")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """
    Keep a file's tests in one process, and all that run on Airflow's own API in one.

    A process has an Airflow home and a database of its own, and building that API takes seconds. A test there that
    crashes its process costs the rest of the tier.
    """
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "tests/airflow" if file.startswith("tests/airflow/") else file

    return Scheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out after -k and -m, so that what they choose is sampled."""
    if not plays_whole(config):
        leave_out(config, items)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let xdist carry what a worker has left out to the terminal."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = dict(session.config.stash.get(LEFT_OUT, {}))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """All workers leave out the same tests, so the count of one that did not crash is enough."""
    if "left_out" in getattr(node, "workeroutput", {}):
        node.config.stash[LEFT_OUT] = Counter(node.workeroutput["left_out"])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the tests that `make test-all` would add."""
    left_out = config.stash.get(LEFT_OUT, Counter())
    if left_out:
        told = ", ".join(f"{count:,} in {tier}" for tier, count in sorted(left_out.items()))
        terminalreporter.write_line(
            f"A sample was played, without {left_out.total():,} combinations ({told}); add --whole to ARGS for all."
        )
