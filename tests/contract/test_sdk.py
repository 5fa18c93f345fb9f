"""The vendor's own SDK, unmodified, against the emulator: the judge of whether it is a CGC."""

from __future__ import annotations

from datetime import datetime

import pytest
import sevenbridges
from sevenbridges.errors import Conflict, Forbidden, NotFound, PaginationError, SbgError, TooManyRequests, Unauthorized
from sevenbridges.http.error_handlers import rate_limit_sleeper

from airflow_provider_cgc.emulator import CgcEmulator


def orders(cgc: CgcEmulator, count: int) -> list[dict[str, object]]:
    return [
        {"file": file_id, "volume": cgc.volume, "location": f"run/{cgc.file_names[file_id]}"}
        for file_id in cgc.file_ids[:count]
    ]


def test_knows_who_it_is(api: sevenbridges.Api) -> None:
    me = api.users.me()

    assert (me.username, me.email) == ("demo", "demo@example.org")


def test_bad_token_is_refused(cgc: CgcEmulator) -> None:
    api = sevenbridges.Api(url=cgc.url, token="wrong", debug=True)

    with pytest.raises(Unauthorized) as caught:
        api.users.me()

    assert (caught.value.status, caught.value.code) == (401, 90001)


def test_logs_in_with_oauth(cgc: CgcEmulator) -> None:
    api = sevenbridges.Api(url=cgc.url, oauth_token=cgc.token, debug=True)

    assert api.users.me().username == "demo"


def test_lists_projects(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    projects = {project.id: project for project in api.projects.query().all()}

    assert cgc.project in projects
    assert projects[cgc.project].settings["location"] == "aws:us-east-1"


def test_lists_volumes(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    volumes = {volume.id: volume for volume in api.volumes.query().all()}

    volume = volumes[cgc.volume]
    assert (volume.access_mode, volume.active, volume.service["bucket"]) == ("RW", True, "demo-lab-bucket")
    assert isinstance(volume.created_on, datetime)
    assert volumes[cgc.read_only_volume].access_mode == "RO"


@pytest.mark.parametrize(("volume", "writes"), [("demo-lab/results", True), ("partner-lab/dropbox", False)])
def test_shows_a_member(api: sevenbridges.Api, volume: str, writes: bool) -> None:
    member = api.volumes.get(volume).get_member("demo")

    assert (member.username, member.type) == ("demo", "USER")
    assert (member.permissions["read"], member.permissions["write"]) == (True, writes)


def test_walks_the_tree(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    [folder] = api.files.query(project=cgc.project)

    files = list(folder.list_files(limit=25).all())

    assert folder.is_folder()
    assert [file.id for file in files] == cgc.file_ids
    assert files[0].name == cgc.file_names[files[0].id]
    assert files[0].storage.type == "PLATFORM"


def test_pages_forth_and_back(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    first = api.files.query(parent=cgc.folder_id, limit=40)

    second = first.next_page()

    assert (first.total, len(first), len(second)) == (60, 40, 20)
    assert [file.id for file in second.previous_page()] == [file.id for file in first]
    with pytest.raises(PaginationError):
        second.next_page()


def test_filters_files(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    names = [cgc.file_names[file_id] for file_id in cgc.file_ids[:3]]
    case = api.files.get(cgc.file_ids[0]).metadata["case_submitter_id"]

    by_name = api.files.query(parent=cgc.folder_id, names=names)
    by_case = api.files.query(parent=cgc.folder_id, metadata={"case_submitter_id": case})

    assert [file.id for file in by_name] == cgc.file_ids[:3]
    assert cgc.file_ids[0] in [file.id for file in by_case]
    assert {file.metadata["case_submitter_id"] for file in by_case} == {case}


def test_gets_files_in_bulk(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    records = api.files.bulk_get([*cgc.file_ids[:2], "0" * 24])

    assert [record.valid for record in records] == [True, True, False]
    assert records[0].resource.name == cgc.file_names[cgc.file_ids[0]]
    assert (records[2].error.status, records[2].error.code) == (404, 5002)


def test_exports_in_bulk(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    submitted = api.exports.bulk_submit(orders(cgc, 40), copy_only=True)
    open_ids = [record.resource.id for record in submitted]
    seen = set()

    while open_ids:
        records = api.exports.bulk_get(open_ids)
        seen |= {record.resource.state for record in records}
        open_ids = [record.resource.id for record in records if record.resource.state != "COMPLETED"]
        cgc.clock.advance(4)

    assert all(record.valid for record in submitted)
    assert seen == {"PENDING", "RUNNING", "COMPLETED"}
    assert len(list(api.volumes.get(cgc.volume).list(prefix="run/", limit=7).all())) == 40


def test_sees_an_error_record(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    bad = {"file": cgc.alias_id, "volume": cgc.volume, "location": "alias.bam"}

    good, refused = api.exports.bulk_submit([*orders(cgc, 1), bad], copy_only=True)

    assert good.valid
    assert not refused.valid
    assert (refused.error.status, refused.error.code) == (403, 9006)
    assert refused.error.more_info.endswith("#9006")


def test_moves_by_default(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    """Its default sends `copy_only=False`: the file becomes an alias."""
    api.exports.bulk_submit(orders(cgc, 1))
    cgc.clock.advance(3600)

    storage = api.files.get(cgc.file_ids[0]).storage

    assert (storage.type, storage.volume) == ("VOLUME", cgc.volume)


def test_follows_one_export(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    job = api.exports.submit_export(
        file=cgc.file_ids[0], volume=cgc.volume, location="a.bam", overwrite=True, copy_only=True,
        properties={"aws_storage_class": "GLACIER"},
    )  # fmt: skip
    before = job.state

    cgc.clock.advance(3600)
    job.reload()

    assert (before, job.state) == ("PENDING", "COMPLETED")
    assert job.finished_on > job.started_on
    assert job.source.id == cgc.file_ids[0]
    assert (job.destination.volume, job.destination.location) == (cgc.volume, "a.bam")
    assert job.result.name == cgc.file_names[cgc.file_ids[0]]
    assert job.properties["aws_storage_class"] == "GLACIER"


def test_reads_why_a_job_failed(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    cgc.fail_files("*", code=9206)
    jobs = cgc.submit_exports(cgc.file_ids[:1])
    cgc.clock.advance(3600)

    [record] = api.exports.bulk_get(jobs)

    assert record.resource.state == "FAILED"
    assert (record.resource.error.status, record.resource.error.code) == (403, 9206)


def test_lists_exports_by_state(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    cgc.fail_files(cgc.file_ids[0], code=9206)
    jobs = cgc.submit_exports(cgc.file_ids[:5])
    cgc.clock.advance(3600)

    failed = api.exports.query(volume=cgc.volume, state="FAILED")
    everything = api.volumes.get(cgc.volume).get_exports(limit=2).all()

    assert [job.id for job in failed] == jobs[:1]
    assert sorted(job.id for job in everything) == sorted(jobs)


def test_deactivates_a_volume(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    cgc.submit_exports(cgc.file_ids[:1])
    volume = api.volumes.get(cgc.volume)
    volume.active = False
    with pytest.raises(Conflict) as caught:
        volume.save()

    cgc.clock.advance(3600)
    volume.save()

    assert caught.value.code == 90007
    assert api.volumes.get(cgc.volume).active is False


@pytest.mark.parametrize("status", [200, 204])
def test_deletes_volume_and_file(cgc: CgcEmulator, api: sevenbridges.Api, status: int) -> None:
    cgc.option("delete_status", status)
    volume = api.volumes.get(cgc.inactive_volume)

    volume.delete()
    api.files.get(cgc.alias_id).delete()

    assert cgc.inactive_volume not in [volume.id for volume in api.volumes.query().all()]
    with pytest.raises(NotFound):
        api.files.get(cgc.alias_id)


def test_looks_at_one_object(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    cgc.submit_exports(cgc.file_ids[:1], location="x/a.bam")
    cgc.clock.advance(3600)
    volume = api.volumes.get(cgc.volume)

    found = volume.get_volume_object_info("x/a.bam")
    [prefix] = volume.list().prefixes

    assert (found.location, found.type, prefix.prefix) == ("x/a.bam", "s3", "x/")


def test_reads_limit_for_free(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    api.users.me()

    rate = api.rate_limit.get().rate

    assert (rate.limit, rate.remaining) == (1000, 999)
    assert (api.limit, api.remaining) == (1000, 999)
    assert isinstance(api.reset_time, datetime)
    assert api.request_id


def test_meets_the_rate_limit() -> None:
    with CgcEmulator(files=1, rate_limit=2) as emulator:
        api = sevenbridges.Api(url=emulator.url, token=emulator.token, debug=True)
        api.users.me()
        api.users.me()

        with pytest.raises(TooManyRequests) as caught:
            api.users.me()

    assert caught.value.code == 1000


def test_its_handler_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = [1_800_000_000.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        wall[0] += seconds

    with CgcEmulator(files=1, rate_limit=1, wall=lambda: wall[0]) as emulator:
        api = sevenbridges.Api(url=emulator.url, token=emulator.token, debug=True, error_handlers=[rate_limit_sleeper])
        monkeypatch.setattr("sevenbridges.http.error_handlers.time.sleep", sleep)
        monkeypatch.setattr("sevenbridges.http.error_handlers.time.time", lambda: wall[0])
        names = [api.users.me().username for _ in range(2)]

    assert names == ["demo", "demo"]
    assert len(slept) == 1
    assert 300 <= slept[0] <= 302


@pytest.mark.parametrize(
    ("volume", "error", "code"),
    [
        ("read_only_volume", Forbidden, 9026),
        ("inactive_volume", Conflict, 9069),
        ("other_region_volume", Forbidden, 9027),
    ],
)
def test_refused_export_raises(
    cgc: CgcEmulator, api: sevenbridges.Api, volume: str, error: type[SbgError], code: int
) -> None:
    with pytest.raises(error) as caught:
        api.exports.submit_export(file=cgc.file_ids[0], volume=getattr(cgc, volume), location="a", copy_only=True)

    assert caught.value.code == code


def test_missing_is_not_found(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    with pytest.raises(NotFound) as caught:
        api.exports.get("none")

    assert caught.value.code == 9008


def test_maintenance_handler(cgc: CgcEmulator, api: sevenbridges.Api, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("sevenbridges.http.error_handlers.time.sleep", slept.append)
    cgc.fault("503_maintenance", count=2)

    assert api.users.me().username == "demo"
    assert slept == [300, 300]


def test_fetches_fields_by_href(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    """Its hidden extra calls, here for `.error` of a job that has none, go where `href` points."""
    jobs = cgc.submit_exports(cgc.file_ids[:3])
    records = api.exports.bulk_get(jobs)

    errors = [record.resource.error for record in records]

    assert errors == [None, None, None]
    assert cgc.stats()["requests"]["GET /v2/storage/exports/{id}"] == 3


def test_requests_are_recorded(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    api.users.me()

    assert cgc.requests[-1].user_agent.startswith("sevenbridges-python/")
