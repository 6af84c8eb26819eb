"""A plugin whose hooks tests write as they go, with records of every kind of value and link."""

from core.api import NotificationKind, Plugin

plugin = Plugin(
    name="probe", label="Probe", version="1.0", hooks="tests.probe.hooks", requires=("thirdparty",),
    notifications=(NotificationKind("probe.accepted", "Something of mine was accepted"),),
)  # fmt: skip
