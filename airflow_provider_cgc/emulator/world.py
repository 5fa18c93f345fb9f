"""Knows the whole state of one emulated platform, and is the one door to it; knows no HTTP."""

from __future__ import annotations

import random
import secrets
import string
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from airflow_provider_cgc.emulator import seed as seeds
from airflow_provider_cgc.emulator.catalog import CatalogFile
from airflow_provider_cgc.emulator.clock import Clock
from airflow_provider_cgc.emulator.errors import PlatformError
from airflow_provider_cgc.emulator.exports import ExportJob
from airflow_provider_cgc.emulator.faults import FailRule, FaultBox, Moment
from airflow_provider_cgc.emulator.jobs import SLOTS, THROUGHPUT, JobQueue
from airflow_provider_cgc.emulator.limits import RateLimit
from airflow_provider_cgc.emulator.model import File, Project, StoredObject, User, Volume
from airflow_provider_cgc.emulator.options import Options

T = TypeVar("T")

_ID_LETTERS = string.ascii_letters + string.digits


class World:
    """Accounts, projects, files, volumes and jobs of one platform; touch it only in `with world.open():`."""

    def __init__(
        self,
        catalogue: Sequence[CatalogFile],
        *,
        clock: Clock,
        token: str,
        seed: int = 0,
        rate_limit: int = 1000,
        slots: int = SLOTS,
        throughput: float = THROUGHPUT,
    ) -> None:
        self.clock = clock
        self.token = token
        self.user = User(seeds.USER)
        self.queue = JobQueue(slots=slots, throughput=throughput)
        self.limits = RateLimit(rate_limit, clock.wall)
        self._catalogue = tuple(catalogue)
        self._seed = seed
        self._tokens = {token: self.user}
        self._lock = threading.RLock()
        self._start()

    def _start(self) -> None:
        self.options = Options()
        self.faults = FaultBox(self._seed)
        self.fail_rules: list[FailRule] = []
        self._random = random.Random(self._seed)  # the same ids in each run are the point
        lab = seeds.make_lab(self._catalogue, self.clock.now())
        self.lab = lab
        self.projects: dict[str, Project] = lab.projects
        self.files: dict[str, File] = lab.files
        self.volumes: dict[str, Volume] = lab.volumes
        self.buckets: dict[str, dict[str, StoredObject]] = lab.buckets
        self.exports: dict[str, ExportJob] = {}

    @contextmanager
    def open(self) -> Iterator[World]:
        """The world as it is now, and nobody else in it."""
        with self._lock:
            self.queue.advance(self.clock.now(), stuck=self.options.stuck)
            yield self

    def reset(self) -> None:
        """Back to the start: no jobs, no faults, default options, the wall's time. Tokens stay good."""
        with self._lock:
            self.clock.reset()
            self.queue.reset()
            self.limits.reset()
            self._start()

    def user_of(self, token: str | None) -> User:
        """Whose token that is.

        :raises PlatformError: 90001 if it is nobody's.
        """
        user = self._tokens.get(token or "")
        if user is None:
            raise PlatformError(90001)
        return user

    def account(self, name: str) -> User:
        """A user by name.

        :raises PlatformError: 2002 if there is none.
        """
        for user in self._tokens.values():
            if user.name == name:
                return user
        raise PlatformError(2002)

    def add_token(self, name: str) -> str:
        """A token for a user, who is made if need be."""
        # Derived from a fresh dice, not from `_random`: the ids of jobs must not depend on who else has a
        # token.
        token = secrets.token_hex(16)
        self._tokens[token] = User(name)
        return token

    def set_token(self, new: str) -> None:
        """Make a new token for the default user; the old one is void at once."""
        if self._tokens.get(new, self.user) != self.user:
            raise ValueError("another user has that token")
        del self._tokens[self.token]
        self._tokens[new] = self.user
        self.token = new

    def project(self, project_id: str) -> Project:
        """A project by id.

        :raises PlatformError: 3002 if there is none.
        """
        return _found(self.projects, project_id, 3002)

    def volume(self, volume_id: str) -> Volume:
        """A volume by id.

        :raises PlatformError: 9007 if there is none.
        """
        return _found(self.volumes, volume_id, 9007)

    def file(self, file_id: str) -> File:
        """A file or folder by id.

        :raises PlatformError: 5002 if there is none.
        """
        return _found(self.files, file_id, 5002)

    def export(self, job_id: str, user: User) -> ExportJob:
        """An export job that this user started.

        :raises PlatformError: 9008 if nobody did, 9005 if another user did.
        """
        job = _found(self.exports, job_id, 9008)
        if job.user != user:
            raise PlatformError(9005)
        return job

    def exports_of(self, user: User) -> list[ExportJob]:
        """A user's export jobs as the list shows them: in its order, without those it does not know yet."""
        shown_until = self.clock.now() - self.options.list_lag
        jobs = [job for job in self.exports.values() if job.user == user and job.created <= shown_until]
        return jobs if self.options.list_order == "oldest" else jobs[::-1]

    def forget(self, job_ids: Iterable[str]) -> None:
        """Make jobs unknown, as if they had ended long ago; what they do to files and volumes stays."""
        for job_id in job_ids:
            self.exports.pop(job_id, None)

    def children(self, folder_id: str) -> list[File]:
        """What lies directly in a folder."""
        return [file for file in self.files.values() if file.parent == folder_id]

    def scripted_failure(self, at: Moment, file: File) -> PlatformError | None:
        """The failure that a test has scripted for a file; the newest rule decides."""
        for rule in reversed(self.fail_rules):
            if rule.hits(at, file.name, file.id):
                return rule.error
        return None

    def new_job_id(self) -> str:
        """32 letters and digits."""
        return "".join(self._random.choices(_ID_LETTERS, k=32))


def _found(things: dict[str, T], key: str, code: int) -> T:
    thing = things.get(key)
    if thing is None:
        raise PlatformError(code)
    return thing
