"""The checks of the project and the volume, by the rules that an export applies before it sends anything."""

from __future__ import annotations

from airflow_provider_cgc.client.errors import CgcForbidden, CgcNotFound, CgcUsageError
from airflow_provider_cgc.client.errors.codes import REMEDIES
from airflow_provider_cgc.client.errors.problem import as_sentence, one_line
from airflow_provider_cgc.client.models.account import Permissions
from airflow_provider_cgc.doctor.finding import Finding, failed, not_checked, note, ok
from airflow_provider_cgc.doctor.visit import Visit
from airflow_provider_cgc.jobs.exports.facts import ask
from airflow_provider_cgc.jobs.exports.problems import region_problem, volume_problems

__all__ = ["check_project", "check_region", "check_volume"]

_NO_RIGHT_TO_PROJECT = 9003
_NO_RIGHT_TO_VOLUME = 9020
_PROJECT_FORM = 3012


def check_project(visit: Visit) -> Finding:
    """Look at the project, and at what this user may do there."""
    project_id = visit.wanted.project or visit.settings.project
    if not project_id:
        return not_checked("give --project; the connection has no default project")
    try:
        visit.project = project = visit.platform().projects.get(project_id)
    except CgcUsageError as error:
        return failed(f"{as_sentence(error)} {REMEDIES[_PROJECT_FORM].text}")
    about = f"project {one_line(project.id)}"
    may = project.permissions
    rights = _rights(visit, export=may.copy, export_by="copy", load=may.write, load_by="write")
    advice = REMEDIES[_NO_RIGHT_TO_PROJECT].text
    if may.copy is False:
        return failed(f"{about}: {rights}. {_NO_RIGHT_TO_PROJECT}: {advice}")
    if may.write is False:
        return note(f"{about}: {rights}. If that is needed: {advice}")
    return ok(f"{about}: {rights}")


def check_volume(visit: Visit) -> Finding:
    """Look at the volume, and at what this user may do there; nothing is written to it."""
    volume_id = visit.wanted.volume
    if not volume_id:
        return not_checked("give --volume")
    about = f"volume {one_line(volume_id)}"
    facts = ask(visit.platform(), [], [volume_id])
    problems = list(volume_problems(volume_id, facts, about=about))
    visit.volume = volume = facts.volumes.get(volume_id)
    if volume is None or problems:
        return failed(" ".join(problems))
    try:
        may = visit.platform().volumes.permissions(volume_id, visit.username)
    except (CgcForbidden, CgcNotFound):
        may = Permissions()
    rights = _rights(visit, export=may.write, export_by="write", load=may.copy, load_by="copy")
    advice = REMEDIES[_NO_RIGHT_TO_VOLUME].text
    if may.write is False:
        return failed(f"{about}: {rights}. {_NO_RIGHT_TO_VOLUME}: {advice}")
    if may.write is None:
        return note(f"{about}: {rights}; an export without 'write' is refused with {_NO_RIGHT_TO_VOLUME}")
    if may.copy is False:
        return note(f"{about}: {rights}. If that is needed: {advice}")
    return ok(f"{about}: active, access mode {volume.access_mode or 'not shown'}; {rights}")


def check_region(visit: Visit) -> Finding:
    """Compare the cloud and region of the project with those of the volume."""
    project, volume = visit.project, visit.volume
    if project is None or volume is None:
        return not_checked("both a project and a volume are needed")
    if project.location is None:
        return note(f"the platform does not show the region of project {one_line(project.id)}")
    problem = region_problem(project.id, project.location, volume, about=f"volume {one_line(volume.id)}")
    if problem is not None:
        return failed(problem)
    here = f"project {one_line(project.id)} is in {one_line(project.location)}"
    if volume.region is None:
        return ok(f"{here}, and the platform shows no region of volume {one_line(volume.id)}: no difference is known")
    return ok(f"{here}, and volume {one_line(volume.id)} in {one_line(volume.region)}")


def _rights(visit: Visit, *, export: bool | None, export_by: str, load: bool | None, load_by: str) -> str:
    """Name the rights that the user has, and those that it lacks."""
    rights = [(export, f"export ({export_by!r})"), (load, f"import ({load_by!r})")]
    words = [
        f"{verb} {between.join(named)}"
        for verb, between, state in (("may", " and ", True), ("may not", " or ", False))
        if (named := [name for may, name in rights if may is state])
    ]
    if not words:
        return f"the platform does not show the permissions of user {visit.username}"
    return f"user {visit.username} {', '.join(words)}"
