"""A real browser for tests: the Chromium that is installed, driven through Playwright.

Playwright's own browser builds are not used: `apt install chromium-headless-shell` or its like is all that is needed. That is
Chromium without a desktop around it, which opens a tab with a quarter of the processor time; any Chromium does.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Playwright, sync_playwright

SHELL = "chromium-headless-shell"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""A browser that asks nobody anything but the pages under test."""


class BrowserMissing(RuntimeError):
    """Chromium is not installed; the message says how to get it."""


def chromium_program(*, headless: bool = True) -> str:
    """The path of the installed Chromium."""
    for name in (SHELL, *PROGRAMS) if headless else PROGRAMS:
        found = shutil.which(name)
        if found:
            return found
    raise BrowserMissing(
        "These tests need Chromium (Debian, Ubuntu: apt install chromium-headless-shell, or chromium)."
    )


def chromium_arguments() -> list[str]:
    """Command line switches; Chromium's sandbox does not work for root."""
    return [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else list(QUIET)


def launch_chromium(playwright: Playwright, *, headless: bool = True) -> Browser:
    """Start Chromium under a Playwright that is already running."""
    program = chromium_program(headless=headless)
    return playwright.chromium.launch(executable_path=program, args=chromium_arguments(), headless=headless)


@contextmanager
def chromium(*, headless: bool = True) -> Iterator[Browser]:
    """Chromium for the length of a `with` block."""
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright, headless=headless)
        try:
            yield browser
        finally:
            browser.close()
