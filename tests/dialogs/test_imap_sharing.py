"""Dialogs of several users about shared mailboxes (RFC 4314), whole and cut byte by byte."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.directory.app import build as build_directory
from tests.dialogs.runner import play
from tests.dialogs.script import read_script, scripts
from tests.harness.mails import MAIL
from tests.integration.access.imap_server import PASSWORD, ImapServer
from tests.integration.access.sharing_people import SharingPeople
from tests.parts import nats
from tests.parts.required import needs

FOLDER = Path(__file__).parent / "imap-sharing"
SETTINGS = {"sharing.enabled": "true"}
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImapServer]:
    """One server for all dialogs; each has a domain of its own."""
    needs(nats)
    folder = tmp_path_factory.mktemp("sharing")
    with nats.NatsServer() as bus, ImapServer(folder, bus.url, SETTINGS, build_directory) as server:
        yield server


@pytest.mark.parametrize("cut", [None, 1], ids=["whole", "cut"])
@pytest.mark.parametrize("path", scripts(FOLDER), ids=lambda path: path.stem)
async def test_dialog(server: ImapServer, path: Path, cut: int | None) -> None:
    number = next(_numbers)
    people = SharingPeople(server, f"d{number}.example")
    people.make_domain(anyone=True)
    names = {name: people.user(f"{name}{number}") for name in ("ann", "bob", "eve")}
    values = {
        **names,
        "team": people.group(f"team{number}", f"bob{number}"),
        "password": PASSWORD,
        "letter": repr(MAIL),
        "letter_size": str(len(MAIL)),
    }
    script = read_script(path, values)
    await play(script, lambda _name: ("127.0.0.1", server.port), cut=cut)
