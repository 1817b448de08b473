"""Copies that leave again are sealed (ARC): posts of lists, and mail that aliases forward.

The server of elsewhere.example is in this process; what it takes is verified with dkimpy.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from typing import NamedTuple

import dkim
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from loadtest.content.signing_key import public_key_text, signing_key
from shared.protocol.arc.result import ChainResult
from shared.protocol.arc.seal import seal
from shared.protocol.dkim.sign import hash_body
from shared.protocol.dkim.signing_key import load_signing_key
from tests.e2e.received import fields
from tests.harness.mails import SELECTOR, RenderedMail, compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import ELSEWHERE, HONEST
from tests.parts import nats
from tests.parts.remote_server import RemoteServer
from tests.parts.required import needs

CARL = f"carl@{HONEST}"
DORA = f"dora@{ELSEWHERE}"
DOMAIN = "sealed.example"
DEVS = f"devs@{DOMAIN}"
_SET = (b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results")


class World(NamedTuple):
    """A server with a list, and the server that takes the copies for its member."""

    server: MailfoldServer
    remote: RemoteServer
    ann: Person
    away: str
    """An alias that forwards to the other server."""

    def arrived(self, sent: RenderedMail) -> bytes:
        """The copy of a message that the other server took; its DKIM signatures are valid."""
        until(lambda: self._taken(sent), f"the mail {sent.message_id} at the other server")
        (data,) = self._taken(sent)
        assert fields(data, "DKIM-Signature")[0].startswith("v=1; a=rsa-sha256")
        for index in (0, 1):
            assert dkim.DKIM(data).verify(index, dnsfunc=self.record)
        return data

    def record(self, name: bytes, timeout: int = 5) -> bytes:
        """The key record with a name: of the list's domain, or of the sender in the zone."""
        keys = self.server.command.json("dkim", "show", DOMAIN)
        records = {f"{key['name']}.": key["record"].encode() for key in keys}
        records[f"{SELECTOR}._domainkey.{HONEST}."] = f"v=DKIM1; k=rsa; p={public_key_text()}".encode()
        return records.get(name.decode(), b"")

    def chain(self, data: bytes) -> str:
        """The status of the chain, as dkimpy sees it."""
        status, _, _ = dkim.arc_verify(data, dnsfunc=self.record)
        return "fail" if status is None else str(status.decode())

    def receives(self, sent: RenderedMail, recipient: str) -> str:
        """Hand a message in from outside; returns its queue id."""
        with self.server.smtp() as smtp:
            return smtp.send(CARL, [recipient], sent.data).queue_id

    def trace(self, queue_id: str, words: str) -> None:
        """Wait until the trace has these words."""
        self.server.command.trace(queue_id, words)

    def _taken(self, sent: RenderedMail) -> list[bytes]:
        return [mail.data for mail in self.remote.mails if f"<{sent.message_id}>".encode() in mail.data]


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
def world(remote: RemoteServer) -> Iterator[World]:
    needs(nats)
    settings = {
        "MAILFOLD_OUTBOUND_SENDING": "true",
        "MAILFOLD_OUTBOUND_PORT": str(remote.port),
        "MAILFOLD_OUTBOUND_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    with MailfoldServer(settings=settings) as server:
        server.command("domain", "add", DOMAIN, "--incoming")
        ann = server.people.person("ann", domain=DOMAIN)
        server.command("list", "add", DEVS, "--owner", ann.address)
        server.command("list", "join", DEVS, ann.address, CARL, DORA)
        yield World(server, remote, ann, server.people.alias("away", DORA, domain=DOMAIN))


def sealed_by_another(mail: RenderedMail, earlier: ChainResult) -> RenderedMail:
    """The message with a set of another server in front."""
    pem = signing_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    header, _, body = mail.data.partition(b"\r\n\r\n")
    key, results = load_signing_key(HONEST, SELECTOR, pem), b"mx.honest.example; spf=pass"
    added = seal(header + b"\r\n\r\n", hash_body([body]), key, earlier, results, 1_790_000_000_000_000)
    return RenderedMail(mail.message_id, added + mail.data)


def arc_fields(data: bytes) -> list[bytes]:
    """The fields of all sets, each with its lines, from the top."""
    header = data.partition(b"\r\n\r\n")[0] + b"\r\n"
    return [match[0] for match in re.finditer(rb"(?m)^ARC-[^\r]*\r\n(?:[ \t][^\r]*\r\n)*", header)]


def test_a_post_that_only_spf_authenticates_is_sealed_last(world: World) -> None:
    sent = compose(CARL, DEVS)
    queue_id = world.receives(sent, DEVS)
    data = world.arrived(sent)
    assert [field.partition(b":")[0] for field in arc_fields(data)] == list(_SET)
    assert data.startswith(b"ARC-Seal: i=1;") and world.chain(data) == "pass"
    (results,) = fields(data, "ARC-Authentication-Results")
    assert "spf=pass" in results and "dkim=none" in results and "dmarc=pass" in results, results
    (signature,) = fields(data, "ARC-Message-Signature")
    assert f"d={DOMAIN};" in signature
    names = "".join(signature.partition("h=")[2].partition(";")[0].split()).split(":")
    assert {"from", "list-id", "list-unsubscribe"} <= set(names) and names.count("dkim-signature") == 2
    world.trace(queue_id, f"ARC sealed: i=1; cv=none; d={DOMAIN}")


def test_earlier_sets_stay_octet_for_octet_and_their_verdict_is_sealed(world: World) -> None:
    sent = sealed_by_another(compose(CARL, DEVS, signed_by=HONEST), ChainResult("none"))
    queue_id = world.receives(sent, DEVS)
    data = world.arrived(sent)
    assert arc_fields(data)[3:] == arc_fields(sent.data) and len(arc_fields(data)) == 6
    assert "cv=pass" in fields(data, "ARC-Seal")[0] and world.chain(data) == "pass"
    assert "arc=pass" in fields(data, "ARC-Authentication-Results")[0]
    world.trace(queue_id, "ARC sealed: i=2; cv=pass")
    with world.server.imap(world.ann) as imap:
        local = imap.fetch(imap.wait_for(sent.message_id))
    assert "arc=pass" in fields(local, "Authentication-Results")[0]
    assert len(arc_fields(local)) == 3, "only what leaves is sealed"


def test_a_broken_chain_is_sealed_as_broken_and_an_ended_one_is_left(world: World) -> None:
    signed = sealed_by_another(compose(CARL, DEVS), ChainResult("none"))
    broken = RenderedMail(signed.message_id, signed.data + b"One more line.\r\n")
    queue_id = world.receives(broken, DEVS)
    data = world.arrived(broken)
    assert "cv=fail" in fields(data, "ARC-Seal")[0] and world.chain(data) == "fail"
    assert arc_fields(data)[3:] == arc_fields(broken.data)
    world.trace(queue_id, "ARC sealed: i=2; cv=fail")
    ended = sealed_by_another(compose(CARL, DEVS), ChainResult("fail"))
    queue_id = world.receives(ended, DEVS)
    assert arc_fields(world.arrived(ended)) == arc_fields(ended.data)
    world.trace(queue_id, "ARC not sealed: the chain has ended")


def test_forwarded_mail_is_sealed_and_other_mail_is_not(world: World) -> None:
    sent = sealed_by_another(compose(CARL, world.away), ChainResult("none"))
    world.receives(sent, world.away)
    data = world.arrived(sent)
    assert world.chain(data) == "pass" and data.startswith(b"ARC-Seal: i=2;")
    mine = compose(world.ann.address, DEVS)
    with world.server.submissions(world.ann) as smtp:
        smtp.send(world.ann.address, [DEVS], mine.data)
    data = world.arrived(mine)
    assert world.chain(data) == "pass"
    assert fields(data, "ARC-Authentication-Results")[0].endswith("auth=pass")
    mine = compose(world.ann.address, DORA)
    with world.server.submissions(world.ann) as smtp:
        smtp.send(world.ann.address, [DORA], mine.data)
    assert arc_fields(world.arrived(mine)) == []
