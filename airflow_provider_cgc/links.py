"""Links from a task in Airflow to its project, volume and task on the platform.

The worker or the trigger, which knows the ids, writes the addresses; the links only read them. So they work while a
task is deferred, and the web server neither reads a connection nor sends a request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider_cgc import compat
from airflow_provider_cgc.client.platforms import PLATFORMS

__all__ = ["CgcProjectLink", "CgcTaskLink", "CgcVolumeLink", "links_of", "push_links"]

LONGEST_PART = 255
_WEB_URLS = frozenset(platform.web_url for platform in PLATFORMS.values())


class _StoredLink(BaseOperatorLink):
    """A link whose address `push_links` has written."""

    name = ""
    key = ""

    @property
    def xcom_key(self) -> str:
        """The key from which Airflow 3's web server reads the address, without this class, and writes it at the end."""
        return self.key

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """
        Read the address; "" if there is none.

        Airflow 2.11 calls this in its web server. Airflow 3 calls it in the worker, whenever a task defers or ends, and
        stores the result under the same key: any other value than the stored one would overwrite that.
        """
        try:
            address = compat.read_view(compat.view_address(ti_key), self.key)
        except Exception:  # noqa: BLE001  # on 3.0 it would cost the task its callbacks, on 2.11 the user a page
            return ""
        return address if _is_ours(address) else ""


class CgcProjectLink(_StoredLink):
    """The project that a task works in."""

    name = "Project on the platform"
    key = "_link_CgcProjectLink"


class CgcVolumeLink(_StoredLink):
    """The volume that a task moves files to or from."""

    name = "Volume on the platform"
    key = "_link_CgcVolumeLink"


class CgcTaskLink(_StoredLink):
    """The platform's task that a task in Airflow runs or waits for."""

    name = "Task on the platform"
    key = "_link_CgcTaskLink"


def links_of(
    web_url: str | None, *, project: object = None, volume: object = None, task: object = None
) -> dict[str, str]:
    """
    Return the addresses of pages, by the key to write them under.

    Without a page are: an id of another form (ids may come from an answer), a task without its project, and everything
    on a host that is none of the known platforms.

    :param web_url: `Settings.web_url`.
    :param project: "owner/short-name".
    :param volume: "owner/name".
    :param task: the platform's id of a task in `project`.
    """
    if web_url not in _WEB_URLS:
        return {}
    in_project, in_volume, in_task = _path(project, parts=2), _path(volume, parts=2), _path(task, parts=1)
    links = {}
    if in_project:
        links[CgcProjectLink.key] = f"{web_url}/u/{in_project}"
    if in_volume:
        # Chosen: no page of the vendor tells a volume's address. Two public ones show it, on two platforms:
        # https://eu.sbgenomics.com/v/<owner>/<name>, and https://cavatica.sbgenomics.com/v as the list of volumes.
        links[CgcVolumeLink.key] = f"{web_url}/v/{in_volume}"
    if in_project and in_task:
        links[CgcTaskLink.key] = f"{web_url}/u/{in_project}/tasks/{in_task}"
    return links


def push_links(
    address: Mapping[str, Any], links: Mapping[str, str], *, own: Iterable[Any] = (), warn: Callable[[str], object]
) -> bool:
    """
    Write links to the XComs that Airflow reads them from; say whether that worked. To be called before a task defers.

    Links must not fail a task: any error becomes a warning. Blocking; on an event loop use `compat.in_thread`.

    :param address: dag_id, task_id, run_id and map_index (`compat.view_address`).
    :param links: the result of `links_of`.
    :param own: in a worker, the operator's `operator_extra_links`: one without an address is written as "", because
        Airflow 3 logs an error "XCom not found" when it asks for it.
    """
    missing = {link.xcom_key: "" for link in own if isinstance(link, _StoredLink)}
    try:
        for key, link in (missing | dict(links)).items():
            compat.write_view(address, key, link)
    except Exception as error:  # noqa: BLE001  # see above
        warn(f"The links to the platform could not be stored: {type(error).__name__}: {error}")
        return False
    return True


def _path(text: object, *, parts: int) -> str | None:
    """Return an id as the end of an address; None if it has another form or would lead elsewhere."""
    if not isinstance(text, str):
        return None
    names = text.split("/")
    good = all(0 < len(name) <= LONGEST_PART and name.isprintable() and name not in (".", "..") for name in names)
    return "/".join(quote(name, safe="") for name in names) if good and len(names) == parts else None


def _is_ours(address: object) -> bool:
    """Return True if a stored value is an address on a known platform, because XComs can be edited by hand."""
    return isinstance(address, str) and any(address.startswith(f"{web_url}/") for web_url in _WEB_URLS)
