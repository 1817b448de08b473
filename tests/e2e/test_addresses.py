"""Aliases of domains, catch-alls, wildcards and ends, by command and seen through SMTP, IMAP and log-ins."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from tests.harness.command import CommandFailed
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST

SENDER = f"carl@{HONEST}"
_numbers = itertools.count(1)


@pytest.fixture
def domain(server: MailfoldServer) -> str:
    """A domain of the test alone."""
    name = f"names{next(_numbers)}.example"
    server.command("domain", "add", name, "--incoming")
    return name


@pytest.fixture
def ann(server: MailfoldServer, domain: str) -> Person:
    return server.people.person("ann", domain=domain)


def refusal(server: MailfoldServer, recipient: str) -> str:
    with server.smtp() as smtp:
        return str(smtp.send(SENDER, [recipient], compose(SENDER, recipient).data))


def arrives(server: MailfoldServer, recipient: str, *people: Person) -> None:
    sent = compose(SENDER, recipient)
    with server.smtp() as smtp:
        assert smtp.send(SENDER, [recipient], sent.data).code == 250
    for person in people:
        with server.imap(person) as imap:
            imap.wait_for(sent.message_id)


def test_an_alias_of_a_domain_receives_sends_and_logs_in(server: MailfoldServer, domain: str, ann: Person) -> None:
    other = f"other-{domain}"
    server.command("domain", "add", other, "--incoming")
    server.command("domain", "alias", other, domain)
    aliased = ann.address.replace(domain, other)
    arrives(server, aliased, ann)
    arrives(server, aliased.replace("@", "+tag@"), ann)
    assert refusal(server, f"nobody@{other}").startswith("550 5.1.1 ")
    sent = compose(aliased, ann.address)
    with server.submissions(replace(ann, address=aliased)) as smtp:
        assert smtp.send(aliased, [aliased], sent.data).queue_id
    with server.imap(ann) as imap:
        imap.wait_for(sent.message_id)
    server.command("domain", "alias", other, "--off")
    until(lambda: refusal(server, aliased).startswith("550 5.1.1 "), "the end of the alias at the ingress")


def test_a_catch_all_and_wildcards(server: MailfoldServer, domain: str, ann: Person) -> None:
    bob = server.people.person("bob", domain=domain)
    assert refusal(server, f"anybody@{domain}").startswith("550 5.1.1 ")
    server.command("domain", "set", domain, "catch_all", ann.address)
    server.command("alias", "add", f"sales-*@{domain}", bob.address)
    arrives(server, f"anybody@{domain}", ann)
    arrives(server, f"Sales-EU@{domain}", bob)
    server.command("alias", "disable", f"sales-*@{domain}")
    until(lambda: refusal(server, f"sales-eu@{domain}").startswith("550 5."), "the disabled alias at the ingress")
    with pytest.raises(CommandFailed, match="disabled"):
        server.command("resolve", f"sales-eu@{domain}")
    way = server.command.json("resolve", f"anybody+x@{domain}")
    assert (way["result"], way["targets"]) == ("accounts", [ann.address])
    assert "catch-all" in way["steps"][0]["text"]


def test_an_alias_ends_at_its_time(server: MailfoldServer, domain: str, ann: Person) -> None:
    fair = f"fair@{domain}"
    server.command("alias", "add", fair, ann.address, "--until", "30d")
    arrives(server, fair, ann)
    with server.submissions(ann) as smtp:
        assert smtp.send(fair, [ann.address], compose(fair, ann.address).data).queue_id
    listed = server.command.json("alias", "show", fair)
    assert listed["ends_at"] > 0 and listed["ended"] is False
    server.command("alias", "until", fair, "never")
    assert server.command.json("alias", "show", fair)["ends_at"] == 0


def test_named_owners_send_as_an_alias(server: MailfoldServer, domain: str, ann: Person) -> None:
    bob = server.people.person("bob", domain=domain)
    info = f"info@{domain}"
    server.command("alias", "add", info, ann.address, bob.address, "--owner", bob.user)
    sent = compose(info, ann.address)
    with server.submissions(bob) as smtp:
        assert smtp.send(info, [ann.address], sent.data).queue_id
    with server.submissions(ann) as smtp:
        assert smtp.send(info, [bob.address], compose(info, bob.address).data).code == 553
    server.command("alias", "owners", info, ann.user, bob.user)
    with server.submissions(ann) as smtp:
        assert smtp.send(info, [bob.address], compose(info, bob.address).data).queue_id


def test_masquerading_lifts_the_check_in_the_domain(server: MailfoldServer, domain: str, ann: Person) -> None:
    boss = f"boss@{domain}"
    with server.submissions(ann) as smtp:
        assert smtp.send(boss, [ann.address], compose(boss, ann.address).data).code == 553
    server.command("domain", "set", domain, "masquerading", "on")
    with server.submissions(ann) as smtp:
        assert smtp.send(boss, [ann.address], compose(boss, ann.address).data).queue_id
    with server.submissions(ann) as smtp:
        assert smtp.send("boss@example.org", [ann.address], compose("boss@example.org", ann.address).data).code == 553
