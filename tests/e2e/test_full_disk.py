"""The disk of a running server becomes full: mail is refused temporarily, no accepted mail is lost, and it recovers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.mails import compose
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST
from tests.parts import nats
from tests.parts.required import needs

SENDER = f"carl@{HONEST}"
_SIZE = "96m"
_LEFT = 2_000_000
_RESERVE = 20_000_000


class SmallDisk:
    """A small tmpfs, which only root may mount."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    @staticmethod
    def reason_missing() -> str | None:
        """The reason why a file system cannot be mounted here; None when it can."""
        return None if os.geteuid() == 0 and shutil.which("mount") else "a full disk needs root, to mount a small one"

    def mount(self) -> None:
        """Mount it. Raises nothing: the test is skipped where mounting is forbidden."""
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(self.path)], capture_output=True, text=True
        )
        if done.returncode:
            pytest.skip(f"no small file system: {done.stderr.strip()}")

    def unmount(self) -> None:
        """At the end."""
        subprocess.run(["umount", "-l", str(self.path)], check=True)

    def fill(self, left: int) -> None:
        """Fill the disk except for so many octets."""
        space = os.statvfs(self.path)
        with self._filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_frsize - left)

    def make_room(self) -> None:
        """Delete the filling."""
        self._filler.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Mounted."""
    needs(nats, SmallDisk)
    small = SmallDisk(tmp_path / "disk")
    small.path.mkdir()
    small.mount()
    try:
        yield small
    finally:
        small.unmount()


@pytest.fixture
def server(disk: SmallDisk) -> Iterator[MailfoldServer]:
    """A server with all its data on that disk. It keeps no reserve, so the disk becomes full to its last octet."""
    with MailfoldServer(disk.path / "data", settings={"MAILFOLD_INGRESS_RESERVE_BYTES": "0"}) as running:
        yield running


def test_full_disk(disk: SmallDisk, server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    accepted = [_send(server, ann.address, 1000)]
    disk.fill(_LEFT)
    with server.smtp() as smtp:
        refusal = smtp.send(SENDER, [ann.address], compose(SENDER, ann.address, body=incompressible(6_000_000)).data)
        assert refusal.code in (451, 452) and refusal.text.startswith(("4.3.0", "4.3.1")), refusal
    accepted += _send_until_refused(server, ann.address)
    disk.make_room()
    accepted.append(until(lambda: _try_to_send(server, ann.address), "mail is accepted again", 60))
    server.settled(60)
    with server.imap(ann) as imap:
        for message_id in accepted:
            imap.wait_for(message_id, seconds=60)
    server.command("verify")


def test_reserve(disk: SmallDisk) -> None:
    with MailfoldServer(disk.path / "data", settings={"MAILFOLD_INGRESS_RESERVE_BYTES": str(_RESERVE)}) as server:
        ann = server.people.person("ann")
        accepted = [_send(server, ann.address, 1000)]
        disk.fill(_RESERVE // 2)
        until(lambda: _says_to_mail(server) == 452, "the reserve is noticed", 60)
        server.settled(60)  # mail that is already accepted is delivered
        disk.make_room()
        accepted.append(until(lambda: _try_to_send(server, ann.address), "mail is accepted again", 60))
        with server.imap(ann) as imap:
            for message_id in accepted:
                imap.wait_for(message_id, seconds=60)


def _says_to_mail(server: MailfoldServer) -> int:
    """The reply to MAIL."""
    with server.smtp() as smtp:
        return smtp.command(f"MAIL FROM:<{SENDER}>".encode()).code


def incompressible(size: int) -> bytes:
    """Lines of random hexadecimal digits, which compress to a half."""
    return os.urandom(size // 2).hex(" ", 30).replace(" ", "\r\n").encode() + b"\r\n"


def _send_until_refused(server: MailfoldServer, address: str) -> list[str]:
    """Send small mails until even these are refused, at most a fixed number; returns the accepted ones."""
    accepted = []
    for _ in range(40):
        message_id = _try_to_send(server, address, 200_000)
        if not message_id:
            break
        accepted.append(message_id)
    return accepted


def _send(server: MailfoldServer, address: str, size: int) -> str:
    message_id = _try_to_send(server, address, size)
    assert message_id
    return message_id


def _try_to_send(server: MailfoldServer, address: str, size: int = 1000) -> str:
    """The Message-ID when the mail was accepted; empty when it was refused temporarily."""
    sent = compose(SENDER, address, body=incompressible(size))
    with server.smtp() as smtp:
        answer = smtp.send(SENDER, [address], sent.data)
    assert answer.code in (250, 451, 452), answer
    return sent.message_id if answer.code == 250 else ""
