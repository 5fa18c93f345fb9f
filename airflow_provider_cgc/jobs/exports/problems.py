"""What can be known to be wrong with an export before anything is sent: the platform is asked once, the rest is rules.

Says only what the platform's answers show. An archived or public file looks like any other one: the platform refuses it
when it is submitted (9006). https://docs.cancergenomicscloud.org/reference/start-a-bulk-export-job
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from airflow_provider_cgc.client.errors import (
    CgcForbidden,
    CgcNotFound,
    CgcUnreadableError,
    CgcUsageError,
)
from airflow_provider_cgc.client.errors.codes import (
    NO_SUCH_VOLUME,
    NOT_EXPORTABLE,
    OTHER_PLACE,
    VOLUME_INACTIVE,
    VOLUME_READ_ONLY,
)
from airflow_provider_cgc.client.errors.problem import REMEDIES, Problem, as_sentence, one_line
from airflow_provider_cgc.jobs.exports.locations import named
from airflow_provider_cgc.jobs.files import confirm_missing, problem_unless_gateway
from airflow_provider_cgc.jobs.submitting.items import MOST_SHOWN, Item
from airflow_provider_cgc.jobs.text import counted, human_bytes, shown
from airflow_provider_cgc.jobs.waiting.causes import Cause, grouped
from airflow_provider_cgc.jobs.waiting.look import THREADS, chunks, is_undecided

if TYPE_CHECKING:
    from airflow_provider_cgc.client.client import CgcClient
    from airflow_provider_cgc.client.errors.problem import BulkRecord
    from airflow_provider_cgc.client.models import File, Volume
    from airflow_provider_cgc.client.models.account import Project

A = TypeVar("A")
R = TypeVar("R")

LARGEST = 5 * 1024**4
"""Bytes of the largest file that is sent. Inferred, the platform documents none: S3 took no larger object for years,
and Google Cloud Storage takes none. S3 takes 50 TB by now, but nothing says that the platform writes them there."""

_MOST_ROUNDS = 4
"""How often a file may be asked for. Where one unknown id spoils a whole call, the client settles some in each."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the platform tells, asked once; of every file and volume asked for there is an answer or a refusal."""

    files: Mapping[str, File]
    """By id."""
    refused: Mapping[str, Problem]
    """By id: files that it does not show, and why; `may_pass` where a later answer may be another one."""
    volumes: Mapping[str, Volume]
    """By "owner/name"."""
    refused_volumes: Mapping[str, Problem]
    """By "owner/name": volumes that it does not show this user, and why."""
    locations: Mapping[str, str | None]
    """By "owner/short-name": cloud and region of the files' projects ("aws:us-east-1"), None where it tells none."""


def ask(client: CgcClient, items: Sequence[Item], volumes: Collection[str], *, threads: int = THREADS) -> Facts:
    """
    Ask for all files, a hundred in a request, for `volumes` and the volumes of items, and for the files' projects.

    Each thing is asked for once, up to `threads` requests side by side: 10,000 files of one project to one volume cost
    102 requests. What this user may not see is a fact. Raises the `CgcError` of anything that concerns the whole call,
    and `CgcUnreadableError` if nothing is wrong but that some files could not be told.
    """
    wanted = dict.fromkeys([*volumes, *(item.volume for item in items if item.volume)])
    shown_volumes = _side_by_side(lambda volume_id: _volume(client, volume_id), wanted, threads)
    files, refused = _files(client, dict.fromkeys(item.file for item in items), threads)
    projects = dict.fromkeys(file.project for file in files.values() if file.project)
    shown_projects = _side_by_side(lambda project_id: _project(client, project_id), projects, threads)
    known_volumes = {name: found for name, found in shown_volumes.items() if not isinstance(found, Problem)}
    return Facts(
        files={name: _on_its_volume(file, known_volumes) for name, file in files.items()},
        refused=refused,
        volumes=known_volumes,
        refused_volumes={name: found for name, found in shown_volumes.items() if isinstance(found, Problem)},
        locations={name: found.location if found else None for name, found in shown_projects.items()},
    )


@dataclass(frozen=True, slots=True)
class Unfit:
    """A single item that cannot be exported; the others can."""

    item: Item
    problem: Problem
    text: str
    """One sentence or two that name the item, the fact and the remedy."""
    name: str = ""
    """The item as it is named among others."""

    @classmethod
    def of(cls, item: Item, problem: Problem, file: File | None) -> Unfit:
        """Say why an item cannot be exported."""
        name = _item(item, file)
        return cls(item, problem, f"{name}: {_with_remedy(problem)}", name)


def common_problems(items: Sequence[Item], facts: Facts) -> list[str]:
    """
    Say what is wrong with whole volumes and projects, one sentence or two each with the remedy: volumes first.

    `items` have their volumes and keys (`jobs.locations.targets`); without, what these decide is left out. An item
    whose file is there already is not counted.
    """
    open_items = [item for item in items if not _is_done(item, facts)]
    return [*_about_volumes(open_items, facts), *_about_places(open_items, facts)]


def unfit_items(items: Sequence[Item], facts: Facts) -> list[Unfit]:
    """Return the items that cannot be exported, in their order; one whose file is there already can."""
    judged = ((item, problem_of(item, facts)) for item in items)
    return [Unfit.of(item, why, facts.files.get(item.file)) for item, why in judged if why is not None]


def problem_of(item: Item, facts: Facts) -> Problem | None:
    """Say why one item cannot be exported, as far as the platform's answers show it; None where they show nothing."""
    file = facts.files.get(item.file)
    if file is None:
        return facts.refused[item.file]
    if file.is_folder:
        text = "It is a folder, and only files are exported; CgcListFilesOperator lists a folder's files"
        return Problem(None, None, text, made_here=True)
    if file.is_alias:
        if file.is_alias_of(item.volume, item.location):
            return None
        text = f"It is an alias: its bytes are {bytes_place(file)} already"
        return Problem(None, NOT_EXPORTABLE, text, made_here=True)
    size = _size(item, facts)
    if size is not None and size > LARGEST:
        return Problem(
            None,
            None,
            f"It has {human_bytes(size)}, and an object store takes at most {human_bytes(LARGEST)} ({LARGEST} bytes) in"
            " one object; split the file, or leave it out",
            made_here=True,
        )
    return None


def sentences(unfit: Iterable[Unfit]) -> list[str]:
    """
    Return the sentences about items that cannot be exported, one for each cause, each with its remedy: the cause with
    the most items first, and the items of each in their order.
    """
    in_order = sorted(unfit, key=lambda one: _position(one.item))
    groups = grouped(in_order, of=lambda one: {"code": one.problem.code, "message": one.problem.message})
    return [alike[0].text if len(alike) == 1 else _about(cause, alike) for cause, alike in groups.items()]


def _about(cause: Cause, alike: Sequence[Unfit]) -> str:
    """Say what is wrong with several items alike."""
    problem = alike[0].problem
    if any(one.problem.message != problem.message for one in alike):
        problem = replace(problem, message=cause.pattern)
    names = _listed((one.name or _item(one.item) for one in alike), between="; ")
    return f"{len(alike)} items: {_with_remedy(problem)} They are {names}."


def _position(item: Item) -> int:
    """Return where an item stands in its list, by "item 3" or "line 3"; what tells none comes first."""
    digits = item.line.rpartition(" ")[2]
    return int(digits) if digits.isdecimal() else 0


def report(items: Sequence[Item], facts: Facts, *, decided: Mapping[str, int]) -> list[str]:
    """
    Return the lines of a dry run: how much, from where, to where, and what would be done.

    `decided` is what would be done and with how many ("to send": 9000, "skipped": 12), in the order to be shown.
    """
    sizes = [(_size(item, facts), item) for item in items]
    known = [(size, item) for size, item in sizes if size is not None]
    untold = len(sizes) - len(known)
    total = human_bytes(sum(size for size, _ in known)) + (f", {untold} of unknown size" if untold else "")
    different = len({item.file for item in items})
    twice = f", in {counted(len(items), 'item')}" if different != len(items) else ""
    lines = [f"{counted(different, 'file')}{twice}: {total}."]
    projects = _tally(found.project for item in items if (found := facts.files.get(item.file)))
    if projects:
        lines.append(f"From {_listed(f'{name} ({_told(facts.locations.get(name))})' for name in projects)}.")
    volumes = _tally(item.volume for item in items)
    if volumes:
        lines.append(f"To {_listed(f'{name} ({_told(_region(name, facts))})' for name in volumes)}.")
    folders = {(item.volume, item.location.rpartition("/")[0]) for item in items if item.location is not None}
    if folders:
        lines.append(f"Distinct folders there: {len(folders)}.")
    if known:
        size, item = max(known, key=lambda pair: pair[0])
        lines.append(f"Largest: {named(item, facts.files.get(item.file))}, {human_bytes(size)}.")
    lines.append(f"{', '.join(f'{number} {word}' for word, number in decided.items() if number) or 'Nothing to do'}.")
    return lines


def _on_its_volume(file: File, volumes: Mapping[str, Volume]) -> File:
    """Return a file with the prefix of the volume that it is an alias on."""
    volume = volumes.get(file.volume or "")
    return replace(file, volume_prefix=volume.prefix) if volume and volume.prefix else file


def _volume(client: CgcClient, volume_id: str) -> Volume | Problem:
    try:
        return client.volumes.get(volume_id)
    except CgcUsageError as error:
        # An id that no path can hold: nothing was sent, and no volume can have it.
        return Problem(None, NO_SUCH_VOLUME, one_line(str(error)), made_here=True)
    except (CgcForbidden, CgcNotFound) as error:
        return problem_unless_gateway(error)


def _project(client: CgcClient, project_id: str) -> Project | None:
    try:
        return client.projects.get(project_id)
    except CgcUsageError:
        return None
    except (CgcForbidden, CgcNotFound) as error:
        problem_unless_gateway(error)
        return None


def _files(client: CgcClient, ids: Iterable[str], threads: int) -> tuple[dict[str, File], dict[str, Problem]]:
    records: dict[str, BulkRecord[File]] = {}
    groups = chunks(ids)
    for _ in range(_MOST_ROUNDS):
        answers = _side_by_side(lambda group: client.files.bulk_get(group), map(tuple, groups), threads)
        records |= {str(record.id): record for answer in answers.values() for record in answer}
        doubtful = [file_id for file_id, record in records.items() if is_undecided(record)]
        if not doubtful:
            break
        groups = chunks(doubtful, suspects=doubtful)
    records = confirm_missing(client, records)
    files = {file_id: record.resource for file_id, record in records.items() if record.resource is not None}
    refused = {file_id: record.error for file_id, record in records.items() if record.error is not None}
    if refused and all(problem.may_pass for problem in refused.values()):
        raise undecided_error(refused)
    return files, refused


def undecided_error(files: Mapping[str, Problem]) -> CgcUnreadableError:
    """Return the error about files of which the platform does not tell if they exist."""
    first, problem = next(iter(files.items()))
    return CgcUnreadableError(
        f"the platform's answers do not tell of {counted(len(files), 'file')} whether they exist, such as {first}:"
        f" {as_sentence(problem)} Nothing was submitted; try again later."
    )


def _side_by_side(call: Callable[[A], R], arguments: Iterable[A], threads: int) -> dict[A, R]:
    """Make some calls in threads of their own; the first error ends it, and what has not begun by then never does."""
    pool = ThreadPoolExecutor(max_workers=max(threads, 1), thread_name_prefix="cgc-preflight")
    try:
        calls = {argument: pool.submit(call, argument) for argument in arguments}
        ended, _ = wait(calls.values(), return_when=FIRST_EXCEPTION)
        for future in ended:
            future.result()
        return {argument: future.result() for argument, future in calls.items()}
    finally:
        # Reads may be left to themselves: a task that is killed does not sit out the patience of eight requests.
        pool.shutdown(wait=False, cancel_futures=True)


def _is_done(item: Item, facts: Facts) -> bool:
    """Whether an earlier export has moved the file to just where the item wants it: nothing is left to do."""
    file = facts.files.get(item.file)
    return file is not None and file.is_alias_of(item.volume, item.location)


def _about_volumes(items: Sequence[Item], facts: Facts) -> Iterator[str]:
    for volume_id, number in _tally(item.volume for item in items).items():
        about = f"volume {one_line(volume_id)}, where {counted(number, 'item')} {'goes' if number == 1 else 'go'}"
        refusal = facts.refused_volumes.get(volume_id)
        if refusal is not None:
            yield f"{about}: {_with_remedy(refusal, otherwise=NO_SUCH_VOLUME)}"
            continue
        volume = facts.volumes[volume_id]
        if volume.active is False:
            yield f"{about}: {_remedy(VOLUME_INACTIVE)}"
        if volume.access_mode is not None and not volume.writable:
            yield f"{about}, has the access mode {shown(volume.access_mode)}: {_remedy(VOLUME_READ_ONLY)}"


def _about_places(items: Sequence[Item], facts: Facts) -> Iterator[str]:
    """Compare the places of each project and each volume that items go to from it."""
    files = ((item, facts.files.get(item.file)) for item in items)
    ways = Counter((file.project, item.volume) for item, file in files if file and file.project and item.volume)
    for (project_id, volume_id), number in ways.items():
        location, volume = facts.locations.get(project_id), facts.volumes.get(volume_id)
        difference = _difference(location, volume) if location and volume else None
        if difference:
            yield (
                f"project {one_line(project_id)} is in {shown(location)}, and volume {one_line(volume_id)}, where"
                f" {counted(number, 'item')} of it {'goes' if number == 1 else 'go'}, is {difference}:"
                f" {_remedy(OTHER_PLACE)}"
            )


class _Place(NamedTuple):
    """A cloud and a region of it; None is not told, or not so that it can be compared."""

    cloud: str | None
    region: str | None


_CLOUDS = {"aws": "aws", "google": "google", "gcp": "google", "gcs": "google", "azure": "azure"}
"""By what stands before the colon of a project's location; only "aws" is documented."""
_STORES = {"s3": "aws", "gcs": "google", "azure": "azure", "oss": "alibaba"}
"""By a volume's type."""
_REGIONS = {
    "aws": re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]+"),
    "google": re.compile(r"[a-z]+-[a-z]+[0-9]+"),
}
"""One region, as its cloud writes it: us-east-1, us-west1. A multi-region such as "us" is none, and says nothing."""


def _difference(location: str, volume: Volume) -> str | None:
    """Say where a volume is, to follow "is", if that is certainly not where the project is."""
    here, there = _place(location), _place_of_volume(volume)
    if here.cloud and there.cloud and here.cloud != there.cloud:
        return f"of type {shown(volume.service_type)}"
    if here.region and there.region and here.region != there.region:
        return f"in {shown(volume.region)}"
    return None


def _place(text: str) -> _Place:
    """Read "aws:us-east-1", or "us-east-1" alone, whose form tells the cloud."""
    head, colon, region = text.strip().lower().rpartition(":")
    if colon:
        cloud = _CLOUDS.get(head)
        return _Place(cloud, region if cloud in _REGIONS and _REGIONS[cloud].fullmatch(region) else None)
    for cloud, form in _REGIONS.items():
        if form.fullmatch(region):
            return _Place(cloud, region)
    return _Place(None, None)


def _place_of_volume(volume: Volume) -> _Place:
    cloud = _STORES.get(volume.service_type or "")
    if cloud == "aws" and not _is_amazon(_endpoint(volume)):
        # Other stores speak S3, too, and only their owners know where they stand.
        return _Place(None, None)
    told = _place(volume.region or "")
    return _Place(cloud, told.region if told.cloud == cloud else None)


def _endpoint(volume: Volume) -> object:
    service = volume.raw.get("service")
    return service.get("endpoint") if isinstance(service, Mapping) else None


def _is_amazon(endpoint: object) -> bool:
    """Whether an endpoint is Amazon's; the documented default is, for a volume that tells none."""
    return not isinstance(endpoint, str) or not endpoint or ".amazonaws.com" in endpoint.lower()


def _item(item: Item, file: File | None = None) -> str:
    return f"{item.line}: {named(item, file)}" if item.line else named(item, file)


def _size(item: Item, facts: Facts) -> int | None:
    file = facts.files.get(item.file)
    return file.size if file and file.size is not None else item.size


def bytes_place(file: File) -> str:
    """Say where the bytes of an alias are, to follow "its bytes are"."""
    volume = f"on volume {one_line(file.volume)}" if file.volume else "on a volume"
    return f"{volume} at {shown(file.location)}" if file.location else volume


def _region(volume_id: str, facts: Facts) -> str | None:
    volume = facts.volumes.get(volume_id)
    return volume.region if volume else None


def _told(place: str | None) -> str:
    return one_line(place) if place else "region not told"


def _tally(names: Iterable[str | None]) -> dict[str, int]:
    """Count names in the order in which they come first; None is no name."""
    return dict(Counter(name for name in names if name is not None))


def _listed(texts: Iterable[str], *, between: str = ", ") -> str:
    rows = list(texts)
    more = [f"{len(rows) - MOST_SHOWN} more"] if len(rows) > MOST_SHOWN else []
    return between.join([*map(one_line, rows[:MOST_SHOWN]), *more])


def _remedy(code: int) -> str:
    return f"{code}: {REMEDIES[code].text}"


def _with_remedy(problem: Problem, *, otherwise: int | None = None) -> str:
    """Return what the platform said and what to do; `otherwise` is the code whose remedy fits one without its own."""
    remedy = problem.remedy or (REMEDIES[otherwise].text if otherwise is not None else "")
    if problem.undecided:
        remedy = "Try again later."
    return f"{as_sentence(problem)} {remedy}".strip()
