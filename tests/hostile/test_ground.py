"""The server of these tests is configured as an installed one."""

from __future__ import annotations

from resource import RLIMIT_NOFILE, prlimit

from tests.harness.server import MailfoldServer
from tests.hostile.conftest import DESCRIPTORS


def test_every_process_has_few_descriptors(server: MailfoldServer) -> None:
    """Soft and hard limit: no child of the launcher can raise its limit."""
    report = server.report()
    assert report is not None
    limits = {process.name: prlimit(process.pid, RLIMIT_NOFILE) for process in report.processes}
    assert set(limits.values()) == {(DESCRIPTORS, DESCRIPTORS)}, limits


def test_no_limit_of_the_product_is_changed(server: MailfoldServer) -> None:
    """Except for its ports (with those of POP3), its name, its name server and the switch for sending."""
    changed = {setting["name"] for setting in server.command.json("settings") if setting["value"] != setting["default"]}
    addresses = {
        "pop3.listen",
        "pop3.starttls",
        "server.hostname",
        "server.port_offset",
        "resolver.addresses",
        "outbound.sending",
    }
    bus = {"bus.url", "bus.user", "bus.password"}  # the launcher makes them at each start
    assert changed <= addresses | bus
