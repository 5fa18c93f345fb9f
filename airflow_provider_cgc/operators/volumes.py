"""The operator that lists objects of a volume, in the form that an import takes.

The client and the object storage are imported when a task runs, never when a Dag file is parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.jobs.listing.rules import Rules
from airflow_provider_cgc.jobs.listing.volumes import BadPlace, VolumeFolderWanted, VolumeListing, object_rules
from airflow_provider_cgc.operators.listing import CgcListingOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.literals import Literals

FILTERS = ("name", "exclude", "min_size", "max_size", "modified_after")


class CgcListVolumeOperator(CgcListingOperator):
    """
    List the objects of a volume below a prefix, as items of an import.

    One request for each folder and one for each further hundred entries in it, one after the other and within the
    connection's `rate_share` (https://docs.cancergenomicscloud.org/reference/list-volume-contents). Every object is
    listed once, sorted by location. An object must meet all filters; they are applied to the objects that were read and
    save no requests. An object without a known size or time passes those filters. A key that ends with a slash is a
    placeholder for a folder, and is left out.

    Returns the list of items, `{"volume", "location", "size", "path"}`: the key below the volume's own prefix as
    `location`, and the folders below `prefix` as `path`; for more than 1,000 objects the address of the manifest, with
    one item as JSON on each line.

    .. seealso::
        The guide, with Dags to copy: :ref:`howto/operator:CgcListVolumeOperator`.

    :param volume: the volume, "owner/name", or the address of its page on the platform's web site. (templated)
    :param prefix: list only this folder, such as "batch1/2026", with or without a slash at its end; below the volume's
        own prefix, and without the bucket. Default: the whole volume. (templated)
    :param recursive: list the folders below, too, at any depth; otherwise only the objects directly there.
    :param name: a shell pattern such as `*.bam`, or several of which one must match, for an object's own name: the last
        part of its key; case-sensitive. (templated)
    :param exclude: a shell pattern for names that are left out, or several of which none may match. (templated)
    :param min_size: the least size in bytes. (templated)
    :param max_size: the largest size in bytes. (templated)
    :param modified_after: only objects modified later than this: a datetime, or ISO text such as
        "2026-01-31T12:00:00Z"; without a zone it is UTC. (templated)
    :param expected_count: the number of objects that there must be; another one is an error. (templated)
    :param allow_empty: succeed if no object is found, which is otherwise an error. A prefix that is not there has no
        objects, too.
    :param manifest_path: the address to write the items to, one on each line, however many there are: such as
        "s3://bucket/{{ run_id }}.jsonl" or an `ObjectStoragePath`, which ends in .jsonl; required for more than 1,000
        objects. It is written whole or not at all, and replaces an existing file. (templated)
    :param manifest_conn_id: the connection of the object storage, if the address names none; it becomes a part of the
        address that is returned. (templated)
    :param cgc_conn_id: the connection of a member of the volume. (templated)
    :raises CgcInputRefused: an argument is wrong, there is no such volume, it is inactive or the user is no member of
        it, or the number of objects is another one than `expected_count`; not retried. For arguments without a template
        it is raised when the Dag is parsed.
    :raises CgcWaitError: the token, the rights or the connection are wrong, or the platform did not answer in time.
    """

    what = "object"
    home = "volume"
    start = "prefix"
    filters = FILTERS
    template_fields: Sequence[str] = (
        "volume",
        "prefix",
        "name",
        "exclude",
        "min_size",
        "max_size",
        "modified_after",
        "expected_count",
        "manifest_path",
        "manifest_conn_id",
        "cgc_conn_id",
    )

    def __init__(
        self,
        *,
        volume: str,
        prefix: str = "",
        recursive: bool = True,
        name: str | Sequence[str] | None = None,
        exclude: str | Sequence[str] | None = None,
        min_size: int | str | None = None,
        max_size: int | str | None = None,
        modified_after: datetime | str | None = None,
        expected_count: int | str | None = None,
        allow_empty: bool = False,
        manifest_path: str | ObjectStoragePath | None = None,
        manifest_conn_id: str | None = None,
        cgc_conn_id: str = "cgc_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            recursive=recursive,
            name=name,
            exclude=exclude,
            min_size=min_size,
            max_size=max_size,
            modified_after=modified_after,
            expected_count=expected_count,
            allow_empty=allow_empty,
            manifest_path=manifest_path,
            manifest_conn_id=manifest_conn_id,
            cgc_conn_id=cgc_conn_id,
            **kwargs,
        )
        self.volume = volume
        self.prefix = prefix
        self._is_whole = prefix == ""
        self._read_literals().refuse()

    def read_place(self, given: Literals) -> None:
        """Read the volume and the prefix as far as they are known when the Dag is parsed."""
        given.read("volume", lambda value, where: VolumeFolderWanted.of(value, ""))
        given.read("prefix", lambda value, where: VolumeFolderWanted.of("a/b", value))

    def read_rules(self, **values: Any) -> Rules:
        """Read some of the filters. Raises BadInput."""
        return object_rules(**values)

    def prepare(self) -> Callable[[CgcClient], VolumeListing]:
        """Read volume, prefix and filters, and return a function that finds the volume."""
        if self.prefix == "" and not self._is_whole:
            raise BadPlace(
                "prefix is '': a template rendered to nothing, and that would be the whole volume; correct it, or leave"
                " prefix out to list the whole volume"
            )
        wanted = VolumeFolderWanted.of(self.volume, self.prefix)
        rules = self.read_rules(**{name: getattr(self, name) for name in FILTERS})
        return lambda client: VolumeListing(client, wanted.find(client), rules, self.recursive)
