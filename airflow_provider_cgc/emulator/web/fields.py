"""The `fields` selector: names, `!names`, dots that reach inside, `_all`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def select(body: Json, fields: str | None, *, default: Sequence[str] | None = None) -> Json:
    """Return the part of a body that `fields` asks for; without it the default names, or everything."""
    names = [name.strip() for name in (fields or "").split(",") if name.strip()]
    if not names:
        return body if default is None else _only(body, list(default))
    if "_all" in names:
        return body
    wanted = [name for name in names if not name.startswith("!")]
    unwanted = [name[1:] for name in names if name.startswith("!")]
    # choice: with nothing but exclusions, everything else is shown, in lists too.
    return _without(_only(body, wanted) if wanted else body, unwanted)


def _only(body: Json, names: list[str]) -> Json:
    kept: Json = {}
    for head, tails in _by_head(names).items():
        if head not in body:
            continue
        value = body[head]
        kept[head] = _only(value, tails) if tails and isinstance(value, dict) else value
    return kept


def _without(body: Json, names: list[str]) -> Json:
    heads = _by_head(names)
    kept: Json = {}
    for key, value in body.items():
        if key not in heads:
            kept[key] = value
        elif heads[key] and isinstance(value, dict):
            kept[key] = _without(value, heads[key])
    return kept


def _by_head(names: list[str]) -> dict[str, list[str]]:
    """Return `["id", "error.code"]` as `{"id": [], "error": ["code"]}`; a bare name wins over dotted ones."""
    heads: dict[str, list[str]] = {}
    whole = {name for name in names if "." not in name}
    for name in names:
        head, _, tail = name.partition(".")
        heads.setdefault(head, [])
        if tail and head not in whole:
            heads[head].append(tail)
    return heads
