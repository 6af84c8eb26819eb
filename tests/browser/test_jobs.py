"""A change of many rows in a real browser: the whole list is selected, the job is looked at, and taken back (UX 2.0, 2.1)."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.axe import problems
from tests.browser.conftest import LANGUAGES, OpenTab
from tests.browser.desk import Desk
from tests.browser.server import Server

ALL = re.compile("Select all|Sélectionner les")


def start(desk: Desk) -> None:
    """Select all rows of a list of more than 50 and set their status."""
    desk.go("/thirdparties?view=prospects")
    desk.page.locator(".rows .pick input[name=id]").first.check()
    desk.page.locator("#bulk").get_by_role("button", name=ALL).click()
    expect(desk.page.locator(".rows .pick input[name=id]").first).to_be_disabled()
    desk.by("button", "Set status").click()
    desk.page.wait_for_url(re.compile(r"/jobs/\d+$"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_watched_and_taken_back(open_tab: OpenTab, language: str) -> None:
    desk = open_tab(language)
    start(desk)
    done = desk.say("Done")
    expect(desk.page.locator("#job")).to_contain_text(done, timeout=60_000)  # nobody reloads it
    bar = desk.page.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuetext", re.compile(r"^\d+ (of|sur) \d+$"))
    expect(desk.page.get_by_role("status").filter(has_text=re.compile("changed|Modifiés"))).to_be_visible()
    assert problems(desk.page) == []
    desk.by("button", "Undo", desk.page.locator("#job")).click()
    desk.page.wait_for_url(re.compile(r"/jobs/\d+$"))
    expect(desk.page.locator("#job")).to_contain_text(done, timeout=60_000)
    desk.by("link", "Jobs").first.click()
    desk.heading(desk.say("Jobs"))
    assert problems(desk.page) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_stopped_tried_again_and_taken_back(open_tab: OpenTab, server: Server, language: str) -> None:
    """The worker is held still meanwhile, so that there is something to stop, however fast it is."""
    desk = open_tab(language)
    job = desk.page.locator("#job")
    with held_still(worker_of(server)):
        start(desk)
        stop = desk.by("button", "Stop", job)
        expect(stop).to_be_visible()
        assert problems(desk.page) == []
        stop.click()
        expect(job).to_contain_text(desk.say("Stopped"))
        expect(stop).to_have_count(0)
    expect(job).not_to_contain_text(desk.say("Done"))
    desk.by("button", "Retry", job).click()
    expect(job).to_contain_text(desk.say("Done"), timeout=60_000)
    desk.by("button", "Undo", job).click()
    desk.page.wait_for_url(re.compile(r"/jobs/\d+$"))
    expect(job).to_contain_text(desk.say("Done"), timeout=60_000)


def worker_of(server: Server) -> int:
    """The process that does the jobs of that server."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    (worker,) = [child for child in children if b"core.cli\0worker" in Path(f"/proc/{child}/cmdline").read_bytes()]
    return int(worker)


@contextmanager
def held_still(pid: int) -> Iterator[None]:
    """A process does nothing inside the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_without_script(page_without_script: Desk) -> None:
    desk = page_without_script
    start(desk)
    for _look in range(120):
        if desk.page.get_by_text(desk.say("Done"), exact=True).count():
            break
        desk.by("link", "Reload").click()
    expect(desk.page.locator("#job")).to_contain_text(desk.say("Done"))
    desk.by("button", "Undo", desk.page.locator("#job")).click()
    expect(desk.page.locator("#job")).to_be_visible()
