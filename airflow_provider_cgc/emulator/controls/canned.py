"""The answers of faults: the API's errors on demand, and the pages of what stands in front of it."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from airflow_provider_cgc.emulator.state.errors import PlatformError, gateway_body

_JSON, _HTML = "application/json", "text/html"
_PAGE = (
    "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
    "<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)

_CODED = {"429": 1000, "503_maintenance": 0, "503": 90005, "401": 90001, "403": 90002}
# choice: 500 comes in the gateway's words; the only published code with that status means a body that could
# not be decoded. 408 has none.
_GATEWAY = {"404_gateway": 404, "408": 408, "500": 500}
_PAGES = {
    "302_html": (302, "302 Found"),
    "404_html": (404, "404 Not Found"),
    "405_html": (405, "405 Not Allowed"),
    "413_html": (413, "413 Request Entity Too Large"),
    "502_html": (502, "502 Bad Gateway"),
    "503_html": (503, "503 Service Temporarily Unavailable"),
    "504_html": (504, "504 Gateway Time-out"),
}
# Where a "302_html" sends its caller, as a proxy does that wants people to sign in: nothing answers there.
LOGIN_PAGE = "https://login.example.invalid/"
# The services behind the gateway know who asks: their errors carry the headers of the rate limit.
FROM_A_SERVICE = ("403", "503")


def canned_answer(kind: str, lacks: Collection[str] = ()) -> tuple[int, str, bytes]:
    """Return status, content type and body of a fault; no body for one that only closes the line.

    :param lacks: fields that the platform's own errors leave out.
    """
    if kind in _CODED:
        error = PlatformError(_CODED[kind])
        return error.status, _JSON, _dumped(error.to_json(lacks))
    if kind in _GATEWAY:
        return _GATEWAY[kind], _JSON, _dumped(gateway_body(_GATEWAY[kind]))
    if kind == "drop_before":
        return 0, _JSON, b""
    status, title = _PAGES[kind]
    return status, _HTML, _PAGE.format(title=title).encode()


def _dumped(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()
