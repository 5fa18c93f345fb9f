"""The fields of an Airflow connection: their meaning, and the error for a wrong one."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cgc import get_provider_info
from airflow_provider_cgc.client import PLATFORMS, CgcSettingsError, Settings
from airflow_provider_cgc.hooks.connection import EXTRAS, settings_from_connection, split_hosts, unknown_extras

TOKEN = "canary0123456789abcdef0123456789"
CGC = "https://cgc-api.sbgenomics.com/v2"


def read(**fields: Any) -> Settings:
    extra = fields.pop("extra", {})
    given = {"host": None, "port": None, "schema": None, "password": TOKEN, "allowed_hosts": (), **fields}
    return settings_from_connection("cgc_default", extra=extra, **given)


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=lambda platform: platform.name)
def test_platform_gives_its_host(platform: Any) -> None:
    assert read(extra={"platform": platform.name}).base_url == platform.base_url
    assert read(extra={"platform": f" {platform.name.upper()} "}).base_url == platform.base_url


@pytest.mark.parametrize(
    ("fields", "base_url"),
    [
        ({"host": "cgc-api.sbgenomics.com"}, CGC),
        ({"host": " cgc-api.sbgenomics.com "}, CGC),
        ({"host": "cgc-api.sbgenomics.com/v2"}, CGC),
        ({"host": "https://cgc-api.sbgenomics.com"}, CGC),
        ({"host": "https://cgc-api.sbgenomics.com/v2/"}, CGC),
        ({"host": "cgc-api.sbgenomics.com", "schema": "https"}, CGC),
        ({"host": "cgc-api.sbgenomics.com", "schema": "v2"}, CGC),
        ({"host": "cgc-api.sbgenomics.com/v2", "schema": "v2"}, CGC),
        ({"host": "https://cgc-api.sbgenomics.com", "schema": "v2"}, CGC),
        ({"host": "cgc-api.sbgenomics.com", "port": 443}, CGC),
        ({"host": "https://cgc-api.sbgenomics.com:443", "port": 443, "schema": "HTTPS"}, CGC),
        ({"host": "localhost", "port": 8090}, "http://localhost:8090/v2"),
        ({"host": "localhost:8090"}, "http://localhost:8090/v2"),
        ({"host": "127.0.0.1", "port": 8090, "schema": "v2"}, "http://127.0.0.1:8090/v2"),
        ({"host": "http://127.0.0.1:8090/v2"}, "http://127.0.0.1:8090/v2"),
        ({"host": "http://127.0.0.1", "port": 8090}, "http://127.0.0.1:8090/v2"),
        ({"host": "::1", "port": 8090}, "http://[::1]:8090/v2"),
        ({"host": "[::1]:8090"}, "http://[::1]:8090/v2"),
        ({"host": "localhost", "port": 8443, "schema": "https"}, "https://localhost:8443/v2"),
        ({"host": "localhost", "schema": "proxy/v2"}, "http://localhost/proxy/v2"),
        ({"host": CGC, "extra": {"platform": "cgc"}}, CGC),
        ({"host": "cgc-api.sbgenomics.com", "extra": {"platform": "cgc"}}, CGC),
        ({"host": CGC, "extra": {"platform": "other"}}, CGC),
        ({"host": "", "extra": {"platform": "cgc"}}, CGC),
        ({"host": CGC, "extra": {"platform": ""}}, CGC),
        ({"host": CGC, "extra": {"platform": None}}, CGC),
        ({"host": "api.lab.example", "allowed_hosts": ("api.lab.example",)}, "https://api.lab.example/v2"),
        (
            {"host": "api.lab.example", "port": 8443, "allowed_hosts": ("api.lab.example:8443",)},
            "https://api.lab.example:8443/v2",
        ),
    ],
)
def test_host_port_and_schema(fields: dict[str, Any], base_url: str) -> None:
    assert read(**fields).base_url == base_url


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "is empty, and so is Extra 'platform'"),
        ({"extra": {"platform": "other"}}, "is empty; platform 'other' needs a host"),
        ({"host": "https://cavatica-api.sbgenomics.com", "extra": {"platform": "cgc"}}, "differs from platform 'cgc'"),
        ({"host": "evil.example", "extra": {"platform": "cgc"}}, "differs from platform 'cgc'"),
        ({"host": "evil.example"}, "allowed_hosts"),
        ({"host": "http://cgc-api.sbgenomics.com"}, "must start with https://"),
        ({"host": "cgc-api.sbgenomics.com", "schema": "http"}, "must start with https://"),
        ({"host": "https://cgc-api.sbgenomics.com", "schema": "http"}, "Schema says http"),
        ({"host": "localhost:8090", "port": 8091}, "has a port, and Port has another"),
        ({"host": "localhost/v2", "schema": "other/v2"}, "has a path, and Schema has another"),
        ({"host": "localhost", "port": 0}, "port"),
        ({"host": "localhost", "port": 70000}, "port"),
        ({"host": "https://"}, "must be a whole address"),
        ({"host": "cgc-api.sbgenomics.com@evil.example"}, "user name"),
        ({"host": "[::1"}, "is not a valid address"),
    ],
)
def test_wrong_host_is_told(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(CgcSettingsError) as caught:
        read(**fields)

    assert str(caught.value).startswith("field Host of connection 'cgc_default' ")
    assert words in str(caught.value)


def test_both_ways_are_named() -> None:
    """Both ways to give a host are named when neither is used."""
    with pytest.raises(CgcSettingsError) as caught:
        read()

    assert "Host" in str(caught.value)
    assert "platform" in str(caught.value)


@pytest.mark.parametrize(
    ("extra", "field", "value"),
    [
        ({"project": "mcurie/radium"}, "project", "mcurie/radium"),
        ({"project": ""}, "project", None),
        ({"timeout": 30}, "timeout", 30.0),
        ({"timeout": "30"}, "timeout", 30.0),
        ({"timeout": " "}, "timeout", 60.0),
        ({"timeout": None}, "timeout", 60.0),
        ({"verify": False}, "verify", False),
        ({"verify": "false"}, "verify", False),
        ({"verify": "True"}, "verify", True),
        ({"verify": ""}, "verify", True),
        ({"verify": __file__}, "verify", __file__),
        ({"proxies": {"https": "http://proxy.example:3128"}}, "proxies", {"https": "http://proxy.example:3128"}),
        ({"proxies": '{"https": "http://proxy.example:3128"}'}, "proxies", {"https": "http://proxy.example:3128"}),
        ({"proxies": ""}, "proxies", None),
        ({"proxies": {}}, "proxies", {}),
        ({"rate_share": 0.5}, "rate_share", 0.5),
        ({"rate_share": "0.5"}, "rate_share", 0.5),
        ({"advance_access": True}, "advance_access", True),
        ({"advance_access": "true"}, "advance_access", True),
        ({"advance_access": "False"}, "advance_access", False),
        ({"somebody_elses": "extra"}, "timeout", 60.0),
    ],
)
def test_extras_as_values_or_text(extra: dict[str, Any], field: str, value: Any) -> None:
    assert getattr(read(extra={"platform": "cgc", **extra}), field) == value


@pytest.mark.parametrize(
    ("extra", "field"),
    [
        ({"platform": "gcg"}, "platform"),
        ({"platform": 5}, "platform"),
        ({"project": "lonely"}, "project"),
        ({"project": 5}, "project"),
        ({"timeout": "soon"}, "timeout"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": True}, "timeout"),
        ({"verify": "/no/such/ca.pem"}, "verify"),
        ({"verify": 5}, "verify"),
        ({"proxies": "http://somebody:geheim@proxy:3128"}, "proxies"),
        ({"proxies": '{"https": "geheim"}'}, "proxies"),
        ({"proxies": ["geheim"]}, "proxies"),
        ({"rate_share": 2}, "rate_share"),
        ({"rate_share": "all"}, "rate_share"),
        ({"advance_access": "maybe"}, "advance_access"),
        ({"advance_access": 5}, "advance_access"),
    ],
)
def test_wrong_extra_is_named(extra: dict[str, Any], field: str) -> None:
    with pytest.raises(CgcSettingsError) as caught:
        read(extra={"platform": "cgc", **extra})

    assert str(caught.value).startswith(f"field Extra '{field}' of connection 'cgc_default' ")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("password", [None, "", TOKEN + "\n", f" {TOKEN}", "canary7"])
def test_wrong_token_is_hidden(password: str | None) -> None:
    """A wrong token is told without showing it."""
    with pytest.raises(CgcSettingsError) as caught:
        read(password=password, extra={"platform": "cgc"})

    assert str(caught.value).startswith("field Password (token) of connection 'cgc_default' ")
    assert "canary" not in str(caught.value)
    assert "Authentication token" in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        *({"host": host.format(TOKEN)} for host in ("{}", "{}://x", "https://{}.example", "https://u:{}@x.example")),
        {"host": f"{CGC}/{TOKEN}"},
        {"host": f"{CGC}/{TOKEN}", "allowed_hosts": ("cgc-api.sbgenomics.com",)},
        {"host": TOKEN.upper(), "allowed_hosts": (TOKEN,)},
        {"host": f"{TOKEN}://x", "schema": "https"},
        {"host": "localhost", "schema": TOKEN},
        *(
            {"extra": {"platform": "cgc", name: value.format(TOKEN)}}
            for name in ("platform", "project", "timeout", "verify", "proxies", "rate_share", "advance_access")
            for value in ("{}", "a/{}", "{0}{0}")
        ),
        {"extra": {"platform": "cgc", "proxies": {TOKEN: "http://x"}}},
        {"extra": {"platform": "cgc", "proxies": {f"https://{TOKEN}": "x"}}},
    ],
    ids=str,
)
def test_token_in_other_field(fields: dict[str, Any]) -> None:
    """The token is not shown if it stands in another field, too, and neither is the error that it was found by."""
    with pytest.raises(CgcSettingsError) as caught:
        read(**fields)

    assert "canary" not in f"{caught.value!r} {caught.value.__context__!r}".lower()


@pytest.mark.parametrize(
    "password", [TOKEN, f"{TOKEN}\n", f"Bearer {TOKEN}", f'"{TOKEN}"', f"X-SBG-Auth-Token:{TOKEN}"]
)
@pytest.mark.parametrize("name", ["{}", "my_{}", "{0}{0}", "x" * 60 + "{}"])
def test_token_as_name_of_extra(name: str, password: str) -> None:
    told = unknown_extras({name.format(TOKEN): 1}, password)

    assert told is not None
    assert "canary" not in told


def test_hosts_of_the_option() -> None:
    assert split_hosts(" A.example , b.example:8443,, ") == ("a.example", "b.example:8443")
    assert split_hosts("") == split_hosts(None) == ()


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"rate-share": "0.5"}, "'rate-share'; is 'rate-share' meant to be 'rate_share'? Known are platform, project"),
        ({"Platform": "cgc"}, "'Platform'; is 'Platform' meant to be 'platform'?"),
        ({"timeout_s": 5, "projct": "a/b"}, "'projct', 'timeout_s'; is 'projct' meant to be 'project'?"),
        ({"zzz": "geheim"}, "does not know and ignores: 'zzz'. Known are"),
    ],
)
def test_unknown_extra_is_named(extra: dict[str, Any], words: str) -> None:
    told = unknown_extras({"platform": "cgc", **extra}, TOKEN)

    assert told is not None
    assert words in told
    assert "geheim" not in told


def test_known_extras_pass() -> None:
    """A known extra, or one of Airflow's own, is not named."""
    assert unknown_extras(dict.fromkeys(EXTRAS), TOKEN) is None
    assert unknown_extras({"extra__cgc__project": "a/b", "__extra__": "{}"}, TOKEN) is None
    assert unknown_extras({}, TOKEN) is None


def test_form_has_all_extras() -> None:
    [form] = get_provider_info()["connection-types"]

    assert set(form["conn-fields"]) == set(EXTRAS)
