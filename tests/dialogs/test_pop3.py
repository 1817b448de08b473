"""The POP3 dialogs against the real access service and mailbox store, whole and cut byte by byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.protocol.sasl.outcome import encode_base64
from tests.dialogs.runner import play
from tests.dialogs.script import read_script, scripts
from tests.integration.access.imap_server import PASSWORD, ImapServer
from tests.parts import nats
from tests.parts.required import needs

FOLDER = Path(__file__).parent / "pop3"
SETTINGS = {"pop3.listen": "true", "pop3.starttls": "true", "access.login_failures": "3"}
MAILS = (
    b"Subject: first\r\nTo: y\r\n\r\none\r\n.\r\n..two\r\n.three\r\n",
    b"Subject: second\r\n\r\nno line end",
    "Subject: grüße\r\n\r\n\r\n.\r\n".encode(),
)
"""Dots at the beginning of lines, a last line without an end, and UTF-8 in a header."""


def encoded(text: str) -> str:
    return encode_base64(text.encode()).decode()


def values(name: str) -> dict[str, str]:
    """A fresh account and its log-ins."""
    user = f"{name}@example.org"
    return {
        "user": user,
        "password": PASSWORD,
        "plain": encoded(f"\0{user}\0{PASSWORD}"),
        "wrong": encoded(f"\0{user}\0wrong"),
        "login64": encoded(user),
        "password64": encoded(PASSWORD),
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImapServer]:
    """One server for all dialogs; each has an account of its own."""
    needs(nats)
    with nats.NatsServer() as bus, ImapServer(tmp_path_factory.mktemp("pop3"), bus.url, SETTINGS) as started:
        yield started


@pytest.mark.parametrize("cut", [None, 1], ids=["whole", "cut"])
@pytest.mark.parametrize("path", scripts(FOLDER), ids=lambda path: path.stem)
async def test_dialog(server: ImapServer, path: Path, cut: int | None) -> None:
    """Each account has three mails, which delivery has given no further header fields."""
    name = f"{path.stem}-{cut}"
    for mail in MAILS:
        server.deliver(name, mail, prefix=b"")
    script = read_script(path, values(name))
    ports = {"pop3": server.pop3_port, "pop3s": server.pop3s_port}
    await play(script, lambda listener: ("127.0.0.1", ports[listener]), cut=cut)
