"""The largest message of a domain or an account: announced, refused early, and returned where others take it."""

from __future__ import annotations

import itertools

import pytest

from tests.harness.command import CommandFailed
from tests.harness.mails import bytes_of, compose
from tests.harness.server import MailfoldServer
from tests.harness.waiting import until
from tests.harness.zone import HONEST

CARL = f"carl@{HONEST}"
LIMIT = 100_000
_numbers = itertools.count(1)


def test_the_largest_message_of_a_domain(server: MailfoldServer) -> None:
    domain = f"small{next(_numbers)}.example"
    server.command("domain", "add", domain, "--incoming")
    with pytest.raises(CommandFailed, match="65536"):
        server.command("domain", "set", domain, "max_message_size", "1000")
    server.command("domain", "set", domain, "max_message_size", str(LIMIT))
    small, large = server.people.person("ann", domain=domain), server.people.person("bob")
    data = compose(CARL, small.address, body=bytes_of(150_000)).data

    def refused_at_recipient() -> str:
        with server.smtp() as smtp:
            assert int(smtp.extensions["SIZE"]) > LIMIT
            return str(smtp.send(CARL, [small.address], data, f" SIZE={len(data)}"))

    until(lambda: refused_at_recipient().startswith("552 5.2.3"), "the limit at the ingress")
    with server.smtp() as smtp:
        smtp.expect(250, f"MAIL FROM:<{CARL}> SIZE={len(data)}".encode())
        assert smtp.command(f"RCPT TO:<{small.address}>".encode()).code == 552
        smtp.expect(250, f"RCPT TO:<{large.address}>".encode())
        smtp.expect(354, b"DATA")
        assert smtp.data(data).queue_id
    with server.smtp() as smtp:
        assert str(smtp.send(CARL, [small.address], data)).startswith("552 5.2.3")
    both = compose(CARL, small.address, body=bytes_of(150_000))
    with server.smtp() as smtp:
        queue_id = smtp.send(CARL, [small.address, large.address], both.data).queue_id
    with server.imap(large) as imap:
        imap.wait_for(both.message_id)
    server.command.trace(queue_id, "5.2.3")
    with server.submission(small) as smtp:
        assert smtp.hello()["SIZE"] == str(LIMIT)
        assert str(smtp.command(f"MAIL FROM:<{small.address}> SIZE={LIMIT + 1}".encode())).startswith("552 5.3.4")
        mine = compose(small.address, large.address, body=bytes_of(150_000)).data
        assert str(smtp.send(small.address, [large.address], mine)).startswith("552 5.3.4")
    server.command("domain", "set", domain, "max_message_size", "0")
    until(lambda: refused_at_recipient().startswith("250 2.0.0"), "the end of the limit at the ingress")


def test_the_largest_message_of_an_account_and_of_an_application(server: MailfoldServer) -> None:
    small, large = server.people.person("ann"), server.people.person("bob")
    with pytest.raises(CommandFailed, match="65536"):
        server.command("account", "size", small.address, "1000")
    assert server.command.json("account", "size", small.address, "100000")["max_message_size"] == LIMIT
    assert server.command.json("account", "show", small.address)["max_message_size"] == LIMIT
    data = compose(CARL, small.address, body=bytes_of(150_000)).data

    def at_recipient(address: str) -> str:
        with server.smtp() as smtp:
            smtp.expect(250, f"MAIL FROM:<{CARL}> SIZE={len(data)}".encode())
            return str(smtp.command(f"RCPT TO:<{address}>".encode()))

    until(lambda: at_recipient(small.address).startswith("552 5.2.3"), "the limit at the ingress")
    assert at_recipient(large.address).startswith("250")
    both = compose(CARL, small.address, body=bytes_of(150_000))
    with server.smtp() as smtp:
        queue_id = smtp.send(CARL, [small.address, large.address], both.data).queue_id
    with server.imap(large) as imap:
        imap.wait_for(both.message_id)
    server.command.trace(queue_id, "5.2.3")
    with server.submission(small) as smtp:
        assert smtp.hello()["SIZE"] == str(LIMIT)
        assert str(smtp.command(f"MAIL FROM:<{small.address}> SIZE={LIMIT + 1}".encode())).startswith("552 5.3.4")
        mine = compose(small.address, large.address, body=bytes_of(150_000)).data
        assert str(smtp.send(small.address, [large.address], mine)).startswith("552 5.3.4")
    shop = server.command.json("application", "add", f"{small.user}.app@example.org", "--receives")["address"]
    limited = server.command.json("application", "size", shop, "64k")
    assert (limited["max_message_size"], limited["quota_messages"]) == (65_536, 0)
    assert server.command.json("application", "quota", shop, "1M", "--messages", "3")["quota_messages"] == 3
    until(lambda: at_recipient(shop).startswith("552 5.2.3"), "the limit of the application at the ingress")
    server.command("account", "size", small.address, "0")
    until(lambda: at_recipient(small.address).startswith("250"), "the end of the limit at the ingress")
