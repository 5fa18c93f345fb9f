"""The metadata and tags of files, and the platform's limits for them.

https://docs.cancergenomicscloud.org/reference (files) documents them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_cgc.jobs.text import shown

MOST_KEY_BYTES = 100
MOST_VALUE_BYTES = 300
"""Bytes of UTF-8."""
MOST_PAIRS = 1000


def metadata_problems(metadata: Mapping[Any, object]) -> list[str]:
    """Return the problems of a file's metadata, each to follow "the metadata's"."""
    problems = list(_pair_problems(metadata))
    if len(metadata) > MOST_PAIRS:
        problems.append(
            f"number of pairs is {len(metadata)}, and the platform takes at most {MOST_PAIRS}; leave some out"
        )
    return problems


def _pair_problems(metadata: Mapping[Any, object]) -> Iterator[str]:
    for key, value in metadata.items():
        if not isinstance(key, str) or not key.strip():
            yield f"key {shown(key)} is no text, or empty; give it a name"
            continue
        size = _bytes(key)
        if size is None:
            yield f"key {shown(key)} has a character that UTF-8 cannot hold; remove it"
        elif size > MOST_KEY_BYTES:
            yield f"key {shown(key)} has {size} bytes, and the platform takes at most {MOST_KEY_BYTES}; shorten it"
        if not isinstance(value, str):
            yield (
                f"value {shown(value)} for {shown(key)} is of type {type(value).__name__}, and the platform keeps text;"
                " write it as text"
            )
            continue
        size = _bytes(value)
        if size is None:
            yield f"value {shown(value)} for {shown(key)} has a character that UTF-8 cannot hold; remove it"
        elif size > MOST_VALUE_BYTES:
            yield (
                f"value for {shown(key)}, {shown(value)}, has {size} bytes, and the platform takes at most"
                f" {MOST_VALUE_BYTES}; shorten it"
            )


def tag_problems(tags: Iterable[object]) -> list[str]:
    """Return the problems of a file's tags."""
    return [
        f"{shown(tag)} is no text, or empty; give text"
        for tag in tags
        if not isinstance(tag, str) or not tag.strip() or _bytes(tag) is None
    ]


def _bytes(text: str) -> int | None:
    """Return the bytes of a text in UTF-8; None if it has a lone surrogate."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return None
