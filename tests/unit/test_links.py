"""Links to the platform: which address, where it is kept, and that Airflow finds it there."""

from __future__ import annotations

import importlib.util
from importlib import import_module
from types import SimpleNamespace

import pytest

from airflow_provider_cgc import compat, get_provider_info
from airflow_provider_cgc.client import PLATFORMS
from airflow_provider_cgc.links import CgcProjectLink, CgcTaskLink, CgcVolumeLink, links_of, push_links

CGC = "https://cgc.sbgenomics.com"
LINKS = (CgcProjectLink, CgcVolumeLink, CgcTaskLink)
ALL = {
    CgcProjectLink.key: f"{CGC}/u/mcurie/radium",
    CgcVolumeLink.key: f"{CGC}/v/mcurie/radium_out",
    CgcTaskLink.key: f"{CGC}/u/mcurie/radium/tasks/6d054d32-6ba0-490f-b5ef-28be2ba2ccab",
}
ADDRESS = {"dag_id": "d", "task_id": "t", "run_id": "r", "map_index": -1}

every_link = pytest.mark.parametrize("link", LINKS, ids=lambda link: link.__name__)


@pytest.fixture
def xcoms(monkeypatch):
    """Give a store in place of Airflow's, by map index and key."""
    store = {}
    monkeypatch.setattr(
        compat, "write_view", lambda address, key, value: store.update({(address["map_index"], key): value})
    )
    monkeypatch.setattr(compat, "read_view", lambda address, key: store.get((address["map_index"], key)))
    return store


def key_of(map_index=-1):
    return SimpleNamespace(**(ADDRESS | {"map_index": map_index}))


def test_addresses():
    links = links_of(
        CGC, project="mcurie/radium", volume="mcurie/radium_out", task="6d054d32-6ba0-490f-b5ef-28be2ba2ccab"
    )

    assert links == ALL


def test_unknown_has_no_link():
    assert links_of(CGC) == {}
    assert set(links_of(CGC, volume="a/b")) == {CgcVolumeLink.key}
    assert links_of(CGC, task="6d054d32") == {}


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=lambda platform: platform.name)
def test_platforms_have_links(platform):
    links = links_of(platform.web_url, project="a/b", volume="a/b", task="1")

    assert len(links) == 3
    assert all(link.startswith(f"{platform.web_url}/") for link in links.values())


@pytest.mark.parametrize(
    "web_url",
    [
        None,
        "",
        "http://localhost:8090",
        "http://cgc.sbgenomics.com",
        "https://cgc.sbgenomics.com.evil.example",
        "https://cgc.sbgenomics.com@evil.example",
        "javascript:alert(1)",
    ],
)
def test_unknown_host_has_none(web_url):
    assert links_of(web_url, project="a/b", volume="a/b", task="1") == {}


HOSTILE = [
    "", "/", "a/", "/b", "a//b", "../..", "a/..", "./b", "../b", "a/b/c/d", "a/b\n", "a\x00/b", "a/\u202eb", "a/\ud800",
    "a/" + "b" * 256, "a/b?next=//evil.example", 7, True, ["a", "b"], {"a": "b"}, b"a/b",
]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE, ids=repr)
def test_odd_id_has_no_link(hostile):
    assert links_of(CGC, project=hostile, volume=hostile, task="1") == {}
    assert CgcTaskLink.key not in links_of(CGC, project="a/b", task=hostile)


@pytest.mark.parametrize(
    ("odd", "path"),
    [
        ("a/<script>", "a/%3Cscript%3E"),
        ('a/" onclick="x', "a/%22%20onclick%3D%22x"),
        ("a/b?x#y", "a/b%3Fx%23y"),
        ("a/%2e%2e", "a/%252e%252e"),
        ("a/b\\c", "a/b%5Cc"),
        ("a@evil.example/b", "a%40evil.example/b"),
        ("javascript:alert(1)/b", "javascript%3Aalert%281%29/b"),
        ("größe/b", "gr%C3%B6%C3%9Fe/b"),
    ],
)
def test_odd_letters_stay_inside(odd, path):
    links = links_of(CGC, project=odd, volume=odd)

    assert links == {CgcProjectLink.key: f"{CGC}/u/{path}", CgcVolumeLink.key: f"{CGC}/v/{path}"}


def test_id_stays_in_its_project():
    """A task id cannot lead out of its project."""
    links = links_of(CGC, project="a/b", task="x?y#z")

    assert links[CgcTaskLink.key] == f"{CGC}/u/a/b/tasks/x%3Fy%23z"


def test_link_is_per_map_index(xcoms):
    for index, project in enumerate(["a/zero", "a/one"]):
        push_links(ADDRESS | {"map_index": index}, links_of(CGC, project=project), warn=pytest.fail)

    found = [CgcProjectLink().get_link(None, ti_key=key_of(index)) for index in (0, 1, 2, -1)]

    assert found == [f"{CGC}/u/a/zero", f"{CGC}/u/a/one", "", ""]


@every_link
def test_link_reads_its_own(xcoms, link):
    push_links(ADDRESS, ALL, warn=pytest.fail)

    assert link().get_link(None, ti_key=key_of()) == ALL[link.key]


def test_missing_is_empty(xcoms):
    """Otherwise Airflow 3 logs an error when it asks for it."""
    own = (CgcProjectLink(), CgcVolumeLink())

    push_links(ADDRESS, links_of(CGC, project="a/b"), own=own, warn=pytest.fail)

    assert xcoms == {(-1, CgcProjectLink.key): f"{CGC}/u/a/b", (-1, CgcVolumeLink.key): ""}


@every_link
def test_never_pushed_is_no_link(xcoms, link):
    assert link().get_link(None, ti_key=key_of()) == ""


@pytest.mark.parametrize(
    "stored", ["javascript:alert(1)", "https://evil.example/u/a/b", "https://cgc.sbgenomics.com.evil.example/", 7, {}]
)
def test_foreign_value_is_no_link(xcoms, stored):
    xcoms[-1, CgcProjectLink.key] = stored

    assert CgcProjectLink().get_link(None, ti_key=key_of()) == ""


@every_link
def test_link_never_raises(monkeypatch, link):
    def fail(address, key):
        raise RuntimeError("database is locked")

    monkeypatch.setattr(compat, "read_view", fail)

    assert link().get_link(None, ti_key=key_of()) == ""
    assert link().get_link(None, ti_key=None) == ""


def test_unstored_link_warns(monkeypatch):
    def fail(address, key, value):
        raise RuntimeError("database is locked")

    warnings = []
    monkeypatch.setattr(compat, "write_view", fail)

    assert not push_links(ADDRESS, ALL, warn=warnings.append)
    assert warnings == ["The links to the platform could not be stored: RuntimeError: database is locked"]


def test_airflow_knows_all_links():
    told = get_provider_info()["extra-links"]

    assert [getattr(import_module(path.rpartition(".")[0]), path.rpartition(".")[2]) for path in told] == list(LINKS)


def test_airflow_finds_all_links():
    """The look-up that decides which classes a stored Dag may name."""
    from airflow.providers_manager import ProvidersManager

    assert set(get_provider_info()["extra-links"]) <= set(ProvidersManager().extra_links_class_names)


@every_link
def test_link_has_name_and_key(link):
    assert link().name == link.name
    assert link().xcom_key == link.key
    assert len({other.name for other in LINKS}) == len({other.key for other in LINKS}) == len(LINKS)


def test_stored_dag_keeps_links(caplog):
    """Airflow 3 keeps the keys and reads them past our classes; 2.11 keeps the classes if they are registered."""
    from airflow.providers.common.compat.sdk import DAG

    read_back = stored(DAG(dag_id="links", schedule=None), operator_with_links())

    links = read_back.operator_extra_link_dict
    assert set(links) == {link.name for link in LINKS}
    if importlib.util.find_spec("airflow.sdk") is None:
        assert {type(link) for link in links.values()} == set(LINKS)
    else:
        assert {link.xcom_key for link in links.values()} == set(ALL)
    assert "not registered" not in caplog.text


def operator_with_links():
    class Linked(compat.BaseOperator):
        operator_extra_links = tuple(link() for link in LINKS)

    return Linked


def stored(dag, operator):
    """Give the task as the web server sees it: from a Dag that was stored and read back."""
    from airflow.serialization import serialized_objects

    serialization = getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG
    dag.add_task(operator(task_id="t"))
    return serialization.from_dict(serialization.to_dict(dag)).get_task("t")
