"""Which ids of a list are meant, as a hexadecimal number: ten thousand ids are named in 2.5 kB."""

from __future__ import annotations

from collections.abc import Container, Sequence


def to_bits(ids: Sequence[str], chosen: Container[str]) -> str:
    """Write down which of `ids` are `chosen`; the order of `ids` is what the bits mean."""
    digits = "".join("1" if job_id in chosen else "0" for job_id in reversed(ids))
    return format(int(digits or "0", 2), "x")


def from_bits(ids: Sequence[str], text: str) -> list[str]:
    """Return the ids that `to_bits` wrote down, in order; raises ValueError if `text` is not hexadecimal."""
    bits = int(text, 16)
    return [job_id for position, job_id in enumerate(ids) if bits >> position & 1]
