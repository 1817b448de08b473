"""IMAP4rev2, UTF-8 and compression against a running server, with imaplib and with a raw client."""

from __future__ import annotations

import asyncio

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.zone import HONEST
from tests.hostile.compressed import CompressedConnection

_SENDER = f"bob@{HONEST}"


def deliver(server: MailfoldServer, person: Person, subject: str) -> None:
    """Mail from outside."""
    mail = compose(_SENDER, person.address, subject=subject)
    with server.smtp() as smtp:
        assert smtp.send(_SENDER, [person.address], mail.data).code == 250


async def test_mail_arrives_in_a_compressed_session_of_rev2(server: MailfoldServer) -> None:
    """IDLE hears of it, and what follows comes in the forms of IMAP4rev2."""
    person = server.people.person("revised")
    client = await CompressedConnection.open(server, person)
    assert b"* ENABLED IMAP4rev2 QRESYNC\r\n" in await client.ask(b"ENABLE IMAP4rev2 QRESYNC")
    assert b"RECENT" not in await client.ask(b"SELECT INBOX")
    client.send(b"t IDLE\r\n")
    assert await client.until(b"+ idling") == b"+ idling\r\n"
    await asyncio.to_thread(deliver, server, person, "Tee & Kuchen")
    heard = b""
    while b"* 1 EXISTS" not in heard:
        heard += await client.until(b"* ")
    assert b"RECENT" not in heard
    client.send(b"DONE\r\n")
    await client.until(b"\r\nt OK")
    assert b'* ESEARCH (TAG "t") UID ALL 1\r\n' in await client.ask(b'UID SEARCH SUBJECT "Kuchen"')
    assert b"* OK [COPYUID" in await client.ask(b"MOVE 1 Trash")
    assert b"t OK" in await client.ask('CREATE "Müll & Co"'.encode())
    assert '"/" "Müll & Co"'.encode() in await client.ask(b'LIST "" "M*"')
    assert b"t OK" in await client.ask(b"UNAUTHENTICATE")
    assert b"AUTH=PLAIN" in await client.ask(b"CAPABILITY")
    client.writer.close()


def test_imaplib_reads_both_forms(server: MailfoldServer) -> None:
    person = server.people.person("wide")
    with server.imap(person) as imap:
        connection = imap.connection
        offered = set(connection.capability()[1][0].split())
        assert {b"IMAP4rev1", b"IMAP4rev2", b"UTF8=ACCEPT", b"COMPRESS=DEFLATE"} <= offered
        assert connection.create("Entw&APw-rfe")[0] == "OK"
        assert connection.list('""', "Entw*")[1] == [b'(\\HasNoChildren) "/" "Entw&APw-rfe"']
        # Before ENABLE, because imaplib then puts the octets `UTF8 (` into the message itself (cpython 78319).
        assert connection.append("INBOX", "", "", "Subject: Grüße\r\n\r\nHallo.\r\n".encode())[0] == "OK"
        assert connection.enable("UTF8=ACCEPT")[0] == "OK"
        assert connection.list('""', "Entw*")[1] == ['(\\HasNoChildren) "/" "Entwürfe"'.encode()]
        imap.select()
        answer = connection.fetch("1", "(ENVELOPE)")[1][0]
        assert isinstance(answer, bytes)
        assert '"Grüße"'.encode() in answer
