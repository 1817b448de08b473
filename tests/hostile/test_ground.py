"""The server of these tests is the one that people get."""

from __future__ import annotations

from resource import RLIMIT_NOFILE, prlimit

from tests.harness.server import MailfoldServer
from tests.hostile.conftest import DESCRIPTORS


def test_every_process_has_few_descriptors(server: MailfoldServer) -> None:
    """Soft and hard: no child of the launcher can help itself to more."""
    report = server.report()
    assert report is not None
    limits = {process.name: prlimit(process.pid, RLIMIT_NOFILE) for process in report.processes}
    assert set(limits.values()) == {(DESCRIPTORS, DESCRIPTORS)}, limits


def test_no_limit_of_the_product_is_changed(server: MailfoldServer) -> None:
    """Apart from where it listens, what it is called and whom it asks, every setting is the default."""
    changed = {setting["name"] for setting in server.command.json("settings") if setting["value"] != setting["default"]}
    addresses = {"server.hostname", "server.port_offset", "ingress.resolver"}
    bus = {"bus.url", "bus.user", "bus.password"}  # the launcher makes them for each start
    assert changed <= addresses | bus
