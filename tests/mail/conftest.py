"""The witness: a real SMTP server in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.exchange.mail import care
from core.testing.site import Site
from tests.mail.post import Witness, running_sink, settings


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Witness]:
    """A server that takes everything until told otherwise."""
    with running_sink(tmp_path / "sink") as witness:
        yield witness


@pytest.fixture
def posted(site: Site, sink: Witness) -> Site:
    """An installation that sends its mail to the witness."""
    settings(site, sink.port)
    return site


@pytest.fixture
def agreeing(site: Site) -> Iterator[None]:
    """Whatever a test breaks, the outbox agrees with itself at its end (`comptoir check --data`)."""
    yield
    with site.runtime.database.reading() as session:
        assert care.look(session) == []
