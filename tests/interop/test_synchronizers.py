"""interimap and offlineimap on an account with All Mail and a shared mailbox: nothing is synchronised twice unasked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.ports import IMAPS
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST
from tests.interop.program import run
from tests.interop.test_interimap import Pair
from tests.interop.test_offlineimap import configuration
from tests.parts import nats
from tests.parts.clients import INTERIMAP, OFFLINEIMAP
from tests.parts.required import needs

needs(INTERIMAP, OFFLINEIMAP, nats)
SENDER = f"carl@{HONEST}"
_SHARED = "Other Users/{}/Plans"


@pytest.fixture(scope="module")
def sharing() -> Iterator[MailfoldServer]:
    """A server of its own, on which users share."""
    with MailfoldServer(settings={"MAILFOLD_SHARING_ENABLED": "true"}) as running:
        yield running


@pytest.fixture
def owner(sharing: MailfoldServer) -> Person:
    """Who shares."""
    return sharing.people.person("owner")


@pytest.fixture
def ann(sharing: MailfoldServer, owner: Person) -> Person:
    """A user with mail in INBOX, All Mail, and a shared mailbox to which she is subscribed."""
    person = sharing.people.person("ann")
    sharing.followed()
    sharing.command("account", "all-mail", person.address, "on")
    with sharing.imap(owner) as imap:
        imap.command(b"CREATE Plans")
        imap.append("Plans", compose(SENDER, owner.address, subject="the plan").data)
        imap.command(f"SETACL Plans {person.address} lrs".encode())
    with sharing.imap(person) as imap:
        for number in range(3):
            imap.append("INBOX", compose(SENDER, person.address, subject=f"number {number}").data)
        until(lambda: b"All Mail" in b"".join(imap.connection.list()[1]), "All Mail")
        until(lambda: imap.count("All Mail") == 3, "what All Mail shows")
        imap.command(f'SUBSCRIBE "{_SHARED.format(owner.address)}"'.encode())
    return person


def test_interimap_ignores_what_it_is_told_to(sharing: MailfoldServer, ann: Person, tmp_path: Path) -> None:
    far = sharing.people.person("far")
    sharing.followed()
    pair = Pair(sharing, ann, far, tmp_path, r"ignore-mailbox = ^(All Mail$|Other Users\x00)" + "\n")
    pair.sync()
    pair.sync()
    with sharing.imap(far) as imap:
        names = b"".join(line for line in imap.connection.list()[1] if isinstance(line, bytes))
        assert b"All Mail" not in names and b"Other Users" not in names
        assert imap.select() == 3


def test_offlineimap_takes_what_is_subscribed(
    sharing: MailfoldServer, ann: Person, owner: Person, tmp_path: Path
) -> None:
    file = tmp_path / "offlineimaprc"
    file.write_text(configuration(tmp_path, sharing.port(IMAPS), ann, sharing.authority, "subscribedonly = yes\n", "/"))
    for _ in range(2):
        run(OFFLINEIMAP, "-o", "-c", file, env={**os.environ, "HOME": str(tmp_path)})
    found = {
        str(mail.parent.parent.relative_to(tmp_path / "mail")): len(list((mail.parent.parent).glob("*/*")))
        for mail in (tmp_path / "mail").rglob("*")
        if mail.parent.name in ("cur", "new") and mail.is_file()
    }
    assert found == {"INBOX": 3, _SHARED.format(owner.address): 1}
