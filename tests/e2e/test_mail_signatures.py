"""The mail signature of a domain: given by command, placed into what leaves, shown by the trace.

The server of elsewhere.example is in this process; what it takes is read by Python's email and verified with dkimpy.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from pathlib import Path
from typing import NamedTuple

import dkim
import pytest

from tests.harness.command import CommandFailed
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import ELSEWHERE
from tests.parts import nats
from tests.parts.remote_server import RemoteServer
from tests.parts.required import needs

BOB = f"bob@{ELSEWHERE}"
TEXT = "-- \n{name}\nTel. {phone}\nGrüße aus Köln\n"
HTML = "<html><body><p><b>{name}</b>, {phone} <a href='https://example.org/'>example.org</a></p></body></html>"
WROTE = "On Mon, 23 Nov 2026 at 10:00, Bob <bob@elsewhere.example> wrote:"
PLACED = "-- \nAnn Müller\nTel. +49 221 1\nGrüße aus Köln"


class World(NamedTuple):
    """A server with a domain that has a mail signature, a user of it, and the server that takes its mail."""

    server: MailfoldServer
    remote: RemoteServer
    ann: Person
    domain: str

    def submit(self, message: bytes) -> str:
        """Submit a message on port 587; returns its queue id."""
        with self.server.submission(self.ann) as smtp:
            return smtp.send(self.ann.address, [BOB, self.ann.address], message, " BODY=8BITMIME").queue_id

    def arrived(self, subject: str) -> bytes:
        """The message that the other server took, with a valid DKIM signature of each key."""
        needle = f"\nSubject: {subject}\r\n".encode()
        until(lambda: self._taken(needle), f"the mail «{subject}» at the other server")
        (data,) = self._taken(needle)
        keys = self.server.command.json("dkim", "show", self.domain)
        records = {f"{key['name']}.": key["record"].encode() for key in keys}
        assert data.count(b"DKIM-Signature:") == len(records) == 2
        for index in (0, 1):
            assert dkim.DKIM(data).verify(index, dnsfunc=lambda name, timeout=5: records.get(name.decode(), b""))
        return data

    def _taken(self, needle: bytes) -> list[bytes]:
        return [mail.data for mail in self.remote.mails if needle in mail.data]

    def trace(self, queue_id: str, words: str) -> str:
        """The trace of a mail, when it has these words."""
        return self.server.command.trace(queue_id, words)


@pytest.fixture(scope="module")
def remote() -> Iterator[RemoteServer]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(RemoteServer().__aenter__(), loop).result(60)
    yield server
    asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


@pytest.fixture(scope="module")
def world(remote: RemoteServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    needs(nats)
    settings = {
        "MAILFOLD_OUTBOUND_SENDING": "true",
        "MAILFOLD_OUTBOUND_PORT": str(remote.port),
        "MAILFOLD_OUTBOUND_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    with MailfoldServer(settings=settings) as server:
        server.command("domain", "add", "signed.example", "--incoming")
        ann = server.people.person("ann", domain="signed.example")
        world = World(server, remote, ann, "signed.example")
        _give_signature(world, tmp_path_factory.mktemp("signature"))
        yield world


def _give_signature(world: World, folder: Path) -> None:
    """Give the domain a mail signature, and wait until the ingress knows of it."""
    (folder / "s.txt").write_text(TEXT)
    (folder / "s.html").write_text(HTML)
    command, user = world.server.command, world.ann.user
    command("user", "field", user, "name", "Ann Müller")
    given = command.json(
        "domain", "signature", world.domain, "--text", str(folder / "s.txt"), "--html", str(folder / "s.html")
    )
    assert given["missing"] == ["phone"]
    assert given["preview_text"] == "Ann Müller\nTel. {phone}\nGrüße aus Köln"
    command("user", "field", user, "phone", "+49 221 1")
    assert command.json("domain", "signature", world.domain)["missing"] == []
    assert command.json("domain", "show", world.domain)["values"]["signature"] == given["id"]
    probe = plain(world, "a probe")
    until(
        lambda: "mail signature" in world.trace(world.submit(bytes(probe)), "mail.submitted"),
        "the mail signature at the ingress",
    )


def plain(world: World, subject: str, text: str = "Hello Bob,\n\nsee you.\n") -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = world.ann.address, BOB, subject
    message.set_content(text)
    return message


def read(data: bytes) -> EmailMessage:
    return message_from_bytes(data, policy=default)  # type: ignore[return-value]


def content_of(message: EmailMessage, kind: str) -> str:
    """The text of a body as a mail program shows it."""
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def test_a_plain_mail_gets_it_at_the_end_and_the_copy_here_does_not(world: World) -> None:
    queue_id = world.submit(bytes(plain(world, "plain")))
    message = read(world.arrived("plain"))
    assert message.get_content_type() == "text/plain"
    assert content_of(message, "plain").rstrip() == f"Hello Bob,\n\nsee you.\n\n{PLACED}"
    assert "placed before the mail was signed" in world.trace(queue_id, "outbound.signature_placed")
    with world.server.imap(world.ann) as imap:
        imap.select()
        until(lambda: bool(imap.uids("SUBJECT", "plain")), "the mail here")
        assert not imap.uids("BODY", "221")


def test_both_alternatives_and_a_mixed_mail_get_it_and_the_attachment_stays(world: World) -> None:
    message = plain(world, "alternatives", f"Hello Bob,\n\n{WROTE}\n> How are you?\n> Bob\n")
    message.add_alternative("<html><body><p>Hello Bob</p></body></html>", subtype="html")
    message.add_attachment(b"\x00\xffraw" * 1000, "application", "octet-stream", filename="a.bin")
    queue_id = world.submit(bytes(message))
    shown = read(world.arrived("alternatives"))
    assert [part.get_content_type() for part in shown.walk()] == [part.get_content_type() for part in message.walk()]
    text = content_of(shown, "plain")
    assert text.index("Grüße aus Köln") < text.index(WROTE)
    html = content_of(shown, "html")
    assert html.index("<p>Hello Bob</p>") < html.index("<b>Ann Müller</b>, +49 221 1") < html.index("</body>")
    (attachment,) = shown.iter_attachments()
    assert attachment.get_content() == b"\x00\xffraw" * 1000
    assert "above the quotation of part 1.1" in world.trace(queue_id, "outbound.signature_placed")


def test_a_signed_mail_leaves_as_it_came(world: World) -> None:
    body = (
        b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary="s"\r\n\r\n'
        b"--s\r\nContent-Type: text/plain\r\n\r\nThe price is 5.\r\n--s\r\n"
        b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        b"MIIB\r\n--s--\r\n"
    )
    head = f"From: {world.ann.address}\r\nTo: {BOB}\r\nSubject: signed\r\nMIME-Version: 1.0\r\n".encode()
    queue_id = world.submit(head + body)
    assert world.arrived("signed").endswith(head + body)
    assert "the mail is signed or encrypted (signed" in world.trace(queue_id, "outbound.signature_skipped")


def test_a_program_gets_it_only_when_the_domain_says_so(world: World) -> None:
    message = plain(world, "nightly report")
    message["Auto-Submitted"] = "auto-generated"
    queue_id = world.submit(bytes(message))
    assert b"221" not in world.arrived("nightly report").partition(b"\r\n\r\n")[2]
    assert "(automatic)" in world.trace(queue_id, "outbound.signature_skipped")
    assert world.server.command.json("domain", "signature", world.domain, "--automatic")["signs_automatic"] is True
    message.replace_header("Subject", "morning report")
    queue_id = world.submit(bytes(message))
    assert "Ann M" in content_of(read(world.arrived("morning report")), "plain")


def test_a_signature_that_cannot_be_placed_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "long").write_text("x" * 10_001)
    (tmp_path / "empty").write_text("<script>alert(1)</script>")
    (tmp_path / "latin").write_bytes(b"Gr\xfc\xdfe")
    for option, name, words in (
        ("--text", "long", "10000"),
        ("--html", "empty", "nothing"),
        ("--text", "latin", "UTF"),
    ):
        with pytest.raises(CommandFailed, match=words):
            world.server.command("domain", "signature", world.domain, option, str(tmp_path / name))
    with pytest.raises(CommandFailed, match="lower-case"):
        world.server.command("user", "field", world.ann.user, "Phone", "1")
    with pytest.raises(CommandFailed, match="mailfold domain signature"):
        world.server.command("domain", "set", world.domain, "signature", "Yours")


def test_the_end_of_a_mail_signature(world: World) -> None:
    assert world.server.command.json("domain", "signature", world.domain, "--off")["id"] == ""
    until(
        lambda: "mail signature" not in world.trace(world.submit(bytes(plain(world, "a probe"))), "mail.submitted"),
        "the end of the mail signature at the ingress",
    )
    world.submit(bytes(plain(world, "bare")))
    assert content_of(read(world.arrived("bare")), "plain").rstrip() == "Hello Bob,\n\nsee you."
