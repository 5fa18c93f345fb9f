"""The platform's answers about the files, projects and volumes of an order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_cgc.client.errors import CgcForbidden, CgcNotFound, CgcUsageError
from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.files import confirm_missing, problem_unless_gateway
from airflow_provider_cgc.jobs.places import side_by_side, volume_or_problem
from airflow_provider_cgc.jobs.submitting.order import undecided_error
from airflow_provider_cgc.jobs.waiting.look import THREADS, chunks, is_undecided

if TYPE_CHECKING:
    from airflow_provider_cgc.client.client import CgcClient
    from airflow_provider_cgc.client.errors.problem import BulkRecord
    from airflow_provider_cgc.client.models import File, Volume
    from airflow_provider_cgc.client.models.account import Project

_MOST_ROUNDS = 4
"""The most rounds of asking for files. Where one unknown id makes a whole call fail, each round answers for some."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The platform's answers, asked for once; every file and volume has an answer or a refusal."""

    files: Mapping[str, File]
    """By id."""
    refused: Mapping[str, Problem]
    """By id: files that it does not show, and why; `may_pass` where a later answer may differ."""
    volumes: Mapping[str, Volume]
    """By "owner/name"."""
    refused_volumes: Mapping[str, Problem]
    """By "owner/name": volumes that it does not show this user, and why."""
    locations: Mapping[str, str | None]
    """By "owner/short-name": cloud and region of the files' projects ("aws:us-east-1"), None where it gives none."""


def ask(client: CgcClient, items: Sequence[ExportItem], volumes: Collection[str], *, threads: int = THREADS) -> Facts:
    """
    Ask for all files, a hundred in a request, for `volumes` and the volumes of items, and for the files' projects.

    Each is asked for once, with up to `threads` requests at a time: 10,000 files of one project to one volume cost
    102 requests. A file or volume that this user may not see is a fact, not an error. Raises the `CgcError` of anything
    that concerns a whole call, and `CgcUnreadableError` if the only trouble is that the answers about some files were
    unclear.
    """
    wanted = dict.fromkeys([*volumes, *(item.volume for item in items if item.volume)])
    shown_volumes = side_by_side(lambda volume_id: volume_or_problem(client, volume_id), wanted, threads)
    files, refused = _files(client, dict.fromkeys(item.file for item in items), threads)
    projects = dict.fromkeys(file.project for file in files.values() if file.project)
    shown_projects = side_by_side(lambda project_id: _project(client, project_id), projects, threads)
    known_volumes = {name: found for name, found in shown_volumes.items() if not isinstance(found, Problem)}
    return Facts(
        files={name: _on_its_volume(file, known_volumes) for name, file in files.items()},
        refused=refused,
        volumes=known_volumes,
        refused_volumes={name: found for name, found in shown_volumes.items() if isinstance(found, Problem)},
        locations={name: found.location if found else None for name, found in shown_projects.items()},
    )


def _on_its_volume(file: File, volumes: Mapping[str, Volume]) -> File:
    """Return a file with the prefix of the volume that it is an alias of."""
    volume = volumes.get(file.volume or "")
    return replace(file, volume_prefix=volume.prefix) if volume and volume.prefix else file


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
        answers = side_by_side(lambda group: client.files.bulk_get(group), map(tuple, groups), threads)
        records |= {str(record.id): record for answer in answers.values() for record in answer}
        doubtful = [file_id for file_id, record in records.items() if is_undecided(record)]
        if not doubtful:
            break
        groups = chunks(doubtful, suspects=doubtful)
    records = confirm_missing(client, records)
    files = {file_id: record.resource for file_id, record in records.items() if record.resource is not None}
    refused = {file_id: record.error for file_id, record in records.items() if record.error is not None}
    if refused and all(problem.may_pass for problem in refused.values()):
        raise undecided_error(refused, "file")
    return files, refused
