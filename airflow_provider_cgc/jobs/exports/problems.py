"""The problems of an export that show before anything is sent: the platform is asked once, the rest is rules.

Only problems that the platform's answers show are found. An archived or public file looks like any other one: the
platform refuses it when it is submitted (9006). https://docs.cancergenomicscloud.org/reference/start-a-bulk-export-job
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from airflow_provider_cgc.client.errors.codes import (
    NO_SUCH_VOLUME,
    NOT_EXPORTABLE,
    OTHER_REGION,
    VOLUME_INACTIVE,
    VOLUME_READ_ONLY,
)
from airflow_provider_cgc.client.errors.problem import REMEDIES, Problem, one_line
from airflow_provider_cgc.jobs.exports.facts import Facts
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.exports.locations import named
from airflow_provider_cgc.jobs.exports.regions import difference
from airflow_provider_cgc.jobs.listing.files import LARGEST
from airflow_provider_cgc.jobs.submitting.unfit import Unfit, listed_names, with_remedy
from airflow_provider_cgc.jobs.text import counted, human_bytes, shown

if TYPE_CHECKING:
    from airflow_provider_cgc.client.models import File, Volume


def unfit_item(item: ExportItem, problem: Problem, file: File | None) -> Unfit:
    """Return an item that cannot be exported, with the reason."""
    name = _item(item, file)
    return Unfit(item, problem, f"{name}: {with_remedy(problem)}", name)


def common_problems(items: Sequence[ExportItem], facts: Facts) -> list[str]:
    """
    Describe the problems of whole volumes and projects, in one or two sentences each with the remedy: volumes first.

    `items` should have their volumes and keys (`jobs.exports.locations.targets`); checks that need them are left out
    where they do not. An item whose file has been moved there already is not counted.
    """
    open_items = [item for item in items if not _is_done(item, facts)]
    return [*_about_volumes(open_items, facts), *_about_regions(open_items, facts)]


def unfit_items(items: Sequence[ExportItem], facts: Facts) -> list[Unfit]:
    """Return the items that cannot be exported, in order; an item whose file has been moved there already can."""
    judged = ((item, problem_of(item, facts)) for item in items)
    return [unfit_item(item, why, facts.files.get(item.file)) for item, why in judged if why is not None]


def problem_of(item: ExportItem, facts: Facts) -> Problem | None:
    """Return the problem for which an item cannot be exported; None if the platform's answers show none."""
    file = facts.files.get(item.file)
    if file is None:
        return facts.refused[item.file]
    if file.is_folder:
        text = "It is a folder, and only files are exported; CgcListFilesOperator lists a folder's files"
        return Problem(None, None, text, made_here=True)
    if file.is_alias:
        if file.is_alias_of(item.volume, item.location):
            return None
        text = f"It is an alias: its bytes are {alias_target(file)} already"
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


def report(items: Sequence[ExportItem], facts: Facts) -> list[str]:
    """Return the lines of a dry run: the number and size of the files, their projects and volumes."""
    sizes = [(_size(item, facts), item) for item in items]
    known = [(size, item) for size, item in sizes if size is not None]
    unknown = len(sizes) - len(known)
    total = human_bytes(sum(size for size, _ in known)) + (f", {unknown} of unknown size" if unknown else "")
    different = len({item.file for item in items})
    twice = f", in {counted(len(items), 'item')}" if different != len(items) else ""
    lines = [f"{counted(different, 'file')}{twice}: {total}."]
    projects = _tally(found.project for item in items if (found := facts.files.get(item.file)))
    if projects:
        lines.append(
            f"From {listed_names(f'{name} ({_region_name(facts.locations.get(name))})' for name in projects)}."
        )
    volumes = _tally(item.volume for item in items)
    if volumes:
        lines.append(f"To {listed_names(f'{name} ({_region_name(_region(name, facts))})' for name in volumes)}.")
    folders = {(item.volume, item.location.rpartition("/")[0]) for item in items if item.location is not None}
    if folders:
        lines.append(f"Distinct folders there: {len(folders)}.")
    if known:
        size, item = max(known, key=lambda pair: pair[0])
        lines.append(f"Largest: {named(item, facts.files.get(item.file))}, {human_bytes(size)}.")
    return lines


def _is_done(item: ExportItem, facts: Facts) -> bool:
    """Return True if an earlier export has moved the file to the item's own destination: nothing is left to do."""
    file = facts.files.get(item.file)
    return file is not None and file.is_alias_of(item.volume, item.location)


def _about_volumes(items: Sequence[ExportItem], facts: Facts) -> Iterator[str]:
    for volume_id, number in _tally(item.volume for item in items).items():
        about = f"volume {one_line(volume_id)}, where {counted(number, 'item')} {'goes' if number == 1 else 'go'}"
        yield from volume_problems(volume_id, facts, about=about)


def volume_problems(volume_id: str, facts: Facts, *, about: str) -> Iterator[str]:
    """Describe the problems for which a volume takes no objects, each with its remedy; `about` names the volume."""
    refusal = facts.refused_volumes.get(volume_id)
    if refusal is not None:
        yield f"{about}: {with_remedy(refusal, otherwise=NO_SUCH_VOLUME)}"
        return
    volume = facts.volumes[volume_id]
    if volume.active is False:
        yield f"{about}: {_remedy(VOLUME_INACTIVE)}"
    if volume.access_mode is not None and not volume.writable:
        yield f"{about}: its access mode is {shown(volume.access_mode)}. {_remedy(VOLUME_READ_ONLY)}"


def _about_regions(items: Sequence[ExportItem], facts: Facts) -> Iterator[str]:
    """Compare the cloud and region of each project with those of each volume that its items go to."""
    files = ((item, facts.files.get(item.file)) for item in items)
    ways = Counter((file.project, item.volume) for item, file in files if file and file.project and item.volume)
    for (project_id, volume_id), number in ways.items():
        location, volume = facts.locations.get(project_id), facts.volumes.get(volume_id)
        goes = f"{counted(number, 'item')} of it {'goes' if number == 1 else 'go'}"
        about = f"volume {one_line(volume_id)}, where {goes},"
        problem = region_problem(project_id, location, volume, about=about) if location and volume else None
        if problem:
            yield problem


def region_problem(project_id: str, location: str, volume: Volume, *, about: str) -> str | None:
    """Describe the problem of a project that is certainly elsewhere than a volume; `about` names the volume."""
    apart = difference(location, volume)
    if apart is None:
        return None
    return f"project {one_line(project_id)} is in {shown(location)}, and {about} is {apart}: {_remedy(OTHER_REGION)}"


def _item(item: ExportItem, file: File | None = None) -> str:
    return f"{item.line}: {named(item, file)}" if item.line else named(item, file)


def _size(item: ExportItem, facts: Facts) -> int | None:
    file = facts.files.get(item.file)
    return file.size if file and file.size is not None else item.size


def alias_target(file: File) -> str:
    """Name the place of an alias's bytes, to follow "its bytes are"."""
    volume = f"on volume {one_line(file.volume)}" if file.volume else "on a volume"
    return f"{volume} at {shown(file.location)}" if file.location else volume


def _region(volume_id: str, facts: Facts) -> str | None:
    volume = facts.volumes.get(volume_id)
    return volume.region if volume else None


def _region_name(region: str | None) -> str:
    return one_line(region) if region else "region unknown"


def _tally(names: Iterable[str | None]) -> dict[str, int]:
    """Count names, in order of first appearance; None is left out."""
    return dict(Counter(name for name in names if name is not None))


def _remedy(code: int) -> str:
    return f"{code}: {REMEDIES[code].text}"
