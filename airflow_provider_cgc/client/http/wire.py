"""One exchange over one socket: the only place that speaks HTTP, with `requests`.

Every exchange has timeouts, carries its own proxies and certificate rules, follows no redirect, no link to another
host, and reads neither .netrc nor cookies.
"""

from __future__ import annotations

import json
import os
import threading
import time
import weakref
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import requests
import urllib3
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies

from airflow_provider_cgc import __version__
from airflow_provider_cgc.client.errors import (
    CgcForeignLinkError,
    CgcTimeoutError,
    CgcUnreadableError,
    CgcUsageError,
)
from airflow_provider_cgc.client.errors.problem import one_line
from airflow_provider_cgc.client.http.failures import FAULTS, failure_of
from airflow_provider_cgc.client.http.request import Request
from airflow_provider_cgc.client.settings import Settings
from airflow_provider_cgc.client.urls import origin

__all__ = ["Wire"]

_LARGEST_BODY = 256 * 1024 * 1024
_PIECE = 64 * 1024
_SHORTEST_CREATE_TIMEOUT = 300.0
_PROXY_VARIABLES = tuple(
    case(name) for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for case in (str.lower, str.upper)
)
"""The variables that name proxies; `requests` looks through the whole environment twice to find them."""


class Wire:
    """Exchanges requests for answers, from any thread; each thread has a `requests.Session` of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._local = threading.local()
        self._sessions: weakref.WeakSet[requests.Session] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._environ_proxies: tuple[tuple[str | None, ...], dict[str, str]] | None = None

    def close(self) -> None:
        """Close the connections of all threads. A later call opens new ones."""
        with self._lock:
            sessions, self._sessions = list(self._sessions), weakref.WeakSet()
            self._local = threading.local()
        for session in sessions:
            session.close()

    def exchange(self, request: Request) -> tuple[int, Mapping[str, str], bytes]:
        """Return status, headers and whole body, the token removed from them; raises a `CgcError` without an answer."""
        url, payload = self._url(request), _payload(request)
        try:
            return self._exchange(request, url, payload)
        except FAULTS as fault:
            failure = failure_of(fault, request, self._settings.host)
        # Outside of the `except`, so that the fault does not travel along as the context.
        raise failure

    def _exchange(self, request: Request, url: str, payload: bytes | None) -> tuple[int, Mapping[str, str], bytes]:
        wait = self._settings.timeout
        if not request.repeatable:
            wait = max(wait, _SHORTEST_CREATE_TIMEOUT)
        with self._session(fresh=not request.repeatable).request(
            request.method,
            url,
            params=None if request.link else dict(request.params),
            data=payload,
            headers=self._headers(),
            timeout=(self._settings.connect_timeout, wait),
            allow_redirects=False,
            proxies=self._proxies(),
            verify=self._verify(),
            stream=True,
        ) as response:
            token = self._settings.token
            headers = {name: text.replace(token, "***") for name, text in response.headers.items()}
            return response.status_code, CaseInsensitiveDict(headers), self._read(request, response, wait)

    def _read(self, request: Request, response: requests.Response, wait: float) -> bytes:
        """Read to the end, for `wait` seconds; the timeout of a socket starts anew with every byte that trickles in."""
        deadline = time.monotonic() + wait
        pieces: list[bytes] = []
        size = 0
        try:
            while piece := response.raw.read1(_PIECE, decode_content=True):
                size += len(piece)
                pieces.append(piece)
                if time.monotonic() > deadline:
                    raise CgcTimeoutError(
                        f"{request}: the answer was not complete {wait:g} s after it began; it is unknown whether the "
                        "request had an effect",
                        sent=True,
                    )
                if size > _LARGEST_BODY:
                    raise CgcUnreadableError(f"{request}: the answer is larger than {_LARGEST_BODY} bytes")
        except (urllib3.exceptions.ProtocolError, urllib3.exceptions.DecodeError) as fault:
            if 200 <= response.status_code < 300:
                raise CgcUnreadableError(
                    f"{request} answered {response.status_code}, but the connection was lost after {size} bytes"
                ) from fault
            # What a refusal means is for its judge to say, even where only a part of its text arrived.
        return b"".join(pieces).replace(self._settings.token.encode(), b"***")

    def _url(self, request: Request) -> str:
        """Return the address to send to; a link that the platform gave must be below the connection's own base URL."""
        base_url = self._settings.base_url
        if request.link is None:
            return base_url + request.path
        try:
            home, target = origin(base_url), origin(request.link)
        except ValueError:
            home, target = ("", ""), ("an odd address", "")
        if home != target or not urlsplit(request.link).path.startswith(urlsplit(base_url).path + "/"):
            raise CgcForeignLinkError(
                f"{request}: the platform's answer links to {one_line('://'.join(target), 120)}, which is not below "
                f"the connection's {base_url}. It was not followed, because the token would be sent there."
            )
        return request.link

    def _headers(self) -> dict[str, str]:
        headers = {
            "X-SBG-Auth-Token": self._settings.token,
            "User-Agent": f"airflow-provider-cgc/{__version__}",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        if self._settings.advance_access:
            headers["X-SBG-Advance-Access"] = "advance"
        return headers

    def _verify(self) -> bool | str:
        """Return the connection's setting; if that is just "yes", a company's own CA file of the environment counts.

        `requests` itself would let the environment win over a session's setting, or, with `trust_env` off as here,
        not look at it.
        """
        if self._settings.verify is not True:
            return self._settings.verify
        return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True

    def _proxies(self) -> dict[str, str]:
        """Return the connection's own proxies, else the environment's, read anew when it has changed."""
        if self._settings.proxies is not None:
            return dict(self._settings.proxies)
        environment = tuple(os.environ.get(name) for name in _PROXY_VARIABLES)
        known = self._environ_proxies
        if known is None or known[0] != environment:
            # They depend on the host alone, and the token goes to one host only.
            known = self._environ_proxies = environment, dict(get_environ_proxies(self._settings.base_url))
        return dict(known[1])

    def _session(self, *, fresh: bool) -> requests.Session:
        """Return this thread's session. A create gets a fresh connection: an idle one may just be closing, unseen."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            with self._lock:
                self._local.session = session
                self._sessions.add(session)
        elif fresh:
            session.close()
        return session


def _payload(request: Request) -> bytes | None:
    if request.body is None:
        return None
    try:
        return json.dumps(request.body, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as fault:
        raise CgcUsageError(f"{request}: the values given cannot be written as JSON: {one_line(str(fault))}") from fault
