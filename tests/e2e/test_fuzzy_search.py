"""SEARCH=FUZZY (RFC 6203) with the text index: words also of attachments, new mail at once, and relevancy."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from tests.harness.documents import docx_of, pdf_of
from tests.harness.imap_wire import Wire, literal
from tests.harness.people import Person
from tests.harness.ports import IMAPS
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    return server.people.person("fuzzy")


@pytest.fixture
def imap(server: MailfoldServer, ann: Person) -> Iterator[Wire]:
    plain = socket.create_connection(("localhost", server.port(IMAPS)))
    wire = Wire(server.tls().wrap_socket(plain, server_hostname="localhost"))
    wire.ok(f'LOGIN {ann.address} "{ann.password}"')
    yield wire
    wire.close()


def _append(wire: Wire, subject: str, body: str, document: bytes = b"", subtype: str = "pdf") -> None:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = "Ännchen <ann@example.org>"
    message.set_content(body)
    if document:
        message.add_attachment(document, maintype="application", subtype=subtype, filename=f"Report.{subtype}")
    wire.ok(b"APPEND INBOX " + literal(message.as_bytes()))


def _uids(wire: Wire, key: str) -> list[int]:
    answer = wire.ok(b"UID SEARCH CHARSET UTF-8 " + key.encode())
    return [int(uid) for line in answer.lines if line[0] == b"SEARCH" for uid in line[1:]]  # type: ignore[arg-type]


def test_words_are_found_also_in_attachments(server: MailfoldServer, ann: Person, imap: Wire) -> None:
    _append(imap, "Quarterly numbers", "The café reports its résumé.")
    _append(imap, "A scan", "Have a look.", pdf_of(b"Quarterly turnover of the lighthouse"))
    _append(imap, "A text", "Have a look at the numbers.", docx_of("Lighthouse keepers wanted"), "docx")
    imap.ok("SELECT INBOX")
    before = server.count("mailstore", "searches_indexed")
    assert _uids(imap, "FUZZY BODY cafe") == [1]  # right after APPEND
    until(lambda: _uids(imap, "FUZZY BODY lighthouse") == [2, 3], "the attachments are in the index")
    assert server.count("mailstore", "searches_indexed") > before
    assert _uids(imap, "BODY lighthouse") == _uids(imap, "TEXT lighthouse") == []
    assert _uids(imap, "FUZZY TEXT quarterly") == [1, 2]
    assert _uids(imap, 'FUZZY TEXT "numbers look"') == [3]
    assert _uids(imap, "NOT FUZZY TEXT lighthouse") == [1]
    assert _uids(imap, "FUZZY (OR FROM annch BODY nowhere)") == [1, 2, 3]
    _append(imap, "Lighthouse", "new mail")
    assert _uids(imap, "FUZZY TEXT lighthouse") == [2, 3, 4]
    answer = imap.ok("ESEARCH IN (personal) RETURN (ALL) FUZZY BODY lighthouse")
    assert b"2:3" in repr(answer.lines).encode()


def test_the_best_come_first(server: MailfoldServer, ann: Person, imap: Wire) -> None:
    _append(imap, "Nothing", "One word about pelicans, and many others that say nothing about them at all.")
    _append(imap, "Pelicans", "Pelicans are birds.")
    _append(imap, "Birds", "Also pelicans.")
    until(lambda: server.count("indexer", "waiting") == 0, "the index is up to date")
    imap.ok("SELECT INBOX")

    def scores() -> dict[int, int]:
        lines = repr(imap.ok("UID SORT RETURN (ALL RELEVANCY) (RELEVANCY) UTF-8 FUZZY TEXT pelican").lines)
        listed = re.search(r"b'ALL', b'([0-9,]+)'", lines)
        if listed is None:  # all are equal, and listed as a range
            return {0: 50}
        given = re.findall(r"[0-9]+", lines[lines.index("RELEVANCY") :])
        return dict(zip(map(int, listed[1].split(",")), map(int, given), strict=True))

    until(lambda: 50 not in scores().values(), "the index ranks all of them")
    assert {1, 100} <= set(scores().values())
    assert list(scores()) == [2, 3, 1]
    assert list(scores().values()) == sorted(scores().values(), reverse=True)
