"""Posts to members at another server: what it gets, and what is counted for a member when it refuses."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.received import fields
from tests.harness.mails import compose
from tests.harness.people import DOMAIN, Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import ELSEWHERE
from tests.parts import nats
from tests.parts.remote_server import RemoteServer, TakenMail
from tests.parts.required import needs

DEVS = f"devs@{DOMAIN}"
_SECONDS = 30.0
_REPLIES = {"<gone": b"550 5.1.1 nobody\r\n", "<strict": b"550 5.7.1 no spam\r\n"}


def _reply(line: str) -> bytes:
    return next((reply for start, reply in _REPLIES.items() if start in line.lower()), b"250 2.1.5 ok\r\n")


@pytest.fixture(scope="module")
def outside() -> Iterator[RemoteServer]:
    """The server of elsewhere.example, which refuses recipients that begin with `gone` and `strict`."""
    running, is_up, loop = RemoteServer(), threading.Event(), asyncio.new_event_loop()
    running.replies["RCPT"] = _reply
    is_over = asyncio.Event()

    async def serve() -> None:
        async with running:
            is_up.set()
            await is_over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert is_up.wait(_SECONDS)
    yield running
    loop.call_soon_threadsafe(is_over.set)
    thread.join(_SECONDS)
    loop.close()


@pytest.fixture(scope="module")
def server(outside: RemoteServer) -> Iterator[MailfoldServer]:
    """A server that sends to it."""
    needs(nats)
    settings = {
        "MAILFOLD_OUTBOUND_SENDING": "true",
        "MAILFOLD_OUTBOUND_PORT": str(outside.port),
        "MAILFOLD_OUTBOUND_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    with MailfoldServer(settings=settings) as running:
        yield running


def members(server: MailfoldServer) -> dict[str, dict[str, Any]]:
    return {member["address"]: member for member in server.command.json("list", "members", DEVS)}


def taken(outside: RemoteServer, recipient: str) -> TakenMail:
    """The mail for a recipient that the other server has taken."""
    until(lambda: any(recipient in mail.recipients for mail in outside.mails), f"mail for {recipient}")
    return next(mail for mail in outside.mails if recipient in mail.recipients)


def bounce(status: str) -> bytes:
    """A report of another server (RFC 3464)."""
    head = compose(f"MAILER-DAEMON@{ELSEWHERE}", DEVS, subject="Undelivered").data.partition(b"\r\n\r\n")[0]
    lines = (
        b"Auto-Submitted: auto-replied",
        b"MIME-Version: 1.0",
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        b"",
        b"--b",
        b"",
        b"It could not be delivered.",
        b"--b",
        b"Content-Type: message/delivery-status",
        b"",
        b"Reporting-MTA: dns; mx.elsewhere.example",
        b"",
        b"Final-Recipient: rfc822; dora@elsewhere.example",
        b"Action: failed",
        b"Status: %s" % status.encode(),
        b"",
        b"--b--",
        b"",
    )
    return head + b"\r\n" + b"\r\n".join(lines)


def test_copies_have_a_return_path_each_and_bounces_are_counted(server: MailfoldServer, outside: RemoteServer) -> None:
    ann: Person = server.people.person("ann")
    server.command("list", "add", DEVS, "--owner", ann.address)
    names = ("dora", "zoe", "gone", "strict")
    server.command("list", "join", DEVS, ann.address, *(f"{name}@{ELSEWHERE}" for name in names))
    sent = compose(ann.address, DEVS)
    with server.submissions(ann) as smtp:
        queue_id = smtp.send(ann.address, [DEVS], sent.data).queue_id
    mail = taken(outside, f"dora@{ELSEWHERE}")
    path = mail.mail.partition("<")[2].partition(">")[0]
    assert path.startswith(f"devs={members(server)[f'dora@{ELSEWHERE}']['id']}=") and path.endswith(f"@{DOMAIN}")
    assert path != taken(outside, f"zoe@{ELSEWHERE}").mail.partition("<")[2].partition(">")[0]
    assert fields(mail.data, "List-Id") == [f"<devs.{DOMAIN}>"] and not fields(mail.data, "Auto-Submitted")
    assert f"d={DOMAIN};" in fields(mail.data, "DKIM-Signature")[0] and mail.data.endswith(
        sent.data.partition(b"\r\n")[2]
    )

    gone, strict = f"gone@{ELSEWHERE}", f"strict@{ELSEWHERE}"
    until(lambda: members(server)[gone]["bounces"] == 1, "the bounce of gone")
    assert members(server)[gone]["last_status"] == "5.1.1"
    server.command.trace(queue_id, "bounced")

    def reply(recipient: str, sender: str, data: bytes) -> str:
        with server.smtp() as smtp:
            return str(smtp.send(sender, [recipient], data))

    name, _, proof = path.partition("@")[0].rpartition("=")
    assert reply(path, f"eve@{ELSEWHERE}", bounce("5.1.1")).startswith("550 5.7.1 ")
    forged = f"{name}={proof[:2]}{'b' * 8}@{DOMAIN}"
    assert reply(forged, "", bounce("5.1.1")).startswith("550 5.1.1 ")
    assert reply(path.upper().replace(DOMAIN.upper(), DOMAIN), "", bounce("5.7.1")).startswith("250 ")
    server.settled()
    assert members(server)[f"dora@{ELSEWHERE}"]["bounces"] == 0
    for _ in range(2):
        assert reply(path, "", bounce("5.2.1")).startswith("250 ")
    server.settled()
    assert members(server)[f"dora@{ELSEWHERE}"]["bounces"] == 1
    assert members(server)[strict]["bounces"] == 0
    with server.imap(ann) as imap:
        imap.wait_for(sent.message_id)
        assert len(imap.uids("ALL")) == 1, "the author gets the copy, and hears of no member"

    server.command("list", "pause", DEVS, f"dora@{ELSEWHERE}")
    assert set(server.command.json("list", "members", DEVS, "--paused")[0].items()) >= {("paused", True)}
    before = len([mail for mail in outside.mails if f"dora@{ELSEWHERE}" in mail.recipients])
    sent = compose(ann.address, DEVS)
    with server.submissions(ann) as smtp:
        assert smtp.send(ann.address, [DEVS], sent.data).queue_id
    until(lambda: sum(f"zoe@{ELSEWHERE}" in mail.recipients for mail in outside.mails) == 2, "the second post")
    assert len([mail for mail in outside.mails if f"dora@{ELSEWHERE}" in mail.recipients]) == before
    server.command("list", "resume", DEVS, f"dora@{ELSEWHERE}")
    assert members(server)[f"dora@{ELSEWHERE}"] == members(server)[f"dora@{ELSEWHERE}"] | {
        "paused": False,
        "bounces": 0,
    }
