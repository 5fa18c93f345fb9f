"""The files of all projects: by id, and by name in their folder."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

from airflow_provider_cgc.emulator.state.nouns import File


class Tree(Mapping[str, File]):
    """Files and folders by id; names are unique within a folder, and `add` expects them to be."""

    def __init__(self, files: Iterable[File] = ()) -> None:
        self._files: dict[str, File] = {}
        self._children: dict[str | None, dict[str, File]] = {}
        self._numbers: dict[tuple[str, str], int] = {}  # the last number that a name got in a folder
        for file in files:
            self.add(file)

    def __getitem__(self, file_id: str) -> File:
        return self._files[file_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def add(self, file: File) -> None:
        """Put a file into its folder."""
        self._files[file.id] = file
        self._children.setdefault(file.parent, {})[file.name] = file

    def remove(self, file: File) -> None:
        """Take a file, or an empty folder, out; who still holds it sees that it is gone."""
        del self._files[file.id]
        del self._children[file.parent][file.name]
        file.deleted = True

    def rename(self, file: File, name: str) -> None:
        """Give a file another name, which nobody in its folder has."""
        siblings = self._children[file.parent].values()
        file.name = name
        self._children[file.parent] = {sibling.name: sibling for sibling in siblings}  # in the old order

    def children(self, folder_id: str) -> list[File]:
        """Return the files and folders directly in a folder, oldest first."""
        return list(self._children.get(folder_id, {}).values())

    def named(self, folder_id: str, name: str) -> File | None:
        """Return the file or folder of that name in a folder."""
        return self._children.get(folder_id, {}).get(name)

    def free_name(self, folder_id: str, name: str, taken: Container[str] = ()) -> str:
        """Return that name, or one of `_1_name`, `_2_name` ... that is free in a folder and not among the taken."""

        def is_free(name: str) -> bool:
            return self.named(folder_id, name) is None and name not in taken

        if is_free(name):
            return name
        number = self._numbers.get((folder_id, name), 1)
        while not is_free(f"_{number}_{name}"):
            number += 1
        self._numbers[folder_id, name] = number
        return f"_{number}_{name}"
