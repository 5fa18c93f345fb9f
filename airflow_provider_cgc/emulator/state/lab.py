"""The lab that an emulator starts with: projects, the files of the catalogue, volumes good and bad."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from airflow_provider_cgc.emulator.state.bucket import Bucket
from airflow_provider_cgc.emulator.state.catalog import CatalogFile
from airflow_provider_cgc.emulator.state.nouns import File, Project, StoredObject, Volume

USER = "demo"
PROJECT = "demo-lab/cptac3"
OTHER_PROJECT = "demo-lab/leftovers"
INCIDENTS = "demo-lab/incidents"
NOT_OUR_PROJECT = "partner-lab/consortium"
RESULTS = "demo-lab/results"
READ_ONLY = "demo-lab/archive"
INACTIVE = "demo-lab/retired"
OTHER_REGION = "demo-lab/frankfurt"
NOT_OURS = "partner-lab/dropbox"

HOME = "aws:us-east-1"
_ALIAS_LOCATION = "incoming/imported.bam"
_RUN = "runs/2026-02-11_NovaSeqX"
_CASES = (
    "C3L-00017", "C3L-00079", "C3L-00139", "C3L-00263", "C3L-00780", "C3L-01633",
    "C3N-00154", "C3N-00198", "C3N-00577", "C3N-00709", "C3N-01334", "C3N-02145",
)  # fmt: skip
_REFERENCE = "references/GRCh38.d1.vd1/GRCh38.d1.vd1"


@dataclass(slots=True)
class Lab:
    """The state to start with."""

    projects: dict[str, Project] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    catalogue: list[str] = field(default_factory=list)
    locations: list[str] = field(default_factory=list)
    folder: str = ""
    alias: str = ""
    archived: str = ""


def make_lab(catalogue: Iterable[CatalogFile], now: float) -> Lab:
    """Make the demo lab with these files in its first project."""
    lab = Lab()
    for project_id, name in ((PROJECT, "CPTAC-3"), (OTHER_PROJECT, "Leftovers"), (INCIDENTS, "Incidents")):
        _add_project(lab, project_id, name, now)
    _add_project(lab, NOT_OUR_PROJECT, "Consortium", now, writers=frozenset())
    _add_catalogue(lab, catalogue, now)
    _add_volumes(lab, now)
    _add_leftovers(lab, now)
    _add_incidents(lab, now)
    _add_objects(lab, now)
    return lab


def platform_id(*parts: str) -> str:
    """Return 24 hexadecimal digits, the same each time."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _add_project(lab: Lab, project_id: str, name: str, now: float, *, writers: frozenset[str] | None = None) -> None:
    root = platform_id(project_id, "root")
    lab.projects[project_id] = Project(project_id, name, root, HOME, now, writers)
    lab.files[root] = File(root, name, project_id, None, now, now, folder=True)


def _add_catalogue(lab: Lab, catalogue: Iterable[CatalogFile], now: float) -> None:
    project = lab.projects[PROJECT]
    names: set[tuple[str, str]] = set()
    for entry in catalogue:
        parent = _folder(lab, project, entry.strategy, now)
        # A manifest names files as GDC does; the platform has ids of its own. Ids that have the platform's
        # shape are kept.
        file_id = entry.id if re.fullmatch(r"[0-9a-f]{24}", entry.id) else platform_id(PROJECT, entry.id)
        name = entry.name
        while (parent, name) in names:
            name = f"_1_{name}"  # the platform's way with a name that is taken
        names.add((parent, name))
        lab.files[file_id] = File(
            file_id,
            name,
            PROJECT,
            parent,
            now,
            now,
            size=entry.size,
            hosted_on=HOME,
            metadata=_metadata(entry),
        )
        lab.catalogue.append(file_id)


def _metadata(entry: CatalogFile) -> dict[str, str | None]:
    # choice: the manifest's own column names as metadata keys, and the GDC id beside them.
    metadata = {
        "experimental_strategy": entry.strategy,
        "case_submitter_id": entry.case,
        "md5sum": entry.md5,
        "gdc_file_uuid": entry.id,
    }
    return {key: value for key, value in metadata.items() if value}


def _folder(lab: Lab, project: Project, name: str, now: float) -> str:
    if not name:
        return project.root
    folder_id = platform_id(project.id, "folder", name)
    if folder_id not in lab.files:
        lab.files[folder_id] = File(folder_id, name, project.id, project.root, now, now, folder=True)
        if project.id == PROJECT:
            lab.folder = lab.folder or folder_id
    return folder_id


def _add_volumes(lab: Lab, now: float) -> None:
    home = "s3.amazonaws.com"
    volumes = (
        Volume(RESULTS, "demo-lab-bucket", HOME, home, now, now, prefix="cgc", description="Results"),
        Volume(READ_ONLY, "demo-lab-bucket", HOME, home, now, now, access_mode="RO", description="Read only"),
        Volume(INACTIVE, "demo-lab-retired", HOME, home, now, now, active=False, description="Deactivated"),
        Volume(
            OTHER_REGION, "demo-lab-frankfurt", "aws:eu-central-1", "s3.eu-central-1.amazonaws.com", now, now,
            description="Another region than the projects",
        ),
        Volume(
            NOT_OURS, "partner-lab-dropbox", HOME, home, now, now,
            writers=frozenset(), copiers=frozenset(), description="Seen only",
        ),
    )  # fmt: skip
    lab.volumes = {volume.id: volume for volume in volumes}
    lab.buckets = {volume.bucket: Bucket() for volume in volumes}


def _add_objects(lab: Lab, now: float) -> None:
    """Add objects to import: a sequencing run and a reference genome, on the volume that is only read."""
    volume = lab.volumes[READ_ONLY]
    for location, least in _run() + _reference():
        size = least + int(platform_id(volume.id, location), 16) % (least // 10)
        lab.buckets[volume.bucket][volume.key(location)] = StoredObject(size, now)
        lab.locations.append(location)


def _run() -> list[tuple[str, int]]:
    """Return locations, each with the least size of its object."""
    reads = [
        (f"{_RUN}/fastq/{case}_S{number}_L00{lane}_R{read}_001.fastq.gz", 4_000_000_000)
        for number, case in enumerate(_CASES, start=1)
        for lane in (1, 2)
        for read in (1, 2)
    ]
    reports = [(f"{_RUN}/qc/{case}_fastqc.zip", 600_000) for case in _CASES]
    return [*reads, *reports, (f"{_RUN}/qc/multiqc_report.html", 5_000_000), (f"{_RUN}/SampleSheet.csv", 2_000)]


def _reference() -> list[tuple[str, int]]:
    return [(f"{_REFERENCE}.fa", 3_100_000_000), (f"{_REFERENCE}.fa.fai", 100_000), (f"{_REFERENCE}.dict", 300_000)]


def _add_leftovers(lab: Lab, now: float) -> None:
    """Add an alias and an archived file, which cannot be exported, in a project of their own: the first stays clean."""
    project = lab.projects[OTHER_PROJECT]
    parent = _folder(lab, project, "old", now)
    lab.alias, lab.archived = platform_id(project.id, "alias"), platform_id(project.id, "archived")
    lab.files[lab.alias] = File(
        lab.alias,
        "imported.bam",
        project.id,
        parent,
        now,
        now,
        size=99,
        volume=READ_ONLY,
        location=_ALIAS_LOCATION,
    )
    lab.files[lab.archived] = File(
        lab.archived,
        "archived.bam",
        project.id,
        parent,
        now,
        now,
        size=1_048_576,
        hosted_on=HOME,
        frozen=True,
    )
    volume = lab.volumes[READ_ONLY]
    lab.buckets[volume.bucket][volume.key(_ALIAS_LOCATION)] = StoredObject(99, now)


def _add_incidents(lab: Lab, now: float) -> None:
    """Add a file that looks like any other and cannot be read: its export is accepted and ends FAILED."""
    project = lab.projects[INCIDENTS]
    file_id = platform_id(project.id, "unreadable")
    lab.files[file_id] = File(
        file_id,
        "C3L-00004_wgs_gdc_realn.bam",
        project.id,
        project.root,
        now,
        now,
        size=29_865_328_145,
        hosted_on=HOME,
        unreadable=True,
    )
