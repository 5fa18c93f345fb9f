"""The emulated platform's clock in the place of a process's own: sleeping moves it, so that minutes pass at once."""

from __future__ import annotations

import json
import time
import urllib.request

_real_time, _real_sleep = time.time, time.sleep
SHORT = 0.05
"""Seconds of a sleep that is slept as it is."""


class PlatformClock:
    """The platform's clock as a process of a worker or triggerer sees it."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._url = ""

    def connect(self, base_url: str) -> None:
        """Go by the clock of this emulator."""
        self._url = base_url.removesuffix("/v2") + "/_emulator/clock"
        self.advance(0.0)

    def time(self) -> float:
        """Give epoch seconds; takes the place of `time.time`."""
        return _real_time() + self._offset

    def sleep(self, seconds: float) -> None:
        """Let time pass for everybody; takes the place of `time.sleep`."""
        if seconds <= SHORT or not self._url:
            _real_sleep(max(seconds, 0.0))
        else:
            self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move the emulator's clock, and follow it."""
        request = urllib.request.Request(
            self._url, json.dumps({"advance": seconds}).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            self._offset = json.load(answer)["now"] - _real_time()
