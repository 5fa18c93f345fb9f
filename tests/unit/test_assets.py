"""The asset of a place on a volume, and when a task may announce one."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import Asset, AssetAlias, AssetAll, AssetAny

from airflow_provider_cgc.asset_uris import PROJECT, VOLUME
from airflow_provider_cgc.assets import FACTS, asset_of, asset_of_project, destination_of, tell_events
from airflow_provider_cgc.client import PLATFORMS
from airflow_provider_cgc.exceptions import CgcBadInput
from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.files import CgcListFilesOperator
from airflow_provider_cgc.operators.imports import CgcBulkImportOperator
from airflow_provider_cgc.operators.volumes import CgcListVolumeOperator
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor

CGC = "cgc://cgc-api.sbgenomics.com"


@pytest.mark.parametrize(
    ("volume", "prefix", "uri"),
    [
        ("lab/bucket", "", f"{CGC}/lab/bucket"),
        ("lab/bucket", "runs", f"{CGC}/lab/bucket/runs"),
        ("lab/bucket", "/runs//2026/", f"{CGC}/lab/bucket/runs/2026"),
        ("Lab_1/my.bucket", "a b/ä?#", f"{CGC}/Lab_1/my.bucket/a%20b/%C3%A4%3F%23"),
    ],
)
def test_same_for_airflow(volume: str, prefix: str, uri: str) -> None:
    assert asset_of(volume, prefix).uri == uri


@pytest.mark.parametrize("name", PLATFORMS)
def test_platforms_make_assets(name: str) -> None:
    """A volume of the same name on another platform is another asset, and so is a project of the same name."""
    assert asset_of("lab/bucket", platform=name).uri == f"cgc://{PLATFORMS[name].host}/lab/bucket"
    assert asset_of_project("lab/bucket", platform=name).uri == f"cgc-project://{PLATFORMS[name].host}/lab/bucket"


MAKERS = pytest.mark.parametrize("make", [asset_of, asset_of_project])
"""A volume and a project are refused alike."""


@pytest.mark.parametrize(
    ("platform", "host"),
    [
        ("api.example.org", "api.example.org"),
        ("API.example.org:443", "api.example.org"),
        ("api.example.org:8443", "api.example.org:8443"),
        ("localhost", "localhost"),
        ("emulator:8090", "emulator:8090"),
        ("emulator:443", "emulator:443"),
        ("[::1]:8090", "[::1]:8090"),
    ],
)
def test_other_platform_is_a_host(platform: str, host: str) -> None:
    assert asset_of("lab/bucket", platform=platform).uri == f"cgc://{host}/lab/bucket"


@pytest.mark.parametrize(
    "platform",
    ["cavatika", "CGC", "other", "", "cgc.sbgenomics.com", "https://api.example.org/v2", "a.b:0", "u@a.b", None, 5, []],
)
@MAKERS
def test_unknown_platform_is_refused(make: Any, platform: Any) -> None:
    with pytest.raises(CgcBadInput, match="give one of cgc, cavatica, sbg-us, sbg-eu, sbg-cn, bdc, or for platform"):
        make("lab/bucket", platform=platform)


def test_places_make_assets() -> None:
    """Different places are different assets."""
    assert asset_of("lab/bucket", "a%20b").uri != asset_of("lab/bucket", "a b").uri


@pytest.mark.parametrize(("prefix", "words"), [("../x", "'.' or '..'"), ("a/./b", "'.' or '..'"), ("\ud800", "UTF-8")])
@MAKERS
def test_odd_prefix_is_refused(make: Any, prefix: str, words: str) -> None:
    with pytest.raises(CgcBadInput, match=words):
        make("lab/bucket", prefix)


@pytest.mark.parametrize("name", ["bucket", "", "/bucket", "lab/", "lab/a/b"])
def test_odd_name_is_refused(name: str) -> None:
    with pytest.raises(CgcBadInput, match=r"The volume .* of an asset has another form; write it like owner/name$"):
        asset_of(name)
    with pytest.raises(CgcBadInput, match=r"The project .* has another form; write it like owner/short-name$"):
        asset_of_project(name)


@pytest.mark.skipif(not hasattr(Asset, "ref"), reason="Airflow 2.11 gives assets no names")
@MAKERS
def test_own_name_is_kept(make: Any) -> None:
    assert make("lab/bucket", name="night", group="ours").name == "night"


@MAKERS
def test_template_is_refused(make: Any) -> None:
    """A template is refused because nobody renders it."""
    with pytest.raises(CgcBadInput, match="known when the Dag is parsed"):
        make("lab/bucket", "{{ ds }}")


@pytest.mark.parametrize(("place", "words"), [((5,), "The project 5"), (("lab/p", 5), "The folder 5")])
def test_project_of_no_text(place: Any, words: str) -> None:
    with pytest.raises(CgcBadInput, match=f"{words} of an asset is no text"):
        asset_of_project(*place)


@pytest.mark.parametrize(
    ("volume", "location", "uri"),
    [
        ("lab/bucket", "runs/2026-01-01/{path}/{name}", "/lab/bucket/runs/2026-01-01"),
        ("lab/bucket", "runs/x-{name}", "/lab/bucket/runs"),
        ("lab/bucket", "{path}/{name}", "/lab/bucket"),
        ("lab/bucket", "one/key", "/lab/bucket"),
        (None, "runs/{name}", None),
        ("bucket", "runs/{name}", None),
    ],
)
def test_place_starts_all_keys(volume: str | None, location: str, uri: str | None) -> None:
    for home in (VOLUME, PROJECT):
        place = destination_of(home, volume, location, host="emulator:8090")

        assert (place.uri if place else None) == (uri and f"{home.scheme}://emulator:8090{uri}")


def test_lone_host_has_a_place() -> None:
    """A host without a dot is written with the usual port, because it could be an owner's name."""
    place = destination_of(VOLUME, "lab/bucket", "runs/{name}", host="platform")

    assert place is not None
    assert place == asset_of("lab/bucket", "runs", platform="platform:443")


class Connection:
    """A hook of a connection to a host."""

    cgc_conn_id = "lab"

    def __init__(self, host: str) -> None:
        self.settings = type("Settings", (), {"host": host})


def no_place() -> None:
    return None


def no_connection() -> Any:
    raise ConnectionError("the connection is away")


NOTHING = dict.fromkeys(FACTS, 0)


class Event:
    """The event of an outlet."""

    def __init__(self) -> None:
        self.extra: dict[str, Any] = {}


class Events(defaultdict[str, Event]):
    """The events of any outlets, by their addresses, because an asset of Airflow 3.0 is no key of a dict."""

    def __init__(self) -> None:
        super().__init__(Event)

    def __getitem__(self, outlet: Any) -> Event:
        return super().__getitem__(getattr(outlet, "uri", "an alias"))


def test_no_outlets_no_events() -> None:
    """Without outlets nothing is asked, not even the connection."""
    tell_events({}, [], {}, place=no_place, connection=no_connection)


USUAL = {"task_id": "export", "items": ["a"], "volume": "lab/bucket", "copy_only": True}
IMPORTS = {"task_id": "import", "items": ["a"], "volume": "lab/bucket", "project": "lab/project"}


@pytest.mark.parametrize(
    ("arguments", "words"), [({"wait": False}, "still on their way"), ({"dry_run": True}, "moves nothing")]
)
def test_early_end_is_silent(arguments: dict[str, bool], words: str) -> None:
    """A task that ends too early may announce nothing."""
    outlets = [asset_of("lab/bucket")]

    for make, usual in ((CgcBulkExportOperator, USUAL), (CgcBulkImportOperator, IMPORTS)):
        with pytest.raises(ValueError, match=words):
            make(**usual, outlets=outlets, **arguments)
        make(**usual, outlets=outlets)
        make(**usual, **arguments)


@pytest.mark.parametrize(
    "make",
    [CgcBulkExportOperator, CgcBulkImportOperator, CgcListFilesOperator, CgcListVolumeOperator, CgcBulkExportSensor],
    ids=["export", "import", "list", "volume", "sensor"],
)
@pytest.mark.parametrize(
    "outlet",
    [
        AssetAll(asset_of("lab/bucket"), asset_of("lab/other")),
        AssetAny(asset_of("lab/bucket"), asset_of("lab/other")),
        f"{CGC}/lab/bucket",
    ],
    ids=["all", "any", "text"],
)
def test_mute_outlet_is_refused(make: Any, outlet: Any) -> None:
    own = {
        CgcBulkExportSensor: {"task_id": "t", "export_ids": ["a"]},
        CgcBulkImportOperator: IMPORTS,
        CgcListFilesOperator: {"task_id": "t"},
        CgcListVolumeOperator: {"task_id": "t", "volume": "a/b"},
    }
    arguments = own.get(make, USUAL)

    with pytest.raises(ValueError, match="Airflow announces nothing for an outlet of type"):
        make(outlets=[outlet], **arguments)


def test_other_outlets_are_left() -> None:
    CgcBulkExportOperator(**USUAL, outlets=[object(), AssetAlias("a")])


class Named:
    """An outlet that Airflow left as it was written: a reference, or a dataset of Airflow 2.11."""

    def __init__(self, uri: str | None, name: str | None = None) -> None:
        self.uri, self.name = uri, name


@pytest.mark.parametrize(
    ("outlet", "words"),
    [
        (Named("cgc://lab/bucket"), "does not say its platform"),
        (Named(f"{CGC}/lab/bucket", "cgc://lab/bucket"), "does not say its platform"),
        (Named(f"{CGC}/lab/bucket/"), f"is {CGC}/lab/bucket; write it like that"),
        (Named(f"{CGC}/lab/bucket", "CGC://cgc-api.sbgenomics.com/lab/bucket"), "write it like that"),
        (Named("cgc://[bad/lab/bucket"), "Invalid IPv6"),
        (Named("cgc-project://lab/project"), "does not say its platform"),
        (Named("s3://a/b", f"CGC-PROJECT{CGC[3:]}/lab/project"), "write it like that"),
    ],
    ids=[
        "no platform",
        "no platform in the name",
        "another form",
        "another form of the name",
        "no address",
        "a project without a platform",
        "another form of a project in the name",
    ],
)
def test_outlet_of_nobody_is_refused(outlet: Named, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        CgcBulkExportOperator(**USUAL, outlets=[outlet])


@pytest.mark.parametrize(
    "outlet",
    [
        asset_of("lab/bucket"),
        Named("S3://x/", None),
        Named(f"{CGC}/lab/bucket", "night's exports"),
        Named("cgc", "cgc"),
        Named("s3://b/x", "cgc: my asset"),
        Named(None, "cgc:x"),
        AssetAlias("cgc:daily"),
        AssetAlias("cgc://daily"),
        asset_of_project("lab/project"),
        Named("cgc-projects://x", None),
    ],
    ids=[
        "ours",
        "another scheme",
        "a name",
        "no scheme",
        "a name like ours",
        "only a name",
        "alias",
        "alias like ours",
        "our project",
        "a longer scheme",
    ],
)
def test_usual_outlet_is_taken(outlet: Any) -> None:
    CgcBulkExportOperator(**USUAL, outlets=[outlet])


def told_of(outlets: list[Any], host: str) -> None:
    tell_events({"outlet_events": Events()}, outlets, NOTHING, place=no_place, connection=lambda: Connection(host))


@pytest.mark.parametrize("host", ["cavatica-api.sbgenomics.com", "emulator:8090"])
@MAKERS
def test_other_platform_is_told(make: Any, host: str, caplog: pytest.LogCaptureFixture) -> None:
    """An outlet on another platform than the connection's is told once, with what to write."""
    told_of([make("lab/bucket")], host)

    [line] = caplog.messages
    used = "cavatica" if host.startswith("cavatica") else host
    assert f"on platform 'cgc', but the connection 'lab' of this task is for platform '{used}'" in line
    assert make("lab/bucket", platform=used).uri == make("lab/bucket").uri.replace("cgc-api.sbgenomics.com", host)
    assert f"assets.{make.__name__}(..., platform='{used}')" in line


@pytest.mark.parametrize(
    ("outlet", "host"),
    [
        (asset_of("lab/bucket"), "cgc-api.sbgenomics.com"),
        (asset_of("lab/bucket", platform="emulator:443"), "emulator"),
        (asset_of("lab/bucket", platform="127.0.0.1:8090"), "127.0.0.1:8090"),
        (Asset("s3://bucket/key"), "cgc-api.sbgenomics.com"),
        (Asset("night"), "cgc-api.sbgenomics.com"),
    ],
    ids=["ours", "a lone host", "a port", "another scheme", "a name"],
)
def test_own_platform_is_not_told(outlet: Any, host: str, caplog: pytest.LogCaptureFixture) -> None:
    told_of([outlet], host)

    assert caplog.messages == []


def test_lost_connection_is_no_end(caplog: pytest.LogCaptureFixture) -> None:
    """A connection that cannot be read at the end keeps no fact from an event, and ends no task."""
    events = Events()

    tell_events({"outlet_events": events}, [asset_of("lab/a")], NOTHING, place=no_connection, connection=no_connection)
    tell_events({"outlet_events": events}, [AssetAlias("a")], NOTHING, place=no_connection, connection=no_connection)

    assert events[asset_of("lab/a")].extra == NOTHING
    assert "compared with the platform of the connection: ConnectionError: the connection is away" in caplog.text
    assert "has no event: ConnectionError" in caplog.text


def test_unknown_place_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """An alias of a place that is not known is told."""
    tell_events({"outlet_events": {}}, [AssetAlias("a")], NOTHING, place=no_place, connection=no_connection)

    assert "does not know the files' destination" in caplog.text


class NoEvents:
    """Events of no outlet, which on Airflow 3.0 is no key of a dict."""

    def __getitem__(self, outlet: Any) -> Any:
        raise KeyError(outlet)


def test_untold_event_is_no_end(caplog: pytest.LogCaptureFixture) -> None:
    """An event that cannot be told ends no task."""
    tell_events(
        {"outlet_events": NoEvents()}, [asset_of("lab/bucket")], NOTHING, place=no_place, connection=no_connection
    )

    assert "does not say what was moved: KeyError" in caplog.text
