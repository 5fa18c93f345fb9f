"""The import operator's work without Airflow, whatever the platform does where its documents are silent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcClient
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.imports.item import ImportItem
from airflow_provider_cgc.jobs.imports.names import NameTemplate, TagTemplate, ValueTemplate, Wishes
from airflow_provider_cgc.jobs.imports.order import ImportOrder
from airflow_provider_cgc.jobs.kinds import IMPORT
from airflow_provider_cgc.jobs.submitting.account import Account, account_for
from airflow_provider_cgc.jobs.submitting.attempt import Attempt
from airflow_provider_cgc.jobs.submitting.header import NoStore
from airflow_provider_cgc.jobs.submitting.items import read_each
from airflow_provider_cgc.jobs.submitting.ledger import Ledger
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, tracker_of

VOLUME, PROJECT = "demo-lab/results", "demo-lab/leftovers"
"""The volume has a prefix of its own."""
LOCATIONS = ["in/s1/a.bam", "in/s1/b.bam", "in/s2/a.bam"]
METADATA = {"sample_id": "{folder}", "source": "{location}"}


@dataclass
class Work:
    """Imports of one task without Airflow."""

    emulator: CgcEmulator
    client: CgcClient
    items: Sequence[Any] = field(default_factory=lambda: list(LOCATIONS))
    name: str = "{path}/{name}"
    if_exists: str = "fail"
    metadata: Mapping[str, str] = field(default_factory=lambda: dict(METADATA))
    tags: Sequence[str] = ("night",)
    verify: bool = False
    has_manifest: bool = True
    parent: str | None = None
    ids: list[str] = field(default_factory=list)

    def order(self, if_exists: str | None = None) -> ImportOrder:
        wishes = Wishes(
            name=NameTemplate(self.name),
            volume=VOLUME,
            project=None if self.parent else PROJECT,
            parent=self.parent,
            metadata={key: ValueTemplate(text) for key, text in self.metadata.items()},
            tags=[TagTemplate(text) for text in self.tags],
        )
        return ImportOrder(
            self.client,
            wishes=wishes,
            if_exists=if_exists or self.if_exists,
            verify=self.verify,
            read_again=None if self.has_manifest else self.read,
        )

    def read(self) -> list[ImportItem]:
        return read_each(self.items, where="items", read=ImportItem.read)

    def send(self) -> list[ItemOutcome]:
        """Send as a first attempt does."""
        order = self.order()
        attempt = Attempt(order, log_info=lambda line: None, sleep=self.emulator.clock.advance)
        attempt.check(self.read())
        self.began = attempt.now()
        ledger = Ledger(NoStore(), IMPORT, order.keys, since=self.began, owner="me", fresh=True)
        attempt.plan.decide(ledger, later_poke=False, now=attempt.began)
        attempt.send(ledger)
        assert not attempt.result.uncertain
        return attempt.outcomes(user="me", conn_id="cgc_default")

    def end(self, outcomes: list[ItemOutcome]) -> Account:
        """Wait for the jobs and account for the items."""
        self.emulator.clock.advance(600)
        tracker = tracker_of(IMPORT, outcomes)
        ids = list(tracker.open)
        tracker.take(self.client.imports.bulk_get(ids), 0.0)
        assert not tracker.open
        return account_for(
            self.order(),
            tracker.summary(),
            outcomes=outcomes if self.has_manifest else None,
            ids=ids,
            since=self.began,
            log_info=lambda line: None,
        )

    def play(self) -> Account:
        return self.end(self.send())

    def files(self) -> dict[str, Any]:
        """The platform's own facts about the aliases in the project, by path."""
        with self.emulator.world.open() as world:

            def path(file: Any) -> str:
                above = world.files[file.parent]
                return file.name if above.parent is None else f"{path(above)}/{file.name}"

            mine = [one for one in world.files.values() if one.project == PROJECT and one.volume == VOLUME]
            return {path(one): one for one in mine}

    def must_be_right(self, account: Account) -> None:
        assert account.not_yet_known is None
        assert (account.summary.completed, account.summary.failed) == (len(self.items), 0), account.outcomes
        files = self.files()
        assert {path: file.location for path, file in files.items()} == {one: one for one in LOCATIONS}
        for path, file in files.items():
            assert file.metadata == {"sample_id": path.split("/")[-2], "source": path}
            assert file.tags == ("night",)
        assert [one["file"] for one in account.results.values()] == [files[path].id for path in LOCATIONS]


@pytest.fixture
def work(cgc: CgcEmulator, client: CgcClient) -> Callable[..., Work]:
    cgc.put_objects([*LOCATIONS, "other/x.bam"], volume=VOLUME, size=1000)
    return lambda **how: Work(cgc, client, **how)


SWITCHES: list[dict[str, Any]] = [
    {"alias_location": "whole"},
    {"destination_name": "asked"},
    {"taken_name": "submit"},
    {"null_metadata": "removed"},
    {"null_metadata": "ignored"},
    {"odd_metadata": "converted"},
    {"edit_key": "both"},
    {"edit_tags": "add"},
    {"record_order": "reversed"},
    {"record_order": "shuffled"},
    {"list_order": "oldest"},
    {"list_order": "id"},
    {"list_order": "shuffled"},
    {"list_lag": 30.0},
    {"total_header": "absent"},
    {"total_header": "twice"},
    {"empty_links": "absent"},
    {"next_links": "absent"},
    {"failed_status": "error"},
    {"absent": "null"},
    {"empty": "null"},
    {"extra_fields": True},
    {"import_checks": "job"},
    {"import_project": "named"},
    {"type_case": "other"},
    {"time_offset": "+02:00"},
    {"result": "absent"},
    {"job_error": "absent"},
    {"bulk_fields": "plain"},
    {"bulk_fields": "ignored"},
    {"unknown_ids": "gap"},
    {"unknown_for": 20.0},
    {"hosted_on": "absent"},
    {"jump": True},
    {"default_limit": 1},
    {"retry_after": True, "reset_unit": "ms"},
    {"alias_location": "whole", "result": "absent", "destination_name": "asked", "absent": "null", "empty": "null"},
]


@pytest.mark.parametrize("has_manifest", [True, False])
@pytest.mark.parametrize("if_exists", ["fail", "skip", "overwrite", "rename"])
@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_each_once_and_described(
    cgc: CgcEmulator, work: Callable[..., Work], switches: dict[str, Any], if_exists: str, has_manifest: bool
) -> None:
    """Whatever the platform's documents leave open, each object becomes one file, which is described and returned."""
    cgc.set_options(switches)
    one = work(if_exists=if_exists, has_manifest=has_manifest)

    one.must_be_right(one.play())
