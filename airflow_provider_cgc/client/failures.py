"""What the errors of `requests` and `urllib3` mean: did the platform see the request, and what can one do?"""

from __future__ import annotations

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
from airflow_provider_cgc.client.problems import one_line

__all__ = ["FAULTS", "failure_of"]

FAULTS = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)
"""What sending and reading can raise."""

_BEFORE_SENDING = (
    requests.ConnectTimeout,
    requests.exceptions.ProxyError,
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    ConnectionRefusedError,
)
_BAD_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    urllib3.exceptions.LocationValueError,
)


def failure_of(fault: BaseException, where: str) -> CgcError:
    """The error to raise for a fault; what the socket itself said becomes its cause, nothing of `requests`.

    The exceptions of `requests` carry the request with its headers, and so the token.
    """
    layers = _layers(fault)
    failure = _judge(fault, layers, where)
    innermost = layers[-1]
    if isinstance(innermost, OSError) and not isinstance(innermost, requests.RequestException):
        failure.__cause__ = innermost
    return failure


def _judge(fault: BaseException, layers: list[BaseException], where: str) -> CgcError:
    if isinstance(fault, _BAD_ADDRESS):
        # Its text may hold the proxy's password.
        return CgcSettingsError(
            "proxies",
            f"the proxy cannot be used ({type(fault).__name__}); it reads like http://proxy.example.org:3128, and "
            "socks:// needs the package requests[socks]",
        )
    said = one_line(f"{type(layers[-1]).__name__}: {layers[-1]}", 200)
    if _is_about_certificates(fault, layers):
        return CgcCertificateError(
            f"{where}: the certificate check failed ({said}). If a company's proxy stands between, put the path of "
            "its CA file into 'verify' of the connection, or correct REQUESTS_CA_BUNDLE of this machine",
            sent=False,
        )
    sent = not any(isinstance(layer, _BEFORE_SENDING) for layer in layers)
    fate = "what became of the request is unknown" if sent else "the platform did not see the request"
    if isinstance(fault, requests.Timeout | urllib3.exceptions.TimeoutError):
        return CgcTimeoutError(f"{where}: no answer in time ({said}); {fate}", sent=sent)
    if isinstance(fault, requests.exceptions.ProxyError):
        return CgcConnectionError(
            f"{where}: the proxy did not connect ({said}); {fate}. Check the connection's 'proxies', or HTTPS_PROXY "
            "and NO_PROXY of this machine",
            sent=sent,
        )
    return CgcConnectionError(f"{where}: the line failed ({said}); {fate}", sent=sent)


def _layers(fault: BaseException) -> list[BaseException]:
    """The fault and what it wraps, down to what the socket said."""
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
