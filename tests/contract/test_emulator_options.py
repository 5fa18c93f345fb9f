"""The emulator's variants: each that the platform's documents leave open, switched on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.emulator.options import Options

if TYPE_CHECKING:
    from tests.contract.conftest import Http


def test_unknown_is_a_record(cgc: CgcEmulator, http: Http) -> None:
    jobs = cgc.submit_exports(cgc.file_ids[:2])

    records = http.records([jobs[0], "none", jobs[1]])

    assert [list(record) for record in records] == [["resource"], ["error"], ["resource"]]
    assert records[1]["error"]["code"] == 9008


def test_unknown_is_a_gap(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("unknown_ids", "gap")
    jobs = cgc.submit_exports(cgc.file_ids[:2])

    records = http.records([jobs[0], "none", jobs[1]])

    assert [record["resource"]["id"] for record in records] == jobs


def test_unknown_spoils_the_call(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("unknown_ids", "404")
    jobs = cgc.submit_exports(cgc.file_ids[:2])

    answer = http.post("/bulk/storage/exports/get", {"export_ids": [jobs[0], "none"]})

    assert http.code(answer) == (404, 9008)
    assert len(http.records(jobs)) == 2


@pytest.mark.parametrize("variant", ["unknown_ids", "foreign_ids"])
def test_foreign_is_not_unknown(cgc: CgcEmulator, http: Http, variant: str) -> None:
    cgc.add_token("grace")
    foreign = cgc.submit_exports(cgc.file_ids[:1], user="grace")
    cgc.option(variant, "gap")

    [record] = http.records([*foreign, "none"])

    assert record["error"]["code"] == {"unknown_ids": 9005, "foreign_ids": 9008}[variant]


@pytest.mark.parametrize("fault", [None, "429"])
def test_reset_in_milliseconds(ask: type[Http], fault: str | None) -> None:
    with CgcEmulator(files=1, wall=lambda: 1_800_000_000.0) as emulator:
        emulator.option("reset_unit", "ms")
        if fault:
            emulator.fault(fault)

        header = ask(emulator).get("/user").headers["X-RateLimit-Reset"]
        body = ask(emulator).get("/rate_limit").json()["rate"]["reset"]

    assert (header, body) == ("1800000300000", 1_800_000_300_000)


@pytest.mark.parametrize("fault", [None, "429"])
def test_rate_headers_missing(cgc: CgcEmulator, http: Http, fault: str | None) -> None:
    cgc.option("rate_headers", False)
    if fault:
        cgc.fault(fault)

    answer = http.get("/user")

    assert not [name for name in answer.headers if name.lower().startswith("x-ratelimit")]
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_list_from_either_end(cgc: CgcEmulator, http: Http, order: str) -> None:
    cgc.option("list_order", order)
    jobs = cgc.submit_exports(cgc.file_ids[:4])

    listed = [job["id"] for job in http.get("/storage/exports").json()["items"]]

    assert listed == (jobs if order == "oldest" else jobs[::-1])


def test_list_lags_behind(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("list_lag", 30)
    [job] = cgc.submit_exports(cgc.file_ids[:1])
    cgc.clock.advance(29)

    before = http.get("/storage/exports").json()["items"]
    alone = http.export(job)["id"]
    cgc.clock.advance(1)

    assert before == []
    assert alone == job
    assert [found["id"] for found in http.get("/storage/exports").json()["items"]] == [job]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("jump", True, "PENDING"),
        ("unknown_state", "ARCHIVING", "ARCHIVING"),
        ("unknown_state", None, "RUNNING"),
    ],
)
def test_running_looks_otherwise(cgc: CgcEmulator, http: Http, name: str, value: Any, shown: str) -> None:
    cgc.option(name, value)
    [job] = cgc.submit_exports(cgc.file_ids[:1])

    cgc.clock.advance(2.5)
    running = http.export(job)["state"]
    cgc.clock.advance(3600)

    assert running == shown
    assert http.export(job)["state"] == "COMPLETED"


def test_stuck_until_released(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("stuck", True)
    [job] = cgc.submit_exports(cgc.file_ids[:1])
    cgc.clock.advance(1_000_000)
    stuck = http.export(job)["state"]

    cgc.option("stuck", False)
    cgc.clock.advance(3600)

    assert stuck == "PENDING"
    assert http.export(job)["state"] == "COMPLETED"


def test_null_for_absent_keys(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("absent", "null")
    [job] = cgc.submit_exports(cgc.file_ids[:1])

    pending = http.export(job)
    cgc.clock.advance(3600)
    done = http.export(job)

    assert [pending[key] for key in ("finished_on", "error", "result")] == [None, None, None]
    assert done["error"] is None
    assert done["result"]["id"] == cgc.file_ids[0]


def test_result_absent(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("result", "absent")
    [job] = cgc.submit_exports(cgc.file_ids[:1])
    cgc.clock.advance(3600)

    done = http.export(job)

    assert done["state"] == "COMPLETED"
    assert "result" not in done


def test_pasted_shape(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("pasted_shape", True)
    [job] = cgc.submit_exports(cgc.file_ids[:1], location="a.bam")
    cgc.clock.advance(3600)

    [record] = http.records([job])

    assert record["resource"]["source"] == {"volume": cgc.volume, "location": "a.bam"}
    assert record["resource"]["destination"] == {
        "project": cgc.project,
        "name": cgc.file_names[cgc.file_ids[0]],
    }
    assert set(record["resource"]) == {
        "href", "id", "state", "overwrite", "source", "destination", "result", "finished_on"
    }  # fmt: skip


def test_times_with_an_offset(ask: type[Http]) -> None:
    with CgcEmulator(files=1, speed=0, wall=lambda: 1_800_000_000.0) as emulator:
        [job] = emulator.submit_exports(emulator.file_ids)

        in_utc = ask(emulator).export(job)["started_on"]
        emulator.option("time_offset", "+02:00")
        in_zone = ask(emulator).export(job)["started_on"]

    assert (in_utc, in_zone) == ("2027-01-15T08:00:00Z", "2027-01-15T10:00:00+02:00")


@pytest.mark.parametrize(("value", "key"), [(True, "priority_lane"), ({"brand_new": [1]}, "brand_new")])
def test_unknown_fields(cgc: CgcEmulator, http: Http, value: Any, key: str) -> None:
    cgc.option("extra_fields", value)
    [job] = cgc.submit_exports(cgc.file_ids[:1])

    bodies = [
        http.export(job),
        http.get(f"/files/{cgc.file_ids[0]}").json(),
        http.get(f"/storage/volumes/{cgc.volume}").json(),
        http.get(f"/projects/{cgc.project}").json(),
        http.get("/user").json(),
    ]

    assert all(key in body for body in bodies)


IMPOSSIBLE = [
    ("no_such_option", True),
    ("unknown_ids", "maybe"),
    ("unknown_ids", 404),
    ("stuck", "yes"),
    ("stuck", 1),
    ("rate_headers", None),
    ("list_lag", -1),
    ("list_lag", True),
    ("list_lag", float("nan")),
    ("list_lag", float("inf")),
    ("default_limit", 0),
    ("default_limit", 101),
    ("unknown_state_looks", 1.5),
    ("time_offset", "CET"),
    ("unknown_state", ""),
    ("extra_fields", 3),
    ("error_lacks", ["colour"]),
    ("error_lacks", [1]),
    ("forced_code", 4711),
    ("delete_status", 201),
    ("folder_code", True),
]


@pytest.mark.parametrize(("name", "value"), IMPOSSIBLE)
def test_impossible_option(cgc: CgcEmulator, name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        cgc.option(name, value)


def test_refusal_tells_choices() -> None:
    with pytest.raises(ValueError, match="expected 'error' or 'gap' or '404'"):
        Options().set("unknown_ids", "maybe")
    with pytest.raises(ValueError, match="expected a number from 0 or null"):
        Options().set("expiry", "soon")
    with pytest.raises(ValueError, match="there are unknown_ids, foreign_ids"):
        Options().set("no_such_option", 1)


def test_options_are_settable() -> None:
    options = Options()

    options.set_all(options.to_json())

    assert options == Options()


def test_options_are_explained() -> None:
    explained = re.findall(r"^ {8}(\w+) {1,16}\S", Options.__doc__ or "", re.MULTILINE)

    assert [name for name in explained if name in Options().to_json()] == list(Options().to_json())


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("unknown_ids", "404", "404"),
        ("delete_status", "200", 200),
        ("list_lag", "2.5", 2.5),
        ("expiry", "null", None),
        ("stuck", "true", True),
        ("stuck", "RUNNING", "RUNNING"),
        ("time_offset", "+02:00", "+02:00"),
        ("error_lacks", "code, status", ("code", "status")),
        ("extra_fields", '{"a": 1}', {"a": 1}),
    ],
)
def test_options_as_text(name: str, text: str, value: Any) -> None:
    options = Options()

    options.set_text(name, text)

    assert getattr(options, name) == value


@pytest.mark.parametrize(("name", "text"), [("list_lag", "soon"), ("colour", "red"), ("default_limit", "true")])
def test_impossible_text(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=name):
        Options().set_text(name, text)
