"""Reading the platform's objects: documented shapes, wrong shapes, missing and strange fields."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.client import (
    BulkRecord,
    CgcUnreadableError,
    ExportJob,
    File,
    ImportJob,
    JobState,
    Page,
    Project,
    User,
    Volume,
    VolumeObject,
)
from airflow_provider_cgc.client.models.account import Permissions
from airflow_provider_cgc.client.models.limits import rate_limit_from_json

COMPLETED: dict[str, Any] = {
    "href": "https://cgc-api.sbgenomics.com/v2/storage/exports/Qr7k",
    "id": "Qr7k",
    "state": "COMPLETED",
    "source": {"file": "65a1b2c3d4e5f60718293a4b"},
    "destination": {"volume": "mcurie/radium_out", "location": "run7/a.bam"},
    "started_on": "2026-01-05T10:00:00Z",
    "finished_on": "2026-01-05T10:03:41Z",
    "properties": {"sse_algorithm": "AES256"},
    "overwrite": False,
    "result": {"id": "65a1b2c3d4e5f60718293a4b", "name": "a.bam", "size": 1048576},
}


every_kind_of_job = pytest.mark.parametrize("kind", [ExportJob, ImportJob])


def job(**fields: Any) -> ExportJob:
    return ExportJob.from_json({**COMPLETED, **fields})


def test_documented_export() -> None:
    read = job()

    assert (read.id, read.state, read.state_text) == ("Qr7k", JobState.COMPLETED, "COMPLETED")
    assert (read.file, read.volume, read.location) == ("65a1b2c3d4e5f60718293a4b", "mcurie/radium_out", "run7/a.bam")
    assert read.started_on == datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
    assert read.finished_on == datetime(2026, 1, 5, 10, 3, 41, tzinfo=UTC)
    assert (read.size, read.overwrite, read.error) == (1048576, False, None)
    assert read.properties == {"sse_algorithm": "AES256"}
    assert read.raw == COMPLETED
    assert (read.done, read.completed, read.failed) == (True, True, False)


def test_failed_has_its_problem() -> None:
    read = job(state="FAILED", error={"status": 409, "code": 9107, "message": "Location taken."})

    assert (read.done, read.completed, read.failed) == (True, False, True)
    assert read.error is not None
    assert read.error.code == 9107


@every_kind_of_job
@pytest.mark.parametrize(
    ("text", "state", "done"),
    [
        ("PENDING", JobState.PENDING, False),
        ("RUNNING", JobState.RUNNING, False),
        ("COMPLETED", JobState.COMPLETED, True),
        ("FAILED", JobState.FAILED, True),
        ("completed", JobState.COMPLETED, True),
        (" Failed ", JobState.FAILED, True),
        ("UNKNOWN", JobState.UNKNOWN, False),
        ("BLOCKED", JobState.UNKNOWN, False),
        ("", JobState.UNKNOWN, False),
        (None, JobState.UNKNOWN, False),
        (5, JobState.UNKNOWN, False),
    ],
)
def test_each_state(kind: Any, text: Any, state: JobState, done: bool) -> None:
    read = kind.from_json({**COMPLETED, "state": text, "finished_on": None})

    assert read.state is state
    assert read.done is done


@every_kind_of_job
@pytest.mark.parametrize("sign", [{"finished_on": "2026-01-05T10:03:41Z"}, {"error": {"code": 9100, "message": "x"}}])
def test_unknown_state_with_end(kind: Any, sign: dict[str, Any]) -> None:
    """An unknown state with signs of an end is FAILED."""
    read = kind.from_json({**COMPLETED, "state": "ABORTED", "finished_on": None, **sign})

    assert read.state is JobState.FAILED
    assert read.state_text == "ABORTED"


@every_kind_of_job
@given(text=st.text(max_size=30))
def test_other_words_are_active(kind: Any, text: str) -> None:
    """No text but the documented ones ends a job."""
    read = kind.from_json({**COMPLETED, "state": text, "finished_on": None})

    assert read.done == (text.strip().upper() in ("COMPLETED", "FAILED"))


@every_kind_of_job
def test_three_fields_are_enough(kind: Any) -> None:
    read = kind.from_json({"href": "x", "id": "Hd5s", "state": "RUNNING"})

    assert (read.id, read.state, read.volume, read.location, read.size) == ("Hd5s", JobState.RUNNING, None, None, None)
    assert set(read.item.values()) == {None}


@pytest.mark.parametrize("absent", [None, "missing", 5, [], ""])
@pytest.mark.parametrize("field", [field for field in COMPLETED if field != "id"])
def test_only_the_id_is_required(field: str, absent: Any) -> None:
    fields = {**COMPLETED, field: absent}
    if absent == "missing":
        del fields[field]

    assert ExportJob.from_json(fields).id == "Qr7k"


def test_pasted_import_shape() -> None:
    read = job(
        source={"volume": "mcurie/in", "location": "a.fastq"}, destination={"project": "mcurie/radium", "name": "a"}
    )

    assert (read.file, read.volume, read.location) == (None, None, None)
    assert read.completed


def test_item_starts_an_export() -> None:
    place = {"file": "65a1b2c3d4e5f60718293a4b", "volume": "mcurie/radium_out", "location": "run7/a.bam"}

    assert job().item == {**place, "properties": {"sse_algorithm": "AES256"}}
    assert job(properties={}).item == place


@every_kind_of_job
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-05T10:00:00Z", datetime(2026, 1, 5, 10, tzinfo=UTC)),
        ("2026-01-05T12:00:00+02:00", datetime(2026, 1, 5, 10, tzinfo=UTC)),
        ("2026-01-05T10:00:00.123Z", datetime(2026, 1, 5, 10, 0, 0, 123000, tzinfo=UTC)),
        ("2026-01-05T10:00:00", datetime(2026, 1, 5, 10, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        (1767607200, None),
    ],
)
def test_times_with_z_and_offset(kind: Any, text: Any, moment: datetime | None) -> None:
    read = kind.from_json({**COMPLETED, "started_on": text})

    assert read.started_on == moment
    assert moment is None or (read.started_on is not None and read.started_on.utcoffset() is not None)


def test_offset_is_kept() -> None:
    started_on = job(started_on="2026-01-05T12:00:00+02:00").started_on

    assert started_on is not None
    assert started_on.utcoffset() == timedelta(hours=2)


@every_kind_of_job
@pytest.mark.parametrize(
    ("text", "truth"), [(True, True), (False, False), ("true", True), ("False", False), (1, False)]
)
def test_overwrite_may_be_text(kind: Any, text: Any, truth: bool) -> None:
    assert kind.from_json({**COMPLETED, "overwrite": text}).overwrite is truth


@pytest.mark.parametrize(
    ("size", "read"), [(0, 0), ("36433", 36433), (-1, None), (True, None), (1.5, None), ("big", None)]
)
def test_sizes(size: Any, read: int | None) -> None:
    assert job(result={"size": size}).size == read


@pytest.mark.parametrize("model", [ExportJob, ImportJob, File, Volume, Project, User, VolumeObject])
@pytest.mark.parametrize("raw", [None, [], "x", 5, {}, {"id": 5, "username": 5, "location": 5}, {"id": ""}])
def test_other_things_are_refused(model: Any, raw: object) -> None:
    with pytest.raises(CgcUnreadableError):
        model.from_json(raw)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_no_field_breaks_it(value: object) -> None:
    names = [*COMPLETED, "error", "size", "type", "storage", "tags", "metadata", "service", "settings", "active"]
    names += ["autorename", "preserve_folder_structure", "permissions"]
    raw = {name: value for name in names if name != "id"} | {"id": "x"}

    for model in (ExportJob, ImportJob, File, Volume, Project):
        assert model.from_json(raw).id == "x"


def test_file() -> None:
    raw = {
        "id": "65a1", "name": "a.bam", "size": 1048576, "project": "mcurie/radium", "parent": "65a0", "type": "FILE",
        "created_on": "2026-01-04T08:00:00Z", "storage": {"type": "PLATFORM"}, "tags": ["keep", 5],
        "metadata": {"a": 1},
    }  # fmt: skip
    read = File.from_json(raw)

    assert (read.name, read.size, read.project, read.parent) == ("a.bam", 1048576, "mcurie/radium", "65a0")
    assert (read.type, read.is_folder, read.storage_type, read.is_alias) == ("file", False, "PLATFORM", False)
    assert (read.tags, read.metadata) == (("keep",), {"a": 1})
    assert read.raw == raw


def test_alias_and_folder() -> None:
    alias = File.from_json({"id": "1", "storage": {"type": "VOLUME", "volume": "a/b", "location": "old/x.bam"}})
    folder = File.from_json({"id": "2", "type": "FOLDER"})

    assert (alias.is_alias, alias.volume, alias.location) == (True, "a/b", "old/x.bam")
    assert (folder.is_folder, folder.is_alias, folder.size) == (True, False, None)


def test_volume() -> None:
    raw = {
        "id": "mcurie/out", "name": "out", "access_mode": "rw", "active": True,
        "service": {"type": "S3", "bucket": "radium", "prefix": "cgc", "endpoint": "s3.eu-central-1.amazonaws.com"},
    }  # fmt: skip
    read = Volume.from_json(raw)

    assert (read.access_mode, read.writable, read.active, read.service_type) == ("RW", True, True, "s3")
    assert (read.bucket, read.prefix, read.region) == ("radium", "cgc", "eu-central-1")
    assert Volume.from_json({"id": "a/b"}).active is None


@pytest.mark.parametrize(
    ("endpoint", "region"),
    [
        ("s3.amazonaws.com", None),
        ("s3.eu-west-1.amazonaws.com", "eu-west-1"),
        ("s3-us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("https://s3.us-east-2.amazonaws.com", "us-east-2"),
        ("s3.dualstack.us-west-2.amazonaws.com", None),
        ("storage.example.org", None),
        ("", None),
    ],
)
def test_region_of_an_endpoint(endpoint: str, region: str | None) -> None:
    assert Volume.from_json({"id": "a/b", "service": {"endpoint": endpoint}}).region == region


@pytest.mark.parametrize(("root", "read"), [("65a0", "65a0"), (None, None), ("", None), (5, None), ([], None)])
def test_project_has_a_root(root: Any, read: str | None) -> None:
    assert Project.from_json({"id": "a/b", "root_folder": root}).root_folder == read
    assert Project.from_json({"id": "a/b"}).root_folder is None


@pytest.mark.parametrize(
    ("raw", "permissions"),
    [
        ({"read": True, "copy": False, "write": "true"}, Permissions(read=True, copy=False, write=True)),
        ({"read": None, "fly": True}, Permissions()),
        (None, Permissions()),
        (["read"], Permissions()),
    ],
)
def test_project_has_permissions(raw: Any, permissions: Permissions) -> None:
    assert Project.from_json({"id": "a/b", "permissions": raw}).permissions == permissions


def test_project_and_user() -> None:
    project = Project.from_json({"id": "a/b", "name": "B", "settings": {"location": "aws:us-east-1"}})
    user = User.from_json({"username": "mcurie", "email": "m@example.org"})

    assert (project.name, project.location) == ("B", "aws:us-east-1")
    assert (user.username, user.email) == ("mcurie", "m@example.org")


@pytest.mark.parametrize(
    ("told", "prefix", "there", "may_be"),
    [
        ("run7/a.bam", None, True, True),
        ("run7/a.bam", "cgc", True, True),
        ("/run7/a.bam", None, True, True),
        ("cgc/run7/a.bam", "cgc", True, True),
        ("cgc/run7/a.bam", "cgc/", True, True),
        ("cgc/run7/a.bam", None, False, True),
        ("old/run7/a.bam", "cgc", False, True),
        ("cgc/xrun7/a.bam", "cgc", False, False),
        ("xrun7/a.bam", None, False, False),
        (None, "cgc", False, True),
    ],
)
def test_alias_with_a_prefix(told: str | None, prefix: str | None, there: bool, may_be: bool) -> None:
    raw = {"id": "f", "storage": {"type": "VOLUME", "volume": "a/b", "location": told}}
    file = replace(File.from_json(raw), volume_prefix=prefix)

    assert file.is_alias_of("a/b", "run7/a.bam") is there
    assert file.may_be_alias_of("a/b", "run7/a.bam") is may_be
    assert not file.may_be_alias_of("a/other", "run7/a.bam")


def test_link_in_two_shapes() -> None:
    usual = {"items": [], "links": [{"rel": "prev", "href": "p"}, {"rel": "next", "href": "n", "method": "GET"}]}
    volumes = {"items": [], "links": [{"next": "n"}]}

    for raw in (usual, volumes):
        assert Page.from_json(raw, ExportJob.from_json).next == "n"
    for links in (None, [], {}, [{}], ["n"], [{"rel": "next", "href": None}]):
        assert Page.from_json({"items": [], "links": links}, ExportJob.from_json).next is None


def test_null_items_are_none() -> None:
    page = Page.from_json({"items": None}, ExportJob.from_json)

    assert (page.items, page.has_items) == ((), False)


@pytest.mark.parametrize("raw", [None, [], {}, {"items": {}}, {"items": ""}, {"items": 0}, {"links": []}])
def test_page_needs_items(raw: object) -> None:
    with pytest.raises(CgcUnreadableError):
        Page.from_json(raw, ExportJob.from_json)


@pytest.mark.parametrize("reset", [1767226200, 1767226200000])
def test_limit_in_two_units(reset: int) -> None:
    read = rate_limit_from_json({"rate": {"limit": 1000, "remaining": 0, "reset": reset}})

    assert (read.limit, read.remaining, read.reset) == (1000, 0, 1767226200.0)
    assert not read


def test_limit_may_be_text() -> None:
    read = rate_limit_from_json({"rate": {"limit": "1000", "remaining": "7", "reset": "1767226200"}})

    assert (read.limit, read.remaining, read.reset) == (1000, 7, 1767226200.0)
    assert read


@pytest.mark.parametrize(
    "raw",
    [
        None,
        {},
        {"rate": {}},
        {"rate": {"limit": "many", "remaining": 1, "reset": 1767226200}},
        {"rate": {"limit": 1, "remaining": -1, "reset": 1767226200}},
        {"rate": {"limit": 1, "remaining": 1, "reset": None}},
    ],
)
def test_odd_limit_is_refused(raw: object) -> None:
    with pytest.raises(CgcUnreadableError):
        rate_limit_from_json(raw)


def test_values_are_values() -> None:
    """Values are hashable and picklable, and show no raw JSON."""
    read = job()

    assert len({read, job()}) == 1
    assert pickle.loads(pickle.dumps(read)) == read
    assert "href" not in repr(read)
    assert "href" not in repr(BulkRecord(read.id, read))


def test_state_is_its_text() -> None:
    assert JobState.RUNNING == "RUNNING"
    assert str(JobState.RUNNING) == "RUNNING"
