"""A second plugin, asked after `probe`: what one does must not touch the other."""

from core.api import Plugin

plugin = Plugin(name="echo", label="Echo", version="1.0", hooks="tests.probe.echo.hooks", requires=("probe",))
