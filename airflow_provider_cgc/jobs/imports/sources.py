"""The volumes that objects are imported from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_cgc.client.errors.codes import NO_SUCH_VOLUME, VOLUME_INACTIVE
from airflow_provider_cgc.client.errors.problem import REMEDIES, Problem, one_line
from airflow_provider_cgc.jobs.places import side_by_side, volume_or_problem
from airflow_provider_cgc.jobs.submitting.unfit import with_remedy
from airflow_provider_cgc.jobs.text import counted
from airflow_provider_cgc.jobs.waiting.look import THREADS

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.models import File, Volume
    from airflow_provider_cgc.jobs.imports.item import ImportKey


class Sources:
    """The platform's answers about the volumes of an order, each asked for once."""

    def __init__(self, client: CgcClient) -> None:
        self._client = client
        self._volumes: dict[str, Volume | Problem] = {}

    def ask(self, names: Collection[str]) -> None:
        """Ask for volumes; one that the user may not see is a fact. Raises `CgcError`."""
        wanted = [name for name in dict.fromkeys(names) if name not in self._volumes]
        if wanted:
            self._volumes |= side_by_side(lambda name: volume_or_problem(self._client, name), wanted, THREADS)

    @property
    def volumes(self) -> dict[str, Volume]:
        """The volumes that the user may see."""
        return {name: volume for name, volume in self._volumes.items() if not isinstance(volume, Problem)}

    def problems(self, keys: Iterable[ImportKey]) -> list[str]:
        """Describe the problems of whole volumes, each with its remedy."""
        lines = []
        for name, count in Counter(key.volume for key in keys).items():
            about = f"volume {one_line(name)}, where {counted(count, 'item')} {'comes' if count == 1 else 'come'} from"
            volume = self._volumes[name]
            if isinstance(volume, Problem):
                lines.append(f"{about}: {with_remedy(volume, otherwise=NO_SUCH_VOLUME)}")
            elif volume.active is False:
                lines.append(f"{about}: {VOLUME_INACTIVE}: {REMEDIES[VOLUME_INACTIVE].text}")
        return lines

    def is_alias(self, key: ImportKey, file: File) -> bool:
        """Return True if a file is an alias of an item's object. Raises `CgcError`."""
        self.ask([key.volume])
        volume = self._volumes[key.volume]
        prefix = None if isinstance(volume, Problem) else volume.prefix
        return replace(file, volume_prefix=prefix).is_alias_of(key.volume, key.location)

    def is_other(self, key: ImportKey, file: File) -> bool:
        """Return True if a file is certainly no alias of an item's object. Raises `CgcError`."""
        if file.storage_type is None or self.is_alias(key, file):
            return False
        is_shown = None not in (file.volume, file.location) and not isinstance(self._volumes[key.volume], Problem)
        # The platform may tell a location with the prefix of a volume that it does not show.
        return is_shown or not file.may_be_alias_of(key.volume, key.location)
