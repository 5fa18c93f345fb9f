"""Valid connections, and above all the hosts that a token may go to."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.client import KNOWN_HOSTS, PLATFORMS, CgcError, CgcSettingsError, Settings
from airflow_provider_cgc.client.urls import checked_base_url, is_loopback

TOKEN = "canary0123456789abcdef0123456789"

GOOD_URLS = {
    "https://cgc-api.sbgenomics.com/v2": "https://cgc-api.sbgenomics.com/v2",
    "https://cgc-api.sbgenomics.com": "https://cgc-api.sbgenomics.com/v2",
    "https://CGC-API.sbgenomics.com/": "https://cgc-api.sbgenomics.com/v2",
    "https://cgc-api.sbgenomics.com:443/v2/": "https://cgc-api.sbgenomics.com/v2",
    "HTTPS://cavatica-api.sbgenomics.com/v2": "https://cavatica-api.sbgenomics.com/v2",
    "http://localhost:8090/v2": "http://localhost:8090/v2",
    "http://127.0.0.1:8090": "http://127.0.0.1:8090/v2",
    "http://127.3.2.1/v2": "http://127.3.2.1/v2",
    "http://[::1]:8090/v2": "http://[::1]:8090/v2",
    "https://localhost:8443/proxy": "https://localhost:8443/proxy/v2",
}

HOSTILE_URLS = [
    "http://cgc-api.sbgenomics.com/v2",
    "https://evil.example/v2",
    "https://cgc-api.sbgenomics.com.evil.example/v2",
    "https://evil-cgc-api.sbgenomics.com/v2",
    "https://x.cgc-api.sbgenomics.com/v2",
    "https://sbgenomics.com/v2",
    "https://cgc-api.sbgenomics.com./v2",
    "https://cgc-api.sbgenomics.com@evil.example/v2",
    "https://evil.example@cgc-api.sbgenomics.com/v2",
    "https://user:pass@cgc-api.sbgenomics.com/v2",
    "https://:@cgc-api.sbgenomics.com/v2",
    "https://evil.example#cgc-api.sbgenomics.com/v2",
    "https://evil.example?cgc-api.sbgenomics.com/v2",
    "https://evil.example\\@cgc-api.sbgenomics.com/v2",
    "https://cgc-api.sbgenomics.com\\.evil.example/v2",
    "https:\\\\cgc-api.sbgenomics.com/v2",
    "https:/cgc-api.sbgenomics.com/v2",
    "https:cgc-api.sbgenomics.com/v2",
    "//cgc-api.sbgenomics.com/v2",
    "cgc-api.sbgenomics.com/v2",
    "ftp://cgc-api.sbgenomics.com/v2",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https://cgc-api.sbgenomics.com:8443/v2",
    "https://cgc-api.sbgenomics.com:80/v2",
    "https://cgc-api.sbgenomics.com:0/v2",
    "https://cgc-api.sbgenomics.com:99999/v2",
    "https://cgc-api.sbgenomics.com:/v2",
    "https://cgc-api.sbgenomics.com:443x/v2",
    "https://cgc-api.sbgenomics.com:+443/v2",
    "https://cgc-api.sbgenomics.com:443:443/v2",
    "https://cgc-api.sbgenomics.com/v2?x=1",
    "https://cgc-api.sbgenomics.com/v2?",
    "https://cgc-api.sbgenomics.com/v2#",
    "https://cgc-api.sbgenomics.com/../v2",
    "https://cgc-api.sbgenomics.com/%2e%2e/v2",
    "https://cgc-api.sbgenomics.com//evil.example/v2",
    "https://cgc-api.sbgenomics.com/v2;x",
    "https://cgc-api.sbgenomics.com%2eevil.example/v2",
    "https://cgc-api.sbgenomics.com%00.evil.example/v2",
    "https://cgc-api.sbgenomics.com\n.evil.example/v2",
    "https://cgc-api.sbgenomics.com/v2\n",
    " https://cgc-api.sbgenomics.com/v2",
    "https://cgc-api.sbgenomics.com/v2\r\nX-Evil: 1",
    "https://cgc\u2010api.sbgenomics.com/v2",
    "https://cgc-api.sbgenomic\u0455.com/v2",
    "https://xn--cgc-api-sbgenomics-0e7e.com/v2",
    "https://\uff43gc-api.sbgenomics.com/v2",
    "http://127.1/v2",
    "http://2130706433/v2",
    "http://0x7f.0.0.1/v2",
    "http://0177.0.0.1/v2",
    "http://127.0.0.1.evil.example/v2",
    "http://0.0.0.0:8090/v2",
    "http://[::ffff:127.0.0.1]/v2",
    "http://[::]/v2",
    "http://[::1/v2",
    "http://[::1%25lo]/v2",
    "http://localhost.evil.example/v2",
    "http://localhost@evil.example/v2",
    "http://169.254.169.254/v2",
    "http://10.0.0.1/v2",
    "https://192.168.1.1/v2",
    "https://",
    "https:///v2",
    "",
]


@pytest.mark.parametrize(("url", "normal"), GOOD_URLS.items())
def test_good_url_has_one_form(url: str, normal: str) -> None:
    assert Settings(token=TOKEN, base_url=url).base_url == normal


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_hostile_url_has_no_token(url: str) -> None:
    with pytest.raises(CgcSettingsError) as caught:
        Settings(token=TOKEN, base_url=url)

    assert caught.value.field == "base_url"
    assert TOKEN not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", [None, 5, b"https://cgc-api.sbgenomics.com/v2", ["https://cgc-api.sbgenomics.com"]])
def test_base_url_is_a_text(url: Any) -> None:
    with pytest.raises(CgcSettingsError, match="base_url is missing"):
        Settings(token=TOKEN, base_url=url)


@given(st.text(alphabet="htps:/@\\.?#%[]:0123456789abcgsbenomix-_ \n\u2010", max_size=60))
def test_known_hosts_pass(tail: str) -> None:
    """Only a known host or this machine passes."""
    for text in (tail, f"https://{tail}", f"https://cgc-api.sbgenomics.com{tail}", f"http://localhost{tail}"):
        try:
            url = checked_base_url(text)
        except ValueError:
            continue
        scheme, _, rest = url.partition("://")
        netloc = rest.partition("/")[0]
        name = netloc.rsplit(":", 1)[0] if netloc.count(":") == 1 else netloc
        assert netloc in KNOWN_HOSTS or is_loopback(name) or netloc.startswith("[::1]")
        assert scheme == "https" or netloc not in KNOWN_HOSTS
        assert url.endswith("/v2")


def test_deployment_allows_a_host() -> None:
    settings = Settings(token=TOKEN, base_url="https://API.genomics.example", allowed_hosts=("api.Genomics.example",))

    assert settings.base_url == "https://api.genomics.example/v2"
    assert settings.host == "api.genomics.example"


@pytest.mark.parametrize(
    "url",
    [
        "https://x.api.genomics.example",
        "https://api.genomics.example.evil.example",
        "https://api.genomics.example:8443",
        "http://api.genomics.example",
    ],
)
def test_allowed_host_is_whole(url: str) -> None:
    with pytest.raises(CgcSettingsError, match="base_url"):
        Settings(token=TOKEN, base_url=url, allowed_hosts=("api.genomics.example", "genomics.example"))


def test_allowed_port_is_one() -> None:
    settings = Settings(token=TOKEN, base_url="https://api.lab.example:8443", allowed_hosts=("api.lab.example:8443",))

    assert settings.host == "api.lab.example:8443"
    with pytest.raises(CgcSettingsError):
        Settings(token=TOKEN, base_url="https://api.lab.example", allowed_hosts=("api.lab.example:8443",))


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=lambda platform: platform.name)
def test_platforms_are_valid(platform: Any) -> None:
    assert Settings(token=TOKEN, base_url=platform.base_url).base_url == platform.base_url
    assert platform.web_url.startswith("https://")


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=lambda platform: platform.name)
def test_platform_has_a_web_page(platform: Any) -> None:
    assert Settings(token=TOKEN, base_url=platform.base_url).web_url == platform.web_url
    assert Settings(token=TOKEN, base_url=platform.base_url.upper().replace("/V2", ":443/")).web_url == platform.web_url


@pytest.mark.parametrize(
    "url", ["http://localhost:8090/v2", "https://localhost/v2", "https://api.lab.example:8443", "http://127.0.0.1/v2"]
)
def test_other_host_has_none(url: str) -> None:
    """Another host has no web address even if it may get the token."""
    assert Settings(token=TOKEN, base_url=url, allowed_hosts=("api.lab.example:8443",)).web_url is None


@pytest.mark.parametrize(
    ("token", "fact"),
    [
        ("", "is missing"),
        (None, "is missing"),
        (12345678, "is missing"),
        (TOKEN + "\n", "ends with a line break"),
        (TOKEN + "\r\n", "ends with a line break"),
        (" " + TOKEN, "begins or ends with a blank"),
        (TOKEN + " ", "begins or ends with a blank"),
        (TOKEN[:8] + " " + TOKEN[8:], "inside"),
        (TOKEN[:8] + "\n" + TOKEN[8:], "inside"),
        ("canary\u00e9tok\u00e9n", "outside ASCII"),
        ("canary\x00token", "inside"),
        ("canary7", "fewer than 8"),
    ],
)
def test_bad_token_is_hidden(token: Any, fact: str) -> None:
    with pytest.raises(CgcSettingsError, match=fact) as caught:
        Settings(token=token)

    assert caught.value.field == "token"
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timeout", 0),
        ("timeout", -1),
        ("timeout", float("nan")),
        ("timeout", float("inf")),
        ("timeout", "60"),
        ("timeout", True),
        ("timeout", 3601),
        ("connect_timeout", 0),
        ("rate_share", 0),
        ("rate_share", 1.01),
        ("rate_share", "0.8"),
        ("rate_share", float("nan")),
        ("verify", ""),
        ("verify", None),
        ("verify", 1),
        ("verify", "/no/such/file.pem"),
        ("proxies", "http://proxy:3128"),
        ("proxies", {"https": "proxy:3128"}),
        ("proxies", {"https": 5}),
        ("proxies", {"ftp": "http://proxy:3128"}),
        ("proxies", {"https": "http://proxy:port"}),
        ("project", "lonely"),
        ("project", "a/b/c"),
        ("project", ""),
        ("advance_access", "yes"),
        ("allowed_hosts", "a.example"),
        ("allowed_hosts", (5,)),
    ],
)
def test_bad_field_is_named(field: str, value: Any) -> None:
    with pytest.raises(CgcSettingsError) as caught:
        Settings(**{"token": TOKEN, field: value})

    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field} ")
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, CgcError)


def test_bad_proxy_is_hidden() -> None:
    with pytest.raises(CgcSettingsError) as caught:
        Settings(token=TOKEN, proxies={"https": "http//user:geheim@proxy"})

    assert "geheim" not in str(caught.value)


def test_settings_hide_secrets() -> None:
    settings = Settings(token=TOKEN, proxies={"https": "http://user:geheim@proxy.example:3128"})

    for text in (repr(settings), str(settings), f"{settings}", settings.identity):
        assert TOKEN not in text
        assert "geheim" not in text


def test_settings_are_frozen() -> None:
    settings = Settings(token=TOKEN, proxies={"https": "http://proxy.example:3128"})

    with pytest.raises(FrozenInstanceError):
        settings.token = "other"  # type: ignore[misc]  # the mistake to be caught
    with pytest.raises(TypeError):
        settings.proxies["https"] = "http://evil.example"  # type: ignore[index]  # likewise
    assert len({settings, Settings(token=TOKEN, proxies={"https": "http://proxy.example:3128"})}) == 1


def test_settings_are_not_pickled() -> None:
    settings = Settings(token=TOKEN)

    with pytest.raises(TypeError, match="hold a token"):
        pickle.dumps(settings)
    assert copy.copy(settings) is settings
    assert copy.deepcopy([settings])[0] is settings


def test_identity_is_host_token() -> None:
    """Identity follows host and token alone."""
    one = Settings(token=TOKEN)

    assert one.identity == Settings(token=TOKEN, timeout=5, project="a/b").identity
    assert one.identity != Settings(token=TOKEN + "x").identity
    assert one.identity != Settings(token=TOKEN, base_url=PLATFORMS["cavatica"].base_url).identity
    local = {Settings(token=TOKEN, base_url=f"http://localhost:{port}").identity for port in (8090, 8091)}
    assert len(local) == 2


def test_integers_become_seconds() -> None:
    settings = Settings(token=TOKEN, timeout=30, connect_timeout=2, rate_share=1)

    assert (settings.timeout, settings.connect_timeout, settings.rate_share) == (30.0, 2.0, 1.0)
    assert isinstance(settings.timeout, float)


def test_certificate_file_exists(tmp_path: Any) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("")

    assert Settings(token=TOKEN, verify=str(path)).verify == str(path)
