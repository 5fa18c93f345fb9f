"""Virtual time and a made-up platform for every test of waiting."""

from __future__ import annotations

import pytest

from dev.virtual_time import VirtualTime
from tests.fakes.platform import FakePlatform


@pytest.fixture
def time():
    return VirtualTime()


@pytest.fixture
def platform(time):
    return FakePlatform(time)
