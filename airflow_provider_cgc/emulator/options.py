"""The switches: what the platform's documents leave open or contradict, each variant by name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from airflow_provider_cgc.emulator.state.errors import CODES, FIELDS

Unseen: TypeAlias = Literal["error", "gap", "404"]
State: TypeAlias = Literal["PENDING", "RUNNING", "COMPLETED", "FAILED"]

_UNIONS = (Union, UnionType)


@dataclass(slots=True)
class Options:
    """The variants now in force; the defaults are what the sources make likely.

    Which jobs are known, and how a bulk call answers::

        unknown_ids      how a bulk get answers an id it does not know: error record, gap, 404 for the whole call
        foreign_ids      the same for another user's job
        unknown_for      platform seconds after its creation for which a job is not known yet by its id
        expiry           platform seconds after its end from which on a job is known no more; None: it is kept for ever
        duplicate_ids    an id that stands twice in a bulk get: answered twice, once, or 400 for the whole call
        record_order     of bulk answers: as in the request, reversed, or shuffled anew in each
        too_many         more than 100 in a bulk call: 400, 413 as a page of the gateway, the rest cut off, all answered
        empty_bulk       an empty list in a bulk call: 400, or an empty answer
        bad_volume       a volume that cannot be used in a bulk create: an error of the item, or of the whole call
        bulk_fields      names in `fields` of a bulk call: prefixed by `resource.`, plain, or all ignored
        singular_path    whether `/bulk/storage/export/get` and its like answer too

    Lists::

        list_order       of jobs: newest first, oldest first, by id, or shuffled anew in each answer
        list_lag         platform seconds until a new job shows in the list
        default_limit    how many items a page has if the caller does not say
        over_limit       a `limit` above 100: 400, or a page of 100
        many_states      a repeated `state` filter: any of them, only the last, or 400
        import_project   the filter `project` of imports: all that go there, or only those that named no folder of it
        total_header     `X-Total-Matching-Query`: present, absent, or there twice
        empty_links      whether a list of a single page has `links` at all
        next_links       whether the pages of a list lead to each other, or are only found by their offsets

    Contents of volumes::

        prefix_slash     whether a prefix that is listed as a folder ends with its slash
        prefix_means     what is below `prefix`: all whose key begins so, or what lies in that folder

    Rate limit and access::

        rate_window      fixed, or sliding: each request is forgotten 300 seconds later
        rate_headers     whether answers carry `X-RateLimit-*` at all
        reset_unit       of `X-RateLimit-Reset` and `rate.reset`: seconds or milliseconds
        retry_after      whether a 429 tells by `Retry-After` how many seconds are left until the reset
        advance_access   whether volumes, imports and exports need the header `X-SBG-Advance-Access`

    States of jobs::

        jump             RUNNING is never shown: PENDING, then COMPLETED
        stuck            true or "PENDING": no job leaves PENDING; "RUNNING": jobs start and do not end
        unknown_state    a made-up state shown in place of a real one
        unknown_state_of        which state it takes the place of
        unknown_state_seconds   only for so many platform seconds after the job's creation
        unknown_state_looks     only for the first looks at the job by its id

    How things are written::

        absent           keys without a value: left out or null
        empty            empty lists and objects: as such or null
        pasted_shape     export jobs in the (wrong) shape that the documentation of the bulk get prints
        time_offset      how times are written: "Z" or an offset such as "+02:00"
        extra_fields     true, or a dict: fields nobody has heard of, in every resource
        result           of a COMPLETED job: present, absent, or, of an export, shown as an alias even after a copy
        job_error        whether a FAILED job carries `error`
        failed_status    of the answer to a GET of a FAILED job: 200, or the status of the job's error
        error_lacks      fields that errors lack, a list: some of status, code, message, more_info
        destination_name `name` of an import's destination: filled in, or only as it was asked for
        object_size      in a volume object's `metadata`, and its time beside it: as `size` and `lastModified`; as the
                         headers `Content-Length` and `Last-Modified`; as `size` and `updated` of Google; or absent both
        object_time      how that time is written, if not by Google: ISO 8601, as in HTTP, in milliseconds; or absent
        hosted_on        whether a file's storage has `hosted_on_locations`
        alias_location   `location` of an alias: as it was sent, or the whole key, with the volume's own prefix
        type_case        of a file's `type` and `storage.type`, a volume's `service.type` and `access_mode`: as
                         documented, or in the other case

    Changes of files::

        null_metadata    null as a value of metadata: stored, counted among the 1,000 pairs; removes the key; or ignored
        odd_metadata     a number, true or false as a value: refused with 5006, or converted into text
        edit_key         of an item of a bulk edit or update: only `id`, or `file_id` too
        edit_tags        of a bulk edit: replace those of the file, or are added to them

    What is allowed, and what comes of it::

        same_key         two exports at once to one key: the slower fails, the last wins, or the second is refused
        same_file        two exports of one file at once: both run, or the second is refused
        folder_code      with which an export of a folder is refused
        import_checks    a bad volume or destination: refused at submit, or the job is accepted and fails
        taken_name       of an import: the job fails with 9108, or the order is refused with it at submit
        bare_folder      an import of a folder without its slash: fails with 9105, or completes with nothing
        empty_folder     an import of a folder with no object in it: fails with 9105, or completes
        forced_code      of the error of jobs that a forced deactivation of their volume ends
        delete_status    of the answer to a DELETE
    """

    unknown_ids: Unseen = "error"
    foreign_ids: Unseen = "error"
    unknown_for: float = 0.0
    expiry: float | None = None
    duplicate_ids: Literal["twice", "once", "400"] = "twice"
    record_order: Literal["request", "reversed", "shuffled"] = "request"
    too_many: Literal["400", "413", "cut", "all"] = "400"
    empty_bulk: Literal["400", "empty"] = "400"
    bad_volume: Literal["item", "call"] = "item"
    bulk_fields: Literal["prefixed", "plain", "ignored"] = "prefixed"
    singular_path: bool = False

    list_order: Literal["newest", "oldest", "id", "shuffled"] = "newest"
    list_lag: float = 0.0
    default_limit: int = 50
    over_limit: Literal["400", "cap"] = "400"
    many_states: Literal["any", "last", "400"] = "any"
    # choice: all, as its description ("into that project") would have it.
    import_project: Literal["all", "named"] = "all"
    total_header: Literal["present", "absent", "twice"] = "present"
    empty_links: Literal["present", "absent"] = "present"
    next_links: Literal["present", "absent"] = "present"

    # choice: present, as in the examples. The vendor's R library adds the slash where it is missing, and its fixtures
    # have none.
    prefix_slash: Literal["present", "absent"] = "present"
    # choice: the start of a key, as an S3 bucket takes it.
    prefix_means: Literal["begin", "folder"] = "begin"

    rate_window: Literal["fixed", "sliding"] = "fixed"
    rate_headers: bool = True
    reset_unit: Literal["s", "ms"] = "s"
    retry_after: bool = False
    advance_access: bool = False

    jump: bool = False
    stuck: bool | Literal["PENDING", "RUNNING"] = False
    unknown_state: str | None = None
    unknown_state_of: State = "RUNNING"
    unknown_state_seconds: float | None = None
    unknown_state_looks: int | None = None

    absent: Literal["omit", "null"] = "omit"
    empty: Literal["shown", "null"] = "shown"
    pasted_shape: bool = False
    time_offset: str = "Z"
    extra_fields: bool | dict[str, Any] | None = None
    # choice: present. The bulk page documents `result`; the one example of a completed export lacks it.
    result: Literal["present", "absent", "alias"] = "present"
    job_error: Literal["present", "absent"] = "present"
    failed_status: Literal["200", "error"] = "200"
    error_lacks: tuple[str, ...] = ()
    destination_name: Literal["filled", "asked"] = "filled"
    # choice: present, by the names that AWS has in its lists. That objects have metadata is documented, the keys in it
    # are documented for Google alone.
    object_size: Literal["present", "header", "google", "absent"] = "present"
    object_time: Literal["iso", "http", "ms", "absent"] = "iso"
    hosted_on: Literal["present", "absent"] = "present"
    # choice: as it was sent; the examples have no prefix.
    alias_location: Literal["sent", "whole"] = "sent"
    type_case: Literal["documented", "other"] = "documented"

    # choice: stored. Of the vendor's pages one counts keys with null among the pairs, two say that null is ignored.
    null_metadata: Literal["stored", "removed", "ignored"] = "stored"
    # choice: refused; values are documented as texts, but an example of the vendor's SDK sends a number.
    odd_metadata: Literal["refused", "converted"] = "refused"
    # choice: `id`, which all clients send and which works; three sites of the vendor print `file_id`.
    edit_key: Literal["id", "both"] = "id"
    # choice: replace, as every other call that sets tags.
    edit_tags: Literal["replace", "add"] = "replace"

    same_key: Literal["slower_fails", "last_wins", "refused"] = "slower_fails"
    same_file: Literal["both", "refused"] = "both"
    folder_code: Literal[9006, 9072] = 9006
    import_checks: Literal["submit", "job"] = "submit"
    # choice: the job fails. 9108 is among the codes that are published for jobs, and for nothing else.
    taken_name: Literal["job", "submit"] = "job"
    # choice: both fail; a page calls the slash mandatory, none tells what comes without it, or of an empty folder.
    bare_folder: Literal["fails", "nothing"] = "fails"
    empty_folder: Literal["fails", "completes"] = "fails"
    # choice: 9069, "volume inactive", the nearest published reason.
    forced_code: int = 9069
    delete_status: Literal[204, 200] = 204

    def set(self, name: str, value: Any) -> None:
        """Switch one option.

        :raises ValueError: for a name or a value that does not exist.
        """
        self.set_all({name: value})

    def set_all(self, values: Mapping[str, Any]) -> None:
        """Switch several options, or none if one of them is impossible.

        :raises ValueError: for a name or a value that does not exist.
        """
        checked = {name: _checked(name, value) for name, value in values.items()}
        for name, value in checked.items():
            setattr(self, name, value)

    def set_text(self, name: str, text: str) -> None:
        """Switch one option as a command line writes it: the text itself, or the JSON that it is.

        :raises ValueError: for a name or a value that does not exist.
        """
        try:
            self.set(name, text)
        except ValueError:
            try:
                value = json.loads(text)
            except ValueError:
                value = text
            self.set(name, value)

    def to_json(self) -> dict[str, Any]:
        """Return all options by name."""
        return asdict(self)


@cache
def _types() -> dict[str, Any]:
    hints = get_type_hints(Options)
    return {field.name: hints[field.name] for field in fields(Options)}


_BEYOND_THE_TYPE = {
    "time_offset": (lambda text: re.fullmatch(r"Z|[+-]\d\d:\d\d", text) is not None, '"Z" or an offset like "+02:00"'),
    "unknown_state": (lambda text: text != "", "a state or null"),
    "default_limit": (lambda number: 1 <= number <= 100, "a number from 1 to 100"),
    "forced_code": (lambda code: code in CODES, "a code of the platform"),
    "error_lacks": (lambda names: set(names) <= set(FIELDS), f"some of {', '.join(FIELDS)}"),
}


def _checked(name: str, value: Any) -> Any:
    if name not in _types():
        raise ValueError(f"no option {name!r}; there are {', '.join(_types())}")
    kind = _types()[name]
    if kind == tuple[str, ...]:
        value = _names(value)
    fits, words = _BEYOND_THE_TYPE.get(name, (lambda _: True, _in_words(kind)))
    if not _is_a(value, kind) or not (value is None or fits(value)):
        raise ValueError(f"option {name} cannot be {value!r}; expected {words}")
    return value


def _names(value: Any) -> Any:
    """Read a list of names, as JSON has it, or a text with commas, as a command line has it."""
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(",") if name.strip())
    return tuple(value) if isinstance(value, list) else value


def _is_a(value: Any, kind: Any) -> bool:
    if get_origin(kind) in _UNIONS:
        return any(_is_a(value, part) for part in get_args(kind))
    if get_origin(kind) is Literal:
        return any(type(value) is type(choice) and value == choice for choice in get_args(kind))
    if kind == tuple[str, ...]:
        return isinstance(value, tuple) and all(isinstance(name, str) for name in value)
    if kind in (int, float):  # every number here counts things or seconds
        numbers = (int,) if kind is int else (int, float)
        return isinstance(value, numbers) and not isinstance(value, bool) and 0 <= value < float("inf")
    return isinstance(value, get_origin(kind) or kind)


def _in_words(kind: Any) -> str:
    if get_origin(kind) in _UNIONS:
        return " or ".join(_in_words(part) for part in get_args(kind))
    if get_origin(kind) is Literal:
        return " or ".join(repr(choice) for choice in get_args(kind))
    words = {bool: "true or false", float: "a number from 0", int: "a whole number from 0", NoneType: "null"}
    return words.get(kind) or ("an object" if get_origin(kind) is dict else "a text")
