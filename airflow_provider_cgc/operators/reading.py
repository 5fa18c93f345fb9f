"""The items of an export task, from wherever its arguments say."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc import storage
from airflow_provider_cgc.jobs.exports.item import Item
from airflow_provider_cgc.jobs.submitting.account import failed_items
from airflow_provider_cgc.jobs.submitting.items import parse_items, parted
from airflow_provider_cgc.jobs.submitting.manifest import read_items
from airflow_provider_cgc.operators.export_arguments import check_volume, same_address

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient


def items_given(given: Any, *, conn_id: str | None, written: str | None, where: str) -> list[Item]:
    """
    Read the argument `items`: a list or text of one, in which addresses of manifests may stand, too.

    :param conn_id: the connection for manifests whose address names none.
    :param written: the address that the task writes to, which it must not read.
    :raises BadItems: with everything that is wrong, line numbers included.
    :raises CgcBadInput: if a manifest cannot be read.
    """
    places, others = parted(storage.texts_in(given))
    items = [item for place in places for item in manifest_items(place, conn_id=conn_id, written=written, where=where)]
    return items + (parse_items(others, where=where, check=check_volume) if others or not places else [])


def manifest_items(
    address: object,
    *,
    conn_id: str | None,
    written: str | None,
    where: str,
    failed_of: Callable[[], CgcClient] | None = None,
) -> list[Item]:
    """
    Read a manifest; with `failed_of`, which gives a client, only what failed, and what it leaves open is asked for.

    :param conn_id: the connection, where the address names none.
    :param written: the address that the task writes to, which it must not read.
    :raises BadItems: with everything that is wrong, line numbers included.
    :raises CgcBadInput: if it cannot be read.
    :raises CgcInputRefused: and `CgcExportsUnsettled` if it does not tell yet what failed.
    :raises CgcError: if the platform does not answer.
    """
    name = storage.address(address)
    if not storage.connection_of(name):
        name = storage.address(name, conn_id)
    if name == written:
        raise same_address(name, where=where)
    lines = storage.read_lines(name)
    if failed_of is None:
        return read_items(lines, name=name)
    return failed_items(failed_of(), lines, name=name)
