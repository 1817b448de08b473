"""App passwords and applications, by command and seen through SMTP and IMAP."""

from __future__ import annotations

import contextlib
import imaplib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.harness.command import CommandFailed
from tests.harness.imap import Imap
from tests.harness.mails import compose
from tests.harness.people import Person
from tests.harness.ports import SUBMISSIONS
from tests.harness.server import MailfoldServer
from tests.harness.smtp import Smtp
from tests.harness.waiting import until
from tests.harness.zone import HONEST
from tests.hostile.taken import on_disk

SENDER = f"carl@{HONEST}"


@pytest.fixture
def ann(server: MailfoldServer) -> Person:
    return server.people.person("ann")


def app_password(server: MailfoldServer, person: Person, name: str, *words: str) -> Any:
    return server.command.json("app-password", "add", person.user, "--name", name, *words)


def application(server: MailfoldServer, person: Person, *words: str) -> Person:
    """A new application, named after a person of this test."""
    made = server.command.json("application", "add", f"{person.user}.app@example.org", *words)
    return Person(made["address"], made["address"], made["id"], made["password"])


def smtp_log_in(server: MailfoldServer, person: Person) -> int:
    with Smtp(server.port(SUBMISSIONS), tls=server.tls()) as smtp:
        return smtp.log_in(person.address, person.password).code


def appended(server: MailfoldServer, person: Person) -> Any:
    """The event of a message that the person appended; None before it is in the event log."""
    rows = server.command.json_lines("events", "--type", "message.appended")
    return next((row for row in rows if person.account in str(row)), None)


@contextlib.contextmanager
def session(server: MailfoldServer, person: Person) -> Iterator[Imap]:
    """A session that the server will end; it is closed without LOGOUT."""
    imap = server.imap(person)
    try:
        yield imap
    finally:
        imap.connection.shutdown()


def test_an_app_password_opens_what_it_is_for_until_it_is_removed(server: MailfoldServer, ann: Person) -> None:
    made = app_password(server, ann, "Phone", "--scope", "imap", "--until", "90d", "--network", "127.0.0.0/8,::1/128")
    phone = replace(ann, password=made["password"])
    assert smtp_log_in(server, phone) == 535
    far = app_password(server, ann, "Far", "--scope", "imap,smtp", "--network", "192.0.2.0/24")
    assert smtp_log_in(server, replace(ann, password=far["password"])) == 535
    with session(server, phone) as imap, server.imap(ann) as other:
        imap.append("INBOX", compose(ann.address, ann.address).data)
        event = until(lambda: appended(server, ann), "the append in the event log")
        assert event["actor"]["credential"] == made["id"]
        assert on_disk(server.places.data, {made["password"].rpartition("-")[2]}) == set()
        server.command("app-password", "remove", ann.user, "Phone")
        assert imap.connection.readline() == b"* BYE This app password was removed\r\n"
        assert other.connection.noop()[0] == "OK"
    with pytest.raises(imaplib.IMAP4.error):
        server.imap(phone)
    (left,) = server.command.json("app-password", "list", ann.user)
    assert (left["name"], left["scopes"], left["networks"]) == ("Far", ["imap", "smtp"], ["192.0.2.0/24"])


def test_disabling_the_user_ends_a_submission_session_of_an_app_password(server: MailfoldServer, ann: Person) -> None:
    made = app_password(server, ann, "Laptop", "--scope", "smtp")
    laptop = replace(ann, password=made["password"])
    with server.submissions(laptop) as smtp:
        sent = compose(ann.address, ann.address)
        assert smtp.send(ann.address, [ann.address], sent.data).queue_id
        server.command("user", "disable", ann.user)

        def ended() -> bool:
            reply = smtp.command(f"MAIL FROM:<{ann.address}>".encode())
            if reply.code != 421:
                smtp.command(b"RSET")
            return reply.code == 421

        until(ended, "the end of the submission session")
    assert smtp_log_in(server, laptop) == 535
    server.command("user", "enable", ann.user)
    with server.imap(ann) as imap:
        imap.wait_for(sent.message_id)
    assert smtp_log_in(server, laptop) == 235


def test_an_application_sends_over_587_and_reads_nothing(server: MailfoldServer, ann: Person) -> None:
    shop = application(server, ann)
    sent = compose(shop.address, ann.address)
    with server.submission(shop) as smtp:
        assert smtp.send(shop.address, [ann.address], sent.data).queue_id
        assert smtp.send(ann.address, [ann.address], compose(ann.address, ann.address).data).code == 553
        assert smtp.send(shop.address, [ann.address], compose(ann.address, ann.address).data).code == 550
    with server.imap(ann) as imap:
        imap.wait_for(sent.message_id)
    with pytest.raises(imaplib.IMAP4.error):
        server.imap(shop)
    with server.smtp() as smtp:
        assert str(smtp.send(SENDER, [shop.address], compose(SENDER, shop.address).data)).startswith("550 5.2.1 ")
    with pytest.raises(CommandFailed, match="only sends"):
        server.command("resolve", shop.address)
    with pytest.raises(CommandFailed, match="it is an application"):
        server.command("alias", "add", shop.address, ann.address)


def test_an_application_that_receives_reads_its_mail_under_its_new_name(server: MailfoldServer, ann: Person) -> None:
    shop = application(server, ann, "--receives")
    store = replace(shop, address=f"{ann.user}-store.app@example.org")
    server.command("application", "rename", shop.address, store.address)
    sent = compose(SENDER, store.address)
    with server.smtp() as smtp:
        assert smtp.send(SENDER, [store.address], sent.data).code == 250
    with session(server, store) as imap:
        imap.wait_for(sent.message_id)
        server.command("application", "receives", store.address, "--off")
        assert imap.connection.readline() == b"* BYE This application may only send now\r\n"
    renewed = server.command.json("application", "password", store.address)
    assert smtp_log_in(server, store) == 535
    assert smtp_log_in(server, replace(store, password=renewed["password"])) == 235
    refusal = server.command.run("application", "remove", store.address)
    assert refusal.status == 2 and "--archive or --delete" in refusal.errors
    server.command("application", "remove", store.address, "--archive")
    assert smtp_log_in(server, replace(store, password=renewed["password"])) == 535
    assert server.command.json("archive", "show", store.address)["messages"] == 1
    back = server.command.json("application", "restore", store.address, "--limit", "9")
    assert (back["id"], back["receives"], back["mails_an_hour"]) == (shop.account, True, 9)
    with server.imap(replace(store, password=back["password"])) as imap:
        imap.wait_for(sent.message_id)
    removed = server.command.json("application", "remove", store.address, "--delete", "--yes")
    assert (removed["id"], removed["state"]) == (shop.account, "erased")


def test_an_application_sends_no_more_than_its_limit(server: MailfoldServer, ann: Person) -> None:
    shop = application(server, ann, "--limit", "2")
    with server.submission(shop) as smtp, server.submission(shop) as other:
        for client in (smtp, other):
            assert client.send(shop.address, [ann.address], compose(shop.address, ann.address).data).queue_id
        refused = smtp.send(shop.address, [ann.address], compose(shop.address, ann.address).data)
        assert str(refused).startswith("450 4.7.0 You may send 2 mails an hour")
    server.command("application", "limit", shop.address, "3")
    with server.submission(shop) as smtp:
        assert smtp.send(shop.address, [ann.address], compose(shop.address, ann.address).data).queue_id
        assert smtp.command(f"MAIL FROM:<{shop.address}>".encode()).code == 450
