"""The checks of the project and the volume, by the rules that an export applies before it sends anything."""

from __future__ import annotations

from typing import NamedTuple

from airflow_provider_cgc.client.errors import CgcForbidden, CgcNotFound, CgcUsageError
from airflow_provider_cgc.client.errors.codes import (
    NO_RIGHT_TO_PROJECT,
    NO_RIGHT_TO_VOLUME,
    REMEDIES,
    WRONG_PROJECT_FORM,
)
from airflow_provider_cgc.client.errors.problem import as_sentence, one_line
from airflow_provider_cgc.client.models.account import Permissions
from airflow_provider_cgc.doctor.finding import Finding, failed, not_checked, note, ok
from airflow_provider_cgc.doctor.visit import Visit
from airflow_provider_cgc.jobs.exports.facts import ask
from airflow_provider_cgc.jobs.exports.problems import region_problem, volume_problems

__all__ = ["check_project", "check_region", "check_volume"]


def check_project(visit: Visit) -> Finding:
    """Look at the project, and at what this user may do there."""
    project_id = visit.wanted.project or visit.settings.project
    if not project_id:
        return not_checked("give --project; the connection has no default project")
    try:
        visit.project = project = visit.client().projects.get(project_id)
    except CgcUsageError as error:
        return failed(f"{as_sentence(error)} {REMEDIES[WRONG_PROJECT_FORM].text}")
    may = project.permissions
    return _judged(
        f"project {one_line(project.id)}:",
        visit.username,
        to_export=_Right("copy", may.copy),
        to_import=_Right("write", may.write),
        refusal=NO_RIGHT_TO_PROJECT,
    )


def check_volume(visit: Visit) -> Finding:
    """Look at the volume, and at what this user may do there; nothing is written to it."""
    volume_id = visit.wanted.volume
    if not volume_id:
        return not_checked("give --volume")
    about = f"volume {one_line(volume_id)}"
    facts = ask(visit.client(), [], [volume_id])
    problems = list(volume_problems(volume_id, facts, about=about))
    visit.volume = volume = facts.volumes.get(volume_id)
    if volume is None or problems:
        return failed(" ".join(problems))
    try:
        may = visit.client().volumes.permissions(volume_id, visit.username)
    except (CgcForbidden, CgcNotFound):
        may = Permissions()
    return _judged(
        f"{about}: active, access mode {one_line(volume.access_mode or 'not shown')};",
        visit.username,
        to_export=_Right("write", may.write),
        to_import=_Right("copy", may.copy),
        refusal=NO_RIGHT_TO_VOLUME,
    )


def check_region(visit: Visit) -> Finding:
    """Compare the cloud and region of the project with those of the volume."""
    project, volume = visit.project, visit.volume
    if project is None or volume is None:
        return not_checked("needs a project and a volume, see above")
    if project.location is None:
        return note(f"the platform does not show the region of project {one_line(project.id)}")
    problem = region_problem(project.id, project.location, volume, about=f"volume {one_line(volume.id)}")
    if problem is not None:
        return failed(problem)
    here = f"project {one_line(project.id)} is in {one_line(project.location)}"
    if volume.region is None:
        return ok(f"{here}, and the platform shows no region of volume {one_line(volume.id)}: no difference is known")
    return ok(f"{here}, and volume {one_line(volume.id)} in {one_line(volume.region)}")


class _Right(NamedTuple):
    """A right of the user, and None if the platform does not show it."""

    name: str
    given: bool | None


def _judged(about: str, user: str, *, to_export: _Right, to_import: _Right, refusal: int) -> Finding:
    """Return the finding about a place where an export needs one right and an import another."""
    fact, advice = f"{about} {_named(user, to_export, to_import)}", REMEDIES[refusal].text
    if to_export.given is False:
        return failed(f"{fact}. {refusal}: {advice}")
    if to_export.given is None:
        return note(f"{fact}; an export without {to_export.name!r} is refused with {refusal}")
    if to_import.given is False:
        return note(f"{fact}. If that is needed: {advice}")
    return ok(fact)


def _named(user: str, to_export: _Right, to_import: _Right) -> str:
    """Name the rights that the user has, and those that it lacks."""
    rights = [(f"export ({to_export.name!r})", to_export.given), (f"import ({to_import.name!r})", to_import.given)]
    words = [
        f"{verb} {between.join(named)}"
        for verb, between, state in (("may", " and ", True), ("may not", " or ", False))
        if (named := [name for name, given in rights if given is state])
    ]
    return f"user {user} {', '.join(words)}" if words else f"the platform does not show the permissions of user {user}"
