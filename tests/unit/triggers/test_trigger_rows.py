"""The row of a wait: it comes back as it was, loads in later releases, stays small and holds no token."""

from __future__ import annotations

import inspect
import json

import pytest

from airflow_provider_cgc import xcom
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger
from dev.virtual_time import START
from tests.fakes.platform import some_ids
from tests.fakes.task_instance import TaskInstance
from tests.unit.triggers.tasks_trigger import events_of


class TestRow:
    def test_arguments_come_back(self, row):
        stored = row(
            ["a"],
            ids_xcom={"dag_id": "d", "task_id": "t", "run_id": "r", "map_index": -1, "key": "cgc_ids"},
            fail_fast=True,
            execution_deadline=START + 1,
        )

        path, arguments = CgcJobsTrigger(**stored).serialize()

        assert path == "airflow_provider_cgc.triggers.jobs.CgcJobsTrigger"
        assert json.loads(json.dumps(arguments)) == stored
        assert CgcJobsTrigger(**arguments).serialize() == (path, arguments)

    def test_arguments_are_in_the_row(self, row):
        arguments = inspect.signature(CgcJobsTrigger.__init__).parameters.values()

        named = {argument.name for argument in arguments if argument.kind is argument.KEYWORD_ONLY}
        assert named == set(CgcJobsTrigger(**row(["a"], max_in_flight=5)).serialize()[1])
        assert named - {"max_in_flight"} == set(CgcJobsTrigger(**row(["a"])).serialize()[1])

    def test_row_is_plain_json(self, row):
        trigger = CgcJobsTrigger(**row(("a", "b")))

        assert trigger.serialize()[1]["ids"] == ["a", "b"]

    def test_row_holds_no_token(self, platform, time, row, monkeypatch):
        token = "a-token-that-must-not-travel"
        monkeypatch.setenv(
            "AIRFLOW_CONN_CGC_DEFAULT",
            json.dumps({"conn_type": "cgc", "password": token, "extra": {"platform": "cgc"}}),
        )
        platform.end(["a"], after=0)
        trigger = CgcJobsTrigger(**row(["a"]))

        time.run(events_of(trigger))

        assert token not in repr(trigger.serialize())
        assert token not in repr(vars(trigger))

    @pytest.mark.parametrize(
        "added",
        [{}, {"place": {"volume": "lab/results"}, "answered": True}, {"place": {}, "answered": False}],
        ids=["as it began", "answered", "not answered"],
    )
    @pytest.mark.parametrize(
        "stored",
        [
            {
                "kind": "export",
                "cgc_conn_id": "cgc_default",
                "ids": ["a"],
                "ids_xcom": None,
                "state": {
                    "version": 1,
                    "kind": "export",
                    "total": 2,
                    "completed": 1,
                    "failed": 0,
                    "missing": 0,
                    "bytes": 5,
                    "first_start": START - 100,
                    "last_end": START - 50,
                    "failed_items": [],
                    "unknown": [],
                    "noted": [],
                },
                "poke_interval": 60.0,
                "fail_fast": False,
                "deadline": START + 604800.0,
                "execution_deadline": None,
                "first_look": START + 60.0,
                "not_before": START + 15.0,
            },
        ],
        ids=["0.1.0"],
    )
    def test_old_rows_load(self, platform, wait, stored, added):
        """One stored row per release, as it was, and what it has got since: rows outlive upgrades."""
        platform.end(["a"], after=0)

        event, _ = wait(stored | added)

        assert (event.outcome, event.summary.completed) == (Outcome.COMPLETED, 2)

    def test_later_arguments_are_left(self, platform, wait, row, lines):
        """Arguments of a later release are named in the log, and ignored."""
        platform.end(["a"], after=0)

        event, _ = wait(row(["a"], shiny={"x": 1}, brand_new=3))

        assert event.outcome is Outcome.COMPLETED
        assert [line for line in lines() if "another release" in line] == [
            "This wait was stored by another release of airflow-provider-cgc; ignored: brand_new, shiny."
        ]


class TestIdsInXCom:
    ADDRESS = {"dag_id": "d", "task_id": "t", "run_id": "r", "map_index": 3, "key": "cgc_ids"}

    @pytest.fixture
    def read_from(self, monkeypatch):
        """Let the XCom hold a value; give the addresses that were read."""
        addresses = []

        def hold(value):
            def read(address):
                addresses.append(dict(address))
                return value

            monkeypatch.setattr(xcom, "read_xcom", read)
            return addresses

        return hold

    def test_many_ids_are_read_there(self, platform, wait, row, read_from):
        """More ids than fit into the row are read from there."""
        ids = some_ids(2500)
        addresses = read_from(ids)
        platform.end(ids, after=0)

        event, _ = wait(row(ids) | {"ids": None, "ids_xcom": self.ADDRESS})

        assert addresses == [self.ADDRESS]
        assert (event.outcome, event.summary.completed) == (Outcome.COMPLETED, 2500)

    def test_long_list_has_parts(self, monkeypatch):
        ti = TaskInstance("t", dag_id="d", run_id="r", map_index=3)
        ids = some_ids(10_000, "as-long-as-an-id-of-32-char-")

        address = xcom.push_ids(ti, "cgc_ids", ids)

        assert address == {**self.ADDRESS, "parts": 7}
        assert max(len(json.dumps(part)) for part in ti.xcoms.values()) < 64 * 1024
        monkeypatch.setattr(xcom, "read_xcom", lambda address: ti.xcoms[address["key"]])
        assert xcom.read_ids(address) == ids
        assert xcom.push_ids(ti, "cgc_ids", ids[:10]) == self.ADDRESS

    def test_row_stays_small(self, row):
        ids = some_ids(10_000)

        _, arguments = CgcJobsTrigger(**row(ids) | {"ids": None, "ids_xcom": self.ADDRESS}).serialize()

        assert len(json.dumps(arguments)) < 2000

    def test_lost_xcom_is_a_bug(self, platform, time, row, read_from):
        read_from(None)

        with pytest.raises(ValueError, match="is gone; clear the task"):
            time.run(events_of(CgcJobsTrigger(**row(["a"]) | {"ids": None, "ids_xcom": self.ADDRESS})))


def test_row_needs_ids(platform, time, row):
    with pytest.raises(ValueError, match="neither 'ids' nor 'ids_xcom'"):
        time.run(events_of(CgcJobsTrigger(**row(["a"]) | {"ids": None})))


def test_ids_must_fit_the_state(platform, time, row):
    with pytest.raises(ValueError, match="does not add up"):
        time.run(events_of(CgcJobsTrigger(**row(["a"]) | {"ids": ["a", "b"]})))
