"""Mailing lists through SMTP, IMAP and the command: posts, members here and elsewhere, refusals, loops."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from tests.e2e.received import fields, parsed
from tests.harness.mails import RenderedMail, compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST, SILENT

CARL = f"carl@{HONEST}"
_numbers = itertools.count(1)


@pytest.fixture
def domain(server: MailfoldServer) -> str:
    """A domain of the test alone."""
    name = f"lists{next(_numbers)}.example"
    server.command("domain", "add", name, "--incoming")
    return name


@pytest.fixture
def ann(server: MailfoldServer, domain: str) -> Person:
    """The owner of every list, and a member."""
    return server.people.person("ann", domain=domain)


def add_list(server: MailfoldServer, ann: Person, name: str, *members: str) -> str:
    address = f"{name}@{ann.address.partition('@')[2]}"
    server.command("list", "add", address, "--owner", ann.address, "--description", "The developers")
    if members:
        server.command("list", "join", address, *members)
    return address


def post(server: MailfoldServer, person: Person, *recipients: str, **parts: Any) -> tuple[RenderedMail, str]:
    """Submit a message to lists; returns it and its queue id."""
    sent = compose(person.address, recipients[0], **parts)
    with server.submissions(person) as smtp:
        queue_id = smtp.send(person.address, list(recipients), sent.data).queue_id
    assert queue_id
    server.settled()
    return sent, queue_id


def from_outside(server: MailfoldServer, sent: RenderedMail, sender: str, *recipients: str) -> str:
    with server.smtp() as smtp:
        return str(smtp.send(sender, list(recipients), sent.data))


def fetched(server: MailfoldServer, person: Person, sent: RenderedMail) -> bytes:
    with server.imap(person) as imap:
        return imap.fetch(imap.wait_for(sent.message_id))


def copies(server: MailfoldServer, person: Person, sent: RenderedMail) -> int:
    with server.imap(person) as imap:
        imap.select()
        return len(imap.uids("HEADER", "Message-ID", f'"{sent.message_id}"'))


def queued(server: MailfoldServer, queue_id: str) -> dict[str, str]:
    """The envelope senders of what waits for other servers, by recipient."""
    return {entry.recipient: entry.sender for entry in server.contracts.queue() if entry.queue_id == queue_id}


def test_a_post_goes_to_members_here_and_elsewhere(server: MailfoldServer, domain: str, ann: Person) -> None:
    bob = server.people.person("bob", domain=domain)
    devs = add_list(server, ann, "devs", ann.address, bob.address, CARL, f"dora@{HONEST}")
    sent, queue_id = post(server, ann, devs)
    copy = fetched(server, bob, sent)
    assert copy.endswith(sent.data)
    assert parsed(copy)["List-Id"] == f'"The developers" <devs.{domain}>'
    assert {name: fields(copy, name) for name in ("List-Post", "List-Help", "List-Unsubscribe", "Precedence")} == {
        "List-Post": [f"<mailto:{devs}>"],
        "List-Help": [f"<mailto:devs-owner@{domain}?subject=help>"],
        "List-Unsubscribe": [f"<mailto:devs-leave@{domain}>"],
        "Precedence": ["list"],
    }
    assert fields(copy, "Return-Path") == [f"<devs-bounces@{domain}>"] and not fields(copy, "Auto-Submitted")
    senders = queued(server, queue_id)
    assert set(senders) == {CARL, f"dora@{HONEST}"} and len(set(senders.values())) == 2
    assert all(sender.startswith("devs=n") and sender.endswith(f"@{domain}") for sender in senders.values())
    assert copies(server, ann, sent) == 1
    server.command.trace(queue_id, "list")


def test_only_proven_members_post(server: MailfoldServer, domain: str, ann: Person) -> None:
    devs = add_list(server, ann, "devs", ann.address, CARL, f"eve@{SILENT}")
    bob = server.people.person("bob", domain=domain)
    alias = server.people.alias("devs-by-alias", devs, domain=domain)
    until(lambda: "accounts" in server.command("resolve", alias), "the alias")
    for recipient in (devs, alias):
        with server.submissions(bob) as smtp:
            refusal = smtp.send(bob.address, [recipient], compose(bob.address, recipient).data)
        assert refusal.code == 550 and refusal.text.startswith("5.7.1 Only members"), refusal
    sent = compose(CARL, devs, signed_by=HONEST)
    assert from_outside(server, sent, CARL, devs).startswith("250 ")
    assert fetched(server, ann, sent).endswith(sent.data)
    forged = [
        compose(f"dora@{HONEST}", devs, signed_by=HONEST),  # proven, and no member
        compose(f"eve@{SILENT}", devs),  # a member, and not proven
        compose(ann.address, devs),  # written by a stranger
        compose(devs, devs),
    ]
    for mail in forged:
        assert from_outside(server, mail, CARL, devs).startswith("550 5.7.1 Only members"), mail
    assert from_outside(server, compose(CARL, devs, signed_by=HONEST), CARL, devs, ann.address).startswith("452 4.5.3")
    server.command("list", "set", devs, "members_only", "off")
    sent = compose(f"eve@{SILENT}", devs)
    until(lambda: from_outside(server, sent, f"eve@{SILENT}", devs).startswith("250 "), "an open list")
    fetched(server, ann, sent)


def test_bounces_automatic_replies_and_loops_are_refused(server: MailfoldServer, domain: str, ann: Person) -> None:
    devs = add_list(server, ann, "devs", ann.address, CARL)
    assert from_outside(server, compose(CARL, devs, signed_by=HONEST), "", devs).startswith("550 5.7.1 A mailing list")
    automatic = compose(CARL, devs, signed_by=HONEST, fields=(b"Auto-Submitted: auto-replied",))
    assert from_outside(server, automatic, CARL, devs).startswith("550 5.7.1 A mailing list takes no automatic")
    looping = compose(CARL, devs, signed_by=HONEST, fields=(b"List-Id: <devs.%s>" % domain.encode(),))
    assert from_outside(server, looping, CARL, devs).startswith("554 5.4.6 ")
    for mail in (automatic, looping):
        assert copies(server, ann, mail) == 0
    _, queue_id = post(server, ann, devs, fields=(b"List-Id: <devs.%s>" % domain.encode(),))
    server.command.trace(queue_id, "been on this mailing list already")
    with server.imap(ann) as imap:
        imap.select()
        until(lambda: bool(imap.uids("BODY", '"been on this mailing list already"')), "the report for the user")


def test_lists_in_lists_end_and_give_each_member_a_copy(server: MailfoldServer, domain: str, ann: Person) -> None:
    """A ring closes through an alias, which is not seen when the list is saved."""
    bob, eve = server.people.people("bob", "eve", domain=domain)
    inner = add_list(server, ann, "inner", bob.address, eve.address, CARL)
    outer = add_list(server, ann, "outer", ann.address, bob.address, CARL, inner)
    back = server.people.alias("back", outer, domain=domain)
    server.command("list", "join", inner, back)
    sent, queue_id = post(server, eve, outer)
    for person in (ann, bob, eve):
        fetched(server, person, sent)
        assert copies(server, person, sent) == 1
    assert fields(fetched(server, eve, sent), "List-Id") == [f'"The developers" <inner.{domain}>']
    assert fields(fetched(server, bob, sent), "List-Id") == [f'"The developers" <outer.{domain}>']
    assert list(queued(server, queue_id)) == [CARL]
    server.command.trace(queue_id, "been on this mailing list already")


def test_the_people_of_a_group_get_the_posts_and_may_post(server: MailfoldServer, domain: str, ann: Person) -> None:
    """The address of the group's account is a member like others; the group itself expands to its people."""
    bob, eve, zoe = server.people.people("bob", "eve", "zoe", domain=domain)
    team = f"team-{domain}"
    server.command("group", "add", team, bob.user, eve.user)
    server.command("account", "add", f"desk@{domain}", "--group", team)
    devs, owners = add_list(server, ann, "devs", ann.address, f"group:{team}"), f"owners@{domain}"
    add_list(server, ann, "owners", f"desk@{domain}", f"nobody-{domain}@{HONEST}")
    assert [member["address"] for member in server.command.json("list", "members", devs)][-1] == f"group:{team}"
    sent, _ = post(server, bob, devs)
    for person in (ann, bob, eve):
        assert fields(fetched(server, person, sent), "List-Id") == [f'"The developers" <devs.{domain}>']
    sent, _ = post(server, eve, owners)
    fetched(server, replace(eve, address=f"desk@{domain}*{eve.user}"), sent)
    assert (copies(server, bob, sent), copies(server, eve, sent)) == (0, 0)
    with server.submissions(zoe) as smtp:
        assert smtp.send(zoe.address, [devs], compose(zoe.address, devs).data).text.startswith("5.7.1 Only members")
    with server.submissions(bob) as smtp:
        leave = f"devs-leave@{domain}"
        assert smtp.send(bob.address, [leave], compose(bob.address, leave).data).text.startswith("5.7.1 Only a member")
    server.command("group", "leave", team, bob.user, eve.user)
    server.command("account", "remove", f"desk@{domain}", "--delete", "--yes")
    server.command("group", "remove", team)
    assert [member["address"] for member in server.command.json("list", "members", devs)] == [ann.address]
    with server.submissions(bob) as smtp:
        assert smtp.send(bob.address, [devs], compose(bob.address, devs).data).text.startswith("5.7.1 Only members")


def test_switches(server: MailfoldServer, domain: str, ann: Person) -> None:
    other = server.people.person("bob", domain=f"other-{domain}") if add_domain(server, f"other-{domain}") else ann
    devs = add_list(server, ann, "devs", ann.address, other.address, CARL)
    sent, _ = post(server, other, devs, ann.address)
    assert copies(server, ann, sent) == 2
    server.command("list", "set", devs, "skip_recipients", "on")
    server.command("list", "set", devs, "rewrite_author", "on")
    server.followed()
    foreign = (b"List-Id: <other.example.net>", b"List-Archive: <https://example.net/>")
    sent, _ = post(server, other, devs, ann.address, fields=foreign)
    assert copies(server, ann, sent) == 1
    copy = parsed(fetched(server, other, sent))
    assert copy["From"] == f'"{other.address.replace("@", " at ")} via The developers" <{devs}>'
    assert (copy["Reply-To"], copy.get_all("List-Id")) == (other.address, [f'"The developers" <devs.{domain}>'])
    assert "List-Archive" not in copy and copy.get_content() == parsed(sent.data).get_content()
    assert fields(fetched(server, ann, sent), "From") == [other.address]


def add_domain(server: MailfoldServer, name: str) -> bool:
    return name in server.command("domain", "add", name, "--incoming")


def test_members_leave_by_mail(server: MailfoldServer, domain: str, ann: Person) -> None:
    devs, leave = add_list(server, ann, "devs", ann.address, CARL), f"devs-leave@{domain}"
    eve = server.people.person("eve", domain=domain)
    with server.submissions(eve) as smtp:
        assert smtp.send(eve.address, [leave], compose(eve.address, leave).data).code == 550
    assert from_outside(server, compose(CARL, leave), f"eve@{SILENT}", leave).startswith("550 5.7.1 Only a member")
    assert from_outside(server, compose(CARL, leave, signed_by=HONEST), CARL, leave).startswith("250 ")
    post(server, ann, leave)
    server.settled()
    assert server.command.json("list", "members", devs) == []
