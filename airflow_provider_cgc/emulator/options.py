"""Knows the switches: what the platform's documents leave open or contradict, each variant by name."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any, Literal

Unseen = Literal["error", "gap", "404"]

_CHOICES: dict[str, tuple[str, ...]] = {
    "unknown_ids": ("error", "gap", "404"),
    "foreign_ids": ("error", "gap", "404"),
    "reset_unit": ("s", "ms"),
    "list_order": ("newest", "oldest"),
    "absent": ("omit", "null"),
    "result": ("present", "absent"),
    "object_size": ("present", "absent"),
}
_FLAGS = ("rate_headers", "jump", "pasted_shape", "stuck")


@dataclass(slots=True)
class Options:
    """The variants now in force; the defaults are what the sources make likely.

    unknown_ids   how a bulk get answers an id it does not know: error record, gap, 404 for the whole call
    foreign_ids   the same for another user's job
    reset_unit    of `X-RateLimit-Reset` and `rate.reset`: seconds or milliseconds
    rate_headers  whether answers carry `X-RateLimit-*` at all
    list_order    of `GET /storage/exports`
    list_lag      platform seconds until a new job shows in that list
    jump          RUNNING is never shown: PENDING, then COMPLETED
    unknown_state a made-up state shown in place of RUNNING
    absent        keys without a value: left out or null
    pasted_shape  export jobs in the (wrong) shape that the documentation of the bulk get prints
    stuck         no job leaves PENDING
    time_offset   how times are written: "Z" or an offset such as "+02:00"
    extra_fields  true, or a dict: fields nobody has heard of, in every resource
    result        whether a COMPLETED export carries `result`
    object_size   whether a volume object tells its size in `metadata`
    """

    unknown_ids: Unseen = "error"
    foreign_ids: Unseen = "error"
    reset_unit: Literal["s", "ms"] = "s"
    rate_headers: bool = True
    list_order: Literal["newest", "oldest"] = "newest"
    list_lag: float = 0.0
    jump: bool = False
    unknown_state: str | None = None
    absent: Literal["omit", "null"] = "omit"
    pasted_shape: bool = False
    stuck: bool = False
    time_offset: str = "Z"
    extra_fields: bool | dict[str, Any] | None = None
    # choice: present. The bulk page documents `result`; the one example of a completed export lacks it.
    result: Literal["present", "absent"] = "present"
    # choice: present, as `metadata.size`. That objects have metadata is documented, the keys in it are not.
    object_size: Literal["present", "absent"] = "present"

    def set(self, name: str, value: Any) -> None:
        """Switch one option.

        :raises ValueError: for a name or a value that does not exist.
        """
        if name not in {field.name for field in fields(self)}:
            known = ", ".join(field.name for field in fields(self))
            raise ValueError(f"no option {name!r}; there are {known}")
        _check(name, value)
        setattr(self, name, value)


def _check(name: str, value: Any) -> None:
    if name in _CHOICES:
        good = value in _CHOICES[name]
    elif name in _FLAGS:
        good = isinstance(value, bool)
    elif name == "list_lag":
        good = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    elif name == "time_offset":
        good = isinstance(value, str) and re.fullmatch(r"Z|[+-]\d\d:\d\d", value) is not None
    elif name == "unknown_state":
        good = value is None or (isinstance(value, str) and value != "")
    else:
        good = value is None or isinstance(value, bool | dict)
    if not good:
        expected = f"; expected one of {', '.join(_CHOICES[name])}" if name in _CHOICES else ""
        raise ValueError(f"option {name} cannot be {value!r}{expected}")
