"""A bucket: objects by key, in the order of their keys."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, MutableMapping

from airflow_provider_cgc.emulator.state.nouns import StoredObject


class Bucket(MutableMapping[str, StoredObject]):
    """Objects by key; a page of a listing costs as much as it shows, however many there are."""

    def __init__(self) -> None:
        self._objects: dict[str, StoredObject] = {}
        self._keys: list[str] = []

    def __getitem__(self, key: str) -> StoredObject:
        return self._objects[key]

    def __setitem__(self, key: str, stored: StoredObject) -> None:
        if key not in self._objects:
            insort(self._keys, key)
        self._objects[key] = stored

    def __delitem__(self, key: str) -> None:
        del self._objects[key]
        del self._keys[bisect_left(self._keys, key)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._objects)

    def below(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin with a prefix, in order."""
        for index in range(bisect_left(self._keys, prefix), len(self._keys)):
            if not self._keys[index].startswith(prefix):
                return
            yield self._keys[index]

    def level(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """Yield the things directly below a prefix, in order: keys, and once each the prefixes that end with a slash.

        A key that is the prefix itself, with which a bucket marks a folder, is a key.

        :param after: begin behind this key or prefix, as an earlier call gave it.
        """
        index = bisect_left(self._keys, max(prefix, _behind(after, prefix)) if after else prefix)
        while index < len(self._keys) and self._keys[index].startswith(prefix):
            key = self._keys[index]
            head, slash, _ = key[len(prefix) :].partition("/")
            entry = prefix + head + slash
            yield entry
            index = bisect_left(self._keys, _behind(entry, prefix), index)


def _behind(entry: str, prefix: str) -> str:
    """Return the first key that can follow an entry: a prefix stands for all keys below it; "0" follows the slash."""
    return entry[:-1] + "0" if entry.endswith("/") and entry != prefix else entry + "\0"
