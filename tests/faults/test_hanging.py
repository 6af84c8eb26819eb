"""A hook that hangs in a real `comptoir serve` is survived: its process is replaced, the third time it is set aside (MO-8)."""

from __future__ import annotations

import http.client
import http.cookiejar
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from core.runtime.watchdog import LIMIT_VARIABLE
from core.testing import Site
from core.testing.servers import free_port
from core.testing.site import PASSWORD, TOKEN
from tests.faults.conftest import Mischief, words

LIMIT = 4.0
"""Seconds a hook may take in this test; imports count too, so it must not be too short for a busy machine."""
PATIENCE = 90.0


class Web:
    """A browser without script, over a real connection."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies)
        self._token = ""

    def get(self, path: str) -> tuple[int, str]:
        """(status, page); 0 when nobody answered."""
        return self._open(urllib.request.Request(self._base + path))

    def post(self, path: str, **typed: str) -> tuple[int, str]:
        """Send a form; redirects are followed."""
        body = urllib.parse.urlencode({"csrf_token": self._token, **typed}).encode()
        return self._open(urllib.request.Request(self._base + path, body))

    def _open(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with self._opener.open(request, timeout=PATIENCE) as response:
                text = response.read().decode()
                status = response.status
        except urllib.error.HTTPError as error:
            with error:
                text, status = error.read().decode(), error.code
        except (OSError, http.client.HTTPException):
            return 0, ""
        found = TOKEN.search(text)
        self._token = found[1] if found else self._token
        return status, text


@pytest.fixture
def served(town: Site) -> Iterator[Web]:
    """A server on the installation where mischief is on, used by Alice."""
    town.add_person("Alice")
    port = free_port()
    path = os.pathsep.join(path for path in sys.path if path)
    environment = {
        **town.config.environment(), "PORT": str(port), "COMPTOIR_PUBLIC_URL": "", "PYTHONPATH": path,
        LIMIT_VARIABLE: str(LIMIT),
    }  # fmt: skip
    log = (town.config.var / "serve.log").open("w+")
    command = [sys.executable, "-P", "-m", "core.cli", "serve"]
    server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        web = Web(port)
        until(lambda: web.get("/signin")[0] == 200)
        web.post("/signin", email="alice@test.example", password=PASSWORD)
        assert "Third parties" in web.get("/")[1]
        yield web
    finally:
        server.terminate()
        server.wait(PATIENCE)
        log.seek(0)
        print(log.read())
        log.close()
    assert server.returncode == 0


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def incidents(web: Web) -> list[str]:
    return re.findall(r"<code>([^<]+)</code>", web.get("/admin/modules/mischief")[1])


@pytest.mark.covers("MO-8c")
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_hanging_hook_is_survived(served: Web, mischief: Mischief) -> None:
    assert served.post("/thirdparties/new", name="Zinc SARL")[0] == 200

    mischief.do("records_changing=hang")
    assert served.post("/thirdparties/new", name="Never SARL")[0] == 0, "its worker was ended with it"
    until(lambda: incidents(served) == ["slow records_changing"])
    status, page = served.get("/thirdparties")
    assert status == 200
    assert "Zinc SARL" in page
    assert "Never SARL" not in page

    mischief.do("panel=hang")
    assert served.get("/thirdparties/1")[0] == 0
    until(lambda: incidents(served) == ["slow panel mischief", "slow records_changing"])
    mischief.do()
    until(lambda: "good mood" in served.get("/thirdparties/1")[1])

    mischief.do("changes_committed=hang")
    status, _page = served.post("/thirdparties/new", name="Tin Ltd")
    assert status == 200, "after the commit, in the worker: nobody waits for it"
    until(lambda: len(incidents(served)) == 3)
    assert incidents(served)[0] == "slow changes_committed"

    page = words(served.get("/admin/modules")[1])
    assert "took too long 3 times" in page
    assert "Needs attention" in page
    mischief.do("records_changing=hang", "records_changed=hang", "panel=hang", "counter=hang")
    status, page = served.post("/thirdparties/new", name="Copper GmbH", contact_status="contacted")
    assert status == 200, "it is set aside, and nobody asks it any more"
    assert "Loyalty 10 points" in words(page), "what others react with goes on"
    assert served.get("/tricks")[0] == 404

    mischief.do()
    _status, page = served.get("/admin/modules/mischief/disable")
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version
    assert served.post("/admin/modules/mischief/disable", version=version[1], all="1")[0] == 200
    _status, page = served.get("/admin/modules/mischief/enable")
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version
    assert served.post("/admin/modules/mischief/enable", version=version[1], all="1")[0] == 200
    assert served.get("/tricks")[0] == 200
    assert "Tin Ltd" in served.get("/thirdparties")[1]
    assert mischief.delivered(), "what was committed before it misbehaved was told"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_plugin_that_wants_to_end_the_process_does_not(served: Web, mischief: Mischief) -> None:
    """SystemExit, RecursionError and MemoryError in a real worker (F30)."""
    served.post("/thirdparties/new", name="Zinc SARL")
    for deed in ("exit", "deep", "memory"):
        mischief.do(f"panel={deed}", f"counter={deed}", f"column={deed}", f"view={deed}", f"records_changed={deed}")
        assert "could not be loaded" in served.get("/thirdparties/1")[1]
        assert served.get("/mischief")[0] == 500
        assert served.post("/thirdparties/new", name="Tin Ltd")[0] == 200
        assert served.get("/thirdparties")[0] == 200
    assert {"panel panel mischief", "reaction records_changed"} <= set(incidents(served))
