"""Child processes on the installation of a test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from core.testing.site import Site

ROOT = Path(__file__).parents[2]


def environment(site: Site) -> dict[str, str]:
    """What a child needs to work on the same installation, with the same plugins installed."""
    paths = [str(ROOT), *(path for path in sys.path if path and path != str(ROOT))]
    return {**site.config.environment(), "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def start(site: Site, module: str, *arguments: object, **options: object) -> subprocess.Popen[str]:
    """Start `python -m module`."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.Popen(
        command, env=environment(site), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options  # type: ignore[call-overload,no-any-return]
    )  # fmt: skip
