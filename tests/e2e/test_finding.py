"""SEARCH for texts with the text index: the answers are those of reading, at every moment and in any language."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from typing import cast

import pytest

from tests.harness.imap_wire import Wire, literal
from tests.harness.people import Person
from tests.harness.ports import IMAPS
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until

_LATIN = "Straße strasse ΣΊΣΥΦΟΣ σίσυφος İstanbul ﬁne fine naïve naïve été über привет ПРИВЕТ"
_OTHERS = "東京タワー 日本語 안녕하세요 مرحبا مُحَمَّد हिन्दी ภาษาไทย 😀 👩\u200d👩\u200d👧"
_SIGNS = 'quick "quoted" 100% a*b under_score semi;colon UNION NEAR NOT OR and ok no x'
_WORDS = tuple(f"{_LATIN} {_OTHERS} {_SIGNS}".split())
_COUNT = 150


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    return server.people.person("finder")


@pytest.fixture
def imap(server: MailfoldServer, ann: Person) -> Iterator[Wire]:
    wire = opened(server, ann)
    yield wire
    wire.close()


def opened(server: MailfoldServer, person: Person) -> Wire:
    """A session of a person."""
    plain = socket.create_connection(("localhost", server.port(IMAPS)))
    wire = Wire(server.tls().wrap_socket(plain, server_hostname="localhost"))
    wire.ok(f'LOGIN {person.address} "{person.password}"')
    return wire


def mail(chance: random.Random, number: int) -> tuple[bytes, str]:
    """A message, and what its body says."""
    message = EmailMessage()
    message["From"] = f"Sender {number} <sender{number}@example.org>"
    message["Subject"] = f"{chance.choice(_WORDS)} {number}"
    body = " ".join(chance.choices(_WORDS, k=6))
    if number % 3:
        message.set_content(body, cte=chance.choice(("base64", "quoted-printable", "8bit")))
    else:
        message.set_content(f"<p>{body.replace('&', '&amp;').replace('<', '&lt;')}</p>", subtype="html")
    return message.as_bytes(), body


def uids(wire: Wire, key: str) -> set[int]:
    answer = wire.ok(b"UID SEARCH CHARSET UTF-8 " + key.encode())
    return {int(cast(bytes, uid)) for line in answer.lines if line[0] == b"SEARCH" for uid in line[1:]}


def append(wire: Wire, mailbox: str, data: bytes) -> None:
    wire.ok(f"APPEND {mailbox} ".encode() + literal(data))


def _needle(chance: random.Random, bodies: dict[int, str]) -> str:
    """A piece of a body, of one to thirty characters, or a text that is nowhere."""
    body = chance.choice(list(bodies.values()))
    start = chance.randrange(len(body))
    piece = body[start : start + chance.randint(1, 30)].strip() or "x"
    changed = chance.choice((piece, piece.upper(), piece.lower(), piece + "zz", piece[::-1]))
    return changed if "\n" not in changed else "x"


def test_searches_find_what_reading_finds_while_messages_come_and_go(
    server: MailfoldServer, ann: Person, imap: Wire
) -> None:
    chance = random.Random(3)
    imap.ok("CREATE sought")
    imap.ok("CREATE aside")
    bodies: dict[int, str] = {}
    before = server.count("mailstore", "searches_indexed")
    imap.ok("SELECT sought")
    for number in range(1, _COUNT + 1):
        data, bodies[number] = mail(chance, number)
        append(imap, "sought", data)
        if number % 10 == 0:
            compare(imap, bodies, chance, 2)
    until(lambda: server.count("indexer", "waiting") == 0, "the index is up to date")
    compare(imap, bodies, chance, 40)
    assert server.count("mailstore", "searches_indexed") > before
    for _ in range(5):
        gone = chance.sample(sorted(bodies), 8)
        imap.ok(f"UID MOVE {','.join(map(str, gone))} aside")
        for uid in gone:
            del bodies[uid]
        compare(imap, bodies, chance, 4)
    imap.ok("UID STORE 1:20 +FLAGS.SILENT (\\Deleted)")
    compare(imap, bodies, chance, 4)
    imap.ok("EXPUNGE")
    bodies = {uid: body for uid, body in bodies.items() if uid > 20}
    compare(imap, bodies, chance, 10)


def compare(wire: Wire, bodies: dict[int, str], chance: random.Random, times: int) -> None:
    for _ in range(times):
        needle = _needle(chance, bodies)
        text = needle.encode()
        matching = {uid for uid, body in bodies.items() if needle.casefold() in body.casefold()}
        quoted = f"{{{len(text)}+}}\r\n{needle}"
        assert uids(wire, f"BODY {quoted}") == matching, needle
        assert uids(wire, f"NOT BODY {quoted}") == bodies.keys() - matching, needle
        assert uids(wire, f"UNDELETED OR BODY {quoted} SUBJECT {quoted}") >= uids(wire, f"UNDELETED BODY {quoted}")
        assert matching <= uids(wire, f"TEXT {quoted}")


def test_a_header_that_nobody_lists_is_found(server: MailfoldServer, ann: Person, imap: Wire) -> None:
    imap.ok("CREATE fields")
    for number in range(60):
        append(imap, "fields", f"X-Ticket: Case-{number:03}\r\nSubject: s\r\n\r\nbody\r\n".encode())
    until(lambda: server.count("indexer", "waiting") == 0, "the index is up to date")
    imap.ok("SELECT fields")
    assert uids(imap, 'HEADER X-Ticket "case-017"') == {18}
    assert uids(imap, 'HEADER X-Ticket ""') == set(range(1, 61))
    assert uids(imap, 'HEADER X-Other "case-017"') == set()
    assert uids(imap, 'NOT HEADER X-Ticket "case-0"') == set()


def test_an_index_is_built_anew_beside_the_serving_one(server: MailfoldServer, ann: Person, imap: Wire) -> None:
    imap.ok("CREATE anew")
    for number in range(60):
        append(imap, "anew", f"Subject: s\r\n\r\nrebuilding {number}\r\n".encode())
    imap.ok("SELECT anew")
    (before,) = [index["number"] for index in server.command.json("index", "status")["indexes"] if index["is_serving"]]
    began = server.command.json("index", "rebuild")
    assert began["number"] == server.command.json("index", "rebuild")["number"] == before + 1

    def is_switched() -> bool:
        assert uids(imap, 'BODY "rebuilding 7"') == {8}
        indexes = server.command.json("index", "status")["indexes"]
        return [(index["number"], index["is_serving"]) for index in indexes] == [(began["number"], True)]

    until(is_switched, "the new index serves alone")
    shown = server.command.json("index", "status", "--account", ann.address)
    assert shown["account"]["places"] == shown["account"]["documents"] == 60
    assert "serving" in server.command("index", "status")
    assert server.command.json("index", "compare", "--account", ann.address) == {"accounts": 1}


def test_failed_attachments_are_named_and_read_again(server: MailfoldServer, ann: Person, imap: Wire) -> None:
    message = EmailMessage()
    message["Subject"] = "broken"
    message.set_content("see the attachment")
    message.add_attachment(b"%PDF-1.7\n" + b"broken " * 50, maintype="application", subtype="pdf", filename="torn.pdf")
    append(imap, "INBOX", message.as_bytes())

    def named() -> list[dict[str, object]]:
        failures = server.command.json("index", "failures")
        return [failure for failure in failures if failure["name"] == "torn.pdf" and ann.account in failure["accounts"]]

    until(lambda: bool(named()), "the failure is listed")
    (failure,) = named()
    assert failure["status"] == "failed" and failure["tries"] == 1
    assert server.command.json("index", "retry", "--blob", str(failure["blob"])) == {"messages": 1}
    until(lambda: bool(named()) and named()[0]["tries"] != 0, "it was read again")
