"""The end of an import: every file is returned, an alias of its object and described, or the task is not green."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_cgc.client.endpoints import files as files_endpoint
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.submitting.account import Account
from tests.contract.importing import LOCATIONS, PROJECT, Work
from tests.fakes.store import Store

MANIFEST = pytest.mark.parametrize("has_manifest", [True, False])
PLAIN: dict[str, Any] = {"metadata": {}, "tags": ()}
HOW = pytest.mark.parametrize("how", [{}, PLAIN], ids=["described", "plain"])


def is_right(account: Account, count: int) -> bool:
    """Return True if an account is green, with the files of all items."""
    return account.not_yet_known is None and not account.summary.failed and len(account.results) == count


def change(cgc: CgcEmulator, name: str, by: Callable[[Any, Any], object]) -> None:
    """Change a file or folder of the project as another user would, once the jobs have ended."""
    cgc.clock.advance(60)
    with cgc.world.open() as world:
        one = next(file for file in world.files.values() if file.project == PROJECT and file.name == name)
        by(world.files, one)


@MANIFEST
@HOW
@pytest.mark.parametrize("if_exists", ["fail", "skip", "overwrite", "rename"])
def test_renamed_or_moved_files(
    cgc: CgcEmulator, work: Callable[..., Work], if_exists: str, how: dict[str, Any], has_manifest: bool
) -> None:
    """Files that have another name or folder when their task ends are described and returned."""
    one = work(if_exists=if_exists, has_manifest=has_manifest, verify=True, **how)
    outcomes = one.send()
    change(cgc, "b.bam", lambda files, file: files.rename(file, "mine.bam"))
    change(cgc, "s1", lambda files, folder: files.rename(folder, "s9"))

    account = one.end(outcomes)

    assert is_right(account, 3)
    assert {told["file"] for told in account.results.values()} == {file.id for file in one.files().values()}
    if how is not PLAIN:
        assert {file.metadata["source"] for file in one.files().values()} == set(LOCATIONS)


@MANIFEST
@HOW
@pytest.mark.parametrize("result", ["present", "absent"])
def test_items_that_changed_meanwhile(
    cgc: CgcEmulator, work: Callable[..., Work], how: dict[str, Any], has_manifest: bool, result: str
) -> None:
    """Items that are others at the end do not lose a file: the task returns all, or it is not green."""
    cgc.option("result", result)
    one = work(has_manifest=has_manifest, **how)
    outcomes = one.send()
    one.items = [{"location": LOCATIONS[0], "name": "other/name.bam"}, LOCATIONS[1], "new/z.bam"]

    account = one.end(outcomes)

    assert is_right(account, 3) == (has_manifest or how is PLAIN)


@pytest.mark.parametrize("verify", [True, False])
@MANIFEST
@pytest.mark.parametrize("gone", [0, 1, 2])
def test_files_that_were_removed(
    cgc: CgcEmulator, work: Callable[..., Work], gone: int, has_manifest: bool, verify: bool
) -> None:
    """A file that is gone before it was described is a failure, and the others are described."""
    one = work(has_manifest=has_manifest, verify=verify)
    outcomes = one.send()
    cgc.clock.advance(60)
    with cgc.world.open() as world:
        world.files.remove(one.files()[LOCATIONS[gone]])

    account = one.end(outcomes)

    assert (account.summary.completed, account.summary.failed) == (2, 1)
    assert all(file.tags == ("night",) for file in one.files().values())


@MANIFEST
@HOW
def test_retry_imports_what_is_gone(
    cgc: CgcEmulator, work: Callable[..., Work], how: dict[str, Any], has_manifest: bool
) -> None:
    """A file that was skipped, and removed before the end, is imported by a retry."""
    one = work(if_exists="skip", has_manifest=has_manifest, store=Store(), **how)
    old = one.put_alias(LOCATIONS[0], LOCATIONS[0])
    outcomes = one.send()
    with cgc.world.open() as world:
        world.files.remove(world.files[old])

    first, second = one.end(outcomes), one.end(one.send())

    assert "1 is not there any more; a retry imports" in str(first.not_yet_known)
    assert is_right(second, 3)
    assert sorted(filter(None, one.jobs())) == LOCATIONS


@MANIFEST
@pytest.mark.parametrize("lost", ["tags", "metadata"])
def test_description_that_is_lost(
    work: Callable[..., Work], monkeypatch: pytest.MonkeyPatch, lost: str, has_manifest: bool
) -> None:
    """Tags or metadata that the platform did not keep are a failure."""
    edit_them = files_endpoint.edit_files

    def edit(transport: Any, edits: Any) -> Any:
        return edit_them(transport, [{key: one[key] for key in one if key != lost} for one in edits])

    monkeypatch.setattr(files_endpoint, "edit_files", edit)

    account = work(has_manifest=has_manifest).play()

    assert (account.summary.completed, account.summary.failed) == (0, 3)
    assert f"did not keep its {lost}" in str(account.summary.failed_items[0]["message"])


def as_platform_file(file: Any) -> None:
    file.volume = file.location = None


def as_other_object(file: Any) -> None:
    file.location = "other/x.bam"


def as_other_volume(file: Any) -> None:
    file.volume = "demo-lab/archive"


@MANIFEST
@HOW
@pytest.mark.parametrize("spoil", [as_platform_file, as_other_object, as_other_volume])
def test_file_of_something_else(
    cgc: CgcEmulator,
    work: Callable[..., Work],
    spoil: Callable[[Any], None],
    how: dict[str, Any],
    has_manifest: bool,
) -> None:
    """A result that is no alias, or one of another object, is a failure."""
    one = work(has_manifest=has_manifest, verify=True, **how)
    outcomes = one.send()
    change(cgc, "b.bam", lambda files, file: spoil(file))

    account = one.end(outcomes)

    assert (account.summary.completed, account.summary.failed) == (2, 1)
    assert "is no alias of the object" in str(account.summary.failed_items[0]["message"])
    assert len(account.results) == 2
