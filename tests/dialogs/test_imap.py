"""The IMAP dialogs against the real access service and mailbox store, whole and cut byte by byte."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dialogs.runner import play
from tests.dialogs.script import read_script, scripts
from tests.harness.mails import MAIL, PARCEL
from tests.integration.access.imap_server import PASSWORD, ImapServer
from tests.parts import nats
from tests.parts.required import needs

WIDE = (
    "From: Jürgen <j@example.org>\r\nTo: Ann <ann@example.org>\r\nSubject: Grüße\r\n"
    "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
    'Content-Type: text/plain; charset=utf-8; name="Tür.txt"\r\n\r\nHallo.\r\n'
).encode()
"""A message whose header is UTF-8 (RFC 6532)."""
FOLDER = Path(__file__).parent / "imap"
SETTINGS = {
    "access.append_limit": "20000",
    "access.listen_starttls": "true",
    "access.withhold": "WITHIN@client:*Frail*,QRESYNC@account:withheld*,XNONE",
    "access.uid_only": "true",
    "mailstore.max_keywords": "50",
}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def values(user: str) -> dict[str, str]:
    """A fresh account, its log-in, and two messages as Python bytes with their sizes."""
    login = f"{user}@example.org"
    return {
        "user": login,
        "password": PASSWORD,
        "user_size": str(len(login)),
        "password_size": str(len(PASSWORD)),
        "plain": encoded(f"\0{login}\0{PASSWORD}"),
        "wrong": encoded(f"\0{login}\0wrong"),
        "other": encoded(f"other\0{login}\0{PASSWORD}"),
        "login64": encoded(login),
        "password64": encoded(PASSWORD),
        "keywords_50": " ".join(f"k{number}" for number in range(50)),
        "keywords_65": " ".join(f"k{number}" for number in range(65)),
        "letter": repr(MAIL),
        "letter_size": str(len(MAIL)),
        "wide": repr(WIDE),
        "wide_size": str(len(WIDE)),
        "parcel": repr(PARCEL),
        "parcel_size": str(len(PARCEL)),
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImapServer]:
    """One server for all dialogs; each has an account of its own."""
    needs(nats)
    with (
        nats.NatsServer() as bus,
        ImapServer(tmp_path_factory.mktemp("imap"), bus.url, SETTINGS) as started,
    ):
        yield started


@pytest.mark.parametrize("cut", [None, 1], ids=["whole", "cut"])
@pytest.mark.parametrize("path", scripts(FOLDER), ids=lambda path: path.stem)
async def test_dialog(server: ImapServer, path: Path, cut: int | None) -> None:
    script = read_script(path, values("small" if path.stem == "quota-limited" else f"{path.stem}-{cut}"))
    await play(script, lambda name: ("127.0.0.1", server.port if name == "imaps" else server.imap_port), cut=cut)
