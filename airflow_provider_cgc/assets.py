"""Airflow's assets for places on the platform: of a volume or project, and the facts about a task in their events."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from airflow_provider_cgc.asset_uris import (
    HOMES,
    PROJECT,
    VOLUME,
    Home,
    address,
    host_of,
    normalise,
    platform_at,
    platform_in,
)
from airflow_provider_cgc.compat import announced_kinds
from airflow_provider_cgc.exceptions import CgcBadInput
from airflow_provider_cgc.jobs.text import BadInput, shown

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Asset, Context

    from airflow_provider_cgc.hooks.cgc import CgcHook

log = logging.getLogger(__name__)

FACTS = ("total", "completed", "skipped", "failed", "bytes", "manifest")
"""The facts of a summary that an event has."""


def asset_of(volume: str, prefix: str = "", *, platform: str = "cgc", **kwargs: Any) -> Asset:
    """
    Return the asset of a volume, or of the objects below a prefix of it:
    `cgc://cgc-api.sbgenomics.com/owner/volume/prefix`.

    The same place is the same asset in every Dag; a slash at either end of the prefix makes no difference.

    :param volume: "owner/name", as the operators take it.
    :param prefix: a folder on the volume. Assets are known when a Dag is parsed: a template is not rendered here.
    :param platform: the platform that has the volume, because another one may have a volume of the same name: a name as
        in a connection ("cgc", "cavatica", "sbg-us", "sbg-eu", "sbg-cn", "bdc"), or for platform 'other' the host of
        its API, with the port if there is one in the connection.
    :param kwargs: passed on, such as `name` and `group` (Airflow 3) or `extra`.
    :raises CgcBadInput: if the platform is not known, the volume is not of that form, or something is a template.
    """
    return _asset_given(VOLUME, volume, prefix, platform=platform, **kwargs)


def asset_of_project(project: str, folder: str = "", *, platform: str = "cgc", **kwargs: Any) -> Asset:
    """
    Return the asset of a project, or of the files in a folder of it:
    `cgc-project://cgc-api.sbgenomics.com/owner/project/folder`.

    It is another asset than that of a volume with the same name. Otherwise it is like `asset_of`.

    :param project: "owner/short-name", as the operators take it.
    :param folder: the path of a folder in the project. Assets are known when a Dag is parsed: a template is not
        rendered here.
    :param platform: the platform that has the project, as for `asset_of`.
    :param kwargs: passed on, such as `name` and `group` (Airflow 3) or `extra`.
    :raises CgcBadInput: if the platform is not known, the project is not of that form, or something is a template.
    """
    return _asset_given(PROJECT, project, folder, platform=platform, **kwargs)


def _asset_given(home: Home, name: str, folder: str, /, *, platform: str, **kwargs: Any) -> Asset:
    if not isinstance(folder, str):
        raise CgcBadInput(f"The {home.below} {shown(folder)} of an asset is no text; write it like folder/below")
    if not isinstance(name, str):
        raise CgcBadInput(f"The {home.noun} {shown(name)} of an asset is no text; write it like {home.form}")
    if "{" in name or "{" in folder:
        raise CgcBadInput(
            f"The asset of {shown(name)}, {shown(folder)} has a template, and assets are known when the Dag is"
            " parsed; give the part that is always the same"
        )
    try:
        return _asset(host_of(platform), home, name, folder, **kwargs)
    except BadInput as fault:
        raise CgcBadInput(str(fault)) from None


def _asset(host: str, home: Home, name: str, folder: str, /, **kwargs: Any) -> Asset:
    # Imported here, because on Airflow 3 it loads modules that a worker does not need.
    from airflow.providers.common.compat.sdk import Asset

    return Asset(uri=address(host, home, name, folder), **kwargs)


def destination_of(home: Home, name: str | None, template: str, *, host: str) -> Asset | None:
    """
    Return the asset of a task's destination, as far as it is the same for all items.

    :param template: the path of each item there, with placeholders in braces.
    :param host: as in the settings of the task's connection.
    """
    fixed, brace, _ = template.partition("{")
    folder = fixed.rpartition("/")[0] if brace else ""
    try:
        return _asset(host, home, name, folder) if name else None
    except BadInput:
        return None


def tell_events(
    context: Context,
    outlets: Iterable[Any],
    summary: Mapping[str, Any],
    *,
    place: Callable[[], Asset | None],
    connection: Callable[[], CgcHook],
) -> None:
    """
    Add the facts of a summary to the events of a task's outlets; Airflow stores them when the task has succeeded.

    The work is done by then, so that every trouble with an event is a warning; an outlet on another platform than the
    task's is told, too.

    :param place: gives the asset for the event of an `AssetAlias`; None if it is not known.
    :param connection: gives the hook of the task's connection.
    """
    outlets = list(outlets)
    if not outlets:
        return
    from airflow.providers.common.compat.sdk import AssetAlias

    facts = {name: summary[name] for name in FACTS}
    kinds: Any = announced_kinds()
    for outlet in outlets:
        if isinstance(outlet, AssetAlias):
            with _at_most_warning(outlet, "has no event"):
                _tell_alias(context, outlet, place(), facts)
        elif isinstance(outlet, kinds):
            with _at_most_warning(outlet, "has an event that does not say what was moved"):
                context["outlet_events"][outlet].extra.update(facts)
            with _at_most_warning(outlet, "could not be compared with the platform of the connection"):
                _compare_platforms(outlet, connection)


def _tell_alias(context: Context, alias: Any, place: Asset | None, facts: dict[str, Any]) -> None:
    if place is not None:
        context["outlet_events"][alias].add(place, extra=facts)
        return
    log.warning(
        "The outlet %s has no event: this task does not know the files' destination. Give the asset of the destination"
        " (airflow_provider_cgc.assets.asset_of, or airflow_provider_cgc.assets.asset_of_project) instead.",
        alias,
    )


def _compare_platforms(outlet: Any, connection: Callable[[], CgcHook]) -> None:
    """Warn of an asset of ours that is on another platform than the connection."""
    told = platform_in(getattr(outlet, "uri", None) or "")
    if told is None:
        return
    hook = connection()
    used = platform_at(hook.settings.host)
    if told != used:
        log.warning(
            "The outlet %s is on platform %r, but the connection %r of this task is for platform %r. Airflow stores its"
            " event all the same. If it is a mistake, write airflow_provider_cgc.assets.%s(..., platform=%r) here"
            " and in the Dags that wait for it.",
            outlet.uri,
            told,
            hook.cgc_conn_id,
            used,
            (asset_of_project if urlsplit(outlet.uri).scheme == PROJECT.scheme else asset_of).__name__,
            used,
        )


@contextmanager
def _at_most_warning(outlet: Any, fault: str) -> Iterator[None]:
    """Turn an error into a warning; the fault is the predicate of a sentence about the outlet."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  # an event must not fail a task
        log.warning("The outlet %s %s: %s: %s", outlet, fault, type(error).__name__, error)


def refuse_silent_outlets(outlets: Iterable[Any], *, where: str) -> None:
    """
    Refuse outlets that Airflow accepts and never announces to anybody: conditions on assets, which only schedules use,
    text, and addresses of ours in another form than that of every `Asset`.

    Other objects, of which Airflow's lineage has many, have nothing to do with assets.

    :raises ValueError: when the Dag is parsed.
    """
    outlets = [outlets] if isinstance(outlets, str) else list(outlets)
    if not outlets:
        return
    from airflow.providers.common.compat.sdk import AssetAlias, AssetAll, AssetAny

    for outlet in outlets:
        if isinstance(outlet, (AssetAll, AssetAny, str)):
            raise ValueError(
                f"{where}: Airflow announces nothing for an outlet of type {type(outlet).__name__} ({shown(outlet)});"
                " list the assets themselves, such as airflow_provider_cgc.assets.asset_of('owner/volume', 'folder')"
            )
        if isinstance(outlet, AssetAlias):
            continue  # its name is no address
        _check_address(getattr(outlet, "uri", None), sign=":", where=where)
        # A name may be anything, but is the address if no other was given.
        _check_address(getattr(outlet, "name", None), sign="://", where=where)


def _check_address(text: Any, *, sign: str, where: str) -> None:
    """
    Refuse an address of ours that is in another form than the usual one, so that nobody would wait for it.

    Text that does not begin with a scheme of ours and the `sign` is no address of ours. Airflow 2.11 only warns of a
    wrong one. A reference has the address as it was written, and so has an asset's name on Airflow 3, if it has no
    other; two names for one address are a conflict there.
    """
    if not isinstance(text, str) or not text.lower().startswith(tuple(f"{scheme}{sign}" for scheme in HOMES)):
        return
    try:
        usual = urlunsplit(normalise(urlsplit(text)))
    except ValueError as fault:
        raise ValueError(f"{where}: {fault}") from None
    if text != usual:
        raise ValueError(f"{where}: the usual form of the asset {shown(text)} is {usual}; write it like that")


def refuse_early_events(outlets: Iterable[Any], *, wait: bool, dry_run: bool, where: str) -> None:
    """
    Refuse outlets on a task that succeeds before the files are there, because Airflow would announce them then.

    :raises ValueError: when the Dag is parsed.
    """
    if not list(outlets):
        return
    if dry_run:
        raise ValueError(f"{where}: a dry run moves nothing, but its outlets would announce it; drop the outlets")
    if not wait:
        raise ValueError(
            f"{where}: with wait=False the outlets would announce files that are still on their way; give them to the"
            " sensor that waits"
        )
