"""The stage on which every wait of the matrix is played."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.parity.scene import Stage


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A serving platform, as new for each wait."""
    with Stage() as stage:
        yield stage
