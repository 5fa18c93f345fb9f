"""Tasks that import objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.emulator.state.nouns import File, Project
from tests.crash.scene import Task

SIZE = 1000
VOLUME = CgcEmulator.read_only_volume
FOLDERS = ("a", "b", "b/c")
"""The folders of the objects; the first one is in the project already."""


class ImportTask(Task):
    """A task whose objects become files of a project, or of a folder, that is this task's own."""

    KIND = "imports"
    CALLS = {"create": "/v2/bulk/storage/imports/create", "folder": "/v2/files", "edit": "/v2/bulk/files/edit"}
    FAILS_FOR_GOOD, IS_REFUSED = 9205, 9018

    @classmethod
    def stock(cls, emulator: CgcEmulator, *, older: int) -> list[str]:
        locations = [f"crash/{FOLDERS[number % 3]}/{number}.bam" for number in range(250)]
        emulator.put_objects([*locations, "old.bam"], volume=VOLUME, size=SIZE)
        for number in range(0, older, 100):
            for place in range(number, number + 100):
                emulator.submit_imports(["old.bam"], name=f"old-{place}", volume=VOLUME)
            emulator.clock.advance(100)
        return locations

    def make_items(self) -> list[str]:
        self.project = f"demo-lab/task-{self.number}"
        now = self.emulator.clock.now()
        with self.emulator.world.open() as world:
            root = File(world.new_file_id(), "root", self.project, None, now, now, folder=True)
            world.files.add(root)
            world.projects[self.project] = Project(self.project, "Task", root.id, "aws:us-east-1", now)
        self.emulator.add_files([f"crash/{FOLDERS[0]}/", "below/"], project=self.project)
        return self.platform.stock[: self.items]

    def make_results(self, names: Sequence[str]) -> None:
        paths = ["/".join([*self.above, name]) for name in names]
        made = self.emulator.add_files(paths, project=self.project, size=SIZE)
        with self.emulator.world.open() as world:
            for name, file_id in zip(names, made, strict=True):
                world.files[file_id].become_alias(VOLUME, name, world.clock.now())

    @property
    def above(self) -> list[str]:
        """The folder of the project that the files go to."""
        return ["below"] if self.number % 2 else []

    @property
    def usual(self) -> dict[str, Any]:
        name = "{path}/{name}"
        return {
            "items": self.names,
            "volume": VOLUME,
            "project": self.project,
            "name": "/".join([*self.above, name]),
            "metadata": {"sample_id": "{folder}", "source": "{location}"},
            "tags": ["night"],
        }

    def name_of(self, job: Any) -> str | None:
        return job.order.location if job.project_id == self.project else None

    def results_must_be_right(self) -> None:
        """Each item has one alias at its place, described; with `rename` another one beside what was there."""
        found = self.aliases()
        renames = self.arguments.get("if_exists") == "rename"
        described = {}
        for number, name in enumerate(self.names):
            *folders, last = [*self.above, *name.split("/")]
            beside = [f"_1_{last}"] if renames and number < self.there else []
            described |= {"/".join([*folders, one]): name for one in (last, *beside)}
        wanted = {path: (location, self.metadata(location), ("night",)) for path, location in described.items()}
        if renames:  # what was there stays as it was
            for name in self.names[: self.there]:
                wanted["/".join([*self.above, name])] = (name, {}, ())
        assert found == wanted, self.log

    def lines_must_be_right(self) -> None:
        assert all(line["id"] for line in self.lines[self.skips :]), self.log
        with self.emulator.world.open() as world:
            files = [world.files.get(line["result"]["file"]) for line in self.lines]
        assert [file and file.location for file in files] == self.names, self.log

    def aliases(self) -> dict[str, tuple[str | None, dict[str, Any], tuple[str, ...]]]:
        """The files of the task's project by their paths: the object, the metadata and the tags of each."""
        with self.emulator.world.open() as world:
            files = [file for file in world.files.values() if file.project == self.project and not file.folder]

            def path(file: File) -> str:
                above = world.files.get(file.parent or "")
                return file.name if above is None or above.parent is None else f"{path(above)}/{file.name}"

            return {path(file): (file.location, dict(file.metadata), file.tags) for file in files}

    @staticmethod
    def metadata(location: str) -> dict[str, str]:
        return {"sample_id": location.split("/")[-2], "source": location}
