"""The import operator's work without Airflow: the items of one task, its attempts, and its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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
from airflow_provider_cgc.jobs.submitting.tolerance import Tolerance

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
    store: Any = field(default_factory=NoStore)
    max_failures: int = 0
    max_tries: int = 0
    began: datetime | None = None

    def order(self) -> ImportOrder:
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
            if_exists=self.if_exists,
            verify=self.verify,
            tolerance=Tolerance(self.max_failures),
            read_again=None if self.has_manifest else self.read,
        )

    def read(self) -> list[ImportItem]:
        return read_each(self.items, where="items", read=ImportItem.read)

    def attempt(self, order: ImportOrder) -> Attempt:
        clock = self.emulator.clock
        return Attempt(order, log_info=lambda line: None, clock=clock.now, sleep=clock.advance)

    def planned(self, *, cleared: bool = False) -> tuple[Attempt, Ledger]:
        """Check and decide as the next attempt does; it remembers the earlier ones if there is a store."""
        is_first, self.max_tries = self.began is None, self.max_tries + cleared
        order = self.order()
        attempt = self.attempt(order)
        attempt.check(self.read(), first=is_first)
        now = attempt.now()
        self.began = self.began or now
        ledger = Ledger(
            self.store, IMPORT, order.keys, since=self.began, owner="me", fresh=is_first, max_tries=self.max_tries
        )
        attempt.plan.decide(ledger, later_poke=False, now=now)
        return attempt, ledger

    def send(self, *, cleared: bool = False, meanwhile: Callable[[], object] = lambda: None) -> list[ItemOutcome]:
        """Send as the next attempt does; `meanwhile` is called between its last look and its first request."""
        attempt, ledger = self.planned(cleared=cleared)
        meanwhile()
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

    def jobs(self) -> list[str | None]:
        """The locations of all imports on the platform."""
        return [job.location for job in self.client.imports.list()]

    def files(self) -> dict[str, Any]:
        """The platform's own facts about the aliases in the project, by path."""
        with self.emulator.world.open() as world:

            def path(file: Any) -> str:
                above = world.files[file.parent]
                return str(file.name if above.parent is None else f"{path(above)}/{file.name}")

            mine = [one for one in world.files.values() if one.project == PROJECT and one.volume == VOLUME]
            return {path(one): one for one in mine}

    def put_alias(self, path: str, location: str, **described: Any) -> str:
        """Let somebody else have imported an object; return the file's id."""
        [file_id] = self.emulator.add_files([path], project=PROJECT, size=1000, **described)
        with self.emulator.world.open() as world:
            world.files[file_id].become_alias(VOLUME, location, world.clock.now())
        self.emulator.clock.advance(600)
        return file_id

    def folder(self, name: str) -> Any:
        with self.emulator.world.open() as world:
            return next(one for one in world.files.values() if one.folder and one.name == name)

    def must_be_right(self, account: Account) -> None:
        assert account.not_yet_known is None
        assert (account.summary.completed, account.summary.failed) == (len(self.items), 0), account.outcomes
        files = self.files()
        assert {path: file.location for path, file in files.items()} == {one: one for one in LOCATIONS}
        for path, file in files.items():
            assert file.metadata == {"sample_id": path.split("/")[-2], "source": path}
            assert file.tags == ("night",)
        assert [one["file"] for one in account.results.values()] == [files[path].id for path in LOCATIONS]
