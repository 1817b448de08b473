"""Mailing lists: forged and huge headers, floods of posts, loops through another installation, and forged bounces."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from tests.e2e.received import fields
from tests.harness.mails import RenderedMail, compose
from tests.harness.people import DOMAIN, Person
from tests.harness.ports import SMTP
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import ELSEWHERE, HONEST, sample_zone
from tests.hostile.test_smtp_floods import is_served
from tests.parts import nats
from tests.parts.required import needs

FIRST = "first.example"
CARL = f"carl@{HONEST}"
LIST_FIELDS = ("List-Id", "List-Post", "List-Help", "List-Owner", "List-Unsubscribe")
_numbers = itertools.count(1)
_MOST_FIELDS = 2_000


class Devs(NamedTuple):
    """A list with a member here, who owns it, and a member elsewhere."""

    address: str
    ann: Person


@pytest.fixture
def devs(server: MailfoldServer) -> Devs:
    ann, address = server.people.person("ann"), f"hostile{next(_numbers)}@{DOMAIN}"
    server.command("list", "add", address, "--owner", ann.address, "--description", "The developers")
    server.command("list", "join", address, ann.address, CARL)
    return Devs(address, ann)


def hand_in(server: MailfoldServer, sent: RenderedMail, sender: str, recipient: str) -> str:
    with server.smtp() as smtp:
        return str(smtp.send(sender, [recipient], sent.data))


def copies(server: MailfoldServer, person: Person, sent: RenderedMail) -> list[bytes]:
    with server.imap(person) as imap:
        imap.select()
        return [imap.fetch(uid) for uid in imap.uids("HEADER", "Message-ID", f'"{sent.message_id}"')]


def member(server: MailfoldServer, devs: Devs, address: str) -> dict[str, Any]:
    members = server.command.json("list", "members", devs.address)
    return next(entry for entry in members if entry["address"] == address)


def return_path(server: MailfoldServer, devs: Devs) -> str:
    """The return path of the member elsewhere: that of a post which waits in the queue."""
    sent = compose(devs.ann.address, devs.address)
    with server.submissions(devs.ann) as smtp:
        queue_id = smtp.send(devs.ann.address, [devs.address], sent.data).queue_id
    server.settled()
    return next(entry.sender for entry in server.contracts.queue() if entry.queue_id == queue_id)


def test_fields_that_a_poster_forges_for_the_list_are_replaced(server: MailfoldServer, devs: Devs) -> None:
    """Hundreds of them, written in every way that a reader may accept, lead nobody elsewhere."""
    evil = b"<https://evil.example/>"
    forged = [
        line
        for _ in range(60)
        for line in (
            b"List-Unsubscribe: " + evil,
            b"LIST-UNSUBSCRIBE:\r\n " + evil,
            b"List-Unsubscribe : " + evil,
            b"list-unsubscribe-post: List-Unsubscribe=One-Click",
            b"List-Post\t: " + evil,
            b"List-Help: " + evil,
            b"List-Id: Other <other.example>",
        )
    ]
    sent = compose(CARL, devs.address, signed_by=HONEST, fields=tuple(forged))
    assert hand_in(server, sent, CARL, devs.address).startswith("250 ")
    server.settled()
    (copy,) = copies(server, devs.ann, sent)
    assert b"evil.example" not in copy
    assert {name: len(fields(copy, name)) for name in LIST_FIELDS} == dict.fromkeys(LIST_FIELDS, 1)
    assert fields(copy, "List-Unsubscribe-Post") == []
    assert is_served(server, devs.ann)


@pytest.mark.parametrize(
    "mark",
    [
        b"List-Id: <%s>",
        b"list-id:\r\n\t=?utf-8?q?x?= (a <b@c>)\r\n <%s>",
        b"LIST-ID : %s",
        b"List-Id: <other.example>\r\nList-Id: <%s>",
    ],
)
def test_a_post_that_has_been_here_is_refused_however_it_is_written(
    server: MailfoldServer, devs: Devs, mark: bytes
) -> None:
    identifier = devs.address.replace("@", ".").upper().encode()
    sent = compose(CARL, devs.address, signed_by=HONEST, fields=(mark % identifier,))
    assert hand_in(server, sent, CARL, devs.address).startswith("554 5.4.6 ")
    assert copies(server, devs.ann, sent) == []


def test_the_largest_headers_are_distributed_or_refused_and_hold_nobody(server: MailfoldServer, devs: Devs) -> None:
    """As many fields, sets of seals and octets as a header may have; one more of each is refused."""
    words = b"x" * 60
    filled = tuple(b"X-Fill-%d: %s" % (number, words) for number in range(_MOST_FIELDS - 20))
    seals = tuple(b"ARC-Seal: i=%d; a=rsa-sha256; cv=pass; d=a.example; s=s; b=%s" % (n, words * 40) for n in range(70))
    folded = (b"Subject: " + b"\r\n ".join([words] * 3_000),)
    for extra in (filled, seals, folded):
        sent = compose(CARL, devs.address, signed_by=HONEST, fields=extra)
        assert hand_in(server, sent, CARL, devs.address).startswith("250 ")
        server.settled()
        (copy,) = copies(server, devs.ann, sent)
        assert copy.endswith(sent.data) and len(fields(copy, "List-Id")) == 1
        assert is_served(server, devs.ann)
    for extra in (filled * 2, seals * 3, folded * 3):
        sent = compose(CARL, devs.address, signed_by=HONEST, fields=extra)
        assert hand_in(server, sent, CARL, devs.address).startswith("552 "), extra[0][:20]
        assert copies(server, devs.ann, sent) == []


def test_a_flood_of_posts_reaches_each_member_once_and_others_meanwhile(server: MailfoldServer, devs: Devs) -> None:
    posts = [compose(devs.ann.address, devs.address) for _ in range(40)]
    with server.submissions(devs.ann) as smtp:
        for sent in posts:
            assert smtp.send(devs.ann.address, [devs.address], sent.data).queue_id
        assert is_served(server, server.people.person("eve"))
    server.settled()
    assert [len(copies(server, devs.ann, sent)) for sent in posts] == [1] * len(posts)


def test_forged_return_paths_count_for_nobody(server: MailfoldServer, devs: Devs) -> None:
    """A stranger who knows a list and a member guesses proofs, sends reports to them, and repeats a real one."""
    real = return_path(server, devs)
    name, _, proof = real.partition("@")[0].rpartition("=")
    other = f"hostile{next(_numbers)}"
    server.command("list", "add", f"{other}@{DOMAIN}", "--owner", devs.ann.address)
    guesses = [f"{name}={proof[:2]}{letter * 8}@{DOMAIN}" for letter in "abcdefghij"]
    guesses += [f"{name}=@{DOMAIN}", f"{name}={'a' * 200}@{DOMAIN}", f"{name}@{DOMAIN}"]
    guesses += [f"{other}={name.partition('=')[2]}={proof}@{DOMAIN}", real.replace(proof, proof[::-1])]
    for guess in guesses:
        with server.smtp() as smtp:
            reply = str(smtp.send("", [guess], report("5.1.1")))
        assert reply.startswith("5"), (guess, reply)
    for _ in range(20):
        assert hand_in(server, RenderedMail("", report("5.1.1")), "", real).startswith("250 ")
    server.settled()
    assert member(server, devs, CARL)["bounces"] == 1, "one day is one bounce"
    assert not member(server, devs, CARL)["paused"]


def report(status: str) -> bytes:
    """A report about a failed delivery (RFC 3464)."""
    head = compose(f"MAILER-DAEMON@{HONEST}", "devs@example.org").data.partition(b"\r\n\r\n")[0]
    return (
        head
        + b'\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\nMIME-Version: 1.0\r\n\r\n'
        + b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.honest.example\r\n\r\n"
        + b"Final-Recipient: rfc822; carl@honest.example\r\nAction: failed\r\nStatus: "
        + status.encode()
        + b"\r\n--b--\r\n"
    )


@pytest.fixture
def installations() -> Iterator[tuple[MailfoldServer, MailfoldServer]]:
    """Two servers that send to each other: of first.example, and of elsewhere.example."""
    needs(nats)
    zone = sample_zone()
    zone.add(FIRST, "MX", f"10 mx.{ELSEWHERE}.")
    first, second = MailfoldServer(zone=zone), MailfoldServer(zone=zone)
    for server, peer in ((first, second), (second, first)):
        server.extra |= {
            "MAILFOLD_OUTBOUND_SENDING": "true",
            "MAILFOLD_OUTBOUND_PORT": str(peer.offset + SMTP),
            "MAILFOLD_OUTBOUND_ALLOW_NETWORKS": "127.0.0.0/8",
        }
    with ExitStack() as running:
        yield running.enter_context(first), running.enter_context(second)


def test_lists_of_two_installations_in_each_other_end_after_one_round(
    installations: tuple[MailfoldServer, MailfoldServer],
) -> None:
    """Each list replaces the fields of the other, and takes posts of everybody: nothing else would end the loop."""
    first, second = installations
    first.command("domain", "add", FIRST, "--incoming")
    second.command("domain", "add", ELSEWHERE, "--incoming")
    ann, dora = first.people.person("ann", domain=FIRST), second.people.person("dora", domain=ELSEWHERE)
    lists = (
        (first, f"ours@{FIRST}", ann, f"theirs@{ELSEWHERE}"),
        (second, f"theirs@{ELSEWHERE}", dora, f"ours@{FIRST}"),
    )
    for server, address, owner, other in lists:
        server.command("list", "add", address, "--owner", owner.address)
        server.command("list", "join", address, owner.address, other)
        server.command("list", "set", address, "members_only", "off")
    sent = compose(ann.address, f"ours@{FIRST}")
    with first.submissions(ann) as smtp:
        smtp.send(ann.address, [f"ours@{FIRST}"], sent.data)
    with second.imap(dora) as imap:
        copy = imap.fetch(imap.wait_for(sent.message_id))
    assert fields(copy, "List-Id") == [f"<theirs.{ELSEWHERE}>"]
    for server in (second, first, second):
        server.settled()
        until(lambda server=server: not server.contracts.queue(), "the end of what an installation sends")  # type: ignore[misc]
    assert (len(copies(first, ann, sent)), len(copies(second, dora, sent))) == (1, 1)
    refused = until(
        lambda: second.command.json_lines("events", "--type", "outbound.bounced"), "the refusal of the loop"
    )
    assert len(refused) == 1 and "5.4.6" in str(refused[0])
