"""imapclient, the library: every call that an application makes of it against a running server."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone

import pytest
from imapclient import IMAPClient

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.ports import IMAPS
from tests.harness.server import MailfoldServer
from tests.harness.zone import HONEST

SENDER = f"carl@{HONEST}"


@pytest.fixture
def client(server: MailfoldServer, ann: Person) -> Iterator[IMAPClient]:
    """A client that has logged in."""
    context = ssl.create_default_context(cafile=str(server.authority))
    with IMAPClient("localhost", server.port(IMAPS), ssl_context=context, timeout=60) as connected:
        connected.login(ann.address, ann.password)
        yield connected


def test_folders(client: IMAPClient) -> None:
    assert client.folder_exists("INBOX") and not client.folder_exists("Nowhere")
    assert client.find_special_folder(b"\\Sent") == "Sent"
    client.create_folder("Пример/Ümlaut & more")
    assert "Пример/Ümlaut & more" in [name for _, _, name in client.list_folders()]
    client.rename_folder("Пример/Ümlaut & more", "Пример/other")
    client.subscribe_folder("Пример/other")
    assert "Пример/other" in [name for _, _, name in client.list_sub_folders()]
    assert client.folder_status("Пример/other", ["MESSAGES", "UIDNEXT"])[b"MESSAGES"] == 0
    client.delete_folder("Пример/other")
    assert client.namespace().personal == (("", "/"),)


def test_messages(client: IMAPClient, ann: Person) -> None:
    day = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=2)))
    for number in range(5):
        mail = compose(SENDER, ann.address, subject=f"grüße {number}", body=b"line\r\n" * (number + 1))
        client.append("INBOX", mail.data, flags=[b"\\Seen"] if number % 2 else [], msg_time=day)
    assert client.select_folder("INBOX")[b"EXISTS"] == 5
    uids = client.search("ALL")
    fetched = client.fetch(
        uids, ["ENVELOPE", "FLAGS", "INTERNALDATE", "BODYSTRUCTURE", "RFC822.SIZE", "BODY.PEEK[HEADER]"]
    )
    first = fetched[uids[0]]
    assert first[b"ENVELOPE"].from_[0].host.decode() == HONEST
    assert first[b"RFC822.SIZE"] > len(first[b"BODY[HEADER]"])
    client.normalise_times = False
    assert client.fetch(uids[0], ["INTERNALDATE"])[uids[0]][b"INTERNALDATE"] == day
    assert client.search(["UNSEEN"]) == uids[0::2]
    assert client.search(["SUBJECT", "grüße 3"], "UTF-8") == [uids[3]]
    assert client.search(["SINCE", date(2026, 3, 4), "BEFORE", date(2026, 3, 5)]) == uids


def test_flags_copies_and_expunges(client: IMAPClient, ann: Person) -> None:
    for number in range(4):
        client.append("INBOX", compose(SENDER, ann.address, subject=f"number {number}").data)
    client.select_folder("INBOX")
    uids = client.search()
    client.add_flags(uids[:2], [b"\\Flagged", b"$Work"])
    assert {b"\\Flagged", b"$Work"} <= set(client.get_flags(uids[0])[uids[0]])
    client.remove_flags(uids[0], [b"$Work"])
    client.set_flags(uids[1], [b"\\Answered"])
    client.copy(uids[:1], "Archive")
    client.move(uids[1:2], "Trash")
    client.delete_messages(uids[2])
    client.uid_expunge([uids[2]])
    assert client.search() == [uids[0], uids[3]]
    assert client.folder_status("Archive", ["MESSAGES"])[b"MESSAGES"] == 1


def test_idle_reports_new_mail(server: MailfoldServer, client: IMAPClient, ann: Person) -> None:
    client.select_folder("INBOX")
    client.idle()
    with server.imap(ann) as other:
        other.append("INBOX", compose(SENDER, ann.address).data)
    responses = client.idle_check(timeout=30)
    assert (1, b"EXISTS") in responses
    client.idle_done()
