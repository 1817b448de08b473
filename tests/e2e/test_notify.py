"""NOTIFY, REPLACE and CATENATE with a whole server, in each layout."""

from __future__ import annotations

import re
import socket
import ssl

import pytest

from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.zone import HONEST

pytestmark = pytest.mark.all_layouts

SENDER = f"carl@{HONEST}"


def sent_line(connection: ssl.SSLSocket | socket.socket) -> bytes:
    """The next line that the server sends."""
    line = b""
    while not line.endswith(b"\r\n"):
        octet = connection.recv(1)
        assert octet, "the connection has ended"
        line += octet
    return line


def test_a_delivery_is_told_to_who_has_selected_nothing(server: MailfoldServer) -> None:
    ann = server.people.person("ann")
    with server.imap(ann) as imap:
        connection = imap.connection.socket()
        connection.sendall(b"n1 NOTIFY SET STATUS (personal (MessageNew MessageExpunge))\r\n")
        while not (line := sent_line(connection)).startswith(b"n1 "):
            assert line.startswith(b"* STATUS "), line
        assert line == b"n1 OK NOTIFY completed\r\n"
        mail = compose(SENDER, ann.address)
        with server.smtp() as smtp:
            assert smtp.send(SENDER, [ann.address], mail.data).queue_id
        assert re.match(rb'\* STATUS "INBOX" \(MESSAGES 1 UIDNEXT 2 ', sent_line(connection))


def test_a_draft_is_replaced_by_parts_of_itself(server: MailfoldServer) -> None:
    ben: Person = server.people.person("ben")
    with server.imap(ben) as imap:
        imap.append("Drafts", b"Subject: draft\r\n\r\nold text\r\n")
        imap.select("Drafts")
        connection = imap.connection.socket()
        text = b"new text\r\n"
        url = b"/Drafts/;UID=1/;section=HEADER"
        connection.sendall(
            b"r1 UID REPLACE 1 Drafts (\\Draft) CATENATE (URL %b TEXT {%d+}\r\n%b)\r\n" % (url, len(text), text)
        )
        lines = [sent_line(connection)]
        while not lines[-1].startswith(b"r1 "):
            lines.append(sent_line(connection))
        assert lines[0].startswith(b"* OK [APPENDUID ")
        assert lines[1:3] == [b"* 2 EXISTS\r\n", b"* 1 EXPUNGE\r\n"]
        assert lines[-1].startswith(b"r1 OK")
        assert imap.fetch(2) == b"Subject: draft\r\n\r\nnew text\r\n"
