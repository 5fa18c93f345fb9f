"""The certificates that are trusted: the connection's word, then REQUESTS_CA_BUNDLE, then the usual authorities."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from airflow_provider_cgc.client import CgcCertificateError, CgcClient, CgcConnectionError, RateBudget, Settings
from airflow_provider_cgc.client.http.retry import transient

TOKEN = "canary0123456789abcdef0123456789"


@dataclass
class Authority:
    """A certificate authority of our own: its file, and the file of the server it vouches for."""

    ca: Path
    server: Path


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def make_authority(folder: Path) -> Authority:
    now = datetime.datetime.now(datetime.UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def certificate(subject: str, public: Any, extensions: list[tuple[x509.ExtensionType, bool]]) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name("made up authority"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=2))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(ca_key, hashes.SHA256())

    ca_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    ca = certificate(
        "made up authority",
        ca_key.public_key(),
        [(x509.BasicConstraints(ca=True, path_length=None), True), (usage, True), (ca_id, False)],
    )
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    by = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_id)
    leaf = certificate("server", key.public_key(), [(names, False), (by, False)])
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    (folder / "server.pem").write_bytes(private + leaf.public_bytes(pem))
    return Authority(folder / "ca.pem", folder / "server.pem")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


class TlsServer:
    def __init__(self, authority: Authority) -> None:
        self.heard: list[bytes] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(authority.server)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._socket.getsockname()[1]}/v2"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        body = json.dumps({"username": "mcurie"}).encode()
        head = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), self._context.wrap_socket(line, server_side=True) as safe:
                self.heard.append(safe.recv(65536))
                safe.sendall(head + body)

    def stop(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@pytest.fixture
def server(authority: Authority) -> Iterator[TlsServer]:
    made = TlsServer(authority)
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def ask(server: TlsServer, verify: bool | str) -> str:
    settings = Settings(token=TOKEN, base_url=server.url, timeout=5, verify=verify, proxies={})
    with CgcClient(settings, patience=0, budget=RateBudget(share=1)) as client:
        return client.user().username


def test_unknown_is_refused_first(server: TlsServer) -> None:
    """An unknown authority is refused before the token is sent."""
    with pytest.raises(CgcCertificateError, match="'verify' of the connection") as caught:
        ask(server, True)

    assert not caught.value.sent
    assert not transient(caught.value)
    assert server.heard == []


def test_connections_ca_file(server: TlsServer, authority: Authority) -> None:
    assert ask(server, str(authority.ca)) == "mcurie"


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_verify_false_trusts_all(server: TlsServer) -> None:
    assert ask(server, False) == "mcurie"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_environments_ca_file(
    server: TlsServer, authority: Authority, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(authority.ca))

    assert ask(server, True) == "mcurie"


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_connections_file_wins(
    server: TlsServer, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = make_authority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca))
    with pytest.raises(CgcCertificateError):
        ask(server, str(other.ca))

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other.ca))
    assert ask(server, str(authority.ca)) == "mcurie"
    assert ask(server, False) == "mcurie"


def test_missing_ca_file_is_named(server: TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/ca.pem")

    with pytest.raises(CgcCertificateError, match=r"/no/such/ca\.pem") as caught:
        ask(server, True)

    assert not caught.value.sent


def test_empty_ca_file_is_named(server: TlsServer, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate in here\n")

    with pytest.raises(CgcCertificateError) as caught:
        ask(server, str(empty))

    assert not caught.value.sent


def test_no_tls_is_told(serve: Any, http_answer: Any) -> None:
    def talk(server: Any, line: socket.socket) -> None:
        line.recv(1000)
        line.sendall(http_answer(b"{}", status="400 Bad Request"))

    plain = serve(talk)
    settings = Settings(token=TOKEN, base_url=plain.url.replace("http://", "https://"), timeout=5, proxies={})
    with CgcClient(settings, patience=0, budget=RateBudget(share=1)) as client, pytest.raises(CgcConnectionError):
        client.user()
