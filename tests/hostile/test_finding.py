"""What users and strangers can send to the text index: the mail is found, and others are served."""

from __future__ import annotations

import socket
import threading
import zipfile
from contextlib import closing
from email.message import EmailMessage
from io import BytesIO
from typing import cast

import pytest

from tests.harness.imap_wire import Wire, literal
from tests.harness.people import Person
from tests.harness.ports import IMAPS
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until

pytestmark = pytest.mark.timeout(600)
_SESSIONS, _SEARCHES, _MESSAGES = 8, 25, 400


def _session(server: MailfoldServer, person: Person, mailbox: str = "INBOX") -> Wire:
    plain = socket.create_connection(("localhost", server.port(IMAPS)))
    wire = Wire(server.tls().wrap_socket(plain, server_hostname="localhost"))
    wire.ok(f'LOGIN {person.address} "{person.password}"')
    wire.ok(f"SELECT {mailbox}")
    return wire


def _uids(wire: Wire, key: bytes) -> list[int]:
    answer = wire.ok(b"UID SEARCH " + key)
    return [int(cast(bytes, uid)) for line in answer.lines if line[0] == b"SEARCH" for uid in line[1:]]


def _indexed(server: MailfoldServer) -> None:
    until(lambda: server.count("indexer", "waiting") == 0, "the index is up to date")


def test_many_searches_of_a_user_do_not_make_another_wait_for_their_end(server: MailfoldServer) -> None:
    ann, bob = server.people.people("ann", "bob")
    with closing(_session(server, ann)) as filling:
        for number in range(_MESSAGES):
            text = b"abc def ghi %d\r\n" % number * 400
            filling.ok(b"APPEND INBOX " + literal(b"Subject: s\r\n\r\n" + text))
    with closing(_session(server, bob)) as filling:
        for number in range(60):
            filling.ok(b"APPEND INBOX " + literal(b"Subject: s\r\n\r\nquiet %d\r\n" % number))
    _indexed(server)
    sessions = [_session(server, ann) for _ in range(_SESSIONS)]
    keys = b" ".join(b"OR BODY %d TEXT %dzz" % (number, number) for number in range(24)) + b" ALL"
    threads = [threading.Thread(target=_search_often, args=(wire, keys)) for wire in sessions]
    for thread in threads:
        thread.start()
    with closing(_session(server, bob)) as other:
        for number in range(10):
            assert _uids(other, b'BODY "quiet %d"' % (50 + number)) == [51 + number]
        assert any(thread.is_alive() for thread in threads), "the other was answered before the flood ended"
    for thread in threads:
        thread.join()
    for wire in sessions:
        wire.close()


def _search_often(wire: Wire, keys: bytes) -> None:
    for _ in range(_SEARCHES):
        wire.ok(b"UID SEARCH RETURN (COUNT) " + keys)


def test_large_texts_and_bombs_do_not_keep_other_mail_out_of_the_index(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    hostile = (
        b"Subject: long\r\n\r\n" + b"x" * 9_000_000 + b"\r\n",
        b"Subject: lines\r\n\r\n" + b"a\r\n" * 1_000_000,
        b"".join(b"X-Field-%d: value\r\n" % number for number in range(20_000)) + b"\r\nfields\r\n",
        _with_attachment(_bomb(), "bomb.docx"),
        _with_attachment(b"%PDF-1.7\n" + b"1 0 obj\n<</Type/Pages/Kids[1 0 R]>>\nendobj\n" * 10_000, "loop.pdf"),
    )
    with closing(_session(server, ann)) as wire:
        for data in hostile:
            wire.ok(b"APPEND INBOX " + literal(data))
        wire.ok(b"APPEND INBOX " + literal(b"Subject: honest\r\n\r\nthe honest mail\r\n"))
        _indexed(server)

        def counts() -> tuple[int, int]:
            shown = server.command.json("index", "status", "--account", ann.address)["account"]
            return shown["places"], shown["awaiting"]

        until(lambda: counts() == (len(hostile) + 1, 0), "everything is in the index")
        assert _uids(wire, b'BODY "honest mail"') == [len(hostile) + 1]
        assert _uids(wire, b'BODY "xxxxxxxxxxxxxxxxxxxx"') == [1]
        assert _uids(wire, b'HEADER X-Field-19999 "value"') == [3]
        names = {failure["name"]: failure["status"] for failure in server.command.json("index", "failures")}
        assert names.get("bomb.docx") in ("limit", "failed", "crashed"), names


def test_large_fuzzy_searches_are_bounded(server: MailfoldServer) -> None:
    """FUZZY (RFC 6203) with many words, many keys, and messages of many words."""
    ann = server.people.person("ann")
    with closing(_session(server, ann)) as wire:
        wire.ok(b"APPEND INBOX " + literal(b"Subject: long\r\n\r\n" + b"word%d " % 7 * 1_000_000 + b"last\r\n"))
        wire.ok(b"APPEND INBOX " + literal(b"Subject: unspaced\r\n\r\n" + "\u6771".encode() * 500_000 + b"\r\n"))
        fields = b"".join(b"To: someone%d@example.org\r\n" % number for number in range(10_000))
        wire.ok(b"APPEND INBOX " + literal(fields + b"\r\nfields\r\n"))
        for _ in range(2):  # by reading, and by the index
            assert _uids(wire, b'FUZZY TEXT "last wor"') == [1]
            assert _uids(wire, b"CHARSET UTF-8 FUZZY BODY " + _text("\u6771\u6771\u6771".encode())) == [2]
            assert _uids(wire, b"FUZZY TO someone9999") == [3]
            assert _uids(wire, b"FUZZY " * 1000 + b"BODY fields") == [3]
            assert _uids(wire, b"FUZZY (" * 39 + b"BODY fields" + b")" * 39) == [3]
            many = b" ".join(b"word%d" % number for number in range(400))
            assert _uids(wire, b"FUZZY TEXT " + _text(many)) == []
            _indexed(server)
        for refused in (
            b"FUZZY TEXT " + _text(many + b" further"),
            b"FUZZY TEXT " + _text(b"! " * 10_000 + b"word"),
            b" ".join(b"FUZZY BODY " + _text(b"a%d b c d e" % number) for number in range(90)),
        ):
            answer = wire.ask(b"UID SEARCH " + refused)
            assert (answer.status, answer.code) == (b"NO", b"LIMIT")
        wire.ok(b"NOOP")


def _text(text: bytes) -> bytes:
    return b"{%d+}\r\n%b" % (len(text), text)


def _with_attachment(data: bytes, name: str) -> bytes:
    message = EmailMessage()
    message["Subject"] = name
    message.set_content("see the attachment")
    message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def _bomb() -> bytes:
    octets = BytesIO()
    with zipfile.ZipFile(octets, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", b"<w:document>" + b"<w:t>boom</w:t>" * 3_000_000)
    return octets.getvalue()
