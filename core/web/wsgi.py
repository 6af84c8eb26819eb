"""The WSGI application of one web process: a runtime behind its gate. For the server: `core.web.wsgi:make_application()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.runtime.processes import become_child

if TYPE_CHECKING:
    from core.runtime.gate import Gate


def make_application() -> Gate:
    """Start a runtime for this process and put the gate before it."""
    become_child()  # before the imports below, which take a second in which the server may be told to end
    from core import logs
    from core.config import Config
    from core.runtime.gate import Gate
    from core.runtime.runtime import Runtime
    from core.web.app import create_app

    config = Config.from_environment()
    logs.set_up(config.log)
    runtime = Runtime(config, app_factory=create_app)
    runtime.start()
    runtime.application()  # now rather than while somebody waits
    return Gate(runtime)
