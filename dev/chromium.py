"""Debian's own Chromium without a window, driven through Playwright; no browser is ever downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

FLAGS = (
    "--headless",
    "--no-sandbox",  # root in a container has no user namespaces
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoChromiumError(RuntimeError):
    """This machine has no Chromium."""


def chromium_command() -> str:
    """Find Chromium: the one that `CHROMIUM` names, else that on PATH."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        raise NoChromiumError(
            "There is no `chromium` on the PATH: apt-get install chromium, or set CHROMIUM=/path/to/it."
        )
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running Chromium; it and Playwright's driver end with the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_command(), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
