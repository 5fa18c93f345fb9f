"""Knows what a test may do to an emulated platform, through either door: Python or `/_emulator/`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_cgc.emulator.errors import PlatformError
from airflow_provider_cgc.emulator.exports import ExportOrder, submit
from airflow_provider_cgc.emulator.faults import FailRule, Fault, Moment
from airflow_provider_cgc.emulator.journal import Journal, RecordedRequest
from airflow_provider_cgc.emulator.seed import RESULTS
from airflow_provider_cgc.emulator.world import World


class Controls:
    """Faults, options, clock, jobs and statistics of one emulator; safe to use from any thread."""

    def __init__(self, world: World, journal: Journal) -> None:
        self.world = world
        self.journal = journal

    def fault(
        self,
        kind: str,
        *,
        method: str | None = None,
        path: str | None = None,
        count: int | None = 1,
        probability: float = 1.0,
        seconds: float | None = None,
        retry_after: str | int | None = None,
    ) -> None:
        """Let the next requests suffer.

        :param kind: one of `faults.KINDS`.
        :param method: only requests with this method.
        :param path: only requests whose path matches this glob, such as "/v2/bulk/storage/exports/*".
        :param count: how many requests, None for all until `clear_faults()`.
        :param probability: with which a request that could be struck is.
        :param seconds: of "slow": the delay before the request takes effect; of "429": until the reset.
        :param retry_after: value of a `Retry-After` header.
        """
        fault = Fault(kind, method, path, count, probability, seconds, retry_after)
        with self.world.open() as world:
            world.faults.add(fault)

    def fail_files(self, pattern: str, *, code: int, message: str | None = None, at: Moment = "job") -> None:
        """Let the export of files fail.

        :param pattern: a file's name or id, or a glob such as "*.bam".
        :param code: of the platform's error.
        :param at: "job": the job is accepted and FAILED later; "submit": the item is refused.
        :raises ValueError: for a code that is not in `errors.CODES`.
        """
        if at not in ("job", "submit"):
            raise ValueError(f"at must be 'job' or 'submit', not {at!r}")
        rule = FailRule(pattern, PlatformError(code, message), at)
        with self.world.open() as world:
            world.fail_rules.append(rule)

    def clear_faults(self) -> None:
        """Nothing goes wrong any more: no faults, no scripted failures."""
        with self.world.open() as world:
            world.faults.clear()
            world.fail_rules.clear()

    def option(self, name: str, value: Any) -> None:
        """Switch one of the variants of `options.Options`."""
        with self.world.open() as world:
            world.options.set(name, value)

    def submit_exports(
        self,
        file_ids: Sequence[str],
        *,
        location: str = "{name}",
        user: str | None = None,
        volume: str = RESULTS,
        copy_only: bool = True,
        overwrite: bool = False,
    ) -> list[str]:
        """Start exports without a request; their job ids, in order.

        :param location: may hold `{name}`, `{id}` and `{project}`.
        :param user: who starts them; the default user if none is named.
        :raises PlatformError: if the platform refuses one of them.
        """
        with self.world.open() as world:
            who = world.user if user is None else world.account(user)
            return [
                submit(world, who, _order(world, file_id, location, volume, overwrite, copy_only)).id
                for file_id in file_ids
            ]

    def add_token(self, username: str) -> str:
        """A token for another user, who is made if need be; nobody sees the jobs of others."""
        with self.world.open() as world:
            return world.add_token(username)

    def set_token(self, new: str) -> None:
        """Make a new token for the default user; the old one is answered 401 from now on."""
        with self.world.open() as world:
            world.set_token(new)

    def forget(self, job_ids: Sequence[str]) -> None:
        """Make finished jobs unknown, as after the end of their retention."""
        with self.world.open() as world:
            world.forget(job_ids)

    def stats(self) -> dict[str, Any]:
        """Requests by method and path, answers by status, their number, and the most looks at one job id."""
        return self.journal.stats()

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests that came, newest last, at most the newest 10,000."""
        return self.journal.kept()

    def reset(self) -> None:
        """Back to the start: jobs, buckets, faults, options, statistics, limits, clock. Files and tokens stay."""
        self.world.reset()
        self.journal.reset()


def _order(world: World, file_id: str, location: str, volume: str, overwrite: bool, copy_only: bool) -> ExportOrder:
    file = world.files.get(file_id)
    names = {"name": file.name if file else file_id, "id": file_id, "project": file.project if file else ""}
    try:
        key = location.format(**names)
    except (KeyError, IndexError) as error:
        raise ValueError(f"location {location!r}: there are only {{name}}, {{id}} and {{project}}") from error
    return ExportOrder(file_id, volume, key, overwrite, {}, copy_only)
