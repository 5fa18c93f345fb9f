"""A new kind of job is submitted like the others: once, whatever gets lost, by what its order alone knows."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_cgc.client.errors import CgcConnectionError
from airflow_provider_cgc.jobs.kinds import KINDS
from airflow_provider_cgc.jobs.submitting.account import account_for
from airflow_provider_cgc.jobs.submitting.attempt import Attempt
from airflow_provider_cgc.jobs.submitting.header import NoStore
from airflow_provider_cgc.jobs.submitting.items import BadItems, Item, read_each
from airflow_provider_cgc.jobs.submitting.ledger import Ledger
from airflow_provider_cgc.jobs.submitting.manifest import read_items, read_outcomes
from airflow_provider_cgc.jobs.submitting.order import Order
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, ItemState, tracker_of
from airflow_provider_cgc.jobs.submitting.plan import UncertainJobs
from tests.conftest import ROOT
from tests.fakes.kinds import COPY, RUN, Client, Copies
from tests.fakes.orders import CopyItem, CopyOrder, ListedRuns, RunItem, RunOrder
from tests.fakes.store import Store

START = 1_000_000.0
LOST = CgcConnectionError("the line dropped", sent=True)


class Clock:
    def __init__(self) -> None:
        self.seconds = START

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Any:
    for kind in (RUN, COPY):
        monkeypatch.setitem(KINDS, kind.name, kind)
    return Client(runs=ListedRuns(clock), copies=Copies())


def attempt(
    order: Order, items: Sequence[Item], clock: Clock, *, store: Any = None, first: bool = True
) -> list[ItemOutcome]:
    """Make one attempt at an order."""
    one = Attempt(order, log_info=lambda line: None, clock=clock, sleep=clock.sleep)
    one.check(items, first=first)
    since = datetime.fromtimestamp(START, UTC)
    one.now()
    ledger = Ledger(NoStore() if store is None else store, order.kind, order.keys, since=since, owner="me", fresh=first)
    one.plan.decide(ledger, later_poke=False, now=one.began)
    one.send(ledger)
    return one.outcomes()


def items_of(of: type[Item], *names: str) -> list[Item]:
    return read_each([{"name": name} for name in names], where="items", read=of.read)


def test_runs_are_drafts_at_first(client: Any, clock: Clock) -> None:
    """Runs are drafts until somebody waits."""
    outcomes = attempt(RunOrder(client), items_of(RunItem, "a", "b"), clock)

    assert [(one.id, one.state) for one in outcomes] == [("a", ItemState.SUBMITTED), ("b", ItemState.SUBMITTED)]
    assert client.runs.starts == []
    assert list(tracker_of(RUN, outcomes).open) == ["a", "b"]


def test_lost_draft_has_a_marker(client: Any, clock: Clock) -> None:
    """A lost draft is found by its marker."""
    client.runs.lost = [LOST]

    outcomes = attempt(RunOrder(client), items_of(RunItem, "a", "b"), clock)

    assert [one.id for one in outcomes] == ["a", "b"]
    assert list(client.runs.began) == ["a", "b"]


@pytest.mark.parametrize("store", [Store, NoStore])
def test_retry_takes_over_drafts(client: Any, clock: Clock, store: type[Any]) -> None:
    kept = store()
    attempt(RunOrder(client), items_of(RunItem, "a"), clock, store=kept)

    outcomes = attempt(RunOrder(client), items_of(RunItem, "a", "b"), clock, store=kept, first=False)

    assert [one.id for one in outcomes] == ["a", "b"]
    assert list(client.runs.began) == ["a", "b"]


def test_unlisted_is_uncertain(client: Any, clock: Clock) -> None:
    with pytest.raises(UncertainJobs, match=r"started 1 copy, such as a \(.*the platform has no list of such jobs"):
        attempt(CopyOrder(client), items_of(CopyItem, "a"), clock, first=False)


def test_things_are_kept_alone(client: Any, clock: Clock) -> None:
    """The things of a job are sent and kept one by one."""
    names = [f"n{number}" for number in range(150)]
    kept = Store()

    outcomes = attempt(CopyOrder(client), items_of(CopyItem, *names), clock, store=kept)
    again = attempt(CopyOrder(client), items_of(CopyItem, *names), clock, store=kept, first=False)

    assert outcomes[0].id == "copy0#0"
    assert outcomes[-1].id == "copy1#49"
    assert [one.id for one in again] == [one.id for one in outcomes]
    assert len(client.copies.jobs) == 2


def test_what_is_needed_comes_first(client: Any, clock: Clock) -> None:
    order = CopyOrder(client)

    attempt(order, items_of(CopyItem, "a", "b"), clock)

    assert order.prepared == [("a",), ("b",)]


def test_account_tells_each_thing(client: Any, clock: Clock) -> None:
    order = CopyOrder(client)
    outcomes = attempt(order, items_of(CopyItem, "a", "b"), clock)
    client.copies.finish("copy0", {"name": "a"}, {"name": "b", "error": {"code": 10225, "message": "Gone."}})
    tracker = tracker_of(COPY, outcomes)
    tracker.take(client.copies.bulk_get(tracker.open), clock())

    account = account_for(
        order,
        tracker.summary(),
        outcomes=outcomes,
        ids=[str(one.id) for one in outcomes],
        since=None,
        log_info=lambda line: None,
    )

    assert [(one.state.value, one.code) for one in account.outcomes or ()] == [("COMPLETED", None), ("FAILED", 10225)]
    assert (account.summary.completed, account.summary.failed) == (1, 1)


def test_manifest_of_any_kind(client: Any, clock: Clock) -> None:
    lines = [one.to_line() for one in attempt(RunOrder(client), items_of(RunItem, "a"), clock)]

    [item] = read_items(lines, name="m.jsonl", of=RunItem)
    [outcome] = read_outcomes(lines, name="m.jsonl", of=RunItem).outcomes

    assert (item.name, item.project) == ("a", "lab/p")
    assert (outcome.id, outcome.item.key()) == ("a", ("lab/p", "[a]"))


def test_table_of_any_kind() -> None:
    items = read_items(["project,name\n", "lab/q,a\n"], name="m.csv", of=RunItem)

    assert [(item.name, item.project) for item in items] == [("a", "lab/q")]
    with pytest.raises(BadItems, match="has no column 'name'; split at"):
        read_items(["project\n", "lab/q\n"], name="m.csv", of=RunItem)


NAMES = re.compile(r"export|import(?!ed|lib)|\btask_id\b|volume|file(?!r)", re.IGNORECASE)


def names_in(path: Any) -> set[str]:
    """Return the names in a module's code that belong to one kind of job."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
    words = {one.string for one in tokens if one.type == tokenize.NAME and one.string != "import"}
    return {word for word in words if NAMES.search(word)}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "airflow_provider_cgc/jobs/submitting").glob("*.py")), ids=lambda p: p.name
)
def test_submitting_names_no_kind(path: Any) -> None:
    assert names_in(path) == set()
