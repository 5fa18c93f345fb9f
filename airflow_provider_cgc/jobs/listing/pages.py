"""Pages of the platform's web site, whose addresses users copy from the browser in place of an id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_cgc.client.platforms import PLATFORMS
from airflow_provider_cgc.jobs.forms import id_on_page
from airflow_provider_cgc.jobs.text import BadInput, shown

if TYPE_CHECKING:
    from airflow_provider_cgc.client import Settings

_HOSTS = {host: one for one in PLATFORMS.values() for host in (one.host, urlsplit(one.web_url).netloc)}


class OtherPlatform(BadInput):
    """A page is on another platform than the connection's; an id from there may mean another thing here."""


def id_or_page(value: Any, kind: str) -> tuple[Any, str | None]:
    """
    Return the id on a page, and the page's address; any other value as it is, and None.

    :param kind: "project", "folder" or "volume".
    """
    found = id_on_page(value, kind)
    return (value, None) if found is None else (found, str(value).strip())


def refuse_other_platform(argument: str, page: str | None, settings: Settings) -> None:
    """Raise OtherPlatform if a page is certainly on another platform than the connection's."""
    meant = _HOSTS.get(urlsplit(page).netloc.lower()) if page else None
    if meant is None or settings.web_url in (None, meant.web_url):
        return
    raise OtherPlatform(
        f"{argument} is {shown(page)}, on {meant.title}, and the connection's platform is at {settings.host}; give a"
        f" page from there, or a connection to {meant.title}"
    )
