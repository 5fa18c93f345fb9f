"""The actions of a test on an emulated platform, through either door: Python or `/_emulator/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_cgc.emulator.controls.journal import Journal, RecordedRequest
from airflow_provider_cgc.emulator.state import exports, imports
from airflow_provider_cgc.emulator.state.errors import PlatformError
from airflow_provider_cgc.emulator.state.faults import FailRule, Fault, Moment
from airflow_provider_cgc.emulator.state.lab import PROJECT, READ_ONLY, RESULTS
from airflow_provider_cgc.emulator.state.nouns import File, Jobs, StoredObject, User
from airflow_provider_cgc.emulator.state.orders import ExportOrder, ImportOrder
from airflow_provider_cgc.emulator.state.world import World


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
        after: int = 0,
        seed: int | None = None,
    ) -> None:
        """Let the next requests suffer.

        :param kind: one of `faults.KINDS`.
        :param method: only requests with this method.
        :param path: only requests whose path matches this glob, such as `/v2/bulk/storage/exports/*`.
        :param count: how many requests, None for all until `clear_faults()`.
        :param probability: with which a request that could be struck is.
        :param seconds: of "slow": the delay before the request takes effect; of "slow_answer": the delay after it
            took effect; of "429": until the reset.
        :param retry_after: value of a `Retry-After` header.
        :param after: how many such requests pass before the first is struck.
        :param seed: of the dice for `probability`; by default it follows from the emulator's.
        """
        fault = Fault(kind, method, path, count, probability, seconds, retry_after, after, seed)
        with self.world.open() as world:
            world.faults.add(fault)

    def fail_files(
        self,
        pattern: str,
        *,
        code: int,
        message: str | None = None,
        at: Moment = "job",
        jobs: Jobs | None = None,
        times: int | None = None,
    ) -> None:
        """Let the export of files fail, or the import of objects, or the edit of files.

        :param pattern: a file's name or id, an object's location or the last part of it, or a glob such as `*.bam`.
        :param code: of the platform's error.
        :param at: "job": the job is accepted and FAILED later; "submit": the item is refused; "edit": the change of
            its name, metadata or tags is refused.
        :param jobs: only "exports" or only "imports".
        :param times: how often each file or object fails before it passes; None for always.
        :raises ValueError: for a code that is not in `errors.CODES`.
        """
        rule = FailRule(pattern, PlatformError(code, message), at, jobs, times)
        with self.world.open() as world:
            world.fail_rules.append(rule)

    def clear_faults(self) -> None:
        """End all faults and scripted failures."""
        with self.world.open() as world:
            world.faults.clear()
            world.fail_rules.clear()

    def option(self, name: str, value: Any) -> None:
        """Switch one of the variants of `options.Options`."""
        with self.world.open() as world:
            world.options.set(name, value)

    def set_options(self, values: Mapping[str, Any]) -> None:
        """Switch several variants, or none if one of them does not exist."""
        with self.world.open() as world:
            world.options.set_all(values)

    def option_text(self, name: str, text: str) -> None:
        """Switch one variant as a command line writes it."""
        with self.world.open() as world:
            world.options.set_text(name, text)

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
        :raises ~airflow_provider_cgc.emulator.state.errors.PlatformError: if the platform refuses one of them.
        """
        with self.world.open() as world:
            who = _who(world, user)
            return [
                exports.submit(world, who, _order(world, file_id, location, volume, overwrite, copy_only)).id
                for file_id in file_ids
            ]

    def submit_imports(
        self,
        locations: Sequence[str],
        *,
        volume: str = READ_ONLY,
        project: str | None = None,
        parent: str | None = None,
        name: str | None = None,
        user: str | None = None,
        overwrite: bool = False,
        autorename: bool = False,
        preserve_folder_structure: bool = True,
    ) -> list[str]:
        """Start imports without a request; their job ids, in order.

        :param locations: of objects, or of folders, which end with a slash.
        :param project: where they go; the first project if neither it nor a folder, `parent`, is named.
        :param name: in the project; it may hold `{name}`, which stands for the last part of the location.
        :param user: who starts them; the default user if none is named.
        :raises ~airflow_provider_cgc.emulator.state.errors.PlatformError: if the platform refuses one of them.
        """
        if project is None and parent is None:
            project = PROJECT
        with self.world.open() as world:
            who = _who(world, user)
            orders = [
                ImportOrder(
                    volume, location, project, parent, _import_name(name, location), overwrite, autorename,
                    preserve_folder_structure,
                )
                for location in locations
            ]  # fmt: skip
            return [imports.submit(world, who, order).id for order in orders]

    def put_objects(
        self,
        locations: Sequence[str],
        *,
        volume: str = READ_ONLY,
        size: int = 1_048_576,
        modified: float | None = None,
    ) -> None:
        """Put objects of one size on a volume, whoever may write to it.

        :param modified: when they were changed the last time, epoch seconds; now if not given.
        """
        for location in locations:
            if not location or location.endswith("/"):
                raise ValueError(f"location {location!r}: an object's is not empty and does not end with a slash")
        with self.world.open() as world:
            _store(world, locations, volume, size, modified)

    def put_placeholders(self, locations: Sequence[str], *, volume: str = READ_ONLY) -> None:
        """Put the objects without bytes on a volume with which a bucket marks folders.

        :param locations: of the folders, each with its slash at the end.
        """
        for location in locations:
            if not location.endswith("/"):
                raise ValueError(f"location {location!r}: a placeholder's ends with a slash")
        with self.world.open() as world:
            _store(world, locations, volume, 0, None)

    def add_files(
        self,
        paths: Sequence[str],
        *,
        project: str = PROJECT,
        size: int = 1_048_576,
        tags: Sequence[str] = (),
        metadata: Mapping[str, str] | None = None,
        task: str | None = None,
    ) -> list[str]:
        """Put files of one kind into a project; their ids, in order.

        :param paths: a name, or folders and a name with slashes between; folders that are not there are made, and a
            path that ends with a slash makes folders only.
        :param task: the id of the task that made them.
        :raises ~airflow_provider_cgc.emulator.state.errors.PlatformError: 3002 if the project is not there.
        :raises ValueError: if a part of a path is empty, or the name is taken.
        """
        with self.world.open() as world:
            root = world.file(world.project(project).root)
            made = []
            for path in paths:
                *folders, name = path.split("/")
                if "" in folders or not path:
                    raise ValueError(f"path {path!r}: a folder's name is not empty")
                parent = _folder(world, root, folders)
                if not name:
                    made.append(parent.id)
                    continue
                if world.files.named(parent.id, name) is not None:
                    raise ValueError(f"path {path!r}: the name is taken")
                file = _new(world, parent, name)
                file.size, file.tags, file.metadata, file.task = size, tuple(tags), dict(metadata or {}), task
                file.hosted_on = world.project(project).location
                world.files.add(file)
                made.append(file.id)
            return made

    def add_token(self, username: str) -> str:
        """Return a new token for another user, who is made if need be; nobody sees the jobs of others."""
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
        """Count requests by method and path, answers by status, all of them, and the most looks at one job id."""
        return self.journal.stats()

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests that came, newest last, at most the newest 10,000."""
        return self.journal.kept()

    def reset(self) -> None:
        """Go back to the start: jobs, files, buckets, faults, options, statistics, limits, clock. Tokens stay.

        The files are those that it began with: what was added, exported or imported since is as if it had never been.
        """
        self.world.reset()
        self.journal.reset()


def _who(world: World, name: str | None) -> User:
    return world.user if name is None else world.account(name)


def _store(world: World, locations: Sequence[str], volume_id: str, size: int, modified: float | None) -> None:
    volume = world.volume(volume_id)
    stored = StoredObject(size, world.clock.now() if modified is None else modified)
    for location in locations:
        world.buckets[volume.bucket][volume.key(location)] = stored


def _folder(world: World, root: File, names: Sequence[str]) -> File:
    """Return the folder of that path below a project's root, made if need be."""
    folder = root
    for name in names:
        below = world.files.named(folder.id, name)
        if below is None:
            below = _new(world, folder, name)
            below.folder = True
            world.files.add(below)
        elif not below.folder:
            raise ValueError(f"{name!r} is a file, not a folder")
        folder = below
    return folder


def _new(world: World, parent: File, name: str) -> File:
    now = world.clock.now()
    return File(world.new_file_id(), name, parent.project, parent.id, now, now)


def _import_name(name: str | None, location: str) -> str | None:
    if name is None:
        return None
    try:
        return name.format(name=location.removesuffix("/").rpartition("/")[2])
    except (KeyError, IndexError) as error:
        raise ValueError(f"name {name!r}: there is only {{name}}") from error


def _order(world: World, file_id: str, location: str, volume: str, overwrite: bool, copy_only: bool) -> ExportOrder:
    file = world.files.get(file_id)
    names = {"name": file.name if file else file_id, "id": file_id, "project": file.project if file else ""}
    try:
        key = location.format(**names)
    except (KeyError, IndexError) as error:
        raise ValueError(f"location {location!r}: there are only {{name}}, {{id}} and {{project}}") from error
    return ExportOrder(file_id, volume, key, overwrite, {}, copy_only)
