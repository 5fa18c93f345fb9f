"""Airflow's assets for objects on a volume: the asset of a prefix, and the facts about an export in its events."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_cgc.compat import announced_kinds
from airflow_provider_cgc.exceptions import CgcBadInput
from airflow_provider_cgc.jobs.text import shown

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Asset, Context

log = logging.getLogger(__name__)

FACTS = ("total", "completed", "skipped", "failed", "bytes", "manifest")
"""The facts of a summary that an event has."""


def asset_of(volume: str, prefix: str = "", **kwargs: Any) -> Asset:
    """
    Return the asset of a volume, or of the objects below a prefix of it: `cgc://owner/volume/prefix`.

    The same volume and prefix are the same asset in every Dag; a slash at either end of the prefix makes no difference.

    :param volume: "owner/name", as the operators take it.
    :param prefix: a folder on the volume. Assets are known when a Dag is parsed: a template is not rendered here.
    :param kwargs: passed on, such as `name` and `group` (Airflow 3) or `extra`.
    :raises CgcBadInput: if the volume is not of that form, or something is a template.
    """
    # Imported here, because on Airflow 3 it loads modules that a worker does not need.
    from airflow.providers.common.compat.sdk import Asset

    if not isinstance(prefix, str):
        raise CgcBadInput(f"The prefix {shown(prefix)} of an asset is no text; write it like folder/below")
    owner, _, name = volume.partition("/") if isinstance(volume, str) else ("", "", "")
    if not owner.strip() or not name.strip() or "/" in name:
        raise CgcBadInput(f"The volume {volume!r} of an asset has another form; write it like owner/name")
    if "{" in volume or "{" in prefix:
        raise CgcBadInput(
            f"The asset of {volume!r}, {prefix!r} has a template, and assets are known when the Dag is parsed; give the"
            " part that is always the same"
        )
    # Percent-encoded, because Airflow 2.11 takes ASCII only, and "?" and "#" would end the path.
    path = "/".join(quote(part, safe="") for part in (name, *prefix.split("/")) if part)
    return Asset(uri=f"cgc://{quote(owner, safe='')}/{path}", **kwargs)


def tell_events(context: Context, outlets: Iterable[Any], summary: Mapping[str, Any], *, place: Asset | None) -> None:
    """
    Add the facts of a summary to the events of a task's outlets; Airflow stores them when the task has succeeded.

    An asset that is referred to by name or address is looked up by Airflow; an error there becomes a warning, because
    the work is done by then.

    :param place: the asset for the event of an `AssetAlias`; None if it is not known.
    """
    outlets = list(outlets)
    if not outlets:
        return
    from airflow.providers.common.compat.sdk import AssetAlias

    facts = {name: summary[name] for name in FACTS}
    kinds: Any = announced_kinds()
    for outlet in outlets:
        if isinstance(outlet, AssetAlias):
            if place is not None:
                context["outlet_events"][outlet].add(place, extra=facts)
            else:
                log.warning(
                    "The outlet %s has no event: this task does not know the files' destination. Give the asset of the"
                    " destination (airflow_provider_cgc.assets.asset_of) instead.",
                    outlet,
                )
        elif isinstance(outlet, kinds):
            try:
                context["outlet_events"][outlet].extra.update(facts)
            except Exception as error:  # noqa: BLE001  # an event must not fail a task
                log.warning(
                    "The event of the outlet %s does not say what was moved: %s: %s",
                    outlet,
                    type(error).__name__,
                    error,
                )


def destination_of(volume: str | None, location: str) -> Asset | None:
    """Return the asset of a task's destination, as far as it is the same for all items."""
    fixed, brace, _ = location.partition("{")
    folder = fixed.rpartition("/")[0] if brace else ""
    try:
        return asset_of(volume, folder) if volume else None
    except CgcBadInput:
        return None


def refuse_silent_outlets(outlets: Iterable[Any], *, where: str) -> None:
    """
    Refuse outlets that Airflow accepts and never announces: conditions on assets, which only schedules use, and text.
    Other objects, of which Airflow's lineage has many, have nothing to do with assets.

    :raises ValueError: when the Dag is parsed.
    """
    outlets = [outlets] if isinstance(outlets, str) else list(outlets)
    if not outlets:
        return
    from airflow.providers.common.compat.sdk import AssetAll, AssetAny

    for outlet in outlets:
        if isinstance(outlet, (AssetAll, AssetAny, str)):
            raise ValueError(
                f"{where}: Airflow announces nothing for an outlet of type {type(outlet).__name__} ({shown(outlet)});"
                " list the assets themselves, such as airflow_provider_cgc.assets.asset_of('owner/volume', 'folder')"
            )


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
