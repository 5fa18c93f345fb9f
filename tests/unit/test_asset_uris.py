"""Addresses of assets, as Airflow makes them through this package's provider info."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from airflow import __version__
from airflow.providers.common.compat.sdk import Asset
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_cgc import get_provider_info
from airflow_provider_cgc.asset_uris import HOMES, Home, address, namespace, normalise, to_openlineage
from airflow_provider_cgc.assets import asset_of, asset_of_project
from airflow_provider_cgc.client import PLATFORMS
from airflow_provider_cgc.jobs.text import BadInput

CGC = "cgc://cgc-api.sbgenomics.com"
PROJECTS = "cgc-project://cgc-api.sbgenomics.com"
ONLY_WARNS = __version__.startswith("2.")
"""Airflow 2.11 makes a warning of an error, takes ASCII only, and drops user names itself."""


@pytest.mark.parametrize(
    "written",
    [
        "cgc://cgc-api.sbgenomics.com/lab/bucket/a%20b/%C3%A4",
        "CGC://cgc-api.sbgenomics.com/lab/bucket/a%20b/%C3%A4",
        "cgc://CGC-api.SBgenomics.com/lab/bucket/a%20b/%C3%A4",
        "cgc://cgc-api.sbgenomics.com:443/lab/bucket/a%20b/%C3%A4",
        "cgc://cgc-api.sbgenomics.com/lab/bucket/a%20b/%C3%A4/",
        "cgc://cgc-api.sbgenomics.com//lab//bucket///a%20b/%c3%a4//",
        "cgc://cgc-api.sbgenomics.com/lab/bucket/a b/%C3%A4",
        "cgc://cgc-api.sbgenomics.com/%6Cab/bucket%2Fa%20b/%C3%A4",
        pytest.param(
            "cgc://cgc-api.sbgenomics.com/lab/bucket/a b/ä",
            marks=pytest.mark.skipif(__version__.startswith(("2.", "3.0.")), reason="takes ASCII only"),
        ),
    ],
)
def test_one_place_one_address(written: str) -> None:
    of_project = "cgc-project" + written[len("cgc") :]

    assert Asset(written).uri == asset_of("lab/bucket", "a b/ä").uri
    assert Asset(of_project).uri == asset_of_project("lab/bucket", "a b/ä").uri


@pytest.mark.parametrize(
    "asset",
    [
        *(asset_of("lab/bucket", "runs", platform=name) for name in PLATFORMS),
        asset_of("Lab_1/my.bucket", "a%b/ä?#&=+ @:"),
        asset_of("lab/bucket", platform="emulator:443"),
        asset_of("lab/bucket", platform="[::1]:8090"),
        asset_of_project("lab/project"),
        asset_of_project("Lab_1/my-project", "a%b/ä?#&=+ @:", platform="emulator:8090"),
    ],
    ids=lambda asset: str(asset.uri),
)
def test_own_address_is_kept(asset: Any) -> None:
    """An address of ours passes through Airflow unchanged, and is the asset's name, too."""
    assert Asset(asset.uri) == asset
    assert getattr(asset, "name", asset.uri) == asset.uri


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{/"), min_size=1, max_size=9)
USUAL = NAMES.filter(lambda name: name.strip() and name not in (".", ".."))


@given(st.sampled_from([*HOMES.values()]), USUAL, USUAL, st.lists(USUAL, max_size=3))
@example(HOMES["cgc"], "lab", "a%2Fb", ["%41", "\t"])
def test_any_address_is_kept(home: Home, owner: str, name: str, folders: list[str]) -> None:
    """Different places have different addresses, and each of them is its own usual form."""
    made = address("api.example.org", home, f"{owner}/{name}", "/".join(folders))

    assert urlunsplit(normalise(urlsplit(made))) == made
    assert to_names(made) == (namespace("api.example.org", home), "/".join([owner, name, *folders]))


WRONG = {
    "cgc://lab/bucket": "does not say its platform",
    "cgc://lab/bucket/runs/2026": "where HOST is the host of the platform.s API: cgc-api.sbgenomics.com",
    "cgc://cavatica/lab/bucket": "that of CAVATICA is cavatica-api.sbgenomics.com",
    "cgc://cavatica.sbgenomics.com/lab/bucket": "that of CAVATICA is cavatica-api.sbgenomics.com",
    "cgc:/lab/bucket": "has no host",
    "cgc:lab/bucket": "has no host",
    "cgc://api.example.org:port/lab/bucket": "has a port that is not a number",
    "cgc://api_example.org/lab/bucket": "has no valid host name",
    "cgc://api.example.org": "has no volume; write it like cgc://api.example.org/owner/volume/prefix",
    "cgc://api.example.org/lab": "has no volume",
    "cgc://api.example.org/%20/bucket": "write it like owner/name",
    "cgc://api.example.org/lab/bucket/../other": "write the whole path",
    "cgc://api.example.org/lab/bucket/%FF": "no UTF-8",
    "cgc://api.example.org/lab/bucket?versions=2": "write these as %3F or %23",
    "cgc://api.example.org/lab/bucket/{{ ds }}": "known when the Dag is parsed",
}
# The same mistakes in the address of a project, which the errors name as such.
WRONG |= {
    "cgc-project" + written[len("cgc") :]: words.replace("cgc://", "cgc-project://")
    .replace("owner/volume/prefix", "owner/project/folder")
    .replace("volume", "project")
    .replace("owner/name", "owner/short-name")
    for written, words in WRONG.items()
}


@pytest.mark.parametrize(("written", "words"), WRONG.items(), ids=WRONG)
def test_wrong_address_is_refused(written: str, words: str) -> None:
    if ONLY_WARNS:
        with pytest.warns(UserWarning, match=words):
            Asset(written)
    else:
        with pytest.raises(ValueError, match=words):
            Asset(written)


@pytest.mark.skipif(not ONLY_WARNS, reason="Airflow 3 refuses in any case")
def test_strict_airflow_2_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__STRICT_DATASET_URI_VALIDATION", "True")

    with pytest.raises(ValueError, match="does not say its platform"):
        Asset("cgc://lab/bucket")


@pytest.mark.parametrize("user", ["canary-user@", ":canary-token@", "canary-user:canary-token@"])
def test_user_is_refused_unseen(user: str) -> None:
    """A token before the host is not repeated in the error."""
    with pytest.raises(BadInput, match="leave out what stands before the '@'") as told:
        normalise(urlsplit(f"cgc://{user}lab/bucket"))

    assert "canary" not in str(told.value)


def test_fragment_is_refused() -> None:
    """Airflow itself drops a fragment before it asks."""
    with pytest.raises(BadInput, match="write these as %3F or %23"):
        normalise(urlsplit(f"{CGC}/lab/bucket#1"))


def test_airflow_has_both_functions() -> None:
    try:
        manager: Any = importlib.import_module("airflow.sdk.providers_manager_runtime").ProvidersManagerTaskRuntime()
    except ImportError:  # before Airflow 3.2
        manager = importlib.import_module("airflow.providers_manager").ProvidersManager()
    kind = "dataset" if ONLY_WARNS else "asset"

    for scheme in HOMES:
        assert getattr(manager, f"{kind}_uri_handlers")[scheme] is normalise
        assert getattr(manager, f"{kind}_to_openlineage_converters")[scheme] is to_openlineage


def test_both_releases_are_told() -> None:
    """Airflow 2.11 reads another key than Airflow 3."""
    told = get_provider_info()

    assert told["asset-uris"] == told["dataset-uris"]
    assert [one["schemes"] for one in told["asset-uris"]] == [[*HOMES]]


def test_module_is_small() -> None:
    """Airflow loads the module for every Dag with an asset: it brings neither Airflow, nor requests, nor our hooks."""
    code = "import sys, json, airflow_provider_cgc.asset_uris; print(json.dumps(sorted(sys.modules)))"

    loaded = json.loads(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)

    assert [name for name in loaded if name.split(".")[0] in ("airflow", "requests", "urllib3", "fastapi")] == []
    assert len([name for name in loaded if name.startswith("airflow_provider_cgc.")]) <= 7


def to_names(uri: str) -> tuple[str, str]:
    """Return the namespace and the name that OpenLineage gets for an address."""
    with pytest.MonkeyPatch.context() as patch:
        facet: Any = ModuleType("facet")
        facet.Dataset = lambda namespace, name: (namespace, name)
        patch.setitem(sys.modules, "airflow.providers.common.compat.openlineage.facet", facet)
        found: Any = to_openlineage(SimpleNamespace(uri=uri), None)  # type: ignore[arg-type]  # as far as it is read
    return found  # type: ignore[no-any-return]  # as above


@pytest.mark.parametrize(
    ("asset", "names"),
    [
        (asset_of("lab/bucket", "runs"), (CGC, "lab/bucket/runs")),
        (asset_of("lab/bucket"), (CGC, "lab/bucket")),
        (asset_of("lab/bucket", "a b/ä?"), (CGC, "lab/bucket/a b/ä?")),
        (asset_of("lab/bucket", platform="emulator:8090"), ("cgc://emulator:8090", "lab/bucket")),
        (asset_of_project("lab/project", "raw/2026"), (PROJECTS, "lab/project/raw/2026")),
    ],
)
def test_openlineage_has_the_place(asset: Any, names: tuple[str, str]) -> None:
    assert to_names(asset.uri) == names
