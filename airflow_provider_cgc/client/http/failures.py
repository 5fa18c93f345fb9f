"""The errors of `requests` and `urllib3`, translated: did the platform see the request, and what can one do?"""

from __future__ import annotations

import errno
import socket
import ssl

import requests
import urllib3

from airflow_provider_cgc.client.errors import (
    CgcCertificateError,
    CgcConnectionError,
    CgcError,
    CgcSettingsError,
    CgcTimeoutError,
)
from airflow_provider_cgc.client.errors.problem import one_line

__all__ = ["FAULTS", "failure_of"]

FAULTS = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)
"""The errors that sending and reading can raise."""

_BEFORE_SENDING = (
    requests.ConnectTimeout,
    requests.exceptions.ProxyError,
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    ConnectionRefusedError,
)
_TOO_LATE = (requests.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError, TimeoutError)
_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN)
_NOT_SENT = "The request was not sent."
_BEHIND_A_PROXY = (
    "If only a proxy leads out of this network, set HTTPS_PROXY in the environment, or the connection's 'proxies'."
)
_BAD_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    urllib3.exceptions.LocationValueError,
)


_NOT_OUR_PROTOCOL = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE")
"""Reasons of OpenSSL for what answers a handshake with something else."""


def failure_of(fault: BaseException, request: object, host: str) -> CgcError:
    """Return the error to raise for a fault; its cause is what the socket itself raised, nothing of `requests`.

    The exceptions of `requests` carry the request with its headers, and so the token.
    """
    layers = _layers(fault)
    failure = _judge(fault, layers, request, host)
    innermost = layers[-1]
    if isinstance(innermost, OSError) and not isinstance(innermost, requests.RequestException):
        failure.__cause__ = innermost
    return failure


def _judge(fault: BaseException, layers: list[BaseException], request: object, host: str) -> CgcError:
    if isinstance(fault, _BAD_ADDRESS):
        # Its text may hold the proxy's password.
        return CgcSettingsError(
            "proxies",
            f"cannot be used ({type(fault).__name__}); write a proxy like http://proxy.example.org:3128, and install "
            "requests[socks] for socks://",
        )
    innermost = layers[-1]
    said = one_line(f"{type(innermost).__name__}: {innermost}", 200)
    if _is_about_certificates(fault, layers):
        return CgcCertificateError(
            f"{request} to {host}: the certificate check failed ({said}). Check the connection's host. If a company's "
            "proxy is in between, put the path of its CA file into 'verify' of the connection, or correct the "
            "environment variable REQUESTS_CA_BUNDLE.",
            sent=False,
        )
    if any(isinstance(layer, _BEFORE_SENDING) for layer in layers):
        kind = CgcTimeoutError if isinstance(innermost, _TOO_LATE) else CgcConnectionError
        return kind(_cannot_connect(layers, host), sent=False)
    fate = "It is unknown whether the request had an effect."
    if isinstance(fault, requests.Timeout | urllib3.exceptions.TimeoutError):
        return CgcTimeoutError(
            f"{request} to {host}: no answer in time ({said}). {fate} If it happens again, check whether a firewall or "
            "a proxy is in between, or raise the connection's 'timeout'.",
            sent=True,
        )
    if isinstance(innermost, ssl.SSLError) and innermost.reason in _NOT_OUR_PROTOCOL:
        return CgcConnectionError(
            f"{host} does not speak https ({said}). Check the connection's host and port.", sent=True, reached=False
        )
    return CgcConnectionError(f"{request} to {host}: the connection was lost ({said}). {fate}", sent=True)


def _cannot_connect(layers: list[BaseException], host: str) -> str:
    """Return the reason why there is no connection, and the thing to check: the proxy, name, network, or service."""
    innermost = layers[-1]
    reason = one_line(str(getattr(innermost, "strerror", None) or innermost), 120).lower()
    if any(isinstance(layer, requests.exceptions.ProxyError | urllib3.exceptions.ProxyError) for layer in layers):
        return (
            f"Cannot connect to {host} through the proxy: {reason}. {_NOT_SENT} Check the connection's 'proxies', or "
            "HTTPS_PROXY and NO_PROXY in the environment, with user and password where the proxy asks for them."
        )
    if any(isinstance(layer, socket.gaierror | urllib3.exceptions.NameResolutionError) for layer in layers):
        return (
            f"Cannot connect to {host}: its name cannot be resolved ({reason}). {_NOT_SENT} Check the connection's "
            f"host for typing errors. {_BEHIND_A_PROXY}"
        )
    if isinstance(innermost, _TOO_LATE):
        return (
            f"Cannot connect to {host}: it did not accept the connection in time. {_NOT_SENT} Check the connection's "
            f"host and port, and whether a firewall is in between. {_BEHIND_A_PROXY}"
        )
    if getattr(innermost, "errno", None) in _NO_WAY:
        return (
            f"Cannot connect to {host}: {reason}. {_NOT_SENT} Check the connection's host, and the network where this "
            f"runs. {_BEHIND_A_PROXY}"
        )
    return (
        f"Cannot connect to {host}: {reason}. {_NOT_SENT} Check the connection's host and port, and that the service "
        "is running."
    )


def _layers(fault: BaseException) -> list[BaseException]:
    """Return the fault and the errors that it wraps, down to the socket's."""
    layers = [fault]
    while len(layers) < 10:
        outer = layers[-1]
        reason = getattr(outer, "reason", None)
        inner = reason if isinstance(reason, BaseException) else None
        inner = inner or next((arg for arg in outer.args if isinstance(arg, BaseException)), None)
        inner = inner or outer.__cause__ or outer.__context__
        if inner is None or inner in layers:
            break
        layers.append(inner)
    return layers


def _is_about_certificates(fault: BaseException, layers: list[BaseException]) -> bool:
    for layer in layers:
        if isinstance(layer, ssl.SSLCertVerificationError):
            return True
        # A CA file that holds no certificate: not the line failed, but the reading of the file.
        if isinstance(layer, ssl.SSLError) and layer.library in ("X509", "PEM"):
            return True
    # A CA file that is gone: `requests` raises a bare OSError before it connects.
    return isinstance(fault, OSError) and not isinstance(fault, requests.RequestException)
