"""What commands share: a started runtime without pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.runtime.runtime import Runtime


@contextmanager
def started_runtime() -> Iterator[Runtime]:
    """A runtime on the installation of the environment, migrated and started; closed at the end."""
    from core.config import Config
    from core.runtime.runtime import Runtime

    runtime = Runtime(Config.from_environment())
    try:
        runtime.start()
        yield runtime
    finally:
        runtime.close()
