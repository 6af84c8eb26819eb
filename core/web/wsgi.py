"""The WSGI application of one web process: a runtime behind its gate."""

from __future__ import annotations

from core.runtime.config import Config
from core.runtime.gate import Gate
from core.runtime.processes import end_with_parent
from core.runtime.runtime import Runtime
from core.web.app import create_app


def make_application() -> Gate:
    """Start a runtime for this process and put the gate before it."""
    end_with_parent()  # a web worker whose server was killed would go on holding the port
    runtime = Runtime(Config.from_environment(), app_factory=create_app)
    runtime.start()
    return Gate(runtime)


application = make_application()
