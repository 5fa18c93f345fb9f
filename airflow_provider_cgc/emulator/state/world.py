"""The whole state of one emulated platform, behind one door; knows no HTTP, and no kind of job beyond its queue."""

from __future__ import annotations

import random
import secrets
import string
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from airflow_provider_cgc.emulator.options import Options
from airflow_provider_cgc.emulator.state import lab as seeds
from airflow_provider_cgc.emulator.state.bucket import Bucket
from airflow_provider_cgc.emulator.state.catalog import CatalogFile
from airflow_provider_cgc.emulator.state.clock import Clock
from airflow_provider_cgc.emulator.state.errors import PlatformError
from airflow_provider_cgc.emulator.state.faults import FailRule, FaultBox, Moment
from airflow_provider_cgc.emulator.state.limits import Rate, RateLimit
from airflow_provider_cgc.emulator.state.nouns import File, Jobs, Project, User, Volume
from airflow_provider_cgc.emulator.state.queue import SLOTS, THROUGHPUT, Job, JobQueue, advance
from airflow_provider_cgc.emulator.state.registry import JobRegistry
from airflow_provider_cgc.emulator.state.tree import Tree

T = TypeVar("T")

_ID_LETTERS = string.ascii_letters + string.digits
# An import moves no bytes: it has ended a second after it was submitted.
_IMPORT_SECONDS = 0.5


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
        # choice: a queue for each kind, so that an import does not wait behind terabytes of exports.
        self._queues: dict[Jobs, JobQueue] = {
            "exports": JobQueue(slots=slots, throughput=throughput),
            "imports": JobQueue(slots=slots, pending=_IMPORT_SECONDS, overhead=_IMPORT_SECONDS),
        }
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
        # The same ids in each run are the point; those of jobs must not depend on what else is thrown for.
        self._random = random.Random(self._seed)
        self._file_ids = random.Random(f"{self._seed}/files")
        self.dice = random.Random(f"{self._seed}/order")
        lab = seeds.make_lab(self._catalogue, self.clock.now())
        self.lab = lab
        self.projects: dict[str, Project] = lab.projects
        self.files = Tree(lab.files.values())
        self.volumes: dict[str, Volume] = lab.volumes
        self.buckets: dict[str, Bucket] = lab.buckets
        self.jobs: dict[Jobs, JobRegistry[Any]] = {kind: JobRegistry() for kind in self._queues}

    @contextmanager
    def open(self) -> Iterator[World]:
        """Give the world as it is now, with nobody else in it."""
        with self._lock:
            advance([*self._queues.values()], self.clock.now(), stuck=self.options.stuck)
            yield self

    def reset(self) -> None:
        """Go back to the start: no jobs, no faults, its first files and options, the wall's time. Tokens stay good."""
        with self._lock:
            self.clock.reset()
            for queue in self._queues.values():
                queue.reset()
            self.limits.reset()
            self._start()

    def user_of(self, token: str | None) -> User:
        """Return the user of a token.

        :raises PlatformError: 90001 if it is nobody's.
        """
        user = self._tokens.get(token or "")
        if user is None:
            raise PlatformError(90001)
        return user

    def rate_of_token(self, token: str | None) -> Rate | None:
        """Return the requests that the owner of a token has left; None if it is nobody's."""
        user = self._tokens.get(token or "")
        return self.look_at_rate(user) if user else None

    def look_at_rate(self, user: User) -> Rate:
        """Return the requests that a user has left."""
        return self.limits.look(user.name, sliding=self.options.rate_window == "sliding")

    def take_from_rate(self, user: User) -> Rate:
        """Count one more request of a user, and return those that are left."""
        return self.limits.take(user.name, sliding=self.options.rate_window == "sliding")

    def account(self, name: str) -> User:
        """Return a user by name.

        :raises PlatformError: 2002 if there is none.
        """
        for user in self._tokens.values():
            if user.name == name:
                return user
        raise PlatformError(2002)

    def add_token(self, name: str) -> str:
        """Return a new token for a user, who is made if need be."""
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
        """Return a project by id.

        :raises PlatformError: 3002 if there is none.
        """
        return _found(self.projects, project_id, 3002)

    def volume(self, volume_id: str) -> Volume:
        """Return a volume by id.

        :raises PlatformError: 9007 if there is none.
        """
        return _found(self.volumes, volume_id, 9007)

    def file(self, file_id: str) -> File:
        """Return a file or folder by id.

        :raises PlatformError: 5002 if there is none.
        """
        return _found(self.files, file_id, 5002)

    def active_volume(self, volume_id: str) -> Volume:
        """Return a volume that can be used.

        :raises PlatformError: 9007 if there is none, 9069 if it is inactive.
        """
        volume = self.volume(volume_id)
        if not volume.active:
            raise PlatformError(9069)
        return volume

    @property
    def exports(self) -> JobRegistry[Any]:
        """All export jobs."""
        return self.jobs["exports"]

    def start(self, job: Job) -> None:
        """Take a new job in."""
        self.jobs[job.kind].add(job)
        self._queues[job.kind].add(job)

    def open_jobs(self) -> Iterator[Job]:
        """Yield the jobs of every kind that have not ended."""
        for queue in self._queues.values():
            yield from queue.open_jobs()

    def abort(self, which: Callable[[Job], bool], error: PlatformError) -> None:
        """End some of the open jobs."""
        for queue in self._queues.values():
            queue.abort(which, error)

    def forget(self, job_ids: Iterable[str]) -> None:
        """Make jobs unknown, as if they had ended long ago; what they do to files and volumes stays."""
        ids = set(job_ids)
        for jobs in self.jobs.values():
            jobs.forget(ids)

    def scripted_failure(self, at: Moment, jobs: Jobs | None, thing: str, *names: str) -> PlatformError | None:
        """Return the failure that a test has scripted for a file or a location; the newest rule decides.

        :param thing: tells the file or location from all others.
        :param names: by which else a rule may mean it.
        """
        for rule in reversed(self.fail_rules):
            if rule.strikes(at, jobs, thing, *names):
                return rule.error
        return None

    def new_job_id(self) -> str:
        """Return 32 letters and digits."""
        return "".join(self._random.choices(_ID_LETTERS, k=32))

    def new_file_id(self) -> str:
        """Return 24 hexadecimal digits."""
        return f"{self._file_ids.getrandbits(96):024x}"


def _found(things: Mapping[str, T], key: str, code: int) -> T:
    thing = things.get(key)
    if thing is None:
        raise PlatformError(code)
    return thing
