"""The base of operators that list things on the platform, in the form that an operator that moves them takes.

The client and the object storage are imported when a task runs, never when a Dag file is parsed.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from airflow_provider_cgc import storage
from airflow_provider_cgc.arguments import check_count, check_flag, connection_id
from airflow_provider_cgc.assets import refuse_silent_outlets
from airflow_provider_cgc.client.errors import CgcError, CgcUsageError
from airflow_provider_cgc.compat import BaseOperator
from airflow_provider_cgc.exceptions import CgcBadInput, CgcInputRefused, CgcWaitError
from airflow_provider_cgc.jobs.listing.rules import Rules, whole_number
from airflow_provider_cgc.jobs.text import BadInput, counted, human_bytes
from airflow_provider_cgc.lineage import MaskedTaskInfo
from airflow_provider_cgc.literals import Literals
from airflow_provider_cgc.templates import TextTemplates

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath

    from airflow_provider_cgc.client import CgcClient

MOST_IN_XCOM = 1000
"""Items that are returned as a list at most; more are written to a manifest, whose address is returned."""
_MANIFEST_ENDS = (".jsonl", ".ndjson")


class ListedItem(Protocol):
    """One thing that was found."""

    @property
    def size(self) -> int | None: ...

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON, in the form that an operator takes."""


ItemT = TypeVar("ItemT", bound=ListedItem)


class Listing(Protocol[ItemT]):
    """The wanted things in one place, read one after the other while you iterate; to be read once."""

    @property
    def place(self) -> object:
        """The place, for messages."""

    @property
    def rules(self) -> Rules: ...

    def __iter__(self) -> Iterator[ItemT]: ...

    def order(self, item: ItemT) -> Any:
        """Return the value to sort an item by, which no other has."""

    @property
    def cost(self) -> str:
        """The folders and requests that it took, to follow the number of items: "" or with a comma before it."""

    @property
    def remarks(self) -> str:
        """Sentences about things that were left out or added; "" if there is nothing to say."""

    def hint(self) -> str:
        """Return the likely reason why nothing was found; "" if there is none. May ask the platform."""


class CgcListingOperator(TextTemplates, BaseOperator):
    """
    List things on the platform.

    Not used directly: a subclass defines the place and the things, and describes the arguments.
    """

    what: ClassVar[str]
    """The word for one of the things."""
    home: ClassVar[str]
    """The word for the outermost place."""
    start: ClassVar[str]
    """The argument for the place in it."""
    filters: ClassVar[tuple[str, ...]]
    """The arguments that choose among the things."""
    flags: ClassVar[tuple[str, ...]] = ("recursive", "allow_empty")
    """The arguments that are true or false."""

    def __init__(
        self,
        *,
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
        super().__init__(**kwargs)
        self.recursive = recursive
        self.name = name
        self.exclude = exclude
        self.min_size = min_size
        self.max_size = max_size
        self.modified_after = modified_after
        self.expected_count = expected_count
        self.allow_empty = allow_empty
        self.manifest_path = manifest_path
        self.manifest_conn_id = manifest_conn_id
        self.cgc_conn_id = cgc_conn_id
        self._masked_task_info = MaskedTaskInfo()
        refuse_silent_outlets(self.outlets or (), where=f"{type(self).__name__} {self.task_id!r}")

    def read_place(self, given: Literals) -> None:
        """Read the arguments for the place that are known when the Dag is parsed."""
        raise NotImplementedError

    def read_rules(self, **values: Any) -> Rules:
        """Read some of the filters. Raises BadInput."""
        raise NotImplementedError

    def prepare(self) -> Callable[[CgcClient], Listing[Any]]:
        """
        Read the arguments of the place and the filters, and return a function that finds the place.

        :raises BadInput: if one of them is wrong; so does the function if there is no such place.
        """
        raise NotImplementedError

    def _read_literals(self) -> Literals:
        """Read the arguments that are known when the Dag is parsed, with the readers that `execute` uses."""
        given = Literals(self)
        given.read("cgc_conn_id", connection_id)
        self.read_place(given)
        known = [name for name in self.filters if given.known(name) and given.read(name, self._read_rule) is not None]
        given.check(lambda: self.read_rules(**{name: given.value(name) for name in known}))
        expected = given.read("expected_count", lambda value, where: whole_number(where, value))
        for name in self.flags:
            given.check(partial(check_flag, getattr(self, name), where=name))
        if given.known("manifest_path", "manifest_conn_id"):
            given.check(lambda: self._check_manifest(expected))
        return given

    def _read_rule(self, value: Any, *, where: str) -> Rules:
        """Read one filter. Raises BadInput."""
        return self.read_rules(**{where: value})

    def execute(self, context: Context) -> list[dict[str, Any]] | str:
        """Check the arguments, find the place, list it, and return the items or their manifest."""
        from airflow_provider_cgc.hooks.cgc import CgcHook

        try:
            find = self.prepare()
            expected = whole_number("expected_count", self.expected_count)
            connection_id(self.cgc_conn_id, where="cgc_conn_id")
            for name in self.flags:
                check_flag(getattr(self, name), where=name)
            self._check_manifest(expected)
            self._check_storage()
            with CgcHook(self.cgc_conn_id) as hook:
                listing = find(hook.get_conn())
                items = self._list(listing)
                self._check_count(len(items), expected, listing)
            return self._hand_over(items, listing)
        except (BadInput, CgcBadInput, CgcUsageError) as error:
            raise CgcInputRefused(f"Task {self.task_id!r}: {error}") from None
        except CgcError as error:
            raise CgcWaitError(
                f"{hook.explain(error)} When the cause is fixed (this task asks with connection"
                f" {self.cgc_conn_id!r}), clear this task: it lists the {self.what}s again."
            ) from error

    def _check_manifest(self, expected: int | None) -> None:
        """Refuse a wrong address for the manifest, and a missing one if it is needed."""
        if self.manifest_path is None:
            if self.manifest_conn_id is not None:
                raise CgcBadInput("manifest_conn_id is given without manifest_path; give both, or neither")
            if expected is not None and expected > MOST_IN_XCOM:
                raise CgcBadInput(f"expected_count is {expected}; {self._needs_a_manifest()}")
            return
        try:
            uri = self._manifest_uri()
            if uri.lower().endswith(_MANIFEST_ENDS):
                storage.check_form(uri)
                return
        except CgcBadInput as error:
            raise CgcBadInput(f"manifest_path: {error}") from None
        raise CgcBadInput(f"manifest_path is {uri!r}; let it end in .jsonl, because the manifest is JSON Lines")

    def _manifest_uri(self) -> str:
        """Return the manifest's address with its connection."""
        return storage.address(self.manifest_path, self.manifest_conn_id)

    def _check_storage(self) -> None:
        """Check the manifest's storage before the listing, which may take long."""
        if self.manifest_path is None:
            return
        uri = self._manifest_uri()
        storage.check(uri)
        warning = storage.local_warning(uri)
        if warning:
            self.log.warning("%s", warning)

    def _list(self, listing: Listing[ItemT]) -> list[ItemT]:
        """Return the items, sorted, and each once."""
        rules = str(listing.rules)
        self.log.info(
            "Listing the %ss of %s%s%s (connection %s).",
            self.what,
            listing.place,
            "" if self.recursive else " without the folders in it",
            f": {rules}" if rules else "",
            self.cgc_conn_id,
        )
        items: list[ItemT] = []
        for item in listing:
            items.append(item)
            if len(items) > MOST_IN_XCOM and self.manifest_path is None:
                raise CgcBadInput(
                    f"{listing.place} has more than {MOST_IN_XCOM} such {self.what}s: the listing was stopped at"
                    f" {self.what} {len(items)}; {self._needs_a_manifest()}"
                )
        items.sort(key=listing.order)
        return [next(same) for _, same in itertools.groupby(items, key=listing.order)]

    def _check_count(self, count: int, expected: int | None, listing: Listing[Any]) -> None:
        if count == expected or (count and expected is None):
            return
        rules = str(listing.rules)
        such = f" that match {rules}" if rules else ""
        hint = "" if count or (self.allow_empty and not expected) else listing.hint()
        hint = f"{hint}; " if hint else ""
        check_count(
            count,
            where=str(listing.place),
            why=f"{hint}look for missing or additional {self.what}s in the {self.home}, or correct the filters"
            + (f" ({rules})" if rules else ""),
            expected=expected,
            allow_empty=self.allow_empty,
            what=self.what,
            empty=f"has no {self.what}s{such}; {hint}correct the {self.start} or the filters, or set allow_empty=True"
            " if there may be none",
        )

    def _hand_over(self, items: list[Any], listing: Listing[Any]) -> list[dict[str, Any]] | str:
        """Write the manifest if one is wanted, and return the value for the XCom."""
        size = human_bytes(sum(item.size or 0 for item in items))
        found = f"{counted(len(items), self.what)}, {size}{listing.cost}"
        if listing.remarks:
            self.log.info("%s", listing.remarks)
        if self.manifest_path is None:
            self.log.info("Found %s.", found)
            return [item.to_json() for item in items]
        lines = (json.dumps(item.to_json()) + "\n" for item in items)
        uri = storage.write_lines(self._manifest_uri(), lines)
        self.log.info("Found %s. They are listed in %s.", found, uri)
        return uri if len(items) > MOST_IN_XCOM else [item.to_json() for item in items]

    def _needs_a_manifest(self) -> str:
        return (
            f"more than {MOST_IN_XCOM} {self.what}s are too many for an XCom, so set manifest_path, such as"
            " 's3://bucket/{{ run_id }}.jsonl', or narrow the filters"
        )
