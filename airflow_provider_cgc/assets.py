"""Airflow's assets for what lies on a volume: the asset of a prefix, and what its events tell of an export."""

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
"""What of a summary goes into an event."""


def asset_of(volume: str, prefix: str = "", **kwargs: Any) -> Asset:
    """
    Return the asset of a volume, or of what lies below a prefix of it: `cgc://owner/volume/prefix`.

    The same volume and prefix are the same asset in every Dag; a slash at either end of the prefix makes no difference.

    :param volume: "owner/name", as the operators take it.
    :param prefix: a folder on the volume. Assets are known when a Dag is parsed: a template is not rendered here.
    :param kwargs: passed on, such as `name` and `group` (Airflow 3) or `extra`.
    :raises CgcBadInput: if the volume is not of that form, or something is a template.
    """
    # Here, because on Airflow 3 it loads what a worker does not need.
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
    Let the events of a task's outlets tell what was moved; Airflow stores them when the task has succeeded.

    An asset that is referred to by name or address is looked up by Airflow; what goes wrong there becomes a warning,
    because everything is done by then.

    :param place: the asset that the event of an `AssetAlias` is about; None where it is not known.
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
                    "The outlet %s announces nothing by itself: this task does not know where the files went. Give the"
                    " asset of the place (airflow_provider_cgc.assets.asset_of) instead.",
                    outlet,
                )
        elif isinstance(outlet, kinds):
            try:
                context["outlet_events"][outlet].extra.update(facts)
            except Exception as error:  # noqa: BLE001  # what is only told ends no task
                log.warning(
                    "The event of the outlet %s does not tell what was moved: %s: %s",
                    outlet,
                    type(error).__name__,
                    error,
                )


def place_of(volume: str | None, location: str) -> Asset | None:
    """Return the asset of where a task puts things, as far as its arguments tell it for all items."""
    fixed, brace, _ = location.partition("{")
    folder = fixed.rpartition("/")[0] if brace else ""
    try:
        return asset_of(volume, folder) if volume else None
    except CgcBadInput:
        return None


def refuse_silent_outlets(outlets: Iterable[Any], *, where: str) -> None:
    """
    Refuse what Airflow takes as an outlet and never announces: conditions on assets, which only schedules know, and
    text. Other objects, of which Airflow's lineage has many, are none of an asset's business.

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
    Refuse outlets on a task that succeeds before anything is there, because Airflow would announce it all the same.

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
