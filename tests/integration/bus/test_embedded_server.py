"""The embedded server runs with the configuration that is prepared for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from shared.bus.bus import Bus
from shared.bus.nats_server import NatsServer, prepare
from shared.bus.settings import BusSettings
from shared.bus.subjects import RECEIVED
from tests.harness.waiting import until_true
from tests.parts import nats
from tests.parts.child import Child
from tests.parts.required import needs


class Embedded:
    """The server and the process that runs it."""

    def __init__(self, folder: Path) -> None:
        needs(nats)
        self.folder = folder
        self.server: NatsServer = prepare(folder / "nats", folder / "bus.json", folder / "nats.log")
        self.child = self.start()

    def start(self) -> Child:
        self.child = Child(self.server.argv, self.folder / "nats.out", env=self.server.environment)
        self.child.wait_until(self.server.is_ready)
        return self.child

    def prepare_again(self) -> None:
        self.server = prepare(self.folder / "nats", self.folder / "bus.json", self.folder / "nats.log")


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Embedded]:
    running = Embedded(tmp_path)
    yield running
    running.child.stop()


async def test_it_starts_without_complaint_and_takes_events(embedded: Embedded) -> None:
    bus = await Bus.connect(embedded.server.settings(BusSettings()), "test")
    await bus.publish(RECEIVED.on(0), "e1", b"fact")
    await bus.close()
    assert embedded.child.log_tail() == ""
    log = (embedded.folder / "nats.log").read_text()
    assert "[ERR]" not in log and "[FTL]" not in log
    assert any((embedded.folder / "nats" / "jetstream").iterdir())


def test_without_a_log_file_it_logs_to_standard_error(tmp_path: Path) -> None:
    needs(nats)
    server = prepare(tmp_path / "nats", tmp_path / "bus.json")
    child = Child(server.argv, tmp_path / "nats.out", env=server.environment)
    child.wait_until(server.is_ready)
    child.stop()
    assert "Server is ready" in child.log_tail()


async def test_nobody_comes_in_without_the_password(embedded: Embedded) -> None:
    settings = msgspec.structs.replace(
        embedded.server.settings(BusSettings()), password="wrong", connect_wait_seconds=0.5
    )
    bus = await Bus.connect(settings, "test")
    assert not bus.connected
    await bus.close()


async def test_clients_come_back_after_a_restart_and_a_wipe(embedded: Embedded) -> None:
    bus = await Bus.connect(embedded.server.settings(BusSettings()), "test")
    embedded.child.kill()
    shutil.rmtree(embedded.server.store)
    await until_true(lambda: not bus.connected)
    embedded.prepare_again()
    embedded.start()
    await bus.publish(RECEIVED.on(0), "e1", b"fact")
    await bus.close()


async def test_it_starts_again_after_its_whole_folder_was_deleted(embedded: Embedded) -> None:
    embedded.child.kill()
    shutil.rmtree(embedded.folder / "nats")
    embedded.start()
    bus = await Bus.connect(embedded.server.settings(BusSettings()), "test")
    await bus.publish(RECEIVED.on(0), "e1", b"fact")
    await bus.close()
